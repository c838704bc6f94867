/*
 * bench_report.c - text, Markdown or JSON lines of `offramp bench`.
 *
 * A table is a head and rows of cells; text pads them, Markdown puts bars between.
 */
#include "cli/bench_report.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "cli/build_info.h"
#include "cli/cmd.h"
#include "report/jsonline.h"

#define MiB (1024.0 * 1024.0)

/* ---- tables ----------------------------------------------------------------- */

enum { CELL = 32, CELLS_MAX = 16 };

typedef struct row {
    char cells[CELLS_MAX][CELL];
    int n;
} row;

static void cell(row *r, const char *format, ...) OFR_PRINTF(2, 3);

static void cell(row *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->cells[r->n++], CELL, format, args);
    va_end(args);
}

/* A number, or a dash where it means nothing. */
static void cell_if(row *r, bool known, double x)
{
    if (known)
        cell(r, "%.1f", x);
    else
        cell(r, "-");
}

/* Columns are separated by commas in `head`; text columns are as wide as their
 * heads, at least 9. */
static row row_of(const char *head)
{
    row r = {.n = 0};
    while (*head) {
        int n = (int)strcspn(head, ",");
        cell(&r, "%.*s", n, head);
        head += n + (head[n] == ',');
    }
    return r;
}

static void add_row(ofr_buf *out, ofr_bench_style style, const row *r, const row *head)
{
    for (int i = 0; i < r->n; i++) {
        int width = (int)strlen(head->cells[i]);
        if (width < 9) width = 9;
        if (style == OFR_BENCH_MARKDOWN)
            ofr_buf_addf(out, "| %s ", r->cells[i]);
        else
            ofr_buf_addf(out, "%s%*s", i ? "  " : "", width, r->cells[i]);
    }
    ofr_buf_adds(out, style == OFR_BENCH_MARKDOWN ? "|\n" : "\n");
}

/* The head, unless the table that is being written has it already. */
static row begin_table(ofr_bench_report *report, ofr_buf *out, const char *name,
                       const char *head)
{
    row r = row_of(head);
    if (report->table && strcmp(report->table, name) == 0) return r;
    if (report->table) ofr_buf_addc(out, '\n');
    report->table = name;
    add_row(out, report->style, &r, &r);
    for (int i = 0; i < r.n && report->style == OFR_BENCH_MARKDOWN; i++)
        ofr_buf_adds(out, i + 1 < r.n ? "|---:" : "|---:|\n");
    return r;
}

/* ---- JSON ------------------------------------------------------------------- */

/* What every record begins with: kind, program, machine. */
static void open_record(ofr_buf *out, const char *kind, int threads)
{
    char processor[128], now[32];
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_cpu_name(processor);
    ofr_clock_iso(now);
    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "bench", kind);
    ofr_jsonline_text(out, "time", now);
    ofr_jsonline_text(out, "version", ofr_version());
    ofr_jsonline_text(out, "commit", ofr_build_commit);
    ofr_jsonline_text(out, "build", ofr_build_type);
    ofr_jsonline_text(out, "compiler", ofr_build_compiler);
    ofr_jsonline_text(out, "processor", processor);
    ofr_jsonline_text(out, "kernels", ops.name);
    ofr_jsonline_int(out, "threads_allowed", ofr_cpu_threads());
    ofr_jsonline_int(out, "threads", threads);
}

static void add_model(ofr_buf *out, const ofr_bench_model *model)
{
    const ofr_config *c = &model->encoder.config;
    ofr_jsonline_text(out, "model", model->dir);
    ofr_jsonline_text(out, "shape", model->shape);
    ofr_jsonline_int(out, "n_layers", c->L);
    ofr_jsonline_int(out, "hidden_size", c->C);
    ofr_jsonline_int(out, "n_heads", c->H);
    ofr_jsonline_int(out, "inner_size", c->F);
    ofr_jsonline_text(out, "precision", ofr_precision_name(model->encoder.precision));
    ofr_jsonline_real(out, "weights_bytes", ofr_bench_model_weights(model));
}

static const char *exit_name(ofr_bench_exit exit)
{
    static const char *const names[] = {"full", "rule", "at", "mix"};
    return names[exit];
}

