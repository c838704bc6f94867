/*
 * What the verbs share: exit codes, the progress bar, lines as they arrive,
 * JSON objects.
 */
#include "support/support.h"

#include <math.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/lines.h"
#include "report/jsonline.h"

static void exit_codes(void **state)
{
    (void)state;
    static const struct {
        ofr_status status;
        int code;
    } rows[] = {
        {OFR_OK, 0},       {OFR_NOMEM, 1},    {OFR_IO, 1},       {OFR_NOT_FOUND, 3},
        {OFR_FORMAT, 4},   {OFR_INVALID, 2},  {OFR_TOO_LONG, 1}, {OFR_DIVERGED, 1},
        {OFR_INTERRUPTED, 130}, {OFR_UNPROVEN, 1},
    };
    assert_int_equal(sizeof rows / sizeof *rows, OFR_STATUS_COUNT);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(ofr_cmd_exit_code(rows[i].status), rows[i].code);
}

/* Every verb's table obeys its own rules: defaults in range, letters and names
 * unique, the common options there. */
static void option_tables(void **state)
{
    (void)state;
    for (int c = 0; ofr_cmds[c]; c++) {
        const ofr_cmd *cmd = ofr_cmds[c];
        int n = ofr_opt_count(cmd->options);
        void *values = test_calloc(1, cmd->options_bytes);
        ofr_opt_defaults(cmd->options, values);
        assert_false(((ofr_cmd_common *)values)->help);
        test_free(values);
        assert_non_null(ofr_opt_find(cmd->options, "json", 4));
        assert_non_null(ofr_opt_find(cmd->options, "help", 4));
        assert_true(strlen(cmd->summary) < 80);
        for (int i = 0; i < n; i++) {
            const ofr_opt *a = &cmd->options[i];
            assert_true(a->offset < cmd->options_bytes);
            assert_non_null(a->help);
            for (int k = 0; k < i; k++) {
                const ofr_opt *b = &cmd->options[k];
                assert_string_not_equal(a->name, b->name);
                if (a->letter) assert_int_not_equal(a->letter, b->letter);
            }
        }
    }
}

static void bar(const char *expected, const char *label, long long done, long long total,
                double seconds, const char *postfix, int width, bool utf8)
{
    char line[640];
    ofr_term_format(line, sizeof line, label, done, total, seconds, postfix, width, utf8);
    assert_string_equal(line, expected);
}

static void bar_layout(void **state)
{
    (void)state;
    bar("joint 2/5:  37%|███▋      | 371/1002 [00:12<00:20, 30.9it/s, loss=0.412, "
        "dev=0.871]",
        "joint 2/5", 371, 1002, 12, "loss=0.412, dev=0.871", 200, true);
    bar("joint 2/5:  37%|###7      | 371/1002 [00:12<00:20, 30.9it/s]", "joint 2/5", 371,
        1002, 12, NULL, 200, false);
    bar("x:   0%|          | 0/10 [00:00<?, ?it/s]", "x", 0, 10, 0, NULL, 200, true);
    bar("x: 100%|██████████| 10/10 [1:02:05<00:00, 372.5s/it]", "x", 10, 10, 3725, "",
        200, true);
    bar("x: 7it [00:02, 3.5it/s]", "x", 7, 0, 2, NULL, 200, true);
    bar("joint 2/5:  37%|###7", "joint 2/5", 371, 1002, 12, NULL, 20, false);
    bar("x:  50%|████", "x", 5, 10, 1, NULL, 12, true); /* characters, not bytes */
}

static double fake_time;

static double fake_now(void)
{
    return fake_time;
}

static ofr_term fake_term(FILE *file, bool is_terminal)
{
    ofr_term term;
    memset(&term, 0, sizeof term);
    term.err = file;
    term.is_terminal = is_terminal;
    term.width = 80;
    term.now = fake_now;
    fake_time = 100;
    return term;
}

