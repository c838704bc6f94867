/*
 * body_attn_fwd.h - attention forward of one text and head at a time.
 *
 * Scores are held with queries along the lanes, s[T,NR] for up to NR queries:
 * maximum and sum of a query are then plain operations on vectors, keys need no
 * padding, and a row of s is what the product with v wants as the column of its left
 * side.  Keys and values are read where they are.  Exponentials are divided by their
 * sum after that product.
 */
#ifndef OFR_KERNELS_BODY_ATTN_FWD_H
#define OFR_KERNELS_BODY_ATTN_FWD_H

#include "kernels/cpu/body_attn.h"

/* Bytes of q, k, v and the output that are expected to be in the second cache. */
enum { ATTN_NEAR = 1 << 20 };

/* Scratch of a head. */
struct ask {
    ofr_real *q;    /* [D][NR], at most OFR_DC channels at a time     */
    ofr_real *s;    /* [T][NR]: scores, then exponentials             */
    ofr_real *v;    /* panels [D/NR][T][NR], where v must be packed   */
    ofr_real *rows; /* [NR][ld_rows]: s with a row per query          */
    ptrdiff_t ld_rows;
    ofr_real best[NR], factor[NR]; /* of each query: highest score; 1 / sum */
};

static void ask_open(struct ask *w, const struct head *h)
{
    ptrdiff_t T = (h->T + VEC_TN - 1) / VEC_TN * VEC_TN;
    w->q = h->scratch;
    w->s = w->q + OFR_DC * NR;
    w->v = w->s + T * NR;
    w->rows = w->v + T * OFR_DC;
    w->ld_rows = T;
}

/* ---- tiles ------------------------------------------------------------------- */

/* acc[m][nv] += left[m,k] right[k, nv * VEC_N]: element (i, p) of the left side is
 * a[i * row + p * column]. */
static inline __attribute__((always_inline)) void
tile_sum(vec *acc, const int m, const int nv, const ofr_real *a, const ptrdiff_t row,
         const ptrdiff_t column, const ofr_real *b, const ptrdiff_t ldb, int k)
{
    for (int p = 0; p < k; p++, a += column, b += ldb) {
        vec bv[VEC_NV];
        UNROLL for (int j = 0; j < nv; j++) bv[j] = vec_load(b + j * VEC_N);
        UNROLL for (int i = 0; i < m; i++)
        {
            vec av = vec_set1(a[i * row]);
            UNROLL for (int j = 0; j < nv; j++) acc[i * nv + j] =
                vec_fma(av, bv[j], acc[i * nv + j]);
        }
    }
}

/* s[m][NR] = or += keys[m,D] times the panel of queries; `best` follows the highest of
 * every query, unless it is NULL. */
static inline __attribute__((always_inline)) void
score_tile(const int m, const int nv, ofr_real *s, ofr_real *best, const ofr_real *keys,
           ptrdiff_t ld, const ofr_real *queries, int D, bool first)
{
    vec acc[VEC_MR * VEC_NV];
    UNROLL for (int i = 0; i < m * nv; i++) acc[i] = vec_zero();
    if (!first) {
        UNROLL for (int i = 0; i < m; i++)
        {
            UNROLL for (int j = 0; j < nv; j++) acc[i * nv + j] =
                vec_load(s + i * NR + j * VEC_N);
        }
    }
    tile_sum(acc, m, nv, keys, ld, 1, queries, NR, D);
    UNROLL for (int i = 0; i < m; i++)
    {
        UNROLL for (int j = 0; j < nv; j++)
            vec_store(s + i * NR + j * VEC_N, acc[i * nv + j]);
    }
    if (best) {
        UNROLL for (int j = 0; j < nv; j++)
        {
            vec top = vec_load(best + j * VEC_N);
            UNROLL for (int i = 0; i < m; i++) top = vec_max(top, acc[i * nv + j]);
            vec_store(best + j * VEC_N, top);
        }
    }
}

