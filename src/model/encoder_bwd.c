/*
 * encoder_bwd.c - the way back, from any set of layers.
 *
 * The gradient of the loss by a layer's output comes from two sides: from the
 * layer above, and, at the class rows, from the layer's own exit.  Letters and
 * derivations: docs/backward/attention.md, layernorm.md, gelu.md.
 *
 *   x   -> qkv -> att -> [out] -> drop -> s1 = . + x   -> LN -> y1
 *   y1  -> pre -> mid -> [down] -> drop -> s2 = . + y1 -> LN -> y2
 */
#include <string.h>

#include "model/encoder_inner.h"

void ofr_product_bwd(ofr_dev *dev, ofr_real *dx, const ofr_real *dy, ofr_product p,
                     bool accumulate)
{
    ofr_mat dy_columns = {dy, 1, p.O}, dy_rows = {dy, p.O, 1};
    ofr_mat x = {p.x, p.I, 1}, w = {p.w, p.I, 1};
    dev->ops.gemm(dev, p.dw, p.I, dy_columns, x, p.O, p.I, p.N, true);
    dev->ops.col_sum(dev, p.db, dy, p.N, p.O);
    dev->ops.gemm(dev, dx, p.I, dy_rows, w, p.N, p.I, p.O, accumulate);
}

/* dy before the dropout of `place`; the same array when nothing is dropped. */
static const ofr_real *drop_bwd(ofr_trace *trace, ofr_real *out, const ofr_real *dy,
                                size_t n, int layer, ofr_drop_place place)
{
    ofr_drop drop = ofr_trace_drop(trace, layer, place);
    if (drop.threshold == 0) return dy;
    trace->dev->ops.dropout(trace->dev, out, dy, n, drop);
    return out;
}

/* The MLP half: dx holds dL/dy2, and afterwards dL/dy1. */
static void mlp_bwd(ofr_trace *trace, ofr_real *grads, int layer, int N)
{
    const ofr_encoder *encoder = trace->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_layer_at *at = &encoder->params.layers[layer - 1];
    const ofr_layer_acts *a = &trace->acts[layer - 1];
    const ofr_real *w = encoder->w;
    ofr_dev *dev = trace->dev;
    ofr_real *dx = trace->dx, *dmid = trace->dmid;
    size_t n = (size_t)N * (size_t)c->C;

    dev->ops.layernorm_bwd(dev, dx, grads + at->ln2_g, grads + at->ln2_b, dx, a->s2,
                           a->mean2, a->rstd2, w + at->ln2_g, N, c->C);
    const ofr_real *d_down = drop_bwd(trace, trace->dy, dx, n, layer, OFR_DROP_MLP_OUT);
    ofr_product down = {N, c->F, c->C, w + at->down_w, a->mid, grads + at->down_w,
                        grads + at->down_b};
    ofr_product_bwd(dev, dmid, d_down, down, false);
    dev->ops.act_bwd(dev, dmid, dmid, a->pre, (size_t)N * (size_t)c->F, c->act);
    ofr_product up = {N, c->C, c->F, w + at->up_w, a->y1, grads + at->up_w,
                      grads + at->up_b};
    ofr_product_bwd(dev, dx, dmid, up, true);
}

void ofr_trace_attention_bwd(ofr_trace *trace, ofr_real *grads, int layer)
{
    const ofr_encoder *encoder = trace->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_layer_at *at = &encoder->params.layers[layer - 1];
    const ofr_layer_acts *a = &trace->acts[layer - 1];
    ofr_dev *dev = trace->dev;
    int N = trace->tokens.offsets[trace->tokens.B];
    dev->ops.attention_bwd(dev, trace->dqkv, trace->dmid, a->qkv, a->p,
                           ofr_trace_shape(trace),
                           ofr_trace_drop(trace, layer, OFR_DROP_ATTENTION));
    ofr_product qkv = {N, c->C, 3 * c->C, encoder->w + at->qkv_w, a->x_in,
                       grads + at->qkv_w, grads + at->qkv_b};
    ofr_product_bwd(dev, trace->dx, trace->dqkv, qkv, true);
}

