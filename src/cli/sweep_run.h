/*
 * sweep_run.h - one finished model swept: texts, rules, prices, timings, records.
 *
 * What `offramp sweep` does, and `offramp compare` for every model it trained.
 */
#ifndef OFR_CLI_SWEEP_RUN_H
#define OFR_CLI_SWEEP_RUN_H

#include "cli/cmd.h"
#include "cli/eval_data.h"
#include "cli/origin.h"
#include "report/curve_record.h"

typedef struct ofr_sweep_job {
    const char *model;
    ofr_eval_data data;       /* the reported texts                              */
    const char *tune;         /* file of texts to choose knobs on; NULL: none    */
    bool tune_held;           /* or the texts that training held out             */
    const char *rules;        /* names with commas; NULL: all that fit; "stored" */
    const char *alphas;       /* prices to fit policies to; NULL: none           */
    int values, timed, batch, runs;
    uint64_t seed;            /* of the random floor and the order of timings    */
    int threads;
    ofr_term *term;
    const char *command;      /* as shown beside the numbers; NULL: none         */
    const char *out;          /* where files will be written; NULL: nowhere      */
} ofr_sweep_job;

/* The options of `offramp sweep`. */
typedef struct ofr_sweep_values {
    ofr_cmd_common common;
    ofr_sweep_job job;
} ofr_sweep_values;
extern const ofr_opt ofr_sweep_rows[]; /* cmd_sweep.c */

typedef struct ofr_sweep_run {
    const ofr_sweep_job *job;
    ofr_loaded m;
    ofr_eval_source source;
    ofr_origin origin;
    ofr_dataset report, other, held, train; /* open when n > 0; other: --tune      */
    const ofr_dataset *tune;  /* one of them, or NULL */
    int n_rules;
    const ofr_rule *rules[OFR_SWEEP_CURVES_MAX];
    ofr_sweep sweep;
    int n_lines;
    ofr_sweep_line lines[OFR_SWEEP_CURVES_MAX + 1];
    int main_line;            /* of the stored rule, with its prices if any,     */
    int main_first, main_end; /* and the curves it was made of                   */
    double area_to;           /* what every line that saves anything can save    */
    int policy_texts, policy_dev_texts; /* see prices.h: n_texts, n_dev           */
    double pass_seconds, replay_seconds;
    char name[64];            /* METHOD.SEED, as far as they are known */
    char processor[128];
} ofr_sweep_run;

/* --rules LIST; "stored" is `stored`.  OFR_INVALID. */
ofr_status ofr_sweep_rules(const ofr_rule *rules[OFR_SWEEP_CURVES_MAX], int *n,
                           const char *list, const ofr_rule *stored, ofr_error *err);

/* All of it but the files.  Caller closes.  OFR_INTERRUPTED when the flag of
 * stop.h rose. */
ofr_status ofr_sweep_run_open(ofr_sweep_run *run, const ofr_sweep_job *job,
                              ofr_error *err);
void ofr_sweep_run_close(ofr_sweep_run *run);

/* The JSON lines of the run, into buffers of their own kind. */
typedef struct ofr_sweep_lines {
    ofr_buf runs, points, curves, oracles, csv;
} ofr_sweep_lines;
void ofr_sweep_lines_init(ofr_sweep_lines *lines);
void ofr_sweep_lines_free(ofr_sweep_lines *lines);
void ofr_sweep_run_records(const ofr_sweep_run *run, ofr_sweep_lines *lines);
/* dir/name = what is in `buf`. */
ofr_status ofr_sweep_write(const char *dir, const char *name, const ofr_buf *buf,
                           ofr_error *err);
/* dir/report.html of the records in `dir`; a page that can not be made is a warning. */
void ofr_sweep_page(const char *dir, const char *command);

/* all += the lines of records.jsonl. */
void ofr_sweep_lines_join(ofr_buf *all, const ofr_sweep_lines *lines);
/* "offramp sweep ...", as that would be typed. */
void ofr_sweep_command(ofr_buf *out, const ofr_sweep_values *values);

#endif
