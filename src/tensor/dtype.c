/* dtype.c - element types of stored tensors; exact conversions. */
#include "tensor/dtype.h"

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

float ofr_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = (h >> 10) & 0x1fu, fraction = h & 0x3ffu;
    if (exponent == 31) return float_of_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) { /* zero, or fraction * 2^-24, which is exact in float */
        float x = (float)fraction * 0x1p-24f;
        return sign != 0 ? -x : x;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* value >> shift, to the nearest, halves to even; 1 <= shift <= 31. */
static uint32_t shift_round_even(uint32_t value, unsigned shift)
{
    uint32_t half = 1u << (shift - 1), rest = value & ((1u << shift) - 1);
    uint32_t out = value >> shift;
    return out + (rest > half || (rest == half && (out & 1u)));
}

uint16_t ofr_f32_to_f16(float x)
{
    uint32_t bits = bits_of_float(x);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) /* NaN: keep the upper payload, stay a quiet NaN */
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* >= 65520 */
    /* Normal: rebias; rounding may carry into the exponent, as it should. */
    if (magnitude >= 0x38800000u)
        return (uint16_t)(sign | shift_round_even(magnitude - (112u << 23), 13));
    if (magnitude < 0x33000000u) return (uint16_t)sign; /* below half of 2^-24 */
    uint32_t exponent = magnitude >> 23; /* 102..112: subnormal half */
    uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
    return (uint16_t)(sign | shift_round_even(fraction, 126 - exponent));
}

float ofr_bf16_to_f32(uint16_t h)
{
    return float_of_bits((uint32_t)h << 16);
}

uint16_t ofr_f32_to_bf16(float x)
{
    uint32_t bits = bits_of_float(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)shift_round_even(bits, 16);
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
