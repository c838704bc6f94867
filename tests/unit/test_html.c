/*
 * test_html.c - reports on evaluations and runs: pages as HTML, JSON and CSV, and what
 * they are made from.  What is checked is the text and the numbers.
 */
#include "unit/html_look.h"

#include <math.h>

#include "base/mem.h"
#include "report/html.h"
#include "report/html_parts.h"

/* ---- the page in memory --------------------------------------------------------- */

static void small_page(ofr_page *page)
{
    ofr_page_table *t;
    ofr_page_init(page);
    page->title = "A & B";
    page->subtitle = "<i>";
    ofr_page_section_begin(page, "one", "First");
    ofr_page_verdict(page, "fine", 1, "all \"good\"");
    t = ofr_page_table_begin(page, "things", NULL, OFR_LOOK_TEXTS);
    ofr_page_column(t, "text", "text", false);
    ofr_page_column(t, "share", "share", true);
    ofr_page_column(t, "n", "texts", true);
    ofr_page_row_begin(page, t);
    ofr_page_text(page, t, OFR_STR("<script>\x01\xff, \"x\""));
    ofr_page_number(t, OFR_CELL_PERCENT, 1, 0.1);
    ofr_page_number(t, OFR_CELL_COUNT, 0, 3);
    ofr_page_row_begin(page, t);
    ofr_page_text(page, t, OFR_STR("plain"));
    ofr_page_number(t, OFR_CELL_POINTS, 1, -0.0004);
    ofr_page_number(t, OFR_CELL_COUNT, 0, NAN);
    assert_false(page->failed);
}

static void test_page(void **state)
{
    (void)state;
    ofr_page page;
    ofr_buf out;
    small_page(&page);
    ofr_buf_init(&out);
    ofr_page_json(&out, &page);
    assert_string_equal(
        out.p, "{\"schema_version\": 1, \"title\": \"A & B\",\n"
               "\"verdict\": {\"name\": \"fine\", \"why\": \"all \\\"good\\\"\"},\n"
               "\"things\": [\n"
               "  {\"text\": \"<script>\\u0001\xef\xbf\xbd, \\\"x\\\"\", \"share\": 0.1, "
               "\"n\": 3},\n"
               "  {\"text\": \"plain\", \"share\": -0.0004, \"n\": null}]}\n");
    ofr_buf_clear(&out);
    ofr_page_csv(&out, &page);
    assert_string_equal(out.p, "table,row,column,value\r\n"
                               "things,1,text,\"<script>\x01\xff, \"\"x\"\"\"\r\n"
                               "things,1,share,0.1\r\nthings,1,n,3\r\n"
                               "things,2,text,plain\r\nthings,2,share,-0.0004\r\n");
    ofr_buf_clear(&out);
    ofr_page_html(&out, &page, NULL);
    check_well_formed(out.p);
    check_offline(out.p);
    assert_true(has(out.p, "<title>A &amp; B</title>"));
    assert_true(has(out.p, "<p>&lt;i&gt;</p>"));
    assert_true(
        has(out.p, "<p class=\"verdict mood1\"><b>fine</b> all &quot;good&quot;</p>"));
    assert_true(has(out.p,
                    "<td class=\"wide\" data-name=\"text\">&lt;script&gt;\xef\xbf\xbd"
                    "\xef\xbf\xbd, &quot;x&quot;</td>"
                    "<td class=\"n\" data-name=\"share\">10.0 %</td>"
                    "<td class=\"n\" data-name=\"texts\">3</td>"));
    assert_true(has(out.p, ">0.0 points</td>")); /* no "-0.0" */
    assert_true(has(out.p, "data-name=\"texts\">\xe2\x80\x93</td>"));
    ofr_buf_free(&out);
    ofr_page_free(&page);
}

