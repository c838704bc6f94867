/* Metrics: values worked out by hand from their definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "eval/metrics.h"

static void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.15g, expected %.15g", got, want);
}

static const int pred3[10] = {0, 1, 2, 2, 1, 0, 1, 2, 0, 1};
static const int label3[10] = {0, 1, 1, 2, 1, 0, 2, 2, 1, 1};

static void test_accuracy(void **state)
{
    (void)state;
    assert_close(ofr_metric_accuracy(pred3, label3, 10), 0.7, 1e-15);
    assert_close(ofr_metric_score(OFR_METRIC_ACCURACY, NULL, pred3, label3, 10, 3), 0.7,
                 1e-15);
    assert_true(isnan(ofr_metric_accuracy(pred3, label3, 0)));
}

static void test_f1(void **state)
{
    (void)state;
    /* said 3, is 4, both 2: precision 2/3, recall 1/2, F1 = 4/7. */
    static const int pred[7] = {1, 1, 1, 0, 0, 0, 0}, label[7] = {1, 1, 0, 1, 1, 0, 0};
    static const int none[7] = {0};
    assert_close(ofr_metric_f1(pred, label, 7), 4.0 / 7, 1e-15);
    assert_close(ofr_metric_score(OFR_METRIC_F1, NULL, pred, label, 7, 2), 4.0 / 7,
                 1e-15);
    assert_close(ofr_metric_f1(none, label, 7), 0, 0);
    assert_close(ofr_metric_f1(none, none, 7), 0, 0);
    assert_true(isnan(ofr_metric_f1(none, none, 0)));
}

static void test_matthews(void **state)
{
    (void)state;
    /* Two classes: tp 2, fp 1, fn 1, tn 0: (0 - 1) / sqrt(3 3 1 1). */
    static const int pred[4] = {1, 0, 1, 1}, label[4] = {1, 1, 1, 0};
    static const int ones[4] = {1, 1, 1, 1};
    assert_close(ofr_metric_matthews(pred, label, 4, 2), -1.0 / 3, 1e-15);
    assert_close(ofr_metric_matthews(label, label, 4, 2), 1, 1e-15);
    assert_close(ofr_metric_matthews(ones, label, 4, 2), 0, 0);
    /* Three: right 7 of 10, said (3,4,3), is (2,5,3):
     * (70 - 35) / sqrt((100 - 34) (100 - 38)). */
    assert_close(ofr_metric_matthews(pred3, label3, 10, 3), 35 / sqrt(66.0 * 62), 1e-15);
    assert_close(ofr_metric_score(OFR_METRIC_MATTHEWS, NULL, pred3, label3, 10, 3),
                 35 / sqrt(66.0 * 62), 1e-15);
}

static void test_correlations(void **state)
{
    (void)state;
    /* a - mean: -2 -1 0 1 2; b - mean: -1 -2 1 0 2: 8 / sqrt(10 10). */
    static const float a[5] = {1, 2, 3, 4, 5}, b[5] = {2, 1, 4, 3, 5};
    double work[OFR_METRIC_WORK * 5];
    assert_close(ofr_metric_score_real(OFR_METRIC_PEARSON, work, a, b, 5), 0.8, 1e-15);
    assert_close(ofr_metric_score_real(OFR_METRIC_SPEARMAN, work, a, b, 5), 0.8, 1e-15);
    /* Monotone but not straight; ties share ranks: (1, 2.5, 2.5, 4) both. */
    static const float c[4] = {0, 1, 1, 10}, d[4] = {-5, 0.5f, 0.5f, 0.6f};
    assert_close(ofr_metric_score_real(OFR_METRIC_SPEARMAN, work, c, d, 4), 1, 1e-15);
    assert_true(ofr_metric_score_real(OFR_METRIC_PEARSON, work, c, d, 4) < 0.6);
    /* Ranks (1,2,3,4) against (1.5,1.5,3,4): 4.5 / sqrt(5 4.5). */
    static const float e[4] = {1, 2, 3, 4}, f[4] = {7, 7, 8, 9};
    assert_close(ofr_metric_score_real(OFR_METRIC_SPEARMAN, work, e, f, 4),
                 4.5 / sqrt(22.5), 1e-15);
    static const float flat[4] = {2, 2, 2, 2};
    assert_close(ofr_metric_score_real(OFR_METRIC_PEARSON, work, flat, e, 4), 0, 0);
    assert_close(ofr_metric_score_real(OFR_METRIC_SPEARMAN, work, e, flat, 4), 0, 0);
    assert_true(isnan(ofr_metric_score_real(OFR_METRIC_ACCURACY, work, e, f, 4)));
    assert_true(isnan(ofr_metric_score_real(OFR_METRIC_PEARSON, work, e, f, 0)));
    static const int classes[5] = {1, 2, 3, 4, 5}, others[5] = {2, 1, 4, 3, 5};
    assert_close(ofr_metric_score(OFR_METRIC_PEARSON, work, classes, others, 5, 6), 0.8,
                 1e-15);
    assert_close(ofr_metric_score(OFR_METRIC_SPEARMAN, work, classes, others, 5, 6), 0.8,
                 1e-15);
}

static void test_calibration(void **state)
{
    (void)state;
    /* Bins of 1/4.  (0.25,0.5]: 0.3, 0.5 with one right: |1 - 0.8| / 5;
     * (0.5,0.75]: 0.625, wrong: 0.625 / 5; (0.75,1]: 0.875, 1: |2 - 1.875| / 5. */
    static const float confidence[5] = {0.3f, 0.5f, 0.625f, 0.875f, 1};
    static const unsigned char right[5] = {0, 1, 0, 1, 1};
    assert_close(ofr_metric_calibration_error(confidence, right, 5, 4),
                 (0.2 + 0.625 + 0.125) / 5, 1e-7);
    /* Said 60 %, right 3 of 5: perfect. */
    static const float sixty[5] = {0.6f, 0.6f, 0.6f, 0.6f, 0.6f};
    static const unsigned char three[5] = {1, 1, 1, 0, 0};
    assert_close(ofr_metric_calibration_error(sixty, three, 5, OFR_METRIC_BINS), 0, 1e-7);
    static const float zero[1] = {0};
    assert_close(ofr_metric_calibration_error(zero, right + 1, 1, 15), 1, 0);
    assert_true(isnan(ofr_metric_calibration_error(zero, right, 0, 15)));
    /* An exit below the answer whose logits overflow has none. */
    static const float none[2] = {0.5f, NAN};
    assert_true(isnan(ofr_metric_calibration_error(none, right, 2, 15)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),    cmocka_unit_test(test_f1),
        cmocka_unit_test(test_matthews),    cmocka_unit_test(test_correlations),
        cmocka_unit_test(test_calibration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
