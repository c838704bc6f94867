/*
 * test_schedule.c - learning rates against hand-made values, and clipping.
 */
#include "support/support.h"

#include "train/schedule.h"

static void test_linear(void **state)
{
    /* 10 steps, 2 of warm-up, peak 1: 0, 1/2, then 8/8 ... 1/8. */
    static const double want[] = {0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125,
                                  0, 0};

    (void)state;
    for (int s = 0; s < 12; s++)
        support_close_one("linear", ofr_schedule_rate(OFR_SCHEDULE_LINEAR, 1, s, 10, 0.2),
                          want[s], 1e-15);
    support_close_one("no warm-up", ofr_schedule_rate(OFR_SCHEDULE_LINEAR, 4, 0, 8, 0), 4,
                      0);
    support_close_one("no warm-up", ofr_schedule_rate(OFR_SCHEDULE_LINEAR, 4, 6, 8, 0), 1,
                      1e-15);
    support_close_one("only warm-up", ofr_schedule_rate(OFR_SCHEDULE_LINEAR, 1, 3, 4, 1),
                      0.75, 1e-15);
}

static void test_constant(void **state)
{
    (void)state;
    support_close_one("rise", ofr_schedule_rate(OFR_SCHEDULE_CONSTANT, 2, 1, 10, 0.4),
                      0.5, 1e-15);
    for (int s = 4; s < 12; s++)
        support_close_one("stay", ofr_schedule_rate(OFR_SCHEDULE_CONSTANT, 2, s, 10, 0.4),
                          2, 0);
}

static void test_clip(void **state)
{
    (void)state;
    support_close_one("short", ofr_schedule_clip(0.5, 1), 1, 0);
    support_close_one("long", ofr_schedule_clip(4, 1), 1 / (4 + 1e-6), 1e-15);
    support_close_one("off", ofr_schedule_clip(1e9, 0), 1, 0);
    support_close_one("zero", ofr_schedule_clip(0, 1), 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_clip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
