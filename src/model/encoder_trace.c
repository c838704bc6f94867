/*
 * encoder_trace.c - the forward walk of training: every layer, everything that
 * the way back needs is kept.  docs/backward/ derives what that is.
 *
 * Everything is placed in one block when the trace is opened; a step allocates
 * nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/encoder_inner.h"
#include "model/family.h"

/* ---- memory ------------------------------------------------------------- */

/* Most attention probabilities of one layer: the longest texts first. */
static size_t most_probabilities(const ofr_trace *trace)
{
    size_t T = (size_t)trace->max_T, N = (size_t)trace->max_N;
    size_t full = N / T, rest = N % T;
    if (full >= (size_t)trace->max_B) {
        full = (size_t)trace->max_B;
        rest = 0;
    }
    return (size_t)trace->encoder->config.H * (full * T * T + rest * rest);
}

static ofr_real *take(ofr_slots *slots, size_t rows, int columns)
{
    return ofr_slots_take(slots, rows * (size_t)columns, sizeof(ofr_real));
}

static void layout_layer(ofr_slots *slots, ofr_layer_acts *acts, const ofr_config *c,
                         size_t N, size_t n_probabilities)
{
    acts->qkv = take(slots, N, 3 * c->C);
    acts->p = take(slots, n_probabilities, 1);
    acts->att = take(slots, N, c->C);
    acts->s1 = take(slots, N, c->C);
    acts->mean1 = take(slots, N, 1);
    acts->rstd1 = take(slots, N, 1);
    acts->y1 = take(slots, N, c->C);
    acts->pre = take(slots, N, c->F);
    acts->mid = take(slots, N, c->F);
    acts->s2 = take(slots, N, c->C);
    acts->mean2 = take(slots, N, 1);
    acts->rstd2 = take(slots, N, 1);
    acts->y2 = take(slots, N, c->C);
}

static void layout(ofr_slots *slots, void *owner)
{
    ofr_trace *trace = owner;
    const ofr_config *c = &trace->encoder->config;
    size_t N = (size_t)trace->max_N, n_probabilities = most_probabilities(trace);
    int wide = ofr_larger(c->C, c->E);
    trace->emb_s = take(slots, N, c->E);
    trace->emb_mean = take(slots, N, 1);
    trace->emb_rstd = take(slots, N, 1);
    trace->emb_y = take(slots, N, c->E);
    trace->x0 = ofr_config_projects(c) ? take(slots, N, c->C) : trace->emb_y;
    for (int l = 0; l < c->L; l++) {
        ofr_layer_acts *acts = &trace->acts[l];
        layout_layer(slots, acts, c, N, n_probabilities);
        acts->x_in = l == 0 ? trace->x0 : trace->acts[l - 1].y2;
    }
    trace->dx = take(slots, N, wide);
    trace->dy = take(slots, N, wide);
    trace->dqkv = take(slots, N, 3 * c->C);
    trace->dmid = take(slots, N, ofr_larger(c->F, c->C));
    trace->positions = ofr_slots_take(slots, N, sizeof(int));
    trace->zeros = ofr_slots_take(slots, N, sizeof(int));
    trace->p_offsets = ofr_slots_take(slots, (size_t)trace->max_B + 1, sizeof(size_t));
    if (!c->token_exits) return;
    trace->exits = ofr_slots_take(slots, N, sizeof(int));
    trace->kept = take(slots, N, c->C);
}

ofr_status ofr_trace_open(ofr_trace *trace, ofr_encoder *encoder, ofr_dev *dev, int max_B,
                          int max_T, int max_N, ofr_error *err)
{
    const ofr_config *c = &encoder->config;
    ofr_trace made = {.encoder = encoder, .dev = dev, .max_B = max_B, .max_N = max_N,
                      .max_T = max_T, .hidden_dropout = c->hidden_dropout,
                      .attention_dropout = c->attention_dropout};
    OFR_ASSERT(max_B >= 1 && max_T >= 1 && max_N >= 1);
    made.acts = ofr_mem_array((size_t)c->L, sizeof *made.acts);
    if (!made.acts) {
        return ofr_fail_nomem(err, (size_t)c->L * sizeof *made.acts, "activations");
    }
    ofr_status status =
        ofr_slots_open(&made.slots, layout, &made, "activations of training", err);
    if (status != OFR_OK) {
        ofr_mem_free(made.acts);
        return status;
    }
    *trace = made;
    return OFR_OK;
}

