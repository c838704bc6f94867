/*
 * sweep_run.c - model, texts, rules, prices and timings of one sweep.
 */
#include "cli/sweep_run.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/build_info.h"
#include "cli/cmd.h"
#include "cli/stop.h"
#include "method/prices.h"
#include "report/html.h"

static bool show_pass(void *user, int done, int n)
{
    ofr_term_progress(user, "all exits", done, n, NULL);
    return !*ofr_stop_flag();
}

/* ---- texts --------------------------------------------------------------- */

/* Have the policies learned from the texts that training held out? */
static bool held_teach(const ofr_train_values *o)
{
    const ofr_method *method;

    return o->method.policy_data == OFR_POLICY_DEV &&
           !ofr_method_find(&method, o->method_name, NULL) &&
           ofr_method_reads(method, "policy-data");
}

/* Nothing is chosen on the reported texts, and no new policy learns from them. */
static ofr_status check_held(const ofr_sweep_run *r, ofr_error *err)
{
    const ofr_train_values *o = &r->origin.values;
    const bool lessons = held_teach(o);
    const char *reported = r->source.path, *held;
    ofr_train_source from = {0};

    if (!r->origin.known || ofr_train_find(&from, o, NULL)) return OFR_OK;
    held = from.has_dev ? from.dev : from.train;
    if (!ofr_file_same(held, reported)) return OFR_OK;
    if (r->job->tune_held)
        return ofr_fail(err, OFR_INVALID,
                        "--tune-held: the texts that training held out are of %s, and "
                        "reported is %s, the same file; train with --dev-split and "
                        "report on another file, or give --tune FILE",
                        held, reported);
    if (lessons && r->job->alphas)
        return ofr_fail(err, OFR_INVALID,
                        "--alphas: with --policy-data dev policies learn from %s, and "
                        "reported is %s, the same file; report on other texts",
                        held, reported);
    if (lessons)
        ofr_log(OFR_LOG_WARN,
                "warning: %s: the policies have learned from these texts "
                "(--policy-data dev); their figures are not of new texts",
                reported);
    return OFR_OK;
}

static ofr_status open_texts(ofr_sweep_run *r, ofr_error *err)
{
    const ofr_sweep_job *job = r->job;
    ofr_eval_data tune = job->data;
    ofr_eval_source source;

    OFR_TRY(ofr_eval_data_find(&r->source, &job->data, &r->m.encoder.config, err));
    OFR_TRY(check_held(r, err));
    OFR_TRY(ofr_eval_data_open(&r->report, &r->source, &r->m, err));
    if (r->source.metric2 == OFR_METRIC_F1 && r->m.encoder.config.K != 2)
        r->source.metric2 = r->source.metric;
    if (job->tune_held || job->alphas)
        OFR_TRY(ofr_origin_texts(&r->origin, &r->train, &r->held, &r->m, job->model,
                                 err));
    if (job->tune_held) r->tune = &r->held;
    if (job->tune) {
        tune.dev = job->tune;
        tune.data = NULL;
        OFR_TRY(ofr_eval_data_find(&source, &tune, &r->m.encoder.config, err));
        if (ofr_file_same(source.path, r->source.path))
            return ofr_fail(err, OFR_INVALID,
                            "--tune is %s, and reported is %s, the same file; give "
                            "other texts, or leave --tune out",
                            source.path, r->source.path);
        OFR_TRY(ofr_eval_data_open(&r->other, &source, &r->m, err));
        r->tune = &r->other;
    }
    return OFR_OK;
}

/* ---- rules --------------------------------------------------------------- */

static ofr_status add_rule(ofr_sweep_run *r, const ofr_rule *rule, ofr_error *err)
{
    const bool own = rule == r->m.rule;
    const int at = r->sweep.n_curves;

    OFR_TRY(ofr_sweep_add(&r->sweep, rule, own ? r->m.threshold : (double)NAN, err));
    if (own || at == 0) {
        r->main_line = r->main_first = at;
        r->main_end = at + 1;
    }
    if (*ofr_stop_flag()) return ofr_fail(err, OFR_INTERRUPTED, "interrupted");
    return OFR_OK;
}

ofr_status ofr_sweep_rules(const ofr_rule *rules[OFR_SWEEP_CURVES_MAX], int *n,
                           const char *list, const ofr_rule *stored, ofr_error *err)
{
    *n = 0;
    for (const char *p = list; p;) {
        const char *comma = strchr(p, ',');
        const ofr_str part =
            ofr_str_trim((ofr_str){p, comma ? (size_t)(comma - p) : strlen(p)});
        char name[32];

        if (part.n >= sizeof name)
            return ofr_fail(err, OFR_INVALID, "--rules: '%.*s' is no rule", (int)part.n,
                            part.p);
        if (*n == OFR_SWEEP_CURVES_MAX)
            return ofr_fail(err, OFR_INVALID, "--rules: more than %d",
                            OFR_SWEEP_CURVES_MAX);
        memcpy(name, part.p, part.n);
        name[part.n] = 0;
        rules[*n] = stored;
        if (strcmp(name, "stored") != 0) OFR_TRY(ofr_rule_find(&rules[*n], name, err));
        (*n)++;
        p = comma ? comma + 1 : NULL;
    }
    return OFR_OK;
}

