/*
 * test_checkkernel.c - the products of every table against plain loops.
 *
 * linear, pack, gemm, col_sum: random shapes and awkward ones, strides, guards;
 * packed or not, one thread or several, alone or in a batch: the same bits.
 */
#include "check.h"

#include "kernels/ref/ref.h"

struct shape {
    int R, I, O;
};

static const struct shape awkward[] = {
    {1, 1, 1},     {1, 64, 1},    {1, 513, 700},  {2, 300, 130},  {3, 257, 97},
    {4, 70, 1100}, {7, 256, 31},  {12, 512, 33},  {13, 255, 65},  {25, 64, 256},
    {97, 129, 2},  {101, 33, 67}, {193, 768, 19}, {96, 272, 1056}, {5, 3, 2049},
};

static struct shape shape_number(unsigned i, unsigned *seed)
{
    const unsigned n = sizeof awkward / sizeof awkward[0];
    if (i < n) return awkward[i];
    return (struct shape){1 + (int)check_next(seed, 70), 1 + (int)check_next(seed, 70),
                          1 + (int)check_next(seed, 70)};
}

/* ---- linear ----------------------------------------------------------------- */

struct linear_case {
    struct shape s;
    ofr_act act;
    ofr_real *x, *w, *b; /* b may be NULL */
    ofr_real *want, *want_pre, *scale;
    bool keep_pre;
};

static void linear_case_open(struct linear_case *k, struct shape s, unsigned seed)
{
    size_t x = (size_t)s.R * s.I, w = (size_t)s.O * s.I, y = (size_t)s.R * s.O;
    *k = (struct linear_case){.s = s, .act = (ofr_act)(seed % 6)};
    k->x = check_random(x, seed, seed % 5 == 4 ? 30 : 1);
    k->w = check_random(w, seed + 1, 1);
    k->b = seed % 3 ? check_random((size_t)s.O, seed + 2, 3) : NULL;
    k->keep_pre = seed % 4 > 1;
    k->want = malloc(y * sizeof *k->want);
    k->want_pre = malloc(y * sizeof *k->want_pre);
    k->scale = malloc(y * sizeof *k->scale);
    assert_true(k->want && k->want_pre && k->scale);
    ofr_ops_ref.linear(NULL, k->want, k->want_pre, k->x, k->w, NULL, k->b, s.R, s.I, s.O,
                       k->act);
    ofr_real *ax = check_abs(k->x, x), *aw = check_abs(k->w, w);
    ofr_real *ab = k->b ? check_abs(k->b, (size_t)s.O) : NULL;
    ofr_ops_ref.linear(NULL, k->scale, NULL, ax, aw, NULL, ab, s.R, s.I, s.O,
                       OFR_ACT_NONE);
    free(ax);
    free(aw);
    free(ab);
}

static void linear_case_close(struct linear_case *k)
{
    free(k->x);
    free(k->w);
    free(k->b);
    free(k->want);
    free(k->want_pre);
    free(k->scale);
}

/* Packing only moves numbers and adds zeros: no bit appears or is lost. */
static uint32_t all_bits(const ofr_real *x, size_t n)
{
    uint32_t bits = 0, one;
    for (size_t i = 0; i < n; i++) {
        memcpy(&one, x + i, sizeof one);
        bits += one;
    }
    return bits;
}

static void linear_on(const struct linear_case *k, ofr_dev *dev, ofr_dev *threads)
{
    struct shape s = k->s;
    size_t n = (size_t)s.R * s.O;
    struct guarded y = check_guarded(n), y2 = check_guarded(n), pre = check_guarded(n);
    struct guarded packed = check_guarded(
        dev->ops.pack_size(OFR_PRECISION_F32, s.O, s.I) / sizeof(ofr_real));
    const ofr_packed held = {OFR_PRECISION_F32, packed.p};
    ofr_real *p = k->keep_pre ? pre.p : NULL;
    check_unset(&y);
    check_unset(&pre);
    dev->ops.linear(dev, y.p, p, k->x, k->w, NULL, k->b, s.R, s.I, s.O, k->act);
    check_guards("linear", &y);
    check_guards("linear pre", &pre);
    /* Every activation has a slope below 1.2; its own error is a few ulp. */
    for (size_t i = 0; i < n; i++) {
        double limit = (double)OFR_REAL_EPS * (1.2 * (s.I + 2) * (double)k->scale[i] +
                                               6 * fabs((double)k->want[i])) + 1e-37;
        if (!(fabs((double)y.p[i] - (double)k->want[i]) <= limit))
            fail_msg("linear %s [%d,%d,%d] act %d: element %zu is %.9g, want %.9g",
                     dev->ops.name, s.R, s.I, s.O, (int)k->act, i, (double)y.p[i],
                     (double)k->want[i]);
    }
    if (p) check_near("pre", p, k->want_pre, k->scale, n, s.I + 2);

    check_unset(&packed);
    dev->ops.pack(dev, packed.p, OFR_PRECISION_F32, k->w, s.O, s.I);
    check_guards("pack", &packed);
    assert_int_equal(all_bits(packed.p, packed.n), all_bits(k->w, (size_t)s.O * s.I));
    check_unset(&y2);
    dev->ops.linear(dev, y2.p, NULL, k->x, NULL, &held, k->b, s.R, s.I, s.O, k->act);
    check_same("packed and not", y2.p, y.p, n);
    check_unset(&y2);
    threads->ops.linear(threads, y2.p, NULL, k->x, NULL, &held, k->b, s.R, s.I, s.O,
                        k->act);
    check_guards("linear threads", &y2);
    check_same("threads, packed", y2.p, y.p, n);
    check_unset(&y2);
    threads->ops.linear(threads, y2.p, NULL, k->x, k->w, NULL, k->b, s.R, s.I, s.O,
                        k->act);
    check_same("threads, not packed", y2.p, y.p, n);
    for (int r = 0; r < s.R && check_rows_alone(dev);
         r += 1 + s.R / 3) { /* each row alone, then with those below */
        int tall = r + 5 < s.R ? 5 : s.R - r;
        for (int rows = 1; rows <= tall; rows += 4) {
            threads->ops.linear(threads, y2.p, NULL, k->x + (size_t)r * s.I, NULL,
                                &held, k->b, rows, s.I, s.O, k->act);
            check_same("row alone", y2.p, y.p + (size_t)r * s.O, (size_t)rows * s.O);
        }
    }
    free(y.raw);
    free(y2.raw);
    free(pre.raw);
    free(packed.raw);
}

