/*
 * metrics.c - accuracy, F1, Matthews, correlations, calibration error.
 */
#include "eval/metrics.h"

#include <math.h>

#include "eval/stats.h"

bool ofr_metric_near(ofr_real answer, float target, double limit)
{
    return fabs((double)answer - (double)target) < limit;
}

double ofr_metric_accuracy(const int *pred, const int *label, int n)
{
    double right = 0;
    for (int i = 0; i < n; i++)
        right += pred[i] == label[i];
    return right / n;
}

double ofr_metric_f1(const int *pred, const int *label, int n)
{
    double both = 0, said = 0, is = 0;
    if (n < 1) return NAN;
    for (int i = 0; i < n; i++) {
        both += pred[i] == 1 && label[i] == 1;
        said += pred[i] == 1;
        is += label[i] == 1;
    }
    return said + is > 0 ? 2 * both / (said + is) : 0;
}

double ofr_metric_matthews(const int *pred, const int *label, int n, int K)
{
    double right = 0, cross = 0, said2 = 0, is2 = 0, all = n;
    if (n < 1) return NAN;
    for (int i = 0; i < n; i++)
        right += pred[i] == label[i];
    for (int k = 0; k < K; k++) {
        double said = 0, is = 0;
        for (int i = 0; i < n; i++) {
            said += pred[i] == k;
            is += label[i] == k;
        }
        cross += said * is;
        said2 += said * said;
        is2 += is * is;
    }
    double square = (all * all - said2) * (all * all - is2);
    return square > 0 ? (right * all - cross) / sqrt(square) : 0;
}

/* Correlation of work[0 .. n) and work[n .. 2 n); what is behind them is scratch. */
static double correlation(ofr_metric metric, double *work, int n)
{
    const double *a = work, *b = work + n;
    return metric == OFR_METRIC_SPEARMAN
               ? ofr_stats_spearman(work + 2 * (size_t)n, a, b, n)
               : ofr_stats_pearson(a, b, n);
}

double ofr_metric_score(ofr_metric metric, double *work, const int *pred,
                        const int *label, int n, int K)
{
    switch (metric) {
    case OFR_METRIC_ACCURACY:
        return ofr_metric_accuracy(pred, label, n);
    case OFR_METRIC_F1:
        return ofr_metric_f1(pred, label, n);
    case OFR_METRIC_MATTHEWS:
        return ofr_metric_matthews(pred, label, n, K);
    case OFR_METRIC_PEARSON:
    case OFR_METRIC_SPEARMAN:
        break;
    }
    for (int i = 0; i < n; i++) {
        work[i] = pred[i];
        work[n + i] = label[i];
    }
    return correlation(metric, work, n);
}

double ofr_metric_score_real(ofr_metric metric, double *work, const float *pred,
                             const float *target, int n)
{
    if (metric != OFR_METRIC_PEARSON && metric != OFR_METRIC_SPEARMAN) return NAN;
    for (int i = 0; i < n; i++) {
        work[i] = (double)pred[i];
        work[n + i] = (double)target[i];
    }
    return correlation(metric, work, n);
}

double ofr_metric_calibration_error(const float *confidence, const unsigned char *right,
                                    int n, int n_bins)
{
    /* A few bins, many texts: one pass per bin needs no memory. */
    double error = 0;
    if (n < 1) return NAN;
    for (int i = 0; i < n; i++)
        if (isnan(confidence[i])) return NAN;
    for (int bin = 0; bin < n_bins; bin++) {
        double sum = 0, hits = 0;
        int count = 0;
        for (int i = 0; i < n; i++) {
            int at = (int)ceil((double)confidence[i] * n_bins) - 1;
            if (at < 0) at = 0;
            if (at > n_bins - 1) at = n_bins - 1;
            if (at != bin) continue;
            sum += (double)confidence[i];
            hits += right[i] != 0;
            count++;
        }
        if (count > 0) error += fabs(hits - sum) / n;
    }
    return error;
}
