/*
 * encoder_walk.c - inference, one layer at a time on whoever is still in.
 *
 * The layers run on packed weights and keep nothing.  Four buffers are enough:
 *   x    hidden states, input and output of a layer
 *   qkv  queries, keys, values; then the product that a LayerNorm adds to x
 *   att  attention output; then the output of the first LayerNorm
 *   mid  the inside of the MLP
 * and a fifth, rows, holds the rows that take part where tokens leave one by one.
 * cls and cls_sum are x and qkv of the class rows, where those go first.
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
    walk->cls = ofr_slots_take(slots, B * (size_t)c->C, sizeof(ofr_real));
    walk->cls_sum = ofr_slots_take(slots, B * (size_t)c->C, sizeof(ofr_real));
    walk->ones = ofr_slots_take(slots, B, sizeof(int));
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
    for (int b = 0; b < max_B; b++) made.ones[b] = 1;
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
    walk->first_pass = ofr_later_begin(encoder->later);
    walk->by_token = walk->halfway = false;
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

/* walk->att: the first queries[b] rows of each text (NULL: all) attend to all rows of
 * their text. */
static void attend(ofr_walk *walk, const int *queries)
{
    const ofr_config *c = &walk->encoder->config;
    ofr_attn_shape shape = {.B = walk->B, .H = c->H, .D = c->C / c->H,
                            .offsets = walk->offsets, .queries = queries};
    walk->dev->ops.attention(walk->dev, walk->att, NULL, walk->qkv, shape, no_drop);
}

/* The pieces of a matrix of layer l that still waits in the file, or NULL. */
static const ofr_real *const *pieces_of(const ofr_walk *walk, int l, int which)
{
    return ofr_later_pieces(walk->encoder->later, (size_t)(l * OFR_PACKED_LAYER + which),
                            walk->dev, ofr_encoder_packed(walk->encoder, l, which),
                            walk->first_pass);
}

/* walk->qkv[N,3C] of layer l, counted from 0. */
static void project(ofr_walk *walk, int l)
{
    const ofr_encoder *encoder = walk->encoder;
    const ofr_real *const *w = pieces_of(walk, l, OFR_PACKED_QKV);
    const ofr_real *b = encoder->w + encoder->params.layers[l].qkv_b;
    const ofr_ops *ops = &walk->dev->ops;
    int C = encoder->config.C, N = walk->N;
    OFR_ASSERT(l < encoder->config.L);
    if (!w) {
        ops->linear(walk->dev, walk->qkv, NULL, walk->x, NULL,
                    ofr_encoder_packed(encoder, l, OFR_PACKED_QKV), b, N, C, 3 * C,
                    OFR_ACT_NONE);
        return;
    }
    for (int i = 0; i < OFR_PIECES_MAX; i++) { /* q, k, v */
        ops->linear(walk->dev, walk->att, NULL, walk->x, w[i], NULL, b + i * C, N, C, C,
                    OFR_ACT_NONE);
        for (int n = 0; n < N; n++)
            memcpy(walk->qkv + ((size_t)n * OFR_PIECES_MAX + (size_t)i) * (size_t)C,
                   walk->att + (size_t)n * (size_t)C, (size_t)C * sizeof *b);
    }
}

/* y[N,O] = act(x[N,I] w^T + b) with matrix `which` of layer l. */
static void multiply(const ofr_walk *walk, ofr_real *y, const ofr_real *x, int l,
                     int which, const ofr_real *b, int N, int I, int O, ofr_act act)
{
    const ofr_real *const *w = pieces_of(walk, l, which);
    const ofr_packed *packed = ofr_encoder_packed(walk->encoder, l, which);
    walk->dev->ops.linear(walk->dev, y, NULL, x, w ? w[0] : NULL, w ? NULL : packed, b, N,
                          I, O, act);
}

/* What follows attention, row by row: x[N,C] becomes the output of layer l, given
 * its input in x and attention in walk->att.  sum[N,C]: scratch. */
