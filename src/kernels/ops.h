/*
 * ops.h - THE contract between mathematics and processors.
 *
 * Whatever costs a noticeable share of the time goes through this table: above it
 * stand a few short loops over rows of outputs (a loss, a sigmoid, sums of ranks).
 * A processor is a table.  The scalar table is complete and compiles in ofr_real
 * (double in the gradcheck build); faster tables are float and may have gaps.
 *
 * Conventions: row-major, dense unless a stride is given, shapes outermost
 * first.  Outputs come first.  `=` overwrites, `+=` accumulates.  Pointers never
 * alias unless said.  Work is split over outputs, never over a sum, so results
 * do not depend on the number of threads; and one output row is computed by the
 * same sequence of operations wherever it stands in the batch, so a text's
 * result does not depend on its neighbours, bit for bit.  The table "blas" alone
 * keeps only the first of these promises (kernels/cpu/ops_blas.c).
 *
 * Letters: R rows, I in, O out, C channels, B texts, H heads, D = C / H.
 */
#ifndef OFR_KERNELS_OPS_H
#define OFR_KERNELS_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "tensor/dtype.h"
#include "tensor/real.h"

typedef struct ofr_dev ofr_dev;

typedef enum ofr_act {
    OFR_ACT_NONE,
    OFR_ACT_GELU,      /* x Phi(x), by erf; fast ones within 2^-23 |x| + 2e-8       */
    OFR_ACT_GELU_TANH, /* "gelu_new": 0.5x(1+tanh(sqrt(2/pi)(x+0.044715x^3)))    */
    OFR_ACT_RELU,
    OFR_ACT_TANH,
    OFR_ACT_SILU
} ofr_act;

/* Inverted dropout: element i of the tensor (i counts from 0, row-major) is
 * zeroed when ofr_rng_mix32(key, first + (uint32_t)i) < threshold, otherwise
 * multiplied by scale.  threshold == 0: off, nothing is multiplied. */
typedef struct ofr_drop {
    uint32_t key;
    uint32_t threshold; /* p * 2^32 */
    ofr_real scale;     /* 1 / (1 - p) */
    uint32_t first;     /* the number of element 0: a rank has a part of a tensor */
} ofr_drop;

/* A matrix seen through strides: element (i, j) is p[i * rs + j * cs].  One of
 * the strides is 1 wherever speed matters. */
typedef struct ofr_mat {
    const ofr_real *p;
    ptrdiff_t rs, cs;
} ofr_mat;

/* Texts one after another: text b has rows offsets[b] .. offsets[b+1]-1. */
typedef struct ofr_attn_shape {
    int B, H, D;
    const int *offsets;      /* [B+1] */
    const size_t *p_offsets; /* [B+1] start of text b's [H,T,T] probabilities;
                                may be NULL when p is NULL */
    const int *queries;      /* [B] forward only: the first queries[b] rows of
                                text b ask, the others only answer and keep
                                their o and p as they are.  NULL: all rows ask */
} ofr_attn_shape;

/* A matrix w[O,I] as pack() left it; borrowed. */
typedef struct ofr_packed {
    ofr_precision precision;
    const void *data;
} ofr_packed;

/* A table of rows, each C wide.  INT8: row i is scale[i] times its bytes. */
typedef struct ofr_lookup {
    ofr_precision precision;
    const void *data;   /* of this precision's type, row after row          */
    const float *scale; /* INT8 only                                        */
} ofr_lookup;

typedef struct ofr_adamw_step { /* double: 1 - beta2 must not lose its digits */
    double lr, beta1, beta2, eps, decay; /* decay: decoupled, times lr        */
    double correct1, correct2;           /* 1 - beta^t                        */
    double grad_scale;                   /* clipping factor, applied to g     */
} ofr_adamw_step;

