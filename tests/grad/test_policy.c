/*
 * Policy networks: gradients of every weight against finite differences, the
 * whole way from the expected reward down to W1; inference against training.
 */
#include "method/tiny_encoder.h"

#include "exit/policy.h"
#include "kernels/dev.h"
#include "method/consistentee_math.h"

enum { L = 5, B = 3, C = 6, P = 4 };

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_policies policies;
    ofr_real c[L * B * C];
    double R[B][L];
} fixture;

static const tiny_shape shape = {
    .L = L, .C = C, .H = 2, .F = 8, .K = 3, .policy_hidden = P};

static void open_fixture(fixture *f)
{
    ofr_error err;
    ofr_real R[B * L];
    tiny_encoder(&f->encoder, &shape, 11);
    assert_ok(ofr_dev_open(&f->dev, &ofr_ops_scalar, 1, 16, &err), err);
    assert_ok(ofr_policies_open(&f->policies, &f->encoder, f->dev, B + 1, &err), err);
    support_random(f->c, L * B * C, 3, 1);
    support_random(R, B * L, 4, 2);
    for (int i = 0; i < B * L; i++)
        f->R[i / L][i % L] = (double)R[i];
}

static void close_fixture(fixture *f)
{
    ofr_policies_close(&f->policies);
    ofr_dev_close(f->dev);
    ofr_encoder_close(&f->encoder);
}

/* Sum over texts of E_q[R]; du[L-1,B] its gradient. */
static double objective(fixture *f, ofr_real *du)
{
    double sum = 0;
    ofr_policies_forward(&f->policies, f->c, B);
    for (int b = 0; b < B; b++) {
        double u[L - 1], g[L - 1];
        for (int l = 0; l < L - 1; l++)
            u[l] = (double)f->policies.u[l * B + b];
        sum += ofr_policy_exact(g, u, f->R[b], L);
        for (int l = 0; l < L - 1; l++)
            du[l * B + b] = (ofr_real)g[l];
    }
    return sum;
}

static double slope(fixture *f, ofr_real *x)
{
    const double h = 1e-5;
    ofr_real kept = *x, du[(L - 1) * B];
    *x = kept + (ofr_real)h;
    double up = objective(f, du);
    *x = kept - (ofr_real)h;
    double down = objective(f, du);
    *x = kept;
    return (up - down) / (2 * h);
}

#define BEFORE 0.25

static void test_gradients(void **state)
{
    (void)state;
    fixture f;
    ofr_real du[(L - 1) * B];
    open_fixture(&f);
    size_t n = f.encoder.params.total, moved = 0;
    ofr_real *grads = test_malloc(n * sizeof *grads);
    for (size_t i = 0; i < n; i++)
        grads[i] = (ofr_real)BEFORE;
    (void)objective(&f, du);
    ofr_policies_backward(&f.policies, grads, du);
    for (int p = 0; p < f.encoder.params.n; p++) {
        const ofr_param *row = &f.encoder.params.rows[p];
        bool mine = row->group == OFR_GROUP_POLICIES;
        for (size_t i = row->offset; i < row->offset + row->count; i++) {
            double want = mine ? slope(&f, &f.encoder.w[i]) : 0;
            support_close_one(row->name, (double)grads[i] - BEFORE, want, 1e-9);
            moved += fabs((double)grads[i] - BEFORE) > 1e-7;
        }
    }
    assert_true(moved > (L - 1) * P * C);
    test_free(grads);
    close_fixture(&f);
}

/* A layer whose du is zero keeps its gradients as they were. */
static void test_silent_layer(void **state)
{
    (void)state;
    fixture f;
    ofr_real du[(L - 1) * B];
    open_fixture(&f);
    ofr_real *all = test_calloc(f.encoder.params.total, sizeof *all);
    ofr_real *some = test_calloc(f.encoder.params.total, sizeof *some);
    (void)objective(&f, du);
    ofr_policies_backward(&f.policies, all, du);
    memset(du + B, 0, B * sizeof *du);
    ofr_policies_backward(&f.policies, some, du);
    for (int l = 0; l < L - 1; l++) {
        size_t w1 = f.encoder.params.exits[l].policy_w1;
        for (size_t i = w1; i < w1 + P * C; i++)
            assert_true(l == 1 ? some[i] == 0 : some[i] == all[i]);
    }
    test_free(all);
    test_free(some);
    close_fixture(&f);
}

static void test_inference_agrees(void **state)
{
    (void)state;
    fixture f;
    ofr_real pi[B], hidden[B * P], du[(L - 1) * B];
    open_fixture(&f);
    (void)objective(&f, du);
    for (int l = 1; l < L; l++) {
        ofr_policy_stop(&f.encoder, f.dev, l, pi, hidden, f.c + (l - 1) * B * C, B);
        for (int b = 0; b < B; b++) {
            double u = (double)f.policies.u[(l - 1) * B + b];
            support_close_one("pi", (double)pi[b], 1 / (1 + exp(-u)), 1e-14);
        }
    }
    /* Saturated and broken logits. */
    ofr_real *b2 = f.encoder.w + f.encoder.params.exits[0].policy_b2;
    static const double levels[3] = {-800, 800, NAN};
    for (int i = 0; i < 3; i++) {
        *b2 = (ofr_real)levels[i];
        ofr_policy_stop(&f.encoder, f.dev, 1, pi, hidden, f.c, B);
        for (int b = 0; b < B; b++)
            assert_true(i == 2 ? isnan(pi[b]) : pi[b] == (i == 0 ? 0 : 1));
    }
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_silent_layer),
        cmocka_unit_test(test_inference_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
