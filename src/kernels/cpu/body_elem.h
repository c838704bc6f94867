/*
 * body_elem.h - kernels that treat every element alike.
 *
 * Included once per instruction set, after a vec_*.h; everything is static.
 * A tail goes through the same vector operations as the rest, so an element's
 * bits do not depend on its place.
 */
#ifndef OFR_KERNELS_BODY_ELEM_H
#define OFR_KERNELS_BODY_ELEM_H

#include "kernels/dev.h"

/* Below this many elements a second thread costs more than it brings. */
enum { ELEM_SERIAL = 1 << 14, ELEM_UNIT = 64 };

/* Part t of n_parts of 0..n-1, cut at multiples of unit. */
static inline void part_of(size_t *begin, size_t *end, size_t n, size_t unit, int t,
                           int n_parts)
{
    size_t units = (n + unit - 1) / unit;
    *begin = units * (size_t)t / (size_t)n_parts * unit;
    *end = units * ((size_t)t + 1) / (size_t)n_parts * unit;
    if (*begin > n) *begin = n;
    if (*end > n) *end = n;
}

static inline int elem_threads(const ofr_dev *dev, size_t n)
{
    return n < ELEM_SERIAL ? 1 : dev->n_threads;
}

/* ---- activations ------------------------------------------------------ */

static inline vec sigmoid_vec(vec x)
{
    vec one = vec_set1(1);
    return vec_div(one, vec_add(one, vec_exp(vec_sub(vec_zero(), x))));
}

/* u of 0.5 x (1 + tanh u) = x sigmoid(2u): returns 2u. */
static inline vec gelu_tanh_2u(vec x)
{
    const ofr_real k = (ofr_real)1.5957691216057307118; /* 2 sqrt(2 / pi) */
    vec x2 = vec_mul(x, x);
    vec s = vec_fma(vec_mul(x2, vec_set1((ofr_real)0.044715)), x, x);
    return vec_mul(s, vec_set1(k));
}

static inline __attribute__((always_inline)) vec act_vec(vec x, ofr_act act)
{
    switch (act) {
    case OFR_ACT_GELU: return vec_gelu(x);
    case OFR_ACT_GELU_TANH: return vec_mul(x, sigmoid_vec(gelu_tanh_2u(x)));
    case OFR_ACT_RELU: return vec_max(vec_zero(), x);
    case OFR_ACT_TANH: return vec_tanh(x);
    case OFR_ACT_SILU: return vec_mul(x, sigmoid_vec(x));
    case OFR_ACT_NONE: break;
    }
    return x;
}

/* Derivative at x (the value before the activation). */
static inline __attribute__((always_inline)) vec act_slope_vec(vec x, ofr_act act)
{
    vec one = vec_set1(1), e, s;
    switch (act) {
    case OFR_ACT_GELU: /* Phi(x) + x phi(x) */
        s = vec_phi(x, &e);
        return vec_fma(vec_mul(x, vec_set1((ofr_real)0.39894228040143267794)), e, s);
    case OFR_ACT_GELU_TANH: { /* s + x s (1 - s) d(2u)/dx */
        const ofr_real k = (ofr_real)1.5957691216057307118;
        vec slope = vec_fma(vec_mul(x, x), vec_set1(k * (ofr_real)(3 * 0.044715)),
                            vec_set1(k));
        s = sigmoid_vec(gelu_tanh_2u(x));
        return vec_fma(vec_mul(x, slope), vec_mul(s, vec_sub(one, s)), s);
    }
    case OFR_ACT_RELU: return vec_if_less(vec_zero(), x, one, vec_zero());
    case OFR_ACT_TANH:
        s = vec_tanh(x);
        return vec_sub(one, vec_mul(s, s));
    case OFR_ACT_SILU: /* s + x s (1 - s) */
        s = sigmoid_vec(x);
        return vec_fma(vec_mul(x, s), vec_sub(one, s), s);
    case OFR_ACT_NONE: break;
    }
    return one;
}

