/*
 * cmd_train.c - `offramp train`: from a checkpoint and data files to a model that
 * leaves early.
 */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/default_model.h"
#include "cli/load.h"
#include "cli/train_options.h"
#include "cli/train_save.h"
#include "eval/evaluate.h"
#include "report/jsonline.h"

/* A signal handler has no arguments: the one place for a variable of a file. */
static volatile sig_atomic_t stop_flag;

static void on_signal(int number)
{
    stop_flag = number;
    signal(number, SIG_DFL); /* the second one ends the program at once */
}

static void show(void *user, const char *label, long long done, long long total,
                 const char *note)
{
    ofr_term_progress(user, label, done, total, note);
}

static bool show_eval(void *user, int done, int total)
{
    ofr_term_progress(user, "eval", done, total, NULL);
    return !stop_flag;
}

/* ---- data ----------------------------------------------------------------- */

typedef struct source {
    const ofr_task *task; /* NULL: columns of one's own */
    ofr_columns columns;
    ofr_metric metric;
    const char *title;
    char train[OFR_PATH_MAX], dev[OFR_PATH_MAX];
    bool has_dev;
} source;

static ofr_status take_path(char out[OFR_PATH_MAX], const char *path, ofr_error *err)
{
    if (strlen(path) >= OFR_PATH_MAX)
        return ofr_fail(err, OFR_INVALID, "path too long: %.100s...", path);
    memcpy(out, path, strlen(path) + 1);
    return OFR_OK;
}

static ofr_status find_files(source *s, const ofr_train_values *o, ofr_error *err)
{
    static const ofr_task own = {.name = "own", .folder = "", .dev_file = "dev.tsv"};
    const ofr_task *task = s->task ? s->task : &own;

    if (!o->train && !o->data)
        return ofr_fail(err, OFR_INVALID, "needs --data DIR or --train FILE; see --help");
    if (o->train)
        OFR_TRY(take_path(s->train, o->train, err));
    else
        OFR_TRY(ofr_task_file(task, o->data, "train", s->train, err));
    s->has_dev = o->dev || o->dev_split == 0;
    if (o->dev) return take_path(s->dev, o->dev, err);
    if (!s->has_dev) return OFR_OK;
    if (!o->data)
        return ofr_fail(err, OFR_INVALID,
                        "needs --dev FILE, or --dev-split 0.1 to take a part of the "
                        "training texts");
    return ofr_task_file(task, o->data, "dev", s->dev, err);
}

static ofr_status find_source(source *s, const ofr_train_values *o, ofr_error *err)
{
    const char *slash;

    s->columns.skip_bad_rows = o->skip_bad_rows;
    if (o->task) {
        if (o->text || o->pair || o->label || o->regression)
            return ofr_fail(err, OFR_INVALID,
                            "--task knows its columns; leave out --text, --text-pair, "
                            "--label and --regression, or --task");
        OFR_TRY(ofr_task_find(&s->task, o->task, err));
        s->columns.has_header = s->task->has_header;
        s->columns.text = s->task->text;
        s->columns.pair = s->task->pair;
        s->columns.label = s->task->label;
        s->columns.regression = s->task->regression;
        s->metric = s->task->metric;
        s->title = s->task->name;
        return find_files(s, o, err);
    }
    if (!o->text || !o->label)
        return ofr_fail(err, OFR_INVALID,
                        "needs --task NAME, or --text COL and --label COL; see --help");
    s->columns.has_header = !o->no_header;
    s->columns.text = o->text;
    s->columns.pair = o->pair;
    s->columns.label = o->label;
    s->columns.regression = o->regression;
    s->metric = o->regression ? OFR_METRIC_PEARSON : OFR_METRIC_ACCURACY;
    OFR_TRY(find_files(s, o, err));
    slash = strrchr(s->train, '/');
    s->title = slash ? slash + 1 : s->train;
    return OFR_OK;
}

