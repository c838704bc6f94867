/* compare_result.c - the arrays of a run, to a file and back. */
#include "cli/compare_result.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "train/checkpoint.h"

static void layout(ofr_slots *slots, void *owner)
{
    ofr_compare_result *r = owner;
    const size_t n = (size_t)r->n, N = (size_t)r->n_texts, m = (size_t)r->n_pool;

    r->saved = ofr_slots_take(slots, n, sizeof(double));
    r->score = ofr_slots_take(slots, n, sizeof(double));
    r->random = ofr_slots_take(slots, n, sizeof(double));
    r->tune_saved = ofr_slots_take(slots, m, sizeof(double));
    r->tune_score = ofr_slots_take(slots, m, sizeof(double));
    r->pool_saved = ofr_slots_take(slots, m, sizeof(double));
    r->pool_score = ofr_slots_take(slots, m, sizeof(double));
    r->answers = ofr_slots_take(slots, (n + 1) * N, sizeof(float));
    r->labels = ofr_slots_take(slots, N, sizeof(float));
}

static ofr_status open_result(ofr_compare_result *r, int n, int n_texts, int n_pool,
                              ofr_error *err)
{
    *r = (ofr_compare_result){.n = n, .n_texts = n_texts, .n_pool = n_pool};
    return ofr_slots_open(&r->slots, layout, r, "results of a run", err);
}

void ofr_compare_result_close(ofr_compare_result *result)
{
    ofr_slots_close(&result->slots);
    *result = (ofr_compare_result){.n = 0};
}

static void take_figures(ofr_compare_result *r, const ofr_sweep_run *run)
{
    const ofr_sweep *s = &run->sweep;
    double *f = r->figures;

    f[OFR_RESULT_FULL] = s->report->score_full;
    f[OFR_RESULT_TUNE_FULL] = s->tune->score_full;
    f[OFR_RESULT_FIRST_SCORE] = s->oracles[0].report.score;
    f[OFR_RESULT_FIRST_SAVED] = s->oracles[0].report.saved_layers;
    f[OFR_RESULT_AGREE_SCORE] = s->oracles[1].report.score;
    f[OFR_RESULT_AGREE_SAVED] = s->oracles[1].report.saved_layers;
    f[OFR_RESULT_LAYERS] = s->L;
    f[OFR_RESULT_CLASSES] = s->K;
    f[OFR_RESULT_REGRESSION] = s->regression;
    f[OFR_RESULT_METRIC] = s->o.metric;
    for (int c = run->main_first; c < run->main_end; c++)
        for (int i = 0; i < s->curves[c].n; i++) {
            const ofr_sweep_point *point = &s->curves[c].points[i];

            if (!point->stored) continue;
            f[OFR_RESULT_SCORE] = point->report.score;
            f[OFR_RESULT_SAVED] = point->report.saved_layers;
            f[OFR_RESULT_MEAN_EXIT] = point->report.mean_exit;
            f[OFR_RESULT_RANDOM] = point->random_score;
        }
}

static void take_pool(ofr_compare_result *r, const ofr_sweep_run *run)
{
    const ofr_sweep *s = &run->sweep;
    int at = 0;

    for (int c = run->main_first; c < run->main_end; c++)
        for (int i = 0; i < s->curves[c].n; i++, at++) {
            const ofr_sweep_point *point = &s->curves[c].points[i];

            r->tune_saved[at] = point->tune.saved_layers;
            r->tune_score[at] = point->tune.score;
            r->pool_saved[at] = point->report.saved_layers;
            r->pool_score[at] = point->report.score;
        }
}

ofr_status ofr_compare_result_of(ofr_compare_result *result, ofr_sweep_run *run,
                                 ofr_error *err)
{
    ofr_sweep *s = &run->sweep;
    const ofr_sweep_line *line = &run->lines[run->main_line];
    const ofr_dataset *data = s->report->data;
    const size_t N = (size_t)data->n, n = (size_t)line->n;
    int n_pool = 0;

    for (int c = run->main_first; c < run->main_end; c++)
        n_pool += s->curves[c].n;
    OFR_TRY(open_result(result, line->n, data->n, n_pool, err));
    take_figures(result, run);
    take_pool(result, run);
    memcpy(result->saved, line->saved, n * sizeof(double));
    memcpy(result->score, line->score, n * sizeof(double));
    memcpy(result->random, line->random, n * sizeof(double));
    OFR_TRY(ofr_sweep_answers(s, &s->curves[run->main_first], (double)NAN,
                              result->answers, err));
    for (size_t i = 0; i < n; i++)
        OFR_TRY(ofr_sweep_answers(s, line->curves[i], line->points[i]->knob,
                                  result->answers + (i + 1) * N, err));
    for (size_t i = 0; i < N; i++)
        result->labels[i] = data->targets ? data->targets[i] : (float)data->labels[i];
    return OFR_OK;
}

