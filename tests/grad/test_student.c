/*
 * test_student.c - the student classifier: its forward against plain loops, every
 * gradient against finite differences, inference against training, a text alone
 * against a batch.
 */
#include "method/tiny_encoder.h"

#include "exit/student.h"
#include "kernels/dev.h"

enum { L = 3, B = 4, C = 6, K = 3, S = 8, N = 13, MAX_T = 6, LAYER = 2 };
enum { N_Z = B * K };

static const int offsets[B + 1] = {0, 4, 5, 11, N};

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_student student;
    ofr_real x[N * C], r[N_Z], z[N_Z]; /* loss = sum r z */
} fixture;

static const tiny_shape shape = {.L = L, .C = C, .H = 2, .F = 8, .K = K,
                                 .policy_hidden = 4};

static void open_fixture(fixture *f, bool training)
{
    ofr_error err;
    tiny_encoder(&f->encoder, &shape, 5);
    f->encoder.config.student_width = S;
    const ofr_encoder_parts parts = {L, OFR_GATE_POLICY, OFR_HEAD_STUDENT, false};
    assert_ok(ofr_encoder_reshape(&f->encoder, &parts, 3, &err), err);
    for (int i = 0; i < f->encoder.params.n; i++) { /* biases and classifiers too */
        const ofr_param *row = &f->encoder.params.rows[i];
        if (row->group == OFR_GROUP_HEADS)
            support_random(f->encoder.w + row->offset, row->count, 100 + (uint64_t)i,
                           0.8);
    }
    assert_ok(ofr_dev_open(&f->dev, &ofr_ops_scalar, 2, 16, &err), err);
    assert_ok(ofr_student_open(&f->student, &f->encoder, f->dev, B, MAX_T, N, training,
                               &err),
              err);
    support_random(f->x, N * C, 1, 1.5);
    support_random(f->r, N_Z, 2, 1);
}

static void close_fixture(fixture *f)
{
    ofr_student_close(&f->student);
    ofr_dev_close(f->dev);
    ofr_encoder_close(&f->encoder);
}

static double loss(fixture *f)
{
    double sum = 0;
    ofr_student_forward(&f->student, LAYER, f->z, f->x, offsets, B);
    for (int i = 0; i < N_Z; i++)
        sum += (double)f->r[i] * (double)f->z[i];
    return sum;
}

#define BEFORE 0.25 /* gradients must come out on top of what was there */

static void test_gradients(void **state)
{
    const double h = 1e-5;
    fixture f;
    size_t moved = 0;
    (void)state;
    open_fixture(&f, true);
    size_t n = f.encoder.params.total;
    ofr_real *grads = test_malloc(n * sizeof *grads);
    for (size_t i = 0; i < n; i++)
        grads[i] = (ofr_real)BEFORE;
    (void)loss(&f);
    ofr_student_backward(&f.student, grads, f.r);
    for (int p = 0; p < f.encoder.params.n; p++) {
        const ofr_param *row = &f.encoder.params.rows[p];
        bool mine = row->group == OFR_GROUP_HEADS && row->layer == LAYER;
        for (size_t i = row->offset; i < row->offset + row->count; i++) {
            ofr_real kept = f.encoder.w[i];
            f.encoder.w[i] = kept + (ofr_real)h;
            double up = mine ? loss(&f) : 0;
            f.encoder.w[i] = kept - (ofr_real)h;
            double down = mine ? loss(&f) : 0;
            f.encoder.w[i] = kept;
            support_close_one(row->name, (double)grads[i] - BEFORE, (up - down) / (2 * h),
                              1e-8);
            moved += fabs((double)grads[i] - BEFORE) > 1e-6;
        }
    }
    assert_true(moved > S * C + 4 * S * S);
    ofr_real *once = test_malloc(n * sizeof *once);
    memcpy(once, grads, n * sizeof *once);
    (void)loss(&f);
    ofr_student_backward(&f.student, grads, f.r); /* nothing is left of the first */
    for (size_t i = 0; i < n; i++)
        support_close_one("again", (double)grads[i], 2 * (double)once[i] - BEFORE, 1e-12);
    test_free(once);
    test_free(grads);
    close_fixture(&f);
}

