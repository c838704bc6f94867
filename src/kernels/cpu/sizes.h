/*
 * sizes.h - block sizes that all tables share, and the scratch they imply.
 *
 * The left side of a product is copied in blocks of OFR_MC rows by OFR_KC, one
 * row every OFR_LDA reals: a constant, and no power of two, so that the rows of
 * a micro-kernel are one pointer plus constants and do not fight for the same
 * sets of the first-level cache.  The right side is panels [OFR_KC][NR].
 */
#ifndef OFR_KERNELS_CPU_SIZES_H
#define OFR_KERNELS_CPU_SIZES_H

#include <stddef.h>

enum {
    OFR_LINE = 64,         /* bytes of a cache line                           */
    OFR_KC = 384,          /* depth of a block                                */
    OFR_LDA = OFR_KC + 16, /* row stride of packed left sides                 */
    OFR_MC = 96,           /* rows of a packed block                          */
    OFR_NC = 1024,         /* columns packed at a time on the fly             */
    OFR_NR_MAX = 32,       /* widest panel of any table                       */
    OFR_QB = 48,           /* attention: query rows at a time                 */
    OFR_DC = 128,          /* attention: channels of a head at a time         */
    OFR_SHARED_REALS = OFR_KC * (OFR_NC + OFR_NR_MAX)
};

/* The backward of attention keeps, for one text and head: two packed [T,DC] operands,
 * two [QB,T] blocks of scores, and packed query blocks; forward needs less. */
static inline size_t ofr_scratch_reals(int max_tokens)
{
    size_t chunks = ((size_t)(max_tokens > 0 ? max_tokens : 1) + OFR_KC - 1) / OFR_KC;
    size_t attention = 2 * chunks * OFR_KC * OFR_DC + 2 * chunks * OFR_QB * OFR_LDA +
                       2 * (size_t)OFR_QB * OFR_LDA + 2 * (size_t)OFR_QB * OFR_DC;
    size_t left = (size_t)OFR_MC * OFR_LDA, wide_panel = (size_t)OFR_KC * OFR_NR_MAX;
    left += wide_panel; /* a half-precision panel as reals */
    return attention > left ? attention : left;
}

#endif