/* The attention half: dx holds dL/dy1, and afterwards dL/dx_in. */
static void attention_bwd(ofr_trace *trace, ofr_real *grads, int layer, int N)
{
    const ofr_encoder *encoder = trace->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_layer_at *at = &encoder->params.layers[layer - 1];
    const ofr_layer_acts *a = &trace->acts[layer - 1];
    const ofr_real *w = encoder->w;
    ofr_dev *dev = trace->dev;
    ofr_real *dx = trace->dx, *d_att = trace->dmid;
    size_t n = (size_t)N * (size_t)c->C;

    dev->ops.layernorm_bwd(dev, dx, grads + at->ln1_g, grads + at->ln1_b, dx, a->s1,
                           a->mean1, a->rstd1, w + at->ln1_g, N, c->C);
    const ofr_real *d_out =
        drop_bwd(trace, trace->dy, dx, n, layer, OFR_DROP_ATTENTION_OUT);
    ofr_product out = {N, c->C, c->C, w + at->out_w, a->att, grads + at->out_w,
                       grads + at->out_b};
    ofr_product_bwd(dev, d_att, d_out, out, false);
    ofr_trace_attention_bwd(trace, grads, layer);
}

/* dx holds dL/dx0. */
static void embeddings_bwd(ofr_trace *trace, ofr_real *grads, int N)
{
    const ofr_encoder *encoder = trace->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_params *at = &encoder->params;
    ofr_dev *dev = trace->dev;
    ofr_real *d = trace->dx;
    if (ofr_config_projects(c)) {
        ofr_product project = {N, c->E, c->C, encoder->w + at->project_w, trace->emb_y,
                               grads + at->project_w, grads + at->project_b};
        ofr_product_bwd(dev, trace->dy, d, project, false);
        d = trace->dy;
    }
    (void)drop_bwd(trace, d, d, (size_t)N * (size_t)c->E, 0, OFR_DROP_EMBED);
    dev->ops.layernorm_bwd(dev, d, grads + at->embed_ln_g, grads + at->embed_ln_b, d,
                           trace->emb_s, trace->emb_mean, trace->emb_rstd,
                           encoder->w + at->embed_ln_g, N, c->E);
    bool typed = at->type != OFR_PARAM_NONE;
    dev->ops.embed_bwd(dev, grads + at->word, grads + at->position,
                       typed ? grads + at->type : NULL, d, trace->tokens.ids,
                       trace->positions,
                       ofr_encoder_types(c, &trace->tokens, trace->zeros), N, c->E);
}

/* Layer l and all above it are done; a layer that all share is done with the first. */
static void say_final(const ofr_trace *trace, int l)
{
    if (!trace->final || (trace->encoder->config.shared_layers && l > 1)) return;
    trace->final(trace->final_user, trace->encoder->params.layers[l - 1].qkv_w);
}

void ofr_trace_backward(ofr_trace *trace, ofr_real *grads, const ofr_real *dcls,
                        int top_layer)
{
    const ofr_ops *ops = &trace->dev->ops;
    int B = trace->tokens.B, N = trace->tokens.offsets[B];
    size_t C = (size_t)trace->encoder->config.C;
    if (top_layer < 1) return;
    const ofr_real *top = dcls + (size_t)(top_layer - 1) * (size_t)B * C;
    bool done = ofr_trace_top_bwd(trace, grads, top, top_layer);
    if (!done) memset(trace->dx, 0, (size_t)N * C * sizeof *trace->dx);
    if (done) say_final(trace, top_layer);
    for (int l = done ? top_layer - 1 : top_layer; l >= 1; l--) {
        const ofr_real *own = dcls + (size_t)(l - 1) * (size_t)B * C;
        for (int b = 0; b < B; b++) {
            size_t row = (size_t)trace->tokens.offsets[b];
            ops->add(trace->dev, trace->dx + row * C, own + (size_t)b * C, C);
        }
        ofr_trace_hold_bwd(trace, l, N);
        mlp_bwd(trace, grads, l, N);
        attention_bwd(trace, grads, l, N);
        ofr_trace_pass_bwd(trace, l, N);
        say_final(trace, l);
    }
    embeddings_bwd(trace, grads, N);
}