/* ---- the definition ------------------------------------------------------------ */

static void product(double *y, const double *x, const fixture *f, size_t w, size_t b,
                    int in, int out)
{
    for (int o = 0; o < out; o++) {
        y[o] = (double)f->encoder.w[b + (size_t)o];
        for (int i = 0; i < in; i++)
            y[o] += (double)f->encoder.w[w + (size_t)(o * in + i)] * x[i];
    }
}

static void squash(double *x, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = tanh(x[i]);
}

/* z[K] of the text [first, end). */
static void plain(double *z, const fixture *f, int first, int end)
{
    const ofr_exit_at *exit = &f->encoder.params.exits[LAYER - 1];
    const ofr_student_at *at = &exit->student;
    double qkv[MAX_T][3 * S], o[S] = {0}, out[S], top[S];
    int T = end - first, D = S / 2;
    for (int t = 0; t < T; t++) {
        double x[C], a[S];
        for (int c = 0; c < C; c++)
            x[c] = (double)f->x[(first + t) * C + c];
        product(a, x, f, at->in_w, at->in_b, C, S);
        squash(a, S);
        product(qkv[t], a, f, at->qkv_w, at->qkv_b, S, 3 * S);
    }
    for (int h = 0; h < 2; h++) {
        double p[MAX_T], sum = 0;
        for (int j = 0; j < T; j++) {
            double s = 0;
            for (int d = h * D; d < (h + 1) * D; d++)
                s += qkv[0][d] * qkv[j][S + d];
            sum += p[j] = exp(s / sqrt((double)D));
        }
        for (int j = 0; j < T; j++)
            for (int d = h * D; d < (h + 1) * D; d++)
                o[d] += p[j] / sum * qkv[j][2 * S + d];
    }
    product(out, o, f, at->out_w, at->out_b, S, S);
    product(top, out, f, at->top_w, at->top_b, S, S);
    squash(top, S);
    product(z, top, f, exit->head_w, exit->head_b, S, K);
}

static void test_forward(void **state)
{
    (void)state;
    for (int training = 0; training < 2; training++) {
        fixture f;
        double z[K];
        open_fixture(&f, training);
        (void)loss(&f);
        for (int b = 0; b < B; b++) {
            plain(z, &f, offsets[b], offsets[b + 1]);
            for (int k = 0; k < K; k++)
                support_close_one("logit", (double)f.z[b * K + k], z[k], 1e-12);
        }
        close_fixture(&f);
    }
}

/* Training and inference, alone and in company: the same bits. */
static void test_same_bits(void **state)
{
    fixture trains, f;
    ofr_real alone[K];
    (void)state;
    open_fixture(&trains, true);
    open_fixture(&f, false);
    (void)loss(&trains);
    (void)loss(&f);
    assert_memory_equal(trains.z, f.z, sizeof f.z);
    for (int b = 0; b < B; b++) {
        int own[2] = {0, offsets[b + 1] - offsets[b]};
        ofr_student_forward(&f.student, LAYER, alone, f.x + offsets[b] * C, own, 1);
        assert_memory_equal(alone, f.z + b * K, sizeof alone);
    }
    close_fixture(&trains);
    close_fixture(&f);
}

/* A model without students takes nothing. */
static void test_without(void **state)
{
    ofr_encoder encoder;
    ofr_student student;
    ofr_error err;
    (void)state;
    tiny_encoder(&encoder, &shape, 5);
    assert_ok(ofr_student_open(&student, &encoder, NULL, B, MAX_T, N, true, &err), err);
    assert_null(student.slots.base);
    assert_false(ofr_student_answers(&encoder, 1));
    ofr_student_close(&student);
    ofr_encoder_close(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
