/* test_dtype.c - exact conversions of element types; shapes as text. */
#include "support/support.h"

#include <math.h>

#include "tensor/dtype.h"
#include "tensor/tensor.h"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        ofr_dtype dtype;
        size_t bytes;
    } rows[] = {{"F32", OFR_F32, 4}, {"F64", OFR_F64, 8}, {"F16", OFR_F16, 2},
                {"BF16", OFR_BF16, 2}, {"I64", OFR_I64, 8}, {"I32", OFR_I32, 4},
                {"I16", OFR_I16, 2}, {"I8", OFR_I8, 1}, {"U8", OFR_U8, 1},
                {"BOOL", OFR_BOOL, 1}};
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), OFR_DTYPE_COUNT);
    for (int i = 0; i < OFR_DTYPE_COUNT; i++) {
        assert_string_equal(ofr_dtype_name(rows[i].dtype), rows[i].name);
        assert_int_equal(ofr_dtype_bytes(rows[i].dtype), rows[i].bytes);
        assert_int_equal(ofr_dtype_parse(rows[i].name, strlen(rows[i].name)),
                         rows[i].dtype);
    }
    assert_int_equal(ofr_dtype_parse("f32", 3), -1);
    assert_int_equal(ofr_dtype_parse("F3", 2), -1);
    assert_int_equal(ofr_dtype_parse("F8_E4M3", 7), -1);
    assert_int_equal(ofr_dtype_parse("", 0), -1);
}

/* The value that the half's bits stand for, by the definition of the format. */
static double half_value(uint16_t h)
{
    int exponent = (h >> 10) & 31, fraction = h & 1023;
    double x =
        exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000 ? -x : x;
}

static void test_half_all(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        uint16_t h = (uint16_t)i;
        float x = ofr_f16_to_f32(h);
        bool special = (h & 0x7c00) == 0x7c00;
        if (!special && (double)x != half_value(h)) fail_msg("%04x: %g", h, (double)x);
        if (special && (h & 0x3ff) == 0) assert_true(isinf(x));
        if (special && (h & 0x3ff) != 0) assert_true(isnan(x));
        assert_int_equal(signbit(x) != 0, h >> 15);
        uint16_t back = ofr_f32_to_f16(x);
        if (isnan(x)) /* a signalling NaN becomes a quiet one */
            assert_int_equal(back, h | 0x200);
        else
            assert_int_equal(back, h);
    }
}

/* Between neighbours the nearer one wins, in the middle the even one. */
static void test_half_rounding(void **state)
{
    (void)state;
    for (uint16_t h = 0; h < 0x7bff; h++) {
        double a = half_value(h), b = half_value((uint16_t)(h + 1));
        float middle = (float)((a + b) / 2);
        uint16_t even = (uint16_t)(h & 1 ? h + 1 : h);
        assert_int_equal(ofr_f32_to_f16(middle), even);
        assert_int_equal(ofr_f32_to_f16(nextafterf(middle, 0)), h);
        assert_int_equal(ofr_f32_to_f16(nextafterf(middle, 1e9f)), h + 1);
        assert_int_equal(ofr_f32_to_f16(-middle), even | 0x8000);
    }
    assert_int_equal(ofr_f32_to_f16(65504.0f), 0x7bff);
    assert_int_equal(ofr_f32_to_f16(65519.99f), 0x7bff);
    assert_int_equal(ofr_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(ofr_f32_to_f16(1e30f), 0x7c00);
    assert_int_equal(ofr_f32_to_f16(-INFINITY), 0xfc00);
    assert_int_equal(ofr_f32_to_f16(1e-30f), 0);
    assert_int_equal(ofr_f32_to_f16(-1e-30f), 0x8000);
    assert_int_equal(ofr_f32_to_f16(1.0f), 0x3c00);
    assert_int_equal(ofr_f32_to_f16(0.1f), 0x2e66);
    assert_int_equal(ofr_f32_to_f16(-2.5f), 0xc100);
}

static void test_bfloat(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        uint16_t h = (uint16_t)i;
        float x = ofr_bf16_to_f32(h);
        uint16_t back = ofr_f32_to_bf16(x);
        assert_int_equal(back, isnan(x) ? (h | 0x40) : h);
    }
    assert_true(ofr_bf16_to_f32(0x3f80) == 1.0f);
    assert_true(ofr_bf16_to_f32(0xc020) == -2.5f);
    assert_int_equal(ofr_f32_to_bf16(0.1f), 0x3dcd);
    assert_int_equal(ofr_f32_to_bf16(1.00390625f), 0x3f80); /* half way, to even */
    assert_int_equal(ofr_f32_to_bf16(1.01171875f), 0x3f82); /* half way, to even */
    assert_int_equal(ofr_f32_to_bf16(1.0039064f), 0x3f81);
    assert_int_equal(ofr_f32_to_bf16(3.4e38f), 0x7f80); /* rounds to infinity */
    assert_int_equal(ofr_f32_to_bf16(NAN) & 0x7fc0, 0x7fc0);
}

