/* dtype.c - element types of stored tensors; exact conversions. */
#include "tensor/dtype.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} dtypes[OFR_DTYPE_COUNT] = {
    [OFR_F32] = {"F32", 4}, [OFR_F64] = {"F64", 8},   [OFR_F16] = {"F16", 2},
    [OFR_BF16] = {"BF16", 2}, [OFR_I64] = {"I64", 8}, [OFR_I32] = {"I32", 4},
    [OFR_I16] = {"I16", 2}, [OFR_I8] = {"I8", 1},     [OFR_U8] = {"U8", 1},
    [OFR_BOOL] = {"BOOL", 1},
};

size_t ofr_dtype_bytes(ofr_dtype dtype)
{
    return dtypes[dtype].bytes;
}

const char *ofr_dtype_name(ofr_dtype dtype)
{
    return dtypes[dtype].name;
}

int ofr_dtype_parse(const char *name, size_t len)
{
    for (int i = 0; i < OFR_DTYPE_COUNT; i++)
        if (strlen(dtypes[i].name) == len && memcmp(dtypes[i].name, name, len) == 0)
            return i;
    return -1;
}

static const char *const precisions[OFR_PRECISION_COUNT] = {"f32", "f16", "bf16", "int8"};

const char *ofr_precision_name(ofr_precision precision)
{
    return precisions[precision];
}

int ofr_precision_parse(const char *name)
{
    for (int i = 0; i < OFR_PRECISION_COUNT; i++)
        if (strcmp(precisions[i], name) == 0) return i;
    return -1;
}

static float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static uint32_t bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

/* Without branches, so that rows of them become vectors: the bits of a half, moved
 * into place and read as a float, are 2^112 too small, subnormals included. */
static inline float value_of_half(uint16_t h)
{
    uint32_t magnitude = (h & 0x7fffu) << 13, sign = (h & 0x8000u) << 16;
    uint32_t bits = bits_of_float(float_of_bits(magnitude) * 0x1p112f);
    bits = magnitude >= 0x7c00u << 13 ? magnitude | 0x7f800000u : bits;
    return float_of_bits(bits | sign);
}

/* The same the other way, halves to even: a normal number rounds at bit 13; a
 * subnormal one where the sum with 0.5 has its last bit. */
static inline uint16_t half_of_value(float x)
{
    uint32_t bits = bits_of_float(x), sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu, odd = magnitude >> 13 & 1u;
    uint32_t normal = (magnitude - (112u << 23) + 0xfffu + odd) >> 13;
    uint32_t small = bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3f000000u;
    uint32_t nan = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    uint32_t out = magnitude < 0x38800000u ? small : normal;
    out = magnitude >= 0x477ff000u ? 0x7c00u : out; /* 65520 and more */
    out = magnitude > 0x7f800000u ? nan : out;      /* keeps its upper payload */
    return (uint16_t)(sign | out);
}

float ofr_f16_to_f32(uint16_t h)
{
    return value_of_half(h);
}

uint16_t ofr_f32_to_f16(float x)
{
    return half_of_value(x);
}

void ofr_f16_of_reals(uint16_t *dst, const ofr_real *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = half_of_value((float)src[i]);
}

float ofr_bf16_to_f32(uint16_t h)
{
    return float_of_bits((uint32_t)h << 16);
}

