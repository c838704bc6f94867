/*
 * example_method.c - the method and the rule of docs/ADDING-A-METHOD.md.
 *
 *   loss = sum_l w_l CE_l,  w_l = 1 / L      every exit counts the same
 *   leave when p_1st - p_2nd > threshold     the two most probable classes
 */
#include "method/exits.h"

/* ---- the rule: one function and a row ------------------------------------------ */

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    const int K = view->K;

    (void)state; /* nothing to remember from layer to layer */
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * (size_t)K;
        const int best = ofr_argmax(z, K);
        double sum = 0, second = 0;

        for (int k = 0; k < K; k++) {
            const double e = exp((double)z[k] - (double)z[best]);

            sum += e;
            if (k != best && e > second) second = e;
        }
        stop[i] = (1 - second) / sum > threshold;
    }
}

const ofr_rule ofr_rule_margin = {
    .name = "margin",
    .knob = "leave when the first class is this much more probable than the second",
    .needs_logits = true,
    .classes_only = true,
    .rising = true,
    .default_threshold = 0.8,
    .min = 0,
    .max = 1,
    .scale = OFR_SCALE_EVEN,
    .decide = decide,
};

/* ---- the method: a step, a table of phases and a row ---------------------------- */

static void step_even(ofr_trainer *trainer, void *self, ofr_step *step)
{
    ofr_exits *e = self;

    if (step->B == 0) return; /* a rank without texts in this batch */
    ofr_exits_forward(e, trainer, step);
    for (int l = 1; l <= e->L; l++)
        ofr_exits_add(e, step, l, 1.0 / e->L);
    ofr_trainer_backward(trainer, &e->net);
}

static const ofr_phase phases[] = {
    {"even", ofr_exits_plan, NULL, step_even, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const ofr_method ofr_method_even = {
    .name = "even",
    .summary = "all exits alike; leave when the first class is far ahead",
    .rule = &ofr_rule_margin,
    .all_exits = true,
    .options = "joint-epochs",
    .open = ofr_exits_open,
    .result = ofr_exits_result,
    .close = ofr_exits_close,
    .phases = phases,
};
