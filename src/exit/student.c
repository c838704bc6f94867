/*
 * student.c - the student classifier, forward and backward.
 *
 * The first tokens ask and all answer.  In training all ask, so that the
 * probabilities, which the way back reads, are complete.
 */
#include "exit/student.h"

#include <string.h>

static const ofr_drop no_drop = {0, 0, 1, 0};

static ofr_real *take(ofr_slots *slots, int rows, int columns)
{
    return ofr_slots_take(slots, (size_t)rows * (size_t)columns, sizeof(ofr_real));
}

/* Probabilities: the sum of T T over texts is at most max_T times that of T. */
static void layout(ofr_slots *slots, void *owner)
{
    ofr_student *s = owner;
    int S = s->encoder->config.student_width, B = s->max_B, N = s->max_N;
    s->queries = ofr_slots_take(slots, (size_t)B, sizeof(int));
    s->a = take(slots, N, S);
    s->qkv = take(slots, N, 3 * S);
    s->att = take(slots, N, S);
    s->first = take(slots, B, S);
    s->out = take(slots, B, S);
    s->top = take(slots, B, S);
    if (!s->training) return;
    s->p_offsets = ofr_slots_take(slots, (size_t)B + 1, sizeof(size_t));
    s->pre = take(slots, N, S);
    s->top_pre = take(slots, B, S);
    s->p = take(slots, N, OFR_STUDENT_HEADS * s->max_T);
    s->d_small = take(slots, B, S);
    s->d_out = take(slots, B, S);
    s->d_att = take(slots, N, S);
    s->dqkv = take(slots, N, 3 * S);
}

ofr_status ofr_student_open(ofr_student *student, const ofr_encoder *encoder,
                            ofr_dev *dev, int max_B, int max_T, int max_N, bool training,
                            ofr_error *err)
{
    ofr_student made = {.encoder = encoder, .dev = dev, .max_B = max_B, .max_T = max_T,
                        .max_N = max_N, .training = training};
    if (ofr_student_answers(encoder, 1)) {
        OFR_TRY(ofr_slots_open(&made.slots, layout, &made, "student classifiers", err));
        for (int b = 0; b < max_B; b++)
            made.queries[b] = 1;
    }
    *student = made;
    return OFR_OK;
}

void ofr_student_close(ofr_student *student)
{
    ofr_slots_close(&student->slots);
    memset(student, 0, sizeof *student);
}

static ofr_attn_shape shape_of(const ofr_student *s)
{
    return (ofr_attn_shape){
        .B = s->B, .H = OFR_STUDENT_HEADS,
        .D = s->encoder->config.student_width / OFR_STUDENT_HEADS, .offsets = s->offsets,
        .p_offsets = s->training ? s->p_offsets : NULL,
        .queries = s->training ? NULL : s->queries};
}

static void plan(ofr_student *s, int layer, const ofr_real *x, const int *offsets, int B)
{
    OFR_ASSERT(layer >= 1 && ofr_student_answers(s->encoder, layer));
    OFR_ASSERT(B <= s->max_B && offsets[B] <= s->max_N);
    s->layer = layer;
    s->x = x;
    s->offsets = offsets;
    s->B = B;
    s->N = offsets[B];
    for (int b = 0; s->training && b < B; b++) {
        size_t T = (size_t)(offsets[b + 1] - offsets[b]);
        OFR_ASSERT(T <= (size_t)s->max_T);
        s->p_offsets[b + 1] = s->p_offsets[b] + OFR_STUDENT_HEADS * T * T;
    }
}

