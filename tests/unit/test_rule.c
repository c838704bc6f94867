/* Exit rules: strict tests, ties, NaN, thresholds, errors, and their shared functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "exit/rule.h"

#define NANR ((ofr_real)NAN)

static const ofr_rule *find(const char *name)
{
    const ofr_rule *rule = NULL;
    assert_int_equal(ofr_rule_find(&rule, name, NULL), OFR_OK);
    assert_string_equal(rule->name, name);
    return rule;
}

static void test_find(void **state)
{
    (void)state;
    static const char *const names[] = {"never",      "fixed",    "policy", "entropy",
                                        "confidence", "patience", "speed", "energy",
                                        "pcee",       "lte",      "ponder", "hash",  NULL};
    int n = 0;
    for (int i = 0; names[i] != NULL; i++) {
        const ofr_rule *rule = find(names[i]);
        assert_true(rule->state_bytes <= OFR_RULE_STATE_MAX);
        assert_int_equal(ofr_rule_check(rule, rule->default_threshold, 6, NULL), OFR_OK);
    }
    for (; ofr_rules[n] != NULL; n++)
        assert_ptr_equal(find(ofr_rules[n]->name), ofr_rules[n]);
    assert_int_equal(n, (int)(sizeof names / sizeof *names) - 1);
    ofr_error err;
    const ofr_rule *kept = &ofr_rule_never, *rule = kept;
    assert_int_equal(ofr_rule_find(&rule, "entropie", &err), OFR_INVALID);
    assert_ptr_equal(rule, kept);
    assert_non_null(strstr(err.text, "entropie"));
    for (int i = 0; names[i] != NULL; i++)
        assert_non_null(strstr(err.text, names[i]));
}

static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        double threshold;
        ofr_status want;
    } rows[] = {
        {"policy", 0, OFR_OK},          {"policy", 1, OFR_OK},
        {"policy", 1.01, OFR_INVALID},  {"policy", -0.1, OFR_INVALID},
        {"policy", NAN, OFR_INVALID},   {"fixed", 1, OFR_OK},
        {"fixed", 6, OFR_OK},           {"fixed", 7, OFR_INVALID},
        {"fixed", 0, OFR_INVALID},      {"fixed", 2.5, OFR_INVALID},
        {"hash", -3, OFR_OK},           {"hash", 0.5, OFR_INVALID},
        {"entropy", 0, OFR_OK},         {"entropy", -1, OFR_INVALID},
        {"confidence", 2, OFR_INVALID}, {"patience", -1, OFR_INVALID},
        {"patience", 3, OFR_OK},        {"never", 12345, OFR_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ofr_error err = {.text = ""};
        ofr_status got = ofr_rule_check(find(rows[i].rule), rows[i].threshold, 6, &err);
        if (got != rows[i].want)
            fail_msg("%s at %g: %s", rows[i].rule, rows[i].threshold, err.text);
        if (got != OFR_OK) assert_non_null(strstr(err.text, rows[i].rule));
    }
}

static void test_never_and_fixed(void **state)
{
    (void)state;
    assert_int_equal(ofr_rule_replay(&ofr_rule_never, 0, NULL, NULL, 4, 2), 4);
    for (int layer = 1; layer <= 4; layer++)
        assert_int_equal(ofr_rule_replay(&ofr_rule_fixed, layer, NULL, NULL, 4, 2),
                         layer);
    assert_int_equal(ofr_rule_replay(&ofr_rule_fixed, 1, NULL, NULL, 1, 2), 1);
}

static void test_policy(void **state)
{
    (void)state;
    static const ofr_real pi[3] = {0.25f, 0.5f, 0.75f}, nan[3] = {NANR, NANR, 0.75f};
    const ofr_rule *rule = &ofr_rule_policy;
    assert_int_equal(ofr_rule_replay(rule, 0.2, NULL, pi, 4, 2), 1);
    assert_int_equal(ofr_rule_replay(rule, 0.25, NULL, pi, 4, 2), 2); /* strict */
    assert_int_equal(ofr_rule_replay(rule, 0.5, NULL, pi, 4, 2), 3);
    assert_int_equal(ofr_rule_replay(rule, 0.75, NULL, pi, 4, 2), 4);
    assert_int_equal(ofr_rule_replay(rule, 0, NULL, nan, 4, 2), 3); /* NaN: go on */
}

/* Layers with more and more certain answers: p = 1/2, 3/4, 7/8. */
static const double odds[3] = {1, 3, 7};

