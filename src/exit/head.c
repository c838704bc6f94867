/*
 * head.c - pooler and classifier of every layer, forward and backward.
 *
 * Training holds all layers of a batch side by side, so that a shared pooler is
 * one product over [L*B,C] rows, and its weight gradient one product as well.
 * The classifiers are small and go layer by layer.
 */
#include "exit/head.h"

#include <string.h>

#include "base/rng.h"

void ofr_head_pool(const ofr_encoder *encoder, ofr_dev *dev, int layer, ofr_real *c,
                   const ofr_real *cls, int B)
{
    const ofr_exit_at *at = &encoder->params.exits[layer - 1];
    const ofr_packed *packed = ofr_encoder_packed_pooler(encoder, layer);
    int C = encoder->config.C;
    dev->ops.linear(dev, c, NULL, cls, packed ? NULL : encoder->w + at->pool_w, packed,
                    encoder->w + at->pool_b, B,
                    C, C, encoder->config.pooler_act);
}

void ofr_head_logits(const ofr_encoder *encoder, ofr_dev *dev, int layer, ofr_real *z,
                     const ofr_real *c, int B)
{
    const ofr_exit_at *at = &encoder->params.exits[layer - 1];
    dev->ops.linear(dev, z, NULL, c, encoder->w + at->head_w, NULL,
                    encoder->w + at->head_b, B, encoder->config.C, encoder->config.K,
                    OFR_ACT_NONE);
}

static void layout(ofr_slots *slots, void *owner)
{
    ofr_heads *heads = owner;
    const ofr_config *config = &heads->encoder->config;
    size_t rows = (size_t)config->L * heads->max_B;
    heads->pre = ofr_slots_take(slots, rows * config->C, sizeof(ofr_real));
    heads->c = ofr_slots_take(slots, rows * config->C, sizeof(ofr_real));
    heads->dropped = ofr_slots_take(slots, rows * config->C, sizeof(ofr_real));
    heads->dc = ofr_slots_take(slots, rows * config->C, sizeof(ofr_real));
    heads->z = ofr_slots_take(slots, rows * config->K, sizeof(ofr_real));
}

ofr_status ofr_heads_open(ofr_heads *heads, ofr_encoder *encoder, ofr_dev *dev, int max_B,
                          ofr_error *err)
{
    ofr_heads fresh = {.encoder = encoder, .dev = dev, .max_B = max_B};
    OFR_TRY(ofr_slots_open(&fresh.slots, layout, &fresh, "internal classifiers", err));
    *heads = fresh;
    return OFR_OK;
}

void ofr_heads_close(ofr_heads *heads)
{
    if (heads == NULL) return;
    ofr_slots_close(&heads->slots);
    memset(heads, 0, sizeof *heads);
}

/* Dropout of layer l (0-based): its own key, so that layers differ and a layer
 * can be run alone. */
static ofr_drop layer_drop(const ofr_heads *heads, int l)
{
    ofr_drop drop = heads->drop;
    drop.key = ofr_rng_mix32(heads->drop_key, 0x48454144u + (uint32_t)l); /* "HEAD" */
    return drop;
}

void ofr_heads_forward(ofr_heads *heads, ofr_real *cls, int B, bool training,
                       uint32_t drop_key)
{
    const ofr_encoder *encoder = heads->encoder;
    const ofr_config *config = &encoder->config;
    ofr_dev *dev = heads->dev;
    const ofr_real *w = encoder->w;
    int L = config->L, C = config->C, K = config->K;
    size_t step = (size_t)B * C;
    double p = training ? config->head_dropout : 0;
    OFR_ASSERT(B <= heads->max_B);
    heads->B = B;
    heads->cls_in = cls;
    heads->drop_key = drop_key;
    heads->drop = (ofr_drop){.threshold = (uint32_t)(p * 4294967296.0),
                             .scale = (ofr_real)(1 / (1 - p)),
                             .first = (uint32_t)(heads->texts_before * (size_t)C)};

    bool shared = config->pooler == OFR_POOLER_SHARED;
    int first = config->heads == OFR_HEAD_STUDENT ? L - 1 : 0;
    for (int l = first; l < (shared ? first + 1 : L); l++) {
        const ofr_exit_at *at = &encoder->params.exits[l];
        int R = shared ? (L - first) * B : B;
        dev->ops.linear(dev, heads->c + l * step, heads->pre + l * step, cls + l * step,
                        w + at->pool_w, NULL, w + at->pool_b, R, C, C,
                        config->pooler_act);
    }
    for (int l = first; l < L; l++) {
        const ofr_exit_at *at = &encoder->params.exits[l];
        const ofr_real *x = heads->c + l * step;
        if (heads->drop.threshold > 0) {
            dev->ops.dropout(dev, heads->dropped + l * step, x, step,
                             layer_drop(heads, l));
            x = heads->dropped + l * step;
        }
        dev->ops.linear(dev, heads->z + (size_t)l * B * K, NULL, x, w + at->head_w, NULL,
                        w + at->head_b, B, C, K, OFR_ACT_NONE);
    }
}

