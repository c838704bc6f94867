/*
 * cmd_train.c - `offramp train`: from a checkpoint and data files to a model that
 * leaves early.
 */
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/command.h"
#include "cli/default_model.h"
#include "cli/out_folder.h"
#include "cli/stop.h"
#include "cli/train_run.h"
#include "eval/verdict.h"
#include "report/jsonline.h"

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

static void print_json(ofr_buf *out, const ofr_train_report *report,
                       const ofr_run_verdict *verdict)
{
    const ofr_method_result *result = report->result;
    const ofr_eval *eval = report->eval;

    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "model", report->values->out);
    ofr_jsonline_text(out, "method", report->values->method_name);
    ofr_jsonline_text(out, "task", report->source->title);
    ofr_jsonline_text(out, "metric",
                      ofr_metric_name(report->source->metric));
    ofr_jsonline_real(out, "score", eval->score);
    ofr_jsonline_real(out, "score_full", eval->score_full);
    ofr_jsonline_real(out, "mean_exit_layer", eval->mean_exit);
    ofr_jsonline_int(out, "n_layers", eval->L);
    ofr_jsonline_real(out, "saved_layers", eval->saved_layers);
    ofr_jsonline_ints(out, "exit_histogram", eval->histogram, eval->L);
    ofr_jsonline_reals(out, "layer_accuracy", eval->layer_accuracy, eval->L);
    ofr_jsonline_int(out, "steps", result->steps);
    ofr_jsonline_bool(out, "converged", result->converged);
    ofr_jsonline_text(out, "verdict", ofr_verdict_name(verdict->run.kind));
    ofr_jsonline_text(out, "verdict_why", verdict->run.why);
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

static ofr_status print(void *user, const ofr_train_report *report, ofr_error *err)
{
    const ofr_eval *eval = report->eval;
    ofr_run_verdict verdict;
    char journal[OFR_PATH_MAX];
    ofr_buf out;
    ofr_status status;

    (void)user;
    OFR_TRY(ofr_file_join(journal, report->values->out, "journal.jsonl", err));
    OFR_TRY(ofr_verdict_of_journal(&verdict, journal, err));
    ofr_log(OFR_LOG_INFO, "convergence: %s; %s", ofr_verdict_name(verdict.run.kind),
            verdict.run.why);
    ofr_buf_init(&out);
    if (report->values->common.json) {
        print_json(&out, report, &verdict);
    } else {
        ofr_buf_addf(&out,
                     "%s\tdev %s %.4f (all layers %.4f), mean exit layer %.2f of %d, "
                     "saved layers %.1f %%\n",
                     report->values->out, ofr_metric_name(report->source->metric),
                     eval->score, eval->score_full, eval->mean_exit, eval->L,
                     100 * eval->saved_layers);
        print_sweep(&out, report->result);
    }
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

/* ---- the run ------------------------------------------------------------------ */

/* Where things are may change between two calls of a run; what is in them may not. */
static bool is_place(const char *name)
{
    static const char *const places[] = {"model", "out", "data", "train", "dev",
                                         "tensorboard"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(name, places[i]) == 0) return true;
    return false;
}

/* A run goes on with the options it began with, which are in `json`. */
static ofr_status check_same(const ofr_train_values *o, const bool *given, json_t *json,
                             ofr_error *err)
{
    const bool none[OFR_TRAIN_ROWS_MAX] = {false};
    ofr_train_values began;
    ofr_status status;
    ofr_buf then, now;

    ofr_opt_defaults(ofr_train_rows, &began);
    OFR_TRY(ofr_train_read_config(&began, none, json, "train.json", err));
    ofr_buf_init(&then);
    ofr_buf_init(&now);
    status = OFR_OK;
    for (const ofr_opt *row = ofr_train_rows; row->name && !status; row++) {
        if (!given[row - ofr_train_rows] || is_place(row->name) ||
            !json_object_get(json, row->name))
            continue;
        ofr_buf_clear(&then);
        ofr_buf_clear(&now);
        ofr_opt_format(row, &began, &then);
        ofr_opt_format(row, o, &now);
        if (then.failed || now.failed) {
            status = ofr_fail_nomem(err, then.n + now.n, "options");
        } else if (then.n != now.n || memcmp(then.p, now.p, now.n) != 0) {
            status = ofr_fail(err, OFR_INVALID,
                              "the run in %s has --%s %s, now it is %s%s%s; leave the "
                              "option out, or start again with --overwrite",
                              o->out, row->name, then.p, now.p,
                              o->config ? ", here or in " : "",
                              o->config ? o->config : "");
        }
    }
    ofr_buf_free(&then);
    ofr_buf_free(&now);
    return status;
}

/* Options of --config, below those of the command line; given[] has those of both. */
static ofr_status read_config(ofr_train_values *o, bool *given, json_t **json,
                              ofr_error *err)
{
    const char *key;
    json_t *value;

    if (!o->config) return OFR_OK;
    OFR_TRY(ofr_json_load_input(json, o->config, err));
    OFR_TRY(ofr_train_read_config(o, given, *json, ofr_file_input_name(o->config), err));
    json_object_foreach(*json, key, value)
        if (!json_is_null(value))
            given[ofr_opt_find(ofr_train_rows, key, strlen(key)) - ofr_train_rows] = true;
    return OFR_OK;
}

/* The run that --resume goes on with: its options, below those that are given, which
 * must be the same. */
static ofr_status read_run(ofr_train_values *o, const bool *given, json_t **json,
                           ofr_error *err)
{
    char path[OFR_PATH_MAX];

    if (!o->resume) return OFR_OK;
    if (o->overwrite)
        return ofr_fail(err, OFR_INVALID,
                        "--resume goes on with a run and --overwrite starts it again; "
                        "give one of them");
    OFR_TRY(ofr_cmd_need(o->out, "out", err));
    OFR_TRY(ofr_file_join(path, o->out, "train.json", err));
    if (!ofr_file_exists(path))
        return ofr_fail(err, OFR_NOT_FOUND,
                        "%s: holds no run to go on with; leave --resume out, or name "
                        "another folder",
                        o->out);
    OFR_TRY(ofr_json_load(json, path, err));
    OFR_TRY(ofr_train_read_config(o, given, *json, path, err));
    return check_same(o, given, *json, err);
}

/* The folder of --tensorboard, before anything else is made. */
static ofr_status check_events(const ofr_train_values *o, ofr_error *err)
{
    if (!o->tensorboard || !ofr_file_exists(o->tensorboard) ||
        ofr_file_is_dir(o->tensorboard))
        return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "--tensorboard %s is a file, expected a directory to make",
                    o->tensorboard);
}