static void test_cells(void **state)
{
    (void)state;
    static const struct {
        ofr_cell cell;
        const char *text;
    } cases[] = {
        {{.format = OFR_CELL_REAL, .decimals = 3, .value = 1.0 / 3}, "0.333"},
        {{.format = OFR_CELL_PERCENT, .decimals = 1, .value = 0.98765}, "98.8 %"},
        {{.format = OFR_CELL_POINTS, .decimals = 1, .value = 0.0123}, "+1.2 points"},
        {{.format = OFR_CELL_TIMES, .decimals = 2, .value = 2.137}, "2.14\xc3\x97"},
        {{.format = OFR_CELL_SHORT, .value = 0.05}, "0.05"},
        {{.format = OFR_CELL_COUNT, .value = 12345}, "12345"},
    };
    ofr_buf out;
    ofr_buf_init(&out);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ofr_buf_clear(&out);
        ofr_page_cell_text(&out, &cases[i].cell);
        assert_string_equal(out.p, cases[i].text);
    }
    ofr_buf_free(&out);
}

/* ---- an evaluation -------------------------------------------------------------- */

/* Six texts, two layers, two classes.  By hand: at layer 1 texts 0, 1, 4 are right,
 * at layer 2 texts 0, 1, 2, 5; texts 0, 1, 2, 3 left at layer 1.  Given right: 0, 1, 5.
 * Text 2 is the early mistake. */
static const char predictions[] =
    "id\tlabel\tprediction\texit_layer\tpi_1\tp_1_0\tp_1_1\tp_2_0\tp_2_1\n"
    "0\tno\tno\t1\t0.9\t0.9\t0.1\t0.8\t0.2\n"
    "1\t<b>\t<b>\t1\t0.9\t0.3\t0.7\t0.4\t0.6\n"
    "2\tno\t<b>\t1\t0.9\t0.05\t0.95\t0.7\t0.3\n"
    "3\t<b>\tno\t1\t0.9\t0.6\t0.4\t0.9\t0.1\n"
    "4\tno\t<b>\t2\t0.1\t0.6\t0.4\t0.2\t0.8\n"
    "5\t<b>\t<b>\t2\t0.1\t0.8\t0.2\t0.1\t0.9\n";

static const char evaluation[] =
    "{\"task\": \"t\", \"metric\": \"accuracy\", \"score\": 0.5, \"score_full\": "
    "0.6666666666666666, \"mean_exit_layer\": 1.3333333333333333, \"n_layers\": 2, "
    "\"saved_layers\": 0.3333333333333333, \"layer_speedup\": 1.5, \"ms_per_text\": 2, "
    "\"ms_per_text_full\": 3, \"ms_per_text_p95\": 4, \"ms_per_text_full_p95\": 10, "
    "\"exit_histogram\": [4, 2], \"layer_accuracy\": [0.5, 0.6666666666666666], "
    "\"layer_score\": [0.5, 0.6666666666666666], \"exit_accuracy\": [0.5, 0.5], "
    "\"layer_calibration_error\": [0.25, null], \"overthinking\": 0.16666666666666666, "
    "\"random_floor\": {\"score\": 0.55, \"deviation\": 0.1}, \"rule\": \"policy\", "
    "\"n_texts\": 6, \"seed\": 7, \"labels\": [\"no\", \"<b>\"]}";

static const char texts[] = "text\tverdict\n"
                            "zero\tx\none\tx\nsaid <img src=x onerror=alert(1)>\tx\n"
                            "three\tx\nfour\tx\nfive\tx\n";

static void test_answers(void **state)
{
    (void)state;
    static const char *const labels[] = {"no", "<b>"};
    static const int memorized[] = {1, 1, 2, 2, 2, 2};
    ofr_answers a;
    ofr_summary s;
    ofr_page page;
    ofr_error err;
    ofr_page_init(&page);
    const char *path = support_write("p.tsv", predictions);
    assert_ok(ofr_answers_open(&a, &page, path, labels, 2, 0.5, &err), err);
    assert_int_equal(a.n, 6);
    assert_int_equal(a.L, 2);
    assert_int_equal(a.K, 2);
    for (int i = 0; i < 6; i++)
        assert_int_equal(a.memorized[i], memorized[i]);
    assert_ok(ofr_answers_summary(&s, &page, &a, OFR_METRIC_ACCURACY, &err), err);
    support_close_one("score", s.score, 3.0 / 6, 1e-12);
    support_close_one("score_full", s.score_full, 4.0 / 6, 1e-12);
    support_close_one("mean exit", s.mean_exit, 8.0 / 6, 1e-12);
    support_close_one("layer 1", s.layer_accuracy[0], 3.0 / 6, 1e-12);
    support_close_one("left at 1", s.histogram[0], 4, 0);
    support_close_one("right there", s.exit_accuracy[0], 2.0 / 4, 1e-12);
    support_close_one("overthinking", s.overthinking, 1.0 / 6, 1e-12); /* text 4 */
    /* Random exits: 4/6 of layer 1, 2/6 of layer 2. */
    support_close_one("random", s.random_score, 4.0 / 6 * 0.5 + 2.0 / 6 * 4 / 6, 1e-12);
    support_close_one("oracle", s.oracle_accuracy, 5.0 / 6, 1e-12);
    support_close_one("oracle exit", s.oracle_exit, (1 + 1 + 2 + 2 + 1 + 2) / 6.0, 1e-12);
    ofr_answers_close(&a);
    ofr_page_free(&page);
}

