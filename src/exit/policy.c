/*
 * policy.c - the gates, forward and backward.
 *
 * A policy has one hidden layer of a few dozen units per exit, LTE a single unit
 * for all: small enough that every layer is a handful of short products.
 */
#include "exit/policy.h"

#include <string.h>

/* 1 / (1 + e^-u) without overflow; NaN stays NaN. */
static ofr_real sigmoid(ofr_real u)
{
    double e = exp(-fabs((double)u));
    return (ofr_real)((u >= 0 ? 1 : e) / (1 + e));
}

/* LTE has no hidden units: its only weights read c. */
static bool is_direct(const ofr_exit_at *at)
{
    return at->policy_w1 == OFR_PARAM_NONE;
}

/* u[B] and the hidden units of layer l (0-based) from c[B,C]. */
static void forward_layer(const ofr_encoder *encoder, ofr_dev *dev, int l, ofr_real *u,
                          ofr_real *hidden, ofr_real *pre, const ofr_real *c, int B)
{
    const ofr_exit_at *at = &encoder->params.exits[l];
    const ofr_real *w = encoder->w;
    int C = encoder->config.C, P = encoder->config.policy_hidden;
    if (is_direct(at)) {
        dev->ops.linear(dev, u, NULL, c, w + at->policy_w2, NULL, w + at->policy_b2, B, C,
                        1, OFR_ACT_NONE);
        return;
    }
    dev->ops.linear(dev, hidden, pre, c, w + at->policy_w1, NULL, w + at->policy_b1, B, C,
                    P, OFR_ACT_GELU);
    dev->ops.linear(dev, u, NULL, hidden, w + at->policy_w2, NULL, w + at->policy_b2, B,
                    P, 1, OFR_ACT_NONE);
}

void ofr_policy_stop(const ofr_encoder *encoder, ofr_dev *dev, int layer, ofr_real *pi,
                     ofr_real *hidden, const ofr_real *c, int B)
{
    OFR_ASSERT(layer >= 1 && layer < encoder->config.L);
    forward_layer(encoder, dev, layer - 1, pi, hidden, NULL, c, B);
    for (int b = 0; b < B; b++)
        pi[b] = sigmoid(pi[b]);
}

static void layout(ofr_slots *slots, void *owner)
{
    ofr_policies *policies = owner;
    const ofr_config *config = &policies->encoder->config;
    size_t rows = (size_t)(config->L - 1) * policies->max_B;
    size_t P = (size_t)config->policy_hidden;
    policies->pre = ofr_slots_take(slots, rows * P, sizeof(ofr_real));
    policies->hidden = ofr_slots_take(slots, rows * P, sizeof(ofr_real));
    policies->u = ofr_slots_take(slots, rows, sizeof(ofr_real));
    policies->dhidden =
        ofr_slots_take(slots, (size_t)policies->max_B * P, sizeof(ofr_real));
}

ofr_status ofr_policies_open(ofr_policies *policies, ofr_encoder *encoder, ofr_dev *dev,
                             int max_B, ofr_error *err)
{
    ofr_policies fresh = {.encoder = encoder, .dev = dev, .max_B = max_B};
    OFR_TRY(ofr_slots_open(&fresh.slots, layout, &fresh, "policy networks", err));
    *policies = fresh;
    return OFR_OK;
}

void ofr_policies_close(ofr_policies *policies)
{
    if (policies == NULL) return;
    ofr_slots_close(&policies->slots);
    memset(policies, 0, sizeof *policies);
}

void ofr_policies_forward(ofr_policies *policies, const ofr_real *c, int B)
{
    const ofr_config *config = &policies->encoder->config;
    size_t P = (size_t)config->policy_hidden;
    OFR_ASSERT(B <= policies->max_B);
    policies->B = B;
    policies->c_in = c;
    for (int l = 0; l < config->L - 1; l++) {
        size_t row = (size_t)l * B;
        forward_layer(policies->encoder, policies->dev, l, policies->u + row,
                      policies->hidden + row * P, policies->pre + row * P,
                      c + row * config->C, B);
    }
}

static bool all_zero(const ofr_real *x, int n)
{
    for (int i = 0; i < n; i++)
        if (x[i] != 0) return false;
    return true;
}

/* grads of w2 and b2 of layer l += , with x[B,I] what they read. */
static void unit_bwd(ofr_policies *policies, ofr_real *grads, int l, const ofr_real *du,
                     const ofr_real *x, int I)
{
    const ofr_exit_at *at = &policies->encoder->params.exits[l];
    ofr_dev *dev = policies->dev;
    dev->ops.gemm(dev, grads + at->policy_w2, I, (ofr_mat){du, 1, 1}, (ofr_mat){x, I, 1},
                  1, I, policies->B, true);
    dev->ops.col_sum(dev, grads + at->policy_b2, du, policies->B, 1);
}

/* A policy of layer l: grads +=; dc[B,C] += unless NULL. */
static void policy_bwd(ofr_policies *policies, ofr_real *grads, ofr_real *dc, int l,
                       const ofr_real *du)
{
    const ofr_encoder *encoder = policies->encoder;
    const ofr_exit_at *at = &encoder->params.exits[l];
    ofr_dev *dev = policies->dev;
    int B = policies->B, C = encoder->config.C, P = encoder->config.policy_hidden;
    size_t row = (size_t)l * B;
    ofr_real *dpre = policies->dhidden;
    unit_bwd(policies, grads, l, du, policies->hidden + row * P, P);
    dev->ops.gemm(dev, dpre, P, (ofr_mat){du, 1, 1},
                  (ofr_mat){encoder->w + at->policy_w2, P, 1}, B, P, 1, false);
    dev->ops.act_bwd(dev, dpre, dpre, policies->pre + row * P, (size_t)B * P,
                     OFR_ACT_GELU);
    dev->ops.gemm(dev, grads + at->policy_w1, C, (ofr_mat){dpre, 1, P},
                  (ofr_mat){policies->c_in + row * C, C, 1}, P, C, B, true);
    dev->ops.col_sum(dev, grads + at->policy_b1, dpre, B, P);
    if (dc != NULL)
        dev->ops.gemm(dev, dc, C, (ofr_mat){dpre, P, 1},
                      (ofr_mat){encoder->w + at->policy_w1, C, 1}, B, C, P, true);
}

void ofr_policies_backward_into(ofr_policies *policies, ofr_real *grads, ofr_real *dc,
                                const ofr_real *du)
{
    const ofr_encoder *encoder = policies->encoder;
    int B = policies->B, C = encoder->config.C;
    for (int l = 0; l < encoder->config.L - 1; l++) {
        size_t row = (size_t)l * B;
        if (all_zero(du + row, B)) continue;
        if (is_direct(&encoder->params.exits[l]))
            unit_bwd(policies, grads, l, du + row, policies->c_in + row * C, C);
        else
            policy_bwd(policies, grads, dc ? dc + row * C : NULL, l, du + row);
    }
}

void ofr_policies_backward(ofr_policies *policies, ofr_real *grads, const ofr_real *du)
{
    ofr_policies_backward_into(policies, grads, NULL, du);
}
