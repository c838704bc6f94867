/*
 * The formulas of ConsistentEE and the exit rules against reference values
 * computed elsewhere in double precision (method/policy.json).
 *
 * Built in float and, as test_policy_oracle_double, in double: there everything
 * has to agree to 1e-9.  In float, what starts from logits carries their rounding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "exit/rule.h"
#include "method/consistentee_math.h"
#include "nn/loss.h"

enum { B = 24, L = 6, K = 3, S = 8 };

#define EXACT 1e-9
static const double near_logits = sizeof(ofr_real) == sizeof(double) ? 1e-9 : 1e-6;

typedef struct oracle {
    json_t *json;
    double alpha;
    int label[B];
    ofr_real z[B][L][K];
    double u[B][L - 1], ce[B][L], reward[B][L], q[B][L];
    int memorized[B], exits[B][S];
} oracle;

/* Numbers of a nested array, row by row; returns how many there were. */
static size_t flatten(const json_t *value, double *out, size_t room)
{
    if (!json_is_array(value)) {
        assert_true(json_is_number(value));
        assert_true(room > 0);
        *out = json_number_value(value);
        return 1;
    }
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(value); i++)
        n += flatten(json_array_get(value, i), out + n, room - n);
    return n;
}

static void read_all(const oracle *o, const char *key, double *out, size_t n)
{
    const json_t *value = json_object_get(o->json, key);
    if (value == NULL) fail_msg("policy.json has no '%s'", key);
    assert_int_equal(flatten(value, out, n), n);
}

static void read_ints(const oracle *o, const char *key, int *out, size_t n)
{
    double numbers[B * S];
    assert_true(n <= B * S);
    read_all(o, key, numbers, n);
    for (size_t i = 0; i < n; i++)
        out[i] = (int)numbers[i];
}

static double read_one(const oracle *o, const char *key)
{
    double x = 0;
    read_all(o, key, &x, 1);
    return x;
}

static int setup(void **state)
{
    static oracle o;
    char path[4096];
    const char *folder = getenv("OFFRAMP_ORACLE");
    if (folder == NULL) folder = OFR_SOURCE_DIR "/../shared/oracle";
    snprintf(path, sizeof path, "%s/method/policy.json", folder);
    o.json = json_load_file(path, 0, NULL);
    *state = &o;
    if (o.json == NULL) {
        printf("skip policy oracle: %s not found\n", path);
        *state = NULL;
        return 0;
    }
    static double logits[B * L * K];
    read_all(&o, "logits[B][L][C]", logits, B * L * K);
    for (int i = 0; i < B * L * K; i++)
        (&o.z[0][0][0])[i] = (ofr_real)logits[i];
    o.alpha = read_one(&o, "alpha");
    read_ints(&o, "labels", o.label, B);
    read_ints(&o, "memorized_layer", o.memorized, B);
    read_ints(&o, "sampled_exit_layers[B][K]", &o.exits[0][0], B * S);
    read_all(&o, "policy_logits[B][L-1]", &o.u[0][0], B * (L - 1));
    read_all(&o, "cross_entropy[B][L]", &o.ce[0][0], B * L);
    read_all(&o, "reward = -CE - alpha*(1-memorized/L)*l [B][L]", &o.reward[0][0], B * L);
    read_all(&o, "exit_distribution[B][L]", &o.q[0][0], B * L);
    return 0;
}

static int teardown(void **state)
{
    oracle *o = *state;
    if (o != NULL) json_decref(o->json);
    return 0;
}

#define NEED_ORACLE(o)                                                                   \
    oracle *o = *state;                                                                  \
    if (o == NULL) skip()

static void close_to(const double *got, const double *want, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance))
            fail_msg("value %zu is %.12g, expected %.12g", i, got[i], want[i]);
}

static void test_distribution(void **state)
{
    NEED_ORACLE(o);
    for (int b = 0; b < B; b++) {
        double q[L], log_q[L];
        ofr_exit_distribution(q, log_q, o->u[b], L);
        close_to(q, o->q[b], L, EXACT);
        for (int l = 0; l < L; l++)
            assert_true(fabs(log_q[l] - log(o->q[b][l])) < 1e-9);
    }
}

static void test_layers_and_losses(void **state)
{
    NEED_ORACLE(o);
    int first[B];
    read_ints(o, "first_correct_layer", first, B);
    for (int b = 0; b < B; b++) {
        unsigned char right[L];
        double ce[L];
        int first_right = L;
        for (int l = L - 1; l >= 0; l--) {
            right[l] = ofr_argmax(o->z[b][l], K) == o->label[b];
            if (right[l]) first_right = l + 1;
            ce[l] = ofr_loss_ce(o->z[b][l], K, o->label[b]);
        }
        assert_int_equal(ofr_memorized_layer(right, L), o->memorized[b]);
        assert_int_equal(first_right, first[b]);
        close_to(ce, o->ce[b], L, near_logits);
    }
}

static void test_reward(void **state)
{
    NEED_ORACLE(o);
    for (int b = 0; b < B; b++) {
        double R[L];
        ofr_reward(R, o->ce[b], L, o->alpha, (double)o->memorized[b] / L);
        close_to(R, o->reward[b], L, EXACT);
    }
}

