/* html_answers.c - reads predictions.tsv and derives what every layer said. */
#include "report/html_answers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "eval/metrics.h"

enum { FIRST = 4 }; /* columns in front: id, label, prediction, exit_layer */

typedef struct reader {
    ofr_answers *a;
    ofr_page *page;
    const char *path;
    ofr_map names; /* class of a name as it stands in the file */
    int K_names;
} reader;

/* ---- header --------------------------------------------------------------------- */

static ofr_status bad_header(const reader *r, ofr_error *err)
{
    return ofr_fail(
        err, OFR_FORMAT,
        "%s:1: is no file of `offramp eval --predictions`: expected the columns "
        "id, label, prediction, exit_layer, pi_1, ..., p_1_0, ...; give one",
        r->path);
}

/* L and K from the columns: L-1 of pi, then L times K of p. */
static ofr_status read_header(reader *r, ofr_error *err)
{
    static const char *const first[FIRST] = {"id", "label", "prediction", "exit_layer"};
    const ofr_table *t = &r->a->table;
    char name[40];
    int policies = 0, rest;

    if (!t->header || t->n_columns < FIRST + 1) return bad_header(r, err);
    for (int i = 0; i < FIRST; i++)
        if (!ofr_str_eq_c(t->header[i], first[i])) return bad_header(r, err);
    while (FIRST + policies < t->n_columns) {
        snprintf(name, sizeof name, "pi_%d", policies + 1);
        if (!ofr_str_eq_c(t->header[FIRST + policies], name)) break;
        policies++;
    }
    rest = t->n_columns - FIRST - policies;
    r->a->L = policies + 1;
    if (rest <= 0 || rest % r->a->L) return bad_header(r, err);
    r->a->K = rest / r->a->L;
    for (int i = 0; i < rest; i++) {
        snprintf(name, sizeof name, "p_%d_%d", i / r->a->K + 1, i % r->a->K);
        if (!ofr_str_eq_c(t->header[FIRST + policies + i], name))
            return bad_header(r, err);
    }
    r->a->regression = r->a->K == 1;
    r->a->n = t->n_rows;
    if (t->n_rows == 0)
        return ofr_fail(err, OFR_FORMAT, "%s: has a header and no texts", r->path);
    r->a->has_exits = r->a->L == 1 || ofr_table_cell(t, 0, FIRST + policies).n > 0;
    return OFR_OK;
}

static ofr_status allocate(const reader *r, ofr_error *err)
{
    ofr_answers *a = r->a;
    const size_t n = (size_t)a->n, cells = n * (size_t)a->L;

    a->label = ofr_page_alloc(r->page, n, sizeof *a->label);
    a->answer = ofr_page_alloc(r->page, n, sizeof *a->answer);
    a->exit = ofr_page_alloc(r->page, n, sizeof *a->exit);
    a->memorized = ofr_page_alloc(r->page, n, sizeof *a->memorized);
    a->p = ofr_page_alloc(r->page, cells, sizeof *a->p);
    a->p_given = ofr_page_alloc(r->page, n, sizeof *a->p_given);
    a->says = ofr_page_alloc(r->page, cells, sizeof *a->says);
    a->right = ofr_page_alloc(r->page, cells, 1);
    a->ok = ofr_page_alloc(r->page, n, 1);
    if (a->regression) {
        a->target = ofr_page_alloc(r->page, n, sizeof *a->target);
        a->value = ofr_page_alloc(r->page, n, sizeof *a->value);
    } else {
        a->label_class = ofr_page_alloc(r->page, n, sizeof *a->label_class);
        a->answer_class = ofr_page_alloc(r->page, n, sizeof *a->answer_class);
    }
    return r->page->failed ? ofr_fail_nomem(err, cells, "predictions") : OFR_OK;
}

