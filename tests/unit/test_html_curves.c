/* test_html_curves.c - reports on curves: points, fronts, pictures and their series. */
#include "unit/html_look.h"

#include "report/html.h"
#include "report/html_parts.h"

/* Two seeds of one rule; the third point of seed 1 is not on the front. */
static const char records[] =
    "{\"kind\": \"run\", \"method\": \"m\", \"seed\": 1, \"status\": \"ok\", \"task\": "
    "\"t\", "
    "\"score_full\": 0.9, \"train_command\": \"offramp train <x>\"}\n"
    "{\"kind\": \"run\", \"method\": \"m\", \"seed\": 2, \"status\": \"failed\", "
    "\"message\": \"no\"}\n"
    "{\"kind\": \"tomorrow\"}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"seed\": 1, \"rule\": \"r\", \"score\": "
    "0.6, "
    "\"saved_layers\": 0.5, \"front\": true}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"seed\": 1, \"rule\": \"r\", \"score\": "
    "0.8, "
    "\"saved_layers\": 0.1, \"front\": true, \"stored\": true, \"exit_histogram\": [1, "
    "3], "
    "\"exit_right\": [1, 2], \"ms_per_text\": 1, \"ms_per_text_full\": 3}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"seed\": 1, \"rule\": \"r\", \"score\": "
    "0.1, "
    "\"saved_layers\": 0.2, \"front\": false}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"seed\": 2, \"rule\": \"r\", \"score\": "
    "0.9, "
    "\"saved_layers\": 0, \"front\": true}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"seed\": 2, \"rule\": \"r\", \"score\": "
    "0.7, "
    "\"saved_layers\": 0.4, \"front\": true}\n"
    "{\"kind\": \"oracle\", \"method\": \"m\", \"seed\": 1, \"rule\": \"first-correct\", "
    "\"score\": 0.95, \"saved_layers\": 0.8}\n"
    "{\"kind\": \"curve\", \"method\": \"m\", \"seed\": 1, \"rule\": \"r\", \"area\": "
    "0.7, "
    "\"score_at_saved\": [0.7, 0.6, null], \"saved_at_lost\": [0, 0.1, 0.2]}\n";

static void test_curves(void **state)
{
    (void)state;
    ofr_report_sources s = {.record = support_write("records.jsonl", records)};
    ofr_error err;
    json_t *report;
    const char *html;
    assert_ok(ofr_report_write(support_path("curves"), &s, &err), err);
    report = load(support_path("curves/report.json"));
    /* From 0, where seed 1 is level, to 0.4, all that seed 2 saves, by 1/40:
     * (0.8 + 0.9) / 2, (0.8 + 0.85) / 2 at 0.1, (0.65 + 0.7) / 2. */
    assert_int_equal(json_array_size(json_object_get(report, "curve_points")), 17);
    support_close_one("from", cell(report, "curve_points", 0, "saved_layers"), 0, 0);
    support_close_one("at 0", cell(report, "curve_points", 0, "score"), 0.85, 1e-12);
    support_close_one("at 0.1", cell(report, "curve_points", 4, "score"), 0.825, 1e-12);
    support_close_one("to", cell(report, "curve_points", 16, "saved_layers"), 0.4, 1e-12);
    support_close_one("at 0.4", cell(report, "curve_points", 16, "score"), 0.675, 1e-12);
    assert_int_equal(json_array_size(json_object_get(report, "timed_points")), 1);
    assert_true(cell(report, "timed_points", 0, "ms_per_text") == 1);
    assert_true(cell(report, "timed_points", 0, "score") == 0.8);
    assert_true(cell(report, "operating", 0, "time_speedup") == 3);
    assert_true(cell(report, "exits_1", 1, "right") == 2);
    assert_true(cell(report, "exits_1", 1, "wrong") == 1);
    assert_true(cell(report, "curves", 0, "saved_at_1") == 0.1);
    assert_true(json_is_null(json_object_get(row(report, "curves", 0), "score_at_75")));
    assert_string_equal(
        json_string_value(json_object_get(row(report, "runs", 1), "message")), "no");
    json_decref(report);
    html = support_read(support_path("curves/report.html"));
    check_well_formed(html);
    check_offline(html);
    assert_true(has(html, "offramp train &lt;x&gt;"));

    /* The caller's own files stay. */
    support_write("curves/report.json", "mine");
    s.page_only = true;
    assert_ok(ofr_report_write(support_path("curves"), &s, &err), err);
    assert_string_equal(support_read(support_path("curves/report.json")), "mine");
}

static const ofr_plot *find_plot(const ofr_page *page, const char *key)
{
    for (const ofr_page_section *part = page->sections; part; part = part->next)
        for (const ofr_page_item *item = part->items; item; item = item->next)
            if (item->kind == OFR_ITEM_PLOT && strcmp(item->plot->key, key) == 0)
                return item->plot;
    fail_msg("no picture '%s'", key);
    return NULL;
}

/* A comparison without finetune: each method has its own full model, and the one named
 * first is drawn. */
