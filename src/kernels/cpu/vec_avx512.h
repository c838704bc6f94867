/* vec_avx512.h - the vector vocabulary in AVX-512 (F, BW, DQ, VL): 16 floats. */
#ifndef OFR_KERNELS_VEC_AVX512_H
#define OFR_KERNELS_VEC_AVX512_H

#if !defined(__AVX512F__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "compile with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include <stdint.h>
#include <string.h>

#include "kernels/cpu/vec_x86.h"
#include "tensor/real.h"

typedef __m512 vec;

enum { VEC_N = 16, VEC_NV = 2, VEC_MR = 12 };
#define VEC_MR_IS 12
#define VEC_WIDE3 2 /* panels that three rows take at once */
/* With fewer rows loads are the limit, and fetching ahead costs more than it
 * brings. */
#define VEC_AHEAD_ROWS 9

static inline vec vec_set1(float a)
{
    return _mm512_set1_ps(a);
}

static inline vec vec_zero(void)
{
    return _mm512_setzero_ps();
}

static inline vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void vec_store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}

static inline __mmask16 vec_mask_n(int n)
{
    return (__mmask16)((1U << n) - 1U);
}

/* The first n lanes, 1 <= n <= VEC_N; the others are zero, or left alone. */
static inline vec vec_load_n(const float *p, int n)
{
    return _mm512_maskz_loadu_ps(vec_mask_n(n), p);
}

static inline void vec_store_n(float *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, vec_mask_n(n), v);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

static inline vec vec_fma(vec a, vec b, vec c) /* a b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vec vec_sqrt(vec a)
{
    return _mm512_sqrt_ps(a);
}

/* A NaN in b survives these two. */
static inline vec vec_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

/* a < b ? yes : no */
static inline vec vec_if_less(vec a, vec b, vec yes, vec no)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}

static inline vec vec_abs(vec a)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a);
}

static inline vec vec_neg(vec a)
{
    return _mm512_xor_ps(_mm512_set1_ps(-0.0f), a);
}

static inline vec vec_copy_sign(vec a, vec sign) /* a >= 0 */
{
    return _mm512_or_ps(a, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign));
}

static inline vec vec_round(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vec vec_scale2(vec a, vec n) /* a 2^n for whole n */
{
    return _mm512_scalef_ps(a, n);
}

static inline float vec_sum(vec a)
{
    __m256 s = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 t = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    t = _mm_add_ps(t, _mm_movehl_ps(t, t));
    return _mm_cvtss_f32(_mm_add_ss(t, _mm_shuffle_ps(t, t, 1)));
}

static inline float vec_highest(vec a)
{
    return _mm512_reduce_max_ps(a);
}

/* Lane i is zeroed when ofr_rng_mix32(key, index + i) < threshold, else times
 * scale. */
static inline vec vec_drop(vec a, uint32_t key, uint32_t index, uint32_t threshold,
                           vec scale)
{
    const __m512i lane =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i x = _mm512_add_epi32(_mm512_set1_epi32((int)index), lane);
    x = _mm512_xor_si512(x, _mm512_set1_epi32((int)key));
    x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 16));
    x = _mm512_mullo_epi32(x, _mm512_set1_epi32(0x7feb352d));
    x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 15));
    x = _mm512_mullo_epi32(x, _mm512_set1_epi32((int)0x846ca68bU));
    x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 16));
    x = _mm512_xor_si512(x, _mm512_set1_epi32((int)(key * 0x9e3779b9U)));
    __mmask16 keep = _mm512_cmpge_epu32_mask(x, _mm512_set1_epi32((int)threshold));
    return _mm512_maskz_mul_ps(keep, a, scale);
}

#include "kernels/cpu/vec_math.h"

#endif
