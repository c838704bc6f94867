/*
 * test_encoder_grad.c - the backward walk against finite differences.
 *
 * Tiny random models of every family, with gradients at several exits, dropout on
 * (its masks are a function of the key, so the loss is smooth), poolers shared
 * and one per layer.  Every element of every small tensor is checked, and a part
 * of the large ones.
 */
#include "support/support.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "exit/head.h"
#include "model/encoder.h"
#include "nn/loss.h"

enum { B = 4, N = 19, L = 3, K = 3, TOP_TEXT = 8, PER_TENSOR = 60 };

static const int offsets[B + 1] = {0, 8, 9, 12, N};
static const int labels[B] = {2, 0, 1, 1};

typedef struct bed {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_trace trace;
    ofr_heads heads;
    int ids[N], types[N];
    ofr_tokens tokens;
    double weights[L]; /* of the exits' losses */
    ofr_real *cls, *dcls, *dz, *grads;
} bed;

static ofr_real *reals(size_t n)
{
    ofr_real *p = ofr_mem_array(n, sizeof *p);
    assert_non_null(p);
    return p;
}

static void tiny_config(ofr_config *config, ofr_family family, ofr_pooler_kind pooler)
{
    ofr_error err;
    assert_ok(ofr_config_shape(config, family, "tiny", 31, &err), err);
    config->L = L;
    config->C = 12;
    config->H = 3;
    config->F = 20;
    bool narrow = family == OFR_FAMILY_ELECTRA || family == OFR_FAMILY_ALBERT;
    config->E = narrow ? 7 : 12;
    config->n_positions = TOP_TEXT + config->position_offset;
    config->pooler = pooler;
    config->policy_hidden = 5;
    config->initializer_range = 0.4;
    assert_ok(ofr_config_set_labels(config, K, NULL, false, &err), err);
}

static void bed_open_with(bed *t, ofr_family family, ofr_pooler_kind pooler,
                          double dropout, bool token_exits)
{
    ofr_error err;
    ofr_config config;
    *t = (bed){.weights = {0.5, 0, 1.25}};
    tiny_config(&config, family, pooler);
    config.hidden_dropout = dropout;
    config.attention_dropout = dropout * 1.5;
    config.head_dropout = dropout;
    config.token_exits = token_exits;
    assert_ok(ofr_encoder_new(&t->encoder, &config, 3, &err), err);
    ofr_config_free(&config);
    /* Away from 0 and 1, so that a bias or a gain that is forgotten shows. */
    const ofr_params *params = &t->encoder.params;
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        for (size_t j = 0; j < row->count && row->rank == 1; j++) {
            t->encoder.w[row->offset + j] += 0.2 * ofr_rng_normal(9, (uint64_t)i, j);
        }
    }
    for (size_t v = 0; v < 31 && token_exits; v++)
        t->encoder.w[params->token_exits + v] = 1 + ofr_rng_below(5, 3, v, L);
    assert_ok(ofr_dev_open(&t->dev, &ofr_ops_scalar, 2, 16, &err), err);
    assert_ok(ofr_trace_open(&t->trace, &t->encoder, t->dev, B, TOP_TEXT, N, &err), err);
    assert_ok(ofr_heads_open(&t->heads, &t->encoder, t->dev, B, &err), err);
    for (int n = 0; n < N; n++) {
        t->ids[n] = 1 + (int)ofr_rng_below(5, 1, (uint64_t)n, 12); /* with repeats */
        t->types[n] = (int)ofr_rng_below(5, 2, (uint64_t)n, 2);
    }
    t->tokens = (ofr_tokens){B, offsets, t->ids, t->types};
    t->cls = reals(L * B * 12);
    t->dcls = reals(L * B * 12);
    t->dz = reals(L * B * K);
    t->grads = reals(params->total);
}

static void bed_open(bed *t, ofr_family family, ofr_pooler_kind pooler, double dropout)
{
    bed_open_with(t, family, pooler, dropout, false);
}

static void bed_close(bed *t)
{
    ofr_real *arrays[] = {t->cls, t->dcls, t->dz, t->grads};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) ofr_mem_free(arrays[i]);
    ofr_heads_close(&t->heads);
    ofr_trace_close(&t->trace);
    ofr_dev_close(t->dev);
    ofr_encoder_close(&t->encoder);
}

static double loss(bed *t)
{
    double sum = 0;
    memset(t->dz, 0, L * B * K * sizeof *t->dz);
    ofr_trace_forward(&t->trace, &t->tokens, t->cls, true, 77);
    ofr_heads_forward(&t->heads, t->cls, B, true, 78);
    for (int l = 0; l < L; l++) {
        for (int b = 0; b < B && t->weights[l] != 0; b++) {
            size_t at = (size_t)(l * B + b) * K;
            sum += t->weights[l] * ofr_loss_ce(t->heads.z + at, K, labels[b]) / B;
            ofr_loss_ce_bwd(t->dz + at, t->heads.z + at, K, labels[b], t->weights[l] / B);
        }
    }
    return sum;
}

static int backward(bed *t)
{
    (void)loss(t);
    ofr_mem_forbid(true);
    int top = ofr_heads_backward(&t->heads, t->grads, t->dcls, t->dz);
    ofr_trace_backward(&t->trace, t->grads, t->dcls, top);
    ofr_mem_forbid(false);
    assert_int_equal(ofr_mem_violations(), 0);
    return top;
}

