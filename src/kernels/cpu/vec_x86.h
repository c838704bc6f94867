/* vec_x86.h - what the AVX2 and AVX-512 vocabularies share. */
#ifndef OFR_KERNELS_VEC_X86_H
#define OFR_KERNELS_VEC_X86_H

#include <immintrin.h>
#include <stddef.h>

enum { VEC_TN = 8 }; /* side of the square that vec_transpose() turns */

/* t[8][8] (row stride ldt) = transpose of the 8 x 8 floats at p (row stride ld). */
static inline void vec_transpose(float *t, ptrdiff_t ldt, const float *p, ptrdiff_t ld)
{
    __m256 a[8], b[8];
    for (int i = 0; i < 4; i++) { /* halves of rows i and i + 4 side by side */
        const float *low = p + i * ld, *high = p + (i + 4) * ld;
        a[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)),
                                    _mm_loadu_ps(high), 1);
        a[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)),
                                        _mm_loadu_ps(high + 4), 1);
    }
    for (int i = 0; i < 8; i += 4) { /* 4 x 4 in each 128-bit half */
        b[0] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
        b[2] = _mm256_unpacklo_ps(a[i + 2], a[i + 3]);
        b[3] = _mm256_unpackhi_ps(a[i + 2], a[i + 3]);
        _mm256_storeu_ps(t + i * ldt, _mm256_shuffle_ps(b[0], b[2], 0x44));
        _mm256_storeu_ps(t + (i + 1) * ldt, _mm256_shuffle_ps(b[0], b[2], 0xee));
        _mm256_storeu_ps(t + (i + 2) * ldt, _mm256_shuffle_ps(b[1], b[3], 0x44));
        _mm256_storeu_ps(t + (i + 3) * ldt, _mm256_shuffle_ps(b[1], b[3], 0xee));
    }
}

#endif
