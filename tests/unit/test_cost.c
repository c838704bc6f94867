/* FLOPs and saved layers: the formulas with numbers put in by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "exit/cost.h"

/* C 8, F 32, T 5: layer 2*5*(4*64 + 2*8*32) + 4*25*8 = 7680 + 800 = 8480;
 * pooler 2*64 = 128, classifier 2*8*3 = 48; policy 2*(4*8 + 4) = 72. */
static const ofr_config config = {.L = 4, .C = 8, .F = 32, .K = 3, .policy_hidden = 4};

static void test_parts(void **state)
{
    (void)state;
    assert_true(ofr_cost_layer(&config, 5) == 8480);
    assert_true(ofr_cost_head(&config) == 176);
    assert_true(ofr_cost_policy(&config) == 72);
    assert_true(ofr_cost_full(&config, 5) == 4 * 8480 + 176);
    /* 4 rows of 5: attention 2*2*5*8, product 2*64, MLP 2*2*8*32. */
    assert_true(ofr_cost_other_half(&config, 5) == 4 * (160 + 128 + 1024));
}

static void test_texts(void **state)
{
    (void)state;
    /* Nothing looks: one head.  never == full, whatever ran. */
    assert_true(ofr_cost_text(&config, &ofr_rule_never, 5, 4) == 4 * 8480 + 176);
    assert_true(ofr_cost_text(&config, &ofr_rule_fixed, 5, 2) == 2 * 8480 + 176);
    /* Every layer asks its classifier. */
    assert_true(ofr_cost_text(&config, &ofr_rule_entropy, 5, 3) == 3 * 8480 + 3 * 176);
    assert_true(ofr_cost_text(&config, &ofr_rule_patience, 5, 4) == 4 * 8480 + 4 * 176);
    /* Every layer pools and asks its policy; one classifier; layer L has none. */
    assert_true(ofr_cost_text(&config, &ofr_rule_policy, 5, 2) ==
                2 * 8480 + 2 * 128 + 2 * 72 + 48);
    assert_true(ofr_cost_text(&config, &ofr_rule_policy, 5, 4) ==
                4 * 8480 + 4 * 128 + 3 * 72 + 48);
}

/* Students of width 6: 2*5*(8*6 + 3*36) = 1560, the first token's attention 4*5*6,
 * behind it 2*(2*36 + 6*3) = 180: 1860 each.  The teacher's head at L as ever. */
static void test_students(void **state)
{
    ofr_config c = config;
    (void)state;
    c.heads = OFR_HEAD_STUDENT;
    c.student_width = 6;
    assert_true(ofr_cost_student(&c, 5) == 1860);
    assert_true(ofr_cost_text(&c, &ofr_rule_speed, 5, 3) == 3 * 8480 + 3 * 1860);
    assert_true(ofr_cost_text(&c, &ofr_rule_speed, 5, 4) == 4 * 8480 + 3 * 1860 + 176);
    assert_true(ofr_cost_text(&c, &ofr_rule_fixed, 5, 2) == 2 * 8480 + 1860);
    assert_true(ofr_cost_text(&c, &ofr_rule_never, 5, 4) == ofr_cost_full(&c, 5));
}

/* A token that takes part: attention 4*5*8, the rest 2*(64 + 2*8*32): 1312, fourteen
 * times.  Keys, values, queries of all: 6*64 for 5 tokens in 4 layers.  One head. */
static void test_tokens(void **state)
{
    static const int exits[5] = {4, 1, 2, 4, 3}, all[5] = {4, 4, 4, 4, 4};
    (void)state;
    assert_true(ofr_cost_by_token(&config, exits, 5) == 14 * 1312 + 20 * 384 + 176);
    assert_true(ofr_cost_by_token(&config, all, 5) == ofr_cost_full(&config, 5));
}

static void test_layers(void **state)
{
    (void)state;
    static const int exit_layer[4] = {1, 2, 4, 4};
    assert_true(ofr_cost_mean_layer(exit_layer, 4) == 2.75);
    assert_true(fabs(ofr_cost_saved_layers(2.75, 4) - 0.3125) < 1e-15);
    assert_true(ofr_cost_saved_layers(4, 4) == 0);
}

/* Sizes of a large model do not overflow an int on the way. */
static void test_large(void **state)
{
    (void)state;
    static const ofr_config large = {
        .L = 24, .C = 1024, .F = 4096, .K = 2, .policy_hidden = 32};
    double layer = 2.0 * 512 * (4.0 * 1048576 + 2.0 * 1024 * 4096) + 4.0 * 262144 * 1024;
    assert_true(ofr_cost_layer(&large, 512) == layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_students),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
