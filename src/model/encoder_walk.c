/*
 * encoder_walk.c - inference, one layer at a time on whoever is still in.
 *
 * The layers run on packed weights and keep nothing.  Four buffers are enough:
 *   x    hidden states, input and output of a layer
 *   qkv  queries, keys, values; then the product that a LayerNorm adds to x
 *   att  attention output; then the output of the first LayerNorm
 *   mid  the inside of the MLP
 * and a fifth, rows, holds the rows that take part where tokens leave one by one.
 */
#include <string.h>

#include "model/encoder_inner.h"

static const ofr_drop no_drop = {0, 0, 1, 0};

static void layout(ofr_slots *slots, void *owner)
{
    ofr_walk *walk = owner;
    const ofr_config *c = &walk->encoder->config;
    size_t N = (size_t)walk->max_N, B = (size_t)walk->max_B;
    walk->x = ofr_slots_take(slots, N * (size_t)c->C, sizeof(ofr_real));
    walk->qkv = ofr_slots_take(slots, N * (size_t)ofr_larger(3 * c->C, c->E),
                               sizeof(ofr_real));
    walk->att = ofr_slots_take(slots, N * (size_t)c->C, sizeof(ofr_real));
    walk->mid = ofr_slots_take(slots, N * (size_t)ofr_larger(c->F, c->E),
                               sizeof(ofr_real));
    walk->positions = ofr_slots_take(slots, N, sizeof(int));
    walk->zeros = ofr_slots_take(slots, N, sizeof(int));
    walk->offsets = ofr_slots_take(slots, B + 1, sizeof(int));
    walk->text = ofr_slots_take(slots, B, sizeof(int));
    if (!c->token_exits) return;
    walk->exits = ofr_slots_take(slots, N, sizeof(int));
    walk->live = ofr_slots_take(slots, B, sizeof(int));
    walk->place = ofr_slots_take(slots, N, sizeof(int));
    walk->rows = ofr_slots_take(slots, N * (size_t)c->C, sizeof(ofr_real));
}

ofr_status ofr_walk_open(ofr_walk *walk, const ofr_encoder *encoder, ofr_dev *dev,
                         int max_B, int max_N, ofr_error *err)
{
    ofr_walk made = {.encoder = encoder, .dev = dev, .max_B = max_B, .max_N = max_N};
    OFR_TRY(ofr_slots_open(&made.slots, layout, &made, "activations of inference", err));
    *walk = made;
    return OFR_OK;
}

void ofr_walk_close(ofr_walk *walk)
{
    if (!walk) return;
    ofr_slots_close(&walk->slots);
    *walk = (ofr_walk){0};
}

void ofr_walk_begin(ofr_walk *walk, const ofr_tokens *tokens)
{
    const ofr_encoder *encoder = walk->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_params *at = &encoder->params;
    const ofr_ops *ops = &walk->dev->ops;
    int N = tokens->offsets[tokens->B];
    OFR_ASSERT(encoder->packed);
    OFR_ASSERT(tokens->B <= walk->max_B && N <= walk->max_N);
    walk->B = tokens->B;
    walk->N = N;
    walk->layer = 0;
    walk->by_token = false;
    memcpy(walk->offsets, tokens->offsets, ((size_t)tokens->B + 1) * sizeof(int));
    for (int b = 0; b < tokens->B; b++) walk->text[b] = b;
    ofr_encoder_positions(c, walk->positions, tokens);

    bool projects = ofr_config_projects(c);
    ofr_real *y = projects ? walk->mid : walk->x;
    ops->embed(walk->dev, walk->qkv, encoder->word, encoder->w + at->position,
               ofr_encoder_at(encoder, at->type), tokens->ids, walk->positions,
               ofr_encoder_types(c, tokens, walk->zeros), N, c->E);
    ops->add_layernorm(walk->dev, y, walk->qkv, NULL, NULL, walk->qkv, NULL,
                       encoder->w + at->embed_ln_g, encoder->w + at->embed_ln_b, N, c->E,
                       c->ln_eps, no_drop);
    if (projects) {
        ops->linear(walk->dev, walk->x, NULL, y, NULL,
                    ofr_encoder_packed_project(encoder), encoder->w + at->project_b, N,
                    c->E, c->C, OFR_ACT_NONE);
    }
}

