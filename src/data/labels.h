/* labels.h - class names of a data set: collected from a file, or given. */
#ifndef OFR_DATA_LABELS_H
#define OFR_DATA_LABELS_H

#include "base/map.h"
#include "data/dataset.h"
#include "io/table.h"

/* data->K and data->label_names (copied into its arena) from names[K]. */
ofr_status ofr_labels_take(ofr_dataset *data, const char *const *names, int K,
                           ofr_error *err);

/* "-": those who labelled SNLI and MultiNLI did not agree.  Of a task it is no class. */
bool ofr_label_is_none(ofr_str label);

/* The distinct non-empty labels of a column, without those that are none when it is a
 * task's: in numeric order when all are numbers, otherwise in byte order.  Fewer than two
 * classes: OFR_FORMAT. */
ofr_status ofr_labels_collect(ofr_dataset *data, const ofr_table *table, int column,
                              bool of_task, const char *path, ofr_error *err);

/* Name -> class; keys are borrowed from `data`. */
ofr_status ofr_labels_map(ofr_map *map, const ofr_dataset *data, ofr_error *err);

#endif