/* o[m, ..], nv vectors of which the last has `last` columns: the rows of v weighted by
 * m columns of s, times factor[m]. */
static inline __attribute__((always_inline)) void
value_tile(const int m, const int nv, ofr_real *o, ptrdiff_t ld, int last,
           const ofr_real *s, const ofr_real *factor, const ofr_real *v, ptrdiff_t ldv,
           int T)
{
    vec acc[VEC_MR * VEC_NV];
    UNROLL for (int i = 0; i < m * nv; i++) acc[i] = vec_zero();
    tile_sum(acc, m, nv, s, 1, NR, v, ldv, T);
    UNROLL for (int i = 0; i < m; i++)
    {
        vec f = vec_set1(factor[i]);
        UNROLL for (int j = 0; j < nv; j++) acc[i * nv + j] = vec_mul(acc[i * nv + j], f);
        UNROLL for (int j = 0; j + 1 < nv; j++)
            vec_store(o + i * ld + j * VEC_N, acc[i * nv + j]);
    }
    o += (nv - 1) * VEC_N;
    if (last == VEC_N) {
        UNROLL for (int i = 0; i < m; i++) vec_store(o + i * ld, acc[i * nv + nv - 1]);
    } else {
        UNROLL for (int i = 0; i < m; i++)
            vec_store_n(o + i * ld, acc[i * nv + nv - 1], last);
    }
}

typedef void (*score_fn)(ofr_real *s, ofr_real *best, const ofr_real *keys, ptrdiff_t ld,
                         const ofr_real *queries, int D, bool first);
typedef void (*value_fn)(ofr_real *o, ptrdiff_t ld, int last, const ofr_real *s,
                         const ofr_real *factor, const ofr_real *v, ptrdiff_t ldv, int T);

#define TILE(m, nv)                                                                      \
    static void score_##m##_##nv(ofr_real *s, ofr_real *best, const ofr_real *keys,      \
                                 ptrdiff_t ld, const ofr_real *queries, int D,           \
                                 bool first)                                             \
    {                                                                                    \
        score_tile(m, nv, s, best, keys, ld, queries, D, first);                         \
    }                                                                                    \
    static void value_##m##_##nv(ofr_real *o, ptrdiff_t ld, int last, const ofr_real *s, \
                                 const ofr_real *factor, const ofr_real *v,              \
                                 ptrdiff_t ldv, int T)                                   \
    {                                                                                    \
        value_tile(m, nv, o, ld, last, s, factor, v, ldv, T);                            \
    }
#define TILES(m) TILE(m, 1) TILE(m, 2)
#define TILE_ROW(name, m) {name##_##m##_1, name##_##m##_2}
#define TILES_TO_4(name)                                                                 \
    {NULL, NULL}, TILE_ROW(name, 1), TILE_ROW(name, 2), TILE_ROW(name, 3),               \
        TILE_ROW(name, 4)

TILES(1)
TILES(2)
TILES(3)
TILES(4)
#if VEC_MR_IS >= 6
TILES(5)
TILES(6)
#define TILES_TO_6(name) TILES_TO_4(name), TILE_ROW(name, 5), TILE_ROW(name, 6)
#endif
#if VEC_MR_IS >= 12
TILES(7)
TILES(8)
TILES(9)
TILES(10)
TILES(11)
TILES(12)
#define TILES_TO_12(name)                                                                \
    TILES_TO_6(name), TILE_ROW(name, 7), TILE_ROW(name, 8), TILE_ROW(name, 9),           \
        TILE_ROW(name, 10), TILE_ROW(name, 11), TILE_ROW(name, 12)
#endif

#if VEC_MR_IS == 12
#define TILES_ALL TILES_TO_12
#elif VEC_MR_IS == 6
#define TILES_ALL TILES_TO_6
#else
#define TILES_ALL TILES_TO_4
#endif

