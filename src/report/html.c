/* html.c - reads the sources, builds the page, draws the charts, writes the files. */
#include "report/html.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "report/html_parts.h"

typedef struct builder {
    const ofr_report_sources *sources;
    ofr_page page;
    ofr_summary summary;
    bool has_summary;
    ofr_answers answers;
    bool has_answers;
    ofr_texts texts;
    ofr_history history;
    bool has_history;
    json_t *eval, *options, *config; /* eval JSON, train.json, config.json; or NULL */
    char journal[OFR_PATH_MAX], options_path[OFR_PATH_MAX], config_path[OFR_PATH_MAX];
    char predictions[OFR_PATH_MAX]; /* "": none */
} builder;

/* ---- reading -------------------------------------------------------------------- */

static ofr_status load_object(json_t **out, const char *path, ofr_error *err)
{
    OFR_TRY(ofr_record_load(out, path, err));
    if (json_is_object(*out)) return OFR_OK;
    json_decref(*out);
    *out = NULL;
    return ofr_fail(err, OFR_FORMAT, "%s: is no JSON object", path);
}

/* A file of the run that may be absent: *path then is "". */
static ofr_status find_beside(char path[OFR_PATH_MAX], const char *dir, const char *name,
                              ofr_error *err)
{
    OFR_TRY(ofr_file_join(path, dir, name, err));
    if (!ofr_file_exists(path)) path[0] = '\0';
    return OFR_OK;
}

static ofr_status read_run(builder *b, ofr_error *err)
{
    const char *dir = b->sources->run;

    if (!ofr_file_is_dir(dir))
        return ofr_fail(err, OFR_NOT_FOUND,
                        "%s: no such directory; --run wants what "
                        "`offramp train --out` made",
                        dir);
    OFR_TRY(ofr_file_join(b->journal, dir, "journal.jsonl", err));
    OFR_TRY(ofr_history_open(&b->history, b->journal, err));
    b->has_history = true;
    OFR_TRY(find_beside(b->options_path, dir, "train.json", err));
    OFR_TRY(find_beside(b->config_path, dir, "config.json", err));
    if (b->options_path[0]) OFR_TRY(load_object(&b->options, b->options_path, err));
    if (b->config_path[0]) OFR_TRY(load_object(&b->config, b->config_path, err));
    if (!b->sources->predictions && !b->sources->eval && b->config)
        return find_beside(b->predictions, dir, "predictions.dev.tsv", err);
    return OFR_OK;
}

/* id2label of the model's config as [K]; keys are "0" .. "K-1". */
static ofr_status config_labels(builder *b, const char ***labels, int *K, ofr_error *err)
{
    const json_t *names = json_object_get(b->config, "id2label");
    const size_t n = json_object_size(names);
    char key[24];

    *K = (int)n;
    *labels = ofr_page_alloc(&b->page, n, sizeof **labels);
    if (!*labels) return ofr_fail_nomem(err, n, "class names");
    for (size_t k = 0; k < n; k++) {
        snprintf(key, sizeof key, "%zu", k);
        (*labels)[k] = json_string_value(json_object_get(names, key));
        if (!(*labels)[k])
            return ofr_fail(err, OFR_FORMAT, "%s: \"id2label\" has no text for \"%s\"",
                            b->config_path, key);
    }
    return OFR_OK;
}

static ofr_metric metric_of(const char *name, bool regression)
{
    for (int m = OFR_METRIC_ACCURACY; m <= OFR_METRIC_SPEARMAN; m++)
        if (name && strcmp(name, ofr_metric_name((ofr_metric)m)) == 0 &&
            regression == (m >= OFR_METRIC_PEARSON))
            return (ofr_metric)m;
    return regression ? OFR_METRIC_PEARSON : OFR_METRIC_ACCURACY;
}

static ofr_status read_answers(builder *b, ofr_error *err)
{
    const char *path = b->sources->predictions, **labels = b->summary.labels;
    double error_limit = 0.5;
    int K = b->summary.K;

    if (!path && b->predictions[0]) path = b->predictions;
    if (!path) return OFR_OK;
    if (!labels && b->config) OFR_TRY(config_labels(b, &labels, &K, err));
    if (b->has_summary && isfinite(b->summary.error_limit))
        error_limit = b->summary.error_limit;
    else if (b->config)
        OFR_TRY(ofr_json_real(b->config, "offramp.error_limit", 0, 1e9, &error_limit,
                              b->config_path, err));
    OFR_TRY(ofr_answers_open(&b->answers, &b->page, path, labels, K, error_limit, err));
    b->has_answers = true;
    if (b->has_summary) return ofr_answers_check(&b->answers, &b->summary, path, err);
    OFR_TRY(ofr_answers_summary(
        &b->summary, &b->page, &b->answers,
        metric_of(b->has_history ? b->history.metric : NULL, b->answers.regression),
        err));
    b->has_summary = true;
    return OFR_OK;
}

