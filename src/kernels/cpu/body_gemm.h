/*
 * body_gemm.h - linear() and gemm(): blocks, threads, epilogue.
 *
 * Loops: columns packed at a time (only on the fly) / depth OFR_KC / rows
 * OFR_MC / panels / micro-kernel.  Threads form a grid over rows and panels;
 * each packs the rows it needs into its own scratch.
 */
#ifndef OFR_KERNELS_BODY_GEMM_H
#define OFR_KERNELS_BODY_GEMM_H

#include "kernels/dev.h"

/* Multiply-adds below which one thread is faster than two. */
enum { GEMM_SERIAL = 1 << 18 };

struct product {
    ofr_dev *dev;
    ofr_real *c; /* [M,N], row stride ldc: sums, before the activation */
    ptrdiff_t ldc;
    ofr_real *y; /* activation of c goes here; NULL: nowhere */
    ofr_mat a, b;
    const void *packed; /* the whole of b, [N/NR][K][NR]; or NULL */
    enum form form;     /* of packed */
    const ofr_real *bias;
    int M, N, K;
    bool accumulate;
    ofr_act act;
    int grid_m, grid_n; /* threads over rows, over panels               */
    int j0, n, k0, k;   /* the block of b that is in dev->shared        */
};

/* The work of a thread that has `rows` of M rows times `wide` panels, in quarters of
 * one row times one panel.  It copies its rows, a panel's worth; those that another
 * core wrote have to come from there, which is what makes equal shares of all rows
 * better than shares of the panels.  Few rows meet each panel once, on its way from
 * memory, which takes as long as about eight rows; many meet it again and again, or
 * widen it first where it is in half precision, which costs about four. */
static long share_of_work(long rows, long wide, int M, enum form form)
{
    const int few = form >= FORM_F16 ? 2 * VEC_MR : OFR_MC;
    if (M > few) return 4 * rows * wide + 16 * wide + rows;
    return 4 * (rows > 8 ? rows : 8) * wide + 4 * rows;
}

/* The grid with the least work for its busiest thread.  Rows are dealt one by one: a
 * thread's rows are cut into blocks of at most VEC_MR, whose exact size hardly
 * matters. */
static void choose_grid(struct product *g, int n)
{
    long panels = panels_of(n), best = -1;
    int threads = g->dev->n_threads;
    if ((double)g->M * n * g->K < GEMM_SERIAL) threads = 1;
    for (int m = threads; m >= 1; m--) {
        int p = threads / m;
        long work =
            share_of_work((g->M + m - 1) / m, (panels + p - 1) / p, g->M, g->form);
        if (best >= 0 && work >= best) continue;
        best = work;
        g->grid_m = m;
        g->grid_n = p;
    }
}

/* Activation of a block just finished, while it is in the first-level cache. */
static void finish(const struct product *g, int r0, int r1, int j0, int n)
{
    if (!g->y) return;
    for (int r = r0; r < r1; r++)
        act_row(g->y + (size_t)r * (size_t)g->ldc + j0, g->c + r * g->ldc + j0, (size_t)n,
                g->act);
}

/* Half-precision panel of depth k as reals. */
static void widen_panel(ofr_real *out, const unsigned char *panel, int k, enum form form)
{
    ptrdiff_t step = VEC_N * form_bytes(form);
    for (int i = 0; i < k * NR; i += VEC_N, panel += step)
        vec_store(out + i, form_load(panel, form));
}

/* Rows r0..r1 (at most OFR_MC) times panels j..j+n of the block at depth k0. */
static void multiply_block(const struct product *g, ofr_real *left, int r0, int r1,
                           const unsigned char *panels, ptrdiff_t panel_bytes, int j,
                           int n, int k0, int k)
{
    bool columns = g->a.rs == 1 && g->a.cs != 1;
    int blocks = (r1 - r0 + VEC_MR - 1) / VEC_MR;
    ofr_mat a = {g->a.p + r0 * g->a.rs + k0 * g->a.cs, g->a.rs, g->a.cs};
    if (columns)
        pack_left_cols(left, a, r1 - r0, k);
    else
        pack_left_rows(left, a, r1 - r0, k);
    /* Panels outside, rows inside: a panel stays in the first-level cache. */
    int wide = blocks == 1 ? n : NR;
    for (int q = 0; q < n; q += wide) {
        const unsigned char *panel = panels + q / NR * panel_bytes;
        const unsigned char *next = blocks > 1 ? panel + panel_bytes : NULL;
        enum form form = columns ? FORM_COLS : g->form;
        if (blocks > 3 && form >= FORM_F16) { /* pays from here on */
            ofr_real *wide_panel = left + OFR_MC * OFR_LDA;
            widen_panel(wide_panel, panel, k, form);
            panel = (const unsigned char *)wide_panel;
            form = FORM_ROWS;
        }
        for (int i = 0; i < blocks; i++) {
            int begin, end;
            block_of(&begin, &end, r1 - r0, VEC_MR, i);
            bool last = i + 1 == blocks;
            int next_row = last ? 0 : end, next_q = last && q + wide < n ? q + wide : q;
            struct strip s = {
                .form = form,
                .a = left + begin * (columns ? k : OFR_LDA),
                .cs = end - begin,
                .b = panel,
                .ahead = i == 0 ? next : panel,
                .panel_bytes = panel_bytes,
                .c = g->c + (r0 + begin) * g->ldc + j + q,
                .ldc = g->ldc,
                .c_ahead = g->c + (r0 + next_row) * g->ldc + j + next_q,
                .bias = g->bias ? g->bias + j + q : NULL,
                .m = end - begin,
                .n = n - q < wide ? n - q : wide,
                .k = k,
                .first = k0 == 0 && !g->accumulate,
            };
            strip_run(&s);
            if (k0 + k == g->K) finish(g, r0 + begin, r0 + end, j + q, s.n);
        }
    }
}

