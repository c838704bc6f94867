/* test_table.c - TSV, CSV, JSON lines: what is read, what is refused and where. */
#include "support/support.h"

#include <unistd.h>

#include "base/mem.h"
#include "io/table.h"

static const ofr_table_options tsv = {OFR_TABLE_TSV, true, false};
static const ofr_table_options csv = {OFR_TABLE_CSV, true, false};
static const ofr_table_options jsonl = {OFR_TABLE_JSONL, true, false};

static void same_cell(const ofr_table *t, int row, int column, const char *want)
{
    ofr_str got = ofr_table_cell(t, row, column);
    if (!ofr_str_eq_c(got, want))
        fail_msg("cell %d,%d is \"%.*s\", want \"%s\"", row, column, (int)got.n, got.p,
                 want);
}

static int place(const ofr_table *t, const char *name)
{
    int column = -1;
    ofr_error err;
    (void)ofr_table_find(t, &column, "t", name, false, &err);
    return column;
}

static void test_tsv(void **state)
{
    (void)state;
    ofr_error err;
    ofr_table t;
    size_t live = ofr_mem_live();
    /* BOM, CRLF, a stray quote, empty fields, no last newline */
    const char *path =
        support_write("a.tsv", "\xef\xbb\xbf"
                               "text\tlabel\r\n\"he said\t1\r\n\t\nlast\xc3"
                               "\xa9\t2");
    assert_ok(ofr_table_open(&t, path, tsv, &err), err);
    assert_int_equal(t.n_rows, 3);
    assert_int_equal(t.n_columns, 2);
    assert_int_equal(place(&t, "text"), 0);
    assert_int_equal(place(&t, "label"), 1);
    assert_int_equal(place(&t, "Label"), -1);
    same_cell(&t, 0, 0, "\"he said");
    same_cell(&t, 0, 1, "1");
    same_cell(&t, 1, 0, "");
    same_cell(&t, 2, 0, "last\xc3\xa9");
    same_cell(&t, 2, 1, "2");
    assert_int_equal(t.lines[0], 2);
    assert_int_equal(t.lines[2], 4);
    ofr_table_close(&t);
    ofr_table_close(&t);
    ofr_table_close(NULL);

    assert_ok(ofr_table_open(&t, path, (ofr_table_options){OFR_TABLE_TSV, false, false},
                             &err),
              err);
    assert_int_equal(t.n_rows, 4);
    assert_null(t.header);
    assert_int_equal(place(&t, "text"), -1);
    same_cell(&t, 0, 0, "text");
    ofr_table_close(&t);

    /* one column: an empty line is an empty text; blank lines at the end of a
     * wider table are no rows */
    assert_ok(ofr_table_open(&t, support_write("b.tsv", "x\n\na\n\n"), tsv, &err), err);
    assert_int_equal(t.n_rows, 3);
    same_cell(&t, 2, 0, "");
    ofr_table_close(&t);
    assert_ok(ofr_table_open(&t, support_write("b.tsv", "x\ty\na\tb\n\r\n\n"), tsv, &err),
              err);
    assert_int_equal(t.n_rows, 1);
    ofr_table_close(&t);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_tsv_errors(void **state)
{
    (void)state;
    ofr_error err;
    ofr_table t;
    memset(&t, 0x55, sizeof t);
    const char *path = support_write("bad.tsv", "a\tb\tc\n1\t2\t3\n1\t2\n\n4\t5\t6\t7\n"
                                                "\xc3\xa9\t\xff\t.\n8\t9\t0\n");
    assert_fails(ofr_table_open(&t, path, tsv, &err), OFR_FORMAT, err,
                 "bad.tsv:3: found 2 fields, expected 3; ");
    assert_int_equal(t.n_rows, 0x55555555);
    assert_ok(
        ofr_table_open(&t, path, (ofr_table_options){OFR_TABLE_TSV, true, true}, &err),
        err);
    assert_int_equal(t.n_rows, 2);
    assert_int_equal(t.n_bad, 4);
    assert_int_equal(t.lines[1], 7);
    same_cell(&t, 1, 2, "0");
    ofr_table_close(&t);
    assert_fails(
        ofr_table_open(&t, support_write("u.tsv", "a\tb\nx\xc3\xa9\t\xff\n"), tsv, &err),
        OFR_FORMAT, err, "u.tsv:2:4: byte 0xff is not valid UTF-8");
    assert_fails(
        ofr_table_open(&t, support_write("u.tsv", "a\tb\n\xed\xa0\x80\t1\n"), tsv, &err),
        OFR_FORMAT, err, "u.tsv:2:1: byte 0xed");
    assert_fails(ofr_table_open(&t, support_write("u.tsv", "a\tb\ta\n"), tsv, &err),
                 OFR_FORMAT, err, "u.tsv:1: columns 1 and 3 are both called \"a\"");
    assert_fails(ofr_table_open(&t, support_write("u.tsv", ""), tsv, &err), OFR_FORMAT,
                 err, "u.tsv: the file is empty");
    assert_fails(ofr_table_open(&t, support_write("u.tsv", "\xef\xbb\xbf"), tsv, &err),
                 OFR_FORMAT, err, "u.tsv: the file is empty");
    assert_fails(ofr_table_open(&t, support_path("absent"), tsv, &err), OFR_NOT_FOUND,
                 err, "absent");
    assert_ok(ofr_table_open(&t, support_write("u.tsv", "a\tb\n"), tsv, &err), err);
    assert_int_equal(t.n_rows, 0);
    ofr_table_close(&t);
}

static void test_csv(void **state)
{
    (void)state;
    ofr_error err;
    ofr_table t;
    assert_ok(
        ofr_table_open(&t,
                       support_write("a.csv",
                                     "\"te\"\"xt\",label\r\n\"a, \"\"b\"\"\r\nc\",1\r\n"
                                     ",\n\"\",\"\"\nplain text,2"),
                       csv, &err),
        err);
    assert_int_equal(t.n_rows, 4);
    assert_int_equal(place(&t, "te\"xt"), 0);
    same_cell(&t, 0, 0, "a, \"b\"\r\nc");
    same_cell(&t, 0, 1, "1");
    same_cell(&t, 1, 1, "");
    same_cell(&t, 2, 0, "");
    same_cell(&t, 3, 0, "plain text");
    same_cell(&t, 3, 1, "2");
    assert_int_equal(t.lines[0], 2);
    assert_int_equal(t.lines[1], 4);
    ofr_table_close(&t);

    static const char *const bad[][2] = {
        {"a,b\n1,\"x\"y\n", "bad.csv:2:6: found text behind a closing quote"},
        {"a,b\n1,x\"y\n", "bad.csv:2:4: found a quote inside an unquoted field"},
        {"a,b\n1,2\n3,\"x\ny\n", "bad.csv:3:3: a quote is opened and never closed"},
        {"a,b\n\"1\n2\",2\n3\n", "bad.csv:4: found 1 field, expected 2"},
        {"a,b\n\"1\n\xff\",2\n", "bad.csv:3:1: byte 0xff is not valid UTF-8"},
        {"a,b\n\"1\"\r,2\n", "bad.csv:2:5: found a lone carriage return"},
        {"a,\"b\n", "bad.csv:1:3: a quote is opened and never closed"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(ofr_table_open(&t, support_write("bad.csv", bad[i][0]), csv, &err),
                     OFR_FORMAT, err, bad[i][1]);
    /* a bad row is left out, the rest is not swallowed */
    assert_ok(ofr_table_open(
                  &t, support_write("s.csv", "a,b\n1,\"x\n2,\"\"\"y\"\"\"\nz\n3,4\n"),
                  (ofr_table_options){OFR_TABLE_CSV, true, true}, &err),
              err);
    assert_int_equal(t.n_rows, 2);
    assert_int_equal(t.n_bad, 2);
    same_cell(&t, 0, 1, "\"y\"");
    same_cell(&t, 1, 0, "3");
    ofr_table_close(&t);
}

static void test_jsonl(void **state)
{
    (void)state;
    ofr_error err;
    ofr_table t;
    const char *path = support_write(
        "a.jsonl", "{\"text\": \"\\u00e9\\t\\n\", \"label\": 3, \"x\": 0.1}\r\n"
                   "{\"label\": true, \"other\": 1}\n"
                   "{\"text\": null, \"label\": \"l\", \"x\": [1, {\"a\": 2}]}\n\n");
    assert_ok(ofr_table_open(&t, path, jsonl, &err), err);
    assert_int_equal(t.n_rows, 3);
    assert_int_equal(t.n_columns, 3);
    assert_int_equal(place(&t, "x"), 2);
    same_cell(&t, 0, 0, "\xc3\xa9\t\n");
    same_cell(&t, 0, 1, "3");
    same_cell(&t, 0, 2, "0.1");
    assert_null(ofr_table_cell(&t, 1, 0).p); /* absent */
    same_cell(&t, 1, 1, "true");
    assert_null(ofr_table_cell(&t, 2, 0).p);
    assert_null(ofr_table_cell(&t, 2, 2).p);
    assert_ok(ofr_table_check_cell(&t, 2, 1, "a.jsonl", &err), err);
    assert_fails(ofr_table_check_cell(&t, 2, 2, "a.jsonl", &err), OFR_FORMAT, err,
                 "a.jsonl:3: \"x\" is absent, null, a list or an object");
    assert_int_equal(t.lines[2], 3);
    ofr_table_close(&t);

    static const char *const bad[][2] = {
        {"[{\"a\": 1}]\n", "bad.jsonl:1: found an array, expected one object"},
        {"[\n{\"a\": 1}\n]\n", "bad.jsonl:1:1: found the beginning of a JSON array"},
        {"{}\n", "bad.jsonl:1: found an empty object"},
        {"{\"a\": 1}\n{\"a\": \n", "bad.jsonl:2:"},
        {"{\"a\": 1}\n{\"a\": 1} {}\n",
         "bad.jsonl:2:10: not valid JSON: end of file expected"},
        {"{\"a\": 1, \"a\": 2}\n", "duplicate object key"},
        {"{\"a\": \"\xff\"}\n", "bad.jsonl:1:8: byte 0xff is not valid UTF-8"},
        {"{\"a\": 1, \"b\": 1}\n\n{\"a\": 1}\n", "bad.jsonl:2:"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(
            ofr_table_open(&t, support_write("bad.jsonl", bad[i][0]), jsonl, &err),
            OFR_FORMAT, err, bad[i][1]);
    assert_ok(ofr_table_open(&t, support_write("s.jsonl", "{\"a\": 1}\nx\n{\"a\": 2}\n"),
                             (ofr_table_options){OFR_TABLE_JSONL, true, true}, &err),
              err);
    assert_int_equal(t.n_rows, 2);
    assert_int_equal(t.n_bad, 1);
    ofr_table_close(&t);
}

/* Each of many blank lines is a bad row, and the look at whether others follow must not
 * begin again for each; the alarm ends what would take minutes. */
static void test_blank_lines(void **state)
{
    (void)state;
    enum { BLANK = 1000000 };
    ofr_error err;
    ofr_table t;
    char *text = malloc(BLANK + 20);
    assert_non_null(text);
    strcpy(text, "a\tb\n");
    memset(text + 4, '\n', BLANK);
    strcpy(text + 4 + BLANK, "x\ty\n\n");
    const char *path = support_write("blank.tsv", text);
    free(text);
    (void)alarm(60);
    assert_ok(ofr_table_open(&t, path, (ofr_table_options){OFR_TABLE_TSV, true, true},
                             &err),
              err);
    (void)alarm(0);
    assert_int_equal(t.n_rows, 1);
    assert_int_equal(t.n_bad, BLANK);
    assert_int_equal(t.lines[0], BLANK + 2);
    ofr_table_close(&t);
}

static void test_kind(void **state)
{
    (void)state;
    assert_int_equal(ofr_table_kind_of("x/a.tsv"), OFR_TABLE_TSV);
    assert_int_equal(ofr_table_kind_of("a.txt"), OFR_TABLE_TSV);
    assert_int_equal(ofr_table_kind_of("a"), OFR_TABLE_TSV);
    assert_int_equal(ofr_table_kind_of("a.csv"), OFR_TABLE_CSV);
    assert_int_equal(ofr_table_kind_of("DATA.CSV"), OFR_TABLE_CSV);
    assert_int_equal(ofr_table_kind_of("A.Jsonl"), OFR_TABLE_JSONL);
    assert_int_equal(ofr_table_kind_of("a.jsonl"), OFR_TABLE_JSONL);
    assert_int_equal(ofr_table_kind_of("a.json"), OFR_TABLE_JSONL);
}

static void test_memory(void **state)
{
    (void)state;
    static const char *const texts[] = {"a\tb\n1\t2\n", "a,b\n1,\"2\"\n",
                                        "{\"a\": \"x\", \"b\": 2}\n"};
    for (int kind = 0; kind < 3; kind++) {
        const char *path = support_write("memory", texts[kind]);
        ofr_table_options options = {(ofr_table_kind)kind, true, false};
        for (size_t n = 1;; n++) {
            ofr_error err;
            ofr_table t;
            size_t live = ofr_mem_live();
            ofr_mem_fail_at(n, n % 2 == 0);
            ofr_status status = ofr_table_open(&t, path, options, &err);
            ofr_mem_fail_at(0, false);
            if (status == OFR_OK) {
                assert_int_equal(t.n_rows, 1);
                ofr_table_close(&t);
                break;
            }
            assert_int_equal(status, OFR_NOMEM);
            assert_int_equal(ofr_mem_live(), live);
        }
    }
}

/* Every data set at hand has the rows and columns that its description says. */
static void test_data_sets(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int rows, columns;
        bool header;
    } files[] = {
        {"glue/RTE/train.tsv", 2490, 4, true},   {"glue/RTE/dev.tsv", 277, 4, true},
        {"glue/SST-2/train.tsv", 67349, 2, true}, {"glue/SST-2/dev.tsv", 872, 2, true},
        {"glue/MRPC/train.tsv", 3668, 5, true},  {"glue/MRPC/dev.tsv", 408, 5, true},
        {"glue/MRPC/test_labelled.tsv", 1725, 5, true},
        {"glue/QNLI/train.tsv", 4463, 4, true},  {"glue/QNLI/dev.tsv", 1000, 4, true},
        {"glue/QQP/train.tsv", 20496, 6, true},  {"glue/QQP/dev.tsv", 3000, 6, true},
        {"glue/SNLI/train.tsv", 9842, 3, true},  {"glue/SNLI/dev.tsv", 9824, 3, true},
        {"glue/CoLA/train.tsv", 8551, 4, false}, {"glue/CoLA/dev.tsv", 1043, 4, false},
        {"glue/STS-B/train.tsv", 5749, 3, true}, {"glue/STS-B/dev.tsv", 1500, 3, true},
        {"glue/STS-B/test_full.tsv", 1379, 3, true},
        {"intent/mcid/train.tsv", 1220, 2, true}, {"intent/mcid/dev.tsv", 176, 2, true},
        {"intent/mcid/test.tsv", 349, 2, true},
        {"intent/stackoverflow/train.tsv", 18000, 2, true},
        {"intent/stackoverflow/dev.tsv", 1000, 2, true},
        {"intent/stackoverflow/test.tsv", 1000, 2, true},
        {"intent/clinc150/train.tsv", 18000, 2, true},
        {"intent/clinc150/dev.tsv", 2250, 2, true},
        {"intent/clinc150/test.tsv", 2250, 2, true},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[OFR_PATH_MAX];
        ofr_error err;
        ofr_table t;
        ofr_table_options options = {OFR_TABLE_TSV, files[i].header, false};
        if (!support_shared_path(path, "data", files[i].path)) continue;
        assert_ok(ofr_table_open(&t, path, options, &err), err);
        if (t.n_rows != files[i].rows || t.n_columns != files[i].columns)
            fail_msg("%s: %d rows of %d columns, want %d of %d", path, t.n_rows,
                     t.n_columns, files[i].rows, files[i].columns);
        ofr_table_close(&t);
    }
    char path[OFR_PATH_MAX];
    ofr_error err;
    ofr_table t;
    if (support_shared_path(path, "data", "generation/dolly_6400.jsonl")) {
        assert_ok(ofr_table_open(&t, path, jsonl, &err), err);
        assert_int_equal(t.n_rows, 6400);
        ofr_table_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tsv),    cmocka_unit_test(test_tsv_errors),
        cmocka_unit_test(test_csv),    cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_kind),   cmocka_unit_test(test_memory),
        cmocka_unit_test(test_data_sets), cmocka_unit_test(test_blank_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