/* Did the evaluation, or the training, leave out rows that can not be used? */
static bool skipped_bad(const builder *b)
{
    return json_integer_value(json_object_get(b->eval, "n_bad_rows")) > 0 ||
           json_is_true(json_object_get(b->options, "skip-bad-rows"));
}

static ofr_status read_texts(builder *b, ofr_error *err)
{
    const ofr_report_sources *s = b->sources;
    ofr_table_options how = {.has_header = !s->no_header, .skip_bad = skipped_bad(b)};

    if (!s->texts) return OFR_OK;
    if (!b->has_answers)
        return ofr_fail(err, OFR_INVALID,
                        "texts without predictions say nothing; give the "
                        "file of `offramp eval --predictions` as well");
    how.kind = ofr_table_kind_of(s->texts);
    OFR_TRY(ofr_table_open(&b->texts.table, s->texts, how, err));
    b->texts.open = true;
    b->texts.pair = -1;
    OFR_TRY(ofr_table_find(&b->texts.table, &b->texts.text, s->texts,
                           s->text ? s->text : "text", s->of_task, err));
    if (s->pair)
        OFR_TRY(ofr_table_find(&b->texts.table, &b->texts.pair, s->texts, s->pair,
                               s->of_task, err));
    if (b->texts.table.n_rows == b->answers.n) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: has %d rows, the predictions %d texts; give the file that was "
                    "evaluated%s",
                    s->texts, b->texts.table.n_rows, b->answers.n,
                    how.skip_bad ? ", less the rows whose label could not be used" : "");
}

/* An evaluation beside a run is of its model.  A name that is not there any longer, or
 * counts from another folder, tells nothing. */
static ofr_status check_model(const builder *b, ofr_error *err)
{
    const ofr_report_sources *s = b->sources;
    const char *model = json_string_value(json_object_get(b->eval, "model"));

    if (!s->run || !model || !ofr_file_exists(model) || ofr_file_same(model, s->run))
        return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: is an evaluation of %s, and the run is %s; give that of the "
                    "run, or report on one of them",
                    ofr_file_input_name(s->eval), model, s->run);
}

static ofr_status read_sources(builder *b, ofr_error *err)
{
    const ofr_report_sources *s = b->sources;

    if (!s->run && !s->eval && !s->record)
        return ofr_fail(err, OFR_INVALID,
                        "nothing to report on: give a training run, an "
                        "evaluation or a record of curves");
    if (s->predictions && !s->eval && !s->run)
        return ofr_fail(err, OFR_INVALID,
                        "predictions need the evaluation or the run that "
                        "they come from");
    if (s->run) OFR_TRY(read_run(b, err));
    if (s->eval) {
        OFR_TRY(load_object(&b->eval, s->eval, err));
        OFR_TRY(check_model(b, err));
        OFR_TRY(ofr_summary_read(&b->summary, &b->page, b->eval, s->eval, err));
        b->has_summary = true;
    }
    OFR_TRY(read_answers(b, err));
    return read_texts(b, err);
}

static void close_sources(builder *b)
{
    ofr_answers_close(&b->answers);
    if (b->texts.open) ofr_table_close(&b->texts.table);
    if (b->has_history) ofr_history_close(&b->history);
    json_decref(b->eval);
    json_decref(b->options);
    json_decref(b->config);
    ofr_page_free(&b->page);
}

/* ---- building ------------------------------------------------------------------- */

static const char *training_command(builder *b)
{
    const char *command = NULL;
    ofr_buf text;

    ofr_buf_init(&text);
    ofr_buf_adds(&text, "offramp train --config ");
    ofr_buf_add_word(&text, b->options_path);
    ofr_buf_adds(&text, " --out DIR");
    if (text.failed)
        b->page.failed = true;
    else
        command = ofr_page_copy(&b->page, text.p, text.n);
    ofr_buf_free(&text);
    return command;
}

