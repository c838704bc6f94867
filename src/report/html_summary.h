/*
 * html_summary.h - an evaluation as numbers: what the headline and the exits of a
 * report are made from.
 */
#ifndef OFR_REPORT_HTML_SUMMARY_H
#define OFR_REPORT_HTML_SUMMARY_H

#include "io/json.h"
#include "report/html_page.h"

/* NaN, NULL: not known.  Arrays are [L], layer 1 first. */
typedef struct ofr_summary {
    int n, L;
    const char *task, *metric, *metric2, *rule;
    double score, score_full, score2, score2_full;
    double accuracy, accuracy_full;
    double mean_exit, saved, layer_speedup, flops, threshold, overthinking;
    double error_limit; /* regression: an error below it counts as right */
    double ms, ms_full, ms_p95, ms_full_p95;
    double random_score, random_deviation, fixed_layer, fixed_score;
    double oracle_accuracy, oracle_exit;
    double *histogram, *exit_accuracy, *layer_accuracy, *layer_score, *calibration;
    const char **labels; /* [K] class names */
    int K;
} ofr_summary;

/* From the object of `offramp eval --json`; texts and arrays live in the page.
 * OFR_FORMAT names file, key and both values. */
ofr_status ofr_summary_read(ofr_summary *summary, ofr_page *page, const json_t *json,
                            const char *name, ofr_error *err);
/* One that knows nothing of a model with L layers; false: no memory. */
bool ofr_summary_init(ofr_summary *summary, ofr_page *page, int L);

/* Is every right answer worth the same, so that accuracies are scores? */
bool ofr_summary_counts(const ofr_summary *summary);

#endif
