/* vec_avx2.h - the vector vocabulary in AVX2 and FMA: 8 floats. */
#ifndef OFR_KERNELS_VEC_AVX2_H
#define OFR_KERNELS_VEC_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <stdint.h>
#include <string.h>

#include "kernels/cpu/vec_x86.h"
#include "tensor/real.h"

typedef __m256 vec;

enum { VEC_N = 8, VEC_NV = 2, VEC_MR = 6 };
#define VEC_MR_IS 6
#define VEC_WIDE3 1 /* two panels would need more than 16 registers */
/* With fewer rows loads are the limit, and fetching ahead costs more than it
 * brings. */
#define VEC_AHEAD_ROWS 3

static inline vec vec_set1(float a)
{
    return _mm256_set1_ps(a);
}

static inline vec vec_zero(void)
{
    return _mm256_setzero_ps();
}

static inline vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void vec_store(float *p, vec v)
{
    _mm256_storeu_ps(p, v);
}

static inline __m256i vec_mask_n(int n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
}

/* The first n lanes, 1 <= n <= VEC_N; the others are zero, or left alone. */
static inline vec vec_load_n(const float *p, int n)
{
    return _mm256_maskload_ps(p, vec_mask_n(n));
}

static inline void vec_store_n(float *p, vec v, int n)
{
    _mm256_maskstore_ps(p, vec_mask_n(n), v);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

static inline vec vec_fma(vec a, vec b, vec c) /* a b + c */
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vec vec_sqrt(vec a)
{
    return _mm256_sqrt_ps(a);
}

/* A NaN in b survives these two. */
static inline vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

/* a < b ? yes : no */
static inline vec vec_if_less(vec a, vec b, vec yes, vec no)
{
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

static inline vec vec_abs(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline vec vec_neg(vec a)
{
    return _mm256_xor_ps(_mm256_set1_ps(-0.0f), a);
}

static inline vec vec_copy_sign(vec a, vec sign) /* a >= 0 */
{
    return _mm256_or_ps(a, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}

static inline vec vec_round(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a 2^n for whole |n| <= 252, in two steps so that denormals and infinity are right. */
static inline vec vec_scale2(vec a, vec n)
{
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    __m256i other = _mm256_sub_epi32(whole, half), bias = _mm256_set1_epi32(127);
    vec x = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    vec y = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(other, bias), 23));
    return _mm256_mul_ps(_mm256_mul_ps(a, x), y);
}

static inline float vec_sum(vec a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static inline float vec_highest(vec a)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

/* Lane i is zeroed when ofr_rng_mix32(key, index + i) < threshold, else times
 * scale. */
static inline vec vec_drop(vec a, uint32_t key, uint32_t index, uint32_t threshold,
                           vec scale)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i x = _mm256_add_epi32(_mm256_set1_epi32((int)index), lane);
    x = _mm256_xor_si256(x, _mm256_set1_epi32((int)key));
    x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
    x = _mm256_mullo_epi32(x, _mm256_set1_epi32(0x7feb352d));
    x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 15));
    x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x846ca68bU));
    x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
    x = _mm256_xor_si256(x, _mm256_set1_epi32((int)(key * 0x9e3779b9U)));
    __m256i t = _mm256_set1_epi32((int)threshold);
    __m256i keep = _mm256_cmpeq_epi32(_mm256_max_epu32(x, t), x);
    return _mm256_and_ps(_mm256_castsi256_ps(keep), _mm256_mul_ps(a, scale));
}

#include "kernels/cpu/vec_math.h"

#endif
