/* history.c - reads the evaluations of a journal and skips its steps. */
#include "eval/history.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "io/json.h"
#include "io/text_stream.h"

#define TEXTS_MOST 1e9 /* of a dev set */

typedef struct reader {
    ofr_history *history;
    size_t room;      /* points allocated */
    const char *name; /* "FILE:LINE" of the present line */
} reader;

static double number(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const reader *r, const json_t *line, const char *key)
{
    const char *found = json_string_value(json_object_get(line, key));

    if (!found) return "";
    return ofr_arena_strdup(&r->history->arena, found, strlen(found));
}

/* The array `key` as reals[L] in the arena; *out NULL when it is absent. */
static ofr_status reals(const reader *r, double **out, const json_t *line,
                        const char *key, ofr_error *err)
{
    const json_t *array = json_object_get(line, key);
    const size_t n = json_array_size(array);

    *out = NULL;
    if (n == 0) return OFR_OK;
    if (r->history->L == 0) r->history->L = (int)n;
    if (n != (size_t)r->history->L)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" has %zu layers, the lines before have %d", r->name,
                        key, n, r->history->L);
    *out = ofr_arena_alloc(&r->history->arena, n * sizeof **out);
    if (!*out) return ofr_fail_nomem(err, n * sizeof **out, "a run's history");
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, i);

        (*out)[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return OFR_OK;
}

static ofr_status add_histogram(const reader *r, ofr_history_point *point,
                                const json_t *line, ofr_error *err)
{
    double *found, n = 0;

    OFR_TRY(reals(r, &found, line, "exit_histogram", err));
    if (!found) return OFR_OK;
    point->histogram =
        ofr_arena_alloc(&r->history->arena, (size_t)r->history->L * sizeof(int));
    if (!point->histogram) return ofr_fail_nomem(err, sizeof(int), "a run's history");
    for (int l = 0; l < r->history->L; l++) {
        if (!(found[l] >= 0 && found[l] <= TEXTS_MOST))
            return ofr_fail(err, OFR_FORMAT, "%s: \"exit_histogram\" holds %g texts",
                            r->name, found[l]);
        point->histogram[l] = (int)found[l];
        n += found[l];
        if (n > TEXTS_MOST)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"exit_histogram\" holds %g texts, expected at most %g; "
                            "the journal is damaged",
                            r->name, n, TEXTS_MOST);
        point->n = (int)n;
    }
    return OFR_OK;
}

static ofr_status make_room(reader *r, ofr_error *err)
{
    ofr_history *history = r->history;
    const size_t n = (size_t)history->n, room = n ? 2 * n : 32;
    ofr_history_point *more;

    if (n < r->room) return OFR_OK;
    more = ofr_mem_array(room, sizeof *more);
    if (!more) return ofr_fail_nomem(err, room * sizeof *more, "a run's history");
    if (n) memcpy(more, history->points, n * sizeof *more);
    ofr_mem_free(history->points);
    history->points = more;
    r->room = room;
    return OFR_OK;
}

static ofr_status add_point(reader *r, const json_t *line, bool iteration_end,
                            ofr_error *err)
{
    ofr_history *history = r->history;
    ofr_history_point point = {.iteration_end = iteration_end};

    OFR_TRY(make_room(r, err));
    OFR_TRY(ofr_json_int(line, "iteration", 0, 1 << 30, &point.iteration, r->name, err));
    OFR_TRY(ofr_json_int(line, "epoch", 0, 1 << 30, &point.epoch, r->name, err));
    point.step = (long long)json_integer_value(json_object_get(line, "step"));
    point.score_full = number(line, "score_full");
    point.score = number(line, "score");
    if (isnan(point.score)) point.score = point.score_full;
    point.mean_exit = number(line, "mean_exit_layer");
    point.entropy = number(line, "policy_entropy");
    point.reward = number(line, "reward");
    point.changed = number(line, "changed_exits");
    OFR_TRY(reals(r, &point.accuracy, line, "layer_accuracy", err));
    OFR_TRY(add_histogram(r, &point, line, err));
    point.phase = text(r, line, "phase");
    if (!history->metric || !history->metric[0])
        history->metric = text(r, line, "metric");
    if (!point.phase || !history->metric)
        return ofr_fail_nomem(err, sizeof point, "a run's history");
    history->points[history->n++] = point;
    return OFR_OK;
}

static ofr_status add_line(reader *r, const ofr_buf *line, ofr_error *err)
{
    static const char step[] = "{\"event\":\"step\"";
    const char *event;
    json_t *json;
    bool iteration_end;
    ofr_status status = OFR_OK;

    /* Steps are most of a journal and none of its points. */
    if (line->n == 0 || strncmp(line->p, step, sizeof step - 1) == 0) return OFR_OK;
    OFR_TRY(ofr_json_parse_line(&json, line->p, line->n, r->name, err));
    event = json_string_value(json_object_get(json, "event"));
    iteration_end = event && strcmp(event, "iteration") == 0;
    if (iteration_end || (event && strcmp(event, "evaluation") == 0))
        status = add_point(r, json, iteration_end, err);
    json_decref(json);
    return status;
}

ofr_status ofr_history_open(ofr_history *history, const char *journal_path,
                            ofr_error *err)
{
    ofr_history fresh = {.metric = ""};
    char name[OFR_PATH_MAX + 32];
    reader r = {.history = &fresh, .name = name};
    ofr_text_stream *stream;
    ofr_buf line;
    bool got = true;
    ofr_status status = ofr_text_stream_open_file(&stream, journal_path, err);

    if (status) return status;
    ofr_arena_init(&fresh.arena);
    ofr_buf_init(&line);
    while (!status && got) {
        ofr_buf_clear(&line);
        status = ofr_text_stream_next(stream, &line, &got, err);
        if (status || !got) break;
        snprintf(name, sizeof name, "%.4000s:%lld", journal_path,
                 ofr_text_stream_lines(stream));
        status = add_line(&r, &line, err);
    }
    ofr_buf_free(&line);
    ofr_text_stream_close(stream);
    if (status)
        ofr_history_close(&fresh);
    else
        *history = fresh;
    return status;
}

void ofr_history_close(ofr_history *history)
{
    if (!history) return;
    ofr_mem_free(history->points);
    ofr_arena_free(&history->arena);
    *history = (ofr_history){0};
}
