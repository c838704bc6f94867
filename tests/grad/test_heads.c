/*
 * Internal classifiers: gradients of every weight and of the class rows against
 * finite differences; inference against training; layers without a gradient.
 */
#include "method/tiny_encoder.h"

#include "exit/head.h"
#include "kernels/dev.h"

enum { L = 4, B = 3, C = 6, K = 3 };
enum { N_CLS = L * B * C, N_Z = L * B * K };

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_heads heads;
    ofr_real cls[N_CLS], r[N_Z]; /* loss = sum r z */
    bool training;
} fixture;

static const tiny_shape shape = {
    .L = L, .C = C, .H = 2, .F = 8, .K = K, .policy_hidden = 4, .head_dropout = 0.3};

static void open_fixture(fixture *f, bool per_layer, ofr_act act)
{
    ofr_error err;
    tiny_shape mine = shape;
    mine.per_layer = per_layer;
    tiny_encoder(&f->encoder, &mine, 5);
    f->encoder.config.pooler_act = act;
    assert_ok(ofr_dev_open(&f->dev, &ofr_ops_scalar, 1, 16, &err), err);
    assert_ok(ofr_heads_open(&f->heads, &f->encoder, f->dev, B + 2, &err), err);
    support_random(f->cls, N_CLS, 1, 1.5);
    support_random(f->r, N_Z, 2, 1);
    f->training = true;
}

static void close_fixture(fixture *f)
{
    ofr_heads_close(&f->heads);
    ofr_dev_close(f->dev);
    ofr_encoder_close(&f->encoder);
}

static double loss(fixture *f)
{
    double sum = 0;
    ofr_heads_forward(&f->heads, f->cls, B, f->training, 77);
    for (int i = 0; i < N_Z; i++)
        sum += (double)f->r[i] * (double)f->heads.z[i];
    return sum;
}

/* Slope of the loss in *x. */
static double slope(fixture *f, ofr_real *x)
{
    const double h = 1e-5;
    ofr_real kept = *x;
    *x = kept + (ofr_real)h;
    double up = loss(f);
    *x = kept - (ofr_real)h;
    double down = loss(f);
    *x = kept;
    return (up - down) / (2 * h);
}

/* Gradients must come out on top of what was there. */
#define BEFORE 0.25

static void check_all(fixture *f)
{
    size_t n = f->encoder.params.total;
    ofr_real *grads = test_malloc(n * sizeof *grads), dcls[N_CLS];
    for (size_t i = 0; i < n; i++)
        grads[i] = (ofr_real)BEFORE;
    (void)loss(f);
    assert_int_equal(ofr_heads_backward(&f->heads, grads, dcls, f->r), L);
    for (int i = 0; i < N_CLS; i++)
        support_close_one("class row", (double)dcls[i], slope(f, &f->cls[i]), 1e-8);
    size_t moved = 0;
    for (int p = 0; p < f->encoder.params.n; p++) {
        const ofr_param *row = &f->encoder.params.rows[p];
        bool mine = row->group == OFR_GROUP_POOLER || row->group == OFR_GROUP_HEADS;
        for (size_t i = row->offset; i < row->offset + row->count; i++) {
            double want = mine ? slope(f, &f->encoder.w[i]) : 0;
            support_close_one(row->name, (double)grads[i] - BEFORE, want, 1e-8);
            moved += fabs((double)grads[i] - BEFORE) > 1e-6;
        }
    }
    assert_true(moved > L * K);
    test_free(grads);
}

static void test_gradients(void **state)
{
    (void)state;
    static const ofr_act acts[] = {OFR_ACT_TANH, OFR_ACT_GELU, OFR_ACT_RELU,
                                   OFR_ACT_NONE};
    for (int per_layer = 0; per_layer < 2; per_layer++)
        for (size_t a = 0; a < sizeof acts / sizeof acts[0]; a++)
            for (int training = 0; training < 2; training++) {
                fixture f;
                open_fixture(&f, per_layer != 0, acts[a]);
                f.training = training != 0;
                check_all(&f);
                close_fixture(&f);
            }
}

