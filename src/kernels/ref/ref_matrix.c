/* ref_matrix.c - products as three loops with sums in double. */
#include "kernels/ref/ref.h"

void ofr_ref_linear(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                    const ofr_real *w, const ofr_packed *packed, const ofr_real *b, int R,
                    int I, int O, ofr_act act)
{
    (void)dev;
    (void)packed; /* the plain form will do */
    for (int r = 0; r < R; r++)
        for (int o = 0; o < O; o++) {
            double sum = b ? (double)b[o] : 0;
            for (int i = 0; i < I; i++)
                sum += (double)x[(size_t)r * I + i] * (double)w[(size_t)o * I + i];
            size_t at = (size_t)r * O + o;
            if (pre) pre[at] = (ofr_real)sum;
            if (y != pre || act != OFR_ACT_NONE) y[at] = (ofr_real)ofr_ref_act(sum, act);
        }
}

void ofr_ref_gemm(ofr_dev *dev, ofr_real *c, ptrdiff_t ldc, ofr_mat a, ofr_mat b, int M,
                  int N, int K, bool accumulate)
{
    (void)dev;
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double sum = accumulate ? (double)c[m * ldc + n] : 0;
            for (int k = 0; k < K; k++)
                sum +=
                    (double)a.p[m * a.rs + k * a.cs] * (double)b.p[k * b.rs + n * b.cs];
            c[m * ldc + n] = (ofr_real)sum;
        }
}

void ofr_ref_col_sum(ofr_dev *dev, ofr_real *db, const ofr_real *dy, int R, int O)
{
    (void)dev;
    for (int o = 0; o < O; o++) {
        double sum = (double)db[o];
        for (int r = 0; r < R; r++)
            sum += (double)dy[(size_t)r * O + o];
        db[o] = (ofr_real)sum;
    }
}
