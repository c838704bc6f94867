/*
 * Outputs of all exits: equal to the classifiers run by hand, whatever the batch;
 * features are the pooled vectors in f16; interruption and lack of memory.
 */
#include "method/tiny_encoder.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "exit/head.h"
#include "exit/outputs.h"
#include "exit/policy.h"
#include "kernels/dev.h"
#include "tensor/dtype.h"

enum { N_TEXTS = 23, L = 4, C = 24, K = 3, P = 5, MAX_T = 12 };

static const tiny_shape shape = {
    .L = L, .C = C, .H = 3, .F = 32, .K = K, .policy_hidden = P, .head_dropout = 0.5};

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev;
    int offsets[N_TEXTS + 1], ids[N_TEXTS * MAX_T], types[N_TEXTS * MAX_T];
    ofr_tokens tokens;
} fixture;

static void open_fixture(fixture *f)
{
    ofr_error err;
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    tiny_encoder(&f->encoder, &shape, 31);
    assert_ok(ofr_dev_open(&f->dev, &ops, 1, MAX_T, &err), err);
    assert_ok(ofr_encoder_pack(&f->encoder, f->dev, OFR_PRECISION_F32, &err), err);
    f->offsets[0] = 0;
    for (int i = 0; i < N_TEXTS; i++)
        f->offsets[i + 1] =
            f->offsets[i] + 1 + (int)ofr_rng_below(1, 1, (uint64_t)i, MAX_T);
    for (int n = 0; n < f->offsets[N_TEXTS]; n++) {
        f->ids[n] = (int)ofr_rng_below(1, 2, (uint64_t)n, TINY_V);
        f->types[n] = n % 2;
    }
    f->tokens = (ofr_tokens){N_TEXTS, f->offsets, f->ids, f->types};
}

static void close_fixture(fixture *f)
{
    ofr_dev_close(f->dev);
    ofr_encoder_close(&f->encoder);
}

/* The training walk, with dropout off, knows the same numbers. */
static void test_against_training(void **state)
{
    (void)state;
    fixture f;
    ofr_error err;
    ofr_trace trace;
    ofr_heads heads;
    ofr_policies policies;
    ofr_outputs outputs;
    static ofr_real cls[L * N_TEXTS * C];
    open_fixture(&f);
    assert_ok(ofr_outputs_open(&outputs, &f.encoder, f.dev, &f.tokens, 5, true, NULL,
                               NULL, &err),
              err);
    assert_ok(ofr_trace_open(&trace, &f.encoder, f.dev, N_TEXTS, MAX_T,
                             f.offsets[N_TEXTS], &err),
              err);
    assert_ok(ofr_heads_open(&heads, &f.encoder, f.dev, N_TEXTS, &err), err);
    assert_ok(ofr_policies_open(&policies, &f.encoder, f.dev, N_TEXTS, &err), err);
    ofr_trace_forward(&trace, &f.tokens, cls, false, 0);
    ofr_heads_forward(&heads, cls, N_TEXTS, false, 0);
    ofr_policies_forward(&policies, heads.c, N_TEXTS);
    assert_int_equal(outputs.n, N_TEXTS);
    assert_int_equal(outputs.L, L);
    assert_int_equal(outputs.K, K);
    assert_int_equal(outputs.C, C);
    for (int i = 0; i < N_TEXTS; i++)
        for (int l = 0; l < L; l++) {
            const ofr_real *c = heads.c + (l * N_TEXTS + i) * C;
            const uint16_t *features = outputs.features + (i * L + l) * C;
            support_close("logits", outputs.logits + (i * L + l) * K,
                          heads.z + (l * N_TEXTS + i) * K, K, 2e-5, 0);
            for (int k = 0; k < C; k++)
                support_close_one("feature", (double)ofr_f16_to_f32(features[k]),
                                  (double)c[k], 6e-4);
            if (l == L - 1) continue;
            double u = (double)policies.u[l * N_TEXTS + i];
            support_close_one("pi", (double)outputs.pi[i * (L - 1) + l],
                              1 / (1 + exp(-u)), 1e-5);
        }
    ofr_policies_close(&policies);
    ofr_heads_close(&heads);
    ofr_trace_close(&trace);
    ofr_outputs_close(&outputs);
    close_fixture(&f);
}

static void test_any_batch(void **state)
{
    (void)state;
    fixture f;
    ofr_error err;
    ofr_outputs alone, other;
    if (!support_same_bits("any batch")) return;
    open_fixture(&f);
    assert_ok(
        ofr_outputs_open(&alone, &f.encoder, f.dev, &f.tokens, 1, true, NULL, NULL, &err),
        err);
    for (int max_B = 2; max_B <= N_TEXTS + 1; max_B += 7) {
        assert_ok(ofr_outputs_open(&other, &f.encoder, f.dev, &f.tokens, max_B,
                                   max_B == 2, NULL, NULL, &err),
                  err);
        assert_memory_equal(other.logits, alone.logits,
                            N_TEXTS * L * K * sizeof(ofr_real));
        assert_memory_equal(other.pi, alone.pi, N_TEXTS * (L - 1) * sizeof(ofr_real));
        if (max_B == 2)
            assert_memory_equal(other.features, alone.features,
                                N_TEXTS * L * C * sizeof(uint16_t));
        else
            assert_null(other.features);
        ofr_outputs_close(&other);
    }
    ofr_outputs_close(&alone);
    close_fixture(&f);
}

typedef struct counter {
    int calls, last, stop_after;
} counter;

static bool count(void *user, int done, int n)
{
    counter *c = user;
    assert_int_equal(n, N_TEXTS);
    assert_true(done > c->last && done <= n);
    c->last = done;
    return ++c->calls != c->stop_after;
}

static void test_progress_and_interruption(void **state)
{
    (void)state;
    fixture f;
    ofr_error err;
    ofr_outputs outputs = {.n = 42};
    counter all = {0}, some = {.stop_after = 2};
    open_fixture(&f);
    size_t live = ofr_mem_live();
    assert_fails(ofr_outputs_open(&outputs, &f.encoder, f.dev, &f.tokens, 5, true, count,
                                  &some, &err),
                 OFR_INTERRUPTED, err, "10 of 23");
    assert_int_equal(outputs.n, 42);
    assert_int_equal(ofr_mem_live(), live);
    assert_ok(ofr_outputs_open(&outputs, &f.encoder, f.dev, &f.tokens, 5, true, count,
                               &all, &err),
              err);
    assert_int_equal(all.calls, 5);
    assert_int_equal(all.last, N_TEXTS);
    ofr_outputs_close(&outputs);
    ofr_outputs_close(NULL);
    assert_int_equal(ofr_mem_live(), live);
    close_fixture(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    fixture f;
    ofr_error err;
    ofr_outputs outputs = {.n = 42};
    open_fixture(&f);
    size_t live = ofr_mem_live();
    int failures = 0;
    for (size_t n = 1;; n++) {
        ofr_mem_fail_at(n, n % 2 == 0);
        ofr_status status = ofr_outputs_open(&outputs, &f.encoder, f.dev, &f.tokens, 5,
                                             true, NULL, NULL, &err);
        ofr_mem_fail_at(0, false);
        if (status == OFR_OK) break;
        failures++;
        assert_int_equal(status, OFR_NOMEM);
        assert_int_equal(outputs.n, 42);
        assert_int_equal(ofr_mem_live(), live);
    }
    assert_true(failures >= 4);
    ofr_outputs_close(&outputs);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_training),
        cmocka_unit_test(test_any_batch),
        cmocka_unit_test(test_progress_and_interruption),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