/* Regression: right is closer than a half. */
static void test_regression(void **state)
{
    (void)state;
    ofr_answers a;
    ofr_summary s;
    ofr_page page;
    ofr_error err;
    const char *path =
        support_write("r.tsv", "id\tlabel\tprediction\texit_layer\tpi_1\tp_1_0\tp_2_0\n"
                               "0\t1\t1.4\t1\t\t1.4\t2\n"
                               "1\t2\t2.6\t2\t\t1\t2.6\n"
                               "2\t5\t3\t1\t\t3\t5.1\n");
    ofr_page_init(&page);
    assert_ok(ofr_answers_open(&a, &page, path, NULL, 0, 0.5, &err), err);
    assert_true(a.regression);
    assert_ok(ofr_answers_summary(&s, &page, &a, OFR_METRIC_PEARSON, &err), err);
    support_close_one("accuracy", s.accuracy, 1.0 / 3, 1e-12);
    support_close_one("full", s.accuracy_full, 1.0 / 3, 1e-12);
    /* numpy.corrcoef([1.4, 2.6, 3], [1, 2, 5]) */
    support_close_one("pearson", s.score, 11.0 / 13, 1e-6);
    assert_true(isnan(s.random_score));
    ofr_answers_close(&a);
    assert_ok(ofr_answers_open(&a, &page, path, NULL, 0, 1, &err), err);
    assert_ok(ofr_answers_summary(&s, &page, &a, OFR_METRIC_PEARSON, &err), err);
    support_close_one("accuracy, a wider limit", s.accuracy, 2.0 / 3, 1e-12);
    support_close_one("full, a wider limit", s.accuracy_full, 2.0 / 3, 1e-12);
    ofr_answers_close(&a);
    /* As evaluation counts, which has floats: 0.9f - 0.4f is less than a half. */
    path = support_write("near.tsv",
                         "id\tlabel\tprediction\texit_layer\tpi_1\tp_1_0\tp_2_0\n"
                         "0\t0.4\t0.9\t2\t\t0.4\t0.9\n");
    assert_ok(ofr_answers_open(&a, &page, path, NULL, 0, 0.5, &err), err);
    assert_true(a.ok[0] && a.right[0] && a.right[1]);
    ofr_answers_close(&a);
    ofr_page_free(&page);
}

/* Layer 1 was not trained and says nothing; texts leave at the last. */
static void test_untrained(void **state)
{
    (void)state;
    static const char *const labels[] = {"no", "yes"};
    static const char text[] =
        "id\tlabel\tprediction\texit_layer\tpi_1\tp_1_0\tp_1_1\tp_2_0\tp_2_1\n"
        "0\tno\tno\t2\t\t\t\t0.8\t0.2\n"
        "1\tno\tyes\t2\t\t\t\t0.3\t0.7\n";
    ofr_answers a;
    ofr_summary s;
    ofr_page page;
    ofr_error err;
    ofr_page_init(&page);
    const char *path = support_write("untrained.tsv", text);
    assert_ok(ofr_answers_open(&a, &page, path, labels, 2, 0.5, &err), err);
    assert_ok(ofr_answers_summary(&s, &page, &a, OFR_METRIC_ACCURACY, &err), err);
    assert_true(isnan(s.layer_accuracy[0]) && isnan(s.layer_score[0]) &&
                isnan(s.calibration[0]) && isnan(s.overthinking) &&
                isnan(s.oracle_accuracy) && isnan(s.oracle_exit));
    support_close_one("score", s.score, 0.5, 1e-12);
    support_close_one("last", s.layer_accuracy[1], 0.5, 1e-12);
    support_close_one("random", s.random_score, 0.5, 1e-12);
    ofr_answers_close(&a);
    path = support_write("mixed.tsv",
                         "id\tlabel\tprediction\texit_layer\tpi_1\tp_1_0\tp_1_1\tp_2_0"
                         "\tp_2_1\n0\tno\tno\t2\t\t\t\t0.8\t0.2\n"
                         "1\tno\tno\t2\t\t0.5\t0.5\t0.8\t0.2\n");
    assert_fails(ofr_answers_open(&a, &page, path, labels, 2, 0.5, &err), OFR_FORMAT, err,
                 "mixed.tsv:3: p_1_0 is '0.5', expected nothing, as in the first row");
    ofr_page_free(&page);
}

