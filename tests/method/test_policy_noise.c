/*
 * Noise of the policy gradient: the exact gradient has only that of the batch,
 * samples add to it, more samples less, and a single one has no gradient at all.
 */
#include "method/toy.h"

#include <math.h>

#include "method/consistentee_noise.h"

enum { N_TRAIN = 400, L = 4, KINDS = 6 };

static void noise(void **state)
{
    static const int rollouts[KINDS] = {0, 1, 2, 4, 8, 64};
    ofr_method_options o;
    double early[KINDS], large[KINDS];
    ofr_encoder encoder;
    ofr_error err;
    toy t;

    (void)state;
    ofr_method_options_init(&o);
    o.joint_epochs = 2;
    o.policy_epochs = 1;
    o.iterations = 0;
    o.lr = 3e-3;
    o.policy_hidden = 6;
    o.policy_holdout = 0.5;
    o.policy_init = OFR_POLICY_INIT_RANDOM; /* q is spread over the layers */
    o.policy_start = 0.3;
    o.alpha = 0.05;
    toy_open(&t, N_TRAIN, L, 1);
    toy_encoder(&t, &encoder, &o);
    const ofr_method_job job = {.out = NULL};
    assert_ok(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                               &job, NULL, &err),
              err);
    ofr_real *before = malloc(encoder.params.total * sizeof *before);
    memcpy(before, encoder.w, encoder.params.total * sizeof *before);
    assert_ok(ofr_consistentee_noise(early, rollouts, KINDS, 64, &encoder, t.dev, &t.data,
                                     &o, &err),
              err);
    assert_memory_equal(before, encoder.w, encoder.params.total * sizeof *before);
    assert_true(isnan(early[1]));
    assert_true(early[0] > 0);
    assert_true(early[2] > early[3]);
    assert_true(early[3] > early[4]);
    assert_true(early[4] > early[5]);
    assert_true(early[5] > early[0]);
    /* Without a bias the noise of samples falls towards that of the batch alone; with
     * one, a factor that was forgotten say, it could not. */
    assert_true(early[5] < 1.5 * early[0]);

    o.policy_batch = 128; /* four times as many texts: about a quarter of the noise */
    assert_ok(ofr_consistentee_noise(large, rollouts, 1, 64, &encoder, t.dev, &t.data, &o,
                                     &err),
              err);
    assert_true(large[0] < 0.5 * early[0] && large[0] > 0.1 * early[0]);
    free(before);

    /* What would be measured under another reward than was trained, or be more than
     * the reward. */
    o.hardness = OFR_HARDNESS_FORGETTING;
    assert_fails(ofr_consistentee_noise(large, rollouts, 1, 1, &encoder, t.dev, &t.data,
                                        &o, &err),
                 OFR_INVALID, err, "forgetting is counted while");
    o.reward = OFR_REWARD_PLAIN;
    assert_ok(ofr_consistentee_noise_check(&o, &err), err);
    o.entropy_bonus = 0.5;
    assert_fails(ofr_consistentee_noise_check(&o, &err), OFR_INVALID, err,
                 "--entropy-bonus 0.5");
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(noise)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
