/*
 * body_micro.h - the micro-kernels of every matrix product, and packing.
 *
 * Panels of the right side hold NR columns, [K][NR]; a micro-kernel multiplies
 * up to VEC_MR rows with one or several panels and keeps the results in
 * registers.  Every element of a product is one chain of multiply-adds over k
 * in order, started from the bias, zero or the old value, whatever the shape of
 * the kernel: so results do not depend on the place of a row or on threads.
 */
#ifndef OFR_KERNELS_BODY_MICRO_H
#define OFR_KERNELS_BODY_MICRO_H

#include "kernels/cpu/sizes.h"
#include "kernels/dev.h"

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum { NR = VEC_N * VEC_NV, LINE = 64 / sizeof(ofr_real) };

static inline int panels_of(int n)
{
    return (n + NR - 1) / NR;
}

/* How the two sides of a micro-kernel are held: left rows of stride OFR_LDA (k
 * contiguous) or columns of stride cs (rows contiguous); panels of reals or of
 * half-precision numbers. */
enum form { FORM_ROWS, FORM_COLS, FORM_F16, FORM_BF16, FORMS };

static inline ptrdiff_t form_bytes(const int form)
{
    return form >= FORM_F16 ? sizeof(uint16_t) : sizeof(ofr_real);
}

static inline vec form_load(const unsigned char *b, const int form)
{
    if (form == FORM_F16) return vec_load_f16((const uint16_t *)(const void *)b);
    if (form == FORM_BF16) return vec_load_bf16((const uint16_t *)(const void *)b);
    return vec_load((const ofr_real *)(const void *)b);
}

/* c[m, n_panels * NR] = start + a[m,k] * panels, or c += a * panels when start
 * is NULL.  Panels stand panel_bytes apart.  Meanwhile the panel at `ahead` and
 * the part of c that comes next are fetched: rows of c lie pages apart, which no
 * processor foresees. */
static inline __attribute__((always_inline)) void
micro(const int form, const int m, const int n_panels, ptrdiff_t cs, const ofr_real *a,
      const unsigned char *b, ptrdiff_t panel_bytes, int k, ofr_real *c, ptrdiff_t ldc,
      const ofr_real *start, const unsigned char *ahead, const ofr_real *c_ahead)
{
    const int nv = n_panels * VEC_NV;
    const ptrdiff_t width = form_bytes(form);
    const ptrdiff_t row = form == FORM_COLS ? 1 : OFR_LDA;
    vec acc[VEC_MR * VEC_NV * 4];
    UNROLL for (int i = 0; i < m; i++)
    {
        UNROLL for (int j = 0; j < nv; j++) acc[i * nv + j] =
            start ? vec_load(start + j * VEC_N) : vec_load(c + i * ldc + j * VEC_N);
    }
    if (n_panels == 1) {
        UNROLL for (int i = 0; i < m; i++)
        {
            UNROLL for (int j = 0; j < NR; j += LINE)
                __builtin_prefetch(c_ahead + i * ldc + j, 0, 2);
        }
    }
    for (int p = 0; p < k; p++) {
        vec bv[VEC_NV * 4];
        if (m >= VEC_AHEAD_ROWS) {
            UNROLL for (int j = 0; j < NR; j += LINE)
                __builtin_prefetch(ahead + j * width, 0, 2);
        }
        ahead += NR * width;
        UNROLL for (int j = 0; j < nv; j++) bv[j] = form_load(
            b + (j / VEC_NV) * panel_bytes + (j % VEC_NV) * VEC_N * width, form);
        UNROLL for (int i = 0; i < m; i++)
        {
            vec av = vec_set1(a[i * row]);
            UNROLL for (int j = 0; j < nv; j++) acc[i * nv + j] =
                vec_fma(av, bv[j], acc[i * nv + j]);
        }
        a += form == FORM_COLS ? cs : 1;
        b += NR * width;
    }
    UNROLL for (int i = 0; i < m; i++)
    {
        UNROLL for (int j = 0; j < nv; j++)
            vec_store(c + i * ldc + j * VEC_N, acc[i * nv + j]);
    }
}