static void test_own_full(void **state)
{
    (void)state;
    const ofr_plot_series *full = NULL;
    ofr_page page;
    ofr_error err;
    ofr_buf text;
    ofr_buf_init(&text);
    ofr_buf_adds(&text, records);
    ofr_buf_adds(&text, "{\"kind\": \"compare\", \"method\": \"m\", \"full_model\": "
                        "\"own\"}\n");
    ofr_page_init(&page);
    assert_ok(ofr_part_curves(&page, support_write("own.jsonl", text.p), &err), err);
    ofr_buf_free(&text);
    for (const ofr_plot_series *it = find_plot(&page, "saved")->series; it; it = it->next)
        if (it->name && strcmp(it->name, "full model (m)") == 0) full = it;
    assert_non_null(full);
    assert_true(full->n == 2 && full->y[0] == 0.9 && full->y[1] == 0.9);
    ofr_page_free(&page);
}

/* Policies as trained and fitted to two prices, each point on the front of its price.
 * On the tuning texts 0.3 beats 0.2 and 0.6 beats 0.5, whatever is reported. */
static const char priced[] =
    "{\"kind\": \"point\", \"method\": \"m\", \"rule\": \"policy\", \"front\": true, "
    "\"alpha\": null, \"saved_layers\": 0.2, \"score\": 0.8, "
    "\"tune_saved_layers\": 0.2, \"tune_score\": 0.8}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"rule\": \"policy\", \"front\": true, "
    "\"alpha\": 0.1, \"saved_layers\": 0.6, \"score\": 0.7, "
    "\"tune_saved_layers\": 0.6, \"tune_score\": 0.85}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"rule\": \"policy\", \"front\": true, "
    "\"alpha\": 0.1, \"saved_layers\": 0.3, \"score\": 0.7, "
    "\"tune_saved_layers\": 0.3, \"tune_score\": 0.9}\n"
    "{\"kind\": \"point\", \"method\": \"m\", \"rule\": \"policy\", \"front\": true, "
    "\"alpha\": 1, \"saved_layers\": 0.5, \"score\": 0.95, "
    "\"tune_saved_layers\": 0.5, \"tune_score\": 0.8}\n";

static void test_prices(void **state)
{
    (void)state;
    ofr_report_sources s = {.record = support_write("priced.jsonl", priced)};
    ofr_error err;
    json_t *report;
    assert_ok(ofr_report_write(support_path("priced"), &s, &err), err);
    report = load(support_path("priced/report.json"));
    assert_int_equal(json_array_size(json_object_get(report, "curve_points")), 2);
    assert_string_equal(
        json_string_value(json_object_get(row(report, "curve_points", 0), "curve")),
        "policy*");
    assert_true(cell(report, "curve_points", 0, "saved_layers") == 0.3);
    assert_true(cell(report, "curve_points", 1, "saved_layers") == 0.6);
    json_decref(report);
}

/* Seventeen methods and both oracles: every curve is drawn, with looks of its own. */
static void test_many(void **state)
{
    (void)state;
    enum { METHODS = 17 };
    const ofr_plot_series *seen[METHODS + 2];
    bool said = false;
    ofr_page page;
    ofr_error err;
    ofr_buf text;
    int n = 0;
    ofr_buf_init(&text);
    for (int m = 0; m < METHODS; m++)
        for (int saved = 0; saved < 2; saved++)
            ofr_buf_addf(&text,
                         "{\"kind\": \"point\", \"method\": \"m%d\", \"rule\": \"r\", "
                         "\"score\": 0.%d, \"saved_layers\": 0.%d, \"front\": true, "
                         "\"stored\": true}\n",
                         m, 9 - saved, saved);
    for (int k = 0; k < 2; k++)
        ofr_buf_addf(&text,
                     "{\"kind\": \"oracle\", \"method\": \"m0\", \"rule\": \"%s\", "
                     "\"score\": 1, \"saved_layers\": 0.5}\n",
                     k ? "consistency" : "first-correct");
    ofr_page_init(&page);
    assert_ok(ofr_part_curves(&page, support_write("many.jsonl", text.p), &err), err);
    ofr_buf_free(&text);
    for (const ofr_page_section *section = page.sections; section;
         section = section->next)
        for (const ofr_page_item *item = section->items; item; item = item->next)
            said |= item->kind == OFR_ITEM_TEXT &&
                    strstr(item->text, "Exits are drawn of the first 12");
    assert_true(said);
    for (const ofr_plot_series *it = find_plot(&page, "saved")->series; it;
         it = it->next) {
        if (it->style != OFR_PLOT_POINTS) continue;
        assert_true(n < METHODS + 2);
        for (int i = 0; i < n; i++)
            if (it->colour == seen[i]->colour && it->shape == seen[i]->shape)
                fail_msg("%s looks as %s does", it->name, seen[i]->name);
        if (strncmp(it->name, "oracle", 6) == 0)
            assert_int_equal(it->colour, OFR_PLOT_NEUTRAL);
        seen[n++] = it;
    }
    assert_int_equal(n, METHODS + 2);
    assert_string_equal(seen[METHODS - 1]->name, "m16");
    ofr_page_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curves), cmocka_unit_test(test_own_full),
        cmocka_unit_test(test_prices), cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, hide_gnuplot, NULL);
}