/* The classes' names as a TSV field has them: without TAB and line ends. */
static ofr_status read_names(reader *r, const char *const *labels, ofr_error *err)
{
    if (r->a->regression) return OFR_OK;
    if (!labels || r->K_names != r->a->K)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: has probabilities of %d classes, but the evaluation beside "
                        "it %s%d; both have to come from the same `offramp eval`",
                        r->path, r->a->K, labels ? "knows " : "names ", r->K_names);
    OFR_TRY(ofr_map_init(&r->names, (size_t)r->K_names, err));
    for (int k = 0; k < r->K_names; k++) {
        const size_t n = strlen(labels[k]);
        char *field = ofr_page_alloc(r->page, n + 1, 1);

        if (!field) return ofr_fail_nomem(err, n, "class names");
        for (size_t i = 0; i < n; i++)
            field[i] = strchr("\t\n\r", labels[k][i]) ? ' ' : labels[k][i];
        OFR_TRY(ofr_map_put(&r->names, field, n, k, NULL, err));
    }
    return OFR_OK;
}

/* ---- rows ----------------------------------------------------------------------- */

static ofr_status bad_field(const reader *r, int row, int column, const char *expected,
                            ofr_error *err)
{
    const ofr_str cell = ofr_table_cell(&r->a->table, row, column);

    return ofr_fail(err, OFR_FORMAT,
                    "%s:%d: %.*s is '%.*s', expected %s; give the file as eval wrote it",
                    r->path, r->a->table.lines[row], (int)r->a->table.header[column].n,
                    r->a->table.header[column].p, (int)(cell.n < 60 ? cell.n : 60),
                    cell.p, expected);
}

static ofr_status read_real(const reader *r, int row, int column, double *x,
                            ofr_error *err)
{
    if (ofr_str_to_double(ofr_table_cell(&r->a->table, row, column), x) &&
        fabs(*x) <= (double)FLT_MAX)
        return OFR_OK;
    return bad_field(r, row, column, "a number", err);
}

static ofr_status read_class(const reader *r, int row, int column, int *out,
                             ofr_error *err)
{
    const ofr_str cell = ofr_table_cell(&r->a->table, row, column);

    *out = ofr_map_get(&r->names, cell.p, cell.n);
    return *out >= 0 ? OFR_OK : bad_field(r, row, column, "the name of a class", err);
}

static ofr_status bad_layer(const reader *r, int row, ofr_error *err)
{
    char expected[40];

    snprintf(expected, sizeof expected, "a layer from 1 to %d", r->a->L);
    return bad_field(r, row, 3, expected, err);
}

static ofr_status read_front(const reader *r, int row, ofr_error *err)
{
    ofr_answers *a = r->a;
    const ofr_str cell = ofr_table_cell(&a->table, row, 3);
    long long exit = 0;
    double target = 0, value = 0;

    a->label[row] = ofr_table_cell(&a->table, row, 1);
    a->answer[row] = ofr_table_cell(&a->table, row, 2);
    if (!ofr_str_to_int(cell, &exit) || exit < 1 || exit > a->L)
        return bad_layer(r, row, err);
    a->exit[row] = (int)exit;
    if (!a->regression) {
        OFR_TRY(read_class(r, row, 1, &a->label_class[row], err));
        OFR_TRY(read_class(r, row, 2, &a->answer_class[row], err));
        a->ok[row] = a->label_class[row] == a->answer_class[row];
        return OFR_OK;
    }
    OFR_TRY(read_real(r, row, 1, &target, err));
    OFR_TRY(read_real(r, row, 2, &value, err));
    a->target[row] = (float)target;
    a->value[row] = (float)value;
    a->ok[row] = ofr_metric_near(a->value[row], a->target[row], a->error_limit);
    return OFR_OK;
}

/* Layer l + 1, whose exit was not trained: empty, as in the first row. */
static ofr_status skip_layer(const reader *r, int row, int l, ofr_error *err)
{
    ofr_answers *a = r->a;
    const int first = FIRST + a->L - 1 + l * a->K;

    for (int k = 0; k < a->K; k++)
        if (ofr_table_cell(&a->table, row, first + k).n > 0)
            return bad_field(r, row, first + k, "nothing, as in the first row", err);
    a->p[(size_t)row * (size_t)a->L + (size_t)l] = NAN;
    if (l + 1 == a->exit[row]) a->p_given[row] = NAN;
    return OFR_OK;
}

