/* ref.h - the plainest kernels, in double: what the fast ones are held against. */
#ifndef OFR_KERNELS_REF_H
#define OFR_KERNELS_REF_H

#include "kernels/ops.h"

double ofr_ref_act(double x, ofr_act act);
double ofr_ref_act_slope(double x, ofr_act act);
double ofr_ref_drop(double x, size_t index, ofr_drop drop);

void ofr_ref_linear(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                    const ofr_real *w, const ofr_packed *packed, const ofr_real *b, int R,
                    int I, int O, ofr_act act);
void ofr_ref_gemm(ofr_dev *dev, ofr_real *c, ptrdiff_t ldc, ofr_mat a, ofr_mat b, int M,
                  int N, int K, bool accumulate);
void ofr_ref_col_sum(ofr_dev *dev, ofr_real *db, const ofr_real *dy, int R, int O);

void ofr_ref_act_all(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n, ofr_act act);
void ofr_ref_act_bwd(ofr_dev *dev, ofr_real *dx, const ofr_real *dy, const ofr_real *x,
                     size_t n, ofr_act act);
void ofr_ref_dropout(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n,
                     ofr_drop drop);
void ofr_ref_add(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n);
void ofr_ref_scale(ofr_dev *dev, ofr_real *y, ofr_real a, size_t n);
double ofr_ref_sum_squares(ofr_dev *dev, const ofr_real *x, size_t n);
void ofr_ref_adamw(ofr_dev *dev, ofr_real *w, const ofr_real *g, ofr_real *m, ofr_real *v,
                   size_t n, ofr_adamw_step step);

void ofr_ref_add_layernorm(ofr_dev *dev, ofr_real *y, ofr_real *s, ofr_real *mean,
                           ofr_real *rstd, const ofr_real *a, const ofr_real *res,
                           const ofr_real *g, const ofr_real *b, int R, int C,
                           ofr_real eps, ofr_drop drop);
void ofr_ref_layernorm_bwd(ofr_dev *dev, ofr_real *dx, ofr_real *dg, ofr_real *db,
                           const ofr_real *dy, const ofr_real *x, const ofr_real *mean,
                           const ofr_real *rstd, const ofr_real *g, int R, int C);
void ofr_ref_embed(ofr_dev *dev, ofr_real *y, ofr_lookup word, const ofr_real *pos,
                   const ofr_real *type, const int *ids, const int *positions,
                   const int *types, int N, int C);
void ofr_ref_embed_bwd(ofr_dev *dev, ofr_real *dword, ofr_real *dpos, ofr_real *dtype,
                       const ofr_real *dy, const int *ids, const int *positions,
                       const int *types, int N, int C);

void ofr_ref_attention(ofr_dev *dev, ofr_real *o, ofr_real *p, const ofr_real *qkv,
                       ofr_attn_shape shape, ofr_drop drop);
void ofr_ref_attention_bwd(ofr_dev *dev, ofr_real *dqkv, const ofr_real *d_o,
                           const ofr_real *qkv, const ofr_real *p, ofr_attn_shape shape,
                           ofr_drop drop);

#endif
