/*
 * real.h - the number type of tensors.
 *
 * float in the product; double in the gradcheck build, where finite
 * differences and double-precision reference values check every formula.
 */
#ifndef OFR_TENSOR_REAL_H
#define OFR_TENSOR_REAL_H

#include <float.h>
#include <math.h>

#ifdef OFR_REAL_DOUBLE
typedef double ofr_real;
#define OFR_REAL_EPS DBL_EPSILON
#define OFR_R(fn) fn /* OFR_R(exp)(x): the math function of this precision */
#else
typedef float ofr_real;
#define OFR_REAL_EPS FLT_EPSILON
#define OFR_R(fn) fn##f
#endif

#endif