static ofr_status add_origin(builder *b, ofr_error *err)
{
    static const char *const of_eval[] = {
        "command",      "task",        "model",   "rule",        "threshold",
        "data",         "data_sha256", "n_texts", "n_truncated", "n_bad_rows",
        "n_unlabelled", "seed",        "batch",   "threads",     "processor",
        "kernels",      "commit",      NULL};
    const ofr_report_sources *s = b->sources;
    ofr_page *page = &b->page;
    ofr_page_table *t = ofr_part_origin(page);

    ofr_part_origin_text(page, t, "this report", s->command);
    if (b->options_path[0])
        ofr_part_origin_text(page, t, "training command", training_command(b));
    ofr_part_origin_json(page, t, b->eval, of_eval);
    if (s->run) OFR_TRY(ofr_part_origin_file(page, t, "journal", b->journal, err));
    OFR_TRY(ofr_part_origin_file(page, t, "evaluation", s->eval, err));
    OFR_TRY(ofr_part_origin_file(page, t, "predictions",
                                 b->predictions[0] ? b->predictions : s->predictions,
                                 err));
    OFR_TRY(ofr_part_origin_file(page, t, "record", s->record, err));
    OFR_TRY(ofr_part_origin_file(page, t, "texts", s->texts, err));
    if (!b->options) return OFR_OK;
    t = ofr_page_table_begin(page, "options", "Every option of the training",
                             OFR_LOOK_FOLDED);
    ofr_page_column(t, "name", "option", false);
    ofr_page_column(t, "value", "value", false);
    ofr_part_origin_json(page, t, b->options, NULL);
    return OFR_OK;
}

/* The last part of a path, without slashes at its end. */
static const char *base_name(ofr_page *page, const char *path)
{
    const ofr_str name = ofr_file_last_name(path);

    return ofr_page_copy(page, name.p, name.n);
}

static void add_titles(builder *b)
{
    const ofr_report_sources *s = b->sources;
    const ofr_summary *found = &b->summary;
    ofr_page *page = &b->page;
    const char *task = found->task;

    if (!task)
        task = json_string_value(
            json_object_get(json_object_get(b->config, "offramp"), "task"));
    page->title = s->title;
    if (!s->title && s->run)
        page->title = ofr_page_format(page, "Training run %s", base_name(page, s->run));
    else if (!s->title && s->eval)
        page->title = ofr_page_format(page, "Early exit on %s",
                                      task ? task : base_name(page, s->eval));
    if (!b->has_summary) return;
    page->subtitle =
        ofr_page_format(page, "%s%s%d texts, %d layers%s%s", task && task[0] ? task : "",
                        task && task[0] ? " \xc2\xb7 " : "", found->n, found->L,
                        found->rule ? ", rule " : "", found->rule ? found->rule : "");
}

static ofr_status build(builder *b, ofr_error *err)
{
    ofr_page *page = &b->page;

    add_titles(b);
    if (b->has_summary) ofr_part_headline(page, &b->summary);
    if (b->sources->record) OFR_TRY(ofr_part_curves(page, b->sources->record, err));
    if (b->has_history) OFR_TRY(ofr_part_run(page, &b->history, err));
    if (b->has_summary) {
        ofr_part_comparison(page, &b->summary);
        ofr_part_exits(page, &b->summary);
    }
    if (b->has_answers) {
        ofr_part_reliability(page, &b->answers);
        ofr_part_hardness(page, &b->answers);
        ofr_part_mistakes(page, &b->answers, &b->texts);
    }
    OFR_TRY(add_origin(b, err));
    if (!page->title) page->title = "Report";
    if (!page->subtitle) page->subtitle = "";
    return page->failed ? ofr_fail_nomem(err, 65536, "a report") : OFR_OK;
}

/* ---- charts --------------------------------------------------------------------- */

/* One chart as a file below dir/charts. */
static ofr_status save_plot(ofr_plot *plot, const char *dir, ofr_plot_kind kind,
                            ofr_error *err)
{
    char folder[OFR_PATH_MAX], path[OFR_PATH_MAX], name[128];
    ofr_buf script, picture;
    ofr_status status;

    snprintf(name, sizeof name, "%s.%s", plot->key, kind == OFR_PLOT_PNG ? "png" : "pdf");
    OFR_TRY(ofr_file_join(folder, dir, "charts", err));
    OFR_TRY(ofr_file_make_dirs(folder, err));
    OFR_TRY(ofr_file_join(path, folder, name, err));
    ofr_buf_init(&script);
    ofr_buf_init(&picture);
    ofr_plot_script(&script, plot, kind);
    status = ofr_plot_run(&picture, &script, err);
    if (!status) status = ofr_file_write(path, picture.p, picture.n, err);
    ofr_buf_free(&script);
    ofr_buf_free(&picture);
    return status;
}