static void test_arrays(void **state)
{
    (void)state;
    const double f64[] = {1.5, -2, 1e300};
    const int64_t i64[] = {-1, 1ll << 62, INT64_MIN};
    const int32_t i32[] = {-7, 2147483647, 0};
    const int16_t i16[] = {-300, 32767, 5};
    const signed char i8[] = {-128, 127, 1};
    const unsigned char u8[] = {255, 0, 7};
    const float f32[] = {0.25f, -3.0f, 1e20f};
    const uint16_t f16[] = {0x3c00, 0xc100, 0x0001};
    const struct {
        ofr_dtype dtype;
        const void *data;
        double real[3];
        int64_t integer[3];
    } rows[] = {
        {OFR_F64, f64, {1.5, -2, 1e300}, {1, -2, INT64_MAX}},
        {OFR_F32, f32, {0.25, -3, (double)1e20f}, {0, -3, INT64_MAX}},
        {OFR_I64, i64, {-1, 0x1p62, -0x1p63}, {-1, 1ll << 62, INT64_MIN}},
        {OFR_I32, i32, {-7, 2147483647, 0}, {-7, 2147483647, 0}},
        {OFR_I16, i16, {-300, 32767, 5}, {-300, 32767, 5}},
        {OFR_I8, i8, {-128, 127, 1}, {-128, 127, 1}},
        {OFR_U8, u8, {255, 0, 7}, {255, 0, 7}},
        {OFR_BOOL, u8, {1, 0, 1}, {1, 0, 1}},
        {OFR_F16, f16, {1, -2.5, 0x1p-24}, {1, -2, 0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char bytes[32]; /* an odd address, as inside a mapped file */
        memcpy(bytes + 1, rows[i].data, 3 * ofr_dtype_bytes(rows[i].dtype));
        ofr_real real[3];
        int64_t integer[3];
        ofr_dtype_to_real(real, bytes + 1, rows[i].dtype, 3);
        ofr_dtype_to_i64(integer, bytes + 1, rows[i].dtype, 3);
        for (int j = 0; j < 3; j++) {
            assert_true(real[j] == (ofr_real)rows[i].real[j]);
            assert_true(integer[j] == rows[i].integer[j]);
        }
    }
    const double nan = (double)NAN;
    int64_t integer;
    ofr_dtype_to_i64(&integer, &nan, OFR_F64, 1);
    assert_int_equal(integer, 0);
    ofr_dtype_to_real(NULL, NULL, OFR_F32, 0);
}

/* One number that is not finite, at every place, in rows of every type. */
static void test_finite(void **state)
{
    static const struct {
        ofr_dtype dtype;
        uint64_t fine, wild; /* bits: the largest number; infinite, or none */
    } rows[] = {
        {OFR_F32, 0xff7fffff, 0x7f800000},         {OFR_F32, 0x007fffff, 0xffc00000},
        {OFR_F16, 0xfbff, 0x7c00},                 {OFR_F16, 0x03ff, 0xfc01},
        {OFR_BF16, 0xff7f, 0xff80},                {OFR_BF16, 0x007f, 0x7f81},
        {OFR_F64, 0x47efffffe0000000, 0x47f0000000000000}, /* FLT_MAX, 2^128 */
        {OFR_F64, 0xc7efffffe0000000, 0xfff8000000000000},
    };
    enum { N = 37 };
    unsigned char bytes[1 + N * 8];
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const size_t width = ofr_dtype_bytes(rows[r].dtype);
        for (size_t i = 0; i < N; i++)
            memcpy(bytes + 1 + i * width, &rows[r].fine, width); /* little-endian */
        assert_true(ofr_dtype_finite(bytes + 1, rows[r].dtype, N));
        for (size_t i = 0; i < N; i++) {
            memcpy(bytes + 1 + i * width, &rows[r].wild, width);
            assert_false(ofr_dtype_finite(bytes + 1, rows[r].dtype, N));
            assert_true(ofr_dtype_finite(bytes + 1, rows[r].dtype, i));
            memcpy(bytes + 1 + i * width, &rows[r].fine, width);
        }
    }
    memset(bytes, 0xff, sizeof bytes);
    assert_true(ofr_dtype_finite(bytes, OFR_I8, sizeof bytes));
    assert_true(ofr_dtype_finite(NULL, OFR_F32, 0));
}

static void test_shapes(void **state)
{
    (void)state;
    ofr_tensor tensor = {.rank = 3, .shape = {2, 3, 768}};
    char text[128];
    assert_int_equal(ofr_tensor_count(&tensor), 4608);
    assert_string_equal(ofr_shape_text(text, tensor.shape, 3), "[2,3,768]");
    assert_string_equal(ofr_shape_text(text, tensor.shape, 0), "[]");
    tensor.rank = 0;
    assert_int_equal(ofr_tensor_count(&tensor), 1);
    const int64_t large[8] = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
                              INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    assert_true(strlen(ofr_shape_text(text, large, 8)) < 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_half_all),
        cmocka_unit_test(test_half_rounding), cmocka_unit_test(test_bfloat),
        cmocka_unit_test(test_arrays),        cmocka_unit_test(test_finite),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests_name("dtype", tests, NULL, NULL);
}