static void add_times_json(const ofr_bench_report *report, ofr_buf *out,
                           ofr_bench_model *model, const ofr_bench_plan *plan,
                           const ofr_bench_result *result, const ofr_bench_case *c)
{
    double seconds = c->typical / 1e3, peak = ofr_bench_model_peak(model);
    int L = model->encoder.config.L;
    open_record(out, "forward", model->dev->n_threads);
    add_model(out, model);
    ofr_jsonline_int(out, "batch", plan->batch);
    ofr_jsonline_real(out, "tokens", c->tokens / c->texts);
    ofr_jsonline_bool(out, "real_lengths", plan->lengths != NULL);
    ofr_jsonline_int(out, "first", plan->first);
    ofr_jsonline_int(out, "texts", plan->texts);
    ofr_jsonline_text(out, "rule", plan->rule ? plan->rule->name : NULL);
    ofr_jsonline_real(out, "threshold", plan->rule ? plan->threshold : NAN);
    ofr_jsonline_text(out, "exit", exit_name(c->exit));
    ofr_jsonline_real(out, "mean_exit_layer", c->mean_exit);
    ofr_jsonline_int(out, "regroup", c->low);
    ofr_jsonline_bool(out, "whole_layers", plan->whole_layers);
    ofr_jsonline_int(out, "repeat", plan->repeat);
    ofr_jsonline_int(out, "warmup", plan->warmup);
    ofr_jsonline_u64(out, "seed", plan->seed);
    ofr_jsonline_real(out, "median_ms", c->median);
    ofr_jsonline_real(out, "p95_ms", c->p95);
    ofr_jsonline_real(out, "min_ms", c->ms[0]);
    ofr_jsonline_real(out, "mean_ms", c->mean);
    if (report->samples) ofr_jsonline_reals(out, "samples_ms", c->in_turn, plan->repeat);
    ofr_jsonline_real(out, "texts_per_s", c->texts / seconds);
    ofr_jsonline_real(out, "tokens_per_s", c->tokens / seconds);
    ofr_jsonline_real(out, "gflops", c->flops / seconds / 1e9);
    ofr_jsonline_real(out, "peak_gflops", peak / 1e9);
    ofr_jsonline_real(out, "percent_of_peak", 100 * c->flops / seconds / peak);
    ofr_jsonline_real(out, "layer_share", c->mean_exit / L);
    ofr_jsonline_real(out, "time_share", c->time_share);
    ofr_jsonline_real(out, "open_ms", model->open_ms);
    ofr_jsonline_int(out, "peak_bytes", (long long)result->peak_bytes);
    ofr_jsonline_int(out, "open_peak_bytes", (long long)model->open_peak);
    ofr_jsonline_end(out);
}

/* ---- the kinds of records --------------------------------------------------- */

static void add_times_row(ofr_bench_report *report, ofr_buf *out, ofr_bench_model *model,
                          const ofr_bench_plan *plan, const ofr_bench_result *result,
                          const ofr_bench_case *c)
{
    row head = begin_table(report, out, "times",
                           "precision,threads,batch,tokens,exit,layer,regroup,"
                           "median ms,p95 ms,tokens/s,GFLOP/s,% of peak,% of layers,"
                           "% of time,MiB");
    double seconds = c->typical / 1e3, peak = ofr_bench_model_peak(model);
    row r = {.n = 0};
    cell(&r, "%s", ofr_precision_name(model->encoder.precision));
    cell(&r, "%d", model->dev->n_threads);
    cell(&r, "%d", plan->batch);
    cell(&r, "%.4g", c->tokens / c->texts);
    cell(&r, "%s", exit_name(c->exit));
    cell(&r, "%.2f", c->mean_exit);
    cell(&r, "%d", c->low);
    cell(&r, "%.3f", c->median);
    cell(&r, "%.3f", c->p95);
    cell(&r, "%.0f", c->tokens / seconds);
    cell(&r, "%.1f", c->flops / seconds / 1e9);
    cell(&r, "%.1f", 100 * c->flops / seconds / peak);
    cell(&r, "%.1f", 100 * c->mean_exit / model->encoder.config.L);
    cell(&r, "%.1f", 100 * c->time_share);
    cell(&r, "%.0f", (double)result->peak_bytes / MiB);
    add_row(out, report->style, &r, &head);
}

void ofr_bench_report_times(ofr_bench_report *report, ofr_buf *out,
                            ofr_bench_model *model, const ofr_bench_plan *plan,
                            const ofr_bench_result *result)
{
    for (int k = 0; k < result->n; k++) {
        const ofr_bench_case *c = &result->cases[k];
        if (report->style == OFR_BENCH_JSON)
            add_times_json(report, out, model, plan, result, c);
        else
            add_times_row(report, out, model, plan, result, c);
    }
}

void ofr_bench_report_decide(ofr_bench_report *report, ofr_buf *out,
                             ofr_bench_model *model, const ofr_bench_decide *d)
{
    double percent = 100 * d->decide_ms / d->layer_ms;
    if (report->style == OFR_BENCH_JSON) {
        open_record(out, "decide", model->dev->n_threads);
        add_model(out, model);
        ofr_jsonline_int(out, "batch", d->batch);
        ofr_jsonline_int(out, "tokens", d->tokens);
        ofr_jsonline_int(out, "calls", d->calls);
        ofr_jsonline_real(out, "layer_ms", d->layer_ms);
        ofr_jsonline_real(out, "decide_ms", d->decide_ms);
        ofr_jsonline_real(out, "percent_of_layer", percent);
        ofr_jsonline_end(out);
        return;
    }
    row head = begin_table(report, out, "decide",
                           "precision,threads,batch,tokens,layer ms,decide ms,"
                           "% of layer");
    row r = {.n = 0};
    cell(&r, "%s", ofr_precision_name(model->encoder.precision));
    cell(&r, "%d", model->dev->n_threads);
    cell(&r, "%d", d->batch);
    cell(&r, "%d", d->tokens);
    cell(&r, "%.4f", d->layer_ms);
    cell(&r, "%.4f", d->decide_ms);
    cell(&r, "%.2f", percent);
    add_row(out, report->style, &r, &head);
}

