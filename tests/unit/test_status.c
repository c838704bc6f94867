/* test_status.c - status texts and error lines. */
#include "support/support.h"

#include <locale.h>

#include "base/log.h"
#include "base/str.h"

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

/* ---- a program that writes its numbers with a comma -------------------------- */

static bool take_comma(const char *name)
{
    return setlocale(LC_NUMERIC, name) && localeconv()->decimal_point[0] == ',';
}

/* An installed locale, or one made here of the system's sources. */
static bool choose_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8",
                                        "pt_BR.UTF-8", "de_DE", "fr_FR"};
    char command[OFR_PATH_MAX + 100];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (take_comma(names[i])) return true;
    snprintf(command, sizeof command,
             "localedef -i de_DE -f UTF-8 '%s' >/dev/null 2>&1", support_path("de_OFR"));
    return system(command) == 0 && setenv("LOCPATH", support_folder(), 1) == 0 &&
           take_comma("de_OFR");
}

static void keep_line(void *user, ofr_log_level level, const char *line)
{
    (void)level;
    snprintf(user, 100, "%s", line);
}

static void test_locale(void **state)
{
    char line[100] = "";
    double value;
    ofr_error err;
    ofr_buf buf;

    (void)state;
    if (!choose_comma()) {
        print_message("skip numbers in other locales: none with a comma, no localedef\n");
        skip();
    }
    ofr_fail(&err, OFR_INVALID, "threshold %g of %.2f", 1.5, 0.25);
    assert_string_equal(err.text, "threshold 1.5 of 0.25");
    ofr_log_set_sink(keep_line, line);
    ofr_log(OFR_LOG_INFO, "%.1f s", 2.5);
    ofr_log_set_sink(NULL, NULL);
    assert_string_equal(line, "2.5 s");
    ofr_buf_init(&buf);
    ofr_buf_addf(&buf, "%.3f ", 0.125);
    ofr_buf_add_double(&buf, 0.1);
    assert_string_equal(buf.p, "0.125 0.1");
    ofr_buf_free(&buf);
    assert_true(ofr_str_to_double(ofr_str_of("0.75"), &value) && value == 0.75);
    snprintf(line, sizeof line, "%g", 1.5); /* the program's own stay as they were */
    assert_string_equal(line, "1,5");
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_try),
        cmocka_unit_test(test_locale),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
