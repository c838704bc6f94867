/*
 * task.h - table of known tasks: names, files, columns, labels, metrics.
 */
#ifndef OFR_DATA_TASK_H
#define OFR_DATA_TASK_H

#include <stdbool.h>

#include "base/status.h"

typedef enum ofr_metric {
    OFR_METRIC_ACCURACY, OFR_METRIC_F1, OFR_METRIC_MATTHEWS, OFR_METRIC_PEARSON,
    OFR_METRIC_SPEARMAN
} ofr_metric;

/* Columns are alternatives "name|name|number", in this order: names of the header,
 * numbers from 0; "-1" is the last column. */
typedef struct ofr_task {
    const char *name;        /* "sst2", "mrpc"; compared without case, '-', '_'   */
    const char *folder;      /* usual folder below a GLUE directory: "SST-2"      */
    bool has_header;
    const char *text, *pair, *label; /* pair NULL: single texts                   */
    const char *dev_file;    /* "dev.tsv"; MNLI: "dev_matched.tsv"                */
    ofr_metric metric;       /* the score                                         */
    ofr_metric metric2;      /* a second one to print, or the same                */
    bool regression;
} ofr_task;

/* NULL-terminated by name == NULL. */
extern const ofr_task ofr_tasks[];

/* OFR_INVALID lists the names and suggests the nearest. */
ofr_status ofr_task_find(const ofr_task **out, const char *name, ofr_error *err);

/* "accuracy" and so on. */
const char *ofr_metric_name(ofr_metric metric);

/* Path of the train or dev file: dir/FILE, or dir/FOLDER/FILE if that exists.
 * which: "train", "dev", "test".  out[OFR_PATH_MAX]. */
ofr_status ofr_task_file(const ofr_task *task, const char *dir, const char *which,
                         char *out, ofr_error *err);

#endif
