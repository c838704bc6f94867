/*
 * dataset.c - rows of a file become tokens, labels and kept texts.
 *
 * Steps: find the columns, map the labels, tokenize.  A row that can not be
 * used is an error with its line, or counted when the caller wants that.
 */
#include "data/dataset.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "data/labels.h"
#include "data/order.h"
#include "io/table.h"

/* ---- arrays that grow -------------------------------------------------- */

typedef struct builder {
    ofr_dataset *data;
    const char *name;    /* for messages */
    size_t N, cap;       /* tokens so far, room in ids and types */
    int cap_rows;
    ofr_tok_scratch scratch;
} builder;

/* Arrays for at most `rows` texts. */
static ofr_status builder_begin(builder *b, ofr_dataset *data, int rows, bool pairs,
                                bool labels, bool regression, ofr_error *err)
{
    const size_t n = (size_t)(rows > 0 ? rows : 1);

    b->data = data;
    b->N = b->cap = 0;
    b->cap_rows = rows;
    ofr_tok_scratch_init(&b->scratch);
    data->offsets = ofr_mem_array(n + 1, sizeof *data->offsets);
    data->text = ofr_mem_array(n, sizeof *data->text);
    data->lines = ofr_mem_array(n, sizeof *data->lines);
    if (pairs) data->pair = ofr_mem_array(n, sizeof *data->pair);
    if (labels && !regression) data->labels = ofr_mem_array(n, sizeof *data->labels);
    if (labels && regression) data->targets = ofr_mem_array(n, sizeof *data->targets);
    if (!data->offsets || !data->text || !data->lines || (pairs && !data->pair) ||
        (labels && !regression && !data->labels) ||
        (labels && regression && !data->targets))
        return ofr_fail_nomem(err, n * sizeof *data->text, "a data set");
    return OFR_OK;
}

static ofr_status grow(void **array, size_t used, size_t cap, ofr_error *err)
{
    void *bigger = ofr_mem_resize(*array, used * sizeof(int), cap * sizeof(int));

    if (!bigger) return ofr_fail_nomem(err, cap * sizeof(int), "tokens");
    *array = bigger;
    return OFR_OK;
}

static ofr_status builder_room(builder *b, size_t more, ofr_error *err)
{
    size_t cap = b->cap ? b->cap : 4096;

    if (b->N + more > INT_MAX)
        return ofr_fail(err, OFR_FORMAT, "%s: %zu tokens, expected %d at most; split it",
                        b->name, b->N + more, INT_MAX);
    if (b->N + more <= b->cap) return OFR_OK;
    while (cap < b->N + more)
        cap *= 2;
    OFR_TRY(grow((void **)&b->data->ids, b->N, cap, err));
    OFR_TRY(grow((void **)&b->data->types, b->N, cap, err));
    b->cap = cap;
    return OFR_OK;
}

/* Tokenize one text or pair and keep it; label and target are set by callers. */
static ofr_status builder_add(builder *b, const ofr_tok *tok, ofr_str text,
                              const ofr_str *pair, int line, int max_tokens,
                              ofr_error *err)
{
    ofr_dataset *data = b->data;
    const int i = data->n;
    const ofr_str second = pair ? (ofr_str){pair->p ? pair->p : "", pair->n}
                                : (ofr_str){NULL, 0};

    OFR_ASSERT(i < b->cap_rows);
    OFR_TRY(ofr_tok_encode(tok, &b->scratch, text, second, max_tokens, err));
    OFR_TRY(builder_room(b, (size_t)b->scratch.n, err));
    memcpy(data->ids + b->N, b->scratch.ids, (size_t)b->scratch.n * sizeof(int));
    memcpy(data->types + b->N, b->scratch.types, (size_t)b->scratch.n * sizeof(int));
    b->N += (size_t)b->scratch.n;
    data->offsets[i + 1] = (int)b->N;
    data->lines[i] = line;
    data->n_truncated += b->scratch.truncated;
    if (b->scratch.n > data->max_T) data->max_T = b->scratch.n;

    char *kept = ofr_arena_strdup(&data->arena, text.p ? text.p : "", text.n);
    if (!kept) return ofr_fail_nomem(err, text.n, "a text");
    data->text[i] = (ofr_str){kept, text.n};
    if (pair) {
        kept = ofr_arena_strdup(&data->arena, second.p, second.n);
        if (!kept) return ofr_fail_nomem(err, second.n, "a text");
        data->pair[i] = (ofr_str){kept, second.n};
    }
    data->n = i + 1;
    return OFR_OK;
}

