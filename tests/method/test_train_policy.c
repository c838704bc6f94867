/*
 * Where a policy should leave is known here: once from losses that are planted
 * into the policy phase's cache, once from a task that one word decides.
 */
#include "method/toy.h"

#include <math.h>

#include "method/consistentee.h"
#include "tensor/dtype.h"

enum { L = 5, N_TRAIN = 240, KINDS = 3 };

/* Losses of the three kinds of text.  With alpha 0.1 and no hardness the best
 * exits are 1 (right at once), 3 (0.05 + 0.3 < 0 + 0.5) and 5. */
static const double losses[KINDS][L] = {
    {0.02, 0.02, 0.02, 0.02, 0.02},
    {3.0, 2.5, 0.05, 0.04, 0.0},
    {4.0, 4.0, 4.0, 3.0, 0.1},
};
static const int best[KINDS] = {1, 3, 5};

/* Pooled vectors that show the kind, among noise. */
static void plant(ofr_consistentee *c)
{
    const size_t C = (size_t)c->C;

    for (int i = 0; i < c->n_policy; i++) {
        const int kind = i % KINDS;

        c->hardness[c->policy_items[i]] = 0;
        for (int l = 0; l < L; l++) {
            uint16_t *f = c->cache.features + ((size_t)i * L + (size_t)l) * C;

            c->ce[i * L + l] = losses[kind][l];
            for (size_t k = 0; k < C; k++)
                f[k] = ofr_f32_to_f16((float)(0.2 * ofr_rng_normal(7, (uint64_t)i,
                                                                   (uint64_t)l * C + k)));
            f[kind] = ofr_f32_to_f16(0.9F);
        }
    }
}

static ofr_status planted_begin(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;

    OFR_TRY(ofr_consistentee_policy_begin(trainer, self, err));
    if (trainer->at.step == 0 && trainer->at.epoch == 0) plant(c);
    return OFR_OK;
}

/* Share of texts whose first pi > 0.5 stands at the known layer. */
static double share_right(ofr_consistentee *c)
{
    int right = 0;

    for (int i = 0; i < c->n_policy; i++) {
        int exit = 1;

        for (int l = 0; l < L - 1; l++)
            ofr_dtype_to_real(c->c + (size_t)l * (size_t)c->C,
                              c->cache.features + ((size_t)i * L + (size_t)l) *
                                                      (size_t)c->C,
                              OFR_F16, (size_t)c->C);
        ofr_policies_forward(&c->policies, c->c, 1);
        ofr_consistentee_logits(c, c->u, 0);
        while (exit < L && c->u[exit - 1] <= 0)
            exit++;
        right += exit == best[i % KINDS];
    }
    return (double)right / c->n_policy;
}

static int one_phase(ofr_trainer *trainer, void *self)
{
    (void)trainer;
    (void)self;
    return -1;
}