/* Through the classifier and the dropout of layer l: grads +=, dc_l = . */
static void classifier_bwd(ofr_heads *heads, ofr_real *grads, const ofr_real *dz, int l)
{
    const ofr_encoder *encoder = heads->encoder;
    ofr_dev *dev = heads->dev;
    int B = heads->B, C = encoder->config.C, K = encoder->config.K;
    const ofr_exit_at *at = &encoder->params.exits[l];
    size_t step = (size_t)B * C;
    bool drops = heads->drop.threshold > 0;
    const ofr_real *x = (drops ? heads->dropped : heads->c) + l * step;
    ofr_real *dc = heads->dc + l * step;
    ofr_mat dz_rows = {dz, K, 1}, dz_cols = {dz, 1, K};
    dev->ops.gemm(dev, grads + at->head_w, C, dz_cols, (ofr_mat){x, C, 1}, K, C, B, true);
    dev->ops.col_sum(dev, grads + at->head_b, dz, B, K);
    dev->ops.gemm(dev, dc, C, dz_rows, (ofr_mat){encoder->w + at->head_w, C, 1}, B, C, K,
                  false);
    if (drops) dev->ops.dropout(dev, dc, dc, step, layer_drop(heads, l));
    if (heads->dc_more) dev->ops.add(dev, dc, heads->dc_more + l * step, step);
}

/* Through the pooler of n layers from l on, which share it when n > 1. */
static void pooler_bwd(ofr_heads *heads, ofr_real *grads, ofr_real *dcls, int l, int n)
{
    const ofr_encoder *encoder = heads->encoder;
    ofr_dev *dev = heads->dev;
    int R = n * heads->B, C = encoder->config.C;
    const ofr_exit_at *at = &encoder->params.exits[l];
    size_t first = (size_t)l * heads->B * C;
    ofr_real *dpre = heads->dc + first;
    dev->ops.act_bwd(dev, dpre, dpre, heads->pre + first, (size_t)R * C,
                     encoder->config.pooler_act);
    dev->ops.gemm(dev, grads + at->pool_w, C, (ofr_mat){dpre, 1, C},
                  (ofr_mat){heads->cls_in + first, C, 1}, C, C, R, true);
    dev->ops.col_sum(dev, grads + at->pool_b, dpre, R, C);
    dev->ops.gemm(dev, dcls + first, C, (ofr_mat){dpre, C, 1},
                  (ofr_mat){encoder->w + at->pool_w, C, 1}, R, C, C, false);
}

static bool all_zero(const ofr_real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0) return false;
    return true;
}

/* Does nothing flow back from layer l (0-based)? */
static bool is_idle(const ofr_heads *heads, const ofr_real *dz, int l)
{
    size_t step = (size_t)heads->B * heads->encoder->config.C;
    size_t z_step = (size_t)heads->B * heads->encoder->config.K;
    return all_zero(dz + l * z_step, z_step) &&
           (!heads->dc_more || all_zero(heads->dc_more + l * step, step));
}

int ofr_heads_backward(ofr_heads *heads, ofr_real *grads, ofr_real *dcls,
                       const ofr_real *dz)
{
    const ofr_config *config = &heads->encoder->config;
    int B = heads->B, L = config->L;
    size_t step = (size_t)B * config->C, z_step = (size_t)B * config->K;
    bool shared = config->pooler == OFR_POOLER_SHARED;
    int top = 0;
    for (int l = 0; l < L;) {
        if (is_idle(heads, dz, l)) {
            memset(dcls + l * step, 0, step * sizeof *dcls);
            l++;
            continue;
        }
        int n = 1; /* a run of layers that share the pooler's product */
        while (shared && l + n < L && !is_idle(heads, dz, l + n))
            n++;
        for (int i = l; i < l + n; i++)
            classifier_bwd(heads, grads, dz + i * z_step, i);
        pooler_bwd(heads, grads, dcls, l, n);
        l += n;
        top = l;
    }
    return top;
}
