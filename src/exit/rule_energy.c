/*
 * rule_energy.c - COSEE: leave when 1 / (1 + sum_k e^(z_k)) is below the threshold.
 *
 * The free energy of the logits: unlike a probability it sees how large they are,
 * not only how far apart.
 */
#include "exit/rule.h"

/* With s = ln sum e^z: 1 / (1 + e^s), which neither overflows nor hides a NaN. */
static double energy(const ofr_real *z, int K)
{
    double m = (double)z[ofr_argmax(z, K)], S = 0, s;
    for (int k = 0; k < K; k++)
        S += exp((double)z[k] - m);
    s = m + log(S);
    return s > 0 ? exp(-s) / (1 + exp(-s)) : 1 / (1 + exp(s));
}

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)state;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * view->K;
        stop[i] = view->K > 1 && energy(z, view->K) < threshold;
    }
}

static void range(int L, int K, double *safest, double *fastest)
{
    (void)L;
    *safest = 1e-5;
    *fastest = 1.0 / (1 + (K > 1 ? K : 2)); /* all logits zero */
}

const ofr_rule ofr_rule_energy = {
    .name = "energy",
    .knob = "leave when 1 / (1 + sum of e^logits) is below it",
    .needs_logits = true,
    .classes_only = true,
    .default_threshold = 0.1,
    .min = 0,
    .max = 1,
    .scale = OFR_SCALE_LOG,
    .range = range,
    .decide = decide,
};
