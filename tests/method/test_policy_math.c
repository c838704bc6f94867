/*
 * The formulas of ConsistentEE against mathematics: finite differences,
 * enumeration of every possible sample, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "method/consistentee_math.h"
#include "nn/loss.h"

enum { L_MAX = 7 };

static void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.15g, expected %.15g", got, want);
}

/* A random case: logits of the policies, rewards. */
static void draw(double *u, double *R, int L, uint64_t number)
{
    for (int l = 0; l < L; l++) {
        if (l < L - 1) u[l] = 2 * ofr_rng_normal(7, number, (uint64_t)l);
        R[l] = -fabs(ofr_rng_normal(8, number, (uint64_t)l)) - 0.1 * (l + 1);
    }
}

/* E_q[R] from the distribution, the slow way. */
static double expected_reward(const double *u, const double *R, int L)
{
    double q[L_MAX], sum = 0;
    ofr_exit_distribution(q, NULL, u, L);
    for (int l = 0; l < L; l++)
        sum += q[l] * R[l];
    return sum;
}

static void test_distribution_sums_to_one(void **state)
{
    (void)state;
    for (int L = 1; L <= L_MAX; L++) {
        double u[L_MAX], R[L_MAX], q[L_MAX], log_q[L_MAX], sum = 0, reach = 1;
        draw(u, R, L, (uint64_t)L);
        ofr_exit_distribution(q, log_q, u, L);
        for (int l = 0; l < L; l++) {
            double pi = l < L - 1 ? 1 / (1 + exp(-u[l])) : 1;
            assert_close(q[l], reach * pi, 1e-14);
            assert_close(exp(log_q[l]), q[l], 1e-14);
            reach *= 1 - pi;
            sum += q[l];
        }
        assert_close(sum, 1, 1e-14);
    }
}

static void test_exact_gradient_is_the_slope(void **state)
{
    (void)state;
    for (int L = 1; L <= L_MAX; L++)
        for (uint64_t number = 0; number < 20; number++) {
            double u[L_MAX], R[L_MAX], du[L_MAX], h = 1e-5;
            draw(u, R, L, number);
            assert_close(ofr_policy_exact(du, u, R, L), expected_reward(u, R, L), 1e-13);
            for (int l = 0; l < L - 1; l++) {
                double kept = u[l];
                u[l] = kept + h;
                double up = expected_reward(u, R, L);
                u[l] = kept - h;
                double down = expected_reward(u, R, L);
                u[l] = kept;
                assert_close(du[l], (up - down) / (2 * h), 1e-9);
            }
        }
}

/* The surrogate loss is what its gradient says, exits and rewards fixed. */
static void test_reinforce_gradient_is_the_slope(void **state)
{
    (void)state;
    enum { L = 5, S = 8 };
    for (uint64_t number = 0; number < 20; number++) {
        double u[L], R[L], q[L], du[L], unused[L], uniform[S], h = 1e-5;
        int exits[S];
        draw(u, R, L, number);
        ofr_exit_distribution(q, NULL, u, L);
        for (int s = 0; s < S; s++)
            uniform[s] = ofr_rng_uniform(9, number, (uint64_t)s);
        ofr_sample_exits(exits, q, L, uniform, S);
        ofr_policy_reinforce(du, u, R, exits, S, L);
        for (int l = 0; l < L - 1; l++) {
            double kept = u[l];
            u[l] = kept + h;
            double up = ofr_policy_reinforce(unused, u, R, exits, S, L);
            u[l] = kept - h;
            double down = ofr_policy_reinforce(unused, u, R, exits, S, L);
            u[l] = kept;
            assert_close(du[l], (up - down) / (2 * h), 1e-9);
        }
    }
}

/*
 * Every S-tuple of exits, weighted by its probability: the mean gradient of the
 * REINFORCE loss is -(S-1)/S of the exact gradient of E[R].  The factor comes
 * from the baseline, the mean of the same S rewards, a share 1/S of which is the
 * sample's own reward; it changes the length of the step, not its direction.
 */
static void test_reinforce_is_exact_on_average(void **state)
{
    (void)state;
    for (int L = 2; L <= 4; L++)
        for (int S = 1; S <= 4; S++) {
            double u[L_MAX], R[L_MAX], q[L_MAX], exact[L_MAX], mean[L_MAX] = {0};
            double total = 0;
            draw(u, R, L, (uint64_t)(10 * L + S));
            ofr_exit_distribution(q, NULL, u, L);
            ofr_policy_exact(exact, u, R, L);
            int n_tuples = 1;
            for (int s = 0; s < S; s++)
                n_tuples *= L;
            for (int tuple = 0; tuple < n_tuples; tuple++) {
                int exits[4], rest = tuple;
                double probability = 1, du[L_MAX];
                for (int s = 0; s < S; s++) {
                    exits[s] = 1 + rest % L;
                    probability *= q[rest % L];
                    rest /= L;
                }
                ofr_policy_reinforce(du, u, R, exits, S, L);
                for (int l = 0; l < L - 1; l++)
                    mean[l] += probability * du[l];
                total += probability;
            }
            assert_close(total, 1, 1e-13);
            for (int l = 0; l < L - 1; l++)
                assert_close(mean[l], -(S - 1.0) / S * exact[l], 1e-13);
        }
}

