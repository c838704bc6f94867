/* ref_rows.c - layer norm and embeddings, row by row in double. */
#include <math.h>

#include "kernels/ref/ref.h"

void ofr_ref_add_layernorm(ofr_dev *dev, ofr_real *y, ofr_real *s, ofr_real *mean,
                           ofr_real *rstd, const ofr_real *a, const ofr_real *res,
                           const ofr_real *g, const ofr_real *b, int R, int C,
                           ofr_real eps, ofr_drop drop)
{
    (void)dev;
    for (int r = 0; r < R; r++) {
        size_t at = (size_t)r * C;
        double sum = 0, squares = 0;
        for (int c = 0; c < C; c++) {
            double v = ofr_ref_drop((double)a[at + c], at + c, drop);
            s[at + c] = (ofr_real)(v + (res ? (double)res[at + c] : 0));
            sum += (double)s[at + c];
        }
        double mu = sum / C;
        for (int c = 0; c < C; c++)
            squares += ((double)s[at + c] - mu) * ((double)s[at + c] - mu);
        double inverse = 1 / sqrt(squares / C + (double)eps);
        for (int c = 0; c < C; c++)
            y[at + c] = (ofr_real)(((double)s[at + c] - mu) * inverse * (double)g[c] +
                                   (double)b[c]);
        if (mean) mean[r] = (ofr_real)mu;
        if (rstd) rstd[r] = (ofr_real)inverse;
    }
}

void ofr_ref_layernorm_bwd(ofr_dev *dev, ofr_real *dx, ofr_real *dg, ofr_real *db,
                           const ofr_real *dy, const ofr_real *x, const ofr_real *mean,
                           const ofr_real *rstd, const ofr_real *g, int R, int C)
{
    (void)dev;
    for (int c = 0; c < C; c++) {
        double sum_g = (double)dg[c], sum_b = (double)db[c];
        for (int r = 0; r < R; r++) {
            size_t at = (size_t)r * C + c;
            sum_g += (double)dy[at] * ((double)x[at] - (double)mean[r]) * (double)rstd[r];
            sum_b += (double)dy[at];
        }
        dg[c] = (ofr_real)sum_g;
        db[c] = (ofr_real)sum_b;
    }
    for (int r = 0; r < R; r++) {
        size_t at = (size_t)r * C;
        double mu = (double)mean[r], inverse = (double)rstd[r], mq = 0, mqh = 0;
        for (int c = 0; c < C; c++) {
            double q = (double)dy[at + c] * (double)g[c];
            mq += q / C;
            mqh += q * ((double)x[at + c] - mu) * inverse / C;
        }
        for (int c = 0; c < C; c++) {
            double q = (double)dy[at + c] * (double)g[c];
            double h = ((double)x[at + c] - mu) * inverse;
            dx[at + c] = (ofr_real)(inverse * (q - mq - h * mqh));
        }
    }
}

static double element_of(const ofr_lookup *table, size_t row, size_t c, size_t C)
{
    const uint16_t *half = table->data;
    const int8_t *q = table->data;
    size_t at = row * C + c;
    switch (table->precision) {
    case OFR_PRECISION_F16: return (double)ofr_f16_to_f32(half[at]);
    case OFR_PRECISION_BF16: return (double)ofr_bf16_to_f32(half[at]);
    case OFR_PRECISION_INT8: return (double)q[at] * (double)table->scale[row];
    default: return (double)((const ofr_real *)table->data)[at];
    }
}

void ofr_ref_embed(ofr_dev *dev, ofr_real *y, ofr_lookup word, const ofr_real *pos,
                   const ofr_real *type, const int *ids, const int *positions,
                   const int *types, int N, int C)
{
    (void)dev;
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++) {
            double sum = element_of(&word, (size_t)ids[n], (size_t)c, (size_t)C) +
                         (double)pos[(size_t)positions[n] * C + c];
            if (type) sum += (double)type[(size_t)types[n] * C + c];
            y[(size_t)n * C + c] = (ofr_real)sum;
        }
}

void ofr_ref_embed_bwd(ofr_dev *dev, ofr_real *dword, ofr_real *dpos, ofr_real *dtype,
                       const ofr_real *dy, const int *ids, const int *positions,
                       const int *types, int N, int C)
{
    (void)dev;
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++) {
            ofr_real d = dy[(size_t)n * C + c];
            dword[(size_t)ids[n] * C + c] += d;
            dpos[(size_t)positions[n] * C + c] += d;
            if (dtype) dtype[(size_t)types[n] * C + c] += d;
        }
}