static ofr_status check_out(const ofr_train_values *o, ofr_error *err)
{
    if (ofr_file_exists(o->out) && !ofr_file_is_dir(o->out))
        return ofr_fail(err, OFR_INVALID, "%s: is a file, expected a directory to make",
                        o->out);
    if (ofr_file_same(o->out, o->model))
        return ofr_fail(
            err, OFR_INVALID,
            "--out and --model are the same directory; the model to start from "
            "is never overwritten");
    return o->resume || o->overwrite ? OFR_OK : ofr_out_folder_check(o->out, err);
}

/* Options about texts that others displace. */
static void remark_data(const ofr_train_values *o)
{
    if (o->dev && o->dev_split > 0)
        ofr_log(OFR_LOG_WARN, "--dev-split has no effect beside --dev");
    if (o->data && o->train && (o->dev || o->dev_split > 0))
        ofr_log(OFR_LOG_WARN, "--data has no effect beside --train and --dev%s",
                o->dev ? "" : "-split");
}

/* Options of the command line, is_set[], and of --config, both in given[], that the
 * method does not look at, and those that others make useless.  A config file may be a
 * train.json, which has every option: what is as it would be without is nobody's wish. */
static void remark_options(const ofr_train_values *o, const ofr_method *method,
                           const bool *is_set, const bool *given)
{
    if (ofr_method_reads(method, "max-loss") && o->method.max_loss >= 0 &&
        !o->method.alphas)
        ofr_log(OFR_LOG_WARN, "--max-loss has no effect without --alphas");
    if (ofr_method_reads(method, "gradient") &&
        o->method.gradient == OFR_GRADIENT_REINFORCE && o->method.rollouts == 1)
        ofr_log(OFR_LOG_WARN,
                "--gradient reinforce --rollouts 1: the baseline is the reward of that "
                "one exit itself, and the policies learn nothing; give 2 or more");
    for (const ofr_opt *row = ofr_train_rows; row->name; row++) {
        const size_t i = (size_t)(row - ofr_train_rows);

        if (given[i] && (is_set[i] || !ofr_command_is_default(row, o)) &&
            !ofr_method_reads(method, row->name))
            ofr_log(OFR_LOG_WARN, "--%s has no effect with --method %s", row->name,
                    method->name);
    }
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const size_t n_rows = (size_t)ofr_opt_count(ofr_train_rows);
    ofr_train_values *o = values;
    const ofr_method *method;
    char model[OFR_PATH_MAX];
    bool given[OFR_TRAIN_ROWS_MAX];
    json_t *config = NULL, *began = NULL; /* texts of the options point into them */
    ofr_status status;

    OFR_ASSERT(n_rows <= OFR_TRAIN_ROWS_MAX);
    memcpy(given, is_set, n_rows * sizeof *given);
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    status = read_config(o, given, &config, err);
    if (!status) status = read_run(o, given, &began, err);
    if (!status && !o->model && !(status = ofr_default_model(model, err)))
        o->model = model;
    if (!status) status = ofr_cmd_need(o->out, "out", err);
    if (!status) status = ofr_method_find(&method, o->method_name, err);
    if (!status) status = check_out(o, err);
    if (!status) status = check_events(o, err);
    if (!status && !o->resume) remark_data(o);
    if (!status) remark_options(o, method, is_set, given);
    if (!status) {
        ofr_stop_begin();
        status = ofr_train_run(o, method, print, NULL, err);
        ofr_stop_end();
        o->common.signal_number = *ofr_stop_flag();
        if (status == OFR_NOT_FOUND && o->resume)
            ofr_fail(err, status,
                     "%s (relative paths of train.json count from where the run was "
                     "started)",
                     err->text);
    }
    json_decref(began);
    json_decref(config);
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
        "Methods other than consistentee train by --joint-epochs (deebert and fastbert: "
        "and\n"
        "then --exit-epochs); an option that a method does not look at is remarked on.\n"
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
        "`mpirun -np N offramp train ...` shares each batch among N processes, also of\n"
        "several machines, if the program was built with MPI: docs/DISTRIBUTED.md.\n"
        "\n"
        "A config file is a JSON object: {\"alpha\": 0.05, \"joint-epochs\": 3}.",
    .can_share = true,
    .options = ofr_train_rows,
    .options_bytes = sizeof(ofr_train_values),
    .run = run,
};
