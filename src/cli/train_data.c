/*
 * train_data.c - from the options of `train` to files, columns and texts.
 */
#include "cli/train_data.h"

#include <string.h>

#include "base/log.h"
#include "base/rng.h"

static ofr_status take_path(char out[OFR_PATH_MAX], const char *path, ofr_error *err)
{
    if (strlen(path) >= OFR_PATH_MAX)
        return ofr_fail(err, OFR_INVALID, "path too long: %.100s...", path);
    memcpy(out, path, strlen(path) + 1);
    return OFR_OK;
}

/* Texts are read again to go on, to compare and to measure. */
static ofr_status check_again(const char *path, const char *option, ofr_error *err)
{
    if (!path || strcmp(path, "-") != 0) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "--%s is standard input, which is read only once, and a run is "
                    "resumed with its texts; write them to a file",
                    option);
}

static ofr_status find_files(ofr_train_source *s, const ofr_train_values *o,
                             ofr_error *err)
{
    static const ofr_task own = {.name = "own", .folder = "", .dev_file = "dev.tsv"};
    const ofr_task *task = s->task ? s->task : &own;

    if (!o->train && !o->data)
        return ofr_fail(err, OFR_INVALID, "needs --data DIR or --train FILE; see --help");
    OFR_TRY(check_again(o->train, "train", err));
    OFR_TRY(check_again(o->dev, "dev", err));
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

ofr_status ofr_train_find(ofr_train_source *s, const ofr_train_values *o, ofr_error *err)
{
    const char *slash;

    s->columns.skip_bad_rows = o->skip_bad_rows;
    if (o->task) {
        if (o->text || o->pair || o->label || o->regression || o->no_header)
            return ofr_fail(err, OFR_INVALID,
                            "--task knows its columns; leave out --text, --text-pair, "
                            "--label, --regression and --no-header, or --task");
        OFR_TRY(ofr_task_find(&s->task, o->task, err));
        s->columns.has_header = s->task->has_header;
        s->columns.text = s->task->text;
        s->columns.pair = s->task->pair;
        s->columns.label = s->task->label;
        s->columns.regression = s->task->regression;
        s->columns.of_task = true;
        s->metric = s->task->metric;
        s->metric2 = s->task->metric2;
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
    s->metric2 = o->regression ? OFR_METRIC_SPEARMAN : OFR_METRIC_ACCURACY;
    OFR_TRY(find_files(s, o, err));
    s->title = s->has_dev ? s->dev : s->train;
    slash = strrchr(s->title, '/');
    if (slash) s->title = slash + 1;
    return OFR_OK;
}

/* On texts that were cut and rows that were left out. */
static void remark(const ofr_dataset *data, const char *path, int max_tokens)
{
    if (data->n_truncated)
        ofr_log(OFR_LOG_INFO, "%s: %d of %d texts are longer than %d tokens and were cut",
                path, data->n_truncated, data->n, max_tokens);
    if (data->n_bad_rows)
        ofr_log(OFR_LOG_INFO, "%s: %d bad rows were left out", path, data->n_bad_rows);
    if (data->n_unlabelled)
        ofr_log(OFR_LOG_INFO,
                "%s: %d rows with the label '-' were left out: it means none", path,
                data->n_unlabelled);
}

/* A sample that has nothing to do with the later split by the same seed. */
static ofr_status limit(ofr_dataset *train, int most, uint64_t seed, ofr_error *err)
{
    const uint64_t own =
        ofr_rng_u64(seed, ofr_rng_stream(OFR_RNG_SPLIT, 0, 1), (uint64_t)most);
    ofr_dataset dropped;

    if (most == 0 || most >= train->n) return OFR_OK;
    OFR_TRY(ofr_dataset_split(train, &dropped, (double)(train->n - most) / train->n, own,
                              err));
    ofr_dataset_close(&dropped);
    return OFR_OK;
}

ofr_status ofr_train_open_data(ofr_dataset *train, ofr_dataset *dev,
                               const ofr_train_source *source,
                               const ofr_train_values *values, const ofr_tok *tok,
                               int max_tokens, ofr_error *err)
{
    const ofr_train_source *s = source;
    const uint64_t seed = values->method.seed;
    ofr_status status;

    OFR_TRY(ofr_dataset_open(train, s->train, &s->columns, tok, max_tokens, NULL, 0,
                             err));
    remark(train, s->train, max_tokens);
    status = limit(train, values->limit_train, seed, err);
    if (!status && s->has_dev) {
        status = ofr_dataset_open(dev, s->dev, &s->columns, tok, max_tokens,
                                  train->label_names, train->K, err);
        if (!status) remark(dev, s->dev, max_tokens);
    } else if (!status) {
        status = ofr_dataset_split(train, dev, values->dev_split, seed, err);
    }
    if (status) ofr_dataset_close(train);
    return status;
}
