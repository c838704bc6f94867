/*
 * test_dataset.c - files of every kind become tokens and labels; whatever is wrong
 * with them is said with file and line.
 */
#include "support/support.h"

#include "base/mem.h"
#include "data/dataset.h"
#include "data/task.h"

static ofr_tok *tok;

static int open_tok(void **state)
{
    const ofr_tok_options how = {-1};
    ofr_error err;

    (void)state;
    assert_ok(
        ofr_tok_open(&tok,
                     support_write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
                                                "a\nb\nc\nd\ne\n"),
                     how, &err),
        err);
    return 0;
}

static int close_tok(void **state)
{
    (void)state;
    ofr_tok_close(tok);
    return 0;
}

static ofr_columns columns(const char *text, const char *pair, const char *label)
{
    return (ofr_columns){.has_header = true, .text = text, .pair = pair, .label = label};
}

static void has_ids(const ofr_dataset *data, int i, const int *want, int n)
{
    assert_int_equal(data->offsets[i + 1] - data->offsets[i], n);
    assert_memory_equal(data->ids + data->offsets[i], want, (size_t)n * sizeof(int));
}

static void test_tsv(void **state)
{
    const ofr_columns c = columns("text", NULL, "label");
    ofr_dataset data;
    ofr_error err;

    (void)state;
    /* BOM, CRLF, an empty text, a quote that is data, no last newline. */
    assert_ok(ofr_dataset_open(
                  &data,
                  support_write("x.tsv", "\xEF\xBB\xBFtext\tlabel\r\na b\tyes\r\n\tno\r\n"
                                         "\"c\tyes"),
                  &c, tok, 0, NULL, 0, &err),
              err);
    assert_int_equal(data.n, 3);
    assert_int_equal(data.K, 2);
    assert_string_equal(data.label_names[0], "no");
    assert_string_equal(data.label_names[1], "yes");
    assert_int_equal(data.labels[0], 1);
    assert_int_equal(data.labels[1], 0);
    has_ids(&data, 0, (const int[]){2, 5, 6, 3}, 4);
    has_ids(&data, 1, (const int[]){2, 3}, 2);
    has_ids(&data, 2, (const int[]){2, 1, 7, 3}, 4);
    assert_int_equal(data.max_T, 4);
    assert_int_equal(data.lines[2], 4);
    assert_true(ofr_str_eq_c(data.text[2], "\"c"));
    assert_null(data.pair);
    assert_null(data.targets);
    ofr_dataset_close(&data);
}

static void test_pairs(void **state)
{
    ofr_columns c = columns("second|x|1", "0", "-1");
    ofr_dataset data;
    ofr_error err;

    (void)state;
    c.of_task = true;
    assert_ok(ofr_dataset_open(&data,
                               support_write("p.csv", "first,x,label\n\"a, b\",c d,10\n"
                                                      "e,a,9\n"),
                               &c, tok, 6, NULL, 0, &err),
              err);
    assert_int_equal(data.n, 2);
    assert_string_equal(data.label_names[0], "9"); /* numbers in numeric order */
    assert_string_equal(data.label_names[1], "10");
    assert_int_equal(data.n_truncated, 1);
    has_ids(&data, 1, (const int[]){2, 5, 3, 9, 3}, 5);
    assert_int_equal(data.types[data.offsets[1] + 2], 0);
    assert_int_equal(data.types[data.offsets[1] + 3], 1);
    assert_true(ofr_str_eq_c(data.pair[0], "a, b"));
    ofr_dataset_close(&data);
}

static void test_jsonl(void **state)
{
    const ofr_columns c = columns("t", NULL, "y");
    ofr_dataset data;
    ofr_error err;

    (void)state;
    assert_ok(ofr_dataset_open(&data,
                               support_write("x.jsonl", "{\"t\":\"a\",\"y\":1}\n"
                                                        "{\"t\":\"b\",\"y\":0}\n"),
                               &c, tok, 0, NULL, 0, &err),
              err);
    assert_int_equal(data.n, 2);
    assert_int_equal(data.labels[0], 1);
    ofr_dataset_close(&data);
}

