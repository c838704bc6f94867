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

const ofr_rule ofr_rule_fixed = {
    .name = "fixed",
    .knob = "leave at this layer",
    .rising = true,
    .default_threshold = 1,
    .min = 1,
    .max = 512,
    .decide = decide,
};
