/*
 * body_int8.h - products of 8-bit whole numbers, exact.
 *
 *   y[r,o] = act(s_r s_o t[r,o] + b[o])      t[r,o] = sum_k (a[r,k] - z_r) q[o,k]
 *
 * Weights: row o of w is s_o q[o], |q| <= 63 (tensor/quant.h), and is held as
 * u = q + 64, which is 1..127.  Activations: row r is s_r (a[r] - z_r) with a in
 * -128..127; s_r spans from the lowest to the highest value of the row, zero
 * included, and z_r is the whole number that stands for zero.  Then
 *
 *   t[r,o] = sum_k u[o,k] a[r,k] - 64 sum_k a[r,k] - z_r sum_k q[o,k]
 *
 * where the two sums on the right are known when a side is rounded.
 *
 * No sum loses a bit.  vpmaddubsw adds two products u a in 16 bits, where it
 * would saturate: |u a| <= 127 * 128, so two of them are at most 32512 < 2^15.
 * A sum over k <= OFR_INT8_DEPTH stays below 65536 * 127 * 128 < 2^31, and so
 * do the true t: |(a - z) q| <= 255 * 63.  The subtractions may wrap on the way,
 * which the last one undoes.  Whole numbers add in any order, and what follows
 * is one conversion, two products and a sum in the same order everywhere: every
 * table gives the same bits before the activation.
 *
 * Packed: panel after panel of NR rows of w, each scale [NR], sum of q [NR],
 * then u [words][NR][4] with words = ceil(I / 4); behind the last row zeros.
 * The left side: blocks of m <= IVEC_MR rows, a [words][m][4].
 */
#ifndef OFR_KERNELS_BODY_INT8_H
#define OFR_KERNELS_BODY_INT8_H

#include "kernels/dev.h"
#include "tensor/quant.h"

/* Multiply-adds below which one thread is faster than two. */
enum { INT8_SERIAL = 1 << 20 };

static inline int words_of(int n)
{
    return (n + 3) / 4;
}

static inline size_t int8_panel_bytes(int I)
{
    return (size_t)NR * (sizeof(float) + sizeof(int32_t) + 4 * (size_t)words_of(I));
}

static size_t int8_pack_size(int O, int I)
{
    return (size_t)panels_of(O) * int8_panel_bytes(I);
}

/* ---- packing ------------------------------------------------------------------ */

struct int8_packing {
    unsigned char *packed;
    const ofr_real *w;  /* rounded here; or NULL and */
    const int8_t *q;
    const float *scale;
    int O, I;
};

/* Words from `word` on of row j: u = q + 64, n of them; returns the sum of q.
 * Four bytes at a time, without a carry from one to the next. */
static int32_t int8_put(unsigned char *panel, int j, int word, const int8_t *q, int n)
{
    int32_t sum = 0;
    unsigned char *to = panel + ((size_t)word * NR + (size_t)j) * 4;
    for (int k = 0; k < n; k++)
        sum += q[k];
    for (int k = 0; k < n; k += 4, to += (size_t)NR * 4) {
        uint32_t four = 0;
        memcpy(&four, q + k, n - k < 4 ? (size_t)(n - k) : 4);
        four = ((four & 0x7f7f7f7fu) + 0x40404040u) ^ (four & 0x80808080u);
        if (n - k < 4) four &= ~0u >> 8 * (4 - n + k); /* nothing behind the row */
        memcpy(to, &four, 4);
    }
    return sum;
}

