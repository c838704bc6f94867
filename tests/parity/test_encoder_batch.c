/*
 * test_encoder_batch.c - a text's result does not depend on its neighbours.
 *
 * Thousands of random texts: each alone and on one thread, then in batches of
 * random size, order and company, with texts leaving after random layers, on one
 * and on two threads.  Class rows are compared bit for bit.
 */
#include "support/support.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/encoder.h"

enum { L = 4, MAX_T = 37, MAX_B = 33, V = 101 };

/* Texts in the large test; the double build has no fast kernels. */
#define MANY (sizeof(ofr_real) == sizeof(float) ? 3000 : 400)

typedef struct bed {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_walk walk;
    int n, C;
    int *length, *leave; /* [n] tokens of each text, layer after which it leaves */
    int *ids, *types;    /* [n,MAX_T] */
    ofr_real *alone;     /* [n,L,C] */
    uint64_t draws;
} bed;

static uint32_t draw(bed *t, uint32_t below)
{
    return ofr_rng_below(11, 4, t->draws++, below);
}

static void make_encoder(ofr_encoder *encoder, ofr_family family)
{
    ofr_error err;
    ofr_config config;
    assert_ok(ofr_config_shape(&config, family, "small", V, &err), err);
    bool narrow = family == OFR_FAMILY_ELECTRA || family == OFR_FAMILY_ALBERT;
    config.L = L;
    config.C = 60; /* no multiple of any vector */
    config.H = 3;
    config.F = 83;
    config.E = narrow ? 37 : config.C;
    config.initializer_range = 0.2;
    assert_ok(ofr_encoder_new(encoder, &config, 1, &err), err);
    ofr_config_free(&config);
}

static void bed_open(bed *t, ofr_family family, int n, const ofr_ops *ops,
                     ofr_precision precision)
{
    ofr_error err;
    *t = (bed){.n = n};
    make_encoder(&t->encoder, family);
    t->C = t->encoder.config.C;
    assert_ok(ofr_dev_open(&t->dev, ops, 2, MAX_T, &err), err);
    assert_ok(ofr_encoder_pack(&t->encoder, t->dev, precision, &err), err);
    assert_ok(ofr_walk_open(&t->walk, &t->encoder, t->dev, MAX_B, MAX_B * MAX_T, &err),
              err);
    t->length = ofr_mem_array((size_t)n, sizeof(int));
    t->leave = ofr_mem_array((size_t)n, sizeof(int));
    t->ids = ofr_mem_array((size_t)n * MAX_T, sizeof(int));
    t->types = ofr_mem_array((size_t)n * MAX_T, sizeof(int));
    t->alone = ofr_mem_array((size_t)n * L * (size_t)t->C, sizeof(ofr_real));
    for (int i = 0; i < n; i++) {
        t->length[i] = 1 + (int)draw(t, MAX_T);
        t->leave[i] = 1 + (int)draw(t, L);
        for (int j = 0; j < MAX_T; j++) {
            t->ids[i * MAX_T + j] = (int)draw(t, V);
            t->types[i * MAX_T + j] = (int)draw(t, 2);
        }
    }
}

static void bed_close(bed *t)
{
    ofr_walk_close(&t->walk);
    ofr_dev_close(t->dev);
    ofr_encoder_close(&t->encoder);
    ofr_mem_free(t->length);
    ofr_mem_free(t->leave);
    ofr_mem_free(t->ids);
    ofr_mem_free(t->types);
    ofr_mem_free(t->alone);
}

static void begin(bed *t, const int *texts, int n)
{
    int offsets[MAX_B + 1] = {0}, ids[MAX_B * MAX_T], types[MAX_B * MAX_T];
    for (int b = 0; b < n; b++) {
        int T = t->length[texts[b]];
        memcpy(ids + offsets[b], t->ids + texts[b] * MAX_T, (size_t)T * sizeof *ids);
        memcpy(types + offsets[b], t->types + texts[b] * MAX_T,
               (size_t)T * sizeof *types);
        offsets[b + 1] = offsets[b] + T;
    }
    ofr_tokens tokens = {n, offsets, ids, types};
    ofr_walk_begin(&t->walk, &tokens);
}

static void run_alone(bed *t)
{
    size_t C = (size_t)t->C;
    t->dev->n_threads = 1;
    for (int i = 0; i < t->n; i++) {
        begin(t, &i, 1);
        for (size_t l = 0; l < L; l++) {
            ofr_walk_layer(&t->walk);
            ofr_walk_class_rows(&t->walk, t->alone + ((size_t)i * L + l) * C);
        }
    }
}