static const score_fn score_table[VEC_MR_IS + 1][VEC_NV] = {TILES_ALL(score)};
static const value_fn value_table[VEC_MR_IS + 1][VEC_NV] = {TILES_ALL(value)};

/* ---- the steps ----------------------------------------------------------------- */

static inline int vectors_of(int n)
{
    return (n + VEC_N - 1) / VEC_N;
}

/* Part t of n_parts of the next head on its way into the second cache while this one is
 * computed: its rows lie a row of qkv apart, which no processor foresees.  Inlined:
 * compilers take a function of prefetches for one without effect. */
static inline __attribute__((always_inline)) void
fetch_part(const struct head *next, int t, int n_parts)
{
    int share = (next->T + n_parts - 1) / n_parts, row = t * share;
    int end = row + share < next->T ? row + share : next->T;
    for (; row < end; row++) {
        const ofr_real *q = next->q + row * next->ld_qkv, *k = q + next->ld_o;
        const ofr_real *v = k + next->ld_o, *o = next->o + row * next->ld_o;
        for (int d = 0; d < next->D; d += LINE) {
            __builtin_prefetch(q + d, 0, 2);
            __builtin_prefetch(k + d, 0, 2);
            __builtin_prefetch(v + d, 0, 2);
            __builtin_prefetch(o + d, 0, 2);
        }
    }
}

/* Scores of all keys, from D channels at d, and the panel of m queries in w->q, which
 * is panel `panel` of the text. */
static void ask_scores(struct ask *w, const struct head *h, const struct head *next,
                       int panel, int m, int d, int D)
{
    const int nv = vectors_of(m), blocks = (h->T + VEC_MR - 1) / VEC_MR;
    const int least = h->T / blocks, larger = h->T % blocks;
    ofr_real *best = d + D == h->D ? w->best : NULL;
    for (int i = 0, begin = 0; i < blocks; i++) {
        int n = least + (i < larger);
        score_table[n][nv - 1](w->s + begin * NR, best, h->k + begin * h->ld_qkv + d,
                               h->ld_qkv, w->q, D, d == 0);
        begin += n;
        if (best && next) fetch_part(next, panel * blocks + i, panels_of(h->Q) * blocks);
    }
}

/* Scores of nv vectors of queries become exponentials, the highest 1. */
static void ask_softmax(struct ask *w, int T, int nv, ofr_real scale)
{
    const vec by = vec_set1(scale * (ofr_real)1.44269504088896340736); /* 1 / ln 2 */
    for (int i = 0; i < nv * VEC_N; i += VEC_N) {
        vec less = vec_mul(vec_load(w->best + i), vec_sub(vec_zero(), by));
        vec sum = vec_zero();
        ofr_real *s = w->s + i;
        for (int j = 0; j < T; j++, s += NR) {
            vec e = vec_exp2(vec_fma(vec_load(s), by, less));
            vec_store(s, e);
            sum = vec_add(sum, e);
        }
        vec_store(w->factor + i, vec_div(vec_set1(1), sum));
    }
}

/* rows[m][T] and s[T][m], either from the other. */
static void ask_turn(const struct ask *w, int T, int m, bool back)
{
    for (int i = 0; i < m; i += VEC_TN) {
        for (int j = 0; j < T; j += VEC_TN) {
            ofr_real *s = w->s + j * NR + i, *row = w->rows + i * w->ld_rows + j;
            if (back)
                vec_transpose(s, NR, row, w->ld_rows);
            else
                vec_transpose(row, w->ld_rows, s, NR);
        }
    }
}

/* Probabilities of m queries are kept, if wanted; then those of s are dropped. */
static void ask_keep(const struct ask *w, const struct head *h, int query, int m)
{
    const size_t T = (size_t)h->T;
    ask_turn(w, h->T, m, false);
    for (int i = 0; i < m; i++) {
        ofr_real *row = w->rows + i * w->ld_rows;
        size_t at = (size_t)(query + i) * T;
        if (h->p_out) {
            memcpy(h->p_out + at, row, T * sizeof *row);
            scale_row(h->p_out + at, w->factor[i], T);
        }
        if (h->drop.threshold)
            drop_row(row, row, T, h->drop, h->drop_index + (uint32_t)at);
    }
    if (h->drop.threshold) ask_turn(w, h->T, m, true);
}

