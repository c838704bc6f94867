/*
 * body_attn_bwd.h - backward of attention, one text and head at a time.
 *
 * Scores of OFR_QB query rows are held in scratch, cut into pieces of OFR_KC columns
 * so that each piece is the packed left side of the product that follows.
 */
#ifndef OFR_KERNELS_BODY_ATTN_BWD_H
#define OFR_KERNELS_BODY_ATTN_BWD_H

#include "kernels/cpu/body_attn.h"

enum { PIECE = OFR_QB * OFR_LDA }; /* reals of one piece of scores */

/* Scratch of a head. */
struct back {
    struct head h;
    int pieces;
    ofr_real *across, *along;  /* panels [T/NR][D][NR] and [D/NR][T][NR] */
    ofr_real *s, *s2;          /* scores in pieces                       */
    ofr_real *left;            /* [QB][LDA]                              */
    ofr_real *q_rows, *o_rows; /* panels [D/NR][m][NR] of a query block  */
};

static void back_open(struct back *w, const struct attn *a, int pair, int thread)
{
    head_open(&w->h, a, pair, thread);
    w->pieces = (w->h.T + OFR_KC - 1) / OFR_KC;
    size_t operand = (size_t)w->pieces * OFR_KC * OFR_DC;
    w->across = w->h.scratch;
    w->along = w->across + operand;
    w->s = w->along + operand;
    w->s2 = w->s + (size_t)w->pieces * PIECE;
    w->left = w->s2 + (size_t)w->pieces * PIECE;
    w->q_rows = w->left + PIECE;
    w->o_rows = w->q_rows + OFR_QB * OFR_DC;
}

/* Panels of x[T,D] transposed: lanes run over tokens. */
static void pack_across(ofr_real *out, const ofr_real *x, ptrdiff_t ld, int T, int D)
{
    for (int j = 0; j < T; j += NR)
        turn_panel(out + (size_t)j * (size_t)D, x + j * ld, ld, D,
                   T - j < NR ? T - j : NR);
}

static inline int piece_width(const struct back *w, int piece)
{
    int left = w->h.T - piece * OFR_KC;
    return left < OFR_KC ? left : OFR_KC;
}

/* s[m,T] = or += left[m,D] across: products of rows of two sides.  Columns up
 * to the end of the last panel are written. */
static void scores_of(const struct back *w, const ofr_real *left, int m, int D,
                      bool first)
{
    int blocks = (m + VEC_MR - 1) / VEC_MR;
    for (int i = 0; i < blocks; i++) {
        int begin, end;
        block_of(&begin, &end, m, VEC_MR, i);
        for (int c = 0; c < w->pieces; c++) {
            struct strip s = {
                .a = left + begin * OFR_LDA,
                .b = w->across + (size_t)c * OFR_KC * (size_t)D,
                .panel_bytes = (ptrdiff_t)D * NR * (ptrdiff_t)sizeof(ofr_real),
                .c = w->s + c * PIECE + begin * OFR_LDA,
                .ldc = OFR_LDA,
                .m = end - begin,
                .n = (piece_width(w, c) + NR - 1) / NR * NR,
                .k = D,
                .first = first,
            };
            strip_run(&s);
        }
    }
}

/* out[m,D] = s[m,T] along. */
static void weighted_sum(const struct back *w, ofr_real *out, ptrdiff_t ld, int m, int D)
{
    int blocks = (m + VEC_MR - 1) / VEC_MR;
    for (int i = 0; i < blocks; i++) {
        int begin, end;
        block_of(&begin, &end, m, VEC_MR, i);
        for (int c = 0; c < w->pieces; c++) {
            struct strip s = {
                .a = w->s + c * PIECE + begin * OFR_LDA,
                .b = w->along + (size_t)c * OFR_KC * NR,
                .panel_bytes = (ptrdiff_t)w->h.T * NR * (ptrdiff_t)sizeof(ofr_real),
                .c = out + begin * ld,
                .ldc = ld,
                .m = end - begin,
                .n = D,
                .k = piece_width(w, c),
                .first = c == 0,
            };
            strip_run(&s);
        }
    }
}

/* out[T,D] = or += s[m,T]^T rows[m,D]. */
static void scatter_sum(const struct back *w, ofr_real *out, const ofr_real *scores,
                        const ofr_real *rows, int m, int D, bool first)
{
    for (int c = 0; c < w->pieces; c++) {
        int width = piece_width(w, c), blocks = (width + VEC_MR - 1) / VEC_MR;
        for (int i = 0; i < blocks; i++) {
            int begin, end;
            block_of(&begin, &end, width, VEC_MR, i);
            struct strip s = {
                .form = FORM_COLS,
                .a = scores + c * PIECE + begin,
                .cs = OFR_LDA,
                .b = rows,
                .panel_bytes = (ptrdiff_t)m * NR * (ptrdiff_t)sizeof(ofr_real),
                .c = out + (c * OFR_KC + begin) * w->h.ld_qkv,
                .ldc = w->h.ld_qkv,
                .m = end - begin,
                .n = D,
                .k = m,
                .first = first,
            };
            strip_run(&s);
        }
    }
}

