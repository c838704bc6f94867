/*
 * stats.c - summaries, bootstrap intervals, correlations and areas of curves.
 */
#include "eval/stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

double ofr_stats_mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

double ofr_stats_std(const double *x, int n)
{
    if (n == 1) return 0;
    if (n < 1) return NAN;
    double mean = ofr_stats_mean(x, n), sum = 0;
    for (int i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (n - 1));
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ofr_stats_percentile(double *x, int n, double percent)
{
    if (n < 1) return NAN;
    qsort(x, (size_t)n, sizeof *x, ascending);
    double at = percent / 100 * (n - 1);
    int below = (int)floor(at);
    if (below < 0) below = 0;
    if (below > n - 1) below = n - 1;
    int above = below + 1 < n ? below + 1 : below;
    return x[below] + (at - below) * (x[above] - x[below]);
}

double ofr_stats_median(double *x, int n)
{
    return ofr_stats_percentile(x, n, 50);
}

/* How many of sorted[n] are smaller than x, or no larger. */
static int count_below(const double *sorted, int n, double x, bool or_same)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (sorted[middle] < x || (or_same && sorted[middle] == x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void ofr_stats_ranks(double *rank, double *sorted, const double *x, int n)
{
    memcpy(sorted, x, (size_t)n * sizeof *x);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    for (int i = 0; i < n; i++) {
        int before = count_below(sorted, n, x[i], false);
        int up_to = count_below(sorted, n, x[i], true);
        rank[i] = 0.5 * (before + 1 + up_to); /* they share before + 1 .. up_to */
    }
}

/* Rounding must not carry a correlation beyond its range; NaN stays. */
static double within_one(double r)
{
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

double ofr_stats_pearson(const double *a, const double *b, int n)
{
    double mean_a = ofr_stats_mean(a, n), mean_b = ofr_stats_mean(b, n);
    double aa = 0, bb = 0, ab = 0;
    if (n < 1) return NAN;
    for (int i = 0; i < n; i++) {
        double da = a[i] - mean_a, db = b[i] - mean_b;
        aa += da * da;
        bb += db * db;
        ab += da * db;
    }
    if (aa == 0 || bb == 0) return 0;
    return within_one(ab / (sqrt(aa) * sqrt(bb)));
}

double ofr_stats_spearman(double *work, const double *a, const double *b, int n)
{
    if (n < 1) return NAN;
    double *of_a = work, *of_b = work + n, *sorted = of_b + n;
    ofr_stats_ranks(of_a, sorted, a, n);
    ofr_stats_ranks(of_b, sorted, b, n);
    return ofr_stats_pearson(of_a, of_b, n);
}

static int sign(double x)
{
    return (x > 0) - (x < 0);
}

double ofr_stats_kendall(const double *a, const double *b, int n)
{
    long long order = 0, apart_a = 0, apart_b = 0;
    if (n < 1) return NAN;
    for (int i = 1; i < n; i++)
        for (int j = 0; j < i; j++) {
            int in_a = sign(a[i] - a[j]), in_b = sign(b[i] - b[j]);
            order += in_a * in_b;
            apart_a += in_a != 0;
            apart_b += in_b != 0;
        }
    if (apart_a == 0 || apart_b == 0) return 0;
    return within_one((double)order / (sqrt((double)apart_a) * sqrt((double)apart_b)));
}

ofr_status ofr_stats_bootstrap(double *low, double *high, ofr_stats_statistic statistic,
                               void *user, int n, int n_resamples, double level,
                               uint64_t seed, ofr_error *err)
{
    if (n < 1 || n_resamples < 1) {
        *low = *high = NAN;
        return OFR_OK;
    }
    int *index = ofr_mem_array((size_t)n, sizeof *index);
    double *values = ofr_mem_array((size_t)n_resamples, sizeof *values);
    ofr_status status = OFR_OK;
    if (index == NULL || values == NULL) {
        status = ofr_fail_nomem(
            err, (size_t)n * sizeof *index + (size_t)n_resamples * sizeof *values,
            "bootstrap");
        goto done;
    }
    for (int r = 0; r < n_resamples; r++) {
        uint64_t stream = ofr_rng_stream(OFR_RNG_EVAL, 0x626f6f74, (uint64_t)r);
        for (int i = 0; i < n; i++)
            index[i] = (int)ofr_rng_below(seed, stream, (uint64_t)i, (uint32_t)n);
        values[r] = statistic(user, index, n);
    }
    double tail = 50 * (1 - level);
    *low = ofr_stats_percentile(values, n_resamples, tail);
    *high = ofr_stats_percentile(values, n_resamples, 100 - tail);
done:
    ofr_mem_free(index);
    ofr_mem_free(values);
    return status;
}

static double resampled_mean(void *user, const int *index, int n)
{
    const double *x = *(const double *const *)user;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[index[i]];
    return sum / n;
}

ofr_status ofr_stats_bootstrap_mean(double *low, double *high, const double *x, int n,
                                    int n_resamples, double level, uint64_t seed,
                                    ofr_error *err)
{
    return ofr_stats_bootstrap(low, high, resampled_mean, &x, n, n_resamples, level, seed,
                               err);
}

double ofr_stats_curve_at(const double *x, const double *y, int n, double at)
{
    if (n < 1) return NAN;
    if (at <= x[0]) return y[0];
    for (int i = 1; i < n; i++)
        if (at <= x[i]) /* then x[i-1] < at, so the step is not zero */
            return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
    return y[n - 1];
}

double ofr_stats_curve_area(const double *x, const double *y, int n, double low,
                            double high)
{
    if (n < 1 || !(low < high)) return NAN;
    double area = 0, left = low, y_left = ofr_stats_curve_at(x, y, n, low);
    for (int i = 0; i < n; i++) {
        if (x[i] < left) continue;
        if (x[i] >= high) break;
        area += 0.5 * (x[i] - left) * (y_left + y[i]);
        left = x[i];
        y_left = y[i]; /* the last of several points at the same x */
    }
    area += 0.5 * (high - left) * (y_left + ofr_stats_curve_at(x, y, n, high));
    return area / (high - low);
}
