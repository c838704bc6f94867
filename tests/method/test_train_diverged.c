/*
 * A number that is not finite stops training: the message names step, phase and
 * the likely cause, and the last good checkpoint stays.
 */
#include "method/toy.h"

#include <math.h>

#include "support/countdown.h"
#include "train/checkpoint.h"

enum { L = 3 };

static ofr_method_options options(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = 3;
    o.batch = 16;
    o.lr = 3e-3;
    o.policy_hidden = 4;
    return o;
}

static void test_planted_nan(void **state)
{
    const ofr_method_options o = options();
    const ofr_method_job job = {0};
    ofr_encoder encoder;
    ofr_error err;
    toy t;

    (void)state;
    toy_open(&t, 60, L, 1);
    toy_encoder(&t, &encoder, &o);
    encoder.w[encoder.params.exits[1].head_w] = (ofr_real)NAN;
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_DIVERGED, err, "weights are damaged");
    assert_non_null(strstr(err.text, "step 1 (phase joint, epoch 1"));
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void poison(void *p)
{
    ofr_encoder *encoder = p;

    encoder->w[encoder->params.layers[0].up_b] = (ofr_real)INFINITY;
}

/* In the middle of a run: the checkpoint of step 4, or of the step before, is still
 * there and finite. */
static void keeps_checkpoint(int save_steps, const char *words)
{
    ofr_method_options o = options();
    char out[OFR_PATH_MAX], path[OFR_PATH_MAX + 64];
    ofr_encoder encoder;
    ofr_checkpoint checkpoint;
    ofr_error err;
    toy t;

    snprintf(out, sizeof out, "%s", support_path("diverged"));
    snprintf(path, sizeof path, "%s/checkpoint/state.safetensors", out);
    o.save_steps = save_steps;
    toy_open(&t, 60, L, 1);
    toy_encoder(&t, &encoder, &o);
    countdown c = {.left = 7, .then = poison, .p = &encoder};
    const ofr_method_job job = {.out = out, .progress = countdown_call, .user = &c};
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_DIVERGED, err, "learning rate is probably too high");
    if (!strstr(err.text, words)) fail_msg("%s", err.text);
    assert_non_null(strstr(err.text, "last good checkpoint was kept"));

    assert_ok(ofr_checkpoint_open(&checkpoint, path, &err), err);
    ofr_real *w = malloc(encoder.params.total * sizeof *w);
    const ofr_checkpoint_item item = ofr_checkpoint_item_of(
        "weights", ofr_checkpoint_real(), encoder.params.total, w);
    assert_ok(ofr_checkpoint_read(&checkpoint, &item, 1, &err), err);
    for (size_t i = 0; i < encoder.params.total; i++)
        assert_true(isfinite(w[i]));
    free(w);
    ofr_checkpoint_close(&checkpoint);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void test_keeps_checkpoint(void **state)
{
    (void)state;
    keeps_checkpoint(4, "step 6 (phase joint");
    keeps_checkpoint(1, "a weight is inf after step 5");
}

/* A learning rate far too high is found out, whatever it breaks first. */
static void test_learning_rate(void **state)
{
    ofr_method_options o = options();
    const ofr_method_job job = {0};
    ofr_encoder encoder;
    ofr_error err;
    toy t;

    (void)state;
    o.lr = 1e37;
    toy_open(&t, 60, L, 1);
    toy_encoder(&t, &encoder, &o);
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_DIVERGED, err, "learning rate");
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted_nan),
        cmocka_unit_test(test_keeps_checkpoint),
        cmocka_unit_test(test_learning_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