/* Row i: s holds d drop(p); becomes ds = p (dp - sum dp p) / sqrt(D), and s2
 * becomes drop(p). */
static void softmax_bwd_row(const struct back *w, int i, int query)
{
    const struct head *h = &w->h;
    const ofr_real *p = h->p + (size_t)query * (size_t)h->T;
    uint32_t index = h->drop_index + (uint32_t)((size_t)query * (size_t)h->T);
    vec dot = vec_zero();
    for (int c = 0; c < w->pieces; c++) {
        ofr_real *s = w->s + c * PIECE + i * OFR_LDA, *s2 = w->s2 + (s - w->s);
        const ofr_real *pc = p + c * OFR_KC;
        int n = piece_width(w, c);
        if (h->drop.threshold) {
            drop_row(s, s, (size_t)n, h->drop, index + (uint32_t)(c * OFR_KC));
            drop_row(s2, pc, (size_t)n, h->drop, index + (uint32_t)(c * OFR_KC));
        } else {
            memcpy(s2, pc, (size_t)n * sizeof *s2);
        }
        for (int j = 0; j < n; j += VEC_N) {
            int k = n - j < VEC_N ? n - j : VEC_N;
            dot = vec_fma(vec_load_n(s + j, k), vec_load_n(pc + j, k), dot);
        }
    }
    vec sum = vec_set1(vec_sum(dot)), scale = vec_set1(h->scale);
    for (int c = 0; c < w->pieces; c++) {
        ofr_real *s = w->s + c * PIECE + i * OFR_LDA;
        const ofr_real *pc = p + c * OFR_KC;
        int n = piece_width(w, c);
        for (int j = 0; j < n; j += VEC_N) {
            int k = n - j < VEC_N ? n - j : VEC_N;
            vec d = vec_mul(vec_sub(vec_load_n(s + j, k), sum), scale);
            vec_store_n(s + j, vec_mul(d, vec_load_n(pc + j, k)), k);
        }
    }
}

static void head_backward(const struct back *w)
{
    const struct head *h = &w->h;
    bool once = h->D <= OFR_DC;
    int blocks = (h->T + OFR_QB - 1) / OFR_QB;
    for (int i = 0; i < blocks; i++) {
        int begin, end;
        block_of(&begin, &end, h->T, OFR_QB, i);
        int m = end - begin;
        const ofr_real *d_o = h->d_o + begin * h->ld_o;
        for (int d = 0; d < h->D; d += OFR_DC) {
            int D = part_width(h->D, d);
            if (!once || i == 0) pack_across(w->across, h->v + d, h->ld_qkv, h->T, D);
            pack_left_rows(w->left, (ofr_mat){d_o + d, h->ld_o, 1}, m, D);
            scores_of(w, w->left, m, D, d == 0);
        }
        for (int r = 0; r < m; r++)
            softmax_bwd_row(w, r, begin + r);
        for (int d = 0; d < h->D; d += OFR_DC) {
            int D = part_width(h->D, d);
            if (!once || i == 0) pack_along(w->along, h->k + d, h->ld_qkv, h->T, D);
            pack_along(w->q_rows, h->q + begin * h->ld_qkv + d, h->ld_qkv, m, D);
            pack_along(w->o_rows, d_o + d, h->ld_o, m, D);
            weighted_sum(w, h->dq + begin * h->ld_qkv + d, h->ld_qkv, m, D);
            scatter_sum(w, h->dk + d, w->s, w->q_rows, m, D, i == 0);
            scatter_sum(w, h->dv + d, w->s2, w->o_rows, m, D, i == 0);
        }
    }
}

static void attention_bwd_part(void *arg, int t, int n_parts)
{
    const struct attn *a = arg;
    struct back w;
    for (int pair = t; pair < a->shape.B * a->shape.H; pair += n_parts) {
        back_open(&w, a, pair, t);
        head_backward(&w);
    }
}

static void attention_bwd(ofr_dev *dev, ofr_real *dqkv, const ofr_real *d_o,
                          const ofr_real *qkv, const ofr_real *p, ofr_attn_shape shape,
                          ofr_drop drop)
{
    struct attn a = {.dev = dev, .dqkv = dqkv, .qkv = qkv, .p = p, .d_o = d_o,
                     .shape = shape, .drop = drop};
    ofr_dev_run(dev, attn_threads(dev, &shape), attention_bwd_part, &a);
}

#endif