static ofr_status draw_svg(ofr_page *page, const char **out, ofr_plot *plot,
                           ofr_error *err)
{
    ofr_buf script, picture, element;
    ofr_status status;

    ofr_buf_init(&script);
    ofr_buf_init(&picture);
    ofr_buf_init(&element);
    ofr_plot_script(&script, plot, OFR_PLOT_SVG);
    status = ofr_plot_run(&picture, &script, err);
    if (!status) {
        ofr_plot_svg(&element, &picture, plot);
        *out = element.failed ? "" : ofr_page_copy(page, element.p, element.n);
        if (element.failed) page->failed = true;
    }
    ofr_buf_free(&script);
    ofr_buf_free(&picture);
    ofr_buf_free(&element);
    return status;
}

static size_t count_plots(const ofr_page *page)
{
    size_t n = 0;

    for (const ofr_page_section *s = page->sections; s; s = s->next)
        for (const ofr_page_item *i = s->items; i; i = i->next)
            n += i->kind == OFR_ITEM_PLOT;
    return n;
}

/* *svg is NULL without gnuplot. */
static ofr_status draw(builder *b, const char *dir, const char ***svg, ofr_error *err)
{
    ofr_page *page = &b->page;
    size_t n = 0;

    *svg = ofr_page_alloc(page, count_plots(page), sizeof **svg);
    if (!*svg) return ofr_fail_nomem(err, 4096, "charts");
    for (const ofr_page_section *s = page->sections; s; s = s->next)
        for (const ofr_page_item *i = s->items; i; i = i->next) {
            if (i->kind != OFR_ITEM_PLOT) continue;
            OFR_TRY(draw_svg(page, &(*svg)[n++], i->plot, err));
            if (b->sources->png) OFR_TRY(save_plot(i->plot, dir, OFR_PLOT_PNG, err));
            if (b->sources->pdf) OFR_TRY(save_plot(i->plot, dir, OFR_PLOT_PDF, err));
        }
    return OFR_OK;
}

/* ---- writing -------------------------------------------------------------------- */

static ofr_status write_file(const char *dir, const char *name, const ofr_buf *text,
                             ofr_error *err)
{
    char path[OFR_PATH_MAX];

    if (text->failed) return ofr_fail_nomem(err, text->n, name);
    OFR_TRY(ofr_file_join(path, dir, name, err));
    return ofr_file_write(path, text->p, text->n, err);
}

static ofr_status write_all(builder *b, const char *dir, const char *const *svg,
                            ofr_error *err)
{
    ofr_status status;
    ofr_buf text;

    ofr_buf_init(&text);
    ofr_page_html(&text, &b->page, svg);
    status = write_file(dir, "report.html", &text, err);
    if (!status && !b->sources->page_only) {
        ofr_buf_clear(&text);
        ofr_page_json(&text, &b->page);
        status = write_file(dir, "report.json", &text, err);
    }
    if (!status && !b->sources->page_only) {
        ofr_buf_clear(&text);
        ofr_page_csv(&text, &b->page);
        status = write_file(dir, "report.csv", &text, err);
    }
    ofr_buf_free(&text);
    return status;
}

ofr_status ofr_report_write(const char *dir, const ofr_report_sources *sources,
                            ofr_error *err)
{
    builder *b = ofr_mem_zalloc(sizeof *b);
    const char **svg = NULL;
    ofr_status status;

    if (!b) return ofr_fail_nomem(err, sizeof *b, "a report");
    b->sources = sources;
    ofr_page_init(&b->page);
    status = read_sources(b, err);
    if (!status) status = build(b, err);
    if (!status) status = ofr_file_make_dirs(dir, err);
    if (!status) {
        status = draw(b, dir, &svg, err);
        if (status == OFR_NOT_FOUND && !sources->png && !sources->pdf) {
            ofr_log(OFR_LOG_WARN, "warning: the report has tables and no charts: %s",
                    err->text);
            status = OFR_OK;
            svg = NULL;
        }
    }
    if (!status && b->page.failed) status = ofr_fail_nomem(err, 65536, "a report");
    if (!status) status = write_all(b, dir, svg, err);
    close_sources(b);
    ofr_mem_free(b);
    return status;
}
