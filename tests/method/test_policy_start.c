/*
 * Policies that begin at the classifiers: their logits must be the least-squares
 * image of how sure each classifier is, computed here from the stored logits.
 */
#include "method/toy.h"

#include <math.h>

#include "method/consistentee.h"
#include "tensor/dtype.h"

enum { L = 4, N_TRAIN = 300 };

typedef struct bench {
    toy t;
    ofr_encoder encoder;
    ofr_trainer trainer;
    ofr_recipe recipe;
    ofr_consistentee *c;
    ofr_method_options o;
} bench;

/* A toy after some joint epochs, with the cache of its policies' texts. */
static void bench_open(bench *b, int hidden, int init)
{
    static const ofr_train_options loop = {.seed = 3};
    const ofr_method_job job = {0};
    ofr_error err;

    ofr_method_options_init(&b->o);
    b->o.joint_epochs = 2;
    b->o.policy_epochs = 1;
    b->o.iterations = 0;
    b->o.lr = 2e-3;
    b->o.policy_hidden = hidden;
    b->o.policy_init = init;
    b->o.policy_start = 0.2;
    toy_open_task(&b->t, TOY_COIN, N_TRAIN, L, 1);
    toy_encoder(&b->t, &b->encoder, &b->o);
    assert_ok(ofr_method_train(&ofr_method_consistentee, &b->encoder, b->t.dev,
                               &b->t.data, &b->o, &job, NULL, &err),
              err);
    assert_ok(ofr_trainer_open(&b->trainer, &b->encoder, b->t.dev, &loop, &err), err);
    assert_ok(ofr_method_consistentee.open(&b->recipe, &ofr_method_consistentee,
                                           &b->trainer, &b->t.data, &b->o, &err),
              err);
    b->c = b->recipe.self;
    assert_ok(ofr_consistentee_remember(b->c, &b->trainer, &err), err);
    assert_ok(ofr_consistentee_start(b->c, &b->trainer, &err), err);
}

static void bench_close(bench *b)
{
    ofr_method_consistentee.close(&b->recipe);
    ofr_trainer_close(&b->trainer);
    ofr_encoder_close(&b->encoder);
    toy_close(&b->t);
}

/* u[L-1] of text i of the cache, from the fresh policies. */
static void logits_of(bench *b, int i)
{
    ofr_consistentee *c = b->c;
    const size_t C = (size_t)c->C;

    for (size_t l = 0; l + 1 < L; l++)
        ofr_dtype_to_real(c->c + l * C, c->cache.features + ((size_t)i * L + l) * C,
                          OFR_F16, C);
    ofr_policies_forward(&c->policies, c->c, 1);
    ofr_consistentee_logits(c, c->u, 0);
}

/* ln p / (1 - p) of the largest probability, the plain way. */
static double sureness(const ofr_real *z, int K)
{
    double sum = 0, most = 0;

    for (int k = 0; k < K; k++)
        sum += exp((double)z[k]);
    for (int k = 0; k < K; k++)
        most = fmax(most, exp((double)z[k]) / sum);
    return -log(fmax(1 / most - 1, 1e-4));
}

static void test_heads(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 8, OFR_POLICY_INIT_HEADS);
    const int n = b.c->n_policy, K = b.c->K;
    for (int l = 0; l < L - 1; l++) {
        double left = 0, uu = 0, yy = 0, uy = 0, mu = 0, my = 0;

        for (int i = 0; i < n; i++) {
            const double y = sureness(b.c->cache.logits + ((size_t)i * L + l) * K, K);

            logits_of(&b, i);
            left += (b.c->u[l] - log(0.2 / 0.8) - y) / n;
            mu += b.c->u[l] / n;
            my += y / n;
            uu += b.c->u[l] * b.c->u[l] / n;
            yy += y * y / n;
            uy += b.c->u[l] * y / n;
        }
        const double r = (uy - mu * my) / sqrt((uu - mu * mu) * (yy - my * my));
        /* A least-squares line leaves nothing on average; features are halves. */
        if (!(fabs(left) < 5e-3)) fail_msg("layer %d: %g is left", l + 1, left);
        if (!(r > 0.9)) fail_msg("layer %d: correlation %g only", l + 1, r);
    }
    bench_close(&b);
}

