/*
 * ops_blas.c - f32 products by the BLAS that the build was given (OFR_BLAS).
 *
 * For processors that we have no vectors for: linear() in f32 and gemm() call
 * cblas_sgemm(); the other precisions and all other entries stay with the scalar
 * table, over which this one is laid.
 *
 * A product is cut into blocks of outputs, always the same ones, and each is one
 * call on one thread: our team does the work, as many as it was allowed, and the bits
 * do not depend on their number.  What no BLAS promises is that a row is computed
 * alike whatever stands beside it, for loops are chosen by the shape; so a text's
 * bits depend on its batch here, and here alone (docs/DETERMINISM.md).
 */
#include <cblas.h>
#include <limits.h>
#include <string.h>

#undef I /* of <complex.h>, which some cblas.h bring */

#include "kernels/dev.h"

enum {
    BLOCK_M = 256,    /* outputs of one call: few enough to share,      */
    BLOCK_N = 128,    /* enough to be worth the copies that a call makes */
    SERIAL = 1 << 18, /* multiply-adds below which one thread is faster than two */
    PTHREADS = 1      /* openblas_get_parallel(): threads of its own    */
};

/* How a BLAS is told to start no threads.  Weak: each brings some of these or none. */
int openblas_get_parallel(void) __attribute__((weak));
int openblas_get_num_threads(void) __attribute__((weak));
void openblas_set_num_threads(int n) __attribute__((weak));
int omp_get_max_threads(void) __attribute__((weak));
void omp_set_num_threads(int n) __attribute__((weak));

/* A matrix as a BLAS reads it. */
struct side {
    ofr_mat at;
    enum CBLAS_TRANSPOSE turn;
    int ld;
};

struct product {
    ofr_real *c; /* [M,N] */
    int ldc;
    struct side a, b;
    const ofr_real *bias;
    int M, N, K;
    ofr_real beta;
};

/* False: neither rows nor columns lie one after another. */
static bool side_of(struct side *side, ofr_mat at, int rows, int columns)
{
    bool plain = at.cs == 1 && at.rs >= columns, turned = at.rs == 1 && at.cs >= rows;
    ptrdiff_t ld = plain ? at.rs : at.cs;
    *side = (struct side){at, plain ? CblasNoTrans : CblasTrans, (int)ld};
    return (plain || turned) && ld <= INT_MAX;
}

static void block(const struct product *g, int m, int n)
{
    int rows = g->M - m < BLOCK_M ? g->M - m : BLOCK_M;
    int columns = g->N - n < BLOCK_N ? g->N - n : BLOCK_N;
    ofr_real *c = g->c + (ptrdiff_t)m * g->ldc + n;
    cblas_sgemm(CblasRowMajor, g->a.turn, g->b.turn, rows, columns, g->K, 1,
                g->a.at.p + m * g->a.at.rs, g->a.ld, g->b.at.p + n * g->b.at.cs, g->b.ld,
                g->beta, c, g->ldc);
    for (int r = 0; g->bias && r < rows; r++, c += g->ldc)
        for (int j = 0; j < columns; j++)
            c[j] += g->bias[n + j];
}

static int blocks_of(int n, int size)
{
    return (n + size - 1) / size;
}

/* OpenMP's number belongs to the thread that calls, and the caller's is given back. */
static void multiply_part(void *arg, int t, int n_parts)
{
    const struct product *g = arg;
    int wide = blocks_of(g->N, BLOCK_N), blocks = blocks_of(g->M, BLOCK_M) * wide;
    int before = omp_get_max_threads ? omp_get_max_threads() : 1;
    if (omp_set_num_threads) omp_set_num_threads(1);
    for (int i = t; i < blocks; i += n_parts)
        block(g, i / wide * BLOCK_M, i % wide * BLOCK_N);
    if (omp_set_num_threads) omp_set_num_threads(before);
}

static void multiply(const ofr_dev *dev, struct product *g)
{
    if (g->M <= 0 || g->N <= 0) return;
    int blocks = blocks_of(g->M, BLOCK_M) * blocks_of(g->N, BLOCK_N);
    bool small = (double)g->M * g->N * g->K < SERIAL;
    /* The number of an OpenBLAS with threads of its own is the whole process's. */
    if (openblas_set_num_threads && openblas_get_num_threads && openblas_get_parallel &&
        openblas_get_parallel() == PTHREADS && openblas_get_num_threads() != 1)
        openblas_set_num_threads(1);
    int want = small ? 1 : blocks < dev->n_threads ? blocks : dev->n_threads;
    ofr_dev_run(dev, want, multiply_part, g);
}

/* ---- the entries: f32 is w as it is, the rest is the scalar table's ------------- */

static size_t pack_size(ofr_precision precision, int O, int I)
{
    if (precision != OFR_PRECISION_F32) return ofr_ops_scalar.pack_size(precision, O, I);
    return (size_t)O * (size_t)I * sizeof(ofr_real);
}

static void pack(ofr_dev *dev, void *packed, ofr_precision precision, const ofr_real *w,
                 int O, int I)
{
    if (precision == OFR_PRECISION_F32)
        memcpy(packed, w, pack_size(precision, O, I));
    else
        ofr_ops_scalar.pack(dev, packed, precision, w, O, I);
}

static void pack_int8(ofr_dev *dev, void *packed, const int8_t *q, const float *scale,
                      int O, int I)
{
    ofr_ops_scalar.pack_int8(dev, packed, q, scale, O, I);
}

static void linear(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                   const ofr_real *w, const ofr_packed *packed, const ofr_real *b, int R,
                   int I, int O, ofr_act act)
{
    if (packed && packed->precision != OFR_PRECISION_F32) {
        ofr_ops_scalar.linear(dev, y, pre, x, w, packed, b, R, I, O, act);
        return;
    }
    struct product g = {
        .c = pre ? pre : y,
        .ldc = O,
        .a = {{x, I, 1}, CblasNoTrans, I},
        .b = {{packed ? packed->data : w, 1, I}, CblasTrans, I},
        .bias = b,
        .M = R,
        .N = O,
        .K = I,
    };
    multiply(dev, &g);
    if (act != OFR_ACT_NONE || g.c != y)
        ofr_ops_scalar.act(dev, y, g.c, (size_t)R * (size_t)O, act);
}

static void gemm(ofr_dev *dev, ofr_real *c, ptrdiff_t ldc, ofr_mat a, ofr_mat b, int M,
                 int N, int K, bool accumulate)
{
    struct product g = {.c = c, .ldc = (int)ldc, .M = M, .N = N, .K = K,
                        .beta = accumulate};
    if (side_of(&g.a, a, M, K) && side_of(&g.b, b, K, N) && ldc <= INT_MAX)
        multiply(dev, &g);
    else
        ofr_ops_scalar.gemm(dev, c, ldc, a, b, M, N, K, accumulate);
}

const ofr_ops ofr_ops_blas = {.name = "blas",
                              .pack_size = pack_size,
                              .pack = pack,
                              .pack_int8 = pack_int8,
                              .linear = linear,
                              .gemm = gemm};