static inline __attribute__((always_inline)) void act_loop(ofr_real *y, const ofr_real *x,
                                                           size_t n, ofr_act act)
{
    size_t i = 0;
    for (; i + VEC_N <= n; i += VEC_N)
        vec_store(y + i, act_vec(vec_load(x + i), act));
    int rest = (int)(n - i);
    if (rest) vec_store_n(y + i, act_vec(vec_load_n(x + i, rest), act), rest);
}

/* y[n] = act(x[n]) on this thread. */
static void act_row(ofr_real *y, const ofr_real *x, size_t n, ofr_act act)
{
    switch (act) {
    case OFR_ACT_GELU: act_loop(y, x, n, OFR_ACT_GELU); break;
    case OFR_ACT_GELU_TANH: act_loop(y, x, n, OFR_ACT_GELU_TANH); break;
    case OFR_ACT_RELU: act_loop(y, x, n, OFR_ACT_RELU); break;
    case OFR_ACT_TANH: act_loop(y, x, n, OFR_ACT_TANH); break;
    case OFR_ACT_SILU: act_loop(y, x, n, OFR_ACT_SILU); break;
    case OFR_ACT_NONE:
        if (y != x) memcpy(y, x, n * sizeof *y);
        break;
    }
}

static inline __attribute__((always_inline)) void
act_bwd_loop(ofr_real *dx, const ofr_real *dy, const ofr_real *x, size_t n, ofr_act act)
{
    size_t i = 0;
    for (; i + VEC_N <= n; i += VEC_N)
        vec_store(dx + i, vec_mul(vec_load(dy + i), act_slope_vec(vec_load(x + i), act)));
    int rest = (int)(n - i);
    if (rest)
        vec_store_n(dx + i,
                    vec_mul(vec_load_n(dy + i, rest),
                            act_slope_vec(vec_load_n(x + i, rest), act)),
                    rest);
}

static void act_bwd_row(ofr_real *dx, const ofr_real *dy, const ofr_real *x, size_t n,
                        ofr_act act)
{
    switch (act) {
    case OFR_ACT_GELU: act_bwd_loop(dx, dy, x, n, OFR_ACT_GELU); break;
    case OFR_ACT_GELU_TANH: act_bwd_loop(dx, dy, x, n, OFR_ACT_GELU_TANH); break;
    case OFR_ACT_RELU: act_bwd_loop(dx, dy, x, n, OFR_ACT_RELU); break;
    case OFR_ACT_TANH: act_bwd_loop(dx, dy, x, n, OFR_ACT_TANH); break;
    case OFR_ACT_SILU: act_bwd_loop(dx, dy, x, n, OFR_ACT_SILU); break;
    case OFR_ACT_NONE:
        if (dx != dy) memcpy(dx, dy, n * sizeof *dx);
        break;
    }
}

/* Arguments of every kernel in this file; each uses what it needs. */
struct elem {
    ofr_real *y;
    const ofr_real *x, *z;
    size_t n;
    ofr_act act;
    ofr_drop drop;
    ofr_real a;
};

static void act_part(void *arg, int t, int n_parts)
{
    const struct elem *e = arg;
    size_t i, end;
    part_of(&i, &end, e->n, ELEM_UNIT, t, n_parts);
    act_row(e->y + i, e->x + i, end - i, e->act);
}

static void act_all(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n, ofr_act act)
{
    struct elem e = {.y = y, .x = x, .n = n, .act = act};
    ofr_dev_run(dev, elem_threads(dev, n), act_part, &e);
}

static void act_bwd_part(void *arg, int t, int n_parts)
{
    const struct elem *e = arg;
    size_t i, end;
    part_of(&i, &end, e->n, ELEM_UNIT, t, n_parts);
    act_bwd_row(e->y + i, e->z + i, e->x + i, end - i, e->act);
}

static void act_bwd(ofr_dev *dev, ofr_real *dx, const ofr_real *dy, const ofr_real *x,
                    size_t n, ofr_act act)
{
    struct elem e = {.y = dx, .x = x, .z = dy, .n = n, .act = act};
    ofr_dev_run(dev, elem_threads(dev, n), act_bwd_part, &e);
}

