/* rule_fixed.c - every text leaves at the same layer: the floor that any learned
 * rule has to beat at equal cost. */
#include <string.h>

#include "exit/rule.h"

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)state;
    memset(stop, view->layer >= threshold, (size_t)view->n);
}

static void range(int L, int K, double *safest, double *fastest)
{
    (void)K;
    *safest = L;
    *fastest = 1;
}

const ofr_rule ofr_rule_fixed = {
    .name = "fixed",
    .knob = "leave at this layer",
    .rising = true,
    .default_threshold = 1,
    .min = 1,
    .max = 512,
    .scale = OFR_SCALE_WHOLE,
    .range = range,
    .decide = decide,
};