/* Those asked for, or every rule that this model can follow; the full model is a point
 * of each. */
static ofr_status find_rules(ofr_sweep_run *r, ofr_error *err)
{
    if (r->job->rules) {
        OFR_TRY(ofr_sweep_rules(r->rules, &r->n_rules, r->job->rules, r->m.rule, err));
        for (int i = 0; i < r->n_rules; i++)
            OFR_TRY(ofr_rule_serves(r->rules[i], &r->m.encoder, err));
        return OFR_OK;
    }
    for (int i = 0; ofr_rules[i]; i++)
        if (ofr_rules[i] != &ofr_rule_never &&
            !ofr_rule_serves(ofr_rules[i], &r->m.encoder, NULL))
            r->rules[r->n_rules++] = ofr_rules[i];
    if (r->n_rules == 0) r->rules[r->n_rules++] = &ofr_rule_never;
    return OFR_OK;
}

/* ---- prices -------------------------------------------------------------- */

static void show_fit(void *user, const char *label, long long done, long long total,
                     const char *note)
{
    ofr_term_progress(user, label, done, total, note);
}

/* The policies as trained become the last curve, before those of other prices. */
static void policies_last(ofr_sweep_run *r)
{
    ofr_sweep *s = &r->sweep;
    int last = s->n_curves - 1;

    for (int c = 0; c < last; c++) {
        const ofr_sweep_curve own = s->curves[c];

        if (own.rule != &ofr_rule_policy) continue;
        memmove(&s->curves[c], &s->curves[c + 1], (size_t)(last - c) * sizeof own);
        s->curves[last] = own;
        if (r->main_line == c)
            r->main_line = last;
        else if (r->main_line > c)
            r->main_line--;
        break;
    }
    r->main_first = r->main_line;
    r->main_end = r->main_line + 1;
}

static ofr_status add_prices(ofr_sweep_run *r, ofr_error *err)
{
    const ofr_method_data data = {&r->train, &r->held, r->source.metric};
    const ofr_method_job how = {.stop = ofr_stop_flag(), .progress = show_fit,
                                .user = r->job->term};
    ofr_method_options options = r->origin.values.method;
    ofr_prices prices;
    ofr_status status;

    policies_last(r);
    options.alphas = r->job->alphas;
    OFR_TRY(ofr_prices_open(&prices, &r->m.encoder, r->m.dev, &data, &options, &how,
                            err));
    ofr_term_progress_end(r->job->term);
    r->policy_texts = prices.n_texts;
    r->policy_dev_texts = prices.n_dev;
    status = OFR_OK;
    for (int i = 0; i < prices.n && !status; i++)
        status = ofr_sweep_policies(&r->sweep, &r->m.encoder, prices.alphas[i],
                                    prices.w + (size_t)i * prices.n_w, err);
    ofr_prices_close(&prices);
    return status;
}

/* ---- what follows -------------------------------------------------------- */

static ofr_status open_lines(ofr_sweep_run *r, ofr_error *err)
{
    const int n_rules = r->n_rules;
    ofr_sweep *s = &r->sweep;

    OFR_TRY(ofr_sweep_fronts(s, err));
    for (int c = 0; c < s->n_curves; c++) {
        OFR_TRY(ofr_sweep_line_open(&r->lines[c], s, s->curves[c].rule->name, c, c + 1,
                                    err));
        r->n_lines++;
    }
    if (s->n_curves > n_rules) {
        const bool own = n_rules > 0 && s->curves[n_rules - 1].rule == &ofr_rule_policy;

        r->main_first = own ? n_rules - 1 : n_rules;
        r->main_end = s->n_curves;
        OFR_TRY(ofr_sweep_line_open(&r->lines[r->n_lines], s, "policy*", r->main_first,
                                    r->main_end, err));
        r->main_line = r->n_lines++;
    }
    for (int i = 0; i < r->n_lines; i++) {
        const double reach = ofr_sweep_line_reach(&r->lines[i]);

        if (reach > 0 && !(r->area_to > 0 && r->area_to < reach)) r->area_to = reach;
    }
    return OFR_OK;
}

/* The real runner at points spread over the curve of the stored rule (its policies as
 * trained: those of other prices are not in the encoder). */