/* Loss sum_b sum_l weight[b][l] CE / B and its gradient against two keys. */
static void weighted_loss(const oracle *o, double weight[B][L], const char *loss_key,
                          const char *gradient_key)
{
    static double want[B * L * K];
    double loss = 0;
    read_all(o, gradient_key, want, B * L * K);
    for (int b = 0; b < B; b++)
        for (int l = 0; l < L; l++) {
            ofr_real dz[K] = {0};
            double got[K];
            loss += weight[b][l] * ofr_loss_ce(o->z[b][l], K, o->label[b]) / B;
            ofr_loss_ce_bwd(dz, o->z[b][l], K, o->label[b], weight[b][l] / B);
            for (int k = 0; k < K; k++)
                got[k] = (double)dz[k];
            close_to(got, want + (b * L + l) * K, K, near_logits);
        }
    double want_loss = read_one(o, loss_key);
    close_to(&loss, &want_loss, 1, near_logits);
}

static void test_joint_loss(void **state)
{
    NEED_ORACLE(o);
    double weight[B][L];
    for (int b = 0; b < B; b++)
        ofr_joint_weights(weight[b], L);
    weighted_loss(o, weight, "joint_loss = sum_l l*mean_b CE / sum_l l",
                  "d_joint/d_logits");
}

static void test_consistent_loss(void **state)
{
    NEED_ORACLE(o);
    double weight[B][L];
    for (int b = 0; b < B; b++)
        ofr_exit_distribution(weight[b], NULL, o->u[b], L);
    weighted_loss(o, weight, "consistent_loss_expected = mean_b sum_l q*CE, q constant",
                  "d_consistent_expected/d_logits");
    for (int b = 0; b < B; b++)
        ofr_sampled_weights(weight[b], o->exits[b], S, L);
    weighted_loss(o, weight,
                  "consistent_loss_sampled = mean_{b,k} CE at the sampled exit",
                  "d_consistent_sampled/d_logits");
}

static void test_exact_gradient(void **state)
{
    NEED_ORACLE(o);
    double want[B][L - 1], expected = 0;
    read_all(o, "d_expected_reward/d_policy_logits", &want[0][0], B * (L - 1));
    for (int b = 0; b < B; b++) {
        double du[L - 1];
        expected += ofr_policy_exact(du, o->u[b], o->reward[b], L) / B;
        for (int l = 0; l < L - 1; l++)
            du[l] /= B;
        close_to(du, want[b], L - 1, EXACT);
    }
    double want_expected = read_one(o, "expected_reward (mean over B)");
    close_to(&expected, &want_expected, 1, EXACT);
}

static void test_reinforce(void **state)
{
    NEED_ORACLE(o);
    double want[B][L - 1], loss = 0;
    read_all(o, "d_reinforce/d_policy_logits", &want[0][0], B * (L - 1));
    for (int b = 0; b < B; b++) {
        double du[L - 1];
        loss += ofr_policy_reinforce(du, o->u[b], o->reward[b], o->exits[b], S, L) / B;
        for (int l = 0; l < L - 1; l++)
            du[l] /= B;
        close_to(du, want[b], L - 1, EXACT);
    }
    double want_loss = read_one(o, "reinforce_loss = -mean_{b,k}((R-mean_k R)*log q)");
    close_to(&loss, &want_loss, 1, EXACT);
}

static void test_rules(void **state)
{
    NEED_ORACLE(o);
    static const struct {
        const char *key, *rule;
        double threshold;
    } rows[] = {
        {"policy>0.5", "policy", 0.5},
        {"policy>0.7", "policy", 0.7},
        {"entropy_nats<0.3", "entropy", 0.3},
        {"entropy_nats<0.6", "entropy", 0.6},
        {"entropy_nats<0.9", "entropy", 0.9},
        {"entropy_normalised<0.3", "speed", 0.3},
        {"entropy_normalised<0.6", "speed", 0.6},
        {"entropy_normalised<0.9", "speed", 0.9},
        {"pcee patience=2 entropy_normalised<0.6", "pcee", 2.6},
        {"pcee patience=2 entropy_normalised<0.9", "pcee", 2.9},
        {"max_probability>0.6", "confidence", 0.6},
        {"max_probability>0.8", "confidence", 0.8},
        {"patience=1", "patience", 1},
        {"patience=2", "patience", 2},
        {"patience=3", "patience", 3},
    };
    const json_t *by_rule = json_object_get(o->json, "exit_layer_by_rule");
    assert_non_null(by_rule);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *want = json_object_get(by_rule, rows[i].key);
        if (want == NULL) fail_msg("no exit layers of '%s'", rows[i].key);
        const ofr_rule *rule = NULL;
        assert_int_equal(ofr_rule_find(&rule, rows[i].rule, NULL), OFR_OK);
        for (int b = 0; b < B; b++) {
            ofr_real pi[L - 1];
            for (int l = 0; l < L - 1; l++)
                pi[l] = (ofr_real)exp(ofr_log_sigmoid(o->u[b][l]));
            int got = ofr_rule_replay(rule, rows[i].threshold, &o->z[b][0][0], pi, L, K);
            int expected = (int)json_integer_value(json_array_get(want, (size_t)b));
            if (got != expected)
                fail_msg("%s, text %d: left at %d, expected %d", rows[i].key, b, got,
                         expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distribution),    cmocka_unit_test(test_layers_and_losses),
        cmocka_unit_test(test_reward),          cmocka_unit_test(test_joint_loss),
        cmocka_unit_test(test_consistent_loss), cmocka_unit_test(test_exact_gradient),
        cmocka_unit_test(test_reinforce),       cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
