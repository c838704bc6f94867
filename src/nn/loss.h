/*
 * loss.h - losses per text; weights are the caller's.
 *
 * CE = -ln softmax(z)[y], computed as ln S - (z_y - m) with m = max z,
 * S = sum e^(z-m).  Gradient: softmax(z) - onehot(y).
 */
#ifndef OFR_NN_LOSS_H
#define OFR_NN_LOSS_H

#include <stddef.h>

#include "tensor/real.h"

/* CE of one text, z[K]; finite for finite z. */
double ofr_loss_ce(const ofr_real *z, int K, int y);
/* The same of softmax(z / T). */
double ofr_loss_ce_at(const ofr_real *z, int K, int y, double T);
/* dz[K] += weight * dCE/dz. */
void ofr_loss_ce_bwd(ofr_real *dz, const ofr_real *z, int K, int y, double weight);
/* Squared error of regression (K == 1): (z - y)^2, and dz += weight * 2 (z - y). */
double ofr_loss_mse(ofr_real z, double y);
void ofr_loss_mse_bwd(ofr_real *dz, ofr_real z, double y, double weight);

/* Distillation: T^2 KL(softmax(t / T) || softmax(z / T)) of a student z[K] under its
 * teacher t[K], which is constant.  T^2 keeps the gradient's size. */
double ofr_loss_kl(const ofr_real *t, const ofr_real *z, int K, double T);
/* dz[K] += weight * dKL/dz = weight * T (softmax(z / T) - softmax(t / T)). */
void ofr_loss_kl_bwd(ofr_real *dz, const ofr_real *t, const ofr_real *z, int K, double T,
                     double weight);

/* RomeBERT's projection: a[n] = a + b - min(0, <a,b> / <a,a>) a, so that what b adds
 * never works against a.  a == 0: the sum. */
void ofr_loss_project(ofr_real *a, const ofr_real *b, size_t n);

/* ln sigmoid(u) and ln(1 - sigmoid(u)) without overflow: -softplus(-u), -softplus(u). */
double ofr_log_sigmoid(double u);

#endif
