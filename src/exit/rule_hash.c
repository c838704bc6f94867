/* rule_hash.c - HashEE: each token leaves where a table of the model says (METHOD:
 * HashEE).  Nothing is asked between layers; the threshold moves the whole table. */
#include <string.h>

#include "exit/rule.h"

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)threshold, (void)state;
    memset(stop, 0, (size_t)view->n);
}

static void range(int L, int K, double *safest, double *fastest)
{
    (void)K;
    *safest = L - 1;
    *fastest = 1 - L;
}

const ofr_rule ofr_rule_hash = {
    .name = "hash",
    .knob = "layers added to where the table lets a token leave",
    .by_token = true,
    .rising = true,
    .default_threshold = 0,
    .min = -512,
    .max = 512,
    .scale = OFR_SCALE_WHOLE,
    .range = range,
    .decide = decide,
};
