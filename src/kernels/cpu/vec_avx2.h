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
typedef __m256i ivec; /* 8 whole numbers of 32 bits */

enum { VEC_N = 8, VEC_NV = 2, VEC_MR = 6, IVEC_MR = 5 };
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

/* Lane i is the element of table[16] that the last four bits of at[i] name. */
static inline vec vec_pick(const float table[16], vec at)
{
    __m256i index = _mm256_castps_si256(at);
    __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index);
    __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index);
    return _mm256_blendv_ps(low, high,
                            _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
}

/* ---- numbers as files and packed matrices hold them -------------------------- */

static inline vec vec_load_f32(const void *p)
{
    return _mm256_loadu_ps(p);
}

static inline vec vec_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline vec vec_load_bf16(const uint16_t *p)
{
    __m256i x =
        _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

static inline void vec_store_f16(uint16_t *p, vec v)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

/* Halves to even; a NaN keeps its upper half and becomes quiet. */
static inline void vec_store_bf16(uint16_t *p, vec v)
{
    __m256i x = _mm256_castps_si256(v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    __m256i quiet = _mm256_or_si256(x, _mm256_set1_epi32(0x400000));
    __m256i y = _mm256_srli_epi32(_mm256_blendv_epi8(up, quiet, nan), 16);
    __m128i low = _mm256_castsi256_si128(y), high = _mm256_extracti128_si256(y, 1);
    _mm_storeu_si128((__m128i *)(void *)p, _mm_packus_epi32(low, high));
}

/* ---- whole numbers --------------------------------------------------------- */

static inline ivec ivec_zero(void)
{
    return _mm256_setzero_si256();
}

static inline ivec ivec_set1(int32_t a)
{
    return _mm256_set1_epi32(a);
}

static inline ivec ivec_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* The four bytes at p in every lane. */
static inline ivec ivec_word(const void *p)
{
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm256_set1_epi32(word);
}

static inline ivec ivec_add(ivec a, ivec b)
{
    return _mm256_add_epi32(a, b);
}

static inline ivec ivec_sub(ivec a, ivec b)
{
    return _mm256_sub_epi32(a, b);
}

static inline ivec ivec_mul(ivec a, ivec b)
{
    return _mm256_mullo_epi32(a, b);
}

/* sum + u0 a0 + u1 a1 + u2 a2 + u3 a3 per lane, bytes u without sign and at most
 * 127, bytes a with sign: so a sum of two fits 16 bits (see body_int8.h). */
static inline ivec ivec_dot(ivec sum, ivec u, ivec a)
{
    ivec pairs = _mm256_maddubs_epi16(u, a);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline vec vec_of_ints(ivec a)
{
    return _mm256_cvtepi32_ps(a);
}

/* Whole numbers in v; VEC_N bytes at p. */
static inline ivec ivec_of(vec v)
{
    return _mm256_cvttps_epi32(v);
}

static inline void ivec_store_bytes(int8_t *p, ivec a)
{
    __m128i low = _mm256_castsi256_si128(a), high = _mm256_extracti128_si256(a, 1);
    __m128i words = _mm_packs_epi32(low, high);
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(words, words));
}

static inline int32_t ivec_sum(ivec a)
{
    __m128i s =
        _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

#include "kernels/cpu/vec_math.h"

#endif
