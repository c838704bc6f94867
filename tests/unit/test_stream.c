/*
 * Texts set aside between layers: thousands of random texts in a stream leave at
 * the same layer with the same logits and policies, bit for bit, as alone, and
 * are answered in order, whoever waits and for how long.
 */
#include "method/tiny_encoder.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "exit/stream.h"
#include "kernels/dev.h"

enum { N_TEXTS = 3000, L = 6, C = 32, K = 3, MAX_B = 16, MAX_T = 60 };

static const tiny_shape shape = {
    .L = L, .C = C, .H = 4, .F = 64, .K = K, .policy_hidden = 8};

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev[2]; /* one thread, two threads */
    int offsets[N_TEXTS + 1], batch_offsets[MAX_B + 1];
    int *ids;
    /* every text alone */
    int layer[N_TEXTS];
    ofr_real logits[N_TEXTS][K], pi[N_TEXTS][L - 1];
    /* the stream */
    long long next;
    int wrong;
} fixture;

static void open_fixture(fixture *f)
{
    ofr_error err;
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    tiny_encoder(&f->encoder, &shape, 21);
    for (int t = 0; t < 2; t++)
        assert_ok(ofr_dev_open(&f->dev[t], &ops, t + 1, MAX_T, &err), err);
    assert_ok(ofr_encoder_pack(&f->encoder, f->dev[0], OFR_PRECISION_F32, &err), err);
    for (int i = 0; i < N_TEXTS; i++)
        f->offsets[i + 1] =
            f->offsets[i] + 1 +
            (int)ofr_rng_below(2, 4, (uint64_t)i, i % 40 == 7 ? MAX_T : 20);
    f->ids = test_malloc((size_t)f->offsets[N_TEXTS] * sizeof(int));
    for (int n = 0; n < f->offsets[N_TEXTS]; n++)
        f->ids[n] = (int)ofr_rng_below(5, 6, (uint64_t)n, TINY_V);
}

static void close_fixture(fixture *f)
{
    test_free(f->ids);
    ofr_dev_close(f->dev[0]);
    ofr_dev_close(f->dev[1]);
    ofr_encoder_close(&f->encoder);
}

/* Texts first .. first + B - 1 */
static ofr_tokens batch(fixture *f, int first, int B)
{
    for (int b = 0; b <= B; b++)
        f->batch_offsets[b] = f->offsets[first + b] - f->offsets[first];
    return (ofr_tokens){B, f->batch_offsets, f->ids + f->offsets[first], NULL};
}

static int run_alone(fixture *f, const ofr_rule *rule, double threshold)
{
    ofr_error err;
    ofr_runner runner;
    int used = 0, histogram[L + 1] = {0};
    assert_ok(
        ofr_runner_open(&runner, &f->encoder, f->dev[0], rule, threshold, 1, MAX_T, &err),
        err);
    for (int i = 0; i < N_TEXTS; i++) {
        ofr_tokens tokens = batch(f, i, 1);
        ofr_runner_run(&runner, &tokens);
        f->layer[i] = runner.exit_layer[0];
        memcpy(f->logits[i], runner.logits, sizeof f->logits[i]);
        memcpy(f->pi[i], runner.pi, sizeof f->pi[i]);
        used += histogram[f->layer[i]]++ == 0;
    }
    ofr_runner_close(&runner);
    return used;
}

static void check_answer(void *user, const ofr_stream_answer *answer)
{
    fixture *f = user;
    size_t i = (size_t)answer->number;
    if (answer->number != f->next || answer->exit_layer != f->layer[i] ||
        memcmp(answer->logits, f->logits[i], sizeof f->logits[i]) != 0 ||
        memcmp(answer->pi, f->pi[i], sizeof f->pi[i]) != 0)
        f->wrong++;
    f->next++;
}

