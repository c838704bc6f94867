/* cmd_eval.c - `offramp eval`: how good, how deep, how fast. */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "cli/build_info.h"
#include "cli/calibration.h"
#include "cli/cmd.h"
#include "cli/command.h"
#include "cli/eval_data.h"
#include "cli/eval_text.h"
#include "cli/load.h"
#include "eval/evaluate.h"
#include "report/record.h"

typedef struct options {
    ofr_cmd_common common;
    const char *model;
    ofr_eval_data data;
    const char *rule, *predictions, *precision;
    double threshold;
    int batch, runs;
    uint64_t seed;
} options;

#define AT(member) offsetof(options, data.member)

static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, offsetof(options, model), NULL, "DIR", NULL, 0, 0,
     "model directory", "Model and data"},
    OFR_EVAL_DATA_ROWS(AT),
    {"rule", 0, OFR_OPT_TEXT, offsetof(options, rule), NULL, "NAME", NULL, 0, 0,
     "one of" OFR_RULE_LIST(OFR_RULE_NAME) "; default: as stored",
     "Early exit"},
    {"threshold", 0, OFR_OPT_REAL, offsetof(options, threshold), NULL, "T", NULL, 0, 0,
     "of the rule; default: as stored, or the rule's own", NULL},
    {"batch", 'b', OFR_OPT_INT, offsetof(options, batch), "1", "N", NULL, 1, 4096,
     "texts per call", NULL},
    {"runs", 0, OFR_OPT_INT, offsetof(options, runs), "100", "N", NULL, 0, 100000,
     "timed runs of at least 32 texts (after 30 s, 100 calls are enough); 0: no timing",
     NULL},
    OFR_PRECISION_ROW(options),
    {"seed", 's', OFR_OPT_U64, offsetof(options, seed), "1", "N", NULL, 0, 0,
     "of the random exits that the rule is compared with", NULL},
    {"predictions", 0, OFR_OPT_TEXT, offsetof(options, predictions), NULL, "FILE", NULL,
     0, 0, "write one TSV line per text: answer, exit layer, every pi and p", "Output"},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

static bool show_progress(void *user, int done, int total)
{
    ofr_term_progress(user, "eval", done, total, NULL);
    return true;
}

static ofr_status print_result(const options *o, const ofr_eval_source *s,
                               const ofr_eval *eval, const ofr_dataset *data,
                               const ofr_loaded *m, ofr_error *err)
{
    static const char *const without[] = {"json", "quiet", "no-color", NULL};
    char processor[128], digest[OFR_SHA256_HEX];
    /* Standard input and pipes have no digest. */
    const bool hashed = strcmp(s->path, "-") != 0 &&
                        !ofr_sha256_file(digest, s->path, NULL);
    ofr_record_about about = {
        .schema_version = OFR_SCHEMA_VERSION,
        .task = s->name,
        .model = o->model,
        .processor = processor,
        .kernels = m->dev->ops.name,
        .threads = m->dev->n_threads,
        .n_truncated = data->n_truncated,
        .n_bad_rows = data->n_bad_rows,
        .n_unlabelled = data->n_unlabelled,
        .commit = ofr_build_commit,
        .data = s->path,
        .data_sha256 = hashed ? digest : NULL,
        .seed = o->seed,
        .labels = m->encoder.config.labels,
    };
    ofr_buf out, command;
    ofr_status status;
    ofr_cpu_name(processor);
    ofr_buf_init(&out);
    ofr_buf_init(&command);
    ofr_buf_adds(&command, "offramp eval");
    ofr_command_options(&command, rows, o, without);
    about.command = command.p;
    if (o->common.json)
        ofr_record_json(&out, eval, &about);
    else
        ofr_eval_text(&out, eval, &about);
    status = command.failed ? ofr_fail_nomem(err, command.n, "a record")
                            : ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    ofr_buf_free(&command);
    return status;
}

static ofr_status evaluate(const options *o, const ofr_eval_source *s,
                           const ofr_loaded *m, const ofr_dataset *data, ofr_error *err)
{
    ofr_eval_options how;
    ofr_eval eval;
    ofr_status status = OFR_OK;
    ofr_eval_options_init(&how);
    how.rule = m->rule;
    how.threshold = m->threshold;
    how.batch = o->batch;
    how.timed_runs = o->runs;
    how.metric = s->metric;
    how.metric2 = s->metric2 == OFR_METRIC_F1 && m->encoder.config.K != 2 ? s->metric
                                                                          : s->metric2;
    how.seed = o->seed;
    how.error_limit = m->encoder.config.error_limit;
    how.progress = show_progress;
    how.user = o->common.term;
    OFR_TRY(ofr_eval_open(&eval, &m->encoder, m->dev, data, &how, err));
    ofr_term_progress_end(o->common.term);
    if (eval.mismatches)
        ofr_log(OFR_LOG_WARN,
                "warning: %d texts left elsewhere in a batch than alone; %s",
                eval.mismatches,
                strcmp(m->dev->ops.name, "blas") == 0
                    ? "a BLAS rounds by the shape of a batch (docs/DETERMINISM.md)"
                    : "this is a fault of the program, please report it with `offramp "
                      "doctor`");
    if (o->predictions)
        status = ofr_record_predictions(o->predictions, &eval, m->encoder.config.labels,
                                        err);
    if (status == OFR_OK) status = print_result(o, s, &eval, data, m, err);
    ofr_eval_close(&eval);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_load_options how = {
        .rule = o->rule, .threshold = o->threshold, .max_tokens = o->data.max_length,
        .threads = o->common.threads, .tokenizer = true, .classifier = true,
        .precision = o->precision,
    };
    ofr_loaded m;
    ofr_dataset data;
    ofr_eval_source s;
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(ofr_cmd_need(o->model, "model", err));
    OFR_TRY(ofr_load_open(&m, o->model, &how, err));
    ofr_calibration_remark(&m);
    status = ofr_eval_data_find(&s, &o->data, &m.encoder.config, err);
    if (!status && o->predictions) {
        const ofr_cmd_input texts = {"the data", s.path};
        status = ofr_cmd_output("--predictions", o->predictions, &texts, 1, o->model,
                                err);
    }
    if (status != OFR_OK) goto close_model;
    if ((status = ofr_eval_data_open(&data, &s, &m, err)) != OFR_OK) goto close_model;
    status = evaluate(o, &s, &m, &data, err);
    ofr_dataset_close(&data);
close_model:
    ofr_load_close(&m);
    return status;
}

const ofr_cmd ofr_cmd_eval = {
    .name = "eval",
    .summary = "Measure a model: quality, exit layers and time against the full model",
    .usage = "--model DIR --task NAME --data DIR | --dev FILE --text COL --label COL",
    .example =
        "  offramp eval --model my-model --task sst2 --data glue\n"
        "  offramp eval --model my-model --dev mine.csv --text review --label stars "
        "--json",
    .notes =
        "The early-exit runner and the full model take the same batches in turn, in\n"
        "the same process.  ms per text is the median over runs of at least 32 texts;\n"
        "p95 is over single calls.  Scores, exits and histogram do not depend on the\n"
        "batch, the threads or the seed; times do.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
