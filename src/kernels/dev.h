/*
 * dev.h - one worker of the kernels: its table, its threads, its scratch.
 *
 * Not thread-safe: one per session or trainer.  All scratch is allocated at
 * open; kernels never allocate.
 */
#ifndef OFR_KERNELS_DEV_H
#define OFR_KERNELS_DEV_H

#include "base/pool.h"
#include "base/status.h"
#include "kernels/ops.h"

#define OFR_THREADS_MAX 64

struct ofr_dev {
    ofr_ops ops;
    int n_threads;
    ofr_pool *pool;
    size_t scratch_bytes;                    /* per thread */
    unsigned char *scratch[OFR_THREADS_MAX]; /* one block per thread */
    /* Shared scratch of a whole call (packed left-hand sides and the like). */
    unsigned char *shared;
    size_t shared_bytes;
};

/* ops: normally ofr_ops_select(ofr_cpu_features()).  n_threads 0: all allowed.
 * max_tokens: longest text that attention will see (sizes the scratch).
 * Caller closes. */
ofr_status ofr_dev_open(ofr_dev **out, const ofr_ops *ops, int n_threads, int max_tokens,
                        ofr_error *err);
void ofr_dev_close(ofr_dev *dev); /* NULL is allowed */

/* For kernels: run part(arg, thread, n) for thread = 0 .. n-1 and wait, with
 * n <= min(want, dev->n_threads).  want <= 1 costs no more than a call. */
void ofr_dev_run(const ofr_dev *dev, int want, ofr_part part, void *arg);

#endif