/* All texts in batches of random sizes; the most that ever waited. */
static int run_stream(fixture *f, const ofr_rule *rule, double threshold, int low,
                      int window, int thread)
{
    ofr_error err;
    ofr_stream stream;
    ofr_stream_options options = {MAX_B, MAX_B * MAX_T, low, window, check_answer, f};
    size_t violations = ofr_mem_violations();
    int most = 0;
    assert_ok(ofr_stream_open(&stream, &f->encoder, f->dev[thread], rule, threshold,
                              &options, &err),
              err);
    f->next = 0;
    f->wrong = 0;
    for (int first = 0; first < N_TEXTS;) {
        int B = 1 + (int)ofr_rng_below(3, 8, (uint64_t)first, MAX_B);
        if (B > N_TEXTS - first) B = N_TEXTS - first;
        ofr_tokens tokens = batch(f, first, B);
        ofr_mem_forbid(true);
        ofr_stream_run(&stream, &tokens);
        if (first % 7 == 0 && low == 25) ofr_stream_finish(&stream);
        ofr_mem_forbid(false);
        if (stream.park.B > most) most = stream.park.B;
        first += B;
    }
    ofr_stream_finish(&stream);
    assert_int_equal(stream.park.B, 0);
    assert_int_equal(f->next, N_TEXTS);
    assert_int_equal(ofr_mem_violations(), violations);
    if (f->wrong)
        fail_msg("%s, low %d, window %d: %d texts answered otherwise than alone",
                 rule->name, low, window, f->wrong);
    ofr_stream_close(&stream);
    return most;
}

static void check_rule(fixture *f, const ofr_rule *rule, double threshold, int min_used)
{
    if (run_alone(f, rule, threshold) < min_used)
        fail_msg("%s at %g: too few layers in use for a test", rule->name, threshold);
    assert_int_equal(run_stream(f, rule, threshold, 0, MAX_B, 0), 0);
    int some = run_stream(f, rule, threshold, 25, 64, 1);
    int many = run_stream(f, rule, threshold, 120, N_TEXTS, 0);
    assert_true(min_used == 1 || (some > 1 && many > some));
    /* More than a batch may hold waits; a window no larger than a batch. */
    run_stream(f, rule, threshold, 100000, 500, 1);
    run_stream(f, rule, threshold, 40, MAX_B, 0);
}

static void test_same_as_alone(void **state)
{
    (void)state;
    static fixture f;
    if (!support_same_bits("streams")) return;
    open_fixture(&f);
    check_rule(&f, &ofr_rule_never, 0, 1);
    check_rule(&f, &ofr_rule_policy, 0.6, 3);
    check_rule(&f, &ofr_rule_entropy, 0.6, 3);
    check_rule(&f, &ofr_rule_patience, 1, 3); /* remembers something of each text */
    close_fixture(&f);
}

/* Exits given in advance overrule the rule. */
static void test_dealt(void **state)
{
    (void)state;
    static fixture f;
    static const int dealt[4] = {3, 1, L, 2};
    ofr_error err;
    ofr_runner runner;
    open_fixture(&f);
    assert_ok(ofr_runner_open(&runner, &f.encoder, f.dev[0], &ofr_rule_never, 0, 4,
                              4 * MAX_T, &err),
              err);
    ofr_tokens tokens = batch(&f, 0, 4);
    runner.dealt = dealt;
    ofr_runner_run(&runner, &tokens);
    for (int b = 0; b < 4; b++)
        assert_int_equal(runner.exit_layer[b], dealt[b]);
    ofr_runner_close(&runner);
    close_fixture(&f);
}

static void test_open_fails_cleanly(void **state)
{
    (void)state;
    static fixture f;
    ofr_error err;
    ofr_stream stream = {.in = 42};
    ofr_stream_options options = {MAX_B, MAX_B * MAX_T, 50, 100, check_answer, &f};
    open_fixture(&f);
    size_t live = ofr_mem_live();
    int failures = 0;
    for (size_t n = 1;; n++) {
        ofr_mem_fail_at(n, false);
        ofr_status status = ofr_stream_open(&stream, &f.encoder, f.dev[0],
                                            &ofr_rule_policy, 0.5, &options, &err);
        ofr_mem_fail_at(0, false);
        if (status == OFR_OK) break;
        failures++;
        assert_int_equal(status, OFR_NOMEM);
        assert_int_equal(ofr_mem_live(), live);
        assert_int_equal(stream.in, 42);
    }
    assert_true(failures >= 3);
    ofr_stream_close(&stream);
    ofr_stream_close(NULL);
    assert_int_equal(ofr_mem_live(), live);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_alone),
        cmocka_unit_test(test_dealt),
        cmocka_unit_test(test_open_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
