/*
 * encoder_bwd_top.c - the way back through the highest layer that an exit uses.
 *
 * Nothing comes from above, so only the class rows, B of N, have a gradient: the
 * MLP, both LayerNorms and the product behind attention run on B rows.  Attention
 * spreads the gradient over all rows again.
 *
 * The rows are gathered into scratch that is free until then: trace->dqkv and
 * trace->dmid.  Dropout counts elements of the whole tensor, so rows are spread
 * out for it.
 */
#include <string.h>

#include "model/encoder_inner.h"

/* Gathered class rows. */
typedef struct rows {
    ofr_real *dx, *da, *in, *d_att; /* [B,C], in trace->dqkv */
    ofr_real *mean, *rstd;          /* [B]                   */
    ofr_real *mid, *pre, *dmid;     /* [B,F], in trace->dmid */
} rows;

/* The scratch is large enough from four tokens per text on: 4BC + 2B <= 3NC and
 * 3BF <= NF. */
static bool place_rows(rows *r, const ofr_trace *trace)
{
    const ofr_config *c = &trace->encoder->config;
    int B = trace->tokens.B, N = trace->tokens.offsets[B];
    size_t bc = (size_t)B * (size_t)c->C, bf = (size_t)B * (size_t)c->F;
    if (N / 4 < B) return false;
    r->dx = trace->dqkv;
    r->da = r->dx + bc;
    r->in = r->da + bc;
    r->d_att = r->in + bc;
    r->mean = r->d_att + bc;
    r->rstd = r->mean + B;
    r->mid = trace->dmid;
    r->pre = r->mid + bf;
    r->dmid = r->pre + bf;
    return true;
}

static void gather(ofr_real *out, const ofr_real *x, const ofr_trace *trace, int width)
{
    size_t n = (size_t)width;
    for (int b = 0; b < trace->tokens.B; b++) {
        memcpy(out + (size_t)b * n, x + (size_t)trace->tokens.offsets[b] * n,
               n * sizeof *out);
    }
}

/* out[N,C] = the rows at their places, 0 elsewhere. */
static void spread(ofr_real *out, const ofr_real *x, const ofr_trace *trace)
{
    int B = trace->tokens.B;
    size_t C = (size_t)trace->encoder->config.C;
    memset(out, 0, (size_t)trace->tokens.offsets[B] * C * sizeof *out);
    for (int b = 0; b < B; b++) {
        memcpy(out + (size_t)trace->tokens.offsets[b] * C, x + (size_t)b * C,
               C * sizeof *out);
    }
}

static const ofr_real *drop_rows_bwd(ofr_trace *trace, const rows *r, int layer,
                                     ofr_drop_place place)
{
    int C = trace->encoder->config.C, N = trace->tokens.offsets[trace->tokens.B];
    ofr_drop drop = ofr_trace_drop(trace, layer, place);
    if (drop.threshold == 0) return r->dx;
    spread(trace->dy, r->dx, trace);
    trace->dev->ops.dropout(trace->dev, trace->dy, trace->dy, (size_t)N * (size_t)C,
                            drop);
    gather(r->da, trace->dy, trace, C);
    return r->da;
}

/* r->dx: from the gradient of LN(s) to that of s. */
static void norm_rows_bwd(ofr_trace *trace, const rows *r, ofr_real *dg, ofr_real *db,
                          const ofr_real *g, const ofr_real *s, const ofr_real *mean,
                          const ofr_real *rstd)
{
    int C = trace->encoder->config.C;
    gather(r->in, s, trace, C);
    gather(r->mean, mean, trace, 1);
    gather(r->rstd, rstd, trace, 1);
    trace->dev->ops.layernorm_bwd(trace->dev, r->dx, dg, db, r->dx, r->in, r->mean,
                                  r->rstd, g, trace->tokens.B, C);
}

static void mlp_rows_bwd(ofr_trace *trace, ofr_real *grads, const rows *r, int layer)
{
    const ofr_config *c = &trace->encoder->config;
    const ofr_layer_at *at = &trace->encoder->params.layers[layer - 1];
    const ofr_layer_acts *a = &trace->acts[layer - 1];
    const ofr_real *w = trace->encoder->w;
    ofr_dev *dev = trace->dev;
    int B = trace->tokens.B;
    norm_rows_bwd(trace, r, grads + at->ln2_g, grads + at->ln2_b, w + at->ln2_g, a->s2,
                  a->mean2, a->rstd2);
    const ofr_real *da = drop_rows_bwd(trace, r, layer, OFR_DROP_MLP_OUT);
    gather(r->mid, a->mid, trace, c->F);
    gather(r->pre, a->pre, trace, c->F);
    ofr_product down = {B, c->F, c->C, w + at->down_w, r->mid, grads + at->down_w,
                        grads + at->down_b};
    ofr_product_bwd(dev, r->dmid, da, down, false);
    dev->ops.act_bwd(dev, r->dmid, r->dmid, r->pre, (size_t)B * (size_t)c->F, c->act);
    gather(r->in, a->y1, trace, c->C);
    ofr_product up = {B, c->C, c->F, w + at->up_w, r->in, grads + at->up_w,
                      grads + at->up_b};
    ofr_product_bwd(dev, r->dx, r->dmid, up, true);
}

bool ofr_trace_top_bwd(ofr_trace *trace, ofr_real *grads, const ofr_real *own, int layer)
{
    const ofr_config *c = &trace->encoder->config;
    const ofr_layer_at *at = &trace->encoder->params.layers[layer - 1];
    const ofr_layer_acts *a = &trace->acts[layer - 1];
    const ofr_real *w = trace->encoder->w;
    int B = trace->tokens.B;
    rows r;
    if (!place_rows(&r, trace)) return false;
    memcpy(r.dx, own, (size_t)B * (size_t)c->C * sizeof *own);
    mlp_rows_bwd(trace, grads, &r, layer);
    norm_rows_bwd(trace, &r, grads + at->ln1_g, grads + at->ln1_b, w + at->ln1_g, a->s1,
                  a->mean1, a->rstd1);
    const ofr_real *da = drop_rows_bwd(trace, &r, layer, OFR_DROP_ATTENTION_OUT);
    gather(r.in, a->att, trace, c->C);
    ofr_product out = {B, c->C, c->C, w + at->out_w, r.in, grads + at->out_w,
                       grads + at->out_b};
    ofr_product_bwd(trace->dev, r.d_att, da, out, false);
    spread(trace->dmid, r.d_att, trace);
    spread(trace->dx, r.dx, trace);
    ofr_trace_attention_bwd(trace, grads, layer);
    return true;
}