static ofr_report_sources evaluation_sources(void)
{
    return (ofr_report_sources){.eval = support_write("e.json", evaluation),
                                .predictions = support_write("p.tsv", predictions),
                                .texts = support_write("t.tsv", texts),
                                .text = "text",
                                .command = "offramp report --title '<x>'"};
}

static void test_evaluation(void **state)
{
    (void)state;
    ofr_report_sources s = evaluation_sources();
    ofr_error err;
    json_t *report;
    const char *html;
    assert_ok(ofr_report_write(support_path("out"), &s, &err), err);
    report = load(support_path("out/report.json"));
    assert_true(cell(report, "headline", 0, "early_exit") == 0.5);
    assert_true(cell(report, "headline", 0, "full_model") == 0.6666666666666666);
    /* Measured speed-ups: 3 / 2 and 10 / 4. */
    for (size_t i = 0; i < json_array_size(json_object_get(report, "headline")); i++) {
        const char *measure =
            json_string_value(json_object_get(row(report, "headline", i), "measure"));
        if (strcmp(measure, "measured speed-up, median") == 0)
            assert_true(cell(report, "headline", i, "early_exit") == 1.5);
        if (strcmp(measure, "measured speed-up, p95") == 0)
            assert_true(cell(report, "headline", i, "early_exit") == 2.5);
    }
    assert_true(cell(report, "exits", 0, "right") == 2);
    assert_true(cell(report, "exits", 0, "wrong") == 2);
    assert_true(cell(report, "exits", 1, "left") == 2);
    assert_true(
        json_is_null(json_object_get(row(report, "exits", 1), "calibration_error")));
    /* Rows 1, 2, wrong at the last: texts 0 1 | 2 5 | 3 4. */
    static const double matrix[3][2] = {{2, 0}, {1, 1}, {1, 1}};
    for (size_t m = 0; m < 3; m++) {
        assert_true(cell(report, "hardness", m, "left_1") == matrix[m][0]);
        assert_true(cell(report, "hardness", m, "left_2") == matrix[m][1]);
    }
    assert_int_equal(json_array_size(json_object_get(report, "mistakes")), 1);
    assert_true(cell(report, "mistakes", 0, "id") == 2);
    support_close_one("p", cell(report, "mistakes", 0, "p"), 0.95, 1e-6);
    assert_string_equal(
        json_string_value(json_object_get(row(report, "mistakes", 0), "text")),
        "said <img src=x onerror=alert(1)>");
    json_decref(report);

    html = support_read(support_path("out/report.html"));
    check_well_formed(html);
    assert_true(has(html, "said &lt;img src=x onerror=alert(1)&gt;"));
    assert_null(strstr(html, "<img"));
    assert_true(
        has(html, "<td class=\"any\">offramp report --title &#39;&lt;x&gt;&#39;</td>"));
    assert_true(has(html, "<dd class=\"big\">50.0 %</dd>"));
    assert_true(has(html, "difference -16.7 points"));
    assert_true(has(html, "memorized layer none, left at 1: 1 texts, 0 right"));
    assert_true(has(html, "1 of 6 texts left early"));
}

