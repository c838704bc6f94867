/*
 * paired.h - how much better one method is than another at the same cost, with an
 * interval over the texts.
 *
 * The height of a curve between two knobs is that of a coin between them; so is the
 * side of a comparison: (1 - share) metric(low) + share metric(high).
 */
#ifndef OFR_EVAL_PAIRED_H
#define OFR_EVAL_PAIRED_H

#include "data/dataset.h"

typedef struct ofr_paired_side {
    const float *low, *high; /* [n] answers; the same when share is 0 */
    double share;
} ofr_paired_side;

typedef struct ofr_paired {
    ofr_paired_side a, b; /* of one seed */
} ofr_paired;

typedef struct ofr_paired_result {
    double difference, low, high; /* a - b; 95 % of the resamples lie between */
} ofr_paired_result;

/* Mean over seeds[n_seeds] of a - b, and its percentile bootstrap over the texts of
 * `data` (labels or targets, K): a resample is the same for both sides and all
 * seeds.  n_seeds == 0: not a number. */
ofr_status ofr_paired_bootstrap(ofr_paired_result *result, const ofr_paired *seeds,
                                int n_seeds, const ofr_dataset *data, ofr_metric metric,
                                int resamples, uint64_t seed, ofr_error *err);

#endif
