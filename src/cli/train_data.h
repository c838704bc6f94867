/*
 * train_data.h - which files `train` learns from, and their texts.
 */
#ifndef OFR_CLI_TRAIN_DATA_H
#define OFR_CLI_TRAIN_DATA_H

#include "base/file.h"
#include "cli/train_options.h"
#include "data/dataset.h"

typedef struct ofr_train_source {
    const ofr_task *task; /* NULL: columns of one's own */
    ofr_columns columns;
    ofr_metric metric, metric2;
    const char *title;    /* task, or name of the file that dev figures are of */
    char train[OFR_PATH_MAX], dev[OFR_PATH_MAX];
    bool has_dev;         /* no: a part of the training texts is held out */
} ofr_train_source;

/* Files, columns and metric that the options mean.  OFR_INVALID, OFR_NOT_FOUND. */
ofr_status ofr_train_find(ofr_train_source *source, const ofr_train_values *values,
                          ofr_error *err);

/* Both sets of texts: --limit-train takes a seeded sample of the training file,
 * --dev-split holds a seeded part of that sample out.  Caller closes both. */
ofr_status ofr_train_open_data(ofr_dataset *train, ofr_dataset *dev,
                               const ofr_train_source *source,
                               const ofr_train_values *values, const ofr_tok *tok,
                               int max_tokens, ofr_error *err);

#endif