/* ---- dropout, add, scale ---------------------------------------------- */

/* y[n] = drop(x[n]), element 0 having number `index` of the tensor. */
static void drop_row(ofr_real *y, const ofr_real *x, size_t n, ofr_drop drop,
                     uint32_t index)
{
    vec scale = vec_set1(drop.scale);
    size_t i = 0;
    index += drop.first;
    for (; i + VEC_N <= n; i += VEC_N)
        vec_store(y + i, vec_drop(vec_load(x + i), drop.key, index + (uint32_t)i,
                                  drop.threshold, scale));
    int rest = (int)(n - i);
    if (rest)
        vec_store_n(y + i,
                    vec_drop(vec_load_n(x + i, rest), drop.key, index + (uint32_t)i,
                             drop.threshold, scale),
                    rest);
}

static void drop_part(void *arg, int t, int n_parts)
{
    const struct elem *e = arg;
    size_t i, end;
    part_of(&i, &end, e->n, ELEM_UNIT, t, n_parts);
    if (e->drop.threshold)
        drop_row(e->y + i, e->x + i, end - i, e->drop, (uint32_t)i);
    else if (e->y != e->x)
        memcpy(e->y + i, e->x + i, (end - i) * sizeof *e->y);
}

static void dropout(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n, ofr_drop drop)
{
    struct elem e = {.y = y, .x = x, .n = n, .drop = drop};
    ofr_dev_run(dev, elem_threads(dev, n), drop_part, &e);
}

/* y[n] += x[n] on this thread. */
static inline void add_row(ofr_real *y, const ofr_real *x, size_t n)
{
    size_t i = 0;
    for (; i + VEC_N <= n; i += VEC_N)
        vec_store(y + i, vec_add(vec_load(y + i), vec_load(x + i)));
    for (; i < n; i++)
        y[i] += x[i];
}

static void add_part(void *arg, int t, int n_parts)
{
    const struct elem *e = arg;
    size_t i, end;
    part_of(&i, &end, e->n, ELEM_UNIT, t, n_parts);
    add_row(e->y + i, e->x + i, end - i);
}

static void add(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n)
{
    struct elem e = {.y = y, .x = x, .n = n};
    ofr_dev_run(dev, elem_threads(dev, n), add_part, &e);
}

static inline void scale_row(ofr_real *y, ofr_real a, size_t n)
{
    vec factor = vec_set1(a);
    size_t i = 0;
    for (; i + VEC_N <= n; i += VEC_N)
        vec_store(y + i, vec_mul(vec_load(y + i), factor));
    for (; i < n; i++)
        y[i] *= a;
}

static void scale_part(void *arg, int t, int n_parts)
{
    const struct elem *e = arg;
    size_t i, end;
    part_of(&i, &end, e->n, ELEM_UNIT, t, n_parts);
    scale_row(e->y + i, e->a, end - i);
}

static void scale(ofr_dev *dev, ofr_real *y, ofr_real a, size_t n)
{
    struct elem e = {.y = y, .a = a, .n = n};
    ofr_dev_run(dev, elem_threads(dev, n), scale_part, &e);
}

/* ---- sum of squares ---------------------------------------------------- */

enum { SQUARES_BLOCK = 1 << 14, SQUARES_LANES = 16 };

struct squares {
    const ofr_real *x;
    double *sums; /* one per block */
    size_t n, n_blocks;
};

