/*
 * compare_options.h - the options of `offramp compare`, and what they mean for one
 * run of one method.
 */
#ifndef OFR_CLI_COMPARE_OPTIONS_H
#define OFR_CLI_COMPARE_OPTIONS_H

#include "cli/data_hash.h"
#include "cli/sweep_run.h"
#include "cli/train_data.h"
#include "method/method.h"

#define OFR_COMPARE_METHODS_MAX 24
#define OFR_COMPARE_SEEDS_MAX 32

typedef struct ofr_compare_values {
    ofr_train_values train; /* first: its rows are shared, and the common options */
    const char *methods, *seeds, *test, *out;
    int epochs;
    int values, timed, timed_batch, timed_runs, resamples;
} ofr_compare_values;

extern const ofr_opt ofr_compare_rows[];

/* The lists, parsed.  OFR_INVALID for unknown, repeated or too many entries. */
typedef struct ofr_compare_plan {
    const ofr_compare_values *o;
    int n_methods, n_seeds;
    const ofr_method *methods[OFR_COMPARE_METHODS_MAX];
    uint64_t seeds[OFR_COMPARE_SEEDS_MAX];
    int reference; /* consistentee, or the first method: whose mean exit counts */
    const char *title; /* task, or name of the file that figures are of; borrowed */
} ofr_compare_plan;
ofr_status ofr_compare_parse(ofr_compare_plan *plan, const ofr_compare_values *values,
                             ofr_error *err);

/* Files that all runs learn from and report on. */
typedef struct ofr_compare_files {
    ofr_train_source train;
    ofr_eval_source report;
    ofr_data_hash hash; /* its paths are in the others */
} ofr_compare_files;

/* Finds `files`.  What would fail in every run: files that are not there, no task,
 * values that a method refuses. */
ofr_status ofr_compare_check(ofr_compare_files *files, const ofr_compare_plan *plan,
                             ofr_error *err);

/* "OUT/runs/METHOD.SEED" */
ofr_status ofr_compare_dir(char out[OFR_PATH_MAX], const ofr_compare_plan *plan,
                           int method, int seed, ofr_error *err);
/* The options of `train` and `sweep` for one run; dir is borrowed. */
void ofr_compare_train(ofr_train_values *train, const ofr_compare_plan *plan, int method,
                       int seed, const char *dir);
void ofr_compare_sweep(ofr_sweep_values *sweep, const ofr_compare_plan *plan, int method,
                       const char *dir);

/* OUT/compare.json holds the options that every run has, and digests of its files.
 * Written when it is not there; otherwise OFR_INVALID names the first option or file
 * that differs.  Methods and seeds may differ: a comparison can grow. */
ofr_status ofr_compare_settle(const ofr_compare_values *values, const ofr_data_hash *data,
                              ofr_error *err);
/* The command that makes or continues the comparison. */
void ofr_compare_command(ofr_buf *out, const ofr_compare_values *values);

#endif
