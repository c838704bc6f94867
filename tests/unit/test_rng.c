/* test_rng.c - distribution and independence of the counter-based numbers. */
#include "support/support.h"

#include <math.h>

#include "base/rng.h"

#define N 100000

/* One changed bit of any argument changes half of the bits of the result. */
static void test_avalanche(void **state)
{
    (void)state;
    for (int argument = 0; argument < 3; argument++) {
        for (int bit = 0; bit < 64; bit++) {
            long changed = 0;
            for (uint64_t i = 0; i < 200; i++) {
                uint64_t a[3] = {i, 3, i * 5}, b[3] = {i, 3, i * 5};
                b[argument] ^= 1ull << bit;
                changed += __builtin_popcountll(ofr_rng_u64(a[0], a[1], a[2]) ^
                                                ofr_rng_u64(b[0], b[1], b[2]));
            }
            double mean = (double)changed / 200; /* 32, standard deviation 0.28 */
            if (fabs(mean - 32) > 1.7) fail_msg("%d.%d: %g bits", argument, bit, mean);
        }
    }
}

static void test_uniform(void **state)
{
    (void)state;
    double sum = 0, square = 0, lag = 0, last = 0.5;
    int buckets[64] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double u = ofr_rng_uniform(42, 7, i);
        assert_true(u >= 0 && u < 1);
        sum += u;
        square += u * u;
        lag += (u - 0.5) * (last - 0.5);
        last = u;
        buckets[(int)(u * 64)]++;
    }
    support_close_one("mean", sum / N, 0.5, 0.005);
    support_close_one("second moment", square / N, 1.0 / 3, 0.005);
    support_close_one("lag 1", lag / N, 0, 0.0015);
    double chi = 0;
    for (int i = 0; i < 64; i++)
        chi += (buckets[i] - N / 64.0) * (buckets[i] - N / 64.0) / (N / 64.0);
    assert_true(chi > 25 && chi < 115); /* 63 degrees of freedom, far tails */
}

static void test_normal(void **state)
{
    (void)state;
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    int beyond = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = ofr_rng_normal(1, 2, i);
        assert_true(isfinite(x));
        m1 += x / N;
        m2 += x * x / N;
        m3 += x * x * x / N;
        m4 += x * x * x * x / N;
        beyond += fabs(x) > 1.959964;
    }
    support_close_one("mean", m1, 0, 0.015);
    support_close_one("variance", m2, 1, 0.02);
    support_close_one("skew", m3, 0, 0.04);
    support_close_one("fourth moment", m4, 3, 0.15);
    support_close_one("tails", (double)beyond / N, 0.05, 0.004);
}

static void test_below(void **state)
{
    (void)state;
    int counts[6] = {0};
    for (uint64_t i = 0; i < 60000; i++) {
        uint32_t x = ofr_rng_below(3, 4, i, 6);
        assert_true(x < 6);
        counts[x]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(counts[i], 9500, 10500);
    assert_int_equal(ofr_rng_below(3, 4, 5, 1), 0);
    for (uint64_t i = 0; i < 1000; i++) /* a range that is no power of two */
        assert_true(ofr_rng_below(3, 4, i, 0xfffffff1u) < 0xfffffff1u);
}

static void test_permutation(void **state)
{
    (void)state;
    enum { M = 1000 };
    int p[M], q[M], seen[M] = {0}, fixed = 0;
    ofr_rng_permutation(p, M, 9, 1);
    for (int i = 0; i < M; i++) {
        assert_in_range(p[i], 0, M - 1);
        seen[p[i]]++;
        fixed += p[i] == i;
    }
    for (int i = 0; i < M; i++)
        assert_int_equal(seen[i], 1);
    assert_true(fixed < 8);
    ofr_rng_permutation(q, M, 9, 1);
    assert_memory_equal(p, q, sizeof(p));
    ofr_rng_permutation(q, M, 9, 2);
    assert_memory_not_equal(p, q, sizeof(p));
    int counts[6] = {0}; /* all six orders of three are equally likely */
    for (uint64_t s = 0; s < 6000; s++) {
        ofr_rng_permutation(p, 3, s, 5);
        counts[p[0] * 2 + (p[1] > p[2])]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(counts[i], 850, 1150);
}

static void test_streams(void **state)
{
    (void)state;
    static uint64_t seen[9 * 50 * 50];
    int n = 0;
    for (int use = 1; use <= 7; use++)
        for (uint64_t a = 0; a < 50; a++)
            for (uint64_t b = 0; b < 50; b++)
                seen[n++] = ofr_rng_stream((ofr_rng_use)use, a, b);
    for (int i = 0; i < n; i++) { /* (a, b) and (b, a) differ, too */
        int j = (int)(seen[i] % (unsigned)n);
        if (i != j) assert_true(seen[i] != seen[j]);
    }
    assert_true(ofr_rng_stream(OFR_RNG_INIT, 1, 2) != ofr_rng_stream(OFR_RNG_INIT, 2, 1));
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* For one key the mixer is a bijection of the index, and it drops its share. */
static void test_mix32(void **state)
{
    (void)state;
    static uint32_t words[65536];
    int dropped = 0;
    for (uint32_t i = 0; i < 65536; i++) {
        words[i] = ofr_rng_mix32(0x12345678u, i);
        dropped += words[i] < 429496730u; /* 0.1 * 2^32 */
    }
    support_close_one("share", dropped / 65536.0, 0.1, 0.006);
    qsort(words, 65536, sizeof(words[0]), by_value);
    for (int i = 1; i < 65536; i++)
        assert_true(words[i] != words[i - 1]);
}

/* Checkpoints and published numbers depend on these exact values. */
static void test_frozen(void **state)
{
    (void)state;
    assert_true(ofr_rng_u64(0, 0, 0) == 0x4ec8ef10bb7dcec4ull);
    assert_true(ofr_rng_u64(42, 7, 123456789) == 0xa4ec1fe05c5a024eull);
    assert_true(ofr_rng_stream(OFR_RNG_DROPOUT, 3, 4) == 0x1ec7d02cdbc0172cull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_avalanche),   cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal),      cmocka_unit_test(test_below),
        cmocka_unit_test(test_permutation), cmocka_unit_test(test_streams),
        cmocka_unit_test(test_mix32),       cmocka_unit_test(test_frozen),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
