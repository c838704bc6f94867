/*
 * cmd_bench.c - `offramp bench`: times, rates, memory of a model on this machine.
 *
 * Lists of settings become nested loops; every setting gives its lines as soon as
 * it is measured.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/bench_report.h"
#include "cli/cmd.h"
#include "cli/lines.h"
#include "cli/load.h"

typedef struct options {
    ofr_cmd_common common;
    const char *model, *shape;
    const char *precision, *threads, *batch, *tokens, *lengths;
    const char *rule, *exit_at, *exit_mix, *regroup, *settings;
    double threshold;
    int texts, first, repeat, warmup;
    uint64_t seed;
    bool whole_layers, markdown, samples, decide, profile, cold, peaks;
} options;

#define AT(field) offsetof(options, field)
static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, AT(model), NULL, "DIR", NULL, 0, 0, "model directory",
     "Model"},
    {"shape", 0, OFR_OPT_TEXT, AT(shape), NULL, "NAME", NULL, 0, 0,
     "random weights instead: tiny, mini, small, medium, base or large", NULL},
    {"precision", 0, OFR_OPT_TEXT, AT(precision), NULL, "LIST", NULL, 0, 0,
     "f32, f16, bf16, int8; default: as stored, f32 for a shape", NULL},
    {"batch", 'b', OFR_OPT_TEXT, AT(batch), "1,8,32", "LIST", NULL, 0, 0,
     "texts per batch", "Work"},
    {"tokens", 0, OFR_OPT_TEXT, AT(tokens), "16,32,64,128", "LIST", NULL, 0, 0,
     "tokens per text", NULL},
    {"lengths", 0, OFR_OPT_TEXT, AT(lengths), NULL, "FILE", NULL, 0, 0,
     "tokens of each text, one number per line, instead of --tokens", NULL},
    {"first", 0, OFR_OPT_INT, AT(first), "0", "N", NULL, 0, 1 << 30,
     "line of --lengths to begin with, from 0", NULL},
    {"texts", 0, OFR_OPT_INT, AT(texts), "0", "N", NULL, 0, 1 << 20,
     "texts per repeat, as a stream of batches; 0: one batch", NULL},
    {"threads", 't', OFR_OPT_TEXT, AT(threads), "0", "LIST", NULL, 0, 0,
     "threads; 0: the processors this process may use", NULL},
    {"rule", 0, OFR_OPT_TEXT, AT(rule), NULL, "NAME", NULL, 0, 0,
     "ask this exit rule after each layer, also, in vain, for the times of full depth; "
     "default: nobody is asked, full depth",
     "Leaving early"},
    {"threshold", 0, OFR_OPT_REAL, AT(threshold), NULL, "T", NULL, 0, 0,
     "of the rule; default: as stored, or the rule's own", NULL},
    {"exit-at", 0, OFR_OPT_TEXT, AT(exit_at), NULL, "LIST", NULL, 0, 0,
     "also make all texts leave at these layers", NULL},
    {"exit-mix", 0, OFR_OPT_TEXT, AT(exit_mix), NULL, "H1,H2,...", NULL, 0, 0,
     "also draw exits from this histogram, a weight for each layer", NULL},
    {"regroup", 0, OFR_OPT_TEXT, AT(regroup), "0", "LIST", NULL, 0, 0,
     "fewer tokens than this wait for those of later batches; 0: nobody waits", NULL},
    {"whole-layers", 0, OFR_OPT_FLAG, AT(whole_layers), NULL, NULL, NULL, 0, 0,
     "run every layer on all tokens before anybody may leave; default: where many are "
     "expected to leave, and in the last layer, on the first token of each text alone",
     NULL},
    {"repeat", 0, OFR_OPT_INT, AT(repeat), "20", "N", NULL, 1, 1000000,
     "measurements of every setting", "Measuring"},
    {"warmup", 0, OFR_OPT_INT, AT(warmup), "3", "N", NULL, 0, 1000000,
     "runs before them that do not count", NULL},
    {"seed", 's', OFR_OPT_U64, AT(seed), "1", "N", NULL, 0, 0,
     "of random weights, tokens and exits", NULL},
    {"decide", 0, OFR_OPT_FLAG, AT(decide), NULL, NULL, NULL, 0, 0,
     "measure what deciding by the policy costs, against a layer", "Instead of times"},
    {"profile", 0, OFR_OPT_FLAG, AT(profile), NULL, NULL, NULL, 0, 0,
     "measure the parts of a pass", NULL},
    {"cold", 0, OFR_OPT_FLAG, AT(cold), NULL, NULL, NULL, 0, 0,
     "measure opening the model and the first answer", NULL},
    {"peaks", 0, OFR_OPT_FLAG, AT(peaks), NULL, NULL, NULL, 0, 0,
     "measure the machine: multiply-adds in registers, memory read", NULL},
    {"md", 0, OFR_OPT_FLAG, AT(markdown), NULL, NULL, NULL, 0, 0,
     "print a Markdown table", "Output"},
    {"samples", 0, OFR_OPT_FLAG, AT(samples), NULL, NULL, NULL, 0, 0,
     "with --json: every time that was measured, too", NULL},
    {"settings", 0, OFR_OPT_TEXT, AT(settings), NULL, "FILE", NULL, 0, 0,
     "lines of KEY=VALUE, options of this page, that change these settings one after "
     "another; -: standard input", NULL},
    OFR_CMD_TALK_ROWS(options, "Common options"),
    OFR_CMD_END,
};

/* The lists of the options, read. */
typedef struct lists {
    int precision[OFR_BENCH_LIST], n_precision;
    int threads[OFR_BENCH_LIST], n_threads;
    int batch[OFR_BENCH_LIST], n_batch;
    int tokens[OFR_BENCH_LIST], n_tokens;
    int exit_at[OFR_BENCH_LIST], n_exit_at;
    int regroup[OFR_BENCH_LIST], n_regroup;
} lists;