/* Chain rule: the weighted entropies of the policies are the entropy of q. */
static void test_entropy(void **state)
{
    (void)state;
    for (int L = 1; L <= L_MAX; L++) {
        double u[L_MAX], R[L_MAX], q[L_MAX], log_q[L_MAX], du[L_MAX], unused[L_MAX];
        double H = 0, h = 1e-5;
        draw(u, R, L, (uint64_t)L);
        ofr_exit_distribution(q, log_q, u, L);
        for (int l = 0; l < L; l++)
            H -= q[l] * log_q[l];
        assert_close(ofr_policy_entropy(du, u, L), H, 1e-13);
        for (int l = 0; l < L - 1; l++) {
            double kept = u[l];
            u[l] = kept + h;
            double up = ofr_policy_entropy(unused, u, L);
            u[l] = kept - h;
            double down = ofr_policy_entropy(unused, u, L);
            u[l] = kept;
            assert_close(du[l], (up - down) / (2 * h), 1e-9);
        }
    }
}

/* Saturated policies: every combination of u = -100, 0, 100. */
static void test_saturated(void **state)
{
    (void)state;
    enum { L = 4, S = 4 };
    static const double level[3] = {-100, 0, 100};
    static const double R[L] = {-1, -2, -0.5, -3};
    static const double uniform[S] = {0, 0.3, 0.7, 0.9999999999};
    for (int which = 0; which < 27; which++) {
        double u[L - 1] = {level[which % 3], level[which / 3 % 3], level[which / 9]};
        double q[L], log_q[L], du[L], sum = 0;
        int exits[S];
        ofr_exit_distribution(q, log_q, u, L);
        for (int l = 0; l < L; l++) {
            assert_true(isfinite(log_q[l]) && q[l] >= 0);
            sum += q[l];
        }
        assert_close(sum, 1, 1e-14);
        assert_close(ofr_policy_exact(du, u, R, L), expected_reward(u, R, L), 1e-14);
        for (int l = 0; l < L - 1; l++) {
            assert_true(isfinite(du[l]));
            if (u[l] != 0) assert_close(du[l], 0, 1e-40); /* flat there */
        }
        ofr_sample_exits(exits, q, L, uniform, S);
        for (int s = 0; s < S; s++)
            assert_true(exits[s] >= 1 && exits[s] <= L && q[exits[s] - 1] > 0);
        assert_true(isfinite(ofr_policy_reinforce(du, u, R, exits, S, L)));
        for (int l = 0; l < L - 1; l++)
            assert_true(isfinite(du[l]));
        /* An exit that the policy all but forbids is still a finite number. */
        for (int s = 0; s < S; s++)
            exits[s] = 1 + s;
        assert_true(isfinite(ofr_policy_reinforce(du, u, R, exits, S, L)));
        for (int l = 0; l < L - 1; l++)
            assert_true(isfinite(du[l]));
        assert_true(isfinite(ofr_policy_entropy(du, u, L)));
        for (int l = 0; l < L - 1; l++)
            assert_true(isfinite(du[l]));
    }
}

