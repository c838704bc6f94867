/* rule_entropy.c - DeeBERT: leave when the classifier's entropy, in nats, is below
 * the threshold.  A regression has no entropy: it never leaves early. */
#include "exit/rule.h"

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)state;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * view->K;
        stop[i] = view->K > 1 && ofr_entropy(z, view->K) < threshold;
    }
}

const ofr_rule ofr_rule_entropy = {
    .name = "entropy",
    .knob = "leave when the entropy in nats is below it",
    .needs_logits = true,
    .default_threshold = 0.3,
    .min = 0,
    .max = 20,
    .decide = decide,
};
