/* cmd_eval.c - `offramp eval`: how good, how deep, how fast. */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/eval_text.h"
#include "cli/load.h"
#include "data/dataset.h"
#include "eval/evaluate.h"
#include "report/record.h"

typedef struct options {
    ofr_cmd_common common;
    const char *model, *task, *data, *dev;
    const char *text, *pair, *label;
    bool no_header, skip_bad_rows;
    const char *rule, *predictions;
    double threshold;
    int batch, max_length, runs;
    uint64_t seed;
} options;

static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, offsetof(options, model), NULL, "DIR", NULL, 0, 0,
     "model directory", "Model and data"},
    {"task", 0, OFR_OPT_TEXT, offsetof(options, task), NULL, "NAME", NULL, 0, 0,
     "a known task (sst2, rte, mrpc, ...); the one it was trained on if absent", NULL},
    {"data", 'd', OFR_OPT_TEXT, offsetof(options, data), NULL, "DIR", NULL, 0, 0,
     "folder that holds the task's dev file", NULL},
    {"dev", 0, OFR_OPT_TEXT, offsetof(options, dev), NULL, "FILE", NULL, 0, 0,
     "the file itself: .tsv, .csv or .jsonl", NULL},
    {"text", 0, OFR_OPT_TEXT, offsetof(options, text), NULL, "COL", NULL, 0, 0,
     "column of the text, by name or number from 0, in a file of your own", NULL},
    {"text-pair", 0, OFR_OPT_TEXT, offsetof(options, pair), NULL, "COL", NULL, 0, 0,
     "column of the second text", NULL},
    {"label", 0, OFR_OPT_TEXT, offsetof(options, label), NULL, "COL", NULL, 0, 0,
     "column of the right answer", NULL},
    {"no-header", 0, OFR_OPT_FLAG, offsetof(options, no_header), NULL, NULL, NULL, 0, 0,
     "the first line of the file is data", NULL},
    {"skip-bad-rows", 0, OFR_OPT_FLAG, offsetof(options, skip_bad_rows), NULL, NULL, NULL,
     0, 0, "count bad rows instead of stopping at the first", NULL},
    {"max-length", 0, OFR_OPT_INT, offsetof(options, max_length), "0", "N", NULL, 0,
     1 << 24, "cut texts to N tokens; 0: as in training", NULL},
    {"rule", 0, OFR_OPT_TEXT, offsetof(options, rule), NULL, "NAME", NULL, 0, 0,
     "policy, never, entropy, confidence, patience or fixed; default: as stored",
     "Early exit"},
    {"threshold", 0, OFR_OPT_REAL, offsetof(options, threshold), NULL, "T", NULL, 0, 0,
     "of the rule; default: as stored, or the rule's own", NULL},
    {"batch", 'b', OFR_OPT_INT, offsetof(options, batch), "1", "N", NULL, 1, 4096,
     "texts per call", NULL},
    {"runs", 0, OFR_OPT_INT, offsetof(options, runs), "100", "N", NULL, 0, 100000,
     "timed runs of at least 32 texts; 0: no timing", NULL},
    {"seed", 's', OFR_OPT_U64, offsetof(options, seed), "1", "N", NULL, 0, 0,
     "of the random exits that the rule is compared with", NULL},
    {"predictions", 0, OFR_OPT_TEXT, offsetof(options, predictions), NULL, "FILE", NULL,
     0, 0, "write one TSV line per text: answer, exit layer, every pi and p", "Output"},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

/* The file, where its columns are, and how to score. */
typedef struct source {
    char path[OFR_PATH_MAX];
    ofr_columns columns;
    ofr_metric metric, metric2;
    const char *name; /* for reports */
} source;

static ofr_status source_of_task(source *s, const options *o, const ofr_task *task,
                                 ofr_error *err)
{
    s->columns.has_header = task->has_header;
    s->columns.text = task->text;
    s->columns.pair = task->pair;
    s->columns.label = task->label;
    s->columns.regression = task->regression;
    s->metric = task->metric;
    s->metric2 = task->metric2;
    s->name = task->name;
    if (o->dev) return ofr_file_join(s->path, "", o->dev, err);
    if (!o->data)
        return ofr_fail(err, OFR_INVALID, "needs --data DIR or --dev FILE; see --help");
    return ofr_task_file(task, o->data, "dev", s->path, err);
}

static ofr_status source_of_columns(source *s, const options *o, const ofr_config *config,
                                    ofr_error *err)
{
    OFR_TRY(ofr_cmd_need(o->text, "text", err));
    OFR_TRY(ofr_cmd_need(o->label, "label", err));
    s->columns.has_header = !o->no_header;
    s->columns.text = o->text;
    s->columns.pair = o->pair;
    s->columns.label = o->label;
    s->columns.regression = config->regression;
    s->metric = s->metric2 = config->regression ? OFR_METRIC_PEARSON
                                                : OFR_METRIC_ACCURACY;
    if (config->regression) s->metric2 = OFR_METRIC_SPEARMAN;
    if (!o->dev && !o->data)
        return ofr_fail(err, OFR_INVALID, "needs --dev FILE or --data DIR; see --help");
    OFR_TRY(ofr_file_join(s->path, o->dev ? "" : o->data, o->dev ? o->dev : "dev.tsv",
                          err));
    s->name = strrchr(s->path, '/') ? strrchr(s->path, '/') + 1 : s->path;
    return OFR_OK;
}