/* What layer l + 1 says about a text. */
static ofr_status read_layer(const reader *r, int row, int l, ofr_error *err)
{
    ofr_answers *a = r->a;
    const size_t at = (size_t)row * (size_t)a->L + (size_t)l;
    const int first = FIRST + a->L - 1 + l * a->K;
    double best = -1, x = 0;

    for (int k = 0; k < a->K; k++) {
        OFR_TRY(read_real(r, row, first + k, &x, err));
        if (!a->regression && !(x >= 0 && x <= 1))
            return bad_field(r, row, first + k, "a probability, 0 to 1", err);
        if (a->regression || x > best) {
            best = x;
            a->says[at] = k;
        }
        if (l + 1 == a->exit[row] && (a->regression || k == a->answer_class[row]))
            a->p_given[row] = (float)x;
    }
    a->p[at] = (float)best;
    a->right[at] = a->regression
                       ? ofr_metric_near(a->p[at], a->target[row], a->error_limit)
                       : a->says[at] == a->label_class[row];
    return OFR_OK;
}

/* What every layer says about a text, and from which on all are right. */
static ofr_status read_layers(const reader *r, int row, ofr_error *err)
{
    ofr_answers *a = r->a;
    int memorized = a->has_exits ? 1 : a->L;

    for (int l = 0; l < a->L; l++) {
        const size_t at = (size_t)row * (size_t)a->L + (size_t)l;

        if (l + 1 < a->L && !a->has_exits) {
            OFR_TRY(skip_layer(r, row, l, err));
            continue;
        }
        OFR_TRY(read_layer(r, row, l, err));
        if (!a->right[at]) memorized = l + 2 > a->L ? a->L : l + 2;
    }
    a->memorized[row] = memorized;
    return OFR_OK;
}

ofr_status ofr_answers_open(ofr_answers *answers, ofr_page *page, const char *path,
                            const char *const *labels, int K_names, double error_limit,
                            ofr_error *err)
{
    const ofr_table_options how = {.kind = OFR_TABLE_TSV, .has_header = true};
    reader r = {.a = answers, .page = page, .path = path, .K_names = K_names};
    ofr_status status;

    *answers = (ofr_answers){.error_limit = error_limit};
    OFR_TRY(ofr_table_open(&answers->table, path, how, err));
    status = read_header(&r, err);
    if (!status) status = allocate(&r, err);
    if (!status) status = read_names(&r, labels, err);
    for (int row = 0; row < answers->n && !status; row++) {
        status = read_front(&r, row, err);
        if (!status) status = read_layers(&r, row, err);
    }
    ofr_map_free(&r.names);
    if (status) ofr_answers_close(answers);
    return status;
}

void ofr_answers_close(ofr_answers *answers)
{
    if (answers->table.owner) ofr_table_close(&answers->table);
    *answers = (ofr_answers){0};
}

/* ---- against and as a summary --------------------------------------------------- */

static int count_at(const ofr_answers *a, int layer, bool only_right)
{
    int n = 0;

    for (int i = 0; i < a->n; i++)
        n += a->exit[i] == layer && (a->ok[i] || !only_right);
    return n;
}

ofr_status ofr_answers_check(const ofr_answers *a, const ofr_summary *s, const char *path,
                             ofr_error *err)
{
    if (a->n != s->n)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: has %d texts, the evaluation %d; both have to come from the "
                        "same `offramp eval`",
                        path, a->n, s->n);
    if (a->L != s->L)
        return ofr_fail(
            err, OFR_FORMAT,
            "%s: has %d layers, the evaluation %d; both have to come from the "
            "same `offramp eval`",
            path, a->L, s->L);
    for (int l = 1; l <= a->L; l++)
        if (count_at(a, l, false) != s->histogram[l - 1])
            return ofr_fail(err, OFR_FORMAT,
                            "%s: %d texts left at layer %d, the evaluation says %g; both "
                            "have to come from the same `offramp eval`",
                            path, count_at(a, l, false), l, s->histogram[l - 1]);
    return OFR_OK;
}

/* What answers are scored in. */
typedef struct scratch {
    int *classes;  /* [n] */
    float *values; /* [n] */
    double *work;  /* [OFR_METRIC_WORK n] */
} scratch;

