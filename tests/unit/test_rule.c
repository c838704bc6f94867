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
                                        "pcee",       "lte",      "ponder", "hash",
                                        NULL};
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

static void test_speed(void **state)
{
    (void)state;
    /* Three classes, two of them even and one impossible: H / ln K = ln 2 / ln 3. */
    static const ofr_real z[2][3] = {{0, 0, -500}, {0, 0, 0}};
    const double share = log(2) / log(3);
    assert_int_equal(ofr_rule_replay(&ofr_rule_speed, share + 1e-6, z[0], NULL, 2, 3), 1);
    assert_int_equal(ofr_rule_replay(&ofr_rule_speed, share - 1e-6, z[0], NULL, 2, 3), 2);
    static const ofr_real bad[4] = {NANR, 0, 0, 0}, value[2] = {0, 0};
    assert_int_equal(ofr_rule_replay(&ofr_rule_speed, 1, bad, NULL, 2, 2), 2);
    assert_int_equal(ofr_rule_replay(&ofr_rule_speed, 1, value, NULL, 2, 1), 2);
}

static void test_energy(void **state)
{
    (void)state;
    /* 1 / (1 + e^0 + e^(ln 2)) = 1/4; 1 / (1 + e^(ln 4) + e^(ln 5)) = 1/10. */
    const ofr_real z[3][2] = {{0, OFR_R(log)(2)}, {OFR_R(log)(4), OFR_R(log)(5)}, {0, 0}};
    const ofr_rule *rule = &ofr_rule_energy;
    assert_int_equal(ofr_rule_replay(rule, 0.2501, z[0], NULL, 3, 2), 1);
    assert_int_equal(ofr_rule_replay(rule, 0.2499, z[0], NULL, 3, 2), 2);
    assert_int_equal(ofr_rule_replay(rule, 0.1001, z[0], NULL, 3, 2), 2);
    assert_int_equal(ofr_rule_replay(rule, 0.0999, z[0], NULL, 3, 2), 3);
    /* Neither side overflows: 1 / (1 + 2 e^1000) is below any threshold but 0, and
     * 1 / (1 + 2 e^-1000) is 1. */
    static const ofr_real large[4] = {1000, 1000, 0, 0}, small[4] = {-1000, -1000, 0, 0};
    assert_int_equal(ofr_rule_replay(rule, 1e-9, large, NULL, 2, 2), 1);
    assert_int_equal(ofr_rule_replay(rule, 0, large, NULL, 2, 2), 2);
    assert_int_equal(ofr_rule_replay(rule, 1, small, NULL, 2, 2), 2);
    static const ofr_real bad[4] = {0, NANR, 0, 0}, value[2] = {9, 9};
    assert_int_equal(ofr_rule_replay(rule, 1, bad, NULL, 2, 2), 2);
    assert_int_equal(ofr_rule_replay(rule, 1, value, NULL, 2, 1), 2);
}

static void test_lte(void **state)
{
    (void)state;
    static const ofr_real u[3] = {0.5f, 0.25f, 0.125f}, nan[3] = {NANR, NANR, 0};
    assert_int_equal(ofr_rule_replay(&ofr_rule_lte, 0.5, NULL, u, 4, 2), 2); /* strict */
    assert_int_equal(ofr_rule_replay(&ofr_rule_lte, 0.51, NULL, u, 4, 2), 1);
    assert_int_equal(ofr_rule_replay(&ofr_rule_lte, 0.2, NULL, u, 4, 2), 3);
    assert_int_equal(ofr_rule_replay(&ofr_rule_lte, 0.1, NULL, u, 4, 1), 4);
    assert_int_equal(ofr_rule_replay(&ofr_rule_lte, 1, NULL, nan, 4, 2), 3);
}