typedef struct ofr_ops {
    const char *name; /* "ref", "scalar", "blas", "avx2", "avx512", "avx512vnni" */

    /* Bytes that w[O,I] takes packed at `precision`, and the packing itself, for
     * linear() of this same table.  Packing is a permutation plus zeros of w
     * rounded to the precision; INT8 rounds as tensor/quant.h says with
     * OFR_INT8_WEIGHT and takes I <= OFR_INT8_DEPTH. */
    size_t (*pack_size)(ofr_precision precision, int O, int I);
    void (*pack)(ofr_dev *dev, void *packed, ofr_precision precision, const ofr_real *w,
                 int O, int I);
    /* The same for INT8 from q[O,I], |q| <= OFR_INT8_WEIGHT, and scale[O]. */
    void (*pack_int8)(ofr_dev *dev, void *packed, const int8_t *q, const float *scale,
                      int O, int I);

    /* y[R,O] = act(x[R,I] w[O,I]^T + b[O]).
     * packed: w packed by pack(), or NULL (then w is packed on the fly);
     *         w may be NULL when packed is given.
     * b may be NULL.  pre[R,O] = the value before act, NULL if not wanted
     * (may be y itself only when act is NONE; NULL at INT8).  Packed or not, the
     * bits of y are the same.  INT8: see kernels/cpu/body_int8.h. */
    void (*linear)(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                   const ofr_real *w, const ofr_packed *packed, const ofr_real *b, int R,
                   int I, int O, ofr_act act);

    /* c[M,N] (row stride ldc)  = or +=  a[M,K] b[K,N]. */
    void (*gemm)(ofr_dev *dev, ofr_real *c, ptrdiff_t ldc, ofr_mat a, ofr_mat b, int M,
                 int N, int K, bool accumulate);

    /* db[O] += sum over rows of dy[R,O]. */
    void (*col_sum)(ofr_dev *dev, ofr_real *db, const ofr_real *dy, int R, int O);

    /* y[n] = act(x[n]);  dx[n] = dy[n] * act'(x[n]) with x the value before act.
     * y may be x; dx may be dy. */
    void (*act)(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n, ofr_act act);
    void (*act_bwd)(ofr_dev *dev, ofr_real *dx, const ofr_real *dy, const ofr_real *x,
                    size_t n, ofr_act act);

    /* y[n] = drop(x[n]); y may be x.  Its own backward. */
    void (*dropout)(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n,
                    ofr_drop drop);

    /* s[R,C] = drop(a[R,C]) + res[R,C];  mean[R], rstd[R] of s;
     * y[R,C] = (s - mean) * rstd * g[C] + b[C].
     * res may be NULL (zero).  s may be a; s may be y (then the sum is lost).
     * mean, rstd may be NULL. */
    void (*add_layernorm)(ofr_dev *dev, ofr_real *y, ofr_real *s, ofr_real *mean,
                          ofr_real *rstd, const ofr_real *a, const ofr_real *res,
                          const ofr_real *g, const ofr_real *b, int R, int C,
                          ofr_real eps, ofr_drop drop);

    /* dx[R,C] = ...   dg[C] += ...   db[C] += ...   dx may be dy. */
    void (*layernorm_bwd)(ofr_dev *dev, ofr_real *dx, ofr_real *dg, ofr_real *db,
                          const ofr_real *dy, const ofr_real *x, const ofr_real *mean,
                          const ofr_real *rstd, const ofr_real *g, int R, int C);

    /* qkv[N,3C] holds q, k, v side by side.  Per text and head:
     *   p = softmax(q k^T / sqrt(D)),  o[N,C] = drop(p) v.
     * p: [H,T,T] per text at p_offsets, before dropout; NULL if not wanted.
     * The dropout index of p counts from p_offsets (drop needs p_offsets). */
    void (*attention)(ofr_dev *dev, ofr_real *o, ofr_real *p, const ofr_real *qkv,
                      ofr_attn_shape shape, ofr_drop drop);

    /* dqkv[N,3C] = gradient given d_o[N,C] and p from attention(). */
    void (*attention_bwd)(ofr_dev *dev, ofr_real *dqkv, const ofr_real *d_o,
                          const ofr_real *qkv, const ofr_real *p, ofr_attn_shape shape,
                          ofr_drop drop);

    /* y[N,C] = word[ids[n]] + pos[positions[n]] + type[types[n]].
     * type (and types) may be NULL. */
    void (*embed)(ofr_dev *dev, ofr_real *y, ofr_lookup word, const ofr_real *pos,
                  const ofr_real *type, const int *ids, const int *positions,
                  const int *types, int N, int C);

    /* dword[ids[n]] += dy[n], dpos.., dtype..; in order of n for every row. */
    void (*embed_bwd)(ofr_dev *dev, ofr_real *dword, ofr_real *dpos, ofr_real *dtype,
                      const ofr_real *dy, const int *ids, const int *positions,
                      const int *types, int N, int C);

    /* y[n] += x[n];   y[n] *= a. */
    void (*add)(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n);
    void (*scale)(ofr_dev *dev, ofr_real *y, ofr_real a, size_t n);

    /* Sum of squares in double, over fixed blocks in a fixed order. */
    double (*sum_squares)(ofr_dev *dev, const ofr_real *x, size_t n);

    /* AdamW (Loshchilov & Hutter, decoupled), all arrays [n]:
     *   g' = g*grad_scale; m = b1 m + (1-b1) g'; v = b2 v + (1-b2) g'^2;
     *   w -= lr*decay*w;  w -= lr * (m/correct1) / (sqrt(v/correct2) + eps). */
    void (*adamw)(ofr_dev *dev, ofr_real *w, const ofr_real *g, ofr_real *m, ofr_real *v,
                  size_t n, ofr_adamw_step step);
} ofr_ops;

extern const ofr_ops ofr_ops_ref;    /* plainest loops, double sums; tests only    */
extern const ofr_ops ofr_ops_scalar; /* complete                                   */
extern const ofr_ops ofr_ops_blas;   /* with -DOFR_BLAS=ON: products, the rest NULL */
extern const ofr_ops ofr_ops_avx2;   /* not in the double build; gaps are NULL     */
extern const ofr_ops ofr_ops_avx512;
extern const ofr_ops ofr_ops_avx512vnni;

/* The best table made of what is in `features` (base/cpu.h): the scalar one,
 * overlaid with each faster one in turn.  Pure: same argument, same table. */
ofr_ops ofr_ops_select(unsigned features);

#endif
