/*
 * stats.h - small statistics for reports: summaries, intervals, correlations,
 * areas.
 *
 * No answers (n == 0) give NaN.  Random resampling is a function of the seed.
 */
#ifndef OFR_EVAL_STATS_H
#define OFR_EVAL_STATS_H

#include <stdint.h>

#include "base/status.h"

double ofr_stats_mean(const double *x, int n);
/* Of a sample (n - 1); 0 for n == 1. */
double ofr_stats_std(const double *x, int n);

/* Both sort x[n] in place.  percent in 0..100, linear between neighbours (rank
 * percent / 100 * (n - 1), as numpy does by default). */
double ofr_stats_median(double *x, int n);
double ofr_stats_percentile(double *x, int n, double percent);

/* rank[n] = 1..n in ascending order of x; ties share their mean rank.
 * sorted: [n] scratch. */
void ofr_stats_ranks(double *rank, double *sorted, const double *x, int n);

/* Correlation of values and of ranks; 0 when either side is constant. */
double ofr_stats_pearson(const double *a, const double *b, int n);
/* work: [3 n] scratch. */
double ofr_stats_spearman(double *work, const double *a, const double *b, int n);
/* Kendall's tau-b: pairs in the same order less pairs in the other, over the root
 * of (pairs not tied in a) (pairs not tied in b).  Quadratic in n. */
double ofr_stats_kendall(const double *a, const double *b, int n);

/* A statistic of a resample: the texts index[n] (with repetitions). */
typedef double (*ofr_stats_statistic)(void *user, const int *index, int n);

/* Percentile bootstrap: *low and *high enclose `level` (0.95) of n_resamples
 * values of the statistic over resamples of n texts.  OFR_NOMEM. */
ofr_status ofr_stats_bootstrap(double *low, double *high, ofr_stats_statistic statistic,
                               void *user, int n, int n_resamples, double level,
                               uint64_t seed, ofr_error *err);
/* The same for the mean of x[n]; give differences a - b for a paired comparison. */
ofr_status ofr_stats_bootstrap_mean(double *low, double *high, const double *x, int n,
                                    int n_resamples, double level, uint64_t seed,
                                    ofr_error *err);

/* Height at `at` of the curve through (x[i], y[i]), x ascending, straight lines
 * between points, level outside. */
double ofr_stats_curve_at(const double *x, const double *y, int n, double at);
/* Area below the same curve between low and high divided by high - low: its mean
 * height over the range.  NaN unless low < high. */
double ofr_stats_curve_area(const double *x, const double *y, int n, double low,
                            double high);

#endif