/* This thread's rectangle of the grid: rows and columns of the current block. */
static bool my_part(const struct product *g, int t, int n, int *r, int *r_end, int *j,
                    int *j_end)
{
    size_t a, b;
    int grid = g->grid_m * g->grid_n;
    if (t >= grid) return false;
    part_of(&a, &b, (size_t)g->M, 1, t / g->grid_n, g->grid_m);
    *r = (int)a;
    *r_end = (int)b;
    part_of(&a, &b, (size_t)n, NR, t % g->grid_n, g->grid_n);
    *j = (int)a;
    *j_end = (int)b;
    return *r < *r_end && *j < *j_end;
}

/* All of a thread's work when b was packed beforehand. */
static void multiply_packed(void *arg, int t, int n_parts)
{
    const struct product *g = arg;
    ofr_real *left = (ofr_real *)(void *)g->dev->scratch[t];
    ptrdiff_t width = form_bytes(g->form), panel_bytes = (ptrdiff_t)g->K * NR * width;
    int r, r_end, j, j_end;
    for (int part = t; part < g->grid_m * g->grid_n; part += n_parts) {
        if (!my_part(g, part, g->N, &r, &r_end, &j, &j_end)) continue;
        int chunks = (r_end - r + OFR_MC - 1) / OFR_MC;
        for (int i = 0; i < chunks; i++) {
            int begin, end;
            block_of(&begin, &end, r_end - r, OFR_MC, i);
            for (int k0 = 0; k0 < g->K; k0 += OFR_KC) {
                int k = g->K - k0 < OFR_KC ? g->K - k0 : OFR_KC;
                const unsigned char *panels = g->packed;
                multiply_block(g, left, r + begin, r + end,
                               panels + j / NR * panel_bytes + k0 * NR * width,
                               panel_bytes, j, j_end - j, k0, k);
            }
        }
    }
}

/* The same for one block of b in shared scratch. */
static void multiply_shared(void *arg, int t, int n_parts)
{
    const struct product *g = arg;
    ofr_real *left = (ofr_real *)(void *)g->dev->scratch[t];
    ptrdiff_t panel_bytes = (ptrdiff_t)g->k * NR * (ptrdiff_t)sizeof(ofr_real);
    int r, r_end, j, j_end;
    for (int part = t; part < g->grid_m * g->grid_n; part += n_parts) {
        if (!my_part(g, part, g->n, &r, &r_end, &j, &j_end)) continue;
        int chunks = (r_end - r + OFR_MC - 1) / OFR_MC;
        for (int i = 0; i < chunks; i++) {
            int begin, end;
            block_of(&begin, &end, r_end - r, OFR_MC, i);
            multiply_block(g, left, r + begin, r + end,
                           g->dev->shared + j / NR * panel_bytes, panel_bytes, g->j0 + j,
                           j_end - j, g->k0, g->k);
        }
    }
}

/* Rows of b that are packed together: few enough that each keeps its page. */
enum { PACK_ROWS = 16 };

static void pack_shared_rows(const struct product *g, int t, int n_parts)
{
    ofr_real *panels = (ofr_real *)(void *)g->dev->shared;
    size_t p, end;
    part_of(&p, &end, (size_t)g->k, PACK_ROWS, t, n_parts);
    for (; p < end; p += PACK_ROWS) {
        int rows = end - p < PACK_ROWS ? (int)(end - p) : PACK_ROWS;
        const ofr_real *from = g->b.p + (g->k0 + (ptrdiff_t)p) * g->b.rs + g->j0;
        for (int j = 0; j < g->n; j += NR)
            pack_panel_rows(panels + (size_t)j * (size_t)g->k + p * NR, from + j, g->b.rs,
                            rows, g->n - j < NR ? g->n - j : NR);
    }
}

static void pack_shared(void *arg, int t, int n_parts)
{
    const struct product *g = arg;
    ofr_real *panels = (ofr_real *)(void *)g->dev->shared;
    if (g->b.cs == 1) {
        pack_shared_rows(g, t, n_parts);
        return;
    }
    for (int p = t; p < panels_of(g->n); p += n_parts) {
        int j = p * NR, n = g->n - j < NR ? g->n - j : NR;
        const ofr_real *from = g->b.p + g->k0 * g->b.rs + (g->j0 + j) * g->b.cs;
        pack_panel(panels + (size_t)j * (size_t)g->k, (ofr_mat){from, g->b.rs, g->b.cs},
                   g->k, n);
    }
}

