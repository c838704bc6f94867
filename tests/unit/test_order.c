/* test_order.c - permutations, shards and held-out parts. */
#include "support/support.h"

#include "data/order.h"

enum { N = 1000 };

static void is_permutation(const int *order, int n)
{
    unsigned char seen[N] = {0};

    for (int i = 0; i < n; i++) {
        assert_in_range(order[i], 0, n - 1);
        assert_false(seen[order[i]]);
        seen[order[i]] = 1;
    }
}

static void test_epochs(void **state)
{
    int a[N], b[N], c[N], d[N];

    (void)state;
    ofr_order_epoch(a, N, 7, 0, 0);
    ofr_order_epoch(b, N, 7, 0, 0);
    is_permutation(a, N);
    assert_memory_equal(a, b, sizeof a);
    ofr_order_epoch(b, N, 7, 0, 1);
    ofr_order_epoch(c, N, 7, 1, 0);
    ofr_order_epoch(d, N, 8, 0, 0);
    is_permutation(b, N);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    assert_memory_not_equal(a, d, sizeof a);
    assert_memory_not_equal(b, c, sizeof a);
    ofr_order_epoch(a, 1, 7, 0, 0);
    assert_int_equal(a[0], 0);
}

static void test_batches(void **state)
{
    (void)state;
    assert_int_equal(ofr_order_batches(0, 4), 0);
    assert_int_equal(ofr_order_batches(1, 4), 1);
    assert_int_equal(ofr_order_batches(8, 4), 2);
    assert_int_equal(ofr_order_batches(9, 4), 3);
}

/* Shards are the batch, cut in order, and differ by at most one text. */
static void test_shards(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 7; ranks++)
        for (int B = 0; B <= 20; B++) {
            int at = 0;

            for (int rank = 0; rank < ranks; rank++) {
                int first, count;

                ofr_order_shard(B, rank, ranks, &first, &count);
                assert_int_equal(first, at);
                assert_in_range(count, B / ranks, B / ranks + 1);
                at += count;
            }
            assert_int_equal(at, B);
        }
}

static void test_parts(void **state)
{
    static const struct {
        int n;
        double fraction;
        int held;
    } cases[] = {{1000, 0.15, 150}, {10, 0.1, 1},  {10, 0.01, 1}, {10, 0, 0},
                 {10, 0.99, 9},     {1, 0.5, 0},   {2, 0.5, 1},   {7, 0.5, 4}};
    int items[N], again[N];

    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int n = cases[k].n;
        int held = -1;

        ofr_order_part(items, n, cases[k].fraction, 5, &held);
        assert_int_equal(held, cases[k].held);
        is_permutation(items, n);
        for (int i = 1; i < n; i++)
            if (i != held) assert_true(items[i - 1] < items[i]);
    }
    int held;
    ofr_order_part(items, N, 0.5, 5, &held);
    ofr_order_part(again, N, 0.5, 6, &held);
    assert_memory_not_equal(items, again, sizeof items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