static void remark(const ofr_dataset *data, const char *path, int max_tokens)
{
    if (data->n_truncated)
        ofr_log(OFR_LOG_INFO, "%s: %d of %d texts are longer than %d tokens and were cut",
                path, data->n_truncated, data->n, max_tokens);
    if (data->n_bad_rows)
        ofr_log(OFR_LOG_INFO, "%s: %d bad rows were left out", path, data->n_bad_rows);
}

static ofr_status open_data(ofr_dataset *train, ofr_dataset *dev, const source *s,
                            const ofr_train_values *o, const ofr_loaded *m,
                            ofr_error *err)
{
    ofr_status status;

    OFR_TRY(ofr_dataset_open(train, s->train, &s->columns, m->tok, m->max_tokens, NULL, 0,
                             err));
    remark(train, s->train, m->max_tokens);
    if (s->has_dev) {
        status = ofr_dataset_open(dev, s->dev, &s->columns, m->tok, m->max_tokens,
                                  train->label_names, train->K, err);
        if (!status) remark(dev, s->dev, m->max_tokens);
    } else {
        status = ofr_dataset_split(train, dev, o->dev_split, o->method.seed, err);
    }
    if (status) ofr_dataset_close(train);
    return status;
}

/* ---- the model ------------------------------------------------------------- */

static ofr_status set_task(ofr_loaded *m, const ofr_train_values *o, const source *s,
                           const ofr_dataset *train, ofr_error *err)
{
    ofr_config *config = &m->encoder.config;
    json_t *own;

    OFR_TRY(ofr_encoder_set_task(&m->encoder, train->K, train->label_names,
                                 s->columns.regression, (ofr_pooler_kind)o->method.pooler,
                                 o->method.policy_hidden, o->method.seed, err));
    config->max_tokens = m->max_tokens;
    memset(config->task, 0, sizeof config->task);
    if (s->task) memcpy(config->task, s->task->name, strlen(s->task->name));
    own = json_object_get(config->json, "offramp");
    if (!own) {
        own = json_object();
        if (json_object_set_new(config->json, "offramp", own))
            return ofr_fail_nomem(err, 64, "config.json");
    }
    if (json_object_set_new(own, "pair", json_boolean(s->columns.pair != NULL)))
        return ofr_fail_nomem(err, 64, "config.json");
    return OFR_OK;
}

/* ---- results ---------------------------------------------------------------- */

static void print_sweep(ofr_buf *out, const ofr_method_result *result)
{
    if (result->n_sweep == 0) return;
    ofr_buf_adds(out, "\nalpha\tscore\tmean_exit_layer\tsaved_layers\treward\n");
    for (int i = 0; i < result->n_sweep; i++) {
        const ofr_sweep_row *row = &result->sweep[i];

        ofr_buf_addf(out, "%g\t%.4f\t%.3f\t%.4f\t%.4f%s\n", row->alpha, row->score,
                     row->mean_exit, row->saved_layers, row->reward,
                     i == result->chosen ? "\tsaved" : "");
    }
}

static void print_json(ofr_buf *out, const ofr_train_values *o, const source *s,
                       const ofr_eval *eval, const ofr_method_result *result)
{
    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "model", o->out);
    ofr_jsonline_text(out, "method", o->method_name);
    ofr_jsonline_text(out, "task", s->title);
    ofr_jsonline_text(out, "metric", ofr_metric_name(s->metric));
    ofr_jsonline_real(out, "score", eval->score);
    ofr_jsonline_real(out, "score_full", eval->score_full);
    ofr_jsonline_real(out, "mean_exit_layer", eval->mean_exit);
    ofr_jsonline_int(out, "n_layers", eval->L);
    ofr_jsonline_real(out, "saved_layers", eval->saved_layers);
    ofr_jsonline_ints(out, "exit_histogram", eval->histogram, eval->L);
    ofr_jsonline_reals(out, "layer_accuracy", eval->layer_accuracy, eval->L);
    ofr_jsonline_int(out, "steps", result->steps);
    ofr_jsonline_bool(out, "converged", result->converged);
    ofr_jsonline_end(out);
    for (int i = 0; i < result->n_sweep; i++) {
        const ofr_sweep_row *row = &result->sweep[i];

        ofr_jsonline_open(out, NULL);
        ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
        ofr_jsonline_real(out, "alpha", row->alpha);
        ofr_jsonline_real(out, "score", row->score);
        ofr_jsonline_real(out, "mean_exit_layer", row->mean_exit);
        ofr_jsonline_real(out, "saved_layers", row->saved_layers);
        ofr_jsonline_real(out, "reward", row->reward);
        ofr_jsonline_bool(out, "saved", i == result->chosen);
        ofr_jsonline_end(out);
    }
}

