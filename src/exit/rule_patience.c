/*
 * rule_patience.c - PABEE: leave when consecutive classifiers agreed often enough.
 *
 *   cnt = (argmax z_l == argmax z_{l-1}) ? cnt + 1 : 0;  leave when cnt == threshold
 *
 * so the earliest layer is threshold + 1, and threshold 0 means the full model.
 * A regression (K == 1) leaves when |y_l - y_{l-1}| < threshold.  Logits with a
 * NaN agree with nothing.
 */
#include <stdint.h>

#include "exit/rule.h"

typedef struct patience_state {
    int32_t last; /* argmax of the layer before, plus 1; 0: none */
    int32_t count;
    ofr_real value; /* regression: answer of the layer before */
} patience_state;

static bool has_nan(const ofr_real *z, int K)
{
    for (int k = 0; k < K; k++)
        if (z[k] != z[k]) return true;
    return false;
}

static bool decide_class(patience_state *text, double threshold, const ofr_real *z, int K)
{
    int32_t now = has_nan(z, K) ? 0 : 1 + ofr_argmax(z, K);
    text->count = now != 0 && now == text->last ? text->count + 1 : 0;
    text->last = now;
    return text->count > 0 && threshold > 0 && text->count >= threshold;
}

static bool decide_value(patience_state *text, double threshold, ofr_real y)
{
    bool stop = text->last != 0 && fabs((double)y - (double)text->value) < threshold;
    text->last = 1;
    text->value = y;
    return stop;
}

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    patience_state *texts = state;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * view->K;
        stop[i] = view->K > 1 ? decide_class(&texts[i], threshold, z, view->K)
                              : decide_value(&texts[i], threshold, z[0]);
    }
}

/* Classes: L - 1 layers that agree leave at layer L.  Regression: a distance. */
static void range(int L, int K, double *safest, double *fastest)
{
    *safest = K > 1 ? (L > 1 ? L - 1 : 1) : 1e-3;
    *fastest = K > 1 ? 1 : 10;
}

const ofr_rule ofr_rule_patience = {
    .name = "patience",
    .knob = "leave after this many further layers that agree",
    .needs_logits = true,
    .rising = true,
    .default_threshold = 2,
    .default_value = 0.1,
    .min = 0,
    .max = 512,
    .scale = OFR_SCALE_WHOLE,
    .range = range,
    .state_bytes = sizeof(patience_state),
    .decide = decide,
};
