/*
 * dtype.h - element types of stored tensors and conversion to ofr_real; the
 * precisions in which an opened model may hold its matrices.
 */
#ifndef OFR_TENSOR_DTYPE_H
#define OFR_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor/real.h"

typedef enum ofr_dtype {
    OFR_F32, OFR_F64, OFR_F16, OFR_BF16, OFR_I64, OFR_I32, OFR_I16, OFR_I8, OFR_U8,
    OFR_BOOL,
    OFR_DTYPE_COUNT
} ofr_dtype;

/* What the matrices of an opened model are held in.  F16 and BF16 are storage
 * only: products run in f32.  INT8 multiplies whole numbers exactly; everything
 * that is no product of activations with a matrix stays f32. */
typedef enum ofr_precision {
    OFR_PRECISION_F32, OFR_PRECISION_F16, OFR_PRECISION_BF16, OFR_PRECISION_INT8,
    OFR_PRECISION_COUNT
} ofr_precision;

const char *ofr_precision_name(ofr_precision precision); /* "f32" "f16" "bf16" "int8" */
int ofr_precision_parse(const char *name);               /* -1: unknown */

size_t ofr_dtype_bytes(ofr_dtype dtype);
const char *ofr_dtype_name(ofr_dtype dtype);       /* "F32", as safetensors spells it */
int ofr_dtype_parse(const char *name, size_t len); /* -1: unknown */

/* From here on F16 has no number left: its last one is 65504. */
#define OFR_F16_END 65520.0f
/* The same of BF16: its last one is 0x1.fep127. */
#define OFR_BF16_END 0x1.ffp127f

float ofr_f16_to_f32(uint16_t h);
uint16_t ofr_f32_to_f16(float x);                      /* nearest even, inf on overflow */
float ofr_bf16_to_f32(uint16_t h);
uint16_t ofr_f32_to_bf16(float x);
/* dst[n] = src[n], rounded like the two above. */
void ofr_f16_of_reals(uint16_t *dst, const ofr_real *src, size_t n);
void ofr_bf16_of_reals(uint16_t *dst, const ofr_real *src, size_t n);

/* dst[n] = src[n] of type dtype (any alignment). */
void ofr_dtype_to_real(ofr_real *dst, const void *src, ofr_dtype dtype, size_t n);
/* Are all n numbers finite as f32 (whole numbers always are)?  Any alignment. */
bool ofr_dtype_finite(const void *src, ofr_dtype dtype, size_t n);
void ofr_dtype_to_i64(int64_t *dst, const void *src, ofr_dtype dtype, size_t n);

#endif