typedef void (*micro_fn)(const ofr_real *a, ptrdiff_t cs, const unsigned char *b,
                         ptrdiff_t panel_bytes, int k, ofr_real *c, ptrdiff_t ldc,
                         const ofr_real *start, const unsigned char *ahead,
                         const ofr_real *c_ahead);

#define MICRO_FORM(name, form, m, n_panels)                                              \
    static void name(const ofr_real *a, ptrdiff_t cs, const unsigned char *b,            \
                     ptrdiff_t panel_bytes, int k, ofr_real *c, ptrdiff_t ldc,           \
                     const ofr_real *start, const unsigned char *ahead,                  \
                     const ofr_real *c_ahead)                                            \
    {                                                                                    \
        micro(form, m, n_panels, cs, a, b, panel_bytes, k, c, ldc, start, ahead,         \
              c_ahead);                                                                  \
    }
#define MICRO(name, m, n_panels)                                                         \
    MICRO_FORM(name##_rows, FORM_ROWS, m, n_panels)                                      \
    MICRO_FORM(name##_cols, FORM_COLS, m, n_panels)                                      \
    MICRO_FORM(name##_f16, FORM_F16, m, n_panels)                                        \
    MICRO_FORM(name##_bf16, FORM_BF16, m, n_panels)

MICRO(micro_1, 1, 1)
MICRO(micro_2, 2, 1)
MICRO(micro_3, 3, 1)
MICRO(micro_4, 4, 1)
MICRO(wide_1, 1, 4)
MICRO(wide_2, 2, 2)
MICRO(wide_3, 3, VEC_WIDE3)
#define MICRO_TO_4(f) NULL, micro_1##f, micro_2##f, micro_3##f, micro_4##f
#if VEC_MR_IS >= 6
MICRO(micro_5, 5, 1)
MICRO(micro_6, 6, 1)
#define MICRO_TO_6(f) MICRO_TO_4(f), micro_5##f, micro_6##f
#endif
#if VEC_MR_IS >= 12
MICRO(micro_7, 7, 1)
MICRO(micro_8, 8, 1)
MICRO(micro_9, 9, 1)
MICRO(micro_10, 10, 1)
MICRO(micro_11, 11, 1)
MICRO(micro_12, 12, 1)
#define MICRO_TO_12(f)                                                                   \
    MICRO_TO_6(f), micro_7##f, micro_8##f, micro_9##f, micro_10##f, micro_11##f,         \
        micro_12##f
#endif

#if VEC_MR_IS == 12
#define MICRO_ALL MICRO_TO_12
#elif VEC_MR_IS == 6
#define MICRO_ALL MICRO_TO_6
#else
#define MICRO_ALL MICRO_TO_4
#endif

static const micro_fn micro_table[FORMS][VEC_MR_IS + 1] = {
    {MICRO_ALL(_rows)}, {MICRO_ALL(_cols)}, {MICRO_ALL(_f16)}, {MICRO_ALL(_bf16)}};

/* Few rows: several panels at once hide the latency of the chain. */
#define WIDE_ALL(f) NULL, wide_1##f, wide_2##f, wide_3##f
static const micro_fn wide_table[FORMS][4] = {
    {WIDE_ALL(_rows)}, {WIDE_ALL(_cols)}, {WIDE_ALL(_f16)}, {WIDE_ALL(_bf16)}};
static const int wide_panels[4] = {0, 4, 2, VEC_WIDE3};

/* One block of a product: m <= VEC_MR rows, n columns, all panels of b.
 * bias [n] starts the chains (NULL: zero) when `first`, else c goes on. */
struct strip {
    enum form form;
    const ofr_real *a;
    ptrdiff_t cs; /* of columns */
    const void *b;
    ptrdiff_t panel_bytes;
    const void *ahead; /* panel to fetch meanwhile; NULL: the next of b */
    ofr_real *c;
    ptrdiff_t ldc;
    const ofr_real *c_ahead; /* part of c to fetch meanwhile; NULL: none */
    const ofr_real *bias;
    int m, n, k;
    bool first;
};

static const ofr_real strip_zeros[4 * OFR_NR_MAX];

static inline const unsigned char *strip_panel(const struct strip *s, int j)
{
    return (const unsigned char *)s->b + j / NR * s->panel_bytes;
}

/* The last, narrower panel goes through a full tile. */
static void strip_edge(const struct strip *s, int j)
{
    ofr_real tile[VEC_MR * NR], start[NR] = {0};
    int n = s->n - j;
    for (int i = 0; i < s->m && !s->first; i++)
        for (int q = 0; q < NR; q++)
            tile[i * NR + q] = q < n ? s->c[i * s->ldc + j + q] : 0;
    if (s->first && s->bias) memcpy(start, s->bias + j, (size_t)n * sizeof *start);
    const unsigned char *b = strip_panel(s, j);
    micro_table[s->form][s->m](s->a, s->cs, b, s->panel_bytes, s->k, tile, NR,
                               s->first ? start : NULL, b, tile);
    for (int i = 0; i < s->m; i++)
        memcpy(s->c + i * s->ldc + j, tile + i * NR, (size_t)n * sizeof *tile);
}

static void strip_run(const struct strip *s)
{
    int j = 0;
    if (s->m < 4) {
        int wide = wide_panels[s->m] * NR;
        for (; j + wide <= s->n; j += wide) {
            const ofr_real *start = s->bias ? s->bias + j : strip_zeros;
            const unsigned char *b = strip_panel(s, j);
            wide_table[s->form][s->m](s->a, s->cs, b, s->panel_bytes, s->k, s->c + j,
                                      s->ldc, s->first ? start : NULL, b, s->c + j);
        }
    }
    micro_fn fn = micro_table[s->form][s->m];
    for (; j + NR <= s->n; j += NR) {
        const ofr_real *start = s->bias ? s->bias + j : strip_zeros;
        const unsigned char *b = strip_panel(s, j);
        const ofr_real *c_ahead = j + 2 * NR <= s->n ? s->c + j + NR : s->c_ahead;
        fn(s->a, s->cs, b, s->panel_bytes, s->k, s->c + j, s->ldc,
           s->first ? start : NULL, s->ahead ? s->ahead : b + s->panel_bytes,
           c_ahead ? c_ahead : s->c + j);
    }
    if (j < s->n) strip_edge(s, j);
}

/* ---- packing ----------------------------------------------------------------- */

/* out[k][NR] = b[k0 .. k0+k, j .. j+n], zero behind n <= NR; b row-major. */
static void pack_panel_rows(ofr_real *out, const ofr_real *b, ptrdiff_t ld, int k, int n)
{
    for (int p = 0; p < k; p++, out += NR, b += ld) {
        int j = 0;
        for (; j + VEC_N <= n; j += VEC_N)
            vec_store(out + j, vec_load(b + j));
        if (j < n) vec_store(out + j, vec_load_n(b + j, n - j));
        for (j += j < n ? VEC_N : 0; j < NR; j += VEC_N)
            vec_store(out + j, vec_zero());
    }
}

/* Lanes 0..n-1 of out[k][NR] = b[p + lane * ld], squares of VEC_TN at a time: behind
 * lane n-1 up to the end of its square zeros. */
static void turn_panel(ofr_real *out, const ofr_real *b, ptrdiff_t ld, int k, int n)
{
    enum { STEP = 64 };
    int square = k / VEC_TN * VEC_TN;
    for (int j = 0; j + VEC_TN <= n; j += VEC_TN) {
        for (int p = 0; p < square; p += VEC_TN)
            vec_transpose(out + p * NR + j, NR, b + j * ld + p, ld);
    }
    int rest = n % VEC_TN, whole = n - rest;
    ofr_real rows[VEC_TN * STEP];
    for (int p0 = 0; p0 < square && rest; p0 += STEP) {
        int depth = square - p0 < STEP ? square - p0 : STEP;
        memset(rows, 0, sizeof rows);
        for (int i = 0; i < rest; i++)
            memcpy(rows + i * STEP, b + (whole + i) * ld + p0, (size_t)depth * sizeof *b);
        for (int p = 0; p < depth; p += VEC_TN)
            vec_transpose(out + (p0 + p) * NR + whole, NR, rows + p, STEP);
    }
    for (int p = square; p < k; p++)
        for (int j = 0; j < n; j++)
            out[p * NR + j] = b[p + j * ld];
}

/* The same from columns: element (p, j) is b[p + j * ld]. */
static void pack_panel_cols(ofr_real *out, const ofr_real *b, ptrdiff_t ld, int k, int n)
{
    if (n < NR) memset(out, 0, (size_t)k * NR * sizeof *out);
    turn_panel(out, b, ld, k, n);
}

/* Any strides. */
static void pack_panel(ofr_real *out, ofr_mat b, int k, int n)
{
    if (b.cs == 1) {
        pack_panel_rows(out, b.p, b.rs, k, n);
    } else if (b.rs == 1) {
        pack_panel_cols(out, b.p, b.cs, k, n);
    } else {
        for (int p = 0; p < k; p++)
            for (int q = 0; q < NR; q++)
                out[p * NR + q] = q < n ? b.p[p * b.rs + q * b.cs] : 0;
    }
}

/* out[i * OFR_LDA + p] = a(i, p) for m rows of k <= OFR_KC. */
static void pack_left_rows(ofr_real *out, ofr_mat a, int m, int k)
{
    for (int i = 0; i < m; i++) {
        const ofr_real *from = a.p + i * a.rs;
        ofr_real *to = out + i * OFR_LDA;
        int p = 0;
        if (a.cs == 1) {
            for (; p + VEC_N <= k; p += VEC_N)
                vec_store(to + p, vec_load(from + p));
        }
        for (; p < k; p++)
            to[p] = from[p * a.cs];
    }
}

/* Rows of block i when m rows are cut into as few and as equal blocks as
 * possible: begins at, ends at. */
static inline void block_of(int *begin, int *end, int m, int at_most, int i)
{
    int n = (m + at_most - 1) / at_most;
    *begin = (int)((long)m * i / n);
    *end = (int)((long)m * (i + 1) / n);
}

/* The m rows in blocks of block_of(VEC_MR), where rows of a are contiguous
 * (a.rs == 1): block [begin, end) is out[begin * k + p * (end - begin) + i]. */
static void pack_left_cols(ofr_real *out, ofr_mat a, int m, int k)
{
    enum { TURN = 32 }; /* columns in turn for all blocks: they keep their pages */
    int blocks = (m + VEC_MR - 1) / VEC_MR;
    for (int p0 = 0; p0 < k; p0 += TURN) {
        int p1 = p0 + TURN < k ? p0 + TURN : k, begin, end;
        for (int b = 0; b < blocks; b++) {
            block_of(&begin, &end, m, VEC_MR, b);
            int n = end - begin, whole = n / VEC_N * VEC_N, rest = n - whole;
            ofr_real *to = out + begin * k + p0 * n;
            const ofr_real *from = a.p + begin + p0 * a.cs;
            for (int p = p0; p < p1; p++, from += a.cs, to += n) {
                for (int i = 0; i < whole; i += VEC_N)
                    vec_store(to + i, vec_load(from + i));
                if (!rest) continue;
                /* What a whole vector writes behind the row, the next rows correct:
                 * storing a part is slow on some processors. */
                vec last = vec_load_n(from + whole, rest);
                if ((p1 - p) * n >= whole + VEC_N)
                    vec_store(to + whole, last);
                else
                    vec_store_n(to + whole, last, rest);
            }
        }
    }
}

#endif
