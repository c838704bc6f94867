/*
 * test_determinism.c - what docs/DETERMINISM.md promises: every method of the registry
 * trains the same weights on one, two and three threads; a text's exit and logits are
 * the same bits at every precision, alone, in any batch, in any order, on one or more
 * threads, and when it waits between layers for company.
 */
#include "method/tiny_encoder.h"
#include "method/toy.h"

#include "base/rng.h"
#include "exit/stream.h"

/* ---- training --------------------------------------------------------------------- */

static ofr_real *train(const ofr_method *method, const ofr_method_options *o, int threads,
                       size_t *bytes)
{
    const ofr_method_job job = {0};
    ofr_encoder encoder;
    ofr_real *w;
    ofr_error err;
    toy t;

    toy_open(&t, 60, 4, threads);
    toy_encoder(&t, &encoder, o);
    assert_ok(ofr_method_train(method, &encoder, t.dev, &t.data, o, &job, NULL, &err),
              err);
    *bytes = encoder.params.total * sizeof *w;
    w = test_malloc(*bytes);
    memcpy(w, encoder.w, *bytes);
    ofr_encoder_close(&encoder);
    toy_close(&t);
    return w;
}

static void test_methods(void **state)
{
    ofr_method_options o;

    (void)state;
    ofr_method_options_init(&o);
    o.joint_epochs = o.policy_epochs = o.task_epochs = o.iterations = o.exit_epochs = 1;
    o.batch = 13; /* odd sizes split unevenly */
    o.policy_batch = 7;
    o.policy_hidden = 5;
    o.lr = 3e-3;
    o.dropout = o.attention_dropout = o.head_dropout = 0.1;
    for (int i = 0; ofr_methods[i]; i++) {
        size_t bytes, same;
        ofr_real *one = train(ofr_methods[i], &o, 1, &bytes);

        for (int threads = 2; threads <= 3; threads++) {
            ofr_real *more = train(ofr_methods[i], &o, threads, &same);

            assert_int_equal(same, bytes);
            if (memcmp(one, more, bytes) != 0)
                fail_msg("%s: other weights on %d threads", ofr_methods[i]->name,
                         threads);
            test_free(more);
        }
        test_free(one);
    }
}

/* ---- inference -------------------------------------------------------------------- */

enum { N = 120, L = 5, K = 3, MAX_B = 32, MAX_T = 60 };

typedef struct answer {
    int exit_layer;
    ofr_real logits[K];
} answer;

typedef struct bed {
    ofr_encoder encoder;
    ofr_dev *dev[3];            /* of 1, 2, 3 threads */
    int length[N], order[N];
    answer want[N];
    int offsets[MAX_B + 1], ids[MAX_B * MAX_T];
    const int *sent;            /* text that was given as number n to a stream */
} bed;

static void gather(bed *b, ofr_tokens *tokens, const int *texts, int B)
{
    int n = 0;

    for (int i = 0; i < B; i++) {
        b->offsets[i] = n;
        for (int t = 0; t < b->length[texts[i]]; t++)
            b->ids[n++] =
                (int)ofr_rng_below(5, (uint64_t)texts[i], (uint64_t)t, TINY_V);
    }
    b->offsets[B] = n;
    *tokens = (ofr_tokens){B, b->offsets, b->ids, NULL};
}

static void check(const bed *b, int text, int exit_layer, const ofr_real *logits,
                  const char *how)
{
    const answer *want = &b->want[text];

    if (exit_layer != want->exit_layer ||
        memcmp(logits, want->logits, sizeof want->logits) != 0)
        fail_msg("text %d, %s: layer %d and %.9g, alone %d and %.9g", text, how,
                 exit_layer, (double)logits[0], want->exit_layer,
                 (double)want->logits[0]);
}