static void int8_pack_row(const struct int8_packing *s, unsigned char *panel, int j,
                          int o)
{
    enum { STEP = 512 };
    int8_t rounded[STEP];
    const size_t at = (size_t)o * (size_t)s->I;
    float scale = s->scale ? s->scale[o]
                           : ofr_quant_scale(s->w + at, (size_t)s->I, OFR_INT8_WEIGHT);
    unsigned char *bytes = panel + NR * (sizeof(float) + sizeof(int32_t));
    int32_t sum = 0;
    for (int k = 0; k < s->I; k += STEP) {
        int n = s->I - k < STEP ? s->I - k : STEP;
        const int8_t *q = rounded;
        if (s->q)
            q = s->q + at + k;
        else
            ofr_quant_row(rounded, s->w + at + k, (size_t)n, scale, OFR_INT8_WEIGHT);
        sum += int8_put(bytes, j, k / 4, q, n);
    }
    memcpy(panel + (size_t)j * sizeof scale, &scale, sizeof scale);
    memcpy(panel + ((size_t)NR + (size_t)j) * sizeof sum, &sum, sizeof sum);
}

static void int8_pack_part(void *arg, int t, int n_parts)
{
    const struct int8_packing *s = arg;
    size_t bytes = int8_panel_bytes(s->I);
    for (int p = t; p < panels_of(s->O); p += n_parts) {
        unsigned char *panel = s->packed + (size_t)p * bytes;
        int n = s->O - p * NR < NR ? s->O - p * NR : NR;
        if (n < NR || s->I % 4) memset(panel, 0, bytes);
        for (int j = 0; j < n; j++)
            int8_pack_row(s, panel, j, p * NR + j);
    }
}

static void int8_pack(ofr_dev *dev, void *packed, const ofr_real *w, const int8_t *q,
                      const float *scale, int O, int I)
{
    OFR_ASSERT(I <= OFR_INT8_DEPTH);
    struct int8_packing s = {packed, w, q, scale, O, I};
    ofr_dev_run(dev, elem_threads(dev, (size_t)O * (size_t)I), int8_pack_part, &s);
}

/* ---- the left side --------------------------------------------------------------- */

/* What stands beside a row of a: s_r, z_r and 64 sum_k a[r,k]. */
struct int8_row {
    ofr_real scale;
    int32_t zero, sum;
};

/* Lowest and highest of x[n] and zero; false when something is not finite. */
static bool int8_range(ofr_real *low, ofr_real *high, const ofr_real *x, int n)
{
    vec lo = vec_zero(), hi = vec_zero(), odd = vec_zero();
    for (int i = 0; i < n; i += VEC_N) {
        vec v = i + VEC_N <= n ? vec_load(x + i) : vec_load_n(x + i, n - i);
        lo = vec_min(v, lo);
        hi = vec_max(v, hi);
        odd = vec_add(odd, vec_sub(v, v)); /* 0, or NaN and then for good */
    }
    *low = -vec_highest(vec_sub(vec_zero(), lo));
    *high = vec_highest(hi);
    return vec_sum(odd) == 0;
}

/* Row i of a block of m: bytes into a[words][m][4]. */
static struct int8_row int8_round_row(int8_t *a, int i, int m, const ofr_real *x, int n)
{
    ofr_real low, high;
    bool finite = int8_range(&low, &high, x, n);
    struct int8_row row = {.scale = (high - low) / 255};
    int8_t bytes[4 * VEC_N] = {0};
    vec inverse = vec_zero(), zero = vec_zero();
    if (!finite || !(row.scale < (ofr_real)FLT_MAX)) {
        row.scale = (ofr_real)NAN;
    } else if (row.scale >= (ofr_real)FLT_MIN) {
        ofr_real by = 1 / row.scale;
        inverse = vec_set1(by);
        row.zero = (int32_t)OFR_R(rint)(-128 - low * by);
        zero = vec_set1((ofr_real)row.zero);
    }
    const vec least = vec_set1(-128), most = vec_set1(127);
    const bool any = row.scale >= (ofr_real)FLT_MIN;
    ivec sum = ivec_zero();
    for (int k = 0; k < n; k += 4 * VEC_N) {
        int rest = n - k < 4 * VEC_N ? n - k : 4 * VEC_N;
        for (int j = 0; j < rest && any; j += VEC_N) {
            int left = rest - j < VEC_N ? rest - j : VEC_N;
            vec v = left == VEC_N ? vec_load(x + k + j) : vec_load_n(x + k + j, left);
            v = vec_add(vec_round(vec_mul(v, inverse)), zero);
            ivec whole = ivec_of(vec_min(vec_max(v, least), most));
            ivec_store_bytes(bytes + j, whole);
            sum = ivec_add(sum, whole);
        }
        int8_t *to = a + (size_t)(k / 4 * m + i) * 4;
        for (int w = 0; w < words_of(rest); w++)
            memcpy(to + (size_t)w * (size_t)m * 4, bytes + 4 * w, 4);
    }
    int behind = (VEC_N - n % VEC_N) % VEC_N; /* lanes that held no number, so zero */
    row.sum = 64 * (ivec_sum(sum) - behind * row.zero);
    return row;
}

