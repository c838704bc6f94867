/* Curves made of hand-made points: chosen on one set of texts, read on another. */
#include "support/support.h"

#include <math.h>

#include "eval/curve.h"
#include "eval/sweep_line.h"

static ofr_sweep_point point(double knob, double tune_saved, double tune_score,
                             double saved, double score)
{
    ofr_sweep_point p = {.knob = knob, .random_score = score - 0.1};

    p.tune.saved_layers = tune_saved;
    p.tune.score = tune_score;
    p.report.saved_layers = saved;
    p.report.score = score;
    return p;
}

/* Tuning texts: front is 0 -> 0.91, 0.3 -> 0.90, 0.6 -> 0.85; the knob 0.2 is beaten
 * by 0.3.  On the reported texts the beaten one would look best. */
static void one_curve(void **state)
{
    ofr_sweep_point points[] = {
        point(NAN, 0, 0.91, 0, 0.88),
        point(0.2, 0.2, 0.89, 0.25, 0.95),
        point(0.3, 0.3, 0.90, 0.35, 0.86),
        point(0.6, 0.6, 0.85, 0.55, 0.82),
    };
    ofr_sweep_set set = {.score_full = 0.91};
    ofr_sweep s = {.n_curves = 1, .tune = &set};
    ofr_sweep_line line;
    ofr_error err;

    (void)state;
    s.curves[0] = (ofr_sweep_curve){.rule = &ofr_rule_entropy, .alpha = NAN, .n = 4,
                                    .points = points};
    assert_ok(ofr_sweep_line_open(&line, &s, "entropy", 0, 1, &err), err);
    assert_int_equal(line.n, 3);
    assert_int_equal(line.n_points, 4);
    assert_true(line.points[0] == &points[0] && line.points[1] == &points[2] &&
                line.points[2] == &points[3]);
    support_close_one("reach", ofr_sweep_line_reach(&line), 0.55, 0);
    /* 0.25 of 0.35 from 0.88 to 0.86 */
    support_close_one("at 25 %", ofr_curve_height(line.saved, line.score, line.n, 0.25),
                      0.88 - 0.02 * 25 / 35, 1e-12);
    support_close_one("random", line.random[1], 0.76, 1e-12);
    /* nothing lost on the tuning texts: the full model; 1 point: knob 0.3; 3 points:
     * the same (0.85 would lose 6) */
    assert_ptr_equal(line.at_lost[0], &points[0]);
    assert_ptr_equal(line.at_lost[1], &points[2]);
    assert_ptr_equal(line.at_lost[2], &points[2]);
    assert_true(isnan(line.alpha));
    ofr_sweep_line_close(&line);
}

/* Two prices: each is best somewhere. */
static void two_prices(void **state)
{
    ofr_sweep_point cheap[] = {
        point(NAN, 0, 0.90, 0, 0.90),
        point(0.5, 0.2, 0.92, 0.2, 0.91),
        point(0.4, 0.5, 0.80, 0.5, 0.80),
    };
    ofr_sweep_point dear[] = {
        point(NAN, 0, 0.90, 0, 0.90),
        point(0.5, 0.45, 0.88, 0.4, 0.89),
        point(0.4, 0.7, 0.70, 0.7, 0.72),
    };
    ofr_sweep_set set = {.score_full = 0.90};
    ofr_sweep s = {.n_curves = 3, .tune = &set};
    ofr_sweep_line line;
    ofr_error err;

    (void)state;
    s.curves[1] = (ofr_sweep_curve){.rule = &ofr_rule_policy, .alpha = 0.01, .n = 3,
                                    .points = cheap};
    s.curves[2] = (ofr_sweep_curve){.rule = &ofr_rule_policy, .alpha = 0.1, .n = 3,
                                    .points = dear};
    assert_ok(ofr_sweep_line_open(&line, &s, "policy*", 1, 3, &err), err);
    assert_int_equal(line.n, 4);
    assert_ptr_equal(line.points[0], &cheap[1]);
    assert_ptr_equal(line.points[1], &dear[1]);
    assert_ptr_equal(line.curves[1], &s.curves[2]);
    assert_ptr_equal(line.points[2], &cheap[2]);
    assert_ptr_equal(line.points[3], &dear[2]);
    assert_ptr_equal(line.at_lost[0], &cheap[1]);
    assert_ptr_equal(line.at_lost[2], &dear[1]);
    assert_ptr_equal(line.at_lost_curve[2], &s.curves[2]);
    ofr_sweep_line_close(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_curve),
                                       cmocka_unit_test(two_prices)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
