/* test_status.c - status texts and error lines. */
#include "support/support.h"

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(ofr_status_text(OFR_OK), "success");
    assert_string_equal(ofr_status_text(OFR_NOMEM), "out of memory");
    assert_string_equal(ofr_status_text(OFR_INTERRUPTED), "interrupted by a signal");
    assert_string_equal(ofr_status_text((ofr_status)-1), "unknown status");
    assert_string_equal(ofr_status_text(OFR_STATUS_COUNT), "unknown status");
    char version[32];
    snprintf(version, sizeof(version), "%d.%d.%d", OFR_VERSION_MAJOR, OFR_VERSION_MINOR,
             OFR_VERSION_PATCH);
    assert_string_equal(ofr_version(), version);
}

static void test_fail(void **state)
{
    (void)state;
    ofr_error err = {0};
    assert_int_equal(ofr_fail(&err, OFR_FORMAT, "%s: shape [%d]", "w", 3), OFR_FORMAT);
    assert_int_equal(err.status, OFR_FORMAT);
    assert_string_equal(err.text, "w: shape [3]");
    assert_int_equal(ofr_fail(NULL, OFR_IO, "x"), OFR_IO);
    assert_int_equal(ofr_fail_prefix(&err, OFR_FORMAT, "model"), OFR_FORMAT);
    assert_string_equal(err.text, "model: w: shape [3]");
    assert_int_equal(ofr_fail_prefix(NULL, OFR_IO, "model"), OFR_IO);
    assert_int_equal(ofr_fail_nomem(&err, 12, "a map"), OFR_NOMEM);
    assert_string_equal(err.text, "out of memory (asked for 12 bytes for a map)");
}

/* What comes from files must not break the promise of one line of valid text. */
static void test_one_line(void **state)
{
    (void)state;
    ofr_error err = {0};
    ofr_fail(&err, OFR_INVALID, "a\nb\x1b[31m\tc");
    assert_string_equal(err.text, "a?b?[31m?c");
    ofr_fail(&err, OFR_INVALID, "a\xc2\x80" "b\xc2\x9b" "31m\xc2\xa0" "c\xc3\x9b\xc2");
    assert_string_equal(err.text, "a?b?31m\xc2\xa0" "c\xc3\x9b\xc2");
    char text[3 * 700 + 1];
    for (size_t i = 0; i + 3 < sizeof(text); i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    text[sizeof(text) - 1] = '\0';
    ofr_fail(&err, OFR_INVALID, "%s", text);
    size_t n = strlen(err.text);
    assert_true(n >= sizeof(err.text) - 4 && n < sizeof(err.text));
    assert_int_equal(n % 3, 0);
    ofr_fail(&err, OFR_INVALID, "x%s", text);
    assert_int_equal(strlen(err.text) % 3, 1);
}

static ofr_status tried(ofr_status status, int *reached)
{
    OFR_TRY(status);
    *reached += 1;
    return OFR_OK;
}

static void test_try(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(tried(OFR_IO, &reached), OFR_IO);
    assert_int_equal(reached, 0);
    assert_int_equal(tried(OFR_OK, &reached), OFR_OK);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_try),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
