/*
 * eval_data.h - the texts that a finished model is measured on: options, file,
 * columns, metric.
 */
#ifndef OFR_CLI_EVAL_DATA_H
#define OFR_CLI_EVAL_DATA_H

#include "base/file.h"
#include "cli/load.h"
#include "data/dataset.h"

typedef struct ofr_eval_data {
    const char *task, *data, *dev;
    const char *text, *pair, *label;
    bool no_header, skip_bad_rows;
    int max_length;
    bool unlabelled; /* set by a verb, no option: right answers are not needed */
} ofr_eval_data;

/* AT(member) is the offset of a member of the ofr_eval_data in the verb's struct. */
#define OFR_EVAL_DATA_ROWS(AT)                                                        \
    {"task", 0, OFR_OPT_TEXT, AT(task), NULL, "NAME", NULL, 0, 0,                     \
     "a known task (sst2, rte, mrpc, ...); the one it was trained on if absent", NULL}, \
    {"data", 'd', OFR_OPT_TEXT, AT(data), NULL, "DIR", NULL, 0, 0,                    \
     "folder that holds the task's dev file, or the file", NULL},               \
    {"dev", 0, OFR_OPT_TEXT, AT(dev), NULL, "FILE", NULL, 0, 0,                       \
     "the file itself: .tsv, .csv or .jsonl", NULL},                                  \
    {"text", 0, OFR_OPT_TEXT, AT(text), NULL, "COL", NULL, 0, 0,                      \
     "column of the text, by name or number from 0, in a file of your own", NULL},    \
    {"text-pair", 0, OFR_OPT_TEXT, AT(pair), NULL, "COL", NULL, 0, 0,                 \
     "column of the second text", NULL},                                              \
    {"label", 0, OFR_OPT_TEXT, AT(label), NULL, "COL", NULL, 0, 0,                    \
     "column of the right answer", NULL},                                             \
    {"no-header", 0, OFR_OPT_FLAG, AT(no_header), NULL, NULL, NULL, 0, 0,             \
     "the first line of the file is data", NULL},                                     \
    {"skip-bad-rows", 0, OFR_OPT_FLAG, AT(skip_bad_rows), NULL, NULL, NULL, 0, 0,     \
     "count bad rows instead of stopping at the first", NULL},                        \
    {"max-length", 0, OFR_OPT_INT, AT(max_length), "0", "N", NULL, 0, 1 << 24,        \
     "cut texts to N tokens; 0: as in training", NULL}

/* The file, where its columns are, and how to score. */
typedef struct ofr_eval_source {
    char path[OFR_PATH_MAX];
    ofr_columns columns;
    ofr_metric metric, metric2;
    const char *name; /* for reports; may point into path */
} ofr_eval_source;

/* What the options mean for a model with this config; --data may be the file
 * itself.  OFR_INVALID, OFR_NOT_FOUND. */
ofr_status ofr_eval_data_find(ofr_eval_source *source, const ofr_eval_data *options,
                              const ofr_config *config, ofr_error *err);
/* Its texts, with the model's classes; remarks on cut texts and bad rows.  Caller
 * closes.  OFR_INVALID: the model was trained on pairs, and the rows are none. */
ofr_status ofr_eval_data_open(ofr_dataset *data, const ofr_eval_source *source,
                              const ofr_loaded *model, ofr_error *err);

#endif