uint16_t ofr_f32_to_bf16(float x)
{
    uint32_t bits = bits_of_float(x), odd = bits >> 16 & 1u;
    uint32_t rounded = (bits + 0x7fffu + odd) >> 16; /* halves to even */
    uint32_t nan = bits >> 16 | 0x40u;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

void ofr_bf16_of_reals(uint16_t *dst, const ofr_real *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = ofr_f32_to_bf16((float)src[i]);
}

/* Element i of type `dtype` at any alignment, as a double; I64 is read apart. */
static double element(const unsigned char *p, ofr_dtype dtype)
{
    float f32;
    double f64;
    uint16_t u16;
    int64_t i64;
    int32_t i32;
    int16_t i16;
    switch (dtype) {
    case OFR_F32: memcpy(&f32, p, sizeof(f32)); return (double)f32;
    case OFR_F64: memcpy(&f64, p, sizeof(f64)); return f64;
    case OFR_F16: memcpy(&u16, p, sizeof(u16)); return (double)ofr_f16_to_f32(u16);
    case OFR_BF16: memcpy(&u16, p, sizeof(u16)); return (double)ofr_bf16_to_f32(u16);
    case OFR_I64: memcpy(&i64, p, sizeof(i64)); return (double)i64;
    case OFR_I32: memcpy(&i32, p, sizeof(i32)); return i32;
    case OFR_I16: memcpy(&i16, p, sizeof(i16)); return i16;
    case OFR_I8: return (signed char)*p;
    case OFR_U8: return *p;
    case OFR_BOOL: return *p != 0;
    case OFR_DTYPE_COUNT: break;
    }
    return 0.0;
}

void ofr_dtype_to_real(ofr_real *dst, const void *src, ofr_dtype dtype, size_t n)
{
    const ofr_dtype own = sizeof(ofr_real) == sizeof(float) ? OFR_F32 : OFR_F64;
    if (dtype == own) {
        if (n > 0) memcpy(dst, src, n * sizeof(ofr_real));
        return;
    }
    const unsigned char *p = src;
    if (dtype == OFR_F16) {
        for (size_t i = 0; i < n; i++) {
            uint16_t h;
            memcpy(&h, p + i * sizeof h, sizeof h);
            dst[i] = (ofr_real)value_of_half(h);
        }
        return;
    }
    size_t bytes = ofr_dtype_bytes(dtype);
    for (size_t i = 0; i < n; i++)
        dst[i] = (ofr_real)element(p + i * bytes, dtype);
}

/* Toward zero; what int64 cannot hold goes to the nearest end, NaN to 0. */
static int64_t truncate_to_i64(double x)
{
    if (!(x > -0x1p63)) return x < 0 ? INT64_MIN : 0;
    if (!(x < 0x1p63)) return INT64_MAX;
    return (int64_t)x;
}

/* An exponent of ones makes a number infinite or none.  Loops without branches, for a
 * compiler's vectors. */
static bool finite_16(const unsigned char *p, unsigned exponent, size_t n)
{
    unsigned wild = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t bits;
        memcpy(&bits, p + i * sizeof bits, sizeof bits);
        wild |= (bits & exponent) == exponent;
    }
    return !wild;
}

static bool finite_32(const unsigned char *p, size_t n)
{
    const uint32_t exponent = 0x7f800000;
    uint32_t wild = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, p + i * sizeof bits, sizeof bits);
        wild |= (bits & exponent) == exponent;
    }
    return !wild;
}

static bool finite_64(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, p + i * sizeof x, sizeof x);
        if (!(fabs(x) <= (double)FLT_MAX)) return false;
    }
    return true;
}

bool ofr_dtype_finite(const void *src, ofr_dtype dtype, size_t n)
{
    switch (dtype) {
    case OFR_F32: return finite_32(src, n);
    case OFR_F64: return finite_64(src, n);
    case OFR_F16: return finite_16(src, 0x7c00, n);
    case OFR_BF16: return finite_16(src, 0x7f80, n);
    default: return true;
    }
}

void ofr_dtype_to_i64(int64_t *dst, const void *src, ofr_dtype dtype, size_t n)
{
    const unsigned char *p = src;
    size_t bytes = ofr_dtype_bytes(dtype);
    if (dtype == OFR_I64) {
        if (n > 0) memcpy(dst, src, n * bytes);
        return;
    }
    for (size_t i = 0; i < n; i++)
        dst[i] = truncate_to_i64(element(p + i * bytes, dtype));
}
