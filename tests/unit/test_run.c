/*
 * The early-exit runner: thousands of random texts leave at the same layer with
 * the same logits, bit for bit, alone, in any batch, in any order, on one or two
 * threads, and where the rule replayed on the stored outputs says.  (The stored
 * outputs of all texts come from two threads, most runs from one.)
 */
#include "method/tiny_encoder.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "exit/outputs.h"
#include "exit/run.h"
#include "kernels/dev.h"

enum { N_TEXTS = 2000, N_FEW = 300, L = 6, C = 32, K = 3, MAX_B = 37, MAX_T = 110 };

typedef struct fixture {
    int n; /* texts used */
    ofr_encoder encoder;
    ofr_dev *dev[2]; /* one thread, two threads */
    int offsets[N_TEXTS + 1];
    int *ids, *types;
    ofr_outputs outputs; /* of all texts, every exit */
    int layer[N_TEXTS];  /* replayed */
    int *batch_offsets, *batch_ids, *batch_types;
} fixture;

static const tiny_shape shape = {
    .L = L, .C = C, .H = 4, .F = 64, .K = K, .policy_hidden = 8};

/* Mostly short texts, some long enough to fill several blocks of the kernels. */
static int draw_length(int i)
{
    if (i % 50 == 7) return 49 + (int)ofr_rng_below(2, 3, (uint64_t)i, MAX_T - 48);
    return 1 + (int)ofr_rng_below(2, 4, (uint64_t)i, 20);
}

static void make_texts(fixture *f)
{
    f->offsets[0] = 0;
    for (int i = 0; i < N_TEXTS; i++)
        f->offsets[i + 1] = f->offsets[i] + draw_length(i);
    size_t N = (size_t)f->offsets[N_TEXTS];
    f->ids = test_malloc(N * sizeof(int));
    f->types = test_malloc(N * sizeof(int));
    for (size_t n = 0; n < N; n++) {
        f->ids[n] = (int)ofr_rng_below(5, 6, n, TINY_V);
        f->types[n] = (int)ofr_rng_below(5, 7, n, 2);
    }
    f->batch_offsets = test_malloc((MAX_B + 1) * sizeof(int));
    f->batch_ids = test_malloc(MAX_B * MAX_T * sizeof(int));
    f->batch_types = test_malloc(MAX_B * MAX_T * sizeof(int));
}

static void open_fixture(fixture *f, const ofr_ops *ops, int n, bool per_layer)
{
    ofr_error err;
    f->n = n;
    tiny_shape mine = shape;
    mine.per_layer = per_layer;
    tiny_encoder(&f->encoder, &mine, 21);
    for (int t = 0; t < 2; t++)
        assert_ok(ofr_dev_open(&f->dev[t], ops, t + 1, MAX_T, &err), err);
    make_texts(f);
}

/* After any change of the weights. */
static void make_outputs(fixture *f)
{
    ofr_error err;
    ofr_tokens all = {f->n, f->offsets, f->ids, f->types};
    assert_ok(ofr_encoder_pack(&f->encoder, f->dev[0], OFR_PRECISION_F32, &err), err);
    ofr_outputs_close(&f->outputs);
    assert_ok(ofr_outputs_open(&f->outputs, &f->encoder, f->dev[1], &all, 19, false, NULL,
                               NULL, &err),
              err);
}

static void close_fixture(fixture *f)
{
    ofr_outputs_close(&f->outputs);
    test_free(f->ids);
    test_free(f->types);
    test_free(f->batch_offsets);
    test_free(f->batch_ids);
    test_free(f->batch_types);
    ofr_dev_close(f->dev[0]);
    ofr_dev_close(f->dev[1]);
    ofr_encoder_close(&f->encoder);
}

static void gather(fixture *f, ofr_tokens *tokens, const int *items, int B)
{
    int n = 0;
    for (int b = 0; b < B; b++) {
        int first = f->offsets[items[b]], T = f->offsets[items[b] + 1] - first;
        f->batch_offsets[b] = n;
        memcpy(f->batch_ids + n, f->ids + first, (size_t)T * sizeof(int));
        memcpy(f->batch_types + n, f->types + first, (size_t)T * sizeof(int));
        n += T;
    }
    f->batch_offsets[B] = n;
    *tokens = (ofr_tokens){B, f->batch_offsets, f->batch_ids, f->batch_types};
}

/* One text of the last run against the stored outputs. */
static void check_text(const fixture *f, const ofr_runner *runner, int b, int text)
{
    int layer = f->layer[text];
    size_t at = (size_t)text * L + (size_t)layer - 1;
    if (runner->exit_layer[b] != layer)
        fail_msg("%s: text %d left at %d, replay says %d", runner->rule->name, text,
                 runner->exit_layer[b], layer);
    if (memcmp(runner->logits + b * K, f->outputs.logits + at * K, K * sizeof(ofr_real)))
        fail_msg("%s: text %d has other logits at layer %d", runner->rule->name, text,
                 layer);
    for (int l = 0; l < L - 1; l++) {
        ofr_real got = runner->pi[b * (L - 1) + l];
        ofr_real want = f->outputs.pi[text * (L - 1) + l];
        bool seen = runner->rule->needs_policy && l < layer;
        if (seen ? memcmp(&got, &want, sizeof got) != 0 : !isnan(got))
            fail_msg("%s: text %d, policy of layer %d", runner->rule->name, text, l + 1);
    }
}

