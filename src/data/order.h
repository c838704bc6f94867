/*
 * order.h - in which order an epoch sees its items, and which of them a rank takes.
 *
 * Both are functions of their arguments alone, so that a resumed run and a run
 * on several ranks see the same batches as an uninterrupted one on one rank.
 */
#ifndef OFR_DATA_ORDER_H
#define OFR_DATA_ORDER_H

#include <stdint.h>

/* order[n] = the permutation of 0..n-1 for epoch `epoch` of phase run `run`. */
void ofr_order_epoch(int *order, int n, uint64_t seed, uint64_t run, uint64_t epoch);

/* Batches of an epoch, the last one possibly smaller. */
int ofr_order_batches(int n, int batch);

/* The part of the B items of one batch that `rank` of n_ranks works on: items
 * *first .. *first + *count - 1; parts are contiguous and differ by one at most. */
void ofr_order_shard(int B, int rank, int n_ranks, int *first, int *count);

/* items[n] = 0..n-1 parted by a seeded permutation: the first
 * *n_held = round(fraction * n) are held out, each part in rising order.  A
 * fraction above 0 holds at least one and leaves at least one. */
void ofr_order_part(int *items, int n, double fraction, uint64_t seed, int *n_held);

#endif