static void test_entropy_and_confidence(void **state)
{
    (void)state;
    ofr_real z[4][2] = {{0}};
    for (int l = 0; l < 3; l++)
        z[l][0] = (ofr_real)log(odds[l]);
    const ofr_real *logits = &z[0][0];
    for (int l = 0; l < 3; l++) {
        double p = odds[l] / (odds[l] + 1), q = 1 - p;
        double H = -p * log(p) - q * log(q);
        assert_true(fabs(ofr_entropy(z[l], 2) - H) < 1e-6);
        assert_int_equal(ofr_rule_replay(&ofr_rule_entropy, H + 1e-4, logits, NULL, 4, 2),
                         l + 1);
        assert_int_equal(ofr_rule_replay(&ofr_rule_entropy, H - 1e-4, logits, NULL, 4, 2),
                         l + 2);
        assert_int_equal(
            ofr_rule_replay(&ofr_rule_confidence, p - 1e-4, logits, NULL, 4, 2), l + 1);
        assert_int_equal(
            ofr_rule_replay(&ofr_rule_confidence, p + 1e-4, logits, NULL, 4, 2), l + 2);
    }
    /* Strict: exactly 1/2, exactly zero entropy. */
    assert_int_equal(ofr_rule_replay(&ofr_rule_confidence, 0.5, logits, NULL, 4, 2), 2);
    static const ofr_real sure[2][2] = {{5000, 0}, {0, 0}};
    assert_int_equal(ofr_rule_replay(&ofr_rule_entropy, 0, &sure[0][0], NULL, 2, 2), 2);
    assert_int_equal(ofr_rule_replay(&ofr_rule_entropy, 1e-9, &sure[0][0], NULL, 2, 2),
                     1);
    /* A NaN or an infinity anywhere: continue. */
    static const ofr_real bad[4][2] = {
        {NANR, 0}, {9, NANR}, {(ofr_real)INFINITY, 0}, {0, 0}};
    assert_int_equal(ofr_rule_replay(&ofr_rule_entropy, 20, &bad[0][0], NULL, 4, 2), 4);
    assert_int_equal(ofr_rule_replay(&ofr_rule_confidence, 0, &bad[0][0], NULL, 4, 2), 4);
    /* A regression has neither. */
    static const ofr_real value[3] = {1, 1, 1};
    assert_int_equal(ofr_rule_replay(&ofr_rule_entropy, 20, value, NULL, 3, 1), 3);
    assert_int_equal(ofr_rule_replay(&ofr_rule_confidence, 0, value, NULL, 3, 1), 3);
}

/* Logits of K = 2 whose argmax is 0 ('a'), 1 ('b'), a tie ('=') or NaN ('?'). */
static int patience(const char *layers, double threshold)
{
    ofr_real z[16][2];
    int L = (int)strlen(layers);
    for (int l = 0; l < L; l++) {
        z[l][0] = layers[l] == 'a' ? 2 : 1;
        z[l][1] = layers[l] == 'b' ? 2 : layers[l] == '?' ? NANR : 1;
    }
    return ofr_rule_replay(&ofr_rule_patience, threshold, &z[0][0], NULL, L, 2);
}

static void test_patience(void **state)
{
    (void)state;
    assert_int_equal(patience("aaaaaa", 1), 2);
    assert_int_equal(patience("aaaaaa", 3), 4);
    assert_int_equal(patience("abaaaa", 2), 5);
    assert_int_equal(patience("ababab", 1), 6);
    assert_int_equal(patience("aabbba", 2), 5); /* the count starts again */
    assert_int_equal(patience("aaaaaa", 5), 6);
    assert_int_equal(patience("aaaaaa", 9), 6);
    assert_int_equal(patience("aaaaaa", 0), 6); /* no patience wanted: full model */
    assert_int_equal(patience("b=aaaa", 1), 3); /* a tie is the lowest index */
    assert_int_equal(patience("????aa", 1), 6); /* NaN agrees with nothing */
    assert_int_equal(patience("a?aaab", 2), 5);
    assert_int_equal(patience("a", 1), 1);
}

static void test_patience_of_regression(void **state)
{
    (void)state;
    static const ofr_real y[5] = {1, 2, 2.5f, 2.625f, 9}, nan[4] = {1, NANR, 1, 1};
    assert_int_equal(ofr_rule_replay(&ofr_rule_patience, 2, y, NULL, 5, 1), 2);
    assert_int_equal(ofr_rule_replay(&ofr_rule_patience, 1, y, NULL, 5, 1), 3);
    assert_int_equal(ofr_rule_replay(&ofr_rule_patience, 0.5, y, NULL, 5, 1), 4);
    assert_int_equal(ofr_rule_replay(&ofr_rule_patience, 0.125, y, NULL, 5, 1), 5);
    assert_int_equal(ofr_rule_replay(&ofr_rule_patience, 9, nan, NULL, 4, 1), 4);
}

/* Several texts in one view are decided one by one. */
static void test_view_of_many(void **state)
{
    (void)state;
    static const ofr_real pi[4] = {0.9f, 0.1f, NANR, 0.6f};
    static const unsigned char want[4] = {1, 0, 0, 1};
    unsigned char stop[5] = {7, 7, 7, 7, 7};
    ofr_exit_view view = {.layer = 1, .n_layers = 3, .n = 4, .K = 2, .pi = pi};
    ofr_rule_policy.decide(0.5, NULL, &view, stop);
    assert_memory_equal(stop, want, 4);
    assert_int_equal(stop[4], 7);
}

static void test_argmax_and_softmax(void **state)
{
    (void)state;
    static const ofr_real tie[4] = {1, 3, 3, 2}, first[1] = {-5};
    assert_int_equal(ofr_argmax(tie, 4), 1);
    assert_int_equal(ofr_argmax(first, 1), 0);
    ofr_real p[3] = {OFR_R(log)(1), OFR_R(log)(2), OFR_R(log)(5)};
    for (int k = 0; k < 3; k++)
        p[k] += 5000; /* no overflow */
    ofr_softmax(p, p, 3);
    assert_true(fabs((double)p[0] - 0.125) < 1e-3 && fabs((double)p[2] - 0.625) < 1e-3);
    assert_true(fabs((double)p[0] + (double)p[1] + (double)p[2] - 1) < 1e-6);
    static const ofr_real equal[8] = {0};
    assert_true(fabs(ofr_entropy(equal, 8) - log(8)) < 1e-15);
    assert_true(fabs(ofr_entropy(first, 1)) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_never_and_fixed),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_entropy_and_confidence),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_patience_of_regression),
        cmocka_unit_test(test_view_of_many),
        cmocka_unit_test(test_argmax_and_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