static void test_ponder(void **state)
{
    (void)state;
    /* Stopped by layer 1, 2, 3: 1/4, 1 - 3/4 1/2 = 5/8, 1 - 3/8 3/4 = 23/32. */
    static const ofr_real pi[3] = {0.25f, 0.5f, 0.25f}, nan[3] = {NANR, 1, 1};
    const ofr_rule *rule = &ofr_rule_ponder;
    assert_int_equal(ofr_rule_replay(rule, 0.24, NULL, pi, 4, 2), 1);
    assert_int_equal(ofr_rule_replay(rule, 0.25, NULL, pi, 4, 2), 2); /* strict */
    assert_int_equal(ofr_rule_replay(rule, 0.5, NULL, pi, 4, 2), 2);
    assert_int_equal(ofr_rule_replay(rule, 0.625, NULL, pi, 4, 2), 3);
    assert_int_equal(ofr_rule_replay(rule, 0.72, NULL, pi, 4, 1), 4);
    assert_int_equal(ofr_rule_replay(rule, 0.5, NULL, nan, 4, 2), 4);
}

/* Layers that are sure ('s', p = 9/10 for class 0), a little less sure ('t', p = 8/10
 * for class 1) or unsure ('u'). */
static int pcee(const char *layers, double threshold, ofr_real answer[2])
{
    ofr_real z[16][2] = {{0}};
    int L = (int)strlen(layers);
    for (int l = 0; l < L; l++) {
        if (layers[l] == 's') z[l][0] = OFR_R(log)(9);
        if (layers[l] == 't') z[l][1] = OFR_R(log)(4);
    }
    return ofr_rule_replay_answer(&ofr_rule_pcee, threshold, answer, &z[0][0], NULL, L,
                                  2);
}

static void test_pcee(void **state)
{
    (void)state;
    ofr_real a[2];
    assert_int_equal(pcee("sssss", 2.9, a), 2);
    ofr_softmax(a, a, 2);
    assert_true(fabs((double)a[0] - 0.9) < 1e-6);
    /* A run of both kinds: mean of 0.9, 0.2, 0.9 for class 0; the layer before the
     * run does not count. */
    assert_int_equal(pcee("tustss", 3.9, a), 5);
    ofr_softmax(a, a, 2);
    assert_true(fabs((double)a[0] - 2.0 / 3) < 1e-6);
    assert_true(fabs((double)a[1] - 1.0 / 3) < 1e-6);
    /* H(9/10) / ln 2 = 0.469, H(8/10) / ln 2 = 0.722. */
    assert_int_equal(pcee("stsss", 2.5, a), 4);
    assert_int_equal(pcee("stsss", 2.73, a), 2);
    assert_int_equal(pcee("sssss", 2.46, a), 5);
    /* Nobody leaves: layer L answers alone. */
    assert_int_equal(pcee("sutut", 2.9, a), 5);
    assert_true(a[0] == 0 && fabs((double)a[1] - log(4)) < 1e-6);
    assert_int_equal(pcee("sssss", 3, a), 5);
    assert_int_equal(ofr_rule_replay(&ofr_rule_pcee, 1.5, a, NULL, 1, 2), 1);
    static const ofr_real bad[4] = {NANR, 0, 0, 0}, value[3] = {1, 1, 1};
    assert_int_equal(ofr_rule_replay(&ofr_rule_pcee, 1.99, bad, NULL, 2, 2), 2);
    assert_int_equal(ofr_rule_replay(&ofr_rule_pcee, 1.99, value, NULL, 3, 1), 3);
}

/* A rule without answers of its own gives those of the exit layer. */
static void test_replayed_answer(void **state)
{
    (void)state;
    static const ofr_real z[3][2] = {{0, 0}, {3, 1}, {1, 3}};
    ofr_real a[2];
    assert_int_equal(
        ofr_rule_replay_answer(&ofr_rule_fixed, 2, a, z[0], NULL, 3, 2), 2);
    assert_memory_equal(a, z[1], sizeof a);
    assert_int_equal(
        ofr_rule_replay_answer(&ofr_rule_never, 0, a, z[0], NULL, 3, 2), 3);
    assert_memory_equal(a, z[2], sizeof a);
}

