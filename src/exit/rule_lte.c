/* rule_lte.c - BERxiT: leave at the first layer whose answer is, by the estimate of
 * the learned module, wrong with a probability below the threshold. */
#include "exit/rule.h"

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)state;
    for (int i = 0; i < view->n; i++)
        stop[i] = (double)view->pi[i] < threshold;
}

const ofr_rule ofr_rule_lte = {
    .name = "lte",
    .knob = "leave when the estimated probability of being wrong is below it",
    .needs_policy = true,
    .gate = OFR_GATE_LTE,
    .default_threshold = 0.3,
    .default_value = 0.5, /* |tanh(error)| of an error of 0.55 */
    .min = 0,
    .max = 1,
    .scale = OFR_SCALE_EVEN,
    .decide = decide,
};