static void test_one_and_two_layers(void **state)
{
    (void)state;
    double q[2], log_q[2], du[2] = {42, 42}, weight[2];
    int exits[3];
    static const double uniform[3] = {0, 0.5, 0.999};
    static const double R1[1] = {-0.7};
    static const unsigned char wrong[1] = {0}, right[1] = {1};

    ofr_exit_distribution(q, log_q, NULL, 1);
    assert_close(q[0], 1, 0);
    assert_close(log_q[0], 0, 0);
    assert_close(ofr_policy_exact(NULL, NULL, R1, 1), -0.7, 0);
    ofr_sample_exits(exits, q, 1, uniform, 3);
    for (int s = 0; s < 3; s++)
        assert_int_equal(exits[s], 1);
    assert_close(ofr_policy_reinforce(du, NULL, R1, exits, 3, 1), 0, 1e-15);
    assert_close(du[0], 42, 0); /* there is no policy to move */
    assert_close(ofr_policy_entropy(du, NULL, 1), 0, 0);
    ofr_joint_weights(weight, 1);
    assert_close(weight[0], 1, 0);
    assert_int_equal(ofr_memorized_layer(wrong, 1), 1);
    assert_int_equal(ofr_memorized_layer(right, 1), 1);

    /* Two layers, pi = 1/4: E = R1/4 + 3/4 R2, dE/du = pi(1-pi)(R1 - R2). */
    const double u[1] = {log(1.0 / 3)}, R[2] = {-1, -3};
    ofr_exit_distribution(q, NULL, u, 2);
    assert_close(q[0], 0.25, 1e-15);
    assert_close(q[1], 0.75, 1e-15);
    assert_close(ofr_policy_exact(du, u, R, 2), -2.5, 1e-14);
    assert_close(du[0], 0.1875 * 2, 1e-14);
    exits[0] = 1;
    exits[1] = 2;
    /* b = -2: loss = -(1 ln 1/4 - 1 ln 3/4) / 2 = ln(3) / 2. */
    assert_close(ofr_policy_reinforce(du, u, R, exits, 2, 2), log(3) / 2, 1e-14);
    assert_close(du[0], -(0.75 + 0.25) / 2, 1e-14);
}

static void test_memorized_layer(void **state)
{
    (void)state;
    static const struct {
        unsigned char right[4];
        int m;
    } rows[] = {
        {{1, 1, 1, 1}, 1}, {{0, 1, 1, 1}, 2}, {{1, 0, 1, 1}, 3}, {{1, 1, 0, 1}, 4},
        {{1, 1, 1, 0}, 4}, {{0, 0, 0, 0}, 4}, {{0, 0, 0, 1}, 4}, {{1, 0, 0, 1}, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(ofr_memorized_layer(rows[i].right, 4), rows[i].m);
}

/* The hardest texts pay nothing for depth, the plain reward ignores hardness. */
static void test_reward(void **state)
{
    (void)state;
    static const double ce[3] = {0.5, 0.25, 0.125};
    double R[3];
    ofr_reward(R, ce, 3, 0.1, 1);
    for (int l = 0; l < 3; l++)
        assert_close(R[l], -ce[l], 0);
    ofr_reward(R, ce, 3, 0.1, 0);
    for (int l = 0; l < 3; l++)
        assert_close(R[l], -ce[l] - 0.1 * (l + 1), 1e-16);
    ofr_reward(R, ce, 3, 0.3, 1.0 / 3);
    assert_close(R[2], -0.125 - 0.3 * 2 / 3 * 3, 1e-15);
}

/* Sampled shares approach q, and the weights of the task loss are those shares. */
static void test_sampling(void **state)
{
    (void)state;
    enum { L = 5, S = 20000 };
    static double uniform[S];
    static int exits[S];
    double u[L], R[L], q[L], weight[L], sum = 0;
    draw(u, R, L, 3);
    ofr_exit_distribution(q, NULL, u, L);
    for (int s = 0; s < S; s++)
        uniform[s] =
            ofr_rng_uniform(1, ofr_rng_stream(OFR_RNG_ROLLOUT, 2, 3), (uint64_t)s);
    ofr_sample_exits(exits, q, L, uniform, S);
    ofr_sampled_weights(weight, exits, S, L);
    for (int l = 0; l < L; l++) {
        assert_close(weight[l], q[l], 5 * sqrt(q[l] * (1 - q[l]) / S) + 1e-12);
        sum += weight[l];
    }
    assert_close(sum, 1, 1e-9);
    /* Borders: u < q_1 is layer 1, u == q_1 is layer 2. */
    const double half[2] = {0.5, 0.5}, at[3] = {0, 0.49999999, 0.5};
    ofr_sample_exits(exits, half, 2, at, 3);
    assert_int_equal(exits[0], 1);
    assert_int_equal(exits[1], 1);
    assert_int_equal(exits[2], 2);
    /* Rounding loss at the end never lands on an impossible layer. */
    const double thin[3] = {0.3, 0.3, 0}, high[1] = {0.999};
    ofr_sample_exits(exits, thin, 3, high, 1);
    assert_int_equal(exits[0], 2);
}

static void test_joint_weights(void **state)
{
    (void)state;
    double weight[6];
    ofr_joint_weights(weight, 6);
    for (int l = 0; l < 6; l++)
        assert_close(weight[l], (l + 1) / 21.0, 1e-16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distribution_sums_to_one),
        cmocka_unit_test(test_exact_gradient_is_the_slope),
        cmocka_unit_test(test_reinforce_gradient_is_the_slope),
        cmocka_unit_test(test_reinforce_is_exact_on_average),
        cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_saturated),
        cmocka_unit_test(test_one_and_two_layers),
        cmocka_unit_test(test_memorized_layer),
        cmocka_unit_test(test_reward),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_joint_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