static void multiply(struct product *g)
{
    if (g->M <= 0 || g->N <= 0) return;
    if (g->packed) {
        choose_grid(g, g->N);
        ofr_dev_run(g->dev, g->grid_m * g->grid_n, multiply_packed, g);
        return;
    }
    for (g->j0 = 0; g->j0 < g->N; g->j0 += OFR_NC) {
        g->n = g->N - g->j0 < OFR_NC ? g->N - g->j0 : OFR_NC;
        choose_grid(g, g->n);
        for (g->k0 = 0; g->k0 < g->K; g->k0 += OFR_KC) {
            g->k = g->K - g->k0 < OFR_KC ? g->K - g->k0 : OFR_KC;
            int threads = g->grid_m * g->grid_n;
            ofr_dev_run(g->dev, threads, pack_shared, g);
            ofr_dev_run(g->dev, threads, multiply_shared, g);
        }
    }
}

/* ---- packing for later ------------------------------------------------------- */

static inline enum form form_of(ofr_precision precision)
{
    if (precision == OFR_PRECISION_F16) return FORM_F16;
    return precision == OFR_PRECISION_BF16 ? FORM_BF16 : FORM_ROWS;
}

static size_t pack_size(ofr_precision precision, int O, int I)
{
    if (precision == OFR_PRECISION_INT8) return int8_pack_size(O, I);
    return (size_t)panels_of(O) * NR * (size_t)I * (size_t)form_bytes(form_of(precision));
}

struct packing {
    void *packed;
    enum form form;
    const ofr_real *w;
    int O, I;
};

/* out[n] = x[n] in half precision; n a multiple of VEC_N. */
static void round_half(uint16_t *out, const ofr_real *x, int n, enum form form)
{
    for (int i = 0; i < n; i += VEC_N) {
        if (form == FORM_F16)
            vec_store_f16(out + i, vec_load(x + i));
        else
            vec_store_bf16(out + i, vec_load(x + i));
    }
}

static void pack_part(void *arg, int t, int n_parts)
{
    enum { STEP = 64 }; /* depth that is turned at a time */
    const struct packing *s = arg;
    ofr_real wide[STEP * NR];
    for (int p = t; p < panels_of(s->O); p += n_parts) {
        int j = p * NR, n = s->O - j < NR ? s->O - j : NR;
        const ofr_real *from = s->w + (size_t)j * (size_t)s->I;
        size_t at = (size_t)j * (size_t)s->I;
        if (s->form == FORM_ROWS) {
            pack_panel((ofr_real *)s->packed + at, (ofr_mat){from, 1, s->I}, s->I, n);
            continue;
        }
        for (int k = 0; k < s->I; k += STEP, at += STEP * NR) {
            int depth = s->I - k < STEP ? s->I - k : STEP;
            pack_panel(wide, (ofr_mat){from + k, 1, s->I}, depth, n);
            round_half((uint16_t *)s->packed + at, wide, depth * NR, s->form);
        }
    }
}

static void pack(ofr_dev *dev, void *packed, ofr_precision precision, const ofr_real *w,
                 int O, int I)
{
    struct packing s = {packed, form_of(precision), w, O, I};
    if (precision == OFR_PRECISION_INT8)
        int8_pack(dev, packed, w, NULL, NULL, O, I);
    else
        ofr_dev_run(dev, elem_threads(dev, (size_t)O * (size_t)I), pack_part, &s);
}

static void pack_int8(ofr_dev *dev, void *packed, const int8_t *q, const float *scale,
                      int O, int I)
{
    int8_pack(dev, packed, NULL, q, scale, O, I);
}

/* ---- the entries ------------------------------------------------------------- */

static void linear(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                   const ofr_real *w, const ofr_packed *packed, const ofr_real *b, int R,
                   int I, int O, ofr_act act)
{
    bool separate = act != OFR_ACT_NONE || (pre && pre != y);
    if (packed && packed->precision == OFR_PRECISION_INT8) {
        OFR_ASSERT(!pre);
        int8_linear(dev, y, x, packed->data, b, R, I, O, act);
        return;
    }
    struct product g = {
        .dev = dev,
        .c = pre ? pre : y,
        .ldc = O,
        .y = separate ? y : NULL,
        .a = {x, I, 1},
        .b = {w, 1, I},
        .packed = packed ? packed->data : NULL,
        .form = packed ? form_of(packed->precision) : FORM_ROWS,
        .bias = b,
        .M = R,
        .N = O,
        .K = I,
        .act = act,
    };
    multiply(&g);
}

static void gemm(ofr_dev *dev, ofr_real *c, ptrdiff_t ldc, ofr_mat a, ofr_mat b, int M,
                 int N, int K, bool accumulate)
{
    struct product g = {.dev = dev,
                        .c = c,
                        .ldc = ldc,
                        .a = a,
                        .b = b,
                        .M = M,
                        .N = N,
                        .K = K,
                        .accumulate = accumulate};
    multiply(&g);
}

#endif