static int count(const char *text, char c)
{
    int n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

/* A thousand steps in two seconds are drawn at most every 100 ms in a terminal. */
static void bar_in_terminal(void **state)
{
    const char *path = support_path("bar");
    FILE *file = fopen(path, "w");
    ofr_term term = fake_term(file, true);
    (void)state;
    for (int i = 1; i <= 1000; i++) {
        fake_time += 0.002;
        ofr_term_progress(&term, "joint", i, 1000, NULL);
    }
    ofr_term_log(&term, OFR_LOG_INFO, "a remark");
    ofr_term_progress_end(&term);
    fclose(file);
    const char *text = support_read(path);
    int drawn = count(text, '\r');
    assert_in_range(drawn, 18, 24);
    assert_non_null(strstr(text, "1000/1000"));
    assert_non_null(strstr(text, "\r\033[Ka remark\n"));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

/* Elsewhere one line every ten seconds. */
static void bar_in_file(void **state)
{
    const char *path = support_path("lines");
    FILE *file = fopen(path, "w");
    ofr_term term = fake_term(file, false);
    (void)state;
    for (int i = 1; i <= 350; i++) {
        fake_time += 0.1;
        ofr_term_progress(&term, "joint", i, 350, NULL);
    }
    ofr_term_progress_end(&term);
    term.quiet = true;
    ofr_term_progress(&term, "other", 1, 1, NULL);
    ofr_term_log(&term, OFR_LOG_INFO, "not shown");
    ofr_term_log(&term, OFR_LOG_WARN, "shown");
    ofr_term_log(&term, OFR_LOG_DEBUG, "not shown");
    fclose(file);
    const char *text = support_read(path);
    assert_int_equal(count(text, '\n'), 4);
    assert_int_equal(count(text, '\r'), 0);
    assert_null(strstr(text, "not shown"));
    assert_non_null(strstr(text, "shown\n"));
}

static void expect_line(ofr_lines *lines, ofr_buf *line, const char *want)
{
    ofr_error err;
    bool got = false;
    ofr_buf_clear(line);
    assert_ok(ofr_lines_next(lines, line, &got, &err), err);
    assert_int_equal(got, want != NULL);
    if (want) assert_string_equal(line->p ? line->p : "", want);
}

static void lines_of_a_file(void **state)
{
    ofr_error err;
    ofr_lines lines;
    ofr_buf line;
    size_t big = 200000;
    char *text = test_malloc(big + 16);
    (void)state;
    ofr_buf_init(&line);
    const char *path =
        support_write("a", "\xef\xbb\xbfone\r\n\ntwo\n\r\n\xef\xbb\xbfthree");
    assert_ok(ofr_lines_open(&lines, path, &err), err);
    expect_line(&lines, &line, "one");
    expect_line(&lines, &line, "");
    expect_line(&lines, &line, "two");
    expect_line(&lines, &line, "");
    expect_line(&lines, &line, "\xef\xbb\xbfthree"); /* a mark only begins a file */
    expect_line(&lines, &line, NULL);
    expect_line(&lines, &line, NULL);
    assert_int_equal(lines.number, 5);
    ofr_lines_close(&lines);
    ofr_lines_close(&lines);

    memset(text, 'x', big);
    memcpy(text + big, "\ny\n", 4);
    assert_ok(ofr_lines_open(&lines, support_write("b", text), &err), err);
    text[big] = 0;
    expect_line(&lines, &line, text);
    expect_line(&lines, &line, "y");
    expect_line(&lines, &line, NULL);
    ofr_lines_close(&lines);
    test_free(text);

    assert_ok(ofr_lines_open(&lines, support_write("c", ""), &err), err);
    expect_line(&lines, &line, NULL);
    ofr_lines_close(&lines);
    assert_fails(ofr_lines_open(&lines, support_path("absent"), &err), OFR_NOT_FOUND, err,
                 "absent");
    assert_fails(ofr_lines_open(&lines, support_folder(), &err), OFR_IO, err,
                 "directory");
    ofr_buf_free(&line);
}

static void json_objects(void **state)
{
    static const double reals[] = {0.1, NAN, 1e300 * 10};
    static const int ints[] = {1, -2};
    char first[] = "a\"b", second[] = "c";
    char *const texts[] = {first, second};
    ofr_buf out;
    (void)state;
    ofr_buf_init(&out);
    for (int line = 0; line < 2; line++) {
        ofr_jsonline_open(&out, NULL);
        ofr_jsonline_int(&out, "n", 3);
        ofr_jsonline_reals(&out, "x", reals, 2);
        ofr_jsonline_ints(&out, "i", ints, 2);
        ofr_jsonline_texts(&out, "t", texts, 2);
        ofr_jsonline_text(&out, "none", NULL);
        ofr_jsonline_open(&out, "in");
        ofr_jsonline_bool(&out, "b", true);
        ofr_jsonline_real(&out, "nan", -(double)NAN);
        ofr_jsonline_close(&out);
        ofr_jsonline_ints(&out, "e", ints, 0);
        ofr_jsonline_end(&out);
    }
    const char *want = "{\"n\": 3, \"x\": [0.1, null], \"i\": [1, -2], "
                       "\"t\": [\"a\\\"b\", \"c\"], \"none\": null, "
                       "\"in\": {\"b\": true, \"nan\": null}, \"e\": []}\n";
    assert_int_equal(out.n, 2 * strlen(want));
    assert_memory_equal(out.p, want, strlen(want));
    assert_string_equal(out.p + strlen(want), want);
    ofr_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes),      cmocka_unit_test(option_tables),
        cmocka_unit_test(bar_layout),      cmocka_unit_test(bar_in_terminal),
        cmocka_unit_test(bar_in_file),     cmocka_unit_test(lines_of_a_file),
        cmocka_unit_test(json_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
