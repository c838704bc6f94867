/* Losses against their definitions, their slopes and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "nn/loss.h"

static void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.15g, expected %.15g", got, want);
}

static void test_cross_entropy(void **state)
{
    (void)state;
    static const ofr_real equal[4] = {3, 3, 3, 3};
    assert_close(ofr_loss_ce(equal, 4, 2), log(4), 1e-15);
    static const ofr_real z[3] = {1, 0, -1};
    double S = exp(1) + 1 + exp(-1);
    for (int y = 0; y < 3; y++)
        assert_close(ofr_loss_ce(z, 3, y), log(S) - (double)z[y], 1e-14);
    static const ofr_real one[1] = {17};
    /* ln(e^0 + e^1) - 0, as in a spreadsheet */
    const ofr_real two[2] = {0, 2};
    assert_close(ofr_loss_ce_at(two, 2, 0, 2), 1.3132616875182228, 1e-15);
    assert_close(ofr_loss_ce_at(two, 2, 1, 1), ofr_loss_ce(two, 2, 1), 1e-15);
    assert_close(ofr_loss_ce(one, 1, 0), 0, 0);
    /* Huge logits: no overflow, and the difference is kept. */
    static const ofr_real huge[2] = {60000, -60000};
    assert_close(ofr_loss_ce(huge, 2, 0), 0, 0);
    assert_close(ofr_loss_ce(huge, 2, 1), 120000, 0);
    static const ofr_real broken[2] = {(ofr_real)NAN, 0};
    assert_true(isnan(ofr_loss_ce(broken, 2, 1)));
}

static void test_gradient(void **state)
{
    (void)state;
    /* softmax(ln 1, ln 2, ln 5) = (1, 2, 5) / 8; added with its weight. */
    const ofr_real z[3] = {0, OFR_R(log)(2), OFR_R(log)(5)};
    ofr_real dz[3] = {1, 1, 1};
    ofr_loss_ce_bwd(dz, z, 3, 1, 4);
    assert_close((double)dz[0], 1 + 4 * 1.0 / 8, 1e-6);
    assert_close((double)dz[1], 1 + 4 * (2.0 / 8 - 1), 1e-6);
    assert_close((double)dz[2], 1 + 4 * 5.0 / 8, 1e-6);
    static const ofr_real huge[2] = {60000, -60000};
    ofr_real at_huge[2] = {0, 0};
    ofr_loss_ce_bwd(at_huge, huge, 2, 1, 1);
    assert_close((double)at_huge[0], 1, 0);
    assert_close((double)at_huge[1], -1, 0);
}

static void test_squared_error(void **state)
{
    (void)state;
    ofr_real dz = 1;
    assert_close(ofr_loss_mse((ofr_real)2.5, 4), 2.25, 1e-15);
    ofr_loss_mse_bwd(&dz, (ofr_real)2.5, 4, 0.5);
    assert_close((double)dz, 1 + 0.5 * 2 * -1.5, 1e-15);
}

static void test_log_sigmoid(void **state)
{
    (void)state;
    assert_close(ofr_log_sigmoid(0), -log(2), 1e-16);
    assert_close(ofr_log_sigmoid(1), log(1 / (1 + exp(-1))), 1e-15);
    assert_close(ofr_log_sigmoid(-1), log(1 / (1 + exp(1))), 1e-15);
    assert_close(ofr_log_sigmoid(-1000), -1000, 0);
    assert_close(ofr_log_sigmoid(1000), 0, 0);
    assert_close(ofr_log_sigmoid(50) / -exp(-50), 1, 1e-12); /* no cancellation */
    assert_true(isnan(ofr_log_sigmoid((double)NAN)));
}

/* T = 2 and logits 2 ln(.): the softened distributions are 1/2, 1/2 and 1/4, 3/4. */
static void test_distillation(void **state)
{
    (void)state;
    const ofr_real t[2] = {5, 5}, z[2] = {7, 7 + 2 * OFR_R(log)(3)};
    ofr_real dz[2] = {1, 1};
    assert_close(ofr_loss_kl(t, z, 2, 2), 4 * (0.5 * log(2) + 0.5 * log(2.0 / 3)), 1e-5);
    assert_close(ofr_loss_kl(z, z, 2, 2), 0, 1e-12);
    ofr_loss_kl_bwd(dz, t, z, 2, 2, 3);
    assert_close((double)dz[0], 1 + 3 * 2 * (0.25 - 0.5), 1e-5);
    assert_close((double)dz[1], 1 + 3 * 2 * (0.75 - 0.5), 1e-5);
    static const ofr_real sure[2] = {60000, -60000}, unsure[2] = {0, 0};
    assert_close(ofr_loss_kl(sure, unsure, 2, 1), log(2), 1e-12);
    assert_true(ofr_loss_kl(unsure, sure, 2, 1) > 59999);
}

/* By hand: a = (3, 4), <a,a> = 25. */
static void test_projection(void **state)
{
    (void)state;
    static const ofr_real with[2] = {1, 1}, against[2] = {-2, -1}, across[2] = {-4, 3};
    ofr_real a[2] = {3, 4}, b[2] = {3, 4}, c[2] = {3, 4}, zero[2] = {0, 0};
    ofr_loss_project(a, with, 2); /* <a,b> = 7: the sum */
    assert_close((double)a[0], 4, 1e-6);
    assert_close((double)a[1], 5, 1e-6);
    ofr_loss_project(b, against, 2); /* -10 / 25 = -0.4: (1,3) + 0.4 (3,4) */
    assert_close((double)b[0], 2.2, 1e-6);
    assert_close((double)b[1], 4.6, 1e-6);
    ofr_loss_project(c, across, 2); /* right angle: the sum */
    assert_close((double)c[0], -1, 1e-6);
    assert_close((double)c[1], 7, 1e-6);
    ofr_loss_project(zero, against, 2);
    assert_close((double)zero[0], -2, 0);
    assert_close((double)zero[1], -1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_squared_error),
        cmocka_unit_test(test_log_sigmoid),
        cmocka_unit_test(test_distillation),
        cmocka_unit_test(test_projection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
