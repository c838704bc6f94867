/*
 * body_attn.h - what attention and its backward share: one text and head at a time.
 *
 *   s = q k^T / sqrt(D)     p = softmax(s)     o = drop(p) v
 *
 * Threads take (text, head) pairs in turn.  Heads wider than OFR_DC are taken in
 * parts, packed again for every block of queries.
 */
#ifndef OFR_KERNELS_BODY_ATTN_H
#define OFR_KERNELS_BODY_ATTN_H

#include "kernels/dev.h"

struct attn {
    ofr_dev *dev;
    ofr_real *o, *p_out, *dqkv;
    const ofr_real *qkv, *p, *d_o;
    ofr_attn_shape shape;
    ofr_drop drop;
};

/* One (text, head), its place in memory and this thread's scratch. */
struct head {
    int T, Q, D; /* T rows, of which the first Q ask */
    ptrdiff_t ld_qkv, ld_o;
    const ofr_real *q, *k, *v, *d_o; /* first row of this text, this head */
    ofr_real *o, *dq, *dk, *dv;
    const ofr_real *p;
    ofr_real *p_out;
    uint32_t drop_index;
    ofr_drop drop;
    ofr_real scale;
    ofr_real *scratch;
};

static void head_open(struct head *h, const struct attn *a, int pair, int thread)
{
    const ofr_attn_shape *shape = &a->shape;
    int b = pair / shape->H, head = pair % shape->H, D = shape->D;
    size_t C = (size_t)shape->H * (size_t)D, at = (size_t)head * (size_t)D;
    size_t row = (size_t)shape->offsets[b];
    int T = shape->offsets[b + 1] - shape->offsets[b];
    size_t square = (size_t)T * (size_t)T;
    size_t p_at = shape->p_offsets ? shape->p_offsets[b] + (size_t)head * square : 0;
    int Q = shape->queries ? shape->queries[b] : T;
    *h = (struct head){.T = T, .Q = Q, .D = D, .drop = a->drop};
    h->ld_qkv = (ptrdiff_t)(3 * C);
    h->ld_o = (ptrdiff_t)C;
    h->q = a->qkv + row * 3 * C + at;
    h->k = h->q + C;
    h->v = h->k + C;
    if (a->o) h->o = a->o + row * C + at;
    if (a->d_o) h->d_o = a->d_o + row * C + at;
    if (a->dqkv) {
        h->dq = a->dqkv + row * 3 * C + at;
        h->dk = h->dq + C;
        h->dv = h->dk + C;
    }
    if (a->p) h->p = a->p + p_at;
    if (a->p_out) h->p_out = a->p_out + p_at;
    h->drop_index = (uint32_t)p_at;
    h->scale = 1 / OFR_R(sqrt)((ofr_real)D);
    h->scratch = (ofr_real *)(void *)a->dev->scratch[thread];
}

/* Panels of x[T,D] as it is: lanes run over channels. */
static void pack_along(ofr_real *out, const ofr_real *x, ptrdiff_t ld, int T, int D)
{
    for (int j = 0; j < D; j += NR)
        pack_panel_rows(out + (size_t)j * (size_t)T, x + j, ld, T,
                        D - j < NR ? D - j : NR);
}

static inline int part_width(int D, int d)
{
    return D - d < OFR_DC ? D - d : OFR_DC;
}

static int attn_threads(const ofr_dev *dev, const ofr_attn_shape *shape)
{
    double work = 0;
    for (int b = 0; b < shape->B; b++) {
        double T = shape->offsets[b + 1] - shape->offsets[b];
        work += 2 * T * (T + 8) * shape->H * shape->D;
    }
    int pairs = shape->B * shape->H;
    if (work < GEMM_SERIAL / 2) return 1;
    return pairs < dev->n_threads ? pairs : dev->n_threads;
}

#endif
