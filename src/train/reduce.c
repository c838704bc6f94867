/* reduce.c - cuts the moved spans into pieces, from the end on. */
#include "train/reduce.h"

#include "base/mem.h"

ofr_status ofr_reduce_open(ofr_reduce *reduce, const ofr_comm *comm,
                           const ofr_params *params, ofr_error *err)
{
    const size_t n = (size_t)params->n;

    *reduce = (ofr_reduce){.comm = comm};
    reduce->ranges = ofr_mem_array(n, sizeof *reduce->ranges);
    if (reduce->ranges) return OFR_OK;
    return ofr_fail_nomem(err, n * sizeof *reduce->ranges, "sums over ranks");
}

void ofr_reduce_close(ofr_reduce *reduce)
{
    ofr_mem_free(reduce->ranges);
    *reduce = (ofr_reduce){0};
}

void ofr_reduce_plan(ofr_reduce *reduce, const ofr_adamw *adamw)
{
    reduce->n_ranges = 0;
    for (int s = 0; s < adamw->n_spans; s++) {
        const ofr_span *span = &adamw->spans[s];
        ofr_span *last = reduce->n_ranges ? &reduce->ranges[reduce->n_ranges - 1] : NULL;

        /* As adamw.c: the reals of a gap are zero on every rank. */
        if (last && span->at - (last->at + last->count) < 16)
            last->count = span->at + span->count - last->at;
        else
            reduce->ranges[reduce->n_ranges++] = *span;
    }
}

void ofr_reduce_start(ofr_reduce *reduce, ofr_real *x)
{
    reduce->x = x;
    reduce->range = reduce->n_ranges - 1;
    reduce->left = reduce->range >= 0 ? reduce->ranges[reduce->range].count : 0;
}

void ofr_reduce_final(ofr_reduce *reduce, size_t from)
{
    while (reduce->range >= 0) {
        const size_t at = reduce->ranges[reduce->range].at, left = reduce->left;
        const size_t most = reduce->comm->piece, n = left < most ? left : most;

        if (at + left - n < from) return;
        if (n) reduce->comm->sum_begin(reduce->comm, reduce->x + at + left - n, n);
        reduce->left -= n;
        if (reduce->left == 0 && --reduce->range >= 0)
            reduce->left = reduce->ranges[reduce->range].count;
    }
}

void ofr_reduce_end(ofr_reduce *reduce)
{
    ofr_reduce_final(reduce, 0);
    reduce->comm->sum_end(reduce->comm);
}