void ofr_trace_close(ofr_trace *trace)
{
    if (!trace) return;
    ofr_mem_free(trace->acts);
    ofr_slots_close(&trace->slots);
    *trace = (ofr_trace){0};
}

/* ---- dropout ------------------------------------------------------------ */

ofr_drop ofr_trace_drop(const ofr_trace *trace, int layer, ofr_drop_place place)
{
    const ofr_family_info *info = ofr_family_of(trace->encoder->config.family);
    double rate = trace->hidden_dropout;
    if (place == OFR_DROP_ATTENTION) rate = trace->attention_dropout;
    if (place == OFR_DROP_ATTENTION_OUT && !info->drop_attention_out) rate = 0;
    if (place == OFR_DROP_MLP_OUT && !info->drop_mlp_out) rate = 0;
    if (!trace->training || rate <= 0) return (ofr_drop){0, 0, 1, 0};
    uint32_t where = (uint32_t)layer * 4u + (uint32_t)place;
    size_t width = (size_t)(layer ? trace->encoder->config.C : trace->encoder->config.E);
    size_t first = place == OFR_DROP_ATTENTION ? trace->p_before
                                               : trace->rows_before * width;
    return (ofr_drop){
        .key = ofr_rng_mix32(ofr_rng_mix32(trace->drop_key, 0x6f666672u), where),
        .threshold = (uint32_t)(rate * 4294967296.0),
        .scale = (ofr_real)(1 / (1 - rate)),
        .first = (uint32_t)first,
    };
}

ofr_attn_shape ofr_trace_shape(const ofr_trace *trace)
{
    const ofr_config *c = &trace->encoder->config;
    return (ofr_attn_shape){.B = trace->tokens.B, .H = c->H, .D = c->C / c->H,
                            .offsets = trace->tokens.offsets,
                            .p_offsets = trace->p_offsets};
}

/* ---- forward ------------------------------------------------------------ */

static void forward_embeddings(ofr_trace *trace, int N)
{
    const ofr_encoder *encoder = trace->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_params *at = &encoder->params;
    const ofr_ops *ops = &trace->dev->ops;
    const ofr_real *w = encoder->w;
    ofr_drop none = {0, 0, 1, 0}, drop = ofr_trace_drop(trace, 0, OFR_DROP_EMBED);
    ofr_lookup word = {OFR_PRECISION_F32, w + at->word, NULL};
    ops->embed(trace->dev, trace->emb_s, word, w + at->position,
               ofr_encoder_at(encoder, at->type), trace->tokens.ids, trace->positions,
               ofr_encoder_types(c, &trace->tokens, trace->zeros), N, c->E);
    ops->add_layernorm(trace->dev, trace->emb_y, trace->emb_s, trace->emb_mean,
                       trace->emb_rstd, trace->emb_s, NULL, w + at->embed_ln_g,
                       w + at->embed_ln_b, N, c->E, c->ln_eps, none);
    if (drop.threshold) {
        ops->dropout(trace->dev, trace->emb_y, trace->emb_y, (size_t)N * (size_t)c->E,
                     drop);
    }
    if (ofr_config_projects(c)) {
        ops->linear(trace->dev, trace->x0, NULL, trace->emb_y, w + at->project_w, NULL,
                    w + at->project_b, N, c->E, c->C, OFR_ACT_NONE);
    }
}