/* Dropout: about its share of zeros, other masks for other keys and layers. */
static void test_dropout(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, false, OFR_ACT_TANH);
    for (int l = 1; l < L; l++) /* equal rows in all layers */
        memcpy(f.cls + l * B * C, f.cls, B * C * sizeof f.cls[0]);
    int zeros = 0, same_layer = 0, same_key = 0, n = 0;
    for (uint32_t key = 0; key < 200; key++) {
        ofr_real before[N_CLS];
        ofr_heads_forward(&f.heads, f.cls, B, true, key);
        memcpy(before, f.heads.dropped, sizeof before);
        ofr_heads_forward(&f.heads, f.cls, B, true, key + 1000);
        for (int i = 0; i < N_CLS; i++, n++) {
            double scaled = (double)f.heads.c[i] / 0.7, d = (double)before[i];
            assert_true(d == 0 || fabs(d - scaled) < 1e-12);
            zeros += d == 0;
            same_key += (d == 0) == (f.heads.dropped[i] == 0);
            same_layer += (d == 0) == (before[(i + B * C) % N_CLS] == 0);
        }
    }
    support_close_one("share of zeros", (double)zeros / n, 0.3, 0.02);
    /* Independent masks agree in 0.3^2 + 0.7^2 of the places. */
    support_close_one("same key", (double)same_key / n, 0.58, 0.03);
    support_close_one("same layer", (double)same_layer / n, 0.58, 0.03);
    close_fixture(&f);
}

/* Layers whose dz is zero: nothing moves there, and the top is found. */
static void test_silent_layers(void **state)
{
    (void)state;
    for (int mask = 0; mask < 1 << L; mask++)
        for (int per_layer = 0; per_layer < 2; per_layer++) {
            fixture f;
            open_fixture(&f, per_layer != 0, OFR_ACT_TANH);
            size_t n = f.encoder.params.total;
            ofr_real *some = test_calloc(n, sizeof *some), dcls[N_CLS];
            int top = 0;
            for (int l = 0; l < L; l++) {
                if (mask >> l & 1) top = l + 1;
                for (int i = 0; i < B * K && !(mask >> l & 1); i++)
                    f.r[l * B * K + i] = 0;
            }
            (void)loss(&f);
            for (int i = 0; i < N_CLS; i++)
                dcls[i] = (ofr_real)NAN; /* must be overwritten */
            assert_int_equal(ofr_heads_backward(&f.heads, some, dcls, f.r), top);
            for (int l = 0; l < L; l++) {
                const ofr_exit_at *at = &f.encoder.params.exits[l];
                double sum = 0;
                for (int i = 0; i < B * C; i++)
                    sum += fabs((double)dcls[l * B * C + i]);
                for (int i = 0; i < K * C; i++)
                    sum += fabs((double)some[at->head_w + (size_t)i]);
                assert_true(isfinite(sum) && (sum > 0) == (mask >> l & 1));
            }
            /* A sample of the shared weights against finite differences. */
            size_t pool = f.encoder.params.exits[L - 1].pool_w;
            for (size_t i = pool; i < pool + 6; i++)
                support_close_one("pooler", (double)some[i], slope(&f, &f.encoder.w[i]),
                                  1e-8);
            test_free(some);
            close_fixture(&f);
        }
}

/* One layer at a time, as inference does, gives the numbers of training. */
static void test_inference_agrees(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; packed++)
        for (int per_layer = 0; per_layer < 2; per_layer++) {
            fixture f;
            ofr_error err;
            ofr_real c[B * C], z[B * K];
            open_fixture(&f, per_layer != 0, OFR_ACT_TANH);
            if (packed)
                assert_ok(
                    ofr_encoder_pack(&f.encoder, f.dev, OFR_PRECISION_F32, &err), err);
            f.training = false;
            (void)loss(&f);
            for (int l = 0; l < L; l++) {
                ofr_head_pool(&f.encoder, f.dev, l + 1, c, f.cls + l * B * C, B);
                ofr_head_logits(&f.encoder, f.dev, l + 1, z, c, B);
                assert_memory_equal(c, f.heads.c + l * B * C, sizeof c);
                assert_memory_equal(z, f.heads.z + l * B * K, sizeof z);
            }
            close_fixture(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_silent_layers),
        cmocka_unit_test(test_inference_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