typedef struct bench {
    ofr_bench_model model;
    ofr_bench_report report;
    ofr_buf out;
    const char *lengths_path; /* of what stands in lengths[n_lengths] */
    int *lengths, n_lengths;
} bench;

static ofr_status read_lists(lists *l, const options *o, ofr_error *err)
{
    OFR_TRY(ofr_bench_precisions(l->precision, &l->n_precision, "precision", o->precision,
                                 err));
    OFR_TRY(ofr_bench_ints(l->threads, &l->n_threads, "threads", o->threads, 0,
                           OFR_THREADS_MAX, err));
    OFR_TRY(ofr_bench_ints(l->batch, &l->n_batch, "batch", o->batch, 1, 4096, err));
    OFR_TRY(ofr_bench_ints(l->tokens, &l->n_tokens, "tokens", o->tokens, 1, 1 << 20,
                           err));
    OFR_TRY(ofr_bench_ints(l->exit_at, &l->n_exit_at, "exit-at", o->exit_at, 1, 512,
                           err));
    OFR_TRY(ofr_bench_ints(l->regroup, &l->n_regroup, "regroup", o->regroup, 0, 1 << 16,
                           err));
    if (o->lengths) l->n_tokens = 1;
    return OFR_OK;
}

/* The file of --lengths into b->lengths, unless it stands there. */
static ofr_status read_lengths(bench *b, const char *path, ofr_error *err)
{
    if (b->lengths_path && strcmp(b->lengths_path, path) == 0) return OFR_OK;
    ofr_mem_free(b->lengths);
    b->lengths = NULL;
    OFR_TRY(ofr_bench_lengths(&b->lengths, &b->n_lengths, path, err));
    b->lengths_path = path;
    return OFR_OK;
}

static ofr_status print(bench *b, const options *o, ofr_error *err)
{
    ofr_term_progress_end(o->common.term);
    return ofr_cmd_print(&b->out, err);
}

