/* test_journal.c - lines are JSON; a resumed journal is cut where it was saved. */
#include "support/support.h"

#include <jansson.h>
#include <math.h>
#include <unistd.h>

#include "train/journal.h"

static void line(ofr_journal *journal, int i)
{
    ofr_error err;

    ofr_journal_begin(journal, "step");
    ofr_journal_int(journal, "i", i);
    assert_ok(ofr_journal_end(journal, &err), err);
}

static void test_fields(void **state)
{
    const double reals[] = {0.1, NAN, -3};
    const int ints[] = {1, 2, 3};
    const char *path = support_path("fields.jsonl");
    ofr_journal journal;
    ofr_error err;

    (void)state;
    assert_ok(ofr_journal_open(&journal, path, 0, &err), err);
    ofr_journal_begin(&journal, "x\"y");
    ofr_journal_int(&journal, "int", -1234567890123);
    ofr_journal_real(&journal, "real", 1e-5);
    ofr_journal_real(&journal, "nan", NAN);
    ofr_journal_real(&journal, "inf", -INFINITY);
    ofr_journal_text(&journal, "text", "tab\there");
    ofr_journal_flag(&journal, "flag", true);
    ofr_journal_ints(&journal, "ints", ints, 3);
    ofr_journal_reals(&journal, "reals", reals, 3);
    assert_ok(ofr_journal_end(&journal, &err), err);
    assert_int_equal(journal.bytes, strlen(support_read(path)));
    ofr_journal_close(&journal);

    json_t *json = json_loads(support_read(path), 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "event")), "x\"y");
    assert_int_equal(json_integer_value(json_object_get(json, "int")), -1234567890123);
    assert_true(json_real_value(json_object_get(json, "real")) == 1e-5);
    assert_true(json_is_null(json_object_get(json, "nan")));
    assert_true(json_is_null(json_object_get(json, "inf")));
    assert_string_equal(json_string_value(json_object_get(json, "text")), "tab\there");
    assert_true(json_is_true(json_object_get(json, "flag")));
    assert_int_equal(json_array_size(json_object_get(json, "ints")), 3);
    assert_true(json_is_null(json_array_get(json_object_get(json, "reals"), 1)));
    json_decref(json);
}

static void test_resume(void **state)
{
    const char *path = support_path("resume.jsonl");
    const char *want = "{\"event\":\"step\",\"i\":1}\n{\"event\":\"step\",\"i\":2}\n"
                       "{\"event\":\"step\",\"i\":3}\n";
    ofr_journal journal;
    ofr_error err;
    long long kept;

    (void)state;
    assert_ok(ofr_journal_open(&journal, path, 0, &err), err);
    line(&journal, 1);
    kept = journal.bytes;
    line(&journal, 7);
    line(&journal, 8);
    ofr_journal_close(&journal);
    assert_ok(ofr_journal_open(&journal, path, kept, &err), err);
    line(&journal, 2);
    ofr_journal_close(&journal);
    assert_ok(ofr_journal_open(&journal, path, -1, &err), err);
    line(&journal, 3);
    ofr_journal_close(&journal);
    assert_string_equal(support_read(path), want);
    assert_fails(ofr_journal_open(&journal, path, 1000, &err), OFR_FORMAT, err,
                 "has 69 bytes");
    assert_string_equal(support_read(path), want);
    assert_ok(ofr_journal_open(&journal, path, 0, &err), err);
    ofr_journal_close(&journal);
    assert_string_equal(support_read(path), "");
}

static void test_nowhere(void **state)
{
    ofr_journal journal;
    ofr_error err;

    (void)state;
    assert_ok(ofr_journal_open(&journal, NULL, 0, &err), err);
    line(&journal, 1);
    assert_int_equal(journal.bytes, 23);
    ofr_journal_close(&journal);
    assert_fails(ofr_journal_open(&journal, "/nonexistent/x.jsonl", 0, &err),
                 OFR_NOT_FOUND, err, "/nonexistent/x.jsonl: cannot write");
    if (ofr_file_exists("/dev/full")) {
        assert_ok(ofr_journal_open(&journal, "/dev/full", -1, &err), err);
        ofr_journal_begin(&journal, "step");
        assert_fails(ofr_journal_end(&journal, &err), OFR_IO, err, "/dev/full");
        ofr_journal_close(&journal);
    }
}

/* What a link leads to is not cut. */
static void test_link(void **state)
{
    ofr_journal journal;
    ofr_error err;
    const char *victim = support_write("victim", "kept");

    (void)state;
    assert_int_equal(symlink(victim, support_path("link.jsonl")), 0);
    assert_fails(ofr_journal_open(&journal, support_path("link.jsonl"), 0, &err), OFR_IO,
                 err, "a symbolic link stands in the way, remove it");
    assert_string_equal(support_read(support_path("victim")), "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