static void builder_end(builder *b)
{
    ofr_tok_scratch_free(&b->scratch);
}

/* ---- opening ----------------------------------------------------------- */

typedef struct column_numbers {
    int text, pair, label; /* -1: not there */
} column_numbers;

/* Was the column found by one of the names of a task, not by its number? */
static bool is_named(const ofr_table *table, int column, const char *spec)
{
    const ofr_str name = table->header[column];
    for (const char *bar; spec; spec = bar ? bar + 1 : NULL) {
        bar = strchr(spec, '|');
        if (ofr_str_eq(name, (ofr_str){spec, bar ? (size_t)(bar - spec) : strlen(spec)}))
            return true;
    }
    return false;
}

/* GLUE's test files have the names of the texts and no labels: what stands at the label's
 * number there is something else. */
static ofr_status check_label(const column_numbers *at, const ofr_table *table,
                              const char *path, const ofr_columns *columns,
                              ofr_error *err)
{
    const char *bar = strchr(columns->label, '|');
    ofr_buf names;
    ofr_status status;

    if (!bar || !table->header || !is_named(table, at->text, columns->text) ||
        is_named(table, at->label, columns->label))
        return OFR_OK;
    ofr_buf_init(&names);
    ofr_table_add_names(&names, table);
    status = ofr_fail(err, OFR_FORMAT,
                      "%s:1: no column '%.*s'; the header has: %.300s; give a file with "
                      "labels, or ask `offramp predict`",
                      path, (int)(bar - columns->label), columns->label,
                      names.p ? names.p : "");
    ofr_buf_free(&names);
    return status;
}

static ofr_status find_columns(column_numbers *at, const ofr_table *table,
                               const char *path, const ofr_columns *columns,
                               ofr_error *err)
{
    const bool of_task = columns->of_task;

    at->text = at->pair = at->label = -1;
    OFR_TRY(ofr_table_find(table, &at->text, path, columns->text, of_task, err));
    if (columns->pair)
        OFR_TRY(ofr_table_find(table, &at->pair, path, columns->pair, of_task, err));
    if (columns->label)
        OFR_TRY(ofr_table_find(table, &at->label, path, columns->label, of_task, err));
    if (columns->label && of_task)
        return check_label(at, table, path, columns, err);
    return OFR_OK;
}

/* A row whose label is missing or unknown, or whose number is none. */
static ofr_status bad_label(const ofr_dataset *data, const char *path, int line,
                            ofr_str label, bool regression, ofr_error *err)
{
    ofr_buf known;
    ofr_status status;

    if (label.n == 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d: the label is empty, expected a %s; give it one or use "
                        "--skip-bad-rows",
                        path, line, regression ? "number" : "class");
    if (regression)
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d: label '%.*s' is no finite number up to 3.4e38, as "
                        "regression needs; correct it or use --skip-bad-rows",
                        path, line, (int)(label.n < 60 ? label.n : 60), label.p);
    ofr_buf_init(&known);
    for (int k = 0; k < data->K && known.n < 200; k++) {
        if (k) ofr_buf_adds(&known, ", ");
        ofr_buf_adds(&known, data->label_names[k]);
    }
    status = ofr_fail(
        err, OFR_FORMAT,
        "%s:%d: label '%.*s' was never seen in training; known: %.200s; correct it or "
        "use --skip-bad-rows",
        path, line, (int)(label.n < 60 ? label.n : 60), label.p, known.p ? known.p : "");
    ofr_buf_free(&known);
    return status;
}

/* Class or target of one row into place data->n; false: the row is bad. */
static bool take_label(ofr_dataset *data, const ofr_map *classes, ofr_str label,
                       bool regression)
{
    double value;

    label = ofr_str_trim(label);
    if (!regression) {
        const int class = label.n ? ofr_map_get(classes, label.p, label.n) : -1;
        if (class < 0) return false;
        data->labels[data->n] = class;
        return true;
    }
    if (!ofr_str_to_double(label, &value) || !(fabs(value) <= FLT_MAX)) return false;
    data->targets[data->n] = (float)value;
    return true;
}

/* Are all cells of the row that are asked for there? */
static ofr_status check_row(const ofr_table *table, int row, const column_numbers *at,
                            const char *path, ofr_error *err)
{
    OFR_TRY(ofr_table_check_cell(table, row, at->text, path, err));
    if (at->pair >= 0) OFR_TRY(ofr_table_check_cell(table, row, at->pair, path, err));
    if (at->label < 0) return OFR_OK;
    return ofr_table_check_cell(table, row, at->label, path, err);
}