/* Reliability: ten bins, the upper edge inside. */
static void test_reliability(void **state)
{
    (void)state;
    ofr_report_sources s = evaluation_sources();
    ofr_error err;
    json_t *report;
    s.texts = NULL;
    assert_ok(ofr_report_write(support_path("out"), &s, &err), err);
    report = load(support_path("out/report.json"));
    /* Given: 0.6 wrong | 0.7 right | 0.8 wrong | 0.9 0.9 right | 0.95 wrong. */
    static const double given[5][3] = {
        {0.5, 1, 0}, {0.6, 1, 1}, {0.7, 1, 0}, {0.8, 2, 1}, {0.9, 1, 0}};
    for (size_t i = 0; i < 5; i++) {
        assert_true(cell(report, "reliability", i, "from") == given[i][0]);
        assert_true(cell(report, "reliability", i, "n") == given[i][1]);
        assert_true(cell(report, "reliability", i, "accuracy") == given[i][2]);
    }
    json_decref(report);
}

/* A rule that answers with the mean of both layers: to text 2 that is not what its last
 * layer says, and what counts is the probability of the answer. */
static void test_own_answer(void **state)
{
    (void)state;
    static const char mean[] =
        "id\tlabel\tprediction\texit_layer\tpi_1\tpi_2\tp_1_0\tp_1_1\tp_2_0\tp_2_1"
        "\tp_3_0\tp_3_1\n"
        "0\tno\tno\t2\t\t\t0.9\t0.1\t0.8\t0.2\t0.7\t0.3\n"
        "1\tno\t<b>\t2\t\t\t0.1\t0.9\t0.55\t0.45\t0.9\t0.1\n";
    static const char object[] =
        "{\"metric\": \"accuracy\", \"score\": 0.5, \"score_full\": 1, \"n_layers\": 3, "
        "\"mean_exit_layer\": 2, \"exit_histogram\": [0, 2, 0], \"n_texts\": 2, "
        "\"labels\": [\"no\", \"<b>\"]}";
    ofr_report_sources s = {.eval = support_write("mean.json", object),
                            .predictions = support_write("mean.tsv", mean)};
    ofr_error err;
    json_t *report;
    assert_ok(ofr_report_write(support_path("mean"), &s, &err), err);
    report = load(support_path("mean/report.json"));
    support_close_one("bin", cell(report, "reliability", 0, "from"), 0.4, 1e-12);
    support_close_one("confidence", cell(report, "reliability", 0, "confidence"), 0.45,
                      1e-6);
    assert_true(cell(report, "reliability", 0, "accuracy") == 0);
    support_close_one("p", cell(report, "mistakes", 0, "p"), 0.45, 1e-6);
    json_decref(report);
    assert_true(has(support_read(support_path("mean/report.html")),
                    "1 of the 2 answers given are not what the layer where the text left "
                    "says"));
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[]", "is no JSON object"},
        {"{\"metric\": \"accuracy\"}", "no \"score\""},
        {"{\"metric\": 3, \"score\": 1, \"score_full\": 1, \"n_layers\": 1, "
         "\"mean_exit_layer\": 1, \"exit_histogram\": [1], \"n_texts\": 1}",
         "\"metric\" is an integer, expected a string"},
        {"{\"metric\": \"m\", \"score\": 2, \"score_full\": 1, \"n_layers\": 1, "
         "\"mean_exit_layer\": 1, \"exit_histogram\": [1], \"n_texts\": 1}",
         "\"score\" is 2, expected -1..1"},
        {"{\"metric\": \"m\", \"score\": 1, \"score_full\": 1, \"n_layers\": 2, "
         "\"mean_exit_layer\": 1, \"exit_histogram\": [1], \"n_texts\": 1}",
         "\"exit_histogram\" has 1 entries, \"n_layers\" is 2"},
        {"{\"metric\": \"m\", \"score\": 1, \"score_full\": 1, \"n_layers\": 1, "
         "\"mean_exit_layer\": 1, \"exit_histogram\": [\"1\"], \"n_texts\": 1}",
         "\"exit_histogram\"[0] is no number"},
        {"{\"metric\": \"m\", \"score\": 1, \"score_full\": 1, \"n_layers\": 1, "
         "\"mean_exit_layer\": 1, \"exit_histogram\": [1], \"n_texts\": 1, "
         "\"labels\": [1]}",
         "\"labels\"[0] is no text"},
        {"{\"metric\": \"m\", \"score\": 1, \"score_full\": 1, \"n_layers\": 1, "
         "\"mean_exit_layer\": 1, \"exit_histogram\": [1], \"n_texts\": 1, "
         "\"oracle\": 1}",
         "\"oracle\" is no object"},
    };
    ofr_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ofr_report_sources s = {.eval = support_write("bad.json", cases[i][0])};
        assert_fails(ofr_report_write(support_path("never"), &s, &err), OFR_FORMAT, err,
                     cases[i][1]);
    }
    assert_false(ofr_file_exists(support_path("never")));
    ofr_report_sources none = {.title = "t"};
    assert_fails(ofr_report_write(support_path("never"), &none, &err), OFR_INVALID, err,
                 "nothing to report");
}