static ofr_status find_source(source *s, const options *o, const ofr_config *config,
                              ofr_error *err)
{
    const char *name = o->task;
    const ofr_task *task;
    memset(s, 0, sizeof *s);
    s->columns.skip_bad_rows = o->skip_bad_rows;
    if (!name && !o->text && !o->label && config->task[0]) name = config->task;
    if (!name && !o->text && !o->label)
        return ofr_fail(err, OFR_INVALID,
                        "needs --task NAME, or --text COL and --label COL; see --help");
    if (name && (o->text || o->label || o->pair))
        return ofr_fail(err, OFR_INVALID,
                        "--task knows its columns; leave out --text, --text-pair and "
                        "--label, or --task");
    if (!name) return source_of_columns(s, o, config, err);
    OFR_TRY(ofr_task_find(&task, name, err));
    if (task->regression != config->regression)
        return ofr_fail(err, OFR_INVALID,
                        "task %s is %s, but the model was trained for %s", task->name,
                        task->regression ? "regression" : "classification",
                        config->regression ? "regression" : "classification");
    return source_of_task(s, o, task, err);
}

/* Names under which the data may know the classes: those of the model, except
 * that LABEL_0, LABEL_1, ... of other tools' checkpoints mean 0, 1, ... */
static ofr_status class_names(const char ***out, const ofr_config *config, ofr_error *err)
{
    static const char prefix[] = "LABEL_";
    size_t n = sizeof prefix - 1, K = (size_t)config->K;
    const char **names = ofr_mem_array(K, sizeof *names);
    bool numbered = true;
    if (!names) return ofr_fail_nomem(err, K * sizeof *names, "class names");
    for (size_t k = 0; k < K; k++)
        numbered = numbered && strncmp(config->labels[k], prefix, n) == 0;
    for (size_t k = 0; k < K; k++)
        names[k] = config->labels[k] + (numbered ? n : 0);
    *out = names;
    return OFR_OK;
}

static ofr_status open_data(ofr_dataset *data, const source *s, const ofr_loaded *m,
                            ofr_error *err)
{
    const ofr_config *config = &m->encoder.config;
    const char **names = NULL;
    ofr_status status;
    OFR_TRY(class_names(&names, config, err));
    status = ofr_dataset_open(data, s->path, &s->columns, m->tok, m->max_tokens, names,
                              config->K, err);
    ofr_mem_free(names);
    if (status != OFR_OK) return status;
    if (data->n_truncated)
        ofr_log(OFR_LOG_INFO, "%d of %d texts are longer than %d tokens and were cut",
                data->n_truncated, data->n, m->max_tokens);
    if (data->n_bad_rows)
        ofr_log(OFR_LOG_INFO, "%d bad rows were left out", data->n_bad_rows);
    return OFR_OK;
}

static bool show_progress(void *user, int done, int total)
{
    ofr_term_progress(user, "eval", done, total, NULL);
    return true;
}

static ofr_status print_result(const options *o, const source *s, const ofr_eval *eval,
                               const ofr_dataset *data, const ofr_loaded *m,
                               ofr_error *err)
{
    char processor[128];
    ofr_record_about about = {
        .schema_version = OFR_SCHEMA_VERSION,
        .task = s->name,
        .model = o->model,
        .processor = processor,
        .kernels = m->dev->ops.name,
        .threads = m->dev->n_threads,
        .n_truncated = data->n_truncated,
        .n_bad_rows = data->n_bad_rows,
    };
    ofr_buf out;
    ofr_status status;
    ofr_cpu_name(processor);
    ofr_buf_init(&out);
    if (o->common.json)
        ofr_record_json(&out, eval, &about);
    else
        ofr_eval_text(&out, eval, &about);
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

static ofr_status evaluate(const options *o, const source *s, const ofr_loaded *m,
                           const ofr_dataset *data, ofr_error *err)
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
    how.progress = show_progress;
    how.user = o->common.term;
    OFR_TRY(ofr_eval_open(&eval, &m->encoder, m->dev, data, &how, err));
    ofr_term_progress_end(o->common.term);
    if (eval.mismatches)
        ofr_log(OFR_LOG_WARN,
                "warning: %d texts left elsewhere in a batch than alone; this is a fault "
                "of the program, please report it with `offramp doctor`",
                eval.mismatches);
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
        .rule = o->rule, .threshold = o->threshold, .max_tokens = o->max_length,
        .threads = o->common.threads, .tokenizer = true, .classifier = true,
    };
    ofr_loaded m;
    ofr_dataset data;
    source s;
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(ofr_cmd_need(o->model, "model", err));
    OFR_TRY(ofr_load_open(&m, o->model, &how, err));
    if ((status = find_source(&s, o, &m.encoder.config, err)) != OFR_OK) goto close_model;
    if ((status = open_data(&data, &s, &m, err)) != OFR_OK) goto close_model;
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
