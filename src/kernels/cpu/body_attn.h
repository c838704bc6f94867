/*
 * body_attn.h - attention of one text and head at a time, and its backward.
 *
 *   s = q k^T / sqrt(D)     p = softmax(s)     o = drop(p) v
 *
 * Threads take (text, head) pairs in turn.  Scores of OFR_QB query rows are
 * held in scratch, cut into pieces of OFR_KC columns so that each piece is the
 * packed left side of the product that follows.  Heads wider than OFR_DC are
 * taken in parts, packed again for every block of queries.
 */
#ifndef OFR_KERNELS_BODY_ATTN_H
#define OFR_KERNELS_BODY_ATTN_H

#include "kernels/dev.h"

enum { PIECE = OFR_QB * OFR_LDA }; /* reals of one piece of scores */

struct attn {
    ofr_dev *dev;
    ofr_real *o, *p_out, *dqkv;
    const ofr_real *qkv, *p, *d_o;
    ofr_attn_shape shape;
    ofr_drop drop;
};

/* One (text, head), its place in memory and this thread's scratch. */
struct head {
    int T, Q, D, pieces; /* T rows, of which the first Q ask */
    ptrdiff_t ld_qkv, ld_o;
    const ofr_real *q, *k, *v, *d_o; /* first row of this text, this head */
    ofr_real *o, *dq, *dk, *dv;
    const ofr_real *p;
    ofr_real *p_out;
    uint32_t drop_index;
    ofr_drop drop;
    ofr_real scale;
    ofr_real *across, *along; /* panels [T/NR][D][NR] and [D/NR][T][NR] */
    ofr_real *s, *s2;         /* scores in pieces */
    ofr_real *left;           /* [QB][LDA] */
    ofr_real *q_rows, *o_rows; /* panels [D/NR][m][NR] of a query block */
};

static void head_open(struct head *h, const struct attn *a, int pair, int thread)
{
    const ofr_attn_shape *shape = &a->shape;
    int b = pair / shape->H, head = pair % shape->H, D = shape->D;
    size_t C = (size_t)shape->H * (size_t)D, at = (size_t)head * (size_t)D;
    size_t row = (size_t)shape->offsets[b];
    int T = shape->offsets[b + 1] - shape->offsets[b];
    int pieces = (T + OFR_KC - 1) / OFR_KC;
    size_t square = (size_t)T * (size_t)T;
    size_t p_at = shape->p_offsets ? shape->p_offsets[b] + (size_t)head * square : 0;
    int Q = shape->queries ? shape->queries[b] : T;
    *h = (struct head){.T = T, .Q = Q, .D = D, .pieces = pieces, .drop = a->drop};
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
    size_t operand = (size_t)pieces * OFR_KC * OFR_DC;
    h->across = (ofr_real *)(void *)a->dev->scratch[thread];
    h->along = h->across + operand;
    h->s = h->along + operand;
    h->s2 = h->s + (size_t)pieces * PIECE;
    h->left = h->s2 + (size_t)pieces * PIECE;
    h->q_rows = h->left + PIECE;
    h->o_rows = h->q_rows + OFR_QB * OFR_DC;
}

/* Panels of x[T,D] transposed: lanes run over tokens. */
static void pack_across(ofr_real *out, const ofr_real *x, ptrdiff_t ld, int T, int D)
{
    for (int j = 0; j < T; j += NR)
        pack_panel_cols(out + (size_t)j * (size_t)D, x + j * ld, ld, D,
                        T - j < NR ? T - j : NR);
}

/* Panels of x[T,D] as it is: lanes run over channels. */
static void pack_along(ofr_real *out, const ofr_real *x, ptrdiff_t ld, int T, int D)
{
    for (int j = 0; j < D; j += NR)
        pack_panel_rows(out + (size_t)j * (size_t)T, x + j, ld, T,
                        D - j < NR ? D - j : NR);
}

static inline int piece_width(const struct head *h, int piece)
{
    int left = h->T - piece * OFR_KC;
    return left < OFR_KC ? left : OFR_KC;
}

/* s[m,T] = or += left[m,D] across: products of rows of two sides.  Columns up
 * to the end of the last panel are written. */
static void scores_of(const struct head *h, const ofr_real *left, int m, int D,
                      bool first)
{
    int blocks = (m + VEC_MR - 1) / VEC_MR;
    for (int i = 0; i < blocks; i++) {
        int begin, end;
        block_of(&begin, &end, m, VEC_MR, i);
        for (int c = 0; c < h->pieces; c++) {
            struct strip s = {
                .a = left + begin * OFR_LDA,
                .b = h->across + (size_t)c * OFR_KC * (size_t)D,
                .panel_bytes = (ptrdiff_t)D * NR * (ptrdiff_t)sizeof(ofr_real),
                .c = h->s + c * PIECE + begin * OFR_LDA,
                .ldc = OFR_LDA,
                .m = end - begin,
                .n = (piece_width(h, c) + NR - 1) / NR * NR,
                .k = D,
                .first = first,
            };
            strip_run(&s);
        }
    }
}

