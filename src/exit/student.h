/*
 * student.h - the classifier of a layer that looks at all tokens (FastBERT).
 *
 *   a = tanh(W_in h + b)                 [N,S]   every token, C -> S
 *   o = attention(a)                     [N,S]   2 heads, q k v of width S
 *   t = tanh(W_top (W_out o_first + b) + b)   [B,S]   the first token of each text
 *   z = W t + b                          [B,K]
 *
 * S = config.student_width (128).  Layers 1..L-1; layer L has the teacher's pooler
 * and classifier.  Only the first token asks: attention costs T, not T^2.
 */
#ifndef OFR_EXIT_STUDENT_H
#define OFR_EXIT_STUDENT_H

#include "model/encoder.h"

/* Buffers of one layer at a time. */
typedef struct ofr_student {
    const ofr_encoder *encoder; /* borrowed */
    ofr_dev *dev;
    int max_B, max_T, max_N;
    bool training;
    int *queries;             /* [B] ones */
    ofr_real *a, *qkv, *att;  /* [N,S], [N,3S], [N,S] */
    ofr_real *first, *out, *top; /* [B,S] */
    /* training: what the way back needs, of the last forward */
    int layer, B, N;
    const ofr_real *x;        /* [N,C] borrowed */
    const int *offsets;       /* [B+1] borrowed */
    size_t *p_offsets;        /* [B+1] */
    ofr_real *pre, *top_pre;  /* [N,S], [B,S] before tanh */
    ofr_real *p;              /* attention: sum over texts of 2 T T */
    ofr_real *d_small, *d_out, *d_att, *dqkv; /* [B,S] twice, [N,S], [N,3S] */
    ofr_slots slots;
} ofr_student;

/* Is the classifier of this layer (1..L) a student? */
static inline bool ofr_student_answers(const ofr_encoder *encoder, int layer)
{
    return encoder->config.heads == OFR_HEAD_STUDENT && layer < encoder->config.L;
}

/* For at most max_B texts of max_T tokens each, max_N in all; max_T is read for
 * training alone.  Nothing is taken for a model without students.  Caller closes. */
ofr_status ofr_student_open(ofr_student *student, const ofr_encoder *encoder,
                            ofr_dev *dev, int max_B, int max_T, int max_N, bool training,
                            ofr_error *err);
void ofr_student_close(ofr_student *student); /* zeroed ones are fine */

/* z[B,K] = what layer (1..L-1) says about x[N,C], texts at offsets[B+1]. */
void ofr_student_forward(ofr_student *student, int layer, ofr_real *z, const ofr_real *x,
                         const int *offsets, int B);
/* grads += for the parameters of the layer of the last forward, given dz[B,K].  The
 * hidden states are constants: the backbone is frozen. */
void ofr_student_backward(ofr_student *student, ofr_real *grads, const ofr_real *dz);

#endif