void ofr_student_forward(ofr_student *student, int layer, ofr_real *z, const ofr_real *x,
                         const int *offsets, int B)
{
    ofr_student *s = student;
    const ofr_config *c = &s->encoder->config;
    const ofr_exit_at *exit = &s->encoder->params.exits[layer - 1];
    const ofr_student_at *at = &exit->student;
    const ofr_real *w = s->encoder->w;
    ofr_dev *dev = s->dev;
    int S = c->student_width;
    plan(s, layer, x, offsets, B);
    dev->ops.linear(dev, s->a, s->pre, x, w + at->in_w, NULL, w + at->in_b, s->N, c->C, S,
                    OFR_ACT_TANH);
    dev->ops.linear(dev, s->qkv, NULL, s->a, w + at->qkv_w, NULL, w + at->qkv_b, s->N, S,
                    3 * S, OFR_ACT_NONE);
    dev->ops.attention(dev, s->att, s->p, s->qkv, shape_of(s), no_drop);
    for (int b = 0; b < B; b++)
        memcpy(s->first + (size_t)b * (size_t)S,
               s->att + (size_t)offsets[b] * (size_t)S, (size_t)S * sizeof *s->first);
    dev->ops.linear(dev, s->out, NULL, s->first, w + at->out_w, NULL, w + at->out_b, B, S,
                    S, OFR_ACT_NONE);
    dev->ops.linear(dev, s->top, s->top_pre, s->out, w + at->top_w, NULL, w + at->top_b,
                    B, S, S, OFR_ACT_TANH);
    dev->ops.linear(dev, z, NULL, s->top, w + exit->head_w, NULL, w + exit->head_b, B, S,
                    c->K, OFR_ACT_NONE);
}

/* y[R,O] = x[R,I] w^T + b on the way back; dx[R,I] = , or NULL: not wanted. */
static void linear_bwd(const ofr_student *s, ofr_real *grads, ofr_real *dx,
                       const ofr_real *dy, const ofr_real *x, size_t w, size_t b, int R,
                       int I, int O)
{
    const ofr_ops *ops = &s->dev->ops;
    ofr_mat weights = {s->encoder->w + w, I, 1};
    ops->gemm(s->dev, grads + w, I, (ofr_mat){dy, 1, O}, (ofr_mat){x, I, 1}, O, I, R,
              true);
    ops->col_sum(s->dev, grads + b, dy, R, O);
    if (dx) ops->gemm(s->dev, dx, I, (ofr_mat){dy, O, 1}, weights, R, I, O, false);
}

void ofr_student_backward(ofr_student *student, ofr_real *grads, const ofr_real *dz)
{
    ofr_student *s = student;
    const ofr_config *c = &s->encoder->config;
    const ofr_exit_at *exit = &s->encoder->params.exits[s->layer - 1];
    const ofr_student_at *at = &exit->student;
    const ofr_ops *ops = &s->dev->ops;
    int S = c->student_width, B = s->B, N = s->N;
    ofr_real *d_first = s->d_small;
    OFR_ASSERT(s->training);
    linear_bwd(s, grads, s->d_small, dz, s->top, exit->head_w, exit->head_b, B, S, c->K);
    ops->act_bwd(s->dev, s->d_small, s->d_small, s->top_pre, (size_t)B * (size_t)S,
                 OFR_ACT_TANH);
    linear_bwd(s, grads, s->d_out, s->d_small, s->out, at->top_w, at->top_b, B, S, S);
    linear_bwd(s, grads, d_first, s->d_out, s->first, at->out_w, at->out_b, B, S, S);
    memset(s->d_att, 0, (size_t)N * (size_t)S * sizeof *s->d_att);
    for (int b = 0; b < B; b++)
        memcpy(s->d_att + (size_t)s->offsets[b] * (size_t)S,
               d_first + (size_t)b * (size_t)S, (size_t)S * sizeof *d_first);
    ops->attention_bwd(s->dev, s->dqkv, s->d_att, s->qkv, s->p, shape_of(s), no_drop);
    linear_bwd(s, grads, s->d_att, s->dqkv, s->a, at->qkv_w, at->qkv_b, N, S, 3 * S);
    ops->act_bwd(s->dev, s->d_att, s->d_att, s->pre, (size_t)N * (size_t)S, OFR_ACT_TANH);
    linear_bwd(s, grads, NULL, s->d_att, s->x, at->in_w, at->in_b, N, c->C, S);
}