static void forward_layer(ofr_trace *trace, int layer, int N)
{
    const ofr_encoder *encoder = trace->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_layer_at *at = &encoder->params.layers[layer - 1];
    const ofr_layer_acts *a = &trace->acts[layer - 1];
    const ofr_ops *ops = &trace->dev->ops;
    const ofr_real *w = encoder->w;
    ofr_dev *dev = trace->dev;
    int C = c->C, F = c->F;

    ops->linear(dev, a->qkv, NULL, a->x_in, w + at->qkv_w, NULL, w + at->qkv_b, N, C,
                3 * C, OFR_ACT_NONE);
    ops->attention(dev, a->att, a->p, a->qkv, ofr_trace_shape(trace),
                   ofr_trace_drop(trace, layer, OFR_DROP_ATTENTION));
    ops->linear(dev, a->s1, NULL, a->att, w + at->out_w, NULL, w + at->out_b, N, C, C,
                OFR_ACT_NONE);
    ops->add_layernorm(dev, a->y1, a->s1, a->mean1, a->rstd1, a->s1, a->x_in,
                       w + at->ln1_g, w + at->ln1_b, N, C, c->ln_eps,
                       ofr_trace_drop(trace, layer, OFR_DROP_ATTENTION_OUT));
    ops->linear(dev, a->mid, a->pre, a->y1, w + at->up_w, NULL, w + at->up_b, N, C, F,
                c->act);
    ops->linear(dev, a->s2, NULL, a->mid, w + at->down_w, NULL, w + at->down_b, N, F, C,
                OFR_ACT_NONE);
    ops->add_layernorm(dev, a->y2, a->s2, a->mean2, a->rstd2, a->s2, a->y1, w + at->ln2_g,
                       w + at->ln2_b, N, C, c->ln_eps,
                       ofr_trace_drop(trace, layer, OFR_DROP_MLP_OUT));
    ofr_trace_hold(trace, a->y2, a->x_in, layer, N);
}

size_t ofr_trace_probabilities(const ofr_trace *trace, int T)
{
    return (size_t)trace->encoder->config.H * (size_t)T * (size_t)T;
}

static void plan_texts(ofr_trace *trace, const ofr_tokens *tokens)
{
    const ofr_config *c = &trace->encoder->config;
    size_t at = 0;
    trace->tokens = *tokens;
    for (int b = 0; b < tokens->B; b++) {
        size_t T = (size_t)(tokens->offsets[b + 1] - tokens->offsets[b]);
        OFR_ASSERT(T >= 1 && T <= (size_t)trace->max_T);
        trace->p_offsets[b] = at;
        at += ofr_trace_probabilities(trace, (int)T);
    }
    trace->p_offsets[tokens->B] = at;
    OFR_ASSERT(at <= most_probabilities(trace));
    ofr_encoder_positions(c, trace->positions, tokens);
}

void ofr_trace_forward(ofr_trace *trace, const ofr_tokens *tokens, ofr_real *cls,
                       bool training, uint32_t drop_key)
{
    size_t C = (size_t)trace->encoder->config.C, B = (size_t)tokens->B;
    int N = tokens->offsets[tokens->B];
    OFR_ASSERT(tokens->B <= trace->max_B && N <= trace->max_N);
    trace->training = training;
    trace->drop_key = drop_key;
    plan_texts(trace, tokens);
    if (trace->exits) ofr_encoder_token_exits(trace->encoder, trace->exits, tokens, 0);
    forward_embeddings(trace, N);
    for (int l = 1; l <= trace->encoder->config.L; l++) {
        forward_layer(trace, l, N);
        const ofr_real *y = trace->acts[l - 1].y2;
        for (size_t b = 0; b < B; b++) {
            memcpy(cls + ((size_t)(l - 1) * B + b) * C,
                   y + (size_t)tokens->offsets[b] * C, C * sizeof *cls);
        }
    }
}

const ofr_real *ofr_trace_hidden(const ofr_trace *trace, int l)
{
    return l == 0 ? trace->x0 : trace->acts[l - 1].y2;
}
