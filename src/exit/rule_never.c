/* rule_never.c - run every text to the last layer: the full model. */
#include <string.h>

#include "exit/rule.h"

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    (void)threshold, (void)state;
    memset(stop, 0, (size_t)view->n);
}

const ofr_rule ofr_rule_never = {
    .name = "never",
    .knob = "ignored: every text runs to the last layer",
    .default_threshold = 0,
    .min = -HUGE_VAL,
    .max = HUGE_VAL,
    .decide = decide,
};
