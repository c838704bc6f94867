/* html_summary.c - the object of `offramp eval --json`, checked key by key. */
#include "report/html_summary.h"

#include <math.h>
#include <string.h>

enum { MOST_LAYERS = 1024, MOST_CLASSES = 65536, MOST_TEXTS = 1 << 30 };

typedef struct reader {
    ofr_page *page;
    const json_t *json;
    const char *name;
} reader;

bool ofr_summary_init(ofr_summary *s, ofr_page *page, int L)
{
    double **const arrays[] = {&s->histogram, &s->exit_accuracy, &s->layer_accuracy,
                               &s->layer_score, &s->calibration};

    *s = (ofr_summary){.L = L};
    s->score = s->score_full = s->score2 = s->score2_full = s->accuracy =
        s->accuracy_full = s->mean_exit = s->saved = s->layer_speedup = s->flops =
            s->threshold = s->overthinking = s->error_limit = s->ms = s->ms_full =
                s->ms_p95 = s->ms_full_p95 = s->random_score = s->random_deviation =
                    s->fixed_layer = s->fixed_score = s->oracle_accuracy =
                        s->oracle_exit = NAN;
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
        double *x = ofr_page_alloc(page, (size_t)L, sizeof *x);

        if (!x) return false;
        for (int l = 0; l < L; l++)
            x[l] = NAN;
        *arrays[a] = x;
    }
    return true;
}

bool ofr_summary_counts(const ofr_summary *summary)
{
    return summary->metric && strcmp(summary->metric, "accuracy") == 0;
}

/* ---- keys ----------------------------------------------------------------------- */

static ofr_status need(const reader *r, const char *key, ofr_error *err)
{
    const json_t *value = json_object_get(r->json, key);

    if (value && !json_is_null(value)) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: no \"%s\"; give it an object that `offramp eval --json` printed",
                    r->name, key);
}

static ofr_status take_text(const reader *r, const char *key, const char **out,
                            ofr_error *err)
{
    const char *text = NULL;

    OFR_TRY(ofr_json_text(r->json, key, &text, r->name, err));
    if (text) *out = ofr_page_copy(r->page, text, strlen(text));
    return OFR_OK;
}

/* An array of L numbers or nulls, each at least 0. */
static ofr_status take_array(const reader *r, const char *key, double *x, int L,
                             ofr_error *err)
{
    const json_t *array = json_object_get(r->json, key);

    if (!array || json_is_null(array)) return OFR_OK;
    if (!json_is_array(array) || json_array_size(array) != (size_t)L)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" has %zu entries, \"n_layers\" is %d; the file is "
                        "damaged or not made by offramp",
                        r->name, key, json_array_size(array), L);
    for (int l = 0; l < L; l++) {
        const json_t *value = json_array_get(array, (size_t)l);
        const double number = json_number_value(value);

        if (json_is_null(value)) continue;
        if (!json_is_number(value))
            return ofr_fail(err, OFR_FORMAT, "%s: \"%s\"[%d] is no number", r->name, key,
                            l);
        x[l] = number;
    }
    return OFR_OK;
}

static ofr_status take_labels(ofr_summary *s, const reader *r, ofr_error *err)
{
    const json_t *array = json_object_get(r->json, "labels");
    const size_t n = json_array_size(array);

    if (!array || json_is_null(array)) return OFR_OK;
    if (n == 0 || n > MOST_CLASSES)
        return ofr_fail(err, OFR_FORMAT, "%s: \"labels\" has %zu names, expected 1..%d",
                        r->name, n, MOST_CLASSES);
    s->labels = ofr_page_alloc(r->page, n, sizeof *s->labels);
    if (!s->labels) return ofr_fail_nomem(err, n, "labels");
    for (size_t k = 0; k < n; k++) {
        const char *text = json_string_value(json_array_get(array, k));

        if (!text)
            return ofr_fail(err, OFR_FORMAT, "%s: \"labels\"[%zu] is no text", r->name,
                            k);
        s->labels[k] = ofr_page_copy(r->page, text, strlen(text));
    }
    s->K = (int)n;
    return r->page->failed ? ofr_fail_nomem(err, n, "labels") : OFR_OK;
}