static void add_part(ofr_bench_report *report, ofr_buf *out, ofr_bench_model *model,
                     const ofr_bench_profile *p, ofr_bench_part part)
{
    double flops = p->flops[part] / (p->ms[part] / 1e3);
    double percent = 100 * flops / ofr_bench_model_peak(model);
    if (report->style == OFR_BENCH_JSON) {
        open_record(out, "profile", model->dev->n_threads);
        add_model(out, model);
        ofr_jsonline_int(out, "batch", p->batch);
        ofr_jsonline_int(out, "tokens", p->tokens);
        ofr_jsonline_int(out, "repeat", p->repeat);
        ofr_jsonline_text(out, "part", ofr_bench_part_name(part));
        ofr_jsonline_real(out, "ms", p->ms[part]);
        ofr_jsonline_real(out, "percent_of_time", 100 * p->ms[part] / p->total_ms);
        ofr_jsonline_real(out, "gflops", flops / 1e9);
        ofr_jsonline_real(out, "percent_of_peak", percent);
        ofr_jsonline_end(out);
        return;
    }
    row head = begin_table(report, out, "profile",
                           "precision,threads,batch,tokens,part         ,ms,% of time,"
                           "GFLOP/s,% of peak");
    row r = {.n = 0};
    cell(&r, "%s", ofr_precision_name(model->encoder.precision));
    cell(&r, "%d", model->dev->n_threads);
    cell(&r, "%d", p->batch);
    cell(&r, "%d", p->tokens);
    cell(&r, "%s", ofr_bench_part_name(part));
    cell(&r, "%.3f", p->ms[part]);
    cell(&r, "%.1f", 100 * p->ms[part] / p->total_ms);
    cell_if(&r, flops > 0, flops / 1e9);
    cell_if(&r, flops > 0, percent);
    add_row(out, report->style, &r, &head);
}

void ofr_bench_report_profile(ofr_bench_report *report, ofr_buf *out,
                              ofr_bench_model *model, const ofr_bench_profile *profile)
{
    for (int part = 0; part < OFR_PART_COUNT; part++)
        add_part(report, out, model, profile, (ofr_bench_part)part);
}

void ofr_bench_report_cold(ofr_bench_report *report, ofr_buf *out, ofr_bench_model *model,
                           const ofr_bench_cold *cold)
{
    if (report->style == OFR_BENCH_JSON) {
        open_record(out, "cold", model->dev->n_threads);
        add_model(out, model);
        ofr_jsonline_int(out, "tokens", cold->tokens);
        ofr_jsonline_int(out, "repeat", cold->repeat);
        ofr_jsonline_real(out, "open_ms", cold->open_ms);
        ofr_jsonline_real(out, "first_answer_ms", cold->first_ms);
        ofr_jsonline_real(out, "total_ms", cold->total_ms);
        ofr_jsonline_real(out, "second_answer_ms", cold->second_ms);
        ofr_jsonline_end(out);
        return;
    }
    row head = begin_table(report, out, "cold",
                           "precision,threads,tokens,open ms,first answer ms,total ms,"
                           "second answer ms");
    row r = {.n = 0};
    cell(&r, "%s", ofr_precision_name(model->encoder.precision));
    cell(&r, "%d", model->dev->n_threads);
    cell(&r, "%d", cold->tokens);
    cell(&r, "%.1f", cold->open_ms);
    cell(&r, "%.1f", cold->first_ms);
    cell(&r, "%.1f", cold->total_ms);
    cell(&r, "%.1f", cold->second_ms);
    add_row(out, report->style, &r, &head);
}

void ofr_bench_report_peaks(ofr_bench_report *report, ofr_buf *out,
                            const ofr_bench_peaks *peaks)
{
    if (report->style == OFR_BENCH_JSON) {
        open_record(out, "peaks", peaks->threads);
        ofr_jsonline_real(out, "peak_gflops", peaks->flops / 1e9);
        ofr_jsonline_real(out, "memory_gbytes_per_s", peaks->bytes / 1e9);
        ofr_jsonline_end(out);
        return;
    }
    row head = begin_table(report, out, "peaks", "threads,GFLOP/s,GB/s read");
    row r = {.n = 0};
    cell(&r, "%d", peaks->threads);
    cell(&r, "%.1f", peaks->flops / 1e9);
    cell(&r, "%.1f", peaks->bytes / 1e9);
    add_row(out, report->style, &r, &head);
}
