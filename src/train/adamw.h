/*
 * adamw.h - AdamW (Loshchilov & Hutter) over the parameters that a phase moves.
 *
 * The flat block of parameters is cut into spans: neighbours that are moved and
 * share the same decay.  Decay acts on matrices only.
 */
#ifndef OFR_TRAIN_ADAMW_H
#define OFR_TRAIN_ADAMW_H

#include "kernels/dev.h"
#include "model/params.h"

typedef struct ofr_span {
    size_t at, count; /* reals in the flat block */
    int decay;        /* 1: subject to weight decay */
} ofr_span;

typedef struct ofr_adamw {
    const ofr_params *params; /* borrowed */
    ofr_dev *dev;             /* borrowed */
    double beta1, beta2, eps, weight_decay;
    ofr_real *m, *v;          /* [params->total]; owned */
    ofr_span *spans;          /* [n_spans] of the present phase; owned */
    int n_spans;
    long long t;              /* steps taken in this phase */
} ofr_adamw;

/* Moments for all parameters; no phase begun yet.  Caller closes. */
ofr_status ofr_adamw_open(ofr_adamw *adamw, const ofr_params *params, ofr_dev *dev,
                          double beta1, double beta2, double eps, double weight_decay,
                          ofr_error *err);
void ofr_adamw_close(ofr_adamw *adamw);

/* A phase that moves `groups` begins: spans are cut, moments cleared, t = 0. */
void ofr_adamw_begin(ofr_adamw *adamw, unsigned groups);

/* grads = 0 on the spans. */
void ofr_adamw_clear(const ofr_adamw *adamw, ofr_real *grads);

/* Euclidean length of the gradient over the spans. */
double ofr_adamw_norm(const ofr_adamw *adamw, const ofr_real *grads);

/* w, both [params->total]: one step with gradients times grad_scale. */
void ofr_adamw_update(ofr_adamw *adamw, ofr_real *w, const ofr_real *grads, double lr,
                      double grad_scale);

#endif