static double score_of(const ofr_answers *a, ofr_metric metric, int layer,
                       const scratch *room)
{
    for (int i = 0; i < a->n; i++) {
        const size_t at = (size_t)i * (size_t)a->L + (size_t)(layer - 1);

        room->classes[i] = a->says[at];
        room->values[i] = a->p[at];
    }
    if (a->regression)
        return ofr_metric_score_real(metric, room->work, room->values, a->target, a->n);
    return ofr_metric_score(metric, room->work, room->classes, a->label_class, a->n,
                            a->K);
}

static void fill_layers(ofr_summary *s, const ofr_answers *a, ofr_metric metric,
                        const scratch *room)
{
    unsigned char *right = (unsigned char *)room->classes;

    for (int l = 1; l <= a->L; l++) {
        const int left = count_at(a, l, false);
        int n = 0;

        s->histogram[l - 1] = left;
        if (left) s->exit_accuracy[l - 1] = (double)count_at(a, l, true) / left;
        if (l < a->L && !a->has_exits) continue;
        s->layer_score[l - 1] = score_of(a, metric, l, room);
        for (int i = 0; i < a->n; i++) {
            right[i] = a->right[(size_t)i * (size_t)a->L + (size_t)(l - 1)];
            n += right[i];
        }
        s->layer_accuracy[l - 1] = (double)n / a->n;
        if (!a->regression)
            s->calibration[l - 1] =
                ofr_metric_calibration_error(room->values, right, a->n, OFR_METRIC_BINS);
    }
}

static void fill_whole(ofr_summary *s, const ofr_answers *a, ofr_metric metric,
                       double *work)
{
    long long sum = 0;
    int ok = 0, over = 0;

    for (int i = 0; i < a->n; i++) {
        const unsigned char *right = a->right + (size_t)i * (size_t)a->L;

        sum += a->exit[i];
        ok += a->ok[i];
        over += !right[a->L - 1] && memchr(right, 1, (size_t)a->L) != NULL;
    }
    s->accuracy = (double)ok / a->n;
    s->accuracy_full = s->layer_accuracy[a->L - 1];
    s->overthinking = a->has_exits ? (double)over / a->n : (double)NAN;
    s->mean_exit = (double)sum / a->n;
    s->saved = 1 - s->mean_exit / a->L;
    s->layer_speedup = a->L / s->mean_exit;
    s->score_full = s->layer_score[a->L - 1];
    s->score = a->regression
                   ? ofr_metric_score_real(metric, work, a->value, a->target, a->n)
                   : ofr_metric_score(metric, work, a->answer_class, a->label_class, a->n,
                                      a->K);
}

/* Exits dealt out at random: what is expected of them.  The first right exit. */
static void fill_comparisons(ofr_summary *s, const ofr_answers *a)
{
    double expected = 0, sum = 0;
    int known = 0;

    for (int l = 0; l < a->L; l++)
        if (s->histogram[l] > 0)
            expected += s->histogram[l] / a->n * s->layer_accuracy[l];
    s->random_score = ofr_summary_counts(s) ? expected : NAN;
    if (!a->has_exits) return;
    for (int i = 0; i < a->n; i++) {
        const unsigned char *right = a->right + (size_t)i * (size_t)a->L;
        const unsigned char *first = memchr(right, 1, (size_t)a->L);

        known += first != NULL;
        sum += first ? (double)(first - right + 1) : a->L;
    }
    s->oracle_accuracy = (double)known / a->n;
    s->oracle_exit = sum / a->n;
}

ofr_status ofr_answers_summary(ofr_summary *s, ofr_page *page, const ofr_answers *a,
                               ofr_metric metric, ofr_error *err)
{
    const size_t n = (size_t)a->n;
    const scratch room = {ofr_page_alloc(page, n, sizeof *room.classes),
                          ofr_page_alloc(page, n, sizeof *room.values),
                          ofr_page_alloc(page, OFR_METRIC_WORK * n, sizeof *room.work)};

    if (!room.classes || !room.values || !room.work || !ofr_summary_init(s, page, a->L))
        return ofr_fail_nomem(err, OFR_METRIC_WORK * n * sizeof *room.work, "a report");
    s->n = a->n;
    s->metric = ofr_metric_name(metric);
    fill_layers(s, a, metric, &room);
    fill_whole(s, a, metric, room.work);
    fill_comparisons(s, a);
    return OFR_OK;
}