/* Rows of JSON lines without the text or the label that is asked for. */
static void test_no_cells(void **state)
{
    static const char *const bad[] = {"{\"y\":1}", "{\"t\":null,\"y\":1}",
                                      "{\"t\":[\"a\"],\"y\":1}", "{\"t\":\"a\"}",
                                      "{\"t\":\"a\",\"y\":{}}"};
    ofr_columns c = columns("t", NULL, "y");
    ofr_dataset data;
    ofr_error err;
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text,
                 "{\"t\":\"a\",\"y\":1,\"z\":[]}\n%s\n{\"t\":\"b\",\"y\":2}\n", bad[i]);
        const char *path = support_write("bad.jsonl", text);
        c.skip_bad_rows = false;
        assert_fails(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err), OFR_FORMAT,
                     err, i < 3 ? "bad.jsonl:2: \"t\" is absent, null" : "\"y\" is");
        c.skip_bad_rows = true;
        assert_ok(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err), err);
        assert_int_equal(data.n, 2);
        assert_int_equal(data.n_bad_rows, 1);
        ofr_dataset_close(&data);
    }
}

/* A task's "-" is no class; a file of a task without its label has none at all. */
static void test_task_labels(void **state)
{
    ofr_columns c = columns("sentence1|8", "sentence2|9", "gold_label|-1");
    const char *path = support_write("x.tsv", "gold_label\tsentence1\tsentence2\n"
                                              "-\ta\tb\nyes\ta\tb\nno\tb\ta\n-\tc\td\n");
    static const char *const known[] = {"no", "yes"};
    ofr_dataset data;
    ofr_error err;

    (void)state;
    c.of_task = true;
    for (int K = 0; K <= 2; K += 2) {
        assert_ok(ofr_dataset_open(&data, path, &c, tok, 0, known, K, &err), err);
        assert_int_equal(data.n, 2);
        assert_int_equal(data.K, 2);
        assert_int_equal(data.n_unlabelled, 2);
        assert_int_equal(data.n_bad_rows, 0);
        assert_int_equal(data.lines[0], 3);
        ofr_dataset_close(&data);
    }
    c.of_task = false; /* somebody's own class */
    c.text = "sentence1", c.pair = "sentence2", c.label = "gold_label";
    assert_ok(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err), err);
    assert_int_equal(data.K, 3);
    ofr_dataset_close(&data);

    c = columns("sentence|0", NULL, "label|1");
    c.of_task = true;
    path = support_write("x.tsv", "index\tsentence\n0\ta\n1\tb\n"); /* SST-2's test.tsv */
    assert_fails(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err), OFR_FORMAT,
                 err, "x.tsv:1: no column 'label'; the header has: index, sentence; give "
                      "a file with labels");
    c.label = NULL;
    assert_ok(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err), err);
    ofr_dataset_close(&data);
    path = support_write("x.tsv", "words\tclass\na\t0\nb\t1\n"); /* numbers for both */
    c.label = "label|1";
    assert_ok(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err), err);
    assert_int_equal(data.n, 2);
    ofr_dataset_close(&data);
}

/* A pair task's rows in the three columns that many copies have. */
static void test_task_copies(void **state)
{
    static const char *const names[] = {"mnli", "mnlimm", "qqp"};
    ofr_dataset data;
    ofr_error err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        const ofr_task *task;
        assert_ok(ofr_task_find(&task, names[i], &err), err);
        ofr_columns c = columns(task->text, task->pair, task->label);
        c.of_task = true;
        const char *path = support_write(
            "x.tsv", i < 2 ? "sentence1\tsentence2\tlabel\na\tb\tyes\nb\ta\tno\n"
                           : "question1\tquestion2\tlabel\na\tb\tyes\nb\ta\tno\n");
        assert_ok(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err), err);
        assert_int_equal(data.K, 2);
        assert_string_equal(data.label_names[data.labels[0]], "yes");
        ofr_dataset_close(&data);
        path = support_write("x.tsv", i < 2 ? "index\tsentence1\tsentence2\n0\ta\tb\n"
                                            : "id\tquestion1\tquestion2\n0\ta\tb\n");
        assert_true(ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err) ==
                    OFR_FORMAT);
    }
}

