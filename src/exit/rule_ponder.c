/*
 * rule_ponder.c - PALBERT's Q-exit: leave at the first layer where the probability
 * of having stopped by now passes the threshold.
 *
 *   Q_l = 1 - prod_{j<=l} (1 - pi_j) > threshold
 *
 * At 0.5 this is the median of the exit distribution, and needs no sampling.
 */
#include "exit/rule.h"

typedef struct ponder_state {
    double stopped; /* Q of the layers before */
} ponder_state;

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    ponder_state *texts = state;
    for (int i = 0; i < view->n; i++) {
        texts[i].stopped += (1 - texts[i].stopped) * (double)view->pi[i];
        stop[i] = texts[i].stopped > threshold;
    }
}

const ofr_rule ofr_rule_ponder = {
    .name = "ponder",
    .knob = "leave when the probability of having stopped by now is above it",
    .needs_policy = true,
    .rising = true,
    .default_threshold = 0.5,
    .min = 0,
    .max = 1,
    .scale = OFR_SCALE_EVEN,
    .state_bytes = sizeof(ponder_state),
    .decide = decide,
};