static void test_linear(void **state)
{
    struct check *check = *state;
    unsigned seed = 1;
    for (unsigned i = 0; i < 150; i++) {
        struct linear_case k;
        linear_case_open(&k, shape_number(i, &seed), i);
        for (int t = 0; t < CHECK_TABLES; t++)
            if (check->one[t]) linear_on(&k, check->one[t], check->two[t]);
        linear_case_close(&k);
    }
}

/* Cancelling sums, huge and tiny values together: the bound follows |terms|. */
static void test_linear_worst(void **state)
{
    struct check *check = *state;
    const int R = 9, I = 400, O = 40;
    ofr_real *x = check_random((size_t)R * I, 3, 1),
             *w = check_random((size_t)O * I, 4, 1);
    ofr_real *want = check_random((size_t)R * O, 5, 1),
             *scale = check_random((size_t)R * O, 6, 1);
    for (int i = 0; i < R * I; i++)
        x[i] *= (i % 3 == 0) ? 1e15f : (i % 3 == 1) ? -1e-15f : 1;
    for (int i = 0; i < O * I; i++)
        w[i] = i % 2 ? -w[i - 1] : w[i];
    ofr_real *ax = check_abs(x, (size_t)R * I), *aw = check_abs(w, (size_t)O * I);
    ofr_ops_ref.linear(NULL, want, NULL, x, w, NULL, NULL, R, I, O, OFR_ACT_NONE);
    ofr_ops_ref.linear(NULL, scale, NULL, ax, aw, NULL, NULL, R, I, O, OFR_ACT_NONE);
    for (int t = 0; t < CHECK_TABLES; t++) {
        ofr_dev *dev = check->one[t];
        struct guarded y = check_guarded((size_t)R * O);
        if (dev) {
            dev->ops.linear(dev, y.p, NULL, x, w, NULL, NULL, R, I, O, OFR_ACT_NONE);
            check_near("worst", y.p, want, scale, (size_t)R * O, I);
            x[5 * I + 7] = (ofr_real)NAN; /* spoils row 5 and no other */
            dev->ops.linear(dev, y.p, NULL, x, w, NULL, NULL, R, I, O, OFR_ACT_GELU);
            for (int i = 0; i < R * O; i++)
                assert_true((isnan(y.p[i]) != 0) == (i / O == 5));
            x[5 * I + 7] = 0.5f;
            ofr_ops_ref.linear(NULL, want, NULL, x, w, NULL, NULL, R, I, O, OFR_ACT_NONE);
        }
        free(y.raw);
    }
    free(x);
    free(w);
    free(want);
    free(scale);
    free(ax);
    free(aw);
}

/* ---- gemm --------------------------------------------------------------------- */

/* A matrix of m by n held row-major, column-major or with gaps both ways. */
static ofr_mat mat_of(ofr_real **owner, int m, int n, unsigned layout, unsigned seed)
{
    ofr_mat a = {NULL, n + 3, 1};
    if (layout == 1) a = (ofr_mat){NULL, 1, m + 2};
    if (layout == 2) a = (ofr_mat){NULL, 2 * n + 1, 2};
    size_t size = (size_t)(m - 1) * (size_t)a.rs + (size_t)(n - 1) * (size_t)a.cs + 1;
    *owner = check_random(size, seed, 1);
    a.p = *owner;
    return a;
}

