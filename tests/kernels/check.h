/*
 * check.h - shared by the kernel tests: the tables that run on this machine,
 * outputs between guards, tolerances that follow the sums.
 */
#ifndef OFR_TESTS_KERNELS_CHECK_H
#define OFR_TESTS_KERNELS_CHECK_H

#include "support/support.h"

#include <float.h>
#include <math.h>

#include "base/cpu.h"
#include "kernels/dev.h"

enum { CHECK_TABLES = 5, CHECK_GUARD = 64 };

struct check {
    ofr_dev *one[CHECK_TABLES]; /* NULL: not on this machine */
    ofr_dev *two[CHECK_TABLES]; /* the same with more threads */
};

static const unsigned check_needs[CHECK_TABLES] = {
    0, OFR_CPU_BLAS, OFR_CPU_AVX2, OFR_CPU_AVX512, OFR_CPU_AVX512VNNI};
static const char *const check_names[CHECK_TABLES] = {"scalar", "blas", "avx2", "avx512",
                                                      "avx512vnni"};

/* Does one row come out the same whatever stands beside it?  Not from a BLAS. */
static inline bool check_rows_alone(const ofr_dev *dev)
{
    return strcmp(dev->ops.name, "blas") != 0;
}

static inline int check_open(void **state)
{
    struct check *check = calloc(1, sizeof *check);
    unsigned have = ofr_cpu_features();
    if (!check) return -1;
    for (int i = 0; i < CHECK_TABLES; i++) {
        const ofr_ops ops = ofr_ops_select(have & check_needs[i]);
        if (strcmp(ops.name, check_names[i]) != 0) {
            if (check_needs[i] != OFR_CPU_BLAS) /* an option of the build */
                printf("skip %s: not on this machine\n", check_names[i]);
            continue;
        }
        printf("runs %s\n", check_names[i]);
        if (ofr_dev_open(&check->one[i], &ops, 1, 700, NULL)) return -1;
        if (ofr_dev_open(&check->two[i], &ops, 3, 700, NULL)) return -1;
        if (!check_rows_alone(check->one[i]))
            printf("skip rows alone by %s: its loops follow the shape\n", ops.name);
    }
    *state = check;
    return 0;
}

static inline int check_close(void **state)
{
    struct check *check = *state;
    for (int i = 0; i < CHECK_TABLES; i++) {
        ofr_dev_close(check->one[i]);
        ofr_dev_close(check->two[i]);
    }
    free(check);
    return 0;
}

/* ---- numbers ------------------------------------------------------------- */

/* A repeatable sequence, for shapes and choices. */
static inline unsigned check_next(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (unsigned)(((unsigned long long)(*seed >> 4) * below) >> 28);
}

/* Exactly n reals on the heap, so that a sanitizer sees reads beyond them. */
static inline ofr_real *check_random(size_t n, unsigned seed, double scale)
{
    ofr_real *p = malloc((n ? n : 1) * sizeof *p);
    assert_non_null(p);
    support_random(p, n, seed, scale);
    return p;
}

/* |x| of everything: a kernel of sums run on it gives the sum of |terms|. */
static inline ofr_real *check_abs(const ofr_real *x, size_t n)
{
    ofr_real *p = malloc((n ? n : 1) * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = OFR_R(fabs)(x[i]);
    return p;
}

/* ---- guarded outputs ------------------------------------------------------ */

struct guarded {
    ofr_real *raw, *p;
    size_t n;
};

static const ofr_real check_guard = (ofr_real)-7.25e18;

static inline struct guarded check_guarded(size_t n)
{
    struct guarded g = {.n = n};
    g.raw = malloc((n + 2 * CHECK_GUARD) * sizeof *g.raw);
    assert_non_null(g.raw);
    for (size_t i = 0; i < n + 2 * CHECK_GUARD; i++)
        g.raw[i] = check_guard;
    g.p = g.raw + CHECK_GUARD;
    return g;
}

/* Outputs start as NaN, so that an element left out is seen. */
static inline void check_unset(struct guarded *g)
{
    for (size_t i = 0; i < g->n; i++)
        g->p[i] = (ofr_real)NAN;
}

/* The whole output becomes a copy of from[n]. */
static inline void check_fill(struct guarded *g, const ofr_real *from)
{
    for (size_t i = 0; i < g->n; i++)
        g->p[i] = from[i];
}

static inline void check_guards(const char *what, const struct guarded *g)
{
    for (size_t i = 0; i < CHECK_GUARD; i++)
        if (g->raw[i] != check_guard || g->p[g->n + i] != check_guard)
            fail_msg("%s: wrote outside its output", what);
}

/* |got - want| <= slack * eps * scale + tiny for all i; scale NULL: |want|. */
static inline void check_near(const char *what, const ofr_real *got, const ofr_real *want,
                              const ofr_real *scale, size_t n, double slack)
{
    for (size_t i = 0; i < n; i++) {
        double unit = fabs((double)(scale ? scale[i] : want[i]));
        double limit = slack * (double)OFR_REAL_EPS * unit + 1e-37;
        double off = fabs((double)got[i] - (double)want[i]);
        if (!(off <= limit))
            fail_msg("%s: element %zu of %zu is %.9g, want %.9g, limit %.3g", what, i, n,
                     (double)got[i], (double)want[i], limit);
    }
}

static inline void check_same(const char *what, const ofr_real *a, const ofr_real *b,
                              size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0)
            fail_msg("%s: element %zu of %zu differs in bits: %.9g and %.9g", what, i, n,
                     (double)a[i], (double)b[i]);
}

#endif
