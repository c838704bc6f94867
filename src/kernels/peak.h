/*
 * peak.h - what the processor could do at best, measured here and now.
 *
 * The roofline that benchmarks compare with: multiply-adds that stay in
 * registers, and memory that is only read.  All threads of `dev` work at once,
 * because cores share their clock and their memory; those beyond the processors that
 * this process may use add nothing.
 */
#ifndef OFR_KERNELS_PEAK_H
#define OFR_KERNELS_PEAK_H

#include "kernels/dev.h"

/* Flops per second (2 per multiply-add) of float vectors as wide as dev's table
 * uses; takes about 50 ms. */
double ofr_peak_flops(ofr_dev *dev);

/* Bytes read per second from block[bytes], best of several passes.  Memory, not
 * cache, when the block is several times the last cache. */
double ofr_peak_bytes(ofr_dev *dev, const void *block, size_t bytes);

#endif
