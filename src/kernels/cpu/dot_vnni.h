/* dot_vnni.h - ivec_dot() as one instruction: AVX-512 VNNI. */
#ifndef OFR_KERNELS_DOT_VNNI_H
#define OFR_KERNELS_DOT_VNNI_H

#if !defined(__AVX512VNNI__)
#error "compile with -mavx512vnni"
#endif

/* sum + u0 a0 + u1 a1 + u2 a2 + u3 a3 per lane, bytes u without sign, bytes a
 * with sign; sums wrap, they do not saturate. */
static inline ivec ivec_dot(ivec sum, ivec u, ivec a)
{
    return _mm512_dpbusd_epi32(sum, u, a);
}

#endif
