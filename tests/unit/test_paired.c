/* Differences at equal cost, against sums by hand. */
#include "support/support.h"

#include <math.h>

#include "eval/metrics.h"
#include "eval/paired.h"

enum { N = 10 };

/* Right at:            0  1  2  3  4  5  6  7  8  9 */
static int labels[N] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
static const float six[N] = {0, 1, 0, 1, 0, 1, 1, 0, 1, 0};
static const float eight[N] = {0, 1, 0, 1, 0, 1, 0, 1, 1, 0};
static const float all[N] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1};

static ofr_dataset texts(void)
{
    return (ofr_dataset){.n = N, .K = 2, .labels = labels};
}

/* Halfway between 0.6 and 0.8 is 0.7; less 1.0. */
static void mixed(void **state)
{
    const ofr_dataset data = texts();
    const ofr_paired seeds[] = {{{six, eight, 0.5}, {all, all, 0}}};
    ofr_paired_result r;
    ofr_error err;

    (void)state;
    assert_ok(ofr_paired_bootstrap(&r, seeds, 1, &data, OFR_METRIC_ACCURACY, 2000, 1,
                                   &err),
              err);
    support_close_one("difference", r.difference, -0.3, 1e-7);
    /* The mean of 10 draws from -1 (2 texts), -0.5 (2), 0 (6) has the deviation
     * sqrt(0.16 / 10); a percentile interval of it is about +-2 of them wide. */
    assert_true(r.low < -0.45 && r.low > -0.75);
    assert_true(r.high > -0.15 && r.high <= 0);
}

/* Seeds are averaged: (0.6 - 1 + 0.8 - 1) / 2. */
static void seeds_are_averaged(void **state)
{
    const ofr_dataset data = texts();
    const ofr_paired seeds[] = {{{six, six, 0}, {all, all, 0}},
                                {{eight, eight, 0}, {all, all, 0}}};
    ofr_paired_result r;
    ofr_error err;

    (void)state;
    assert_ok(ofr_paired_bootstrap(&r, seeds, 2, &data, OFR_METRIC_ACCURACY, 200, 1,
                                   &err),
              err);
    support_close_one("difference", r.difference, -0.3, 1e-7);
}

/* The same answers on both sides differ by nothing in every resample: they are
 * paired. */
static void paired(void **state)
{
    const ofr_dataset data = texts();
    const ofr_paired seeds[] = {{{six, eight, 0.25}, {six, eight, 0.25}}};
    ofr_paired_result r;
    ofr_error err;

    (void)state;
    for (int m = 0; m < 2; m++) {
        const ofr_metric metric = m ? OFR_METRIC_MATTHEWS : OFR_METRIC_ACCURACY;

        assert_ok(ofr_paired_bootstrap(&r, seeds, 1, &data, metric, 100, 1, &err), err);
        support_close_one("difference", r.difference, 0, 0);
        support_close_one("low", r.low, 0, 0);
        support_close_one("high", r.high, 0, 0);
    }
}

/* A metric that is no mean over texts: Matthews of `six` is 0.2 (3, 3 right and 2, 2
 * wrong), of `eight` 0.6. */
static void no_mean(void **state)
{
    const ofr_dataset data = texts();
    const ofr_paired seeds[] = {{{eight, six, 0.25}, {six, six, 0}}};
    ofr_paired_result r;
    ofr_error err;

    (void)state;
    assert_ok(ofr_paired_bootstrap(&r, seeds, 1, &data, OFR_METRIC_MATTHEWS, 500, 1,
                                   &err),
              err);
    support_close_one("difference", r.difference, 0.75 * 0.6 + 0.25 * 0.2 - 0.2, 1e-7);
    assert_true(r.low < r.difference && r.difference < r.high);
}

static void regression(void **state)
{
    float targets[N], near[N];
    double work[OFR_METRIC_WORK * N];
    ofr_dataset data = {.n = N, .K = 1, .targets = targets};
    const ofr_paired seeds[] = {{{targets, targets, 0}, {near, near, 0}}};
    ofr_paired_result r;
    ofr_error err;

    (void)state;
    for (int i = 0; i < N; i++) {
        targets[i] = (float)i;
        near[i] = (float)i + (i % 2 ? 2.0f : -2.0f);
    }
    assert_ok(ofr_paired_bootstrap(&r, seeds, 1, &data, OFR_METRIC_PEARSON, 100, 1, &err),
              err);
    const double near_score = ofr_metric_score_real(OFR_METRIC_PEARSON, work, near,
                                                    targets, N);
    support_close_one("difference", r.difference, 1 - near_score, 1e-12);
}

static void nothing(void **state)
{
    const ofr_dataset data = texts();
    ofr_paired_result r;
    ofr_error err;

    (void)state;
    assert_ok(ofr_paired_bootstrap(&r, NULL, 0, &data, OFR_METRIC_ACCURACY, 100, 1, &err),
              err);
    assert_true(isnan(r.difference) && isnan(r.low) && isnan(r.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed),   cmocka_unit_test(seeds_are_averaged),
        cmocka_unit_test(paired),  cmocka_unit_test(no_mean),
        cmocka_unit_test(regression), cmocka_unit_test(nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