static void run_batches(bed *b, int threads, int B, bool learn)
{
    ofr_runner runner;
    ofr_tokens tokens;
    ofr_error err;
    char how[64];

    snprintf(how, sizeof how, "batches of %d on %d threads", B, threads);
    assert_ok(ofr_runner_open(&runner, &b->encoder, b->dev[threads - 1],
                              &ofr_rule_entropy, 0.75, MAX_B, MAX_B * MAX_T, &err),
              err);
    for (int first = 0; first < N; first += B) {
        const int n = B < N - first ? B : N - first;

        gather(b, &tokens, b->order + first, n);
        ofr_runner_run(&runner, &tokens);
        for (int i = 0; i < n; i++) {
            const int text = b->order[first + i];

            if (learn) {
                b->want[text].exit_layer = runner.exit_layer[i];
                memcpy(b->want[text].logits, runner.logits + i * K, K * sizeof(ofr_real));
            }
            check(b, text, runner.exit_layer[i], runner.logits + i * K, how);
        }
    }
    ofr_runner_close(&runner);
}

static void sink(void *user, const ofr_stream_answer *a)
{
    const bed *b = user;

    check(b, b->sent[a->number], a->exit_layer, a->logits, "in a stream");
}

/* Texts that wait between layers for company. */
static void run_stream(bed *b, int threads)
{
    const ofr_stream_options how = {MAX_B, MAX_B * MAX_T, 200, 4 * MAX_B, sink, b};
    ofr_stream stream;
    ofr_tokens tokens;
    ofr_error err;

    b->sent = b->order;
    assert_ok(ofr_stream_open(&stream, &b->encoder, b->dev[threads - 1],
                              &ofr_rule_entropy, 0.75, &how, &err),
              err);
    for (int first = 0; first < N; first += 17) {
        const int n = 17 < N - first ? 17 : N - first;

        gather(b, &tokens, b->order + first, n);
        ofr_stream_run(&stream, &tokens);
    }
    ofr_stream_finish(&stream);
    assert_int_equal(stream.out, N);
    ofr_stream_close(&stream);
}

static void check_precision(bed *b, ofr_precision precision)
{
    static const int sizes[] = {2, 3, 8, 17, MAX_B};
    ofr_error err;
    int used[L + 1] = {0}, n = 0;

    assert_ok(ofr_encoder_pack(&b->encoder, b->dev[1], precision, &err), err);
    for (int i = 0; i < N; i++)
        b->order[i] = i;
    run_batches(b, 1, 1, true);
    for (int i = 0; i < N; i++)
        n += used[b->want[i].exit_layer]++ == 0;
    assert_true(n >= 3); /* or the test would say little */
    for (int round = 0; round < 3; round++) {
        for (int threads = 1; threads <= 3; threads++) {
            ofr_rng_permutation(b->order, N, 7, (uint64_t)(round * 3 + threads));
            run_batches(b, threads, sizes[(round * 3 + threads) % 5], false);
            run_stream(b, threads);
        }
    }
}

static void test_precisions(void **state)
{
    const tiny_shape shape = {
        .L = L, .C = 32, .H = 4, .F = 64, .K = K, .policy_hidden = 4};
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    bed *b;
    ofr_error err;

    (void)state;
    if (!support_same_bits("batches and streams")) return;
    b = test_calloc(1, sizeof *b);
    tiny_encoder(&b->encoder, &shape, 21);
    for (int t = 0; t < 3; t++)
        assert_ok(ofr_dev_open(&b->dev[t], &ops, t + 1, MAX_T, &err), err);
    for (int i = 0; i < N; i++)
        b->length[i] = i % 20 == 7 ? MAX_T - i % 3
                                   : 1 + (int)ofr_rng_below(2, 4, (uint64_t)i, 20);
    for (int p = 0; p < OFR_PRECISION_COUNT; p++)
        check_precision(b, (ofr_precision)p);
    for (int t = 0; t < 3; t++)
        ofr_dev_close(b->dev[t]);
    ofr_encoder_close(&b->encoder);
    test_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_precisions),
    };

    return cmocka_run_group_tests_name("determinism", tests, NULL, NULL);
}
