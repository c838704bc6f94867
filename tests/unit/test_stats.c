/* Statistics: values worked out by hand, known laws of the bootstrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "eval/stats.h"

static void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.15g, expected %.15g", got, want);
}

static void test_summaries(void **state)
{
    (void)state;
    static const double x[8] = {2, 4, 4, 4, 5, 5, 7, 9};
    assert_close(ofr_stats_mean(x, 8), 5, 1e-15);
    assert_close(ofr_stats_std(x, 8), sqrt(32.0 / 7), 1e-15);
    assert_close(ofr_stats_std(x, 1), 0, 0);
    assert_true(isnan(ofr_stats_mean(x, 0)));
    assert_true(isnan(ofr_stats_std(x, 0)));
}

static void test_percentiles(void **state)
{
    (void)state;
    double x[4] = {40, 10, 30, 20}, one[1] = {7};
    assert_close(ofr_stats_percentile(x, 4, 0), 10, 0);
    assert_close(ofr_stats_percentile(x, 4, 100), 40, 0);
    assert_close(ofr_stats_percentile(x, 4, 95), 38.5, 1e-12); /* rank 2.85 */
    assert_close(ofr_stats_percentile(x, 4, 10), 13, 1e-12);   /* rank 0.3  */
    assert_close(ofr_stats_median(x, 4), 25, 1e-12);
    assert_close(ofr_stats_median(x, 3), 20, 0);
    assert_close(ofr_stats_percentile(one, 1, 95), 7, 0);
    assert_true(isnan(ofr_stats_median(x, 0)));
}

static void test_ranks(void **state)
{
    (void)state;
    static const double x[6] = {3, 1, 3, -2, 3, 1};
    static const double want[6] = {5, 2.5, 5, 1, 5, 2.5};
    double rank[6], sorted[6];
    ofr_stats_ranks(rank, sorted, x, 6);
    for (int i = 0; i < 6; i++)
        assert_close(rank[i], want[i], 0);
}

static void test_correlations(void **state)
{
    (void)state;
    static const double a[4] = {1, 2, 3, 4}, cube[4] = {1, 8, 27, 64};
    static const double back[4] = {4, 3, 2, 1}, flat[4] = {1, 1, 1, 1};
    double work[3 * 4];
    assert_close(ofr_stats_spearman(work, a, cube, 4), 1, 1e-15);
    assert_close(ofr_stats_pearson(a, back, 4), -1, 1e-15);
    assert_close(ofr_stats_spearman(work, cube, back, 4), -1, 1e-15);
    /* cube - mean: -24 -17 2 39; sum with -1.5 -.5 .5 1.5: 104; squares 2390, 5. */
    assert_close(ofr_stats_pearson(a, cube, 4), 104 / sqrt(5.0 * 2390), 1e-15);
    assert_close(ofr_stats_pearson(a, flat, 4), 0, 0);
    /* Where rounding would carry it beyond 1. */
    static const double up[3] = {2, 9, 1}, down[3] = {-2, -9, -1};
    assert_true(ofr_stats_pearson(up, up, 3) == 1);
    assert_true(ofr_stats_pearson(up, down, 3) == -1);
    assert_true(ofr_stats_kendall(up, up, 3) == 1);
    assert_true(isnan(ofr_stats_pearson((double[2]){1, NAN}, a, 2)));
    assert_true(isnan(ofr_stats_spearman(work, a, cube, 0)));
}

static void test_bootstrap(void **state)
{
    (void)state;
    enum { N = 400 };
    static double x[N];
    double low, high, low2, high2;
    for (int i = 0; i < N; i++)
        x[i] = ofr_rng_normal(3, 4, (uint64_t)i);
    double mean = ofr_stats_mean(x, N), error = ofr_stats_std(x, N) / sqrt(N);
    assert_int_equal(ofr_stats_bootstrap_mean(&low, &high, x, N, 2000, 0.95, 1, NULL),
                     OFR_OK);
    /* Close to the normal interval mean +- 1.96 standard errors. */
    assert_close(low, mean - 1.96 * error, 0.25 * error);
    assert_close(high, mean + 1.96 * error, 0.25 * error);
    /* The same seed gives the same numbers, another one others; a lower level is
     * narrower. */
    ofr_stats_bootstrap_mean(&low2, &high2, x, N, 2000, 0.95, 1, NULL);
    assert_true(low == low2 && high == high2);
    ofr_stats_bootstrap_mean(&low2, &high2, x, N, 2000, 0.95, 2, NULL);
    assert_true(low != low2);
    ofr_stats_bootstrap_mean(&low2, &high2, x, N, 2000, 0.5, 1, NULL);
    assert_true(low2 > low && high2 < high);
    static const double same[3] = {2, 2, 2};
    ofr_stats_bootstrap_mean(&low, &high, same, 3, 100, 0.95, 1, NULL);
    assert_close(low, 2, 0);
    assert_close(high, 2, 0);
    ofr_stats_bootstrap_mean(&low, &high, same, 0, 100, 0.95, 1, NULL);
    assert_true(isnan(low) && isnan(high));
}

