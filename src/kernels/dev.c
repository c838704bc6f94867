/*
 * dev.c - threads and scratch of the kernels.
 *
 * A team of threads (base/pool.h) and one block of scratch for each of them,
 * allocated here, once, for the longest text.
 */
#include "kernels/dev.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "kernels/cpu/sizes.h"

ofr_status ofr_dev_open(ofr_dev **out, const ofr_ops *ops, int n_threads, int max_tokens,
                        ofr_error *err)
{
    ofr_dev *dev = ofr_mem_zalloc(sizeof *dev);
    if (!dev) return ofr_fail_nomem(err, sizeof *dev, "kernels");
    dev->ops = *ops;
    dev->n_threads = n_threads > 0 ? n_threads : ofr_cpu_threads();
    if (dev->n_threads > OFR_THREADS_MAX) dev->n_threads = OFR_THREADS_MAX;
    if (ofr_pool_open(&dev->pool, dev->n_threads, err) != OFR_OK) {
        ofr_dev_close(dev);
        return OFR_NOMEM;
    }
    dev->scratch_bytes = ofr_scratch_reals(max_tokens) * sizeof(ofr_real);
    dev->shared_bytes = (size_t)OFR_SHARED_REALS * sizeof(ofr_real);
    for (int t = 0; t < dev->n_threads; t++) {
        dev->scratch[t] = ofr_mem_zalloc(dev->scratch_bytes);
        if (!dev->scratch[t]) goto fail;
    }
    dev->shared = ofr_mem_zalloc(dev->shared_bytes);
    if (!dev->shared) goto fail;
    *out = dev;
    return OFR_OK;
fail:;
    size_t wanted = dev->scratch_bytes;
    ofr_dev_close(dev);
    return ofr_fail_nomem(err, wanted, "scratch of the kernels");
}

void ofr_dev_close(ofr_dev *dev)
{
    if (!dev) return;
    ofr_pool_close(dev->pool);
    for (int t = 0; t < OFR_THREADS_MAX; t++)
        ofr_mem_free(dev->scratch[t]);
    ofr_mem_free(dev->shared);
    ofr_mem_free(dev);
}

void ofr_dev_run(const ofr_dev *dev, int want, ofr_part part, void *arg)
{
    ofr_pool_run(dev->pool, want, part, arg);
}
