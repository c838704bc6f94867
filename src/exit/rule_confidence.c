/* rule_confidence.c - leave when the largest probability is above the threshold.
 * A regression has no probabilities: it never leaves early. */
#include "exit/rule.h"

/* max p = 1 / sum e^(z - max z); NaN when any logit is. */
static double max_probability(const ofr_real *z, int K)
{
    double m = (double)z[ofr_argmax(z, K)], S = 0;
    for (int k = 0; k < K; k++)
        S += exp((double)z[k] - m);
    return 1 / S;
}

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)state;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * view->K;
        stop[i] = view->K > 1 && max_probability(z, view->K) > threshold;
    }
}

/* From almost certain to a little above an even guess. */
static void range(int L, int K, double *safest, double *fastest)
{
    (void)L;
    *safest = 0.9999;
    *fastest = K > 1 ? 1.0 / K : 0.5;
}

const ofr_rule ofr_rule_confidence = {
    .name = "confidence",
    .knob = "leave when the largest probability is above it",
    .needs_logits = true,
    .classes_only = true,
    .rising = true,
    .default_threshold = 0.9,
    .min = 0,
    .max = 1,
    .scale = OFR_SCALE_LOG_TO_ONE,
    .range = range,
    .decide = decide,
};