static void gemm_on(ofr_dev *dev, ofr_dev *threads, struct shape s, ofr_mat a, ofr_mat b,
                    const ofr_real *start, const ofr_real *want, const ofr_real *scale,
                    bool accumulate)
{
    ptrdiff_t ldc = s.O + 5;
    size_t n = (size_t)(s.R - 1) * (size_t)ldc + (size_t)s.O;
    struct guarded c = check_guarded(n), c2 = check_guarded(n);
    for (int r = 0; r < s.R; r++)
        for (int o = 0; o < s.O; o++)
            c.p[r * ldc + o] = c2.p[r * ldc + o] =
                accumulate ? start[(size_t)r * s.O + o] : (ofr_real)NAN;
    dev->ops.gemm(dev, c.p, ldc, a, b, s.R, s.O, s.I, accumulate);
    threads->ops.gemm(threads, c2.p, ldc, a, b, s.R, s.O, s.I, accumulate);
    check_guards("gemm", &c);
    check_guards("gemm threads", &c2);
    check_same("gemm threads", c2.p, c.p, n);
    for (int r = 0; r < s.R; r++) {
        size_t at = (size_t)r * s.O;
        check_near(dev->ops.name, c.p + r * ldc, want + at, scale + at, (size_t)s.O,
                   s.I + 2);
        for (ptrdiff_t gap = s.O; gap < ldc && r + 1 < s.R; gap++)
            assert_true(c.p[r * ldc + gap] == check_guard);
    }
    free(c.raw);
    free(c2.raw);
}

static void test_gemm(void **state)
{
    struct check *check = *state;
    unsigned seed = 77;
    for (unsigned i = 0; i < 150; i++) {
        struct shape s = shape_number(i, &seed);
        ofr_real *pa, *pb;
        ofr_mat a = mat_of(&pa, s.R, s.I, i % 3, i),
                b = mat_of(&pb, s.I, s.O, i / 3 % 3, i + 9);
        size_t n = (size_t)s.R * s.O;
        ofr_real *start = check_random(n, i + 5, 4), *want = check_random(n, i + 5, 4);
        ofr_real *scale = check_abs(start, n);
        size_t na =
            (size_t)(s.R - 1) * (size_t)a.rs + (size_t)(s.I - 1) * (size_t)a.cs + 1;
        size_t nb =
            (size_t)(s.I - 1) * (size_t)b.rs + (size_t)(s.O - 1) * (size_t)b.cs + 1;
        ofr_real *aa = check_abs(pa, na), *ab = check_abs(pb, nb);
        ofr_ops_ref.gemm(NULL, want, s.O, a, b, s.R, s.O, s.I, i % 2);
        ofr_ops_ref.gemm(NULL, scale, s.O, (ofr_mat){aa, a.rs, a.cs},
                         (ofr_mat){ab, b.rs, b.cs}, s.R, s.O, s.I, true);
        for (int t = 0; t < CHECK_TABLES; t++)
            if (check->one[t])
                gemm_on(check->one[t], check->two[t], s, a, b, start, want, scale, i % 2);
        free(pa);
        free(pb);
        free(aa);
        free(ab);
        free(start);
        free(want);
        free(scale);
    }
}

static void test_col_sum(void **state)
{
    struct check *check = *state;
    unsigned seed = 5;
    for (unsigned i = 0; i < 60; i++) {
        struct shape s = shape_number(i, &seed);
        size_t n = (size_t)s.R * s.O;
        ofr_real *dy = check_random(n, i, 2),
                 *start = check_random((size_t)s.O, i + 1, 1);
        ofr_real *ady = check_abs(dy, n), *scale = check_abs(start, (size_t)s.O);
        ofr_real *want = malloc((size_t)s.O * sizeof *want);
        assert_non_null(want);
        memcpy(want, start, (size_t)s.O * sizeof *want);
        ofr_ops_ref.col_sum(NULL, want, dy, s.R, s.O);
        ofr_ops_ref.col_sum(NULL, scale, ady, s.R, s.O);
        for (int t = 0; t < CHECK_TABLES; t++) {
            ofr_dev *dev[2] = {check->one[t], check->two[t]};
            struct guarded db[2] = {check_guarded((size_t)s.O),
                                    check_guarded((size_t)s.O)};
            for (int j = 0; j < 2 && dev[j]; j++) {
                memcpy(db[j].p, start, (size_t)s.O * sizeof *start);
                dev[j]->ops.col_sum(dev[j], db[j].p, dy, s.R, s.O);
                check_guards("col_sum", &db[j]);
                check_near("col_sum", db[j].p, want, scale, (size_t)s.O, s.R + 1);
                check_same("col_sum threads", db[j].p, db[0].p, (size_t)s.O);
            }
            free(db[0].raw);
            free(db[1].raw);
        }
        free(dy);
        free(start);
        free(ady);
        free(scale);
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_linear_worst),
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_col_sum),
    };
    return cmocka_run_group_tests(tests, check_open, check_close);
}