/* out[m,D] = s[m,T] along. */
static void weighted_sum(const struct head *h, ofr_real *out, ptrdiff_t ld, int m, int D)
{
    int blocks = (m + VEC_MR - 1) / VEC_MR;
    for (int i = 0; i < blocks; i++) {
        int begin, end;
        block_of(&begin, &end, m, VEC_MR, i);
        for (int c = 0; c < h->pieces; c++) {
            struct strip s = {
                .a = h->s + c * PIECE + begin * OFR_LDA,
                .b = h->along + (size_t)c * OFR_KC * NR,
                .panel_bytes = (ptrdiff_t)h->T * NR * (ptrdiff_t)sizeof(ofr_real),
                .c = out + begin * ld,
                .ldc = ld,
                .m = end - begin,
                .n = D,
                .k = piece_width(h, c),
                .first = c == 0,
            };
            strip_run(&s);
        }
    }
}

/* out[T,D] = or += s[m,T]^T rows[m,D]. */
static void scatter_sum(const struct head *h, ofr_real *out, const ofr_real *scores,
                        const ofr_real *rows, int m, int D, bool first)
{
    for (int c = 0; c < h->pieces; c++) {
        int width = piece_width(h, c), blocks = (width + VEC_MR - 1) / VEC_MR;
        for (int i = 0; i < blocks; i++) {
            int begin, end;
            block_of(&begin, &end, width, VEC_MR, i);
            struct strip s = {
                .form = FORM_COLS,
                .a = scores + c * PIECE + begin,
                .cs = OFR_LDA,
                .b = rows,
                .panel_bytes = (ptrdiff_t)m * NR * (ptrdiff_t)sizeof(ofr_real),
                .c = out + (c * OFR_KC + begin) * h->ld_qkv,
                .ldc = h->ld_qkv,
                .m = end - begin,
                .n = D,
                .k = m,
                .first = first,
            };
            strip_run(&s);
        }
    }
}

/* ---- softmax ------------------------------------------------------------------ */

/* Highest of x[n] and of `best`. */
static inline vec highest_of(const ofr_real *x, int n, vec best)
{
    int i = 0;
    for (; i + VEC_N <= n; i += VEC_N)
        best = vec_max(best, vec_load(x + i));
    for (; i < n; i++)
        best = vec_max(best, vec_set1(x[i]));
    return best;
}

/* x[n] = exp(scale * (x - top)); returns the sum added to `sum`. */
static inline vec exp_of(ofr_real *x, int n, ofr_real top, ofr_real scale, vec sum)
{
    vec t = vec_set1(top), a = vec_set1(scale);
    int i = 0;
    for (; i + VEC_N <= n; i += VEC_N) {
        vec e = vec_exp(vec_mul(vec_sub(vec_load(x + i), t), a));
        vec_store(x + i, e);
        sum = vec_add(sum, e);
    }
    if (i < n) {
        vec e = vec_exp(vec_mul(vec_sub(vec_load_n(x + i, n - i), t), a));
        vec_store_n(x + i, e, n - i);
        sum = vec_add(sum, vec_load_n(x + i, n - i));
    }
    return sum;
}

/* Row i of the scores becomes probabilities, in place. */
static void softmax_row(const struct head *h, int i)
{
    ofr_real *s = h->s + i * OFR_LDA;
    vec best = vec_set1(s[0]), sum = vec_zero();
    for (int c = 0; c < h->pieces; c++)
        best = highest_of(s + c * PIECE, piece_width(h, c), best);
    ofr_real top = vec_highest(best);
    for (int c = 0; c < h->pieces; c++)
        sum = exp_of(s + c * PIECE, piece_width(h, c), top, h->scale, sum);
    ofr_real inverse = 1 / vec_sum(sum);
    for (int c = 0; c < h->pieces; c++)
        scale_row(s + c * PIECE, inverse, (size_t)piece_width(h, c));
}

/* Keep row i of the probabilities if wanted, then drop. */
static void finish_row(const struct head *h, int i, int query)
{
    size_t at = (size_t)query * (size_t)h->T;
    for (int c = 0; c < h->pieces; c++) {
        ofr_real *s = h->s + c * PIECE + i * OFR_LDA;
        size_t n = (size_t)piece_width(h, c), from = at + (size_t)c * OFR_KC;
        if (h->p_out) memcpy(h->p_out + from, s, n * sizeof *s);
        if (h->drop.threshold) drop_row(s, s, n, h->drop, h->drop_index + (uint32_t)from);
    }
}

/* ---- forward -------------------------------------------------------------------- */

static inline int part_width(int D, int d)
{
    return D - d < OFR_DC ? D - d : OFR_DC;
}

