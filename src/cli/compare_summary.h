/*
 * compare_summary.h - what all runs of a comparison say together.
 *
 * Costs at which methods are compared: 25, 50 and 75 % of the layers saved, and what
 * the reference method saves at the operating point it was trained for (of the same
 * seed).  A figure that one seed can not give is no figure of the method.
 */
#ifndef OFR_CLI_COMPARE_SUMMARY_H
#define OFR_CLI_COMPARE_SUMMARY_H

#include "cli/compare_options.h"
#include "cli/compare_result.h"
#include "eval/paired.h"

#define OFR_COMPARE_COSTS (OFR_LINE_AT + 1)

typedef struct ofr_compare_runs {
    const ofr_compare_plan *plan;
    /* by method and seed */
    bool ok[OFR_COMPARE_METHODS_MAX][OFR_COMPARE_SEEDS_MAX];
    ofr_error error[OFR_COMPARE_METHODS_MAX][OFR_COMPARE_SEEDS_MAX];
    ofr_compare_result of[OFR_COMPARE_METHODS_MAX][OFR_COMPARE_SEEDS_MAX];
} ofr_compare_runs;

typedef struct ofr_compare_mean {
    double mean, std;
} ofr_compare_mean;

typedef struct ofr_compare_summary {
    int n_ok; /* seeds that succeeded; 0: nothing below is meant */
    ofr_compare_mean full, score, random, saved, mean_exit; /* operating point */
    ofr_compare_mean area, random_area;
    ofr_compare_mean at[OFR_COMPARE_COSTS], random_at[OFR_COMPARE_COSTS];
    ofr_compare_mean lost_saved[OFR_LINE_AT], lost_score[OFR_LINE_AT];
    ofr_compare_mean first_score, first_saved, agree_score, agree_saved; /* oracles */
    ofr_paired_result against_full[OFR_COMPARE_COSTS], against_first[OFR_COMPARE_COSTS];
} ofr_compare_summary;

typedef struct ofr_compare_whole {
    double area_to;             /* what every curve that saves anything can save */
    ofr_compare_mean reference_saved;
    ofr_metric metric;
    int n_layers, n_texts;
    int full_method;            /* finetune, or -1: every method's own layer L */
    ofr_compare_summary of[OFR_COMPARE_METHODS_MAX];
} ofr_compare_whole;

/* OFR_FORMAT: runs that were measured on different texts.  OFR_NOMEM. */
ofr_status ofr_compare_summarize(ofr_compare_whole *whole, const ofr_compare_runs *runs,
                                 ofr_error *err);

#endif
