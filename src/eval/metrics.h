/*
 * metrics.h - one number for how good a set of answers is.
 *
 * Values agree with scikit-learn and SciPy, except that a correlation with a
 * constant is 0 here, not NaN, so that reports stay plain numbers.  No answers
 * (n == 0) give NaN.
 */
#ifndef OFR_EVAL_METRICS_H
#define OFR_EVAL_METRICS_H

#include <stdbool.h>

#include "data/task.h"
#include "tensor/real.h"

#define OFR_METRIC_BINS 15 /* of the calibration error */
#define OFR_METRIC_WORK 5  /* doubles of scratch per answer, for correlations */

/* Classification: `metric` is ACCURACY, F1 or MATTHEWS, pred[n] and label[n] in
 * 0..K-1.  PEARSON and SPEARMAN compare the class numbers as values.
 * work: [OFR_METRIC_WORK n] scratch. */
double ofr_metric_score(ofr_metric metric, double *work, const int *pred,
                        const int *label, int n, int K);
/* Regression: PEARSON or SPEARMAN of pred[n] and target[n]; NaN for the metrics of
 * classification, which have no meaning there.  work: as above. */
double ofr_metric_score_real(ofr_metric metric, double *work, const float *pred,
                             const float *target, int n);

/* Regression: is `answer` right, nearer to the target than `limit`?  The one place that
 * says so; answers and targets are floats wherever they come from.  A NaN is not. */
bool ofr_metric_near(ofr_real answer, float target, double limit);

double ofr_metric_accuracy(const int *pred, const int *label, int n);
/* Binary, class 1 is the positive one; 0 when there is nothing positive. */
double ofr_metric_f1(const int *pred, const int *label, int n);
/* Correlation coefficient of Matthews for K classes (Gorodkin's R_K); 0 when
 * either side has a single class. */
double ofr_metric_matthews(const int *pred, const int *label, int n, int K);

/* Expected calibration error: sum over n_bins equal bins ((b-1)/n_bins, b/n_bins]
 * of share * |accuracy - mean confidence|.  confidence[n] is the probability of
 * the answer, right[n] whether it was correct.  NaN when a confidence is NaN. */
double ofr_metric_calibration_error(const float *confidence, const unsigned char *right,
                                    int n, int n_bins);

#endif