static void transform(ofr_walk *walk, int l, ofr_real *x, ofr_real *sum, int N)
{
    const ofr_encoder *encoder = walk->encoder;
    const ofr_config *c = &encoder->config;
    const ofr_ops *ops = &walk->dev->ops;
    const ofr_real *w = encoder->w;
    const ofr_layer_at *at = &encoder->params.layers[l];
    int C = c->C, F = c->F;
    multiply(walk, sum, walk->att, l, OFR_PACKED_OUT, w + at->out_b, N, C, C,
             OFR_ACT_NONE);
    ops->add_layernorm(walk->dev, walk->att, sum, NULL, NULL, sum, x, w + at->ln1_g,
                       w + at->ln1_b, N, C, c->ln_eps, no_drop);
    multiply(walk, walk->mid, walk->att, l, OFR_PACKED_UP, w + at->up_b, N, C, F, c->act);
    multiply(walk, sum, walk->mid, l, OFR_PACKED_DOWN, w + at->down_b, N, F, C,
             OFR_ACT_NONE);
    ops->add_layernorm(walk->dev, x, sum, NULL, NULL, sum, walk->att, w + at->ln2_g,
                       w + at->ln2_b, N, C, c->ln_eps, no_drop);
}

void ofr_walk_layer(ofr_walk *walk)
{
    int l = walk->layer;
    OFR_ASSERT(!walk->halfway);
    project(walk, l);
    if (walk->by_token) {
        ofr_walk_count_live(walk);
        attend(walk, walk->live);
        int N = ofr_walk_gather_live(walk, walk->rows, walk->x);
        (void)ofr_walk_gather_live(walk, walk->att, walk->att);
        transform(walk, l, walk->rows, walk->qkv, N);
        ofr_walk_spread_live(walk, walk->x, walk->rows);
    } else {
        attend(walk, NULL);
        transform(walk, l, walk->x, walk->qkv, walk->N);
    }
    walk->layer = l + 1;
}

/* ---- a layer in two halves ------------------------------------------------- */

/* Row `from` of x becomes the first of `n` rows at `to`, which may overlap. */
static void move_rows(ofr_real *x, int to, int from, int n, int width)
{
    if (to == from) return;
    memmove(x + (size_t)to * (size_t)width, x + (size_t)from * (size_t)width,
            (size_t)n * (size_t)width * sizeof *x);
}

void ofr_walk_class_half(ofr_walk *walk)
{
    int l = walk->layer, C = walk->encoder->config.C;
    OFR_ASSERT(!walk->by_token && !walk->halfway);
    project(walk, l);
    attend(walk, walk->ones);
    ofr_walk_class_rows(walk, walk->cls);
    for (int b = 0; b < walk->B; b++) move_rows(walk->att, b, walk->offsets[b], 1, C);
    transform(walk, l, walk->cls, walk->cls_sum, walk->B);
    walk->halfway = true;
    walk->layer = l + 1;
}

/* The class rows go through once more, to the same bits: leaving them out would move
 * all the others twice, which costs more than one row of each text. */
void ofr_walk_other_half(ofr_walk *walk)
{
    OFR_ASSERT(walk->halfway);
    walk->halfway = false;
    attend(walk, NULL);
    transform(walk, walk->layer - 1, walk->x, walk->qkv, walk->N);
}

/* ---- who is in -------------------------------------------------------------- */

void ofr_walk_class_rows(const ofr_walk *walk, ofr_real *cls)
{
    size_t C = (size_t)walk->encoder->config.C;
    if (walk->halfway) {
        memcpy(cls, walk->cls, (size_t)walk->B * C * sizeof *cls);
        return;
    }
    for (int b = 0; b < walk->B; b++) {
        memcpy(cls + (size_t)b * C, walk->x + (size_t)walk->offsets[b] * C,
               C * sizeof *cls);
    }
}

void ofr_walk_keep(ofr_walk *walk, const unsigned char *keep)
{
    int C = walk->encoder->config.C, kept = 0, rows = 0, first = 0;
    for (int b = 0; b < walk->B; b++) {
        int end = walk->offsets[b + 1], T = end - first;
        if (keep[b]) {
            move_rows(walk->x, rows, first, T, C);
            if (walk->halfway) {
                move_rows(walk->qkv, rows, first, T, 3 * C);
                move_rows(walk->cls, kept, b, 1, C);
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
    if (kept == 0) walk->halfway = false;
}
