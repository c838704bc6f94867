/* test_str.c - slices, numbers, UTF-8, edit distance, buffers. */
#include "support/support.h"

#include <float.h>
#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

static void test_slices(void **state)
{
    (void)state;
    assert_int_equal(ofr_str_of(NULL).n, 0);
    assert_true(ofr_str_eq(ofr_str_of("ab"), OFR_STR("ab")));
    assert_false(ofr_str_eq(OFR_STR("ab"), OFR_STR("abc")));
    assert_true(ofr_str_eq((ofr_str){NULL, 0}, OFR_STR("")));
    assert_true(ofr_str_eq_c(OFR_STR("x"), "x"));
    assert_true(ofr_str_eq_c(ofr_str_trim(OFR_STR(" \t\r\n a b \v\f ")), "a b"));
    assert_int_equal(ofr_str_trim(OFR_STR("  \t ")).n, 0);
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        long long value;
    } rows[] = {
        {"0", true, 0},          {"-12", true, -12},  {"+7", true, 7},
        {"007", true, 7},        {"", false, 0},      {" 1", false, 0},
        {"1 ", false, 0},        {"1.0", false, 0},   {"0x10", false, 0},
        {"1e3", false, 0},       {"-", false, 0},     {"--1", false, 0},
        {"9223372036854775807", true, 9223372036854775807ll},
        {"9223372036854775808", false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        long long value = 99;
        bool ok = ofr_str_to_int(ofr_str_of(rows[i].text), &value);
        if (ok != rows[i].ok) fail_msg("'%s' read as %d", rows[i].text, ok);
        assert_true(value == (ok ? rows[i].value : 99)); /* untouched on failure */
    }
    long long value;
    assert_true(ofr_str_to_int((ofr_str){"123456", 3}, &value)); /* slice, not text */
    assert_int_equal(value, 123);
    assert_false(ofr_str_to_int((ofr_str){"1\0002", 3}, &value));
}

static void test_doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        double value;
    } rows[] = {
        {"0.5", true, 0.5},  {"-1e-3", true, -1e-3}, {".5", true, 0.5},
        {"5.", true, 5},     {"1e", false, 0},       {"nan", false, 0},
        {"inf", false, 0},   {"0x1p3", false, 0},    {"1e999", false, 0},
        {"1,5", false, 0},   {"", false, 0},         {" 1", false, 0},
        {"1e-400", true, 0}, {"-", false, 0},        {".", false, 0},
        {"1.2.3", false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value = 99;
        bool ok = ofr_str_to_double(ofr_str_of(rows[i].text), &value);
        if (ok != rows[i].ok) fail_msg("'%s' read as %d", rows[i].text, ok);
        assert_true(value == (ok ? rows[i].value : 99));
    }
}

static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int distance;
    } rows[] = {
        {"", "", 0},           {"", "abc", 3},       {"kitten", "sitting", 3},
        {"train", "trian", 1}, {"eval", "eavl", 1},  {"epoch", "epochs", 1},
        {"abc", "xyz", 3},     {"ca", "abc", 3},     {"flaw", "lawn", 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ofr_str_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(ofr_str_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
    char a[200], b[200];
    memset(a, 'a', sizeof(a));
    memset(b, 'a', sizeof(b));
    a[150] = b[160] = '\0';
    assert_int_equal(ofr_str_distance(a, b), 160); /* too long to compare in detail */
    assert_int_equal(ofr_str_distance(a, a), 0);
}

/* Every code point, encoded by the definition, is accepted; its neighbours that
 * are not code points are refused. */
static void test_utf8(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x140000; c++) {
        char s[4];
        int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
        for (int i = n - 1; i > 0; i--)
            s[i] = (char)(0x80 | ((c >> (6 * (n - 1 - i))) & 0x3f));
        s[0] = (char)(lead[n] | (c >> (6 * (n - 1))));
        bool valid = c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
        if (ofr_utf8_length(s, (size_t)n) != (valid ? n : 0)) fail_msg("U+%04X", c);
        if (n > 1) assert_int_equal(ofr_utf8_length(s, (size_t)n - 1), 0);
    }
    assert_int_equal(ofr_utf8_length("\xc0\x80", 2), 0);         /* overlong */
    assert_int_equal(ofr_utf8_length("\xe0\x9f\xbf", 3), 0);     /* overlong */
    assert_int_equal(ofr_utf8_length("\xf0\x8f\xbf\xbf", 4), 0); /* overlong */
    assert_int_equal(ofr_utf8_length("\x80", 1), 0);
    assert_int_equal(ofr_utf8_length("", 0), 0);
    size_t bad = 0;
    assert_true(ofr_utf8_valid("a\xc3\xa4", 3, &bad));
    assert_false(ofr_utf8_valid("a\xc3\xa4\xff", 4, &bad));
    assert_int_equal(bad, 3);
}

static void test_buffer(void **state)
{
    (void)state;
    size_t live = ofr_mem_live();
    ofr_buf buf;
    ofr_buf_init(&buf);
    for (int i = 0; i < 1000; i++)
        ofr_buf_addf(&buf, "%d,", i);
    assert_false(buf.failed);
    assert_int_equal(buf.n, 3890);
    assert_int_equal(buf.p[buf.n], 0);
    assert_memory_equal(buf.p + buf.n - 8, "998,999,", 8);
    ofr_buf_clear(&buf);
    assert_string_equal(buf.p, "");
    ofr_buf_addc(&buf, 'x');
    ofr_mem_fail_at(1, true);
    char big[10000];
    memset(big, 'y', sizeof(big));
    ofr_buf_add(&buf, big, sizeof(big));
    assert_true(buf.failed);
    ofr_mem_fail_at(0, false);
    ofr_buf_adds(&buf, "later"); /* ignored */
    assert_string_equal(buf.p, "x");
    ofr_buf_free(&buf);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_double_text(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } rows[] = {{0.1, "0.1"},     {1e-5, "1e-05"},   {100, "100"},      {-2.5, "-2.5"},
                {1.0 / 3, "0.3333333333333333"},     {5e-324, "5e-324"}, {0, "0"},
                {DBL_MAX, "1.7976931348623157e+308"}};
    ofr_buf buf;
    ofr_buf_init(&buf);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ofr_buf_clear(&buf);
        ofr_buf_add_double(&buf, rows[i].x);
        assert_string_equal(buf.p, rows[i].text);
    }
    for (uint64_t i = 0; i < 20000; i++) { /* any bits come back */
        uint64_t bits = ofr_rng_u64(1, 2, i);
        double x, back;
        memcpy(&x, &bits, sizeof(x));
        if (!isfinite(x)) continue;
        ofr_buf_clear(&buf);
        ofr_buf_add_double(&buf, x);
        assert_true(ofr_str_to_double((ofr_str){buf.p, buf.n}, &back));
        assert_true(back == x);
    }
    ofr_buf_free(&buf);
}

static void test_json(void **state)
{
    (void)state;
    ofr_buf buf;
    ofr_buf_init(&buf);
    static const char text[] = "a\"\\/\b\f\n\r\t\v\1\xc3\xa4\xff\0z";
    ofr_buf_add_json(&buf, text, sizeof(text) - 1);
    assert_string_equal(buf.p, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u000b\\u0001\xc3\xa4"
                               "\xef\xbf\xbd\\u0000z\"");
    ofr_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices),   cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),  cmocka_unit_test(test_distance),
        cmocka_unit_test(test_utf8),     cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_double_text), cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