/* The texts order[n] in random batches of at most max_B; how many left halfway. */
static int run_in(fixture *f, ofr_runner *runner, const int *order, int n, int max_B,
                   uint64_t seed)
{
    size_t violations = ofr_mem_violations();
    int halfway = 0;
    for (int first = 0, batch = 0; first < n; batch++) {
        ofr_tokens tokens;
        int B = max_B == 1
                    ? 1
                    : 1 + (int)ofr_rng_below(seed, 8, (uint64_t)batch, (uint32_t)max_B);
        if (B > n - first) B = n - first;
        gather(f, &tokens, order + first, B);
        ofr_mem_forbid(true);
        ofr_runner_run(runner, &tokens);
        ofr_mem_forbid(false);
        for (int b = 0; b < B; b++)
            check_text(f, runner, b, order[first + b]);
        for (int b = 0; b < B; b++) {
            halfway += runner->halfway[b];
            if (runner->exit_layer[b] == L)
                assert_int_equal(runner->halfway[b], !runner->whole_layers);
        }
        first += B;
    }
    assert_int_equal(ofr_mem_violations(), violations);
    return halfway;
}

/* Exits of the replay; how many layers are in use. */
static int replay_all(fixture *f, const ofr_rule *rule, double threshold)
{
    int histogram[L + 1] = {0}, used = 0;
    for (int i = 0; i < f->n; i++) {
        f->layer[i] =
            ofr_rule_replay(rule, threshold, f->outputs.logits + (size_t)i * L * K,
                            f->outputs.pi + (size_t)i * (L - 1), L, K);
        histogram[f->layer[i]]++;
    }
    for (int l = 1; l <= L; l++)
        used += histogram[l] > 0;
    return used;
}

static void check_rule(fixture *f, const ofr_rule *rule, double threshold, int min_used)
{
    static int forward[N_TEXTS], shuffled[N_TEXTS];
    ofr_error err;
    if (replay_all(f, rule, threshold) < min_used)
        fail_msg("%s at %g: too few layers in use for a test", rule->name, threshold);
    for (int i = 0; i < f->n; i++)
        forward[i] = i;
    ofr_rng_permutation(shuffled, f->n, 9, 10);
    for (int t = 0; t < 2; t++) {
        ofr_runner runner;
        assert_ok(ofr_runner_open(&runner, &f->encoder, f->dev[t], rule, threshold, MAX_B,
                                  MAX_B * MAX_T, &err),
                  err);
        if (t == 0) {
            run_in(f, &runner, forward, f->n, 1, 1);
            assert_true(run_in(f, &runner, shuffled, f->n, MAX_B, 2) > f->n / 2);
        } else {
            runner.whole_layers = true;
            assert_int_equal(run_in(f, &runner, shuffled, f->n / 4, MAX_B, 3), 0);
        }
        ofr_runner_close(&runner);
    }
}

static void check_rules(fixture *f)
{
    make_outputs(f);
    check_rule(f, &ofr_rule_never, 0, 1);
    check_rule(f, &ofr_rule_fixed, 3, 1);
    check_rule(f, &ofr_rule_policy, 0.6, 3);
    check_rule(f, &ofr_rule_entropy, 0.6, 3);
    check_rule(f, &ofr_rule_confidence, 0.8, 3);
    check_rule(f, &ofr_rule_patience, 1, 3);
}

static void test_any_batch_fast(void **state)
{
    (void)state;
    static fixture f;
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    if (!support_same_bits("any batch")) return;
    open_fixture(&f, &ops, N_TEXTS, false);
    check_rules(&f);
    check_rule(&f, &ofr_rule_patience, 2, 3);
    close_fixture(&f);
}

static void test_any_batch_scalar_per_layer(void **state)
{
    (void)state;
    static fixture f;
    open_fixture(&f, &ofr_ops_scalar, N_FEW, true);
    make_outputs(&f);
    check_rule(&f, &ofr_rule_policy, 0.6, 3);
    check_rule(&f, &ofr_rule_entropy, 0.6, 3);
    close_fixture(&f);
}