static ofr_status add_rows(builder *b, const ofr_table *table, const char *path,
                           const column_numbers *at, const ofr_columns *columns,
                           const ofr_map *classes, const ofr_tok *tok, int max_tokens,
                           ofr_error *err)
{
    for (int row = 0; row < table->n_rows; row++) {
        const ofr_str text = ofr_table_cell(table, row, at->text);
        ofr_str pair = {NULL, 0};
        const ofr_status there = check_row(table, row, at, path, err);

        if (there) {
            b->data->n_bad_rows++;
            if (columns->skip_bad_rows) continue;
            return there;
        }
        if (at->label >= 0) {
            const ofr_str label = ofr_table_cell(table, row, at->label);
            if (columns->of_task && ofr_label_is_none(label)) {
                b->data->n_unlabelled++;
                continue;
            }
            if (!take_label(b->data, classes, label, columns->regression)) {
                b->data->n_bad_rows++;
                if (columns->skip_bad_rows) continue;
                return bad_label(b->data, path, table->lines[row], ofr_str_trim(label),
                                 columns->regression, err);
            }
        }
        if (at->pair >= 0) pair = ofr_table_cell(table, row, at->pair);
        OFR_TRY(builder_add(b, tok, text, at->pair >= 0 ? &pair : NULL, table->lines[row],
                            max_tokens, err));
    }
    if (b->data->n == 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: no rows of data%s; give a file with texts", path,
                        b->data->n_bad_rows || b->data->n_unlabelled
                            ? " that can be used"
                            : "");
    return OFR_OK;
}

ofr_status ofr_dataset_open(ofr_dataset *data, const char *path,
                            const ofr_columns *columns, const ofr_tok *tok,
                            int max_tokens, const char *const *label_names, int K_known,
                            ofr_error *err)
{
    const ofr_table_options options = {ofr_table_kind_of(path), columns->has_header,
                                       columns->skip_bad_rows};
    const bool labels = columns->label != NULL;
    ofr_table table;
    ofr_map classes = {0};
    builder b = {.name = path};
    column_numbers at;
    ofr_dataset fresh = {0};
    ofr_status status;

    OFR_TRY(ofr_table_open(&table, path, options, err));
    ofr_arena_init(&fresh.arena);
    ofr_tok_scratch_init(&b.scratch);
    fresh.n_bad_rows = table.n_bad;
    status = table.n_rows ? OFR_OK
                          : ofr_fail(err, OFR_FORMAT,
                                     "%s: no rows of data; give a file with texts", path);
    if (!status) status = find_columns(&at, &table, path, columns, err);
    if (!status && labels && !columns->regression && K_known > 0)
        status = ofr_labels_take(&fresh, label_names, K_known, err);
    if (!status && labels && !columns->regression && K_known == 0)
        status =
            ofr_labels_collect(&fresh, &table, at.label, columns->of_task, path, err);
    if (!status && labels && columns->regression) fresh.K = 1;
    if (!status) status = ofr_labels_map(&classes, &fresh, err);
    if (!status)
        status = builder_begin(&b, &fresh, table.n_rows, at.pair >= 0, labels,
                               columns->regression, err);
    if (!status)
        status = add_rows(&b, &table, path, &at, columns, &classes, tok, max_tokens, err);
    builder_end(&b);
    ofr_map_free(&classes);
    ofr_table_close(&table);
    if (status)
        ofr_dataset_close(&fresh);
    else
        *data = fresh;
    return status;
}

ofr_status ofr_dataset_from_texts(ofr_dataset *data, const ofr_str *text,
                                  const ofr_str *pair, const int *labels, int n, int K,
                                  const char *const *label_names, const ofr_tok *tok,
                                  int max_tokens, ofr_error *err)
{
    builder b = {.name = "the texts"};
    ofr_dataset fresh = {0};
    ofr_status status = OFR_OK;

    if (n <= 0) return ofr_fail(err, OFR_INVALID, "a data set needs at least one text");
    ofr_arena_init(&fresh.arena);
    if (label_names && K > 0)
        status = ofr_labels_take(&fresh, label_names, K, err);
    else
        fresh.K = labels ? K : 0;
    if (status) {
        ofr_dataset_close(&fresh);
        return status;
    }
    status = builder_begin(&b, &fresh, n, pair != NULL, labels != NULL, false, err);
    for (int i = 0; i < n && !status; i++) {
        if (labels) {
            OFR_ASSERT(labels[i] >= 0 && labels[i] < K);
            fresh.labels[i] = labels[i];
        }
        status = builder_add(&b, tok, text[i], pair ? &pair[i] : NULL, i + 1, max_tokens,
                             err);
    }
    builder_end(&b);
    if (status)
        ofr_dataset_close(&fresh);
    else
        *data = fresh;
    return status;
}