static ofr_status print(const ofr_train_values *o, const source *s, const ofr_eval *eval,
                        const ofr_method_result *result, ofr_error *err)
{
    ofr_buf out;
    ofr_status status;

    ofr_buf_init(&out);
    if (o->common.json) {
        print_json(&out, o, s, eval, result);
    } else {
        ofr_buf_addf(&out,
                     "%s\tdev %s %.4f (all layers %.4f), mean exit layer %.2f of %d, "
                     "saved layers %.1f %%\n",
                     o->out, ofr_metric_name(s->metric), eval->score, eval->score_full,
                     eval->mean_exit, eval->L, 100 * eval->saved_layers);
        print_sweep(&out, result);
    }
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

/* ---- the run ------------------------------------------------------------------ */

static ofr_status finish(const ofr_train_values *o, ofr_loaded *m, const source *s,
                         const ofr_method_data *data, const ofr_method_result *result,
                         ofr_error *err)
{
    const ofr_config *config = &m->encoder.config;
    const ofr_train_card card = {s->title, ofr_metric_name(s->metric), data->train->n,
                                 data->dev->n};
    ofr_eval_options how;
    ofr_eval eval;
    ofr_status status;

    ofr_eval_options_init(&how);
    OFR_TRY(ofr_load_rule(&how.rule, &how.threshold, config, NULL, (double)NAN, err));
    how.batch = 32;
    how.timed_runs = 0;
    how.metric = how.metric2 = s->metric;
    how.error_limit = o->method.error_limit;
    how.progress = show_eval;
    how.user = o->common.term;
    OFR_TRY(ofr_eval_open(&eval, &m->encoder, m->dev, data->dev, &how, err));
    ofr_term_progress_end(o->common.term);
    status = ofr_train_save(o, m, &eval, result, &card, err);
    if (!status) status = print(o, s, &eval, result, err);
    ofr_eval_close(&eval);
    return status;
}

static ofr_status train(ofr_train_values *o, const ofr_method *method,
                        ofr_loaded *m, const source *s, const ofr_method_data *data,
                        ofr_error *err)
{
    char command[OFR_PATH_MAX + 64];
    const ofr_method_job job = {
        .out = o->out,
        .resume = o->resume,
        .resume_command = command,
        .stop = &stop_flag,
        .progress = show,
        .user = o->common.term,
    };
    ofr_method_result result;
    ofr_status status;

    snprintf(command, sizeof command, "offramp train --resume --out '%s'", o->out);
    OFR_TRY(ofr_file_make_dirs(o->out, err));
    if (!o->resume) OFR_TRY(ofr_train_write_config(o, err));
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    status = ofr_method_train(method, &m->encoder, m->dev, data, &o->method, &job,
                              &result, err);
    ofr_term_progress_end(o->common.term);
    if (!status) status = finish(o, m, s, data, &result, err);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    o->common.signal_number = stop_flag;
    return status;
}

static ofr_status prepare(ofr_train_values *o, const ofr_method *method, ofr_error *err)
{
    const ofr_load_options how = {.threshold = NAN, .max_tokens = o->max_length,
                                  .threads = o->common.threads, .tokenizer = true};
    ofr_loaded m;
    ofr_dataset train_data, dev_data;
    source s = {0};
    ofr_status status;

    OFR_TRY(find_source(&s, o, err));
    OFR_TRY(ofr_load_open(&m, o->model, &how, err));
    status = open_data(&train_data, &dev_data, &s, o, &m, err);
    if (!status) {
        const ofr_method_data data = {&train_data, &dev_data, s.metric};

        status = set_task(&m, o, &s, &train_data, err);
        if (!status) status = train(o, method, &m, &s, &data, err);
        ofr_dataset_close(&train_data);
        ofr_dataset_close(&dev_data);
    }
    ofr_load_close(&m);
    return status;
}

/* Options from train.json (--resume) or --config, below those of the command line. */
static ofr_status read_files(ofr_train_values *o, const bool *is_set, json_t **json,
                             ofr_error *err)
{
    char path[OFR_PATH_MAX];
    const char *file = o->config;

    if (o->resume) {
        OFR_TRY(ofr_cmd_need(o->out, "out", err));
        OFR_TRY(ofr_file_join(path, o->out, "train.json", err));
        file = path;
    }
    if (!file) return OFR_OK;
    OFR_TRY(ofr_json_load(json, file, err));
    return ofr_train_read_config(o, is_set, *json, file, err);
}

static ofr_status check_out(const ofr_train_values *o, ofr_error *err)
{
    bool exists, complete;
    char *out, *model;
    bool same;

    if (ofr_file_exists(o->out) && !ofr_file_is_dir(o->out))
        return ofr_fail(err, OFR_INVALID, "%s: is a file, expected a directory to make",
                        o->out);
    out = realpath(o->out, NULL);
    model = realpath(o->model, NULL);
    same = out && model && strcmp(out, model) == 0;
    free(out);
    free(model);
    if (same)
        return ofr_fail(
            err, OFR_INVALID,
            "--out and --model are the same directory; the model to start from "
            "is never overwritten");
    if (o->resume || o->overwrite) return OFR_OK;
    OFR_TRY(ofr_trainer_peek(o->out, &exists, &complete, err));
    if (exists && !complete)
        return ofr_fail(err, OFR_INVALID,
                        "%s: holds an unfinished run; add --resume to continue it or "
                        "--overwrite to start again",
                        o->out);
    return OFR_OK;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    ofr_train_values *o = values;
    const ofr_method *method;
    char model[OFR_PATH_MAX];
    json_t *json = NULL;
    ofr_status status;

    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    status = read_files(o, is_set, &json, err);
    if (!status && !o->model && !(status = ofr_default_model(model, err)))
        o->model = model;
    if (!status) status = ofr_cmd_need(o->out, "out", err);
    if (!status) status = ofr_method_find(&method, o->method_name, err);
    if (!status) status = check_out(o, err);
    if (!status) status = prepare(o, method, err);
    json_decref(json);
    return status;
}

const ofr_cmd ofr_cmd_train = {
    .name = "train",
    .summary = "Train a model that leaves early, or fine-tune a plain one",
    .usage = "--model DIR --task NAME --data DIR --out DIR",
    .example =
        "  offramp train --model bert-base-uncased --task sst2 --data glue/SST-2 \\\n"
        "      --out sst2-early\n"
        "  offramp train --model my-model --train my.csv --dev-split 0.1 \\\n"
        "      --text review --label stars --out stars-early",
    .notes =
        "Phases of consistentee: joint (all exits learn); then memorize (how deep must "
        "each\n"
        "text go) and policy (where to leave), and up to --iterations times task (the "
        "exits\n"
        "learn what the policy asks of them), memorize, policy.  docs/METHODS.md "
        "explains.\n"
        "\n"
        "Ctrl-C saves a checkpoint; `offramp train --resume --out DIR` continues and "
        "gives\n"
        "the same bits as a run that was never interrupted.  Results are identical for "
        "the\n"
        "same seed, options, data and instruction set, whatever the number of threads.\n"
        "\n"
        "A config file is a JSON object: {\"alpha\": 0.05, \"joint-epochs\": 3}.",
    .options = ofr_train_rows,
    .options_bytes = sizeof(ofr_train_values),
    .run = run,
};