#define N_ITEMS 10

static void list(ofr_checkpoint_item items[N_ITEMS], const ofr_compare_result *r)
{
    const size_t n = (size_t)r->n, N = (size_t)r->n_texts, m = (size_t)r->n_pool;
    int k = 0;

    items[k++] = ofr_checkpoint_item_of("figures", OFR_F64, OFR_RESULT_FIGURES,
                                        (void *)(size_t)(const void *)r->figures);
    items[k++] = ofr_checkpoint_item_of("saved", OFR_F64, n, r->saved);
    items[k++] = ofr_checkpoint_item_of("score", OFR_F64, n, r->score);
    items[k++] = ofr_checkpoint_item_of("random", OFR_F64, n, r->random);
    items[k++] = ofr_checkpoint_item_of("tune.saved", OFR_F64, m, r->tune_saved);
    items[k++] = ofr_checkpoint_item_of("tune.score", OFR_F64, m, r->tune_score);
    items[k++] = ofr_checkpoint_item_of("pool.saved", OFR_F64, m, r->pool_saved);
    items[k++] = ofr_checkpoint_item_of("pool.score", OFR_F64, m, r->pool_score);
    items[k++] = ofr_checkpoint_item_of("answers", OFR_F32, (n + 1) * N, r->answers);
    items[k++] = ofr_checkpoint_item_of("labels", OFR_F32, N, r->labels);
    OFR_ASSERT(k == N_ITEMS);
}

ofr_status ofr_compare_result_save(const ofr_compare_result *result, const char *path,
                                   ofr_error *err)
{
    ofr_checkpoint_item items[N_ITEMS];

    list(items, result);
    return ofr_checkpoint_save(path, items, N_ITEMS, err);
}

static size_t count(const ofr_checkpoint *file, const char *name)
{
    const ofr_tensor *tensor = ofr_safetensors_find(&file->file, name);

    return tensor ? ofr_tensor_count(tensor) : 0;
}

/* Sizes that the other arrays follow from, before room is made for them. */
static ofr_status check_counts(const ofr_checkpoint *file, ofr_error *err)
{
    const size_t n = count(file, "saved"), N = count(file, "labels");
    const size_t answers = count(file, "answers");

    if (N > 0 && N < INT_MAX && n < INT_MAX && count(file, "pool.saved") < INT_MAX &&
        answers == (n + 1) * N)
        return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: 'answers' has %zu numbers, %zu labels and %zu points need %zu; "
                    "the file is damaged, remove it to make the run again",
                    file->path, answers, N, n, (n + 1) * N);
}

/* Figures that are places in tables, and classes. */
static ofr_status check_values(const ofr_compare_result *r, const char *path,
                               ofr_error *err)
{
    const double *f = r->figures;
    const bool regression = f[OFR_RESULT_REGRESSION] != 0;
    const double K = f[OFR_RESULT_CLASSES];

    if (!(f[OFR_RESULT_METRIC] >= 0 && f[OFR_RESULT_METRIC] <= OFR_METRIC_SPEARMAN) ||
        !(f[OFR_RESULT_LAYERS] >= 1 && f[OFR_RESULT_LAYERS] <= 512) ||
        !(K >= 1 && K <= 65536))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: 'figures' says metric %g, %g layers and %g classes, "
                        "expected 0..%d, 1..512 and 1..65536; the file is damaged, "
                        "remove it to make the run again",
                        path, f[OFR_RESULT_METRIC], f[OFR_RESULT_LAYERS], K,
                        OFR_METRIC_SPEARMAN);
    for (size_t i = 0; i < ((size_t)r->n + 1) * (size_t)r->n_texts; i++) {
        const float label = r->labels[i % (size_t)r->n_texts], answer = r->answers[i];

        if (regression || (label >= 0 && label < K && answer >= 0 && answer < K))
            continue;
        return ofr_fail(err, OFR_FORMAT,
                        "%s: 'answers'[%zu] is class %g, its label %g, expected 0 to %g; "
                        "the file is damaged, remove it to make the run again",
                        path, i, (double)answer, (double)label, K - 1);
    }
    return OFR_OK;
}

ofr_status ofr_compare_result_load(ofr_compare_result *result, const char *path,
                                   ofr_error *err)
{
    ofr_checkpoint_item items[N_ITEMS];
    ofr_checkpoint file;
    ofr_status status;

    OFR_TRY(ofr_checkpoint_open(&file, path, err));
    status = check_counts(&file, err);
    if (!status)
        status = open_result(result, (int)count(&file, "saved"),
                             (int)count(&file, "labels"),
                             (int)count(&file, "pool.saved"), err);
    if (!status) {
        list(items, result);
        status = ofr_checkpoint_read(&file, items, N_ITEMS, err);
        if (!status) status = check_values(result, path, err);
        if (status) ofr_compare_result_close(result);
    }
    ofr_checkpoint_close(&file);
    return status;
}