static ofr_status take_numbers(ofr_summary *s, const reader *r, ofr_error *err)
{
    const struct {
        const char *key;
        double *out;
        double low, high;
    } rows[] = {
        {"score", &s->score, -1, 1},
        {"score_full", &s->score_full, -1, 1},
        {"score2", &s->score2, -1, 1},
        {"score2_full", &s->score2_full, -1, 1},
        {"accuracy", &s->accuracy, 0, 1},
        {"accuracy_full", &s->accuracy_full, 0, 1},
        {"mean_exit_layer", &s->mean_exit, 1, s->L},
        {"saved_layers", &s->saved, 0, 1},
        {"layer_speedup", &s->layer_speedup, 0, s->L},
        {"flops_ratio", &s->flops, 0, 100},
        {"threshold", &s->threshold, -1e300, 1e300},
        {"overthinking", &s->overthinking, 0, 1},
        {"error_limit", &s->error_limit, 0, 1e300},
        {"ms_per_text", &s->ms, 0, 1e300},
        {"ms_per_text_full", &s->ms_full, 0, 1e300},
        {"ms_per_text_p95", &s->ms_p95, 0, 1e300},
        {"ms_per_text_full_p95", &s->ms_full_p95, 0, 1e300},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        OFR_TRY(ofr_json_real(r->json, rows[i].key, rows[i].low, rows[i].high,
                              rows[i].out, r->name, err));
    return OFR_OK;
}

/* Numbers inside an object of the object. */
static ofr_status take_inner(const reader *r, const char *object, const char *key,
                             double *out, ofr_error *err)
{
    const json_t *inner = json_object_get(r->json, object);

    if (!inner || json_is_null(inner)) return OFR_OK;
    if (!json_is_object(inner))
        return ofr_fail(err, OFR_FORMAT, "%s: \"%s\" is no object", r->name, object);
    return ofr_json_real(inner, key, -1e300, 1e300, out, r->name, err);
}

static ofr_status take_comparisons(ofr_summary *s, const reader *r, ofr_error *err)
{
    OFR_TRY(take_inner(r, "random_floor", "score", &s->random_score, err));
    OFR_TRY(take_inner(r, "random_floor", "deviation", &s->random_deviation, err));
    OFR_TRY(take_inner(r, "fixed_exit", "layer", &s->fixed_layer, err));
    OFR_TRY(take_inner(r, "fixed_exit", "score", &s->fixed_score, err));
    OFR_TRY(take_inner(r, "oracle", "accuracy", &s->oracle_accuracy, err));
    return take_inner(r, "oracle", "mean_exit_layer", &s->oracle_exit, err);
}

static ofr_status take_arrays(ofr_summary *s, const reader *r, ofr_error *err)
{
    OFR_TRY(take_array(r, "exit_histogram", s->histogram, s->L, err));
    OFR_TRY(take_array(r, "exit_accuracy", s->exit_accuracy, s->L, err));
    OFR_TRY(take_array(r, "layer_accuracy", s->layer_accuracy, s->L, err));
    OFR_TRY(take_array(r, "layer_score", s->layer_score, s->L, err));
    return take_array(r, "layer_calibration_error", s->calibration, s->L, err);
}

ofr_status ofr_summary_read(ofr_summary *s, ofr_page *page, const json_t *json,
                            const char *name, ofr_error *err)
{
    static const char *const needed[] = {"metric",   "score",           "score_full",
                                         "n_layers", "mean_exit_layer", "exit_histogram",
                                         "n_texts"};
    const reader r = {page, json, name};
    int L = 0;

    if (!json_is_object(json))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: is no JSON object; give it what `offramp "
                        "eval --json` printed",
                        name);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        OFR_TRY(need(&r, needed[i], err));
    OFR_TRY(ofr_json_int(json, "n_layers", 1, MOST_LAYERS, &L, name, err));
    if (!ofr_summary_init(s, page, L)) return ofr_fail_nomem(err, 4096, "a report");
    OFR_TRY(ofr_json_int(json, "n_texts", 1, MOST_TEXTS, &s->n, name, err));
    OFR_TRY(take_text(&r, "task", &s->task, err));
    OFR_TRY(take_text(&r, "metric", &s->metric, err));
    OFR_TRY(take_text(&r, "metric2", &s->metric2, err));
    OFR_TRY(take_text(&r, "rule", &s->rule, err));
    OFR_TRY(take_numbers(s, &r, err));
    OFR_TRY(take_arrays(s, &r, err));
    OFR_TRY(take_comparisons(s, &r, err));
    return take_labels(s, &r, err);
}
