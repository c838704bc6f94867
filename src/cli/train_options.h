/*
 * train_options.h - the options of `offramp train`: rows, config files, and the
 * record that --resume reads.
 */
#ifndef OFR_CLI_TRAIN_OPTIONS_H
#define OFR_CLI_TRAIN_OPTIONS_H

#include "cli/cmd.h"
#include "io/json.h"
#include "method/options.h"

typedef struct ofr_train_values {
    ofr_cmd_common common;
    const char *model, *out, *method_name;
    const char *task, *data, *train, *dev;
    const char *text, *pair, *label;
    bool regression, no_header, skip_bad_rows;
    double dev_split;
    int max_length, limit_train;
    const char *tensorboard;
    const char *config;
    bool resume, overwrite;
    bool keep_first;  /* no options: one run after another may share its first */
    const char *fork; /* phase, see train.h                                    */
    ofr_method_options method;
} ofr_train_values;

/* Rows that other verbs have too; V(member) is the offset of a member of the
 * ofr_train_values in the verb's struct. */
#define OFR_TRAIN_TASK_ROWS(V)                                                        \
    {"task", 0, OFR_OPT_TEXT, V(task), NULL, "NAME", NULL, 0, 0,                      \
     "a known task: sst2, mrpc, qqp, rte, qnli, mnli, mnlimm (dev_mismatched), snli, " \
     "wnli, cola, stsb, mcid, stackoverflow, clinc150",                               \
     NULL},                                                                           \
    {"data", 'd', OFR_OPT_TEXT, V(data), NULL, "DIR", NULL, 0, 0,                     \
     "folder that holds train.tsv and dev.tsv", NULL},                                \
    {"train", 0, OFR_OPT_TEXT, V(train), NULL, "FILE", NULL, 0, 0,                    \
     "training texts: .tsv, .csv or .jsonl", NULL}

#define OFR_TRAIN_COLUMN_ROWS(V)                                                      \
    {"text", 0, OFR_OPT_TEXT, V(text), NULL, "COL", NULL, 0, 0,                       \
     "column of the text, by name or number from 0, in files of your own", NULL},     \
    {"text-pair", 0, OFR_OPT_TEXT, V(pair), NULL, "COL", NULL, 0, 0,                  \
     "column of the second text", NULL},                                              \
    {"label", 0, OFR_OPT_TEXT, V(label), NULL, "COL", NULL, 0, 0,                     \
     "column of the right answer", NULL},                                             \
    {"regression", 0, OFR_OPT_FLAG, V(regression), NULL, NULL, NULL, 0, 0,            \
     "the answers are numbers to be met, not classes", NULL},                         \
    {"no-header", 0, OFR_OPT_FLAG, V(no_header), NULL, NULL, NULL, 0, 0,              \
     "the first line of the files is data", NULL},                                    \
    {"skip-bad-rows", 0, OFR_OPT_FLAG, V(skip_bad_rows), NULL, NULL, NULL, 0, 0,      \
     "count bad rows instead of stopping at the first", NULL},                        \
    {"max-length", 0, OFR_OPT_INT, V(max_length), "128", "N", NULL, 4, 1 << 20,       \
     "cut texts to N tokens", NULL},                                                  \
    {"limit-train", 0, OFR_OPT_INT, V(limit_train), "0", "N", NULL, 0, 1 << 30,       \
     "learn from a sample of N training texts, drawn by the seed; 0: all", NULL}

enum { OFR_TRAIN_ROWS_MAX = 128 };
extern const ofr_opt ofr_train_rows[]; /* at most so many, and the end */

/* Values from a JSON object; options that the command line gave stay.  Texts point
 * into `object`, which must live as long as `values`; a number given for one becomes
 * a text there.  OFR_INVALID names file and key, and suggests the nearest. */
ofr_status ofr_train_read_config(ofr_train_values *values, const bool *is_set,
                                 json_t *object, const char *path, ofr_error *err);

/* "offramp train ..." with every option that differs from its default, quoted for a
 * shell. */
void ofr_train_command(ofr_buf *out, const ofr_train_values *values);

/* out/train.json: every option that decides the course of the run. */
ofr_status ofr_train_write_config(const ofr_train_values *values, ofr_error *err);

#endif