static ofr_status measure_times(bench *b, const options *o, const lists *l, int batch,
                                int tokens, ofr_error *err)
{
    const ofr_config *config = &b->model.encoder.config;
    double mix[512];
    ofr_bench_plan plan = {
        .batch = batch, .tokens = tokens, .first = o->first,
        .texts = o->texts ? o->texts : batch, .repeat = o->repeat, .warmup = o->warmup,
        .seed = o->seed, .whole_layers = o->whole_layers,
        .exit_at = l->exit_at, .n_exit_at = l->n_exit_at,
        .low = l->regroup, .n_low = l->n_regroup};
    if (plan.texts < batch)
        return ofr_fail(err, OFR_INVALID, "--texts %d is less than a batch of %d",
                        plan.texts, batch);
    if (o->lengths) {
        OFR_TRY(read_lengths(b, o->lengths, err));
        plan.lengths = b->lengths;
        plan.n_lengths = b->n_lengths;
    }
    if (o->exit_mix) {
        OFR_TRY(ofr_bench_weights(mix, config->L, "exit-mix", o->exit_mix, err));
        plan.mix = mix;
    }
    if (o->rule) {
        OFR_TRY(ofr_rule_choose(&plan.rule, &plan.threshold, config, o->rule,
                                o->threshold, err));
        if (plan.rule->by_token)
            return ofr_fail(err, OFR_INVALID,
                            "--rule %s: the texts here leave whole; `offramp eval` "
                            "measures this rule on real ones", plan.rule->name);
    }
    ofr_bench_result result = {.n = 0};
    ofr_status status = ofr_bench_measure(&result, &b->model, &plan, err);
    if (status == OFR_OK)
        ofr_bench_report_times(&b->report, &b->out, &b->model, &plan, &result);
    ofr_bench_result_close(&result);
    return status;
}

/* One combination of the lists. */
static ofr_status measure_one(bench *b, const options *o, const lists *l, int batch,
                              int tokens, ofr_error *err)
{
    if (o->decide) {
        ofr_bench_decide decide;
        OFR_TRY(ofr_bench_measure_decide(&decide, &b->model, batch, tokens, o->repeat,
                                         err));
        ofr_bench_report_decide(&b->report, &b->out, &b->model, &decide);
    } else if (o->profile) {
        ofr_bench_profile profile;
        OFR_TRY(ofr_bench_measure_profile(&profile, &b->model, batch, tokens, o->repeat,
                                          err));
        ofr_bench_report_profile(&b->report, &b->out, &b->model, &profile);
    } else {
        OFR_TRY(measure_times(b, o, l, batch, tokens, err));
    }
    return print(b, o, err);
}

static ofr_status measure_model(bench *b, const options *o, const lists *l, int precision,
                                int threads, ofr_error *err)
{
    OFR_TRY(ofr_bench_model_set(&b->model, precision, threads, err));
    for (int i = 0; i < l->n_batch; i++)
        for (int j = 0; j < l->n_tokens; j++) {
            if (!o->lengths || o->decide || o->profile)
                OFR_TRY(ofr_bench_model_reads(&b->model, l->tokens[j], err));
            OFR_TRY(measure_one(b, o, l, l->batch[i], l->tokens[j], err));
        }
    return OFR_OK;
}

static ofr_status measure_cold(bench *b, const options *o, int precision, int threads,
                               int tokens, ofr_error *err)
{
    ofr_bench_cold cold;
    OFR_TRY(ofr_bench_measure_cold(&cold, &b->model, precision, threads, tokens,
                                   o->repeat, err));
    ofr_bench_report_cold(&b->report, &b->out, &b->model, &cold);
    return print(b, o, err);
}

static ofr_status measure_all(bench *b, const options *o, ofr_error *err)
{
    lists l;
    OFR_TRY(read_lists(&l, o, err));
    for (int t = 0; t < l.n_threads && o->peaks; t++) {
        ofr_bench_peaks peaks;
        OFR_TRY(ofr_bench_measure_peaks(&peaks, l.threads[t], err));
        ofr_bench_report_peaks(&b->report, &b->out, &peaks);
        OFR_TRY(print(b, o, err));
    }
    for (int p = 0; p < l.n_precision && !o->peaks; p++)
        for (int t = 0; t < l.n_threads; t++) {
            int precision = l.precision[p], threads = l.threads[t];
            if (!o->cold) OFR_TRY(measure_model(b, o, &l, precision, threads, err));
            for (int j = 0; o->cold && j < l.n_tokens; j++)
                OFR_TRY(measure_cold(b, o, precision, threads, l.tokens[j], err));
        }
    return OFR_OK;
}

