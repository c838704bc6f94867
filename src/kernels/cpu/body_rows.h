/*
 * body_rows.h - kernels over rows of channels: layer norm, embeddings, sums of
 * columns.
 *
 * Forward kernels split rows over threads; kernels that add over rows split
 * columns, so that every sum runs over the rows in order whatever the number of
 * threads.
 */
#ifndef OFR_KERNELS_BODY_ROWS_H
#define OFR_KERNELS_BODY_ROWS_H

#include "kernels/dev.h"

/* Columns are cut at multiples of one cache line of floats. */
enum { COLUMN_UNIT = 16 };

/* ---- sums of columns --------------------------------------------------- */

struct columns {
    ofr_real *db, *dg;
    const ofr_real *dy, *x, *mean, *rstd;
    int R, C;
};

/* db[VEC_N * nv] += sum over rows of dy[R, ...], nv <= 4 vectors at a time. */
static inline __attribute__((always_inline)) void
col_sum_strip(ofr_real *db, const ofr_real *dy, int R, ptrdiff_t ld, const int nv)
{
    vec acc[4];
    for (int j = 0; j < nv; j++)
        acc[j] = vec_load(db + j * VEC_N);
    for (int r = 0; r < R; r++)
        for (int j = 0; j < nv; j++)
            acc[j] = vec_add(acc[j], vec_load(dy + r * ld + j * VEC_N));
    for (int j = 0; j < nv; j++)
        vec_store(db + j * VEC_N, acc[j]);
}

static void col_sum_part(void *arg, int t, int n_parts)
{
    const struct columns *s = arg;
    size_t i, end;
    part_of(&i, &end, (size_t)s->C, COLUMN_UNIT, t, n_parts);
    for (; i + 4 * VEC_N <= end; i += 4 * VEC_N)
        col_sum_strip(s->db + i, s->dy + i, s->R, s->C, 4);
    for (; i + VEC_N <= end; i += VEC_N)
        col_sum_strip(s->db + i, s->dy + i, s->R, s->C, 1);
    for (; i < end; i++) {
        ofr_real sum = s->db[i];
        for (int r = 0; r < s->R; r++)
            sum += s->dy[(size_t)r * (size_t)s->C + i];
        s->db[i] = sum;
    }
}

static void col_sum(ofr_dev *dev, ofr_real *db, const ofr_real *dy, int R, int O)
{
    struct columns s = {.db = db, .dy = dy, .R = R, .C = O};
    ofr_dev_run(dev, elem_threads(dev, (size_t)R * (size_t)O), col_sum_part, &s);
}

/* ---- layer norm ----------------------------------------------------------- */

struct norm {
    ofr_real *y, *s, *mean, *rstd;
    const ofr_real *a, *res, *g, *b;
    int R, C;
    ofr_real eps;
    ofr_drop drop;
};

