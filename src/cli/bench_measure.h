/*
 * bench_measure.h - times of one setting: model, threads, batch, tokens.
 *
 * Cases of a setting (full depth, forced exits, rules, with and without
 * regrouping) take turns on the same texts, so that a change of clock speed or a
 * noisy neighbour hits them alike.
 */
#ifndef OFR_CLI_BENCH_MEASURE_H
#define OFR_CLI_BENCH_MEASURE_H

#include "cli/bench_lists.h"
#include "cli/bench_model.h"
#include "exit/run.h"

typedef enum ofr_bench_exit {
    OFR_BENCH_FULL, /* layer L answers               */
    OFR_BENCH_RULE, /* the rule decides              */
    OFR_BENCH_AT,   /* all leave at one layer        */
    OFR_BENCH_MIX   /* exits drawn from a histogram  */
} ofr_bench_exit;

/* What to measure; arrays are borrowed. */
typedef struct ofr_bench_plan {
    int batch, tokens;          /* tokens per text; unused with lengths        */
    const int *lengths;         /* [n_lengths] tokens of each text, or NULL    */
    int n_lengths, first;       /* the first repeat begins with text `first`   */
    int texts;                  /* per repeat, in batches; at least 1          */
    int repeat, warmup;
    uint64_t seed;
    const ofr_rule *rule;       /* NULL: no case with a rule; the others ask
                                   `never`, or this one and overrule it        */
    double threshold;
    bool whole_layers;          /* never ask before a layer is whole */
    const int *exit_at;         /* [n_exit_at] layers */
    int n_exit_at;
    const double *mix;          /* [L] weights, or NULL */
    const int *low;             /* [n_low] tokens below which texts wait; 0 alone:
                                   no regrouping */
    int n_low;
} ofr_bench_plan;

typedef struct ofr_bench_case {
    ofr_bench_exit exit;
    int at, low, stream;        /* which of plan->low */
    double *ms;                 /* [repeat] ascending once finished              */
    double *in_turn;            /* [repeat] the same in the order of measurement */
    double mean, median, p95;   /* ms of a repeat                                */
    double typical;             /* the median; where every repeat is another piece
                                   of work (lengths), the mean                   */
    double texts, tokens, flops; /* per repeat, on average; FLOPs as they were done */
    ofr_exit_count *seen;       /* [L] what the runner expects of this case      */
    double mean_exit;
    double time_share;          /* of the first case's time, which is full depth with
                                   the rule, if there is one, asked and overruled */
} ofr_bench_case;

enum { OFR_BENCH_CASES = 2 * OFR_BENCH_LIST };

typedef struct ofr_bench_result {
    ofr_bench_case cases[OFR_BENCH_CASES];
    int n;
    size_t peak_bytes;          /* resident at most while it was measured; 0:
                                   not known */
} ofr_bench_result;

/* OFR_INVALID: a layer or a text that the model does not have.  Caller closes the
 * result, also after a failure. */
ofr_status ofr_bench_measure(ofr_bench_result *result, ofr_bench_model *model,
                             const ofr_bench_plan *plan, ofr_error *err);
void ofr_bench_result_close(ofr_bench_result *result);

#endif