/* ---- a run ---------------------------------------------------------------------- */

static const char journal[] =
    "{\"event\":\"step\",\"phase\":\"joint\",\"iteration\":0,\"epoch\":1,\"step\":1,"
    "\"loss\":1,\"lr\":1,\"grad_norm\":1}\n"
    "{\"event\":\"evaluation\",\"phase\":\"joint\",\"iteration\":0,\"epoch\":1,\"step\":"
    "1,"
    "\"metric\":\"accuracy\",\"score_full\":0.5,\"layer_accuracy\":[0.25,0.5]}\n"
    "{\"event\":\"evaluation\",\"phase\":\"<policy>\",\"iteration\":0,\"epoch\":1,"
    "\"step\":2,"
    "\"metric\":\"accuracy\",\"score_full\":0.5,\"layer_accuracy\":[0.25,0.5],"
    "\"score\":0.375,\"mean_exit_layer\":1.5,\"saved_layers\":0.25,"
    "\"exit_histogram\":[3,1],\"policy_entropy\":0.6,\"changed_exits\":null,"
    "\"reward\":-1}\n"
    "{\"event\":\"iteration\",\"phase\":\"<policy>\",\"iteration\":0,\"epoch\":1,"
    "\"step\":2,"
    "\"metric\":\"accuracy\",\"score_full\":0.5,\"layer_accuracy\":[0.25,0.5],"
    "\"score\":0.375,\"mean_exit_layer\":1.5,\"saved_layers\":0.25,"
    "\"exit_histogram\":[3,1],\"policy_entropy\":0.6,\"changed_exits\":null,"
    "\"reward\":-1}\n";

static void test_run(void **state)
{
    (void)state;
    ofr_report_sources s = {.run = support_path("a run")};
    ofr_error err;
    json_t *report;
    const char *html;
    assert_ok(ofr_file_make_dirs(s.run, &err), err);
    support_write("a run/journal.jsonl", journal);
    support_write("a run/train.json",
                  "{\"seed\": \"42\", \"alpha\": 0.05, \"resume\": false}");
    assert_ok(ofr_report_write(support_path("a run"), &s, &err), err);
    report = load(support_path("a run/report.json"));
    assert_int_equal(json_array_size(json_object_get(report, "convergence")), 2);
    assert_true(json_is_null(json_object_get(row(report, "convergence", 0), "reward")));
    assert_true(cell(report, "convergence", 1, "score") == 0.375);
    assert_true(cell(report, "convergence", 1, "policy_entropy") == 0.6);
    assert_true(cell(report, "convergence_exits", 1, "layer_1") == 3);
    assert_true(cell(report, "convergence_accuracy", 0, "layer_2") == 0.5);
    assert_non_null(json_object_get(json_object_get(report, "verdict"), "why"));
    assert_string_equal(
        json_string_value(json_object_get(row(report, "options", 0), "value")), "42");
    json_decref(report);
    html = support_read(support_path("a run/report.html"));
    check_well_formed(html);
    check_offline(html);
    assert_true(has(html, "&lt;policy&gt;"));
    assert_true(has(html, "<h1>Training run a run</h1>"));
    /* As a shell takes it. */
    assert_true(has(html, "offramp train --config &#39;"));
    assert_true(has(html, "/a run/train.json&#39; --out DIR"));
}

/* ---- all of them ---------------------------------------------------------------- */