static void learn_planted(int gradient, double bonus, double least)
{
    const ofr_train_options loop = {.seed = 3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8,
                                    .clip = 1};
    ofr_method_options o;
    ofr_encoder encoder;
    ofr_trainer trainer;
    ofr_recipe whole = {0}, recipe;
    ofr_phase phases[2] = {0};
    ofr_error err;
    toy t;

    ofr_method_options_init(&o);
    o.gradient = gradient;
    o.entropy_bonus = bonus;
    o.alpha = 0.1;
    o.policy_lr = 0.01;
    o.policy_epochs = 30;
    o.policy_batch = 16;
    o.policy_holdout = 0;
    o.reward = OFR_REWARD_PLAIN;
    toy_open(&t, N_TRAIN, L, 1);
    toy_encoder(&t, &encoder, &o);
    assert_ok(ofr_trainer_open(&trainer, &encoder, t.dev, &loop, &err), err);
    assert_ok(ofr_method_consistentee.open(&whole, &ofr_method_consistentee, &trainer,
                                           &t.data, &o, &err),
              err);
    phases[0] = whole.phases[2];
    assert_string_equal(phases[0].name, "policy");
    phases[0].begin = planted_begin;
    recipe = (ofr_recipe){.self = whole.self, .phases = phases, .next = one_phase};
    assert_ok(ofr_trainer_run(&trainer, &recipe, &err), err);
    const double share = share_right(whole.self);
    if (share < least) fail_msg("only %.3f of the texts leave where they should", share);
    ofr_method_consistentee.close(&whole);
    ofr_trainer_close(&trainer);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void test_planted_exact(void **state)
{
    (void)state;
    learn_planted(OFR_GRADIENT_EXACT, 0, 0.97);
}

static void test_planted_reinforce(void **state)
{
    (void)state;
    learn_planted(OFR_GRADIENT_REINFORCE, 0, 0.9);
}

static void test_planted_bonus(void **state)
{
    (void)state;
    learn_planted(OFR_GRADIENT_EXACT, 0.05, 0.95);
}

static void train_toy(toy *t, const ofr_method *method, const ofr_method_options *o,
                      ofr_encoder *encoder, ofr_method_result *result)
{
    const ofr_method_job job = {0};
    ofr_error err;

    toy_encoder(t, encoder, o);
    assert_ok(ofr_method_train(method, encoder, t->dev, &t->data, o, &job, result, &err),
              err);
}

static ofr_method_options toy_options(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = 12;
    o.policy_epochs = 20;
    o.iterations = 1;
    o.batch = 16;
    o.lr = 3e-3;
    o.policy_lr = 0.01;
    o.policy_hidden = 8;
    o.alpha = 0.05;
    o.dropout = o.attention_dropout = o.head_dropout = 0;
    return o;
}

/* One word decides: every layer can know it, so every text leaves at layer 1, and
 * when layers cost nothing nobody is in a hurry at the price of being wrong. */
static void test_easy_task(void **state)
{
    ofr_method_options o = toy_options();
    ofr_encoder encoder;
    ofr_method_result result;
    toy t;

    (void)state;
    toy_open(&t, 400, L, 1);
    train_toy(&t, &ofr_method_consistentee, &o, &encoder, &result);
    assert_true(result.score_full > 0.99);
    assert_true(result.score > 0.99);
    assert_true(result.mean_exit < 1.05);
    assert_int_equal(result.iterations, 1);
    assert_string_equal(encoder.config.rule, "policy");
    assert_true(encoder.config.has_policies);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

/* A sweep keeps the cheapest policies that lose at most --max-loss. */
static void test_sweep(void **state)
{
    ofr_method_options o = toy_options();
    ofr_encoder encoder;
    ofr_method_result result;
    toy t;

    (void)state;
    o.alphas = "0, 0.05,1";
    o.max_loss = 1;
    toy_open(&t, 400, L, 1);
    train_toy(&t, &ofr_method_consistentee, &o, &encoder, &result);
    assert_int_equal(result.n_sweep, 3);
    assert_true(result.sweep[1].alpha == 0.05);
    assert_true(result.sweep[2].mean_exit < 1.05);
    assert_true(result.chosen >= 0);
    for (int i = 0; i < 3; i++)
        if (result.sweep[i].score >= result.score_full - 0.01)
            assert_true(result.sweep[result.chosen].mean_exit <=
                        result.sweep[i].mean_exit);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void test_bad_alphas(void **state)
{
    static const char *const bad[] = {"0.1,x", "", "-1", "0.1,,0.2", "nan"};
    ofr_method_options o = toy_options();
    const ofr_method_job job = {0};
    ofr_encoder encoder;
    ofr_error err;
    toy t;

    (void)state;
    toy_open(&t, 40, L, 1);
    toy_encoder(&t, &encoder, &o);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o.alphas = bad[i];
        assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data,
                                      &o, &job, NULL, &err),
                     OFR_INVALID, err, "--alphas");
    }
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void test_finetune(void **state)
{
    ofr_method_options o = toy_options();
    ofr_encoder encoder;
    ofr_method_result result;
    toy t;

    (void)state;
    toy_open(&t, 400, L, 1);
    train_toy(&t, &ofr_method_finetune, &o, &encoder, &result);
    assert_true(result.score > 0.99);
    assert_string_equal(encoder.config.rule, "never");
    assert_false(encoder.config.has_policies);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

/* Each measure of hardness runs, stays within [0, 1], and memorized is m / L. */
static void test_hardness(void **state)
{
    (void)state;
    for (int h = OFR_HARDNESS_MEMORIZED; h <= OFR_HARDNESS_NONE; h++) {
        const ofr_train_options loop = {.seed = 3, .beta1 = 0.9, .beta2 = 0.999,
                                        .eps = 1e-8};
        ofr_method_options o = toy_options();
        ofr_encoder encoder;
        ofr_trainer trainer;
        ofr_recipe recipe = {0};
        ofr_error err;
        toy t;

        o.hardness = h;
        o.joint_epochs = 2;
        o.iterations = 0;
        toy_open(&t, 60, L, 1);
        toy_encoder(&t, &encoder, &o);
        assert_ok(ofr_trainer_open(&trainer, &encoder, t.dev, &loop, &err), err);
        assert_ok(ofr_method_consistentee.open(&recipe, &ofr_method_consistentee,
                                               &trainer, &t.data, &o, &err),
                  err);
        assert_ok(ofr_trainer_run(&trainer, &recipe, &err), err);
        const ofr_consistentee *c = recipe.self;
        double most = 0;
        for (int i = 0; i < c->n_policy; i++) {
            const int item = c->policy_items[i];
            const double x = c->hardness[item];

            assert_true(x >= 0 && x <= 1);
            most = x > most ? x : most;
            if (h == OFR_HARDNESS_MEMORIZED)
                assert_true(x == (double)c->memorized[item] / L);
            if (h == OFR_HARDNESS_NONE) assert_true(x == 0);
        }
        if (h == OFR_HARDNESS_LOSS) assert_true(most == 1);
        ofr_method_consistentee.close(&recipe);
        ofr_trainer_close(&trainer);
        ofr_encoder_close(&encoder);
        toy_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted_exact), cmocka_unit_test(test_planted_reinforce),
        cmocka_unit_test(test_planted_bonus), cmocka_unit_test(test_easy_task),
        cmocka_unit_test(test_sweep),         cmocka_unit_test(test_bad_alphas),
        cmocka_unit_test(test_finetune),      cmocka_unit_test(test_hardness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