/* ---- the tile --------------------------------------------------------------------- */

/* t[m][NR] = sum over all words of u a, `ways` words at a time in sums of their
 * own: few rows need them to hide the latency of a chain. */
static inline __attribute__((always_inline)) void
int8_micro(const int m, const int ways, int32_t *t, const int8_t *a,
           const unsigned char *u, int words)
{
    ivec sum[IVEC_MR * VEC_NV * 4];
    UNROLL for (int i = 0; i < ways * m * VEC_NV; i++)
        sum[i] = ivec_zero();
    int p = 0;
    for (; p + ways <= words; p += ways) {
        UNROLL for (int w = 0; w < ways; w++)
        {
            ivec uv[VEC_NV];
            UNROLL for (int j = 0; j < VEC_NV; j++)
                uv[j] = ivec_load(u + (w * NR + j * VEC_N) * 4);
            UNROLL for (int i = 0; i < m; i++)
            {
                ivec av = ivec_word(a + (w * m + i) * 4);
                UNROLL for (int j = 0; j < VEC_NV; j++)
                {
                    const int at = (w * m + i) * VEC_NV + j;
                    sum[at] = ivec_dot(sum[at], uv[j], av);
                }
            }
        }
        a += ways * m * 4;
        u += ways * NR * 4;
    }
    for (; p < words; p++, a += m * 4, u += NR * 4) {
        UNROLL for (int i = 0; i < m; i++)
        {
            UNROLL for (int j = 0; j < VEC_NV; j++)
                sum[i * VEC_NV + j] =
                    ivec_dot(sum[i * VEC_NV + j], ivec_load(u + j * VEC_N * 4),
                             ivec_word(a + i * 4));
        }
    }
    UNROLL for (int i = 0; i < m * VEC_NV; i++)
    {
        ivec all = sum[i];
        UNROLL for (int w = 1; w < ways; w++)
            all = ivec_add(all, sum[w * m * VEC_NV + i]);
        memcpy(t + i * VEC_N, &all, sizeof all);
    }
}

typedef void (*int8_fn)(int32_t *t, const int8_t *a, const unsigned char *u, int words);

#define INT8_MICRO(m, ways)                                                              \
    static void int8_micro_##m(int32_t *t, const int8_t *a, const unsigned char *u,      \
                               int words)                                                \
    {                                                                                    \
        int8_micro(m, ways, t, a, u, words);                                             \
    }

INT8_MICRO(1, 4)
INT8_MICRO(2, 2)
INT8_MICRO(3, 1)
INT8_MICRO(4, 1)
#if VEC_MR_IS >= 6
INT8_MICRO(5, 1)
#endif
#if VEC_MR_IS >= 12
INT8_MICRO(6, 1)
INT8_MICRO(7, 1)
INT8_MICRO(8, 1)
INT8_MICRO(9, 1)
INT8_MICRO(10, 1)
INT8_MICRO(11, 1)
INT8_MICRO(12, 1)
#endif