static double squares_block(const ofr_real *x, size_t n)
{
    double lane[SQUARES_LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + SQUARES_LANES <= n; i += SQUARES_LANES)
        for (int j = 0; j < SQUARES_LANES; j++)
            lane[j] += (double)x[i + j] * (double)x[i + j];
    for (; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    for (int j = 0; j < SQUARES_LANES; j++)
        sum += lane[j];
    return sum;
}

static void squares_part(void *arg, int t, int n_parts)
{
    const struct squares *s = arg;
    size_t i, end;
    part_of(&i, &end, s->n_blocks, 1, t, n_parts);
    for (; i < end; i++) {
        size_t at = i * SQUARES_BLOCK, left = s->n - at;
        s->sums[i] =
            squares_block(s->x + at, left < SQUARES_BLOCK ? left : SQUARES_BLOCK);
    }
}

static double sum_squares(ofr_dev *dev, const ofr_real *x, size_t n)
{
    size_t at_once = dev->shared_bytes / sizeof(double) * SQUARES_BLOCK;
    double sum = 0;
    for (size_t at = 0; at < n; at += at_once) {
        size_t left = n - at < at_once ? n - at : at_once;
        struct squares s = {.x = x + at, .sums = (double *)(void *)dev->shared,
                            .n = left,
                            .n_blocks = (left + SQUARES_BLOCK - 1) / SQUARES_BLOCK};
        ofr_dev_run(dev, elem_threads(dev, left), squares_part, &s);
        for (size_t i = 0; i < s.n_blocks; i++)
            sum += s.sums[i];
    }
    return sum;
}

/* ---- AdamW -------------------------------------------------------------- */

struct adamw {
    ofr_real *w, *m, *v;
    const ofr_real *g;
    size_t n;
    ofr_adamw_step step;
};

struct adamw_vecs {
    vec scale, b1, b2, c1, c2, keep, lr, eps, inv1, inv2;
};

/* One vector of parameters; loads and stores are the caller's. */
static inline __attribute__((always_inline)) vec
adamw_vec(vec w, vec g, vec *m, vec *v, const struct adamw_vecs *s)
{
    g = vec_mul(g, s->scale);
    *m = vec_fma(s->b1, *m, vec_mul(s->c1, g));
    *v = vec_fma(s->b2, *v, vec_mul(s->c2, vec_mul(g, g)));
    vec below = vec_add(vec_sqrt(vec_mul(*v, s->inv2)), s->eps);
    w = vec_mul(w, s->keep);
    return vec_sub(w, vec_mul(s->lr, vec_div(vec_mul(*m, s->inv1), below)));
}

static void adamw_part(void *arg, int t, int n_parts)
{
    const struct adamw *a = arg;
    const ofr_adamw_step *p = &a->step;
    struct adamw_vecs s = {
        .scale = vec_set1((ofr_real)p->grad_scale),
        .b1 = vec_set1((ofr_real)p->beta1),
        .b2 = vec_set1((ofr_real)p->beta2),
        .c1 = vec_set1((ofr_real)(1 - p->beta1)),
        .c2 = vec_set1((ofr_real)(1 - p->beta2)),
        .keep = vec_set1((ofr_real)(1 - p->lr * p->decay)),
        .lr = vec_set1((ofr_real)p->lr),
        .eps = vec_set1((ofr_real)p->eps),
        .inv1 = vec_set1((ofr_real)(1 / p->correct1)),
        .inv2 = vec_set1((ofr_real)(1 / p->correct2)),
    };
    size_t i, end;
    part_of(&i, &end, a->n, ELEM_UNIT, t, n_parts);
    for (; i + VEC_N <= end; i += VEC_N) {
        vec m = vec_load(a->m + i), v = vec_load(a->v + i);
        vec w = adamw_vec(vec_load(a->w + i), vec_load(a->g + i), &m, &v, &s);
        vec_store(a->w + i, w);
        vec_store(a->m + i, m);
        vec_store(a->v + i, v);
    }
    int rest = (int)(end - i);
    if (!rest) return;
    vec m = vec_load_n(a->m + i, rest), v = vec_load_n(a->v + i, rest);
    vec w = adamw_vec(vec_load_n(a->w + i, rest), vec_load_n(a->g + i, rest), &m, &v, &s);
    vec_store_n(a->w + i, w, rest);
    vec_store_n(a->m + i, m, rest);
    vec_store_n(a->v + i, v, rest);
}

static void adamw(ofr_dev *dev, ofr_real *w, const ofr_real *g, ofr_real *m, ofr_real *v,
                  size_t n, ofr_adamw_step step)
{
    struct adamw a = {.w = w, .m = m, .v = v, .g = g, .n = n, .step = step};
    ofr_dev_run(dev, elem_threads(dev, n), adamw_part, &a);
}

#endif