static ofr_status check_options(const options *o, ofr_error *err)
{
    int instead = o->decide + o->profile + o->cold + o->peaks;
    if (!o->peaks && !o->model == !o->shape)
        return ofr_fail(err, OFR_INVALID, "needs one of --model DIR and --shape NAME");
    if (instead > 1)
        return ofr_fail(err, OFR_INVALID,
                        "one of --decide, --profile, --cold and --peaks at a time");
    if (!o->rule && !isnan(o->threshold))
        return ofr_fail(err, OFR_INVALID, "--threshold needs --rule NAME");
    if (o->common.json && o->markdown)
        return ofr_fail(err, OFR_INVALID, "one of --json and --md at a time");
    return OFR_OK;
}

/* ---- lines of settings ------------------------------------------------------ */

/* What is printed is settled once, for all lines. */
static bool may_change(const ofr_opt *row)
{
    return row->offset != AT(markdown) && row->offset != AT(samples) &&
           row->offset != AT(settings);
}

ofr_status ofr_bench_apply_line(void *values, ofr_buf *line, const char *where,
                                ofr_error *err)
{
    options *o = values;
    char *rest = line->p, *word;
    if (memchr(line->p, 0, line->n))
        return ofr_fail(err, OFR_INVALID, "%sholds a byte 0x00, expected KEY=VALUE",
                        where);
    while ((word = strtok_r(rest, " \t", &rest)) != NULL) {
        char *value = strchr(word, '=');
        const ofr_opt *row = value ? ofr_opt_find(rows, word, (size_t)(value - word))
                                   : NULL;
        if (!row || row->offset < AT(precision) || !may_change(row))
            return ofr_fail(err, OFR_INVALID,
                            "%s'%s', expected KEY=VALUE with an option of `offramp "
                            "bench` other than the model, the output and --settings",
                            where, word);
        OFR_TRY(ofr_opt_set(row, o, value + 1, where, err));
    }
    return OFR_OK;
}

static ofr_status measure_lines(bench *b, const options *base, ofr_error *err)
{
    ofr_lines lines;
    ofr_buf line;
    bool got;
    ofr_status status = ofr_lines_open(&lines, base->settings, err);
    if (status != OFR_OK) return status;
    ofr_buf_init(&line);
    for (;;) {
        char where[320];
        options o = *base;
        ofr_buf_clear(&line);
        if ((status = ofr_lines_next(&lines, &line, &got, err)) != OFR_OK || !got) break;
        if (line.n == 0) continue;
        snprintf(where, sizeof where, "%s:%lld: ", base->settings, lines.number);
        if ((status = ofr_bench_apply_line(&o, &line, where, err)) != OFR_OK) break;
        if ((status = check_options(&o, err)) != OFR_OK) break;
        b->lengths_path = NULL; /* it may have pointed into the line before */
        if ((status = measure_all(b, &o, err)) != OFR_OK) break;
    }
    ofr_buf_free(&line);
    ofr_lines_close(&lines);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    bench b = {.model = {.dir = o->model, .shape = o->shape, .seed = o->seed}};
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(check_options(o, err));
    b.report.style = o->common.json ? OFR_BENCH_JSON
                     : o->markdown  ? OFR_BENCH_MARKDOWN
                                    : OFR_BENCH_TEXT;
    b.report.samples = o->samples;
    ofr_buf_init(&b.out);
    status = o->settings ? measure_lines(&b, o, err) : measure_all(&b, o, err);
    ofr_bench_model_close(&b.model);
    ofr_mem_free(b.lengths);
    ofr_buf_free(&b.out);
    return status;
}

const ofr_cmd ofr_cmd_bench = {
    .name = "bench",
    .summary = "Measure time, rate and memory of a model on this machine",
    .usage = "--model DIR | --shape NAME  [--batch LIST] [--tokens LIST]",
    .example = "  offramp bench --shape base --batch 1,8 --tokens 16,128 --threads 1,2\n"
               "  offramp bench --model my-model --batch 32 --tokens 64 "
               "--exit-at 1,2,3,6,9,12",
    .notes =
        "Lists have commas; every combination is measured. A time is of one batch, or\n"
        "of --texts texts in batches. GFLOP/s count layers, poolers, classifiers and\n"
        "policies that a text used; % of peak is against multiply-adds in registers on\n"
        "the same threads, measured by this program. % of layers and % of time are\n"
        "against the first line of a setting, full depth; its lines were measured in\n"
        "turn. MiB is memory resident at most, model included. Texts are random.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