/* Hidden units beyond the classes begin silent: noise in them changes nothing. */
static void test_silent(void **state)
{
    bench b;
    double before[L];

    (void)state;
    bench_open(&b, 8, OFR_POLICY_INIT_HEADS);
    const int K = b.c->K, C = b.c->C;
    logits_of(&b, 0);
    memcpy(before, b.c->u, (L - 1) * sizeof *before);
    for (int l = 0; l < L - 1; l++)
        for (int j = 0; j < (8 - K) * C; j++)
            b.encoder.w[b.encoder.params.exits[l].policy_w1 + (size_t)(K * C + j)] = 3;
    logits_of(&b, 0);
    assert_memory_equal(before, b.c->u, (L - 1) * sizeof *before);
    bench_close(&b);
}

/* No room for the classes, or by option: as ofr_params_init() leaves them. */
static void random_is_random(int hidden, int init)
{
    bench b;

    bench_open(&b, hidden, init);
    for (int l = 0; l < L - 1; l++)
        assert_true(fabs((double)b.encoder.w[b.encoder.params.exits[l].policy_b2] -
                         log(0.2 / 0.8)) < 1e-6);
    bench_close(&b);
}

static void test_random(void **state)
{
    (void)state;
    random_is_random(8, OFR_POLICY_INIT_RANDOM);
    random_is_random(1, OFR_POLICY_INIT_HEADS);
}

/* The bias of the first policy of a model that came with policies, after a training in
 * which they hardly move. */
static double bias_after(const char *method, bool reset)
{
    const ofr_method_job job = {0};
    ofr_method_options o;
    ofr_encoder encoder;
    ofr_error err;
    double bias;
    toy t;

    ofr_method_options_init(&o);
    o.joint_epochs = o.iterations = 0;
    o.policy_epochs = 1;
    o.policy_lr = 1e-9;
    o.policy_init = OFR_POLICY_INIT_RANDOM;
    o.policy_start = 0.2;
    o.policy_reset = reset;
    toy_open(&t, 60, L, 1);
    toy_encoder(&t, &encoder, &o);
    encoder.found |= OFR_GROUP_POLICIES;
    strcpy(encoder.config.method, method);
    encoder.w[encoder.params.exits[0].policy_b2] = 3;
    assert_ok(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                               &job, NULL, &err),
              err);
    bias = (double)encoder.w[encoder.params.exits[0].policy_b2];
    ofr_encoder_close(&encoder);
    toy_close(&t);
    return bias;
}

/* Policies that a training made go on; the random ones of a new model, which no method
 * has trained, do not count. */
static void test_known(void **state)
{
    (void)state;
    support_close_one("trained", bias_after("consistentee", false), 3, 1e-5);
    support_close_one("reset", bias_after("consistentee", true), log(0.2 / 0.8), 1e-5);
    support_close_one("new", bias_after("", false), log(0.2 / 0.8), 1e-5);
}

/* Mean over the policies' texts of ln sum e^(z/T) - z_y/T, the plain way. */
static double mean_loss(const bench *b, int l, double T)
{
    const ofr_consistentee *c = b->c;
    double sum = 0;

    for (int i = 0; i < c->n_policy; i++) {
        const ofr_real *z = c->cache.logits + ((size_t)i * L + (size_t)l) * c->K;
        double all = 0;

        for (int k = 0; k < c->K; k++)
            all += exp((double)z[k] / T);
        sum += log(all) - (double)z[c->data->train->labels[c->policy_items[i]]] / T;
    }
    return sum / c->n_policy;
}

/* The temperature of an exit is where the mean loss is least, and the rewards are
 * made of the losses there. */
static void test_temperature(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 8, OFR_POLICY_INIT_HEADS);
    for (int l = 0; l < L; l++) {
        const double T = b.c->temperature[l], least = mean_loss(&b, l, T);
        double mean = 0;

        if (T > 0.26 && T < 31) {
            assert_true(mean_loss(&b, l, T * 1.02) > least);
            assert_true(mean_loss(&b, l, T / 1.02) > least);
        }
        for (int i = 0; i < b.c->n_policy; i++)
            mean += b.c->ce[(size_t)i * L + (size_t)l] / b.c->n_policy;
        assert_true(fabs(mean - least) < 1e-9 * (1 + least));
    }
    assert_true(b.c->watch.temperature == b.c->temperature);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
