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
    const char *config;
    bool resume, overwrite;
    ofr_method_options method;
} ofr_train_values;

extern const ofr_opt ofr_train_rows[];

/* Values from a JSON object; options that the command line gave stay.  Texts
 * point into `json`, which must live as long as `values`.  OFR_INVALID names file
 * and key, and suggests the nearest. */
ofr_status ofr_train_read_config(ofr_train_values *values, const bool *is_set,
                                 const json_t *json, const char *path, ofr_error *err);

/* "offramp train ..." with every option that differs from its default, quoted for a
 * shell. */
void ofr_train_command(ofr_buf *out, const ofr_train_values *values);

/* out/train.json: every option that decides the course of the run. */
ofr_status ofr_train_write_config(const ofr_train_values *values, ofr_error *err);

#endif