static void test_fits(void **state)
{
    (void)state;
    static const char *const of_values[] = {"never", "fixed", "patience", "hash", NULL};
    ofr_error err;
    for (int gate = 0; gate < 2; gate++)
        for (int i = 0; ofr_rules[i] != NULL; i++) {
            const ofr_rule *rule = ofr_rules[i];
            const ofr_config values = {.K = 1, .regression = true,
                                       .gate = (ofr_gate_kind)gate};
            const ofr_config classes = {.K = 3, .gate = (ofr_gate_kind)gate};
            bool gated = strcmp(rule->name, "lte") == 0;
            bool policy = strcmp(rule->name, "policy") == 0 ||
                          strcmp(rule->name, "ponder") == 0;
            bool table = strcmp(rule->name, "hash") == 0; /* which these have not */
            bool fits = gated    ? gate == OFR_GATE_LTE
                        : policy ? gate == OFR_GATE_POLICY
                                 : !table;
            bool of_value = gated || policy;
            for (int n = 0; of_values[n] != NULL; n++)
                of_value = of_value || strcmp(rule->name, of_values[n]) == 0;
            assert_int_equal(ofr_rule_fits(rule, &classes, &err),
                             fits ? OFR_OK : OFR_INVALID);
            assert_int_equal(ofr_rule_fits(rule, &values, &err),
                             fits && of_value ? OFR_OK : OFR_INVALID);
            if (!of_value) assert_non_null(strstr(err.text, "regression"));
        }
    const ofr_config tokens = {.K = 1, .regression = true, .token_exits = true};
    assert_int_equal(ofr_rule_fits(&ofr_rule_hash, &tokens, &err), OFR_OK);
    assert_true(ofr_rule_default(&ofr_rule_patience, 2) == 2);
    assert_true(ofr_rule_default(&ofr_rule_patience, 1) == 0.1);
    assert_true(ofr_rule_default(&ofr_rule_lte, 2) == 0.3);
    assert_true(ofr_rule_default(&ofr_rule_lte, 1) == 0.5);
}

/* Thresholds to sweep: all valid, in one direction, no two alike. */
static void test_spread(void **state)
{
    (void)state;
    enum { L = 12, N = 20 };
    for (int i = 0; ofr_rules[i] != NULL; i++)
        for (int K = 1; K < 150; K += 74) {
            const ofr_rule *rule = ofr_rules[i];
            double v[N], safest, fastest;
            int n = ofr_rule_spread(rule, L, K, v, N);
            bool whole = rule->scale == OFR_SCALE_WHOLE;
            if (rule == &ofr_rule_patience && K == 1) whole = false;
            int want = N;
            if (whole && rule == &ofr_rule_fixed) want = L;
            if (whole && rule == &ofr_rule_patience) want = L - 1;
            if (rule->scale == OFR_SCALE_NONE) want = 1;
            assert_int_equal(n, want);
            for (int k = 0; k < n; k++) {
                assert_int_equal(ofr_rule_check(rule, v[k], L, NULL), OFR_OK);
                bool of_value = rule == &ofr_rule_patience && K == 1;
                bool down = rule->rising && !of_value;
                if (k > 0) assert_true(down ? v[k] < v[k - 1] : v[k] > v[k - 1]);
            }
            if (n == 1) continue;
            ofr_rule_range(rule, L, K, &safest, &fastest);
            assert_true(v[0] == safest && fabs(v[n - 1] - fastest) < 1e-9);
        }
    double few[3];
    assert_int_equal(ofr_rule_spread(&ofr_rule_fixed, 12, 2, few, 3), 3);
    assert_true(few[0] == 12 && few[1] == 7 && few[2] == 1);
    assert_int_equal(ofr_rule_spread(&ofr_rule_patience, 2, 2, few, 3), 1);
    assert_true(few[0] == 1);
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
        cmocka_unit_test(test_speed),
        cmocka_unit_test(test_energy),
        cmocka_unit_test(test_lte),
        cmocka_unit_test(test_ponder),
        cmocka_unit_test(test_pcee),
        cmocka_unit_test(test_replayed_answer),
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_view_of_many),
        cmocka_unit_test(test_argmax_and_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
