/* curve_record.c - writers of the lines that sweeps and comparisons leave. */
#include "report/curve_record.h"

#include <math.h>
#include <string.h>

#include "eval/curve.h"
#include "report/jsonline.h"

void ofr_curve_record_begin(ofr_buf *out, const char *kind, const char *metric,
                            const ofr_curve_about *about)
{
    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", about->schema_version);
    ofr_jsonline_text(out, "kind", kind);
    ofr_jsonline_text(out, "task", about->task);
    ofr_jsonline_text(out, "metric", metric);
    ofr_jsonline_text(out, "method", about->method);
    if (about->seed)
        ofr_jsonline_u64(out, "seed", *about->seed);
    else
        ofr_jsonline_text(out, "seed", NULL);
    ofr_jsonline_text(out, "model", about->model);
    ofr_jsonline_text(out, "run", about->run);
}

static void begin(ofr_buf *out, const char *kind, const ofr_sweep *sweep,
                  const ofr_curve_about *about)
{
    ofr_curve_record_begin(out, kind, ofr_metric_name(sweep->o.metric), about);
}

static void commands(ofr_buf *out, const ofr_curve_about *about)
{
    ofr_jsonline_text(out, "train_command", about->train_command);
    ofr_jsonline_text(out, "sweep_command", about->sweep_command);
}

void ofr_curve_record_run(ofr_buf *out, const ofr_sweep *sweep,
                          const ofr_curve_about *about)
{
    const ofr_sweep_set *report = sweep->report, *tune = sweep->tune;
    const int n = report->data->n + (sweep->tuned ? tune->data->n : 0);

    begin(out, "run", sweep, about);
    ofr_jsonline_text(out, "status", "ok");
    ofr_jsonline_text(out, "message", NULL);
    commands(out, about);
    ofr_jsonline_int(out, "n_texts", report->data->n);
    ofr_jsonline_int(out, "n_tune", sweep->tuned ? tune->data->n : 0);
    ofr_jsonline_bool(out, "tuned", sweep->tuned);
    ofr_jsonline_text(out, "tune", about->tune);
    ofr_jsonline_text(out, "report", about->report);
    ofr_jsonline_int(out, "n_layers", sweep->L);
    ofr_jsonline_text(out, "metric2", ofr_metric_name(sweep->o.metric2));
    ofr_jsonline_real(out, "score_full", report->score_full);
    ofr_jsonline_real(out, "score2_full", report->score2_full);
    ofr_jsonline_real(out, "tune_score_full", tune->score_full);
    ofr_jsonline_reals(out, "layer_score", report->layer_score, sweep->L);
    ofr_jsonline_text(out, "rule", about->rule->name);
    ofr_jsonline_real(out, "knob", about->knob);
    ofr_jsonline_real(out, "passes", (double)sweep->texts_run / n);
    ofr_jsonline_int(out, "policy_texts", about->policy_texts);
    ofr_jsonline_int(out, "policy_dev_texts", about->policy_dev_texts);
    ofr_jsonline_int(out, "truncated", about->n_truncated);
    ofr_jsonline_text(out, "processor", about->processor);
    ofr_jsonline_text(out, "kernels", about->kernels);
    ofr_jsonline_int(out, "threads", about->threads);
    ofr_jsonline_text(out, "commit", about->commit);
    ofr_jsonline_end(out);
}

void ofr_curve_record_failure(ofr_buf *out, const char *metric, const char *message,
                              const ofr_curve_about *about)
{
    ofr_curve_record_begin(out, "run", metric, about);
    ofr_jsonline_text(out, "status", "failed");
    ofr_jsonline_text(out, "message", message);
    commands(out, about);
    ofr_jsonline_end(out);
}