/* o[m,D] = probabilities v, for D channels at v.  Vectors must not reach behind the
 * last channel: where they would, v is copied into panels with room (`pack`), which
 * are kept for all queries when they are all of v. */
static void ask_values(const struct ask *w, const struct head *h, ofr_real *o,
                       const ofr_real *v, int D, int m, bool pack)
{
    const bool packed = D % VEC_N != 0;
    const ptrdiff_t ldv = packed ? NR : h->ld_qkv, step = packed ? h->T : 1;
    const int blocks = (m + VEC_MR - 1) / VEC_MR, least = m / blocks, larger = m % blocks;
    if (packed && pack) pack_along(w->v, v, h->ld_qkv, h->T, D);
    if (packed) v = w->v;
    for (int d = 0; d < D; d += NR) {
        int n = D - d < NR ? D - d : NR, nv = vectors_of(n);
        for (int i = 0, begin = 0; i < blocks; i++) {
            int rows = least + (i < larger);
            value_table[rows][nv - 1](o + begin * h->ld_o + d, h->ld_o,
                                      n - (nv - 1) * VEC_N, w->s + begin,
                                      w->factor + begin, v + d * step, ldv, h->T);
            begin += rows;
        }
    }
}

/* next: the head to fetch meanwhile, or NULL. */
static void head_forward(const struct head *h, const struct head *next)
{
    struct ask w;
    ask_open(&w, h);
    for (int query = 0; query < h->Q; query += NR) {
        int m = h->Q - query < NR ? h->Q - query : NR;
        const ofr_real *q = h->q + query * h->ld_qkv;
        ofr_real *o = h->o + query * h->ld_o;
        for (int i = 0; i < NR; i++)
            w.best[i] = -(ofr_real)INFINITY;
        for (int d = 0; d < h->D; d += OFR_DC) {
            int D = part_width(h->D, d);
            turn_panel(w.q, q + d, h->ld_qkv, D, m);
            ask_scores(&w, h, next, query / NR, m, d, D);
        }
        ask_softmax(&w, h->T, vectors_of(m), h->scale);
        if (h->p_out || h->drop.threshold) ask_keep(&w, h, query, m);
        for (int d = 0; d < h->D; d += OFR_DC)
            ask_values(&w, h, o + d, h->v + d, part_width(h->D, d), m,
                       query == 0 || h->D > OFR_DC);
    }
}

static void attention_part(void *arg, int t, int n_parts)
{
    const struct attn *a = arg;
    const ofr_attn_shape *shape = &a->shape;
    const size_t row = 4 * (size_t)shape->H * (size_t)shape->D * sizeof(ofr_real);
    const bool far = row * (size_t)shape->offsets[shape->B] > ATTN_NEAR;
    const int pairs = shape->B * shape->H;
    struct head h[2];
    if (t < pairs) head_open(&h[0], a, t, t);
    for (int pair = t, i = 0; pair < pairs; pair += n_parts, i = !i) {
        bool more = pair + n_parts < pairs;
        if (more) head_open(&h[!i], a, pair + n_parts, t);
        head_forward(&h[i], more && far ? &h[!i] : NULL);
    }
}

static void attention(ofr_dev *dev, ofr_real *o, ofr_real *p, const ofr_real *qkv,
                      ofr_attn_shape shape, ofr_drop drop)
{
    struct attn a = {.dev = dev, .o = o, .p_out = p, .qkv = qkv, .shape = shape,
                     .drop = drop};
    ofr_dev_run(dev, attn_threads(dev, &shape), attention_part, &a);
}

#endif