static const int8_fn int8_table[IVEC_MR + 1] = {
    NULL, int8_micro_1, int8_micro_2, int8_micro_3, int8_micro_4,
#if VEC_MR_IS >= 6
    int8_micro_5,
#endif
#if VEC_MR_IS >= 12
    int8_micro_6, int8_micro_7, int8_micro_8, int8_micro_9, int8_micro_10,
    int8_micro_11, int8_micro_12,
#endif
};

/* ---- the product ------------------------------------------------------------------ */

struct int8_product {
    ofr_dev *dev;
    ofr_real *y;
    const ofr_real *x, *bias;
    const unsigned char *packed;
    int R, I, O;
    ofr_act act;
    int r0, rows;            /* the rows that are rounded now               */
    int grid_m, grid_n;      /* threads over blocks of them, over panels    */
};

/* Rounded rows: their struct int8_row first, then their blocks. */
static inline int8_t *int8_bytes_of(unsigned char *left, const struct int8_product *g)
{
    size_t head = (size_t)g->rows * sizeof(struct int8_row);
    return (int8_t *)left + (head + OFR_LINE - 1) / OFR_LINE * OFR_LINE;
}

static inline size_t int8_row_bytes(int I)
{
    return sizeof(struct int8_row) + 4 * (size_t)words_of(I);
}

/* Blocks `block` to `end` of g->rows, into `left`. */
static void int8_round_blocks(const struct int8_product *g, unsigned char *left,
                              int block, int end)
{
    struct int8_row *info = (struct int8_row *)(void *)left;
    int8_t *bytes = int8_bytes_of(left, g);
    for (; block < end; block++) {
        int first, last;
        block_of(&first, &last, g->rows, IVEC_MR, block);
        int8_t *a = bytes + (size_t)first * 4 * (size_t)words_of(g->I);
        for (int r = first; r < last; r++)
            info[r] = int8_round_row(a, r - first, last - first,
                                     g->x + (size_t)(g->r0 + r) * (size_t)g->I, g->I);
    }
}

/* Rows first..last of a finished tile t: n columns of y from j on, with all that
 * belongs to a column read once for all rows. */
static inline __attribute__((always_inline)) void
int8_finish(const struct int8_product *g, int first, int last, int j, int n,
            const struct int8_row *info, const int32_t *t, const unsigned char *panel,
            ofr_act act)
{
    for (int i = 0; i < n; i += VEC_N) {
        const int left = n - i < VEC_N ? n - i : VEC_N;
        const ivec q = ivec_load(panel + (NR + i) * 4);
        const vec scale = vec_load_f32(panel + i * 4);
        vec bias = vec_zero();
        if (g->bias) bias = vec_load_n(g->bias + j + i, left);
        for (int r = first; r < last; r++) {
            const struct int8_row *row = &info[r];
            ivec whole = ivec_load(t + (r - first) * NR + i);
            whole = ivec_sub(whole, ivec_set1(row->sum));
            whole = ivec_sub(whole, ivec_mul(ivec_set1(row->zero), q));
            vec v = vec_mul(vec_of_ints(whole), vec_mul(vec_set1(row->scale), scale));
            v = act_vec(vec_add(v, bias), act);
            ofr_real *y = g->y + (size_t)(g->r0 + r) * (size_t)g->O + j + i;
            if (left == VEC_N)
                vec_store(y, v);
            else
                vec_store_n(y, v, left);
        }
    }
}

static void int8_tile(const struct int8_product *g, const unsigned char *left, int block,
                      int panel)
{
    const struct int8_row *info = (const struct int8_row *)(const void *)left;
    const unsigned char *from = g->packed + (size_t)panel * int8_panel_bytes(g->I);
    const int8_t *bytes = int8_bytes_of((unsigned char *)(uintptr_t)left, g);
    int32_t t[IVEC_MR * NR];
    int first, last, j = panel * NR, words = words_of(g->I);
    int n = g->O - j < NR ? g->O - j : NR;
    block_of(&first, &last, g->rows, IVEC_MR, block);
    int8_table[last - first](t, bytes + (size_t)first * 4 * (size_t)words,
                             from + 2 * NR * sizeof(int32_t), words);
    if (g->act == OFR_ACT_NONE)
        int8_finish(g, first, last, j, n, info, t, from, OFR_ACT_NONE);
    else if (g->act == OFR_ACT_GELU)
        int8_finish(g, first, last, j, n, info, t, from, OFR_ACT_GELU);
    else
        int8_finish(g, first, last, j, n, info, t, from, g->act);
}

