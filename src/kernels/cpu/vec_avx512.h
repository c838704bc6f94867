/*
 * vec_avx512.h - the vector vocabulary in AVX-512 (F, BW, DQ, VL): 16 floats.
 *
 * ivec_dot() stands in dot_bw.h and dot_vnni.h: processors differ in it.
 */
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
typedef __m512i ivec; /* 16 whole numbers of 32 bits */

enum { VEC_N = 16, VEC_NV = 2, VEC_MR = 12, IVEC_MR = 12 };
#define VEC_MR_IS 12
#define VEC_WIDE3 2 /* panels that three rows take at once */
/* With fewer rows loads are the limit, and fetching ahead costs more than it
 * brings. */
#define VEC_AHEAD_ROWS 5

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

/* Lane i is the element of table[16] that the last four bits of at[i] name. */
static inline vec vec_pick(const float table[16], vec at)
{
    return _mm512_permutexvar_ps(_mm512_castps_si512(at), _mm512_loadu_ps(table));
}

/* ---- numbers as files and packed matrices hold them -------------------------- */

static inline vec vec_load_f32(const void *p)
{
    return _mm512_loadu_ps(p);
}

static inline vec vec_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline vec vec_load_bf16(const uint16_t *p)
{
    __m512i x =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
}

static inline void vec_store_f16(uint16_t *p, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

/* Halves to even; a NaN keeps its upper half and becomes quiet. */
static inline void vec_store_bf16(uint16_t *p, vec v)
{
    __m512i x = _mm512_castps_si512(v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    up = _mm512_mask_or_epi32(up, nan, x, _mm512_set1_epi32(0x400000));
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm512_cvtepi32_epi16(_mm512_srli_epi32(up, 16)));
}

/* ---- whole numbers --------------------------------------------------------- */

static inline ivec ivec_zero(void)
{
    return _mm512_setzero_si512();
}

static inline ivec ivec_set1(int32_t a)
{
    return _mm512_set1_epi32(a);
}

static inline ivec ivec_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

/* The four bytes at p in every lane. */
static inline ivec ivec_word(const void *p)
{
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
}

static inline ivec ivec_add(ivec a, ivec b)
{
    return _mm512_add_epi32(a, b);
}

static inline ivec ivec_sub(ivec a, ivec b)
{
    return _mm512_sub_epi32(a, b);
}

static inline ivec ivec_mul(ivec a, ivec b)
{
    return _mm512_mullo_epi32(a, b);
}

static inline vec vec_of_ints(ivec a)
{
    return _mm512_cvtepi32_ps(a);
}

/* Whole numbers in v; VEC_N bytes at p. */
static inline ivec ivec_of(vec v)
{
    return _mm512_cvttps_epi32(v);
}

static inline void ivec_store_bytes(int8_t *p, ivec a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(a));
}

static inline int32_t ivec_sum(ivec a)
{
    return _mm512_reduce_add_epi32(a);
}

#include "kernels/cpu/vec_math.h"

#endif