static void test_regression(void **state)
{
    ofr_columns c = columns("text", NULL, "score");
    ofr_dataset data;
    ofr_error err;

    (void)state;
    c.regression = true;
    assert_ok(ofr_dataset_open(&data,
                               support_write("r.tsv", "text\tscore\na\t2.5\nb\t-1\n"), &c,
                               tok, 0, NULL, 0, &err),
              err);
    assert_int_equal(data.K, 1);
    assert_null(data.labels);
    assert_true(data.targets[0] == 2.5F && data.targets[1] == -1);
    ofr_dataset_close(&data);
    assert_fails(ofr_dataset_open(&data, support_write("r.tsv", "text\tscore\na\tgood\n"),
                                  &c, tok, 0, NULL, 0, &err),
                 OFR_FORMAT, err, "r.tsv:2: label 'good' is no finite number");
    assert_fails(ofr_dataset_open(&data, support_write("r.tsv", "text\tscore\na\tinf\n"),
                                  &c, tok, 0, NULL, 0, &err),
                 OFR_FORMAT, err, "no finite number");
}

static void fails(const char *text, const ofr_columns *c, const char *const *names, int K,
                  ofr_status status, const char *part)
{
    const size_t live = ofr_mem_live();
    ofr_dataset data;
    ofr_error err;

    memset(&data, 0x5a, sizeof data);
    assert_fails(ofr_dataset_open(&data, support_write("bad.tsv", text), c, tok, 0, names,
                                  K, &err),
                 status, err, part);
    assert_int_equal(((unsigned char *)&data)[0], 0x5a); /* untouched */
    assert_int_equal(ofr_mem_live(), live);
}

static void test_errors(void **state)
{
    static const char *const known[] = {"good", "bad"};
    const ofr_columns c = columns("text", NULL, "label");
    ofr_columns other = columns("sentence", NULL, "label");

    (void)state;
    fails("text\tlabel\na\tgood\nb\tugly\n", &c, known, 2, OFR_FORMAT,
          "bad.tsv:3: label 'ugly' was never seen in training; known: good, bad");
    fails("text\tlabel\na\tgood\nb\tgood\n", &c, NULL, 0, OFR_FORMAT,
          "only one class ('good') in 2 rows");
    fails("text\tlabel\na\tgood\nb\t \n", &c, known, 2, OFR_FORMAT,
          "bad.tsv:3: the label is empty");
    fails("text\tlabel\n", &c, NULL, 0, OFR_FORMAT, "no rows of data");
    fails("", &c, NULL, 0, OFR_FORMAT, "bad.tsv");
    fails("text\tlabel\na\tgood\nb\n", &c, NULL, 0, OFR_FORMAT,
          "bad.tsv:3: found 1 field");
    fails("text\tlabel\na\tgood\n", &other, NULL, 0, OFR_FORMAT,
          "no column 'sentence'; the header has: text, label");
    other.text = "7";
    fails("text\tlabel\na\tgood\n", &other, NULL, 0, OFR_FORMAT, "no column '7'");
    other = columns("0", NULL, "2");
    other.has_header = false;
    fails("a\tgood\n", &other, NULL, 0, OFR_FORMAT, "has 2 columns and no header");
    other = columns("text", NULL, "label");
    fails("text\tlabel\n\xff\xfe\tgood\n", &other, NULL, 0, OFR_FORMAT, "bad.tsv:2");
    ofr_dataset data;
    ofr_error err;
    assert_fails(ofr_dataset_open(&data, support_path("absent.tsv"), &c, tok, 0, NULL, 0,
                                  &err),
                 OFR_NOT_FOUND, err, "absent.tsv");
}

