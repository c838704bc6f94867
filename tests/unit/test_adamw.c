/*
 * test_adamw.c - spans of moved parameters; which of them move, decay and count
 * in the norm; the update against the textbook formula.
 */
#include "method/tiny_encoder.h"

#include <math.h>

#include "base/cpu.h"
#include "train/adamw.h"

static const tiny_shape shape = {.L = 3, .C = 24, .H = 3, .F = 40, .K = 3,
                                 .policy_hidden = 5};

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_adamw adamw;
    ofr_real *grads, *before;
} fixture;

static void open_fixture(fixture *f, double decay)
{
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_error err;

    tiny_encoder(&f->encoder, &shape, 3);
    assert_ok(ofr_dev_open(&f->dev, &ops, 1, 16, &err), err);
    assert_ok(ofr_adamw_open(&f->adamw, &f->encoder.params, f->dev, 0.9, 0.99, 1e-8,
                             decay, &err),
              err);
    const size_t n = f->encoder.params.total;
    f->grads = malloc(n * sizeof *f->grads);
    f->before = malloc(n * sizeof *f->before);
    memcpy(f->before, f->encoder.w, n * sizeof *f->before);
    memset(f->grads, 0, n * sizeof *f->grads);
    for (int i = 0; i < f->encoder.params.n; i++) {
        const ofr_param *row = &f->encoder.params.rows[i];
        support_random(f->grads + row->offset, row->count, (uint64_t)i, 1);
    }
}

static void close_fixture(fixture *f)
{
    free(f->grads);
    free(f->before);
    ofr_adamw_close(&f->adamw);
    ofr_dev_close(f->dev);
    ofr_encoder_close(&f->encoder);
}

/* Two steps on some groups: every parameter is where the formula puts it, the
 * others have not moved a bit. */
static void check_groups(unsigned groups, double decay)
{
    const double lr = 0.01, scale = 0.5;
    double sum = 0, norm;
    fixture f;

    open_fixture(&f, decay);
    ofr_adamw_begin(&f.adamw, groups);
    norm = ofr_adamw_norm(&f.adamw, f.grads);
    for (int step = 0; step < 2; step++)
        ofr_adamw_update(&f.adamw, f.encoder.w, f.grads, lr, scale);
    for (int i = 0; i < f.encoder.params.n; i++) {
        const ofr_param *row = &f.encoder.params.rows[i];

        for (size_t k = row->offset; k < row->offset + row->count; k++) {
            const double g = scale * (double)f.grads[k];
            double w = (double)f.before[k], m = 0, v = 0;

            if (!(row->group & groups)) {
                assert_true(f.encoder.w[k] == f.before[k]);
                continue;
            }
            sum += (double)f.grads[k] * (double)f.grads[k];
            for (int t = 1; t <= 2; t++) {
                m = 0.9 * m + 0.1 * g;
                v = 0.99 * v + 0.01 * g * g;
                if (row->decay) w -= lr * decay * w;
                w -= lr * (m / (1 - pow(0.9, t))) / (sqrt(v / (1 - pow(0.99, t))) + 1e-8);
            }
            support_close_one(row->name, (double)f.encoder.w[k], w, 4e-6);
        }
    }
    support_close_one("norm", norm, sqrt(sum), 1e-5 * sqrt(sum));
    ofr_adamw_clear(&f.adamw, f.grads);
    assert_true(ofr_adamw_norm(&f.adamw, f.grads) == 0);
    close_fixture(&f);
}

static void test_groups(void **state)
{
    (void)state;
    check_groups(OFR_GROUP_ALL, 0);
    check_groups(OFR_GROUP_ALL, 0.1);
    check_groups(OFR_GROUP_POLICIES, 0.1);
    check_groups(OFR_GROUP_BACKBONE | OFR_GROUP_POOLER | OFR_GROUP_HEADS, 0.1);
}

/* A new phase starts with empty moments. */
static void test_begin(void **state)
{
    fixture f;

    (void)state;
    open_fixture(&f, 0);
    ofr_adamw_begin(&f.adamw, OFR_GROUP_ALL);
    assert_int_equal(f.adamw.n_spans, 1); /* without decay nothing parts them */
    ofr_adamw_update(&f.adamw, f.encoder.w, f.grads, 0.1, 1);
    assert_int_equal(f.adamw.t, 1);
    ofr_adamw_begin(&f.adamw, OFR_GROUP_ALL);
    assert_int_equal(f.adamw.t, 0);
    for (size_t i = 0; i < f.encoder.params.total; i++)
        assert_true(f.adamw.m[i] == 0 && f.adamw.v[i] == 0);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
