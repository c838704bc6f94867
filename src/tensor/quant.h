/*
 * quant.h - rows of numbers as small whole numbers times a scale.
 *
 *   q = round(x / scale), halves to even    scale = max |x| / top
 *
 * A row with a number that is not finite gets the scale NaN and zeros, so that
 * whatever is computed from it is NaN.  Quantising q * scale again gives q.
 */
#ifndef OFR_TENSOR_QUANT_H
#define OFR_TENSOR_QUANT_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/real.h"

/* Tops: matrices of products keep a bit free, see kernels/cpu/body_int8.h. */
enum { OFR_INT8_WEIGHT = 63, OFR_INT8_TABLE = 127 };

/* Longest sum of products of 8-bit numbers. */
enum { OFR_INT8_DEPTH = 65536 };

/* max |x| of x[n]; NaN when one is not finite. */
float ofr_quant_highest(const ofr_real *x, size_t n);

float ofr_quant_scale(const ofr_real *x, size_t n, int top);
/* q[n] with |q| <= top. */
void ofr_quant_row(int8_t *q, const ofr_real *x, size_t n, float scale, int top);

/* q[R,C] and scale[R] of x[R,C]. */
void ofr_quant_rows(int8_t *q, float *scale, const ofr_real *x, int R, int C, int top);

#endif