static void add_point(ofr_buf *out, const ofr_sweep *sweep, const ofr_sweep_curve *curve,
                      const ofr_sweep_point *point, const ofr_curve_about *about)
{
    const bool timed = point->early.runs > 0;
    const ofr_sweep_figures *f = &point->report;

    begin(out, "point", sweep, about);
    ofr_jsonline_text(out, "rule", curve->rule->name);
    ofr_jsonline_real(out, "alpha", curve->alpha);
    ofr_jsonline_real(out, "knob", point->knob);
    ofr_jsonline_real(out, "score", f->score);
    ofr_jsonline_real(out, "score2", f->score2);
    ofr_jsonline_real(out, "accuracy", f->accuracy);
    ofr_jsonline_real(out, "score_full", sweep->report->score_full);
    ofr_jsonline_real(out, "mean_exit_layer", f->mean_exit);
    ofr_jsonline_real(out, "saved_layers", f->saved_layers);
    ofr_jsonline_real(out, "flops_ratio", f->flops_ratio);
    ofr_jsonline_real(out, "ms_per_text", timed ? point->early.median : NAN);
    ofr_jsonline_real(out, "ms_per_text_full", timed ? point->full.median : NAN);
    ofr_jsonline_real(out, "ms_per_text_p95", timed ? point->early.p95 : NAN);
    ofr_jsonline_ints(out, "exit_histogram", point->histogram, sweep->L);
    ofr_jsonline_ints(out, "exit_right", point->right, sweep->L);
    ofr_jsonline_real(out, "random_score", point->random_score);
    ofr_jsonline_real(out, "random_deviation", point->random_deviation);
    ofr_jsonline_real(out, "tune_score", point->tune.score);
    ofr_jsonline_real(out, "tune_saved_layers", point->tune.saved_layers);
    ofr_jsonline_bool(out, "front", point->front);
    ofr_jsonline_bool(out, "best", point->best);
    ofr_jsonline_bool(out, "stored", point->stored);
    ofr_jsonline_end(out);
}

void ofr_curve_record_points(ofr_buf *out, const ofr_sweep *sweep,
                             const ofr_curve_about *about)
{
    for (int c = 0; c < sweep->n_curves; c++)
        for (int i = 0; i < sweep->curves[c].n; i++)
            add_point(out, sweep, &sweep->curves[c], &sweep->curves[c].points[i], about);
}

void ofr_curve_record_oracles(ofr_buf *out, const ofr_sweep *sweep,
                              const ofr_curve_about *about)
{
    for (int k = 0; k < 2 && sweep->has_exits; k++) {
        const ofr_sweep_oracle *oracle = &sweep->oracles[k];

        begin(out, "oracle", sweep, about);
        ofr_jsonline_text(out, "rule", oracle->name);
        ofr_jsonline_real(out, "score", oracle->report.score);
        ofr_jsonline_real(out, "accuracy", oracle->report.accuracy);
        ofr_jsonline_real(out, "mean_exit_layer", oracle->report.mean_exit);
        ofr_jsonline_real(out, "saved_layers", oracle->report.saved_layers);
        ofr_jsonline_ints(out, "exit_histogram", oracle->histogram, sweep->L);
        ofr_jsonline_end(out);
    }
}

static void add_lost(ofr_buf *out, const ofr_sweep_line *line)
{
    double knob[OFR_LINE_AT], alpha[OFR_LINE_AT], saved[OFR_LINE_AT], score[OFR_LINE_AT];

    for (int k = 0; k < OFR_LINE_AT; k++) {
        const ofr_sweep_point *point = line->at_lost[k];

        knob[k] = point ? point->knob : NAN;
        alpha[k] = point ? line->at_lost_curve[k]->alpha : NAN;
        saved[k] = point ? point->report.saved_layers : NAN;
        score[k] = point ? point->report.score : NAN;
    }
    ofr_jsonline_reals(out, "points_lost", ofr_line_points_lost, OFR_LINE_AT);
    ofr_jsonline_reals(out, "knob_at_lost", knob, OFR_LINE_AT);
    ofr_jsonline_reals(out, "alpha_at_lost", alpha, OFR_LINE_AT);
    ofr_jsonline_reals(out, "saved_at_lost", saved, OFR_LINE_AT);
    ofr_jsonline_reals(out, "score_at_lost", score, OFR_LINE_AT);
}