static void check_row(bed *t, const ofr_param *row)
{
    const double h = 1e-5;
    size_t n = row->count < PER_TENSOR ? row->count : PER_TENSOR;
    for (size_t i = 0; i < n; i++) {
        size_t j = row->offset + (row->count <= PER_TENSOR ? i : i * row->count / n);
        ofr_real kept = t->encoder.w[j];
        t->encoder.w[j] = kept + h;
        double above = loss(t);
        t->encoder.w[j] = kept - h;
        double below = loss(t);
        t->encoder.w[j] = kept;
        double want = (above - below) / (2 * h), got = t->grads[j];
        if (!(fabs(got - want) <= 2e-8 + 1e-6 * fabs(want))) {
            fail_msg("%s of %s[%zu]: %.12g, finite difference %.12g",
                     ofr_family_name(t->encoder.config.family), row->name,
                     j - row->offset, got, want);
        }
    }
}

static void check_all(ofr_family family, ofr_pooler_kind pooler, double dropout)
{
    bed t;
    bed_open(&t, family, pooler, dropout);
    assert_int_equal(backward(&t), L);
    size_t moved = 0;
    for (int i = 0; i < t.encoder.params.n; i++) {
        const ofr_param *row = &t.encoder.params.rows[i];
        check_row(&t, row);
        for (size_t j = 0; j < row->count; j++) moved += t.grads[row->offset + j] != 0;
    }
    assert_true(moved > 1000); /* the loss does depend on the parameters */
    bed_close(&t);
}

static void test_families(void **state)
{
    (void)state;
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        check_all((ofr_family)f, OFR_POOLER_SHARED, 0);
    }
}

static void test_dropout_and_poolers(void **state)
{
    (void)state;
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        check_all((ofr_family)f, OFR_POOLER_PER_LAYER, 0.2);
    }
}

/* Layers above the highest exit in use are skipped, and their gradient is 0; the
 * rest is as it would be without skipping. */
static void test_top_layer(void **state)
{
    bed t;
    (void)state;
    bed_open(&t, OFR_FAMILY_BERT, OFR_POOLER_SHARED, 0.1);
    t.weights[1] = 1;
    t.weights[2] = 0;
    assert_int_equal(backward(&t), 2);
    size_t total = t.encoder.params.total;
    ofr_real *full = reals(total);
    ofr_real *dcls = reals(L * B * 12);
    (void)loss(&t);
    (void)ofr_heads_backward(&t.heads, full, dcls, t.dz);
    ofr_trace_backward(&t.trace, full, dcls, L);
    support_close("gradient", t.grads, full, total, 1e-13, 1e-11);
    size_t above = t.encoder.params.layers[2].qkv_w,
           end = t.encoder.params.exits[0].pool_w;
    for (size_t i = above; i < end; i++) assert_true(t.grads[i] == 0);
    ofr_mem_free(full);
    ofr_mem_free(dcls);
    bed_close(&t);
}

/* Texts of a few tokens each: the top layer is walked on all rows, not on the class
 * rows alone. */
static void test_short_texts(void **state)
{
    static const int short_offsets[B + 1] = {0, 3, 4, 6, 11};
    bed t;
    (void)state;
    bed_open(&t, OFR_FAMILY_ELECTRA, OFR_POOLER_SHARED, 0.2);
    t.tokens.offsets = short_offsets;
    assert_int_equal(backward(&t), L);
    for (int i = 0; i < t.encoder.params.n; i++) check_row(&t, &t.encoder.params.rows[i]);
    bed_close(&t);
}

/* Tokens that have left keep their state: it goes through unchanged, and what is
 * asked of their keys and values goes through as well. */
static void test_token_exits(void **state)
{
    static const ofr_family families[] = {OFR_FAMILY_BERT, OFR_FAMILY_ALBERT};
    (void)state;
    for (int f = 0; f < 2; f++) {
        bed t;
        int left = 0;
        bed_open_with(&t, families[f], OFR_POOLER_SHARED, f ? 0 : 0.2, true);
        assert_int_equal(backward(&t), L);
        for (int n = 0; n < N; n++)
            left += t.trace.exits[n] < L;
        assert_in_range(left, 5, N - B);
        for (int i = 0; i < t.encoder.params.n; i++) {
            const ofr_param *row = &t.encoder.params.rows[i];
            if (row->group != OFR_GROUP_TOKENS) check_row(&t, row);
        }
        bed_close(&t);
    }
}

static void test_accumulates(void **state)
{
    bed t;
    (void)state;
    bed_open(&t, OFR_FAMILY_ALBERT, OFR_POOLER_SHARED, 0.1);
    size_t total = t.encoder.params.total;
    ofr_real *once = reals(total);
    backward(&t);
    for (size_t i = 0; i < total; i++) once[i] = 2 * t.grads[i];
    backward(&t);
    support_close("twice", t.grads, once, total, 1e-14, 1e-12);
    ofr_mem_free(once);
    bed_close(&t);
}

/* Another key, other masks; the same key, the same bits; every layer its own. */
static void test_masks(void **state)
{
    bed t;
    ofr_real first[L * B * 12], again[L * B * 12];
    (void)state;
    bed_open(&t, OFR_FAMILY_BERT, OFR_POOLER_SHARED, 0.3);
    ofr_trace_forward(&t.trace, &t.tokens, first, true, 1);
    ofr_trace_forward(&t.trace, &t.tokens, again, true, 1);
    assert_memory_equal(first, again, sizeof first);
    ofr_trace_forward(&t.trace, &t.tokens, again, true, 2);
    assert_memory_not_equal(first, again, sizeof first);
    ofr_trace_forward(&t.trace, &t.tokens, first, false, 1);
    ofr_trace_forward(&t.trace, &t.tokens, again, false, 2);
    assert_memory_equal(first, again, sizeof first);
    bed_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),  cmocka_unit_test(test_dropout_and_poolers),
        cmocka_unit_test(test_top_layer), cmocka_unit_test(test_short_texts),
        cmocka_unit_test(test_token_exits), cmocka_unit_test(test_accumulates),
        cmocka_unit_test(test_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