void ofr_dataset_close(ofr_dataset *data)
{
    ofr_mem_free(data->offsets);
    ofr_mem_free(data->ids);
    ofr_mem_free(data->types);
    ofr_mem_free(data->labels);
    ofr_mem_free(data->targets);
    ofr_mem_free(data->text);
    ofr_mem_free(data->pair);
    ofr_mem_free(data->lines);
    ofr_arena_free(&data->arena);
    *data = (ofr_dataset){0};
}

/* ---- parts ------------------------------------------------------------- */

/* out = the texts items[n] of data, everything copied. */
static ofr_status subset(ofr_dataset *out, const ofr_dataset *data, const int *items,
                         int n, ofr_error *err)
{
    builder b = {.name = "the texts"};
    ofr_status status;

    *out = (ofr_dataset){0};
    ofr_arena_init(&out->arena);
    status = data->label_names ? ofr_labels_take(out, data->label_names, data->K, err)
                               : OFR_OK;
    out->K = data->K;
    if (!status)
        status = builder_begin(&b, out, n, data->pair != NULL,
                               data->labels || data->targets, data->targets != NULL, err);
    for (int i = 0; i < n && !status; i++) {
        const int from = items[i], T = data->offsets[from + 1] - data->offsets[from];
        char *kept;

        status = builder_room(&b, (size_t)T, err);
        if (status) break;
        memcpy(out->ids + b.N, data->ids + data->offsets[from], (size_t)T * sizeof(int));
        memcpy(out->types + b.N, data->types + data->offsets[from],
               (size_t)T * sizeof(int));
        b.N += (size_t)T;
        out->offsets[i + 1] = (int)b.N;
        if (T > out->max_T) out->max_T = T;
        out->lines[i] = data->lines[from];
        if (out->labels) out->labels[i] = data->labels[from];
        if (out->targets) out->targets[i] = data->targets[from];
        kept = ofr_arena_strdup(&out->arena, data->text[from].p, data->text[from].n);
        if (!kept) status = ofr_fail_nomem(err, data->text[from].n, "a text");
        out->text[i] = (ofr_str){kept, data->text[from].n};
        if (!status && out->pair) {
            kept = ofr_arena_strdup(&out->arena, data->pair[from].p, data->pair[from].n);
            if (!kept) status = ofr_fail_nomem(err, data->pair[from].n, "a text");
            out->pair[i] = (ofr_str){kept, data->pair[from].n};
        }
        out->n = i + 1;
    }
    builder_end(&b);
    if (status) ofr_dataset_close(out);
    return status;
}

ofr_status ofr_dataset_split(ofr_dataset *data, ofr_dataset *held, double fraction,
                             uint64_t seed, ofr_error *err)
{
    ofr_dataset rest = {0}, part = {0};
    int *items, n_held;
    ofr_status status;

    if (!(fraction > 0 && fraction < 1) || data->n < 2)
        return ofr_fail(err, OFR_INVALID,
                        "can not hold out the fraction %g of %d texts; expected a number "
                        "between 0 and 1 and at least 2 texts",
                        fraction, data->n);
    items = ofr_mem_array((size_t)data->n, sizeof *items);
    if (!items) return ofr_fail_nomem(err, (size_t)data->n * sizeof *items, "a split");
    ofr_order_part(items, data->n, fraction, seed, &n_held);
    status = subset(&part, data, items, n_held, err);
    if (!status) status = subset(&rest, data, items + n_held, data->n - n_held, err);
    ofr_mem_free(items);
    if (status) {
        ofr_dataset_close(&part);
        return status;
    }
    rest.n_truncated = data->n_truncated;
    rest.n_bad_rows = data->n_bad_rows;
    rest.n_unlabelled = data->n_unlabelled;
    ofr_dataset_close(data);
    *data = rest;
    *held = part;
    return OFR_OK;
}

void ofr_dataset_gather(const ofr_dataset *data, const int *order, int B, int *offsets,
                        int *ids, int *types)
{
    int N = 0;

    offsets[0] = 0;
    for (int b = 0; b < B; b++) {
        const int from = data->offsets[order[b]];
        const int T = data->offsets[order[b] + 1] - from;

        memcpy(ids + N, data->ids + from, (size_t)T * sizeof(int));
        memcpy(types + N, data->types + from, (size_t)T * sizeof(int));
        N += T;
        offsets[b + 1] = N;
    }
}