/* All texts in batches, each for as long as it stays; layers whole or in halves. */
static void run_together(bed *t, int n_threads)
{
    size_t C = (size_t)t->C, row_bytes = C * sizeof(ofr_real);
    ofr_real *cls = ofr_mem_array(MAX_B * C, sizeof *cls);
    int *order = ofr_mem_array((size_t)t->n, sizeof *order);
    int checked = 0, wanted = 0;
    t->dev->n_threads = n_threads;
    ofr_rng_permutation(order, t->n, 5, (uint64_t)n_threads);
    for (int first = 0, n; first < t->n; first += n) {
        n = 1 + (int)draw(t, MAX_B);
        if (n > t->n - first) n = t->n - first;
        begin(t, order + first, n);
        for (int l = 1; l <= L && t->walk.B > 0; l++) {
            unsigned char keep[MAX_B];
            if (draw(t, 2) == 0)
                ofr_walk_layer(&t->walk);
            else
                ofr_walk_class_half(&t->walk);
            ofr_walk_class_rows(&t->walk, cls);
            for (int b = 0; b < t->walk.B; b++) {
                int text = order[first + t->walk.text[b]];
                size_t at = ((size_t)text * L + (size_t)l - 1) * C;
                if (memcmp(cls + (size_t)b * C, t->alone + at, row_bytes) != 0) {
                    fail_msg("text %d of %d tokens after layer %d, %d threads, batch of "
                             "%d: bits differ",
                             text, t->length[text], l, n_threads, t->walk.B);
                }
                keep[b] = t->leave[text] > l;
                checked++;
            }
            ofr_walk_keep(&t->walk, keep);
            if (t->walk.halfway) ofr_walk_other_half(&t->walk);
        }
    }
    for (int i = 0; i < t->n; i++) wanted += t->leave[i];
    assert_int_equal(checked, wanted);
    ofr_mem_free(cls);
    ofr_mem_free(order);
}

static void check(ofr_family family, int n, const ofr_ops *ops, ofr_precision precision)
{
    bed t;
    bed_open(&t, family, n, ops, precision);
    run_alone(&t);
    run_together(&t, 1);
    run_together(&t, 2);
    bed_close(&t);
}

static void test_scalar(void **state)
{
    (void)state;
    check(OFR_FAMILY_ELECTRA, 200, &ofr_ops_scalar, OFR_PRECISION_F32);
}

static void test_best(void **state)
{
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    (void)state;
    for (int f = 0; f < OFR_FAMILY_COUNT && support_same_bits("neighbours"); f++) {
        check((ofr_family)f, f == OFR_FAMILY_BERT ? MANY : MANY / 8, &ops,
              OFR_PRECISION_F32);
    }
}

/* The same promise for weights in fewer bits, on every table. */
static void test_precisions(void **state)
{
    unsigned have = ofr_cpu_features(), masks[] = {0, OFR_CPU_AVX2,
                                                   OFR_CPU_AVX2 | OFR_CPU_AVX512, ~0u};
    (void)state;
    for (int i = 0; i < 4; i++) {
        ofr_ops ops = ofr_ops_select(have & masks[i]);
        for (int p = OFR_PRECISION_F16; p < OFR_PRECISION_COUNT; p++) {
            printf("%s %s\n", ops.name, ofr_precision_name((ofr_precision)p));
            check(p % 2 ? OFR_FAMILY_BERT : OFR_FAMILY_ELECTRA, 100, &ops,
                  (ofr_precision)p);
        }
    }
}

/* Who stays keeps its rows; who was dropped is gone; nobody may be left. */
static void test_keep(void **state)
{
    bed t;
    ofr_ops ops = ofr_ops_scalar;
    const int texts[4] = {0, 1, 2, 3};
    (void)state;
    bed_open(&t, OFR_FAMILY_BERT, 4, &ops, OFR_PRECISION_F32);
    begin(&t, texts, 4);
    size_t C = (size_t)t.C;
    int T0 = t.length[0], T1 = t.length[1], T3 = t.length[3];
    ofr_real *before = malloc((size_t)t.walk.N * C * sizeof *before);
    memcpy(before, t.walk.x, (size_t)t.walk.N * C * sizeof *before);
    int at3 = t.walk.offsets[3];
    ofr_walk_keep(&t.walk, (const unsigned char[]){0, 1, 0, 1});
    assert_int_equal(t.walk.B, 2);
    assert_int_equal(t.walk.N, T1 + T3);
    assert_int_equal(t.walk.text[0], 1);
    assert_int_equal(t.walk.text[1], 3);
    assert_memory_equal(t.walk.x, before + (size_t)T0 * C,
                        (size_t)T1 * C * sizeof *before);
    assert_memory_equal(t.walk.x + (size_t)T1 * C, before + (size_t)at3 * C,
                        (size_t)T3 * C * sizeof *before);
    ofr_walk_keep(&t.walk, (const unsigned char[]){0, 1});
    assert_int_equal(t.walk.text[0], 3);
    assert_int_equal(t.walk.N, T3);
    ofr_walk_keep(&t.walk, (const unsigned char[]){0});
    assert_int_equal(t.walk.B, 0);
    assert_int_equal(t.walk.N, 0);
    free(before);
    bed_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_scalar),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_precisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
