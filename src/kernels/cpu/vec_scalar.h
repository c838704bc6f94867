/*
 * vec_scalar.h - the vector vocabulary in portable C: 16 bytes of ofr_real.
 *
 * Compiles for any processor and in both precisions; the compiler's own vector
 * types keep it usable (SSE2, NEON).  Mathematical functions are libm's, lane
 * by lane, so that the double build is exact.
 */
#ifndef OFR_KERNELS_VEC_SCALAR_H
#define OFR_KERNELS_VEC_SCALAR_H

#include <stdint.h>
#include <string.h>

#include "base/rng.h"
#include "tensor/dtype.h"
#include "tensor/real.h"

#ifdef OFR_REAL_DOUBLE
typedef int64_t vec_int_lane;
#else
typedef int32_t vec_int_lane;
#endif
typedef ofr_real vec __attribute__((vector_size(16)));
typedef vec_int_lane vec_int __attribute__((vector_size(16)));
/* As many whole numbers of 32 bits as a vec has lanes. */
typedef int32_t ivec __attribute__((vector_size(64 / sizeof(ofr_real))));

enum {
    VEC_N = 16 / sizeof(ofr_real), /* lanes                              */
    VEC_NV = 2,                    /* vectors in a panel of the products */
    VEC_MR = 4,                    /* rows of a micro-kernel             */
    IVEC_MR = 4                    /* the same in whole numbers          */
};
#define VEC_MR_IS 4
#define VEC_WIDE3 1 /* panels that three rows take at once */
/* With fewer rows loads are the limit, and fetching ahead costs more than it
 * brings. */
#define VEC_AHEAD_ROWS 4

static inline vec vec_set1(ofr_real a)
{
    vec v;
    for (int i = 0; i < VEC_N; i++)
        v[i] = a;
    return v;
}

static inline vec vec_zero(void)
{
    return (vec){0};
}