static void int8_multiply(const struct int8_product *g, const unsigned char *left,
                          int part)
{
    size_t block, block_end, panel, panel_end;
    int blocks = (g->rows + IVEC_MR - 1) / IVEC_MR;
    part_of(&block, &block_end, (size_t)blocks, 1, part / g->grid_n, g->grid_m);
    part_of(&panel, &panel_end, (size_t)panels_of(g->O), 1, part % g->grid_n, g->grid_n);
    for (size_t p = panel; p < panel_end; p++)
        for (size_t b = block; b < block_end; b++)
            int8_tile(g, left, (int)b, (int)p);
}

static void int8_round_part(void *arg, int t, int n_parts)
{
    const struct int8_product *g = arg;
    size_t begin, end;
    int blocks = (g->rows + IVEC_MR - 1) / IVEC_MR;
    part_of(&begin, &end, (size_t)blocks, 1, t, n_parts);
    int8_round_blocks(g, g->dev->shared, (int)begin, (int)end);
}

static void int8_shared_part(void *arg, int t, int n_parts)
{
    const struct int8_product *g = arg;
    for (int part = t; part < g->grid_m * g->grid_n; part += n_parts)
        int8_multiply(g, g->dev->shared, part);
}

/* Few numbers: every thread rounds all rows for itself rather than wait. */
static void int8_own_part(void *arg, int t, int n_parts)
{
    const struct int8_product *g = arg;
    int blocks = (g->rows + IVEC_MR - 1) / IVEC_MR;
    int8_round_blocks(g, g->dev->scratch[t], 0, blocks);
    for (int part = t; part < g->grid_m * g->grid_n; part += n_parts)
        int8_multiply(g, g->dev->scratch[t], part);
}

static void int8_grid(struct int8_product *g)
{
    long best = -1, blocks = (g->rows + IVEC_MR - 1) / IVEC_MR, panels = panels_of(g->O);
    int threads = g->dev->n_threads;
    if ((double)g->rows * g->I * g->O < INT8_SERIAL) threads = 1;
    for (int n = threads; n >= 1; n--) {
        int m = threads / n;
        long work = (blocks + m - 1) / m * ((panels + n - 1) / n);
        if (best >= 0 && work >= best) continue;
        best = work;
        g->grid_m = m;
        g->grid_n = n;
    }
}

static void int8_linear(ofr_dev *dev, ofr_real *y, const ofr_real *x, const void *packed,
                        const ofr_real *b, int R, int I, int O, ofr_act act)
{
    enum { OWN = 1 << 14 }; /* bytes that are rounded sooner than shared */
    struct int8_product g = {.dev = dev, .y = y, .x = x, .bias = b, .packed = packed,
                             .R = R, .I = I, .O = O, .act = act};
    size_t room = (dev->shared_bytes - OFR_LINE) / int8_row_bytes(I);
    int most = room < (size_t)R ? (int)room : R;
    for (g.r0 = 0; g.r0 < R; g.r0 += g.rows) {
        g.rows = R - g.r0 < most ? R - g.r0 : most;
        int8_grid(&g);
        int threads = g.grid_m * g.grid_n;
        if ((size_t)g.rows * int8_row_bytes(I) <= OWN) {
            ofr_dev_run(dev, threads, int8_own_part, &g);
            continue;
        }
        ofr_dev_run(dev, threads, int8_round_part, &g);
        ofr_dev_run(dev, threads, int8_shared_part, &g);
    }
}

#endif
