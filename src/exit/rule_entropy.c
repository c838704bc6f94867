/*
 * rule_entropy.c - leave when the classifier's entropy H is below the threshold:
 * in nats (DeeBERT), or as a share of its largest value ln K (FastBERT's "speed").
 */
#include "exit/rule.h"

static void decide_nats(double threshold, void *state, const ofr_exit_view *view,
                        unsigned char *stop)
{
    (void)state;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * view->K;
        stop[i] = view->K > 1 && ofr_entropy(z, view->K) < threshold;
    }
}

static void range_nats(int L, int K, double *safest, double *fastest)
{
    (void)L;
    *safest = 1e-4;
    *fastest = log(K > 1 ? K : 2);
}

const ofr_rule ofr_rule_entropy = {
    .name = "entropy",
    .knob = "leave when the entropy in nats is below it",
    .needs_logits = true,
    .classes_only = true,
    .default_threshold = 0.3,
    .min = 0,
    .max = 20,
    .scale = OFR_SCALE_LOG,
    .range = range_nats,
    .decide = decide_nats,
};

static void decide_share(double threshold, void *state, const ofr_exit_view *view,
                         unsigned char *stop)
{
    (void)state;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * view->K;
        stop[i] = view->K > 1 && ofr_entropy(z, view->K) / log(view->K) < threshold;
    }
}

static void range_share(int L, int K, double *safest, double *fastest)
{
    (void)L;
    (void)K;
    *safest = 1e-4;
    *fastest = 1;
}

const ofr_rule ofr_rule_speed = {
    .name = "speed",
    .knob = "leave when the entropy, as a share of its largest value, is below it",
    .needs_logits = true,
    .classes_only = true,
    .default_threshold = 0.5,
    .min = 0,
    .max = 1,
    .scale = OFR_SCALE_LOG,
    .range = range_share,
    .decide = decide_share,
};