/* Layer 2 answers NaN, the policy of layer 3 too, layer 1 always ties. */
static void test_nan_and_ties(void **state)
{
    (void)state;
    static fixture f;
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    if (!support_same_bits("NaN and ties")) ops = ofr_ops_scalar;
    open_fixture(&f, &ops, N_FEW, false);
    const ofr_exit_at *at = f.encoder.params.exits;
    for (int i = 0; i < K * C; i++)
        f.encoder.w[at[0].head_w + (size_t)i] = 0;
    for (int k = 0; k < K; k++)
        f.encoder.w[at[0].head_b + (size_t)k] = (ofr_real)0.5;
    f.encoder.w[at[1].head_b + 1] = (ofr_real)NAN;
    f.encoder.w[at[2].policy_b2] = (ofr_real)NAN;
    check_rules(&f);
    for (int i = 0; i < f.n; i++)
        assert_int_equal(ofr_argmax(f.outputs.logits + (size_t)i * L * K, K), 0);
    static const struct {
        const ofr_rule *rule;
        double threshold;
        int never; /* layer at which nobody may leave */
    } rows[] = {{&ofr_rule_entropy, 0.5, 2},
                {&ofr_rule_confidence, 0.85, 2},
                {&ofr_rule_policy, 0.3, 3},
                {&ofr_rule_patience, 1, 3}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        check_rule(&f, rows[r].rule, rows[r].threshold, 3);
        for (int i = 0; i < f.n; i++)
            assert_int_not_equal(f.layer[i], rows[r].never);
    }
    close_fixture(&f);
}

/* A regression and a model of a single layer. */
static void test_small_models(void **state)
{
    (void)state;
    static const tiny_shape shapes[2] = {
        {.L = 3, .C = 8, .H = 2, .F = 8, .K = 1, .policy_hidden = 3},
        {.L = 1, .C = 8, .H = 2, .F = 8, .K = 2, .policy_hidden = 3}};
    static const int offsets[4] = {0, 2, 3, 7}, ids[7] = {1, 2, 3, 4, 5, 6, 7};
    static const int types[7] = {0};
    for (int s = 0; s < 2; s++)
        for (int r = 0; ofr_rules[r] != NULL; r++) {
            ofr_encoder encoder;
            ofr_dev *dev;
            ofr_error err;
            ofr_runner runner;
            ofr_outputs outputs;
            ofr_tokens tokens = {3, offsets, ids, types};
            const ofr_rule *rule = ofr_rules[r];
            if (rule->by_token) continue; /* stored outputs say nothing about it */
            int n_layers = shapes[s].L, n_classes = shapes[s].K;
            double threshold = rule == &ofr_rule_patience ? 0.5 : rule->default_threshold;
            tiny_encoder(&encoder, &shapes[s], 3);
            assert_ok(ofr_dev_open(&dev, &ofr_ops_scalar, 1, 8, &err), err);
            assert_ok(ofr_encoder_pack(&encoder, dev, OFR_PRECISION_F32, &err), err);
            assert_ok(ofr_outputs_open(&outputs, &encoder, dev, &tokens, 2, false, NULL,
                                       NULL, &err),
                      err);
            assert_ok(
                ofr_runner_open(&runner, &encoder, dev, rule, threshold, 3, 7, &err),
                err);
            ofr_runner_run(&runner, &tokens);
            for (int b = 0; b < 3; b++) {
                const ofr_real *z = outputs.logits + b * n_layers * n_classes;
                int want =
                    ofr_rule_replay(rule, threshold, z, outputs.pi + b * (n_layers - 1),
                                    n_layers, n_classes);
                assert_int_equal(runner.exit_layer[b], want);
                assert_memory_equal(runner.logits + b * n_classes,
                                    z + (want - 1) * n_classes,
                                    (size_t)n_classes * sizeof *z);
            }
            ofr_runner_close(&runner);
            ofr_outputs_close(&outputs);
            ofr_dev_close(dev);
            ofr_encoder_close(&encoder);
        }
}

/* Every allocation may fail; a threshold that means nothing is refused. */
static void test_open_fails_cleanly(void **state)
{
    (void)state;
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_error err;
    ofr_runner runner = {.max_B = 42};
    tiny_encoder(&encoder, &shape, 3);
    assert_ok(ofr_dev_open(&dev, &ofr_ops_scalar, 1, 8, &err), err);
    assert_ok(ofr_encoder_pack(&encoder, dev, OFR_PRECISION_F32, &err), err);
    size_t live = ofr_mem_live();
    assert_fails(
        ofr_runner_open(&runner, &encoder, dev, &ofr_rule_policy, 7, 4, 40, &err),
        OFR_INVALID, err, "7");
    int failures = 0;
    for (size_t n = 1;; n++) {
        ofr_mem_fail_at(n, false);
        ofr_status status =
            ofr_runner_open(&runner, &encoder, dev, &ofr_rule_policy, 0.5, 4, 40, &err);
        ofr_mem_fail_at(0, false);
        if (status == OFR_OK) break;
        failures++;
        assert_int_equal(status, OFR_NOMEM);
        assert_int_equal(ofr_mem_live(), live);
        assert_int_equal(runner.max_B, 42);
    }
    assert_true(failures >= 2);
    ofr_runner_close(&runner);
    ofr_runner_close(NULL);
    assert_int_equal(ofr_mem_live(), live);
    ofr_dev_close(dev);
    ofr_encoder_close(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_batch_fast),
        cmocka_unit_test(test_any_batch_scalar_per_layer),
        cmocka_unit_test(test_nan_and_ties),
        cmocka_unit_test(test_small_models),
        cmocka_unit_test(test_open_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