static double largest(void *user, const int *index, int n)
{
    const double *x = user;
    double m = x[index[0]];
    for (int i = 0; i < n; i++) {
        assert_true(index[i] >= 0 && index[i] < n);
        if (x[index[i]] > m) m = x[index[i]];
    }
    return m;
}

static void test_bootstrap_of_any_statistic(void **state)
{
    (void)state;
    double x[5] = {1, 2, 3, 4, 5}, low, high;
    assert_int_equal(ofr_stats_bootstrap(&low, &high, largest, x, 5, 500, 0.9, 1, NULL),
                     OFR_OK);
    /* P(max = 5) = 1 - 0.8^5 = 0.67; P(max <= 3) = 0.6^5 = 0.08, P(<= 2) = 0.01. */
    assert_close(high, 5, 0);
    assert_close(low, 3, 0);
    size_t live = ofr_mem_live();
    for (size_t n = 1; n <= 2; n++) {
        ofr_error err;
        double kept = low;
        ofr_mem_fail_at(n, false);
        assert_int_equal(
            ofr_stats_bootstrap(&low, &high, largest, x, 5, 500, 0.9, 1, &err),
            OFR_NOMEM);
        assert_true(low == kept);
    }
    ofr_mem_fail_at(0, false);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_curves(void **state)
{
    (void)state;
    static const double x[4] = {0, 1, 1, 3}, y[4] = {0, 2, 4, 0};
    assert_close(ofr_stats_curve_at(x, y, 4, -1), 0, 0);
    assert_close(ofr_stats_curve_at(x, y, 4, 0.5), 1, 1e-15);
    assert_close(ofr_stats_curve_at(x, y, 4, 2), 2, 1e-15);
    assert_close(ofr_stats_curve_at(x, y, 4, 9), 0, 0);
    /* A triangle of 1 and one of 4. */
    assert_close(ofr_stats_curve_area(x, y, 4, 0, 3), 5.0 / 3, 1e-15);
    assert_close(ofr_stats_curve_area(x, y, 4, 0, 1), 1, 1e-15);
    assert_close(ofr_stats_curve_area(x, y, 4, 0.5, 1), 1.5, 1e-15);
    assert_close(ofr_stats_curve_area(x, y, 4, 1.5, 2), 2.5, 1e-15);
    assert_close(ofr_stats_curve_area(x, y, 4, 3, 4), 0, 0);
    assert_close(ofr_stats_curve_area(x, y, 2, -1, 2), (0 + 1 + 2) / 3.0, 1e-15);
    assert_close(ofr_stats_curve_area(x, y + 1, 1, 0, 2), 2, 0);
    assert_true(isnan(ofr_stats_curve_area(x, y, 4, 1, 1)));
    assert_true(isnan(ofr_stats_curve_area(x, y, 0, 0, 1)));
}

/* By hand: of six pairs three go together, one does not, one is tied in each. */
static void test_kendall(void **state)
{
    (void)state;
    static const double a[4] = {1, 2, 2, 3}, b[4] = {1, 3, 2, 2}, flat[4] = {1, 1, 1, 1};
    static const double up[4] = {1, 5, 6, 9}, down[4] = {9, 6, 5, 1};
    assert_close(ofr_stats_kendall(a, b, 4), 0.4, 1e-15);
    assert_close(ofr_stats_kendall(b, a, 4), 0.4, 1e-15);
    assert_close(ofr_stats_kendall(up, up, 4), 1, 1e-15);
    assert_close(ofr_stats_kendall(up, down, 4), -1, 1e-15);
    assert_close(ofr_stats_kendall(a, flat, 4), 0, 0);
    assert_true(isnan(ofr_stats_kendall(a, b, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summaries),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_correlations),
        cmocka_unit_test(test_kendall),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_bootstrap_of_any_statistic),
        cmocka_unit_test(test_curves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