/* What tasks are written with means nothing in a column that somebody names. */
static void test_own_columns(void **state)
{
    static const char *const none[] = {"-1",  "zzz|0", "text|label", "0|1", "2",
                                       "0x0", ""};
    const char *text = "text\tlabel\na\tgood\nb\tbad\n";
    ofr_columns c = columns("text", NULL, "label");
    ofr_dataset data;
    ofr_error err;
    char line[128];

    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        snprintf(line, sizeof line,
                 "bad.tsv:1: no column '%s'; the header has: text, label; give one of",
                 none[i]);
        c = columns(none[i], NULL, "label");
        fails(text, &c, NULL, 0, OFR_FORMAT, line);
        c = columns("text", none[i], "label");
        fails(text, &c, NULL, 0, OFR_FORMAT, line);
        c = columns("text", NULL, none[i]);
        fails(text, &c, NULL, 0, OFR_FORMAT, line);
    }
    c = columns("0", NULL, "-1");
    c.has_header = false;
    fails("a\tgood\nb\tbad\n", &c, NULL, 0, OFR_FORMAT, "so columns are 0 to 1; give");
    /* A name is a name, and comes before numbers. */
    c = columns("a|b", "-1", "0");
    assert_ok(ofr_dataset_open(&data,
                               support_write("n.tsv", "9\ta|b\t-1\t0\n"
                                                      "w\ta\tb\tx\nw\tc\td\ty\n"),
                               &c, tok, 0, NULL, 0, &err),
              err);
    assert_true(ofr_str_eq_c(data.text[0], "a") && ofr_str_eq_c(data.pair[1], "d"));
    assert_string_equal(data.label_names[1], "y");
    ofr_dataset_close(&data);
}

static void test_skip(void **state)
{
    static const char *const known[] = {"0", "1"};
    ofr_columns c = columns("text", NULL, "label");
    ofr_dataset data;
    ofr_error err;

    (void)state;
    c.skip_bad_rows = true;
    assert_ok(ofr_dataset_open(
                  &data, support_write("s.tsv", "text\tlabel\na\t1\nb\nc\tx\nd\t0\n"), &c,
                  tok, 0, known, 2, &err),
              err);
    assert_int_equal(data.n, 2);
    assert_int_equal(data.n_bad_rows, 2);
    assert_int_equal(data.labels[0], 1);
    assert_int_equal(data.lines[1], 5);
    ofr_dataset_close(&data);
    fails("text\tlabel\na\tx\n", &c, known, 2, OFR_FORMAT, "no rows of data that can be");
}

static void make(ofr_dataset *data, int n)
{
    static const char *const names[] = {"x", "y"};
    static const char *const words[] = {"a", "b c", "", "d d d", "e"};
    ofr_str text[100], pair[100];
    int labels[100];
    ofr_error err;

    for (int i = 0; i < n; i++) {
        text[i] = ofr_str_of(words[i % 5]);
        pair[i] = ofr_str_of(words[(i + i / 5) % 5]);
        labels[i] = i % 2;
    }
    assert_ok(ofr_dataset_from_texts(data, text, pair, labels, n, 2, names, tok, 0, &err),
              err);
}

/* Both parts together are the whole, text by text, and live on their own. */
static void test_split(void **state)
{
    ofr_dataset whole, data, held;
    ofr_error err;
    int h = 0, r = 0;

    (void)state;
    make(&whole, 50);
    make(&data, 50);
    assert_ok(ofr_dataset_split(&data, &held, 0.2, 9, &err), err);
    assert_int_equal(held.n, 10);
    assert_int_equal(data.n, 40);
    for (int i = 0; i < 50; i++) {
        const bool in_held = h < held.n && held.lines[h] == whole.lines[i];
        const ofr_dataset *part = in_held ? &held : &data;
        const int k = in_held ? h++ : r++;

        assert_int_equal(part->lines[k], whole.lines[i]);
        assert_int_equal(part->labels[k], whole.labels[i]);
        assert_true(ofr_str_eq(part->text[k], whole.text[i]));
        assert_true(ofr_str_eq(part->pair[k], whole.pair[i]));
        has_ids(part, k, whole.ids + whole.offsets[i],
                whole.offsets[i + 1] - whole.offsets[i]);
    }
    ofr_dataset_close(&data);
    assert_string_equal(held.label_names[1], "y");
    assert_fails(ofr_dataset_split(&held, &data, 1.0, 9, &err), OFR_INVALID, err,
                 "hold out the fraction 1");
    ofr_dataset_close(&held);
    ofr_dataset_close(&whole);
}

static void test_gather(void **state)
{
    const int order[] = {3, 0, 2, 3};
    int offsets[5], ids[100], types[100];
    ofr_dataset data;

    (void)state;
    make(&data, 10);
    ofr_dataset_gather(&data, order, 4, offsets, ids, types);
    assert_int_equal(offsets[0], 0);
    for (int b = 0; b < 4; b++) {
        const int T = offsets[b + 1] - offsets[b];

        has_ids(&data, order[b], ids + offsets[b], T);
        assert_memory_equal(data.types + data.offsets[order[b]], types + offsets[b],
                            (size_t)T * sizeof(int));
    }
    ofr_dataset_close(&data);
}