/* The largest seed that options take. */
static void test_seed(void **state)
{
    (void)state;
    static const char record[] =
        "{\"kind\": \"run\", \"method\": \"m\", \"seed\": 9007199254740991, "
        "\"status\": \"ok\"}\n";
    char *seeded = strdup(evaluation), *at = strstr(seeded, "\"seed\": 7");
    ofr_report_sources s = evaluation_sources();
    ofr_error err;
    json_t *report;
    ofr_buf text;
    ofr_buf_init(&text);
    ofr_buf_add(&text, seeded, (size_t)(at - seeded));
    ofr_buf_addf(&text, "\"seed\": 9007199254740991%s", at + strlen("\"seed\": 7"));
    s.eval = support_write("seeded.json", text.p);
    s.record = support_write("seeded.jsonl", record);
    assert_ok(ofr_report_write(support_path("seeded"), &s, &err), err);
    report = load(support_path("seeded/report.json"));
    assert_true(cell(report, "runs", 0, "seed") == 9007199254740991.0);
    json_decref(report);
    assert_true(has(support_read(support_path("seeded/report.html")),
                    "<td class=\"any\">9007199254740991</td>"));
    ofr_buf_free(&text);
    free(seeded);
}

/* A run, an evaluation and curves on one page: nothing has the same name twice
 * (report.json would not load, links would miss). */
static void test_everything(void **state)
{
    (void)state;
    static const char records[] =
        "{\"kind\": \"run\", \"method\": \"m\", \"seed\": 1, \"status\": \"ok\"}\n"
        "{\"kind\": \"point\", \"method\": \"m\", \"seed\": 1, \"rule\": \"r\", "
        "\"score\": 0.8, \"saved_layers\": 0.1, \"front\": true, \"stored\": true, "
        "\"exit_histogram\": [1, 3], \"exit_right\": [1, 2], \"ms_per_text\": 1, "
        "\"ms_per_text_full\": 3}\n"
        "{\"kind\": \"oracle\", \"method\": \"m\", \"seed\": 1, \"rule\": "
        "\"first-correct\", \"score\": 0.95, \"saved_layers\": 0.8}\n"
        "{\"kind\": \"curve\", \"method\": \"m\", \"seed\": 1, \"rule\": \"r\", "
        "\"area\": 0.7, \"score_at_saved\": [0.7], \"saved_at_lost\": [0]}\n";
    ofr_report_sources s = evaluation_sources();
    ofr_error err;
    const char *html;
    s.run = support_path("run");
    s.record = support_write("records.jsonl", records);
    assert_ok(ofr_file_make_dirs(s.run, &err), err);
    support_write("run/journal.jsonl", journal);
    assert_ok(ofr_report_write(support_path("all"), &s, &err), err);
    json_decref(load(support_path("all/report.json")));
    html = support_read(support_path("all/report.html"));
    check_well_formed(html);
    for (const char *p = html; (p = strstr(p, " id=\"")); p++) {
        const size_t n = strcspn(p + 5, "\"") + 6;
        for (const char *q = p + n; (q = strstr(q, " id=\"")); q++)
            if (strncmp(p, q, n) == 0) fail_msg("twice:%.*s", (int)n, p);
    }
}

/* ---- memory --------------------------------------------------------------------- */

static void test_memory(void **state)
{
    (void)state;
    ofr_report_sources s = evaluation_sources();
    const char *out = support_path("mem");
    ofr_error err;
    for (size_t n = 1;; n++) {
        size_t live = ofr_mem_live();
        ofr_status status;
        ofr_mem_fail_at(n, false);
        status = ofr_report_write(out, &s, &err);
        ofr_mem_fail_at(0, false);
        assert_int_equal(ofr_mem_live(), live);
        if (status == OFR_OK) break;
        if (status != OFR_NOMEM) fail_msg("allocation %zu: %s", n, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),       cmocka_unit_test(test_cells),
        cmocka_unit_test(test_answers),    cmocka_unit_test(test_regression),
        cmocka_unit_test(test_evaluation), cmocka_unit_test(test_reliability),
        cmocka_unit_test(test_untrained),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_run),        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_everything),
        cmocka_unit_test(test_own_answer),
    };
    return cmocka_run_group_tests(tests, hide_gnuplot, NULL);
}