static inline vec vec_load(const ofr_real *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(ofr_real *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/* The first n lanes, 1 <= n <= VEC_N; the others are zero, or left alone. */
static inline vec vec_load_n(const ofr_real *p, int n)
{
    vec v = {0};
    for (int i = 0; i < n; i++)
        v[i] = p[i];
    return v;
}

static inline void vec_store_n(ofr_real *p, vec v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = v[i];
}

static inline vec vec_add(vec a, vec b)
{
    return a + b;
}

static inline vec vec_sub(vec a, vec b)
{
    return a - b;
}

static inline vec vec_mul(vec a, vec b)
{
    return a * b;
}

static inline vec vec_div(vec a, vec b)
{
    return a / b;
}

static inline vec vec_fma(vec a, vec b, vec c) /* a b + c, here rounded twice */
{
    return a * b + c;
}

static inline vec vec_select(vec_int mask, vec yes, vec no)
{
    return (vec)((mask & (vec_int)yes) | (~mask & (vec_int)no));
}

/* a < b ? yes : no */
static inline vec vec_if_less(vec a, vec b, vec yes, vec no)
{
    return vec_select((vec_int)(a < b), yes, no);
}

/* a > b ? a : b, so that a NaN in b survives. */
static inline vec vec_max(vec a, vec b)
{
    return vec_select((vec_int)(a > b), a, b);
}

/* a < b ? a : b */
static inline vec vec_min(vec a, vec b)
{
    return vec_select((vec_int)(a < b), a, b);
}

static inline vec vec_round(vec a) /* halves to even */
{
    for (int i = 0; i < VEC_N; i++)
        a[i] = OFR_R(rint)(a[i]);
    return a;
}

static inline vec vec_sqrt(vec a)
{
    for (int i = 0; i < VEC_N; i++)
        a[i] = OFR_R(sqrt)(a[i]);
    return a;
}

static inline ofr_real vec_sum(vec a)
{
    ofr_real s = a[0];
    for (int i = 1; i < VEC_N; i++)
        s += a[i];
    return s;
}

static inline ofr_real vec_highest(vec a)
{
    ofr_real s = a[0];
    for (int i = 1; i < VEC_N; i++)
        s = s > a[i] ? s : a[i];
    return s;
}

static inline vec vec_exp(vec a)
{
    for (int i = 0; i < VEC_N; i++)
        a[i] = OFR_R(exp)(a[i]);
    return a;
}

static inline vec vec_exp2(vec a)
{
    for (int i = 0; i < VEC_N; i++)
        a[i] = OFR_R(exp2)(a[i]);
    return a;
}

static inline vec vec_tanh(vec a)
{
    for (int i = 0; i < VEC_N; i++)
        a[i] = OFR_R(tanh)(a[i]);
    return a;
}

/* Phi(a) = erfc(-a / sqrt 2) / 2, and *e = exp(-a^2 / 2). */
static inline vec vec_phi(vec a, vec *e)
{
    vec p;
    for (int i = 0; i < VEC_N; i++) {
        p[i] = (ofr_real)0.5 *
               OFR_R(erfc)(a[i] * (ofr_real)-0.70710678118654752440);
        (*e)[i] = OFR_R(exp)((ofr_real)-0.5 * a[i] * a[i]);
    }
    return p;
}

static inline vec vec_gelu(vec a)
{
    vec e, p = vec_phi(a, &e);
    return a * p;
}

/* Lane i is zeroed when mix32(key, index + i) < threshold, else times scale. */
static inline vec vec_drop(vec a, uint32_t key, uint32_t index, uint32_t threshold,
                           vec scale)
{
    for (int i = 0; i < VEC_N; i++)
        a[i] = ofr_rng_mix32(key, index + (uint32_t)i) < threshold ? 0 : a[i] * scale[i];
    return a;
}

/* ---- numbers as files and packed matrices hold them -------------------------- */

static inline vec vec_load_f32(const void *p)
{
    float f[VEC_N];
    vec v;
    memcpy(f, p, sizeof f);
    for (int i = 0; i < VEC_N; i++)
        v[i] = (ofr_real)f[i];
    return v;
}

static inline vec vec_load_f16(const uint16_t *p)
{
    vec v;
    for (int i = 0; i < VEC_N; i++)
        v[i] = (ofr_real)ofr_f16_to_f32(p[i]);
    return v;
}

static inline vec vec_load_bf16(const uint16_t *p)
{
    vec v;
    for (int i = 0; i < VEC_N; i++)
        v[i] = (ofr_real)ofr_bf16_to_f32(p[i]);
    return v;
}

static inline void vec_store_f16(uint16_t *p, vec v)
{
    for (int i = 0; i < VEC_N; i++)
        p[i] = ofr_f32_to_f16((float)v[i]);
}

static inline void vec_store_bf16(uint16_t *p, vec v)
{
    for (int i = 0; i < VEC_N; i++)
        p[i] = ofr_f32_to_bf16((float)v[i]);
}

/* ---- whole numbers --------------------------------------------------------- */

static inline ivec ivec_zero(void)
{
    return (ivec){0};
}

static inline ivec ivec_set1(int32_t a)
{
    ivec v;
    for (int i = 0; i < VEC_N; i++)
        v[i] = a;
    return v;
}

static inline ivec ivec_load(const void *p)
{
    ivec v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* The four bytes at p in every lane. */
static inline ivec ivec_word(const void *p)
{
    int32_t word;
    memcpy(&word, p, sizeof word);
    return ivec_set1(word);
}

static inline ivec ivec_add(ivec a, ivec b)
{
    return a + b;
}

static inline ivec ivec_sub(ivec a, ivec b)
{
    return a - b;
}

static inline ivec ivec_mul(ivec a, ivec b)
{
    return a * b;
}

/* sum + u0 a0 + u1 a1 + u2 a2 + u3 a3 per lane, bytes u without sign and at most
 * 127, bytes a with sign. */
static inline ivec ivec_dot(ivec sum, ivec u, ivec a)
{
    uint8_t ub[sizeof u];
    int8_t ab[sizeof a];
    memcpy(ub, &u, sizeof u);
    memcpy(ab, &a, sizeof a);
    for (int i = 0; i < VEC_N; i++)
        for (int j = 0; j < 4; j++)
            sum[i] += ub[4 * i + j] * ab[4 * i + j];
    return sum;
}

static inline vec vec_of_ints(ivec a)
{
    vec v;
    for (int i = 0; i < VEC_N; i++)
        v[i] = (ofr_real)a[i];
    return v;
}

/* Whole numbers in v; VEC_N bytes at p. */
static inline ivec ivec_of(vec v)
{
    ivec a;
    for (int i = 0; i < VEC_N; i++)
        a[i] = (int32_t)v[i];
    return a;
}

static inline void ivec_store_bytes(int8_t *p, ivec a)
{
    for (int i = 0; i < VEC_N; i++)
        p[i] = (int8_t)a[i];
}

static inline int32_t ivec_sum(ivec a)
{
    int32_t s = 0;
    for (int i = 0; i < VEC_N; i++)
        s += a[i];
    return s;
}

/* t[N][N] (row stride VEC_N) = transpose of the VEC_N rows at p, stride ld. */
static inline void vec_transpose(ofr_real *t, ptrdiff_t ldt, const ofr_real *p,
                                 ptrdiff_t ld)
{
    for (int i = 0; i < VEC_N; i++)
        for (int j = 0; j < VEC_N; j++)
            t[j * ldt + i] = p[i * ld + j];
}
enum { VEC_TN = VEC_N }; /* side of that square */

#endif