/* Sum of x[n] + optionally squares about a centre, in four partial vectors. */
static inline ofr_real row_sum(const ofr_real *x, int n)
{
    vec acc[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
    int i = 0;
    for (; i + 4 * VEC_N <= n; i += 4 * VEC_N)
        for (int j = 0; j < 4; j++)
            acc[j] = vec_add(acc[j], vec_load(x + i + j * VEC_N));
    for (; i + VEC_N <= n; i += VEC_N)
        acc[0] = vec_add(acc[0], vec_load(x + i));
    if (i < n) acc[1] = vec_add(acc[1], vec_load_n(x + i, n - i));
    return vec_sum(vec_add(vec_add(acc[0], acc[1]), vec_add(acc[2], acc[3])));
}

static inline ofr_real row_squares(const ofr_real *x, int n, ofr_real centre)
{
    vec acc[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
    vec c = vec_set1(centre);
    int i = 0;
    for (; i + 4 * VEC_N <= n; i += 4 * VEC_N)
        for (int j = 0; j < 4; j++) {
            vec d = vec_sub(vec_load(x + i + j * VEC_N), c);
            acc[j] = vec_fma(d, d, acc[j]);
        }
    for (; i + VEC_N <= n; i += VEC_N) {
        vec d = vec_sub(vec_load(x + i), c);
        acc[0] = vec_fma(d, d, acc[0]);
    }
    ofr_real sum = vec_sum(vec_add(vec_add(acc[0], acc[1]), vec_add(acc[2], acc[3])));
    for (; i < n; i++)
        sum += (x[i] - centre) * (x[i] - centre);
    return sum;
}

/* s[n] = drop(a[n]) + res[n]; res may be NULL. */
static inline void residual_row(ofr_real *s, const ofr_real *a, const ofr_real *res,
                                int n, ofr_drop drop, uint32_t index)
{
    if (drop.threshold) {
        drop_row(s, a, (size_t)n, drop, index);
        if (res) add_row(s, res, (size_t)n);
    } else if (res) {
        int i = 0;
        for (; i + VEC_N <= n; i += VEC_N)
            vec_store(s + i, vec_add(vec_load(a + i), vec_load(res + i)));
        for (; i < n; i++)
            s[i] = a[i] + res[i];
    } else if (s != a) {
        memcpy(s, a, (size_t)n * sizeof *s);
    }
}

/* y[n] = (x - mean) * rstd * g + b; y may be x. */
static inline void normalise_row(ofr_real *y, const ofr_real *x, const ofr_real *g,
                                 const ofr_real *b, int n, ofr_real mean, ofr_real rstd)
{
    vec m = vec_set1(mean), r = vec_set1(rstd);
    int i = 0;
    for (; i + VEC_N <= n; i += VEC_N) {
        vec h = vec_mul(vec_sub(vec_load(x + i), m), r);
        vec_store(y + i, vec_fma(h, vec_load(g + i), vec_load(b + i)));
    }
    if (i == n) return;
    vec h = vec_mul(vec_sub(vec_load_n(x + i, n - i), m), r);
    vec_store_n(y + i, vec_fma(h, vec_load_n(g + i, n - i), vec_load_n(b + i, n - i)),
                n - i);
}

static void add_layernorm_part(void *arg, int t, int n_parts)
{
    const struct norm *k = arg;
    size_t C = (size_t)k->C, r, end;
    part_of(&r, &end, (size_t)k->R, 1, t, n_parts);
    for (; r < end; r++) {
        ofr_real *s = k->s + r * C;
        residual_row(s, k->a + r * C, k->res ? k->res + r * C : NULL, k->C, k->drop,
                     (uint32_t)(r * C));
        ofr_real mean = row_sum(s, k->C) / (ofr_real)k->C;
        ofr_real var = row_squares(s, k->C, mean) / (ofr_real)k->C;
        ofr_real rstd = 1 / OFR_R(sqrt)(var + k->eps);
        normalise_row(k->y + r * C, s, k->g, k->b, k->C, mean, rstd);
        if (k->mean) k->mean[r] = mean;
        if (k->rstd) k->rstd[r] = rstd;
    }
}

static void add_layernorm(ofr_dev *dev, ofr_real *y, ofr_real *s, ofr_real *mean,
                          ofr_real *rstd, const ofr_real *a, const ofr_real *res,
                          const ofr_real *g, const ofr_real *b, int R, int C,
                          ofr_real eps, ofr_drop drop)
{
    struct norm k = {.y = y, .s = s, .mean = mean, .rstd = rstd, .a = a, .res = res,
                     .g = g, .b = b, .R = R, .C = C, .eps = eps, .drop = drop};
    ofr_dev_run(dev, elem_threads(dev, (size_t)R * (size_t)C), add_layernorm_part, &k);
}

/* dg[..] += sum dy * xhat, db[..] += sum dy over rows, one vector of columns. */
static inline __attribute__((always_inline)) void
norm_columns(const struct columns *s, size_t i, int n, const int nv)
{
    vec dg[4], db[4];
    size_t C = (size_t)s->C;
    for (int j = 0; j < nv; j++) {
        dg[j] = vec_load_n(s->dg + i + j * VEC_N, n);
        db[j] = vec_load_n(s->db + i + j * VEC_N, n);
    }
    for (size_t r = 0; r < (size_t)s->R; r++) {
        vec mean = vec_set1(s->mean[r]), rstd = vec_set1(s->rstd[r]);
        for (int j = 0; j < nv; j++) {
            size_t at = r * C + i + (size_t)j * VEC_N;
            vec dy = vec_load_n(s->dy + at, n);
            vec h = vec_mul(vec_sub(vec_load_n(s->x + at, n), mean), rstd);
            dg[j] = vec_fma(dy, h, dg[j]);
            db[j] = vec_add(db[j], dy);
        }
    }
    for (int j = 0; j < nv; j++) {
        vec_store_n(s->dg + i + j * VEC_N, dg[j], n);
        vec_store_n(s->db + i + j * VEC_N, db[j], n);
    }
}

static void norm_columns_part(void *arg, int t, int n_parts)
{
    const struct columns *s = arg;
    size_t i, end;
    part_of(&i, &end, (size_t)s->C, COLUMN_UNIT, t, n_parts);
    for (; i + 4 * VEC_N <= end; i += 4 * VEC_N)
        norm_columns(s, i, VEC_N, 4);
    for (; i + VEC_N <= end; i += VEC_N)
        norm_columns(s, i, VEC_N, 1);
    if (i < end) norm_columns(s, i, (int)(end - i), 1);
}

struct norm_bwd {
    ofr_real *dx;
    const ofr_real *dy, *x, *mean, *rstd, *g;
    int R, C;
};

/* With h = (x - mean) rstd and q = dy g:
 *   dx = rstd (q - mean(q) - h mean(q h)). */
static inline void norm_bwd_row(ofr_real *dx, const ofr_real *dy, const ofr_real *x,
                                const ofr_real *g, int n, ofr_real mean, ofr_real rstd)
{
    vec m = vec_set1(mean), rs = vec_set1(rstd);
    vec sq[2] = {vec_zero(), vec_zero()}, sqh[2] = {vec_zero(), vec_zero()};
    int i = 0, turn = 0;
    for (; i + VEC_N <= n; i += VEC_N, turn ^= 1) {
        vec q = vec_mul(vec_load(dy + i), vec_load(g + i));
        vec h = vec_mul(vec_sub(vec_load(x + i), m), rs);
        sq[turn] = vec_add(sq[turn], q);
        sqh[turn] = vec_fma(q, h, sqh[turn]);
    }
    if (i < n) {
        vec q = vec_mul(vec_load_n(dy + i, n - i), vec_load_n(g + i, n - i));
        vec h = vec_mul(vec_sub(vec_load_n(x + i, n - i), m), rs);
        sq[0] = vec_add(sq[0], q);
        sqh[0] = vec_fma(q, h, sqh[0]);
    }
    ofr_real mq = vec_sum(vec_add(sq[0], sq[1])) / (ofr_real)n;
    ofr_real mqh = vec_sum(vec_add(sqh[0], sqh[1])) / (ofr_real)n;
    vec a = vec_set1(mq), b = vec_set1(-mqh);
    for (i = 0; i < n; i += VEC_N) {
        int k = n - i < VEC_N ? n - i : VEC_N;
        vec q = vec_mul(vec_load_n(dy + i, k), vec_load_n(g + i, k));
        vec h = vec_mul(vec_sub(vec_load_n(x + i, k), m), rs);
        vec_store_n(dx + i, vec_mul(vec_fma(h, b, vec_sub(q, a)), rs), k);
    }
}

static void norm_bwd_part(void *arg, int t, int n_parts)
{
    const struct norm_bwd *k = arg;
    size_t C = (size_t)k->C, r, end;
    part_of(&r, &end, (size_t)k->R, 1, t, n_parts);
    for (; r < end; r++)
        norm_bwd_row(k->dx + r * C, k->dy + r * C, k->x + r * C, k->g, k->C, k->mean[r],
                     k->rstd[r]);
}

static void layernorm_bwd(ofr_dev *dev, ofr_real *dx, ofr_real *dg, ofr_real *db,
                          const ofr_real *dy, const ofr_real *x, const ofr_real *mean,
                          const ofr_real *rstd, const ofr_real *g, int R, int C)
{
    int threads = elem_threads(dev, (size_t)R * (size_t)C);
    struct columns s = {.db = db, .dg = dg, .dy = dy, .x = x, .mean = mean,
                        .rstd = rstd, .R = R, .C = C};
    struct norm_bwd k = {.dx = dx, .dy = dy, .x = x, .mean = mean, .rstd = rstd, .g = g,
                         .R = R, .C = C};
    ofr_dev_run(dev, threads, norm_columns_part, &s); /* first: dx may be dy */
    ofr_dev_run(dev, threads, norm_bwd_part, &k);
}

/* ---- embeddings ------------------------------------------------------------- */

struct embedding {
    ofr_real *y, *dword, *dpos, *dtype;
    ofr_lookup word;
    const ofr_real *pos, *type, *dy;
    const int *ids, *positions, *types;
    int N, C;
};

/* y[n] = row `id` of a table in fewer bits. */
static void table_row(ofr_real *y, const ofr_lookup *table, size_t id, size_t n)
{
    const uint16_t *half = (const uint16_t *)table->data + id * n;
    const int8_t *q = (const int8_t *)table->data + id * n;
    size_t i = 0;
    switch (table->precision) {
    case OFR_PRECISION_F16:
        for (; i + VEC_N <= n; i += VEC_N)
            vec_store(y + i, vec_load_f16(half + i));
        for (; i < n; i++)
            y[i] = (ofr_real)ofr_f16_to_f32(half[i]);
        break;
    case OFR_PRECISION_BF16:
        for (; i < n; i++)
            y[i] = (ofr_real)ofr_bf16_to_f32(half[i]);
        break;
    default:
        for (; i < n; i++)
            y[i] = (ofr_real)q[i] * (ofr_real)table->scale[id];
        break;
    }
}

static void embed_part(void *arg, int t, int n_parts)
{
    const struct embedding *e = arg;
    size_t C = (size_t)e->C, r, end;
    part_of(&r, &end, (size_t)e->N, 1, t, n_parts);
    for (; r < end; r++) {
        ofr_real *y = e->y + r * C;
        const ofr_real *word = y, *pos = e->pos + (size_t)e->positions[r] * C;
        size_t id = (size_t)e->ids[r];
        if (e->word.precision == OFR_PRECISION_F32)
            word = (const ofr_real *)e->word.data + id * C;
        else
            table_row(y, &e->word, id, C);
        residual_row(y, word, pos, e->C, (ofr_drop){0}, 0);
        if (e->type) add_row(y, e->type + (size_t)e->types[r] * C, C);
    }
}

static void embed(ofr_dev *dev, ofr_real *y, ofr_lookup word, const ofr_real *pos,
                  const ofr_real *type, const int *ids, const int *positions,
                  const int *types, int N, int C)
{
    struct embedding e = {.y = y, .word = word, .pos = pos, .type = type, .ids = ids,
                          .positions = positions, .types = types, .N = N, .C = C};
    ofr_dev_run(dev, elem_threads(dev, (size_t)N * (size_t)C), embed_part, &e);
}

static void embed_bwd_part(void *arg, int t, int n_parts)
{
    const struct embedding *e = arg;
    size_t C = (size_t)e->C, i, end;
    part_of(&i, &end, C, COLUMN_UNIT, t, n_parts);
    if (i == end) return;
    for (int n = 0; n < e->N; n++) {
        const ofr_real *dy = e->dy + (size_t)n * C + i;
        add_row(e->dword + (size_t)e->ids[n] * C + i, dy, end - i);
        add_row(e->dpos + (size_t)e->positions[n] * C + i, dy, end - i);
        if (e->dtype) add_row(e->dtype + (size_t)e->types[n] * C + i, dy, end - i);
    }
}

static void embed_bwd(ofr_dev *dev, ofr_real *dword, ofr_real *dpos, ofr_real *dtype,
                      const ofr_real *dy, const int *ids, const int *positions,
                      const int *types, int N, int C)
{
    struct embedding e = {.dword = dword, .dpos = dpos, .dtype = dtype, .dy = dy,
                          .ids = ids, .positions = positions, .types = types, .N = N,
                          .C = C};
    ofr_dev_run(dev, elem_threads(dev, (size_t)N * (size_t)C), embed_bwd_part, &e);
}

#endif
