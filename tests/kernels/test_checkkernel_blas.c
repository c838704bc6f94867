/*
 * test_checkkernel_blas.c - our fastest products against those of a BLAS.
 *
 * Built with -DOFR_BLAS=ON only.  Somebody else's code is one more check of ours, on
 * larger shapes than plain loops manage; and what our calls of it promise is checked:
 * blocks that cover everything once, the same bits from any number of threads, strides
 * that it cannot read.
 */
#include "check.h"

struct shape {
    int M, N, K;
};

/* Around the edges of the blocks that ops_blas.c makes, then random ones. */
static struct shape shape_number(unsigned i, unsigned *seed)
{
    static const struct shape edges[] = {{256, 128, 64}, {257, 129, 65}, {255, 127, 300},
                                         {513, 1, 40},   {1, 385, 768},  {700, 300, 1}};
    if (i < sizeof edges / sizeof *edges) return edges[i];
    return (struct shape){1 + (int)check_next(seed, 600), 1 + (int)check_next(seed, 500),
                          1 + (int)check_next(seed, 900)};
}

static ofr_dev *open_by(unsigned features, const char *name, int threads)
{
    const ofr_ops ops = ofr_ops_select(features);
    ofr_dev *dev;
    ofr_error err;
    if (name) assert_string_equal(ops.name, name);
    assert_ok(ofr_dev_open(&dev, &ops, threads, 8, &err), err);
    return dev;
}

static void gemm(ofr_dev *dev, ofr_real *c, const ofr_real *a, const ofr_real *b,
                 struct shape s, bool turned)
{
    ofr_mat left = {a, s.K, 1}, right = {b, s.N, 1};
    if (turned) left = (ofr_mat){a, 1, s.M}, right = (ofr_mat){b, 1, s.K};
    dev->ops.gemm(dev, c, s.N, left, right, s.M, s.N, s.K, false);
}

static void test_against_ours(void **state)
{
    ofr_dev *blas = open_by(OFR_CPU_BLAS, "blas", 1);
    ofr_dev *more = open_by(OFR_CPU_BLAS, "blas", 3);
    ofr_dev *ours = open_by(ofr_cpu_machine() & ~(unsigned)OFR_CPU_BLAS, NULL, 2);
    unsigned seed = 5;
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        struct shape s = shape_number(i, &seed);
        size_t n = (size_t)s.M * s.N, na = (size_t)s.M * s.K, nb = (size_t)s.K * s.N;
        ofr_real *a = check_random(na, i, 1), *b = check_random(nb, i + 1, 1);
        ofr_real *aa = check_abs(a, na), *ab = check_abs(b, nb);
        struct guarded want = check_guarded(n), got = check_guarded(n);
        struct guarded scale = check_guarded(n);
        check_unset(&want);
        check_unset(&got);
        gemm(blas, want.p, a, b, s, i % 2);
        gemm(blas, scale.p, aa, ab, s, i % 2);
        gemm(more, got.p, a, b, s, i % 2);
        check_guards("blas", &want);
        check_same("blas threads", got.p, want.p, n);
        gemm(ours, got.p, a, b, s, i % 2);
        check_near(ours->ops.name, got.p, want.p, scale.p, n, 2 * (s.K + 2));
        free(a), free(b), free(aa), free(ab);
        free(want.raw), free(got.raw), free(scale.raw);
    }
    ofr_dev_close(blas);
    ofr_dev_close(more);
    ofr_dev_close(ours);
}

/* A leading dimension below the width is an error to a BLAS, which may print or exit:
 * a single row or column whose other stride says nothing, a matrix of one row said
 * thrice, one backwards. */
static void test_odd_strides(void **state)
{
    enum { M = 3, N = 5, K = 4 };
    static const struct {
        ptrdiff_t rs, cs, first;
    } lefts[] = {{1, 1, 0}, {0, 1, 0}, {-K, 1, (M - 1) * K}, {K, 1, 0}, {1, M, 0}};
    ofr_dev *blas = open_by(OFR_CPU_BLAS, "blas", 1);
    ofr_real *a = check_random(M * K, 1, 1), *b = check_random(K * N, 2, 1);
    (void)state;
    for (size_t i = 0; i < sizeof lefts / sizeof *lefts; i++)
        for (int rows = 1; rows <= M; rows++) {
            ofr_mat left = {a + lefts[i].first, lefts[i].rs, lefts[i].cs};
            ofr_real got[M * N], want[M * N];
            blas->ops.gemm(blas, got, N, left, (ofr_mat){b, N, 1}, rows, N, K, false);
            for (int m = 0; m < rows; m++)
                for (int n = 0; n < N; n++) {
                    double sum = 0;
                    for (int k = 0; k < K; k++)
                        sum += (double)left.p[m * left.rs + k * left.cs] *
                               (double)b[k * N + n];
                    want[m * N + n] = (ofr_real)sum;
                }
            support_close("odd strides", got, want, (size_t)rows * N, 1e-6, 0);
        }
    free(a);
    free(b);
    ofr_dev_close(blas);
}

#ifdef OFR_X86
static void test_below_avx2(void)
{
    const ofr_ops ops = ofr_ops_select(OFR_CPU_BLAS | OFR_CPU_AVX2);
    assert_string_equal(ops.name, "avx2");
    assert_ptr_equal(ops.linear, ofr_ops_avx2.linear);
    assert_ptr_equal(ops.gemm, ofr_ops_avx2.gemm);
}
#else
static void test_below_avx2(void)
{
}
#endif

/* The ladder: above scalar, below everything that has our vectors. */
static void test_select(void **state)
{
    (void)state;
    assert_string_equal(ofr_ops_select(0).name, "scalar");
    assert_string_equal(ofr_ops_select(OFR_CPU_BLAS).name, "blas");
    assert_ptr_equal(ofr_ops_select(OFR_CPU_BLAS).attention, ofr_ops_scalar.attention);
    assert_true(ofr_cpu_machine() & OFR_CPU_BLAS);
    test_below_avx2();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_against_ours),
        cmocka_unit_test(test_odd_strides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
