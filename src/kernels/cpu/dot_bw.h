/* dot_bw.h - ivec_dot() of processors with AVX-512 BW and nothing newer. */
#ifndef OFR_KERNELS_DOT_BW_H
#define OFR_KERNELS_DOT_BW_H

/* sum + u0 a0 + u1 a1 + u2 a2 + u3 a3 per lane, bytes u without sign and at most
 * 127, bytes a with sign: so a sum of two fits 16 bits (see body_int8.h). */
static inline ivec ivec_dot(ivec sum, ivec u, ivec a)
{
    ivec pairs = _mm512_maddubs_epi16(u, a);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

#endif