void ofr_curve_record_line(ofr_buf *out, const ofr_sweep *sweep,
                           const ofr_sweep_line *line, double area_to,
                           const ofr_curve_about *about)
{
    double score[OFR_LINE_AT], random[OFR_LINE_AT];

    for (int k = 0; k < OFR_LINE_AT; k++) {
        const double at = ofr_line_saved_at[k];

        score[k] = ofr_curve_height(line->saved, line->score, line->n, at);
        random[k] = ofr_curve_height(line->saved, line->random, line->n, at);
    }
    begin(out, "curve", sweep, about);
    ofr_jsonline_text(out, "rule", line->name);
    ofr_jsonline_real(out, "alpha", line->alpha);
    ofr_jsonline_int(out, "points", line->n_points);
    ofr_jsonline_real(out, "area",
                      ofr_curve_area(line->saved, line->score, line->n, area_to));
    ofr_jsonline_real(out, "area_from", 0);
    ofr_jsonline_real(out, "area_to", area_to);
    ofr_jsonline_real(out, "random_area",
                      ofr_curve_area(line->saved, line->random, line->n, area_to));
    ofr_jsonline_reals(out, "saved_at", ofr_line_saved_at, OFR_LINE_AT);
    ofr_jsonline_reals(out, "score_at_saved", score, OFR_LINE_AT);
    ofr_jsonline_reals(out, "random_at_saved", random, OFR_LINE_AT);
    add_lost(out, line);
    ofr_jsonline_end(out);
}

/* ---- CSV ----------------------------------------------------------------- */

void ofr_curve_csv_header(ofr_buf *out)
{
    ofr_buf_adds(out, "task,metric,method,seed,rule,alpha,knob,score,score2,accuracy,"
                      "score_full,mean_exit_layer,saved_layers,flops_ratio,ms_per_text,"
                      "ms_per_text_full,ms_per_text_p95,exit_histogram,exit_right,"
                      "random_score,random_deviation,tune_score,tune_saved_layers,front,"
                      "best,stored\n");
}

static void field(ofr_buf *out, double x)
{
    ofr_buf_addc(out, ',');
    if (isfinite(x)) ofr_buf_add_double(out, x);
}

static void counts(ofr_buf *out, const int *x, int n)
{
    for (int i = 0; i < n; i++)
        ofr_buf_addf(out, "%s%d", i ? ";" : ",", x[i]);
}

/* Names of tasks may be file names: quotes are doubled (RFC 4180). */
static void quoted(ofr_buf *out, const char *s)
{
    ofr_buf_addc(out, '"');
    for (; s && *s; s++)
        ofr_buf_add(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    ofr_buf_addc(out, '"');
}

static void csv_point(ofr_buf *out, const ofr_sweep *sweep, const ofr_sweep_curve *curve,
                      const ofr_sweep_point *point, const ofr_curve_about *about)
{
    const bool timed = point->early.runs > 0;
    const ofr_sweep_figures *f = &point->report;
    const double before[] = {curve->alpha, point->knob, f->score, f->score2, f->accuracy,
                             sweep->report->score_full, f->mean_exit, f->saved_layers,
                             f->flops_ratio, timed ? point->early.median : NAN,
                             timed ? point->full.median : NAN,
                             timed ? point->early.p95 : NAN};
    const double behind[] = {point->random_score, point->random_deviation,
                             point->tune.score, point->tune.saved_layers, point->front,
                             point->best, point->stored};

    quoted(out, about->task);
    ofr_buf_addf(out, ",%s,%s,", ofr_metric_name(sweep->o.metric), about->method);
    if (about->seed) ofr_buf_addf(out, "%llu", (unsigned long long)*about->seed);
    ofr_buf_addf(out, ",%s", curve->rule->name);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        field(out, before[i]);
    counts(out, point->histogram, sweep->L);
    counts(out, point->right, sweep->L);
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        field(out, behind[i]);
    ofr_buf_addc(out, '\n');
}

void ofr_curve_csv_points(ofr_buf *out, const ofr_sweep *sweep,
                          const ofr_curve_about *about)
{
    for (int c = 0; c < sweep->n_curves; c++)
        for (int i = 0; i < sweep->curves[c].n; i++)
            csv_point(out, sweep, &sweep->curves[c], &sweep->curves[c].points[i], about);
}

/* ---- one object out of many lines ---------------------------------------- */

void ofr_curve_record_array(ofr_buf *out, const char *key, const ofr_buf *lines)
{
    ofr_jsonline_key(out, key);
    ofr_buf_addc(out, '[');
    for (size_t i = 0; i < lines->n; i++) {
        const char c = lines->p[i];

        if (c != '\n')
            ofr_buf_addc(out, c);
        else if (i + 1 < lines->n)
            ofr_buf_adds(out, ",\n ");
    }
    ofr_buf_addc(out, ']');
}