static ofr_status time_points(ofr_sweep_run *r, ofr_error *err)
{
    const ofr_sweep_line *line = &r->lines[r->main_first];
    const int wanted = r->job->timed;
    ofr_eval_options how;
    int last = -1;

    ofr_eval_options_init(&how);
    how.batch = r->job->batch;
    how.timed_runs = r->job->runs;
    how.seed = r->job->seed;
    for (int k = 0; k < wanted && line->n; k++) {
        const int i = wanted > 1 ? k * (line->n - 1) / (wanted - 1) : line->n / 2;
        const ofr_sweep_curve *curve = line->curves[i];
        ofr_sweep_point *point = &r->sweep.curves[curve - r->sweep.curves]
                                      .points[line->points[i] - curve->points];

        if (i == last) continue;
        last = i;
        how.rule = isnan(point->knob) ? &ofr_rule_never : curve->rule;
        how.threshold = isnan(point->knob) ? 0 : point->knob;
        ofr_term_progress(r->job->term, "timing", k, wanted, NULL);
        OFR_TRY(ofr_eval_timing(&point->early, &point->full, &r->m.encoder, r->m.dev,
                                &r->report, &how, err));
        if (*ofr_stop_flag()) return ofr_fail(err, OFR_INTERRUPTED, "interrupted");
    }
    return OFR_OK;
}

/* ---- the run ------------------------------------------------------------- */

static ofr_status sweep_rules(ofr_sweep_run *r, ofr_error *err)
{
    const ofr_sweep_job *job = r->job;
    const double start = ofr_clock_seconds();

    for (int i = 0; i < r->n_rules; i++)
        OFR_TRY(add_rule(r, r->rules[i], err));
    if (job->alphas) OFR_TRY(add_prices(r, err));
    OFR_TRY(open_lines(r, err));
    r->replay_seconds = ofr_clock_seconds() - start;
    return time_points(r, err);
}

/* Before the pass over the texts: does the model take the options, and will the files
 * find their place? */
static ofr_status check(ofr_sweep_run *r, ofr_error *err)
{
    const ofr_sweep_job *job = r->job;
    ofr_method_options options = r->origin.values.method;
    char path[OFR_PATH_MAX];

    OFR_TRY(find_rules(r, err));
    options.alphas = job->alphas;
    if (job->alphas) OFR_TRY(ofr_prices_check(&r->m.encoder, &options, err));
    if (!job->out) return OFR_OK;
    OFR_TRY(ofr_file_make_dirs(job->out, err));
    ofr_file_tidy(job->out);
    OFR_TRY(ofr_file_join(path, job->out, "records.jsonl", err));
    return ofr_file_check(path, err);
}

/* Where no train.json is, the seed of the training is not known. */
static void name_run(ofr_sweep_run *r)
{
    const char *method = r->m.encoder.config.method;

    if (r->origin.known)
        snprintf(r->name, sizeof r->name, "%.31s.%llu", method,
                 (unsigned long long)r->origin.values.method.seed);
    else
        snprintf(r->name, sizeof r->name, "%.31s", method);
}

/* A model of an earlier version does not say what its training counted as right. */
static double error_limit(const ofr_sweep_run *r)
{
    const ofr_config *config = &r->m.encoder.config;
    const json_t *own = json_object_get(config->json, "offramp");

    return r->origin.known && !json_is_number(json_object_get(own, "error_limit"))
               ? r->origin.values.method.error_limit
               : config->error_limit;
}

static ofr_status open_parts(ofr_sweep_run *r, ofr_error *err)
{
    const ofr_sweep_job *job = r->job;
    const ofr_load_options how = {.threshold = NAN, .max_tokens = job->data.max_length,
                                  .threads = job->threads, .tokenizer = true,
                                  .classifier = true, .training = job->alphas != NULL};
    ofr_sweep_options options;
    double start;

    if (job->tune && job->tune_held)
        return ofr_fail(err, OFR_INVALID,
                        "--tune FILE and --tune-held exclude each other");
    OFR_TRY(ofr_load_open(&r->m, job->model, &how, err));
    OFR_TRY(ofr_origin_open(&r->origin, job->model, err));
    OFR_TRY(open_texts(r, err));
    OFR_TRY(check(r, err));
    name_run(r);
    ofr_sweep_options_init(&options);
    options.values = job->values;
    options.metric = r->source.metric;
    options.metric2 = r->source.metric2;
    options.error_limit = error_limit(r);
    options.seed = job->seed;
    options.features = job->alphas != NULL;
    options.progress = show_pass;
    options.user = job->term;
    start = ofr_clock_seconds();
    OFR_TRY(ofr_sweep_open(&r->sweep, &r->m.encoder, r->m.dev,
                           r->tune, &r->report, &options, err));
    r->pass_seconds = ofr_clock_seconds() - start;
    ofr_term_progress_end(job->term);
    return sweep_rules(r, err);
}

