/*
 * quant.c - rounding rows to whole numbers.
 *
 * Written so that a compiler can use vectors of any instruction set: magnitudes
 * are compared as bits, and a number is rounded by adding 1.5 * 2^23, which
 * leaves no bits behind the point.
 */
#include "tensor/quant.h"

#include <string.h>

static const float shift = 12582912.0f; /* 1.5 * 2^23 */
static const int32_t infinite = 0x7f800000;

static int32_t magnitude_of(ofr_real x)
{
    float f = (float)x;
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits & 0x7fffffff;
}

float ofr_quant_highest(const ofr_real *x, size_t n)
{
    int32_t most = 0;
    float highest;
    for (size_t i = 0; i < n; i++) {
        int32_t m = magnitude_of(x[i]);
        most = m > most ? m : most;
    }
    if (most >= infinite) return NAN;
    memcpy(&highest, &most, sizeof highest);
    return highest;
}

float ofr_quant_scale(const ofr_real *x, size_t n, int top)
{
    float scale = ofr_quant_highest(x, n) / (float)top;
    return scale < FLT_MIN ? 0 : scale; /* its inverse must be finite */
}

void ofr_quant_row(int8_t *q, const ofr_real *x, size_t n, float scale, int top)
{
    if (!(scale > 0)) {
        memset(q, 0, n);
        return;
    }
    float inverse = 1 / scale, most = (float)top;
    for (size_t i = 0; i < n; i++) {
        float v = ((float)x[i] * inverse + shift) - shift;
        v = v > most ? most : v;
        v = v < -most ? -most : v;
        q[i] = (int8_t)(int)v;
    }
}

void ofr_quant_rows(int8_t *q, float *scale, const ofr_real *x, int R, int C, int top)
{
    size_t width = (size_t)C;
    for (size_t r = 0; r < (size_t)R; r++) {
        scale[r] = ofr_quant_scale(x + r * width, width, top);
        ofr_quant_row(q + r * width, x + r * width, width, scale[r], top);
    }
}