void ofr_walk_layer(ofr_walk *walk)
{
    const ofr_encoder *encoder = walk->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_ops *ops = &walk->dev->ops;
    const ofr_real *w = encoder->w;
    int l = walk->layer, N = walk->N, C = c->C, F = c->F;
    OFR_ASSERT(l < c->L);
    const ofr_layer_at *at = &encoder->params.layers[l];
    ofr_attn_shape shape = {.B = walk->B, .H = c->H, .D = C / c->H,
                            .offsets = walk->offsets};
    ofr_real *sum = walk->qkv; /* free again once attention has read it */
    ofr_real *x = walk->x;     /* rows that take part */

    ops->linear(walk->dev, walk->qkv, NULL, walk->x, NULL,
                ofr_encoder_packed(encoder, l, OFR_PACKED_QKV), w + at->qkv_b, N, C,
                3 * C, OFR_ACT_NONE);
    if (walk->by_token) {
        ofr_walk_count_live(walk);
        shape.queries = walk->live;
    }
    ops->attention(walk->dev, walk->att, NULL, walk->qkv, shape, no_drop);
    if (walk->by_token) {
        x = walk->rows;
        N = ofr_walk_gather_live(walk, x, walk->x);
        (void)ofr_walk_gather_live(walk, walk->att, walk->att);
    }
    ops->linear(walk->dev, sum, NULL, walk->att, NULL,
                ofr_encoder_packed(encoder, l, OFR_PACKED_OUT), w + at->out_b, N, C, C,
                OFR_ACT_NONE);
    ops->add_layernorm(walk->dev, walk->att, sum, NULL, NULL, sum, x, w + at->ln1_g,
                       w + at->ln1_b, N, C, c->ln_eps, no_drop);
    ops->linear(walk->dev, walk->mid, NULL, walk->att, NULL,
                ofr_encoder_packed(encoder, l, OFR_PACKED_UP), w + at->up_b, N, C, F,
                c->act);
    ops->linear(walk->dev, sum, NULL, walk->mid, NULL,
                ofr_encoder_packed(encoder, l, OFR_PACKED_DOWN), w + at->down_b, N, F, C,
                OFR_ACT_NONE);
    ops->add_layernorm(walk->dev, x, sum, NULL, NULL, sum, walk->att, w + at->ln2_g,
                       w + at->ln2_b, N, C, c->ln_eps, no_drop);
    if (walk->by_token) ofr_walk_spread_live(walk, walk->x, x);
    walk->layer = l + 1;
}

void ofr_walk_class_rows(const ofr_walk *walk, ofr_real *cls)
{
    size_t C = (size_t)walk->encoder->config.C;
    for (int b = 0; b < walk->B; b++) {
        memcpy(cls + (size_t)b * C, walk->x + (size_t)walk->offsets[b] * C,
               C * sizeof *cls);
    }
}

void ofr_walk_keep(ofr_walk *walk, const unsigned char *keep)
{
    size_t C = (size_t)walk->encoder->config.C;
    int kept = 0, rows = 0, first = 0;
    for (int b = 0; b < walk->B; b++) {
        int end = walk->offsets[b + 1], T = end - first;
        if (keep[b]) {
            if (rows != first) {
                memmove(walk->x + (size_t)rows * C, walk->x + (size_t)first * C,
                        (size_t)T * C * sizeof *walk->x);
            }
            walk->text[kept] = walk->text[b];
            walk->offsets[kept++] = rows;
            rows += T;
        }
        first = end;
    }
    walk->offsets[kept] = rows;
    walk->B = kept;
    walk->N = rows;
}