/* Allocation n fails, for every n: an error, no leak. */
static void test_memory(void **state)
{
    const ofr_columns c = columns("text", NULL, "label");
    char path[OFR_PATH_MAX];
    const size_t live = ofr_mem_live();
    ofr_status status = OFR_NOMEM;

    (void)state;
    snprintf(path, sizeof path, "%s",
             support_write("m.tsv", "text\tlabel\na b\tx\nc\ty\nd e\tx\n"));
    for (size_t n = 1; status != OFR_OK; n++) {
        ofr_dataset data;
        ofr_error err;

        assert_true(n < 10000);
        ofr_mem_fail_at(n, true);
        status = ofr_dataset_open(&data, path, &c, tok, 0, NULL, 0, &err);
        ofr_mem_fail_at(0, false);
        if (status == OFR_OK)
            ofr_dataset_close(&data);
        else
            assert_int_equal(status, OFR_NOMEM);
        assert_int_equal(ofr_mem_live(), live);
    }
}

/* The data sets at hand, by the table of tasks alone. */
static void test_real(void **state)
{
    static const struct {
        const char *task, *folder, *which;
        int n, K;
        bool pairs;
    } sets[] = {
        {"cola", "glue", "dev", 1043, 2, false},
        {"sst2", "glue", "dev", 872, 2, false},
        {"mrpc", "glue/MRPC", "dev", 408, 2, true},
        {"stsb", "glue", "dev", 1500, 1, true},
        {"qqp", "glue", "dev", 3000, 2, true},
        {"snli", "glue", "train", 9842, 3, true},
        {"qnli", "glue", "dev", 1000, 2, true},
        {"rte", "glue", "train", 2490, 2, true},
        {"mcid", "intent", "train", 1220, 16, false},
        {"stackoverflow", "intent", "dev", 1000, 20, false},
        {"clinc150", "intent", "test", 2250, 150, false},
    };
    char dir[OFR_PATH_MAX], path[OFR_PATH_MAX];

    (void)state;
    if (!support_shared_path(dir, "data", "glue")) return;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const ofr_task *task;
        ofr_columns c = {0};
        ofr_dataset data;
        ofr_error err;

        assert_true(support_shared_path(dir, "data", sets[i].folder));
        assert_ok(ofr_task_find(&task, sets[i].task, &err), err);
        assert_ok(ofr_task_file(task, dir, sets[i].which, path, &err), err);
        c = columns(task->text, task->pair, task->label);
        c.has_header = task->has_header;
        c.regression = task->regression;
        c.of_task = true;
        assert_ok(ofr_dataset_open(&data, path, &c, tok, 32, NULL, 0, &err), err);
        if (data.n != sets[i].n || data.K != sets[i].K)
            fail_msg("%s: %d rows and %d classes, expected %d and %d", path, data.n,
                     data.K, sets[i].n, sets[i].K);
        assert_int_equal(data.pair != NULL, sets[i].pairs);
        ofr_dataset_close(&data);
    }
    /* A labelled file whose header differs from the task's own. */
    assert_true(support_shared_path(path, "data", "glue/MRPC/test_labelled.tsv"));
    const ofr_task *task;
    ofr_error err;
    ofr_dataset data;
    assert_ok(ofr_task_find(&task, "mrpc", &err), err);
    ofr_columns c = columns(task->text, task->pair, task->label);
    c.of_task = true;
    assert_ok(ofr_dataset_open(&data, path, &c, tok, 32, NULL, 0, &err), err);
    assert_int_equal(data.n, 1725);
    ofr_dataset_close(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tsv),        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_jsonl),      cmocka_unit_test(test_regression),
        cmocka_unit_test(test_no_cells),   cmocka_unit_test(test_task_labels),
        cmocka_unit_test(test_errors),     cmocka_unit_test(test_own_columns),
        cmocka_unit_test(test_skip),       cmocka_unit_test(test_split),
        cmocka_unit_test(test_gather),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_real),       cmocka_unit_test(test_task_copies),
    };

    return cmocka_run_group_tests(tests, open_tok, close_tok);
}