ofr_status ofr_sweep_run_open(ofr_sweep_run *run, const ofr_sweep_job *job,
                              ofr_error *err)
{
    ofr_status status;

    memset(run, 0, sizeof *run);
    run->job = job;
    ofr_cpu_name(run->processor);
    status = open_parts(run, err);
    ofr_term_progress_end(job->term);
    if (status) ofr_sweep_run_close(run);
    return status;
}

void ofr_sweep_run_close(ofr_sweep_run *run)
{
    for (int i = 0; i < run->n_lines; i++)
        ofr_sweep_line_close(&run->lines[i]);
    if (run->sweep.encoder) ofr_sweep_close(&run->sweep);
    if (run->report.n) ofr_dataset_close(&run->report);
    if (run->other.n) ofr_dataset_close(&run->other);
    if (run->held.n) ofr_dataset_close(&run->held);
    if (run->train.n) ofr_dataset_close(&run->train);
    ofr_origin_close(&run->origin);
    ofr_load_close(&run->m);
    memset(run, 0, sizeof *run);
}

/* ---- records ------------------------------------------------------------- */

static void describe(const ofr_sweep_run *run, ofr_curve_about *about)
{
    *about = (ofr_curve_about){
        .schema_version = OFR_SCHEMA_VERSION,
        .task = run->source.name,
        .method = run->m.encoder.config.method,
        .model = run->job->model,
        .run = run->name[0] ? run->name : NULL,
        .seed = run->origin.known ? &run->origin.values.method.seed : NULL,
        .train_command = run->origin.command.p,
        .sweep_command = run->job->command,
        .tune = run->job->tune_held ? "held-out training texts" : run->job->tune,
        .report = run->source.path,
        .processor = run->processor,
        .kernels = run->m.dev->ops.name,
        .commit = ofr_build_commit,
        .threads = run->m.dev->n_threads,
        .n_truncated = run->report.n_truncated,
        .policy_texts = run->policy_texts,
        .policy_dev_texts = run->policy_dev_texts,
        .rule = run->m.rule,
        .knob = run->m.threshold,
    };
}

static ofr_buf **each(ofr_sweep_lines *lines, ofr_buf *all[5])
{
    all[0] = &lines->runs;
    all[1] = &lines->points;
    all[2] = &lines->curves;
    all[3] = &lines->oracles;
    all[4] = &lines->csv;
    return all;
}

void ofr_sweep_lines_init(ofr_sweep_lines *lines)
{
    ofr_buf *all[5];

    for (int i = 0; i < 5; i++)
        ofr_buf_init(each(lines, all)[i]);
}

void ofr_sweep_lines_free(ofr_sweep_lines *lines)
{
    ofr_buf *all[5];

    for (int i = 0; i < 5; i++)
        ofr_buf_free(each(lines, all)[i]);
}

void ofr_sweep_run_records(const ofr_sweep_run *run, ofr_sweep_lines *lines)
{
    ofr_curve_about about;

    describe(run, &about);
    ofr_curve_record_run(&lines->runs, &run->sweep, &about);
    ofr_curve_record_points(&lines->points, &run->sweep, &about);
    ofr_curve_record_oracles(&lines->oracles, &run->sweep, &about);
    ofr_curve_csv_points(&lines->csv, &run->sweep, &about);
    for (int i = 0; i < run->n_lines; i++)
        ofr_curve_record_line(&lines->curves, &run->sweep, &run->lines[i],
                              run->area_to, &about);
}

void ofr_sweep_lines_join(ofr_buf *all, const ofr_sweep_lines *lines)
{
    const ofr_buf *parts[] = {&lines->runs, &lines->points, &lines->curves,
                              &lines->oracles};

    for (int i = 0; i < 4; i++) {
        ofr_buf_add(all, parts[i]->p, parts[i]->n);
        all->failed = all->failed || parts[i]->failed;
    }
}

ofr_status ofr_sweep_write(const char *dir, const char *name, const ofr_buf *buf,
                           ofr_error *err)
{
    char path[OFR_PATH_MAX];

    if (buf->failed) return ofr_fail_nomem(err, buf->n, name);
    OFR_TRY(ofr_file_join(path, dir, name, err));
    return ofr_file_write(path, buf->p, buf->n, err);
}

void ofr_sweep_page(const char *dir, const char *command)
{
    char record[OFR_PATH_MAX];
    const ofr_report_sources sources = {.record = record, .command = command,
                                        .page_only = true};
    ofr_error err;

    if (ofr_file_join(record, dir, "records.jsonl", &err) ||
        ofr_report_write(dir, &sources, &err))
        ofr_log(OFR_LOG_WARN, "warning: %s/report.html was not written: %s", dir,
                err.text);
}
