/* rule_policy.c - ConsistentEE: leave at the first layer whose policy network gives
 * stopping more than the threshold (METHOD: inference). */
#include "exit/rule.h"

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)state;
    for (int i = 0; i < view->n; i++)
        stop[i] = (double)view->pi[i] > threshold;
}

const ofr_rule ofr_rule_policy = {
    .name = "policy",
    .knob = "leave when the policy's probability of stopping is above it",
    .needs_policy = true,
    .rising = true,
    .default_threshold = 0.5,
    .min = 0,
    .max = 1,
    .scale = OFR_SCALE_EVEN,
    .decide = decide,
};
