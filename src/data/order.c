/* order.c - permutations of epochs, shards of batches, held-out parts. */
#include "data/order.h"

#include "base/rng.h"
#include "base/status.h"

void ofr_order_epoch(int *order, int n, uint64_t seed, uint64_t run, uint64_t epoch)
{
    ofr_rng_permutation(order, n, seed, ofr_rng_stream(OFR_RNG_ORDER, run, epoch));
}

int ofr_order_batches(int n, int batch)
{
    OFR_ASSERT(n >= 0 && batch > 0);
    return n / batch + (n % batch != 0);
}

void ofr_order_shard(int B, int rank, int n_ranks, int *first, int *count)
{
    OFR_ASSERT(n_ranks > 0 && rank >= 0 && rank < n_ranks);
    const int share = B / n_ranks, rest = B % n_ranks;

    *first = rank * share + (rank < rest ? rank : rest);
    *count = share + (rank < rest);
}

/* Sort a permutation's part by marking would need memory; parts are sorted in
 * place by heap sort, which needs none and has no bad case. */
static void sift(int *a, int root, int n)
{
    for (;;) {
        int child = 2 * root + 1;

        if (child >= n) return;
        if (child + 1 < n && a[child + 1] > a[child]) child++;
        if (a[root] >= a[child]) return;
        const int swap = a[root];
        a[root] = a[child];
        a[child] = swap;
        root = child;
    }
}

static void sort_ints(int *a, int n)
{
    for (int i = n / 2 - 1; i >= 0; i--)
        sift(a, i, n);
    for (int i = n - 1; i > 0; i--) {
        const int swap = a[0];
        a[0] = a[i];
        a[i] = swap;
        sift(a, 0, i);
    }
}

void ofr_order_part(int *items, int n, double fraction, uint64_t seed, int *n_held)
{
    int held = (int)(fraction * n + 0.5);

    if (fraction > 0 && held < 1) held = 1;
    if (held > n - 1) held = n - 1;
    if (held < 0 || fraction <= 0) held = 0;
    ofr_rng_permutation(items, n, seed, ofr_rng_stream(OFR_RNG_SPLIT, 0, 0));
    sort_ints(items, held);
    sort_ints(items + held, n - held);
    *n_held = held;
}
