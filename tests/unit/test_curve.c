/* Fronts, heights and chosen knobs of hand-made curves. */
#include "support/support.h"

#include "eval/curve.h"
#include "eval/stats.h"

/* Five points, by hand: 1 beats 0 (saves more, scores as well), 3 beats 2 and 4
 * saves most. */
static const double saved[] = {0.0, 0.2, 0.3, 0.5, 0.75};
static const double score[] = {0.90, 0.90, 0.84, 0.86, 0.60};

static void front(void **state)
{
    unsigned char keep[5];
    int order[5];

    (void)state;
    assert_int_equal(ofr_curve_front(keep, saved, score, 5), 3);
    assert_int_equal(keep[0], 0);
    assert_int_equal(keep[1], 1);
    assert_int_equal(keep[2], 0);
    assert_int_equal(keep[3], 1);
    assert_int_equal(keep[4], 1);
    assert_int_equal(ofr_curve_order(order, keep, saved, 5), 3);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 3);
    assert_int_equal(order[2], 4);
}

static void front_of_equals(void **state)
{
    const double x[] = {0.5, 0.5, NAN, 0.5}, y[] = {0.7, 0.7, 1, 0.6};
    unsigned char keep[4];

    (void)state;
    assert_int_equal(ofr_curve_front(keep, x, y, 4), 1);
    assert_int_equal(keep[0], 1);
    assert_int_equal(ofr_curve_front(keep, x, y, 0), 0);
}

static void order_is_stable(void **state)
{
    const double x[] = {0.4, 0.1, 0.4, 0.2};
    int order[4];

    (void)state;
    assert_int_equal(ofr_curve_order(order, NULL, x, 4), 4);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 3);
    assert_int_equal(order[2], 0);
    assert_int_equal(order[3], 2);
}

static void heights(void **state)
{
    const double x[] = {0.2, 0.5, 0.75}, y[] = {0.90, 0.86, 0.60};

    (void)state;
    /* level before the first; 0.25: a sixth of the way from 0.90 to 0.86 */
    support_close_one("level", ofr_curve_height(x, y, 3, 0.1), 0.90, 1e-12);
    support_close_one("25 %", ofr_curve_height(x, y, 3, 0.25), 0.90 - 0.04 / 6, 1e-12);
    support_close_one("50 %", ofr_curve_height(x, y, 3, 0.5), 0.86, 1e-12);
    support_close_one("60 %", ofr_curve_height(x, y, 3, 0.6), 0.86 - 0.26 * 0.4, 1e-12);
    support_close_one("75 %", ofr_curve_height(x, y, 3, 0.75), 0.60, 1e-12);
    assert_true(isnan(ofr_curve_height(x, y, 3, 0.76)));
    assert_true(isnan(ofr_curve_height(x, y, 0, 0.1)));
    assert_true(isnan(ofr_curve_height(x, y, 3, NAN)));
}

/* Between 0.2 and 0.75 two trapezoids: 0.3 * 0.88 + 0.25 * 0.73 over 0.55; from 0
 * on a level piece of 0.2 * 0.9 joins. */
static void area(void **state)
{
    const double x[] = {0.2, 0.5, 0.75}, y[] = {0.90, 0.86, 0.60};

    (void)state;
    support_close_one("own range", ofr_stats_curve_area(x, y, 3, 0.2, 0.75),
                      (0.3 * 0.88 + 0.25 * 0.73) / 0.55, 1e-12);
    support_close_one("from 0", ofr_stats_curve_area(x, y, 3, 0, 0.75),
                      (0.2 * 0.90 + 0.3 * 0.88 + 0.25 * 0.73) / 0.75, 1e-12);
    support_close_one("of a curve", ofr_curve_area(x, y, 3, 0.5),
                      (0.2 * 0.90 + 0.3 * 0.88) / 0.5, 1e-12);
    assert_true(isnan(ofr_curve_area(x, y, 3, 0.76)));
    assert_true(isnan(ofr_curve_area(x, y, 3, 0)));
    assert_true(isnan(ofr_curve_area(x, y, 0, 0.5)));
}

/* The full model scores 0.90: nothing lost: 0.2 saved; 4 points: 0.5. */
static void fastest(void **state)
{
    (void)state;
    assert_int_equal(ofr_curve_fastest(saved, score, 5, 0.90), 1);
    assert_int_equal(ofr_curve_fastest(saved, score, 5, 0.90 - 0.03), 1);
    assert_int_equal(ofr_curve_fastest(saved, score, 5, 0.90 - 0.04), 3);
    assert_int_equal(ofr_curve_fastest(saved, score, 5, 0.5), 4);
    assert_int_equal(ofr_curve_fastest(saved, score, 5, 0.91), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(front),        cmocka_unit_test(front_of_equals),
        cmocka_unit_test(order_is_stable), cmocka_unit_test(heights),
        cmocka_unit_test(area),         cmocka_unit_test(fastest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
