/* eval_data.c - from options to labelled texts, for a finished model. */
#include "cli/eval_data.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd.h"

static bool is_file(const char *path)
{
    return ofr_file_exists(path) && !ofr_file_is_dir(path);
}

static ofr_status source_of_task(ofr_eval_source *s, const ofr_eval_data *o,
                                 const ofr_task *task, ofr_error *err)
{
    s->columns.has_header = task->has_header;
    s->columns.text = task->text;
    s->columns.pair = task->pair;
    s->columns.label = o->unlabelled ? NULL : task->label;
    s->columns.regression = task->regression;
    s->columns.of_task = true;
    s->metric = task->metric;
    s->metric2 = task->metric2;
    s->name = task->name;
    if (o->dev) return ofr_file_join(s->path, "", o->dev, err);
    if (!o->data)
        return ofr_fail(err, OFR_INVALID, "needs --data DIR or --dev FILE; see --help");
    if (is_file(o->data)) return ofr_file_join(s->path, "", o->data, err);
    return ofr_task_file(task, o->data, "dev", s->path, err);
}

static ofr_status source_of_columns(ofr_eval_source *s, const ofr_eval_data *o,
                                    const ofr_config *config, ofr_error *err)
{
    OFR_TRY(ofr_cmd_need(o->text, "text", err));
    if (!o->unlabelled) OFR_TRY(ofr_cmd_need(o->label, "label", err));
    s->columns.has_header = !o->no_header;
    s->columns.text = o->text;
    s->columns.pair = o->pair;
    s->columns.label = o->unlabelled ? NULL : o->label;
    s->columns.regression = config->regression;
    s->metric = s->metric2 = config->regression ? OFR_METRIC_PEARSON
                                                : OFR_METRIC_ACCURACY;
    if (config->regression) s->metric2 = OFR_METRIC_SPEARMAN;
    if (!o->dev && !o->data)
        return ofr_fail(err, OFR_INVALID, "needs --dev FILE or --data DIR; see --help");
    if (o->dev || is_file(o->data))
        OFR_TRY(ofr_file_join(s->path, "", o->dev ? o->dev : o->data, err));
    else
        OFR_TRY(ofr_file_join(s->path, o->data, "dev.tsv", err));
    s->name = strrchr(s->path, '/') ? strrchr(s->path, '/') + 1
                                    : ofr_file_input_name(s->path);
    return OFR_OK;
}

ofr_status ofr_eval_data_find(ofr_eval_source *source, const ofr_eval_data *options,
                              const ofr_config *config, ofr_error *err)
{
    ofr_eval_source *s = source;
    const ofr_eval_data *o = options;
    const char *name = o->task;
    const ofr_task *task;
    memset(s, 0, sizeof *s);
    s->columns.skip_bad_rows = o->skip_bad_rows;
    if (o->dev && o->data) ofr_log(OFR_LOG_WARN, "--data has no effect beside --dev");
    if (!name && !o->text && !o->label && config->task[0]) name = config->task;
    if (!name && !o->text && !o->label)
        return ofr_fail(err, OFR_INVALID,
                        "needs --task NAME, or --text COL and --label COL; see --help");
    if (name && (o->text || o->label || o->pair || o->no_header))
        return ofr_fail(err, OFR_INVALID,
                        "task %s knows its columns; leave out --text, --text-pair, "
                        "--label and --no-header, or %s",
                        name, o->task ? "--task" : "give --text and --label");
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

ofr_status ofr_eval_data_open(ofr_dataset *data, const ofr_eval_source *source,
                              const ofr_loaded *model, ofr_error *err)
{
    const ofr_loaded *m = model;
    const ofr_config *config = &m->encoder.config;
    const char **names = NULL;
    ofr_status status;
    OFR_TRY(ofr_load_check_pair(m, source->columns.pair, err));
    OFR_TRY(class_names(&names, config, err));
    status = ofr_dataset_open(data, source->path, &source->columns, m->tok,
                              m->max_tokens, names, config->K, err);
    ofr_mem_free(names);
    if (status != OFR_OK) return status;
    if (data->n_truncated)
        ofr_log(OFR_LOG_INFO, "%d of %d texts are longer than %d tokens and were cut",
                data->n_truncated, data->n, m->max_tokens);
    if (data->n_bad_rows)
        ofr_log(OFR_LOG_INFO, "%d bad rows were left out", data->n_bad_rows);
    if (data->n_unlabelled)
        ofr_log(OFR_LOG_INFO, "%d rows with the label '-' were left out: it means none",
                data->n_unlabelled);
    return OFR_OK;
}
