/*
 * compare_result.h - what a finished run leaves for the tables of a comparison.
 *
 * One file per run, so that tables are made of the same numbers whether the run was
 * done now or before an interruption.
 */
#ifndef OFR_CLI_COMPARE_RESULT_H
#define OFR_CLI_COMPARE_RESULT_H

#include "cli/sweep_run.h"

/* Places in `figures`. */
enum {
    OFR_RESULT_FULL,        /* score of layer L on the reported texts...      */
    OFR_RESULT_TUNE_FULL,   /* ...and on the tuning texts                     */
    OFR_RESULT_SCORE,       /* of the operating point that the model came with */
    OFR_RESULT_SAVED, OFR_RESULT_MEAN_EXIT, OFR_RESULT_RANDOM,
    OFR_RESULT_FIRST_SCORE, OFR_RESULT_FIRST_SAVED, /* oracles */
    OFR_RESULT_AGREE_SCORE, OFR_RESULT_AGREE_SAVED,
    OFR_RESULT_LAYERS, OFR_RESULT_CLASSES, OFR_RESULT_REGRESSION, OFR_RESULT_METRIC,
    OFR_RESULT_FIGURES
};

typedef struct ofr_compare_result {
    double figures[OFR_RESULT_FIGURES];
    int n;                   /* points of the main line */
    int n_texts, n_pool;
    double *saved, *score, *random; /* [n] of the main line                     */
    double *tune_saved, *tune_score, *pool_saved, *pool_score; /* [n_pool] all
                                points that it was chosen from                  */
    float *answers;          /* [n+1, n_texts] of the full model, then of [n]   */
    float *labels;           /* [n_texts] classes or values                     */
    ofr_slots slots;
} ofr_compare_result;

/* From a sweep that has just been made.  Caller closes. */
ofr_status ofr_compare_result_of(ofr_compare_result *result, ofr_sweep_run *run,
                                 ofr_error *err);
ofr_status ofr_compare_result_save(const ofr_compare_result *result, const char *path,
                                   ofr_error *err);
ofr_status ofr_compare_result_load(ofr_compare_result *result, const char *path,
                                   ofr_error *err);
void ofr_compare_result_close(ofr_compare_result *result);

#endif