static void head_forward(const struct head *h)
{
    bool once = h->D <= OFR_DC; /* operands are packed once */
    int blocks = (h->Q + OFR_QB - 1) / OFR_QB;
    for (int i = 0; i < blocks; i++) {
        int begin, end;
        block_of(&begin, &end, h->Q, OFR_QB, i);
        int m = end - begin;
        for (int d = 0; d < h->D; d += OFR_DC) {
            int D = part_width(h->D, d);
            if (!once || i == 0) pack_across(h->across, h->k + d, h->ld_qkv, h->T, D);
            pack_left_rows(h->left, (ofr_mat){h->q + begin * h->ld_qkv + d, h->ld_qkv, 1},
                           m, D);
            scores_of(h, h->left, m, D, d == 0);
        }
        for (int r = 0; r < m; r++) {
            softmax_row(h, r);
            finish_row(h, r, begin + r);
        }
        for (int d = 0; d < h->D; d += OFR_DC) {
            int D = part_width(h->D, d);
            if (!once || i == 0) pack_along(h->along, h->v + d, h->ld_qkv, h->T, D);
            weighted_sum(h, h->o + begin * h->ld_o + d, h->ld_o, m, D);
        }
    }
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

static void attention_part(void *arg, int t, int n_parts)
{
    const struct attn *a = arg;
    struct head h;
    for (int pair = t; pair < a->shape.B * a->shape.H; pair += n_parts) {
        head_open(&h, a, pair, t);
        head_forward(&h);
    }
}

static void attention(ofr_dev *dev, ofr_real *o, ofr_real *p, const ofr_real *qkv,
                      ofr_attn_shape shape, ofr_drop drop)
{
    struct attn a = {.dev = dev, .o = o, .p_out = p, .qkv = qkv, .shape = shape,
                     .drop = drop};
    ofr_dev_run(dev, attn_threads(dev, &shape), attention_part, &a);
}

/* ---- backward ---------------------------------------------------------------------- */

/* Row i: s holds d drop(p); becomes ds = p (dp - sum dp p) / sqrt(D), and s2
 * becomes drop(p). */
static void softmax_bwd_row(const struct head *h, int i, int query)
{
    const ofr_real *p = h->p + (size_t)query * (size_t)h->T;
    uint32_t index = h->drop_index + (uint32_t)((size_t)query * (size_t)h->T);
    vec dot = vec_zero();
    for (int c = 0; c < h->pieces; c++) {
        ofr_real *s = h->s + c * PIECE + i * OFR_LDA, *s2 = h->s2 + (s - h->s);
        const ofr_real *pc = p + c * OFR_KC;
        int n = piece_width(h, c);
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
    for (int c = 0; c < h->pieces; c++) {
        ofr_real *s = h->s + c * PIECE + i * OFR_LDA;
        const ofr_real *pc = p + c * OFR_KC;
        int n = piece_width(h, c);
        for (int j = 0; j < n; j += VEC_N) {
            int k = n - j < VEC_N ? n - j : VEC_N;
            vec d = vec_mul(vec_sub(vec_load_n(s + j, k), sum), scale);
            vec_store_n(s + j, vec_mul(d, vec_load_n(pc + j, k)), k);
        }
    }
}

static void head_backward(const struct head *h)
{
    bool once = h->D <= OFR_DC;
    int blocks = (h->T + OFR_QB - 1) / OFR_QB;
    for (int i = 0; i < blocks; i++) {
        int begin, end;
        block_of(&begin, &end, h->T, OFR_QB, i);
        int m = end - begin;
        const ofr_real *d_o = h->d_o + begin * h->ld_o;
        for (int d = 0; d < h->D; d += OFR_DC) {
            int D = part_width(h->D, d);
            if (!once || i == 0) pack_across(h->across, h->v + d, h->ld_qkv, h->T, D);
            pack_left_rows(h->left, (ofr_mat){d_o + d, h->ld_o, 1}, m, D);
            scores_of(h, h->left, m, D, d == 0);
        }
        for (int r = 0; r < m; r++)
            softmax_bwd_row(h, r, begin + r);
        for (int d = 0; d < h->D; d += OFR_DC) {
            int D = part_width(h->D, d);
            if (!once || i == 0) pack_along(h->along, h->k + d, h->ld_qkv, h->T, D);
            pack_along(h->q_rows, h->q + begin * h->ld_qkv + d, h->ld_qkv, m, D);
            pack_along(h->o_rows, d_o + d, h->ld_o, m, D);
            weighted_sum(h, h->dq + begin * h->ld_qkv + d, h->ld_qkv, m, D);
            scatter_sum(h, h->dk + d, h->s, h->q_rows, m, D, i == 0);
            scatter_sum(h, h->dv + d, h->s2, h->o_rows, m, D, i == 0);
        }
    }
}

static void attention_bwd_part(void *arg, int t, int n_parts)
{
    const struct attn *a = arg;
    struct head h;
    for (int pair = t; pair < a->shape.B * a->shape.H; pair += n_parts) {
        head_open(&h, a, pair, t);
        head_backward(&h);
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
