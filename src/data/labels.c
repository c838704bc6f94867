/* labels.c - class names: distinct, in an order that does not depend on rows. */
#include "data/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CLASSES_MAX 65536 /* more than this is a wrong column, not a task */

ofr_status ofr_labels_take(ofr_dataset *data, const char *const *names, int K,
                           ofr_error *err)
{
    const char **copy = ofr_arena_alloc(&data->arena, (size_t)K * sizeof *copy);

    if (!copy) return ofr_fail_nomem(err, (size_t)K * sizeof *copy, "class names");
    for (int k = 0; k < K; k++) {
        copy[k] = ofr_arena_strdup(&data->arena, names[k], strlen(names[k]));
        if (!copy[k]) return ofr_fail_nomem(err, strlen(names[k]), "a class name");
    }
    data->label_names = copy;
    data->K = K;
    return OFR_OK;
}

static int compare_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = 0, y = 0;

    ofr_str_to_double(ofr_str_of(*(const char *const *)a), &x);
    ofr_str_to_double(ofr_str_of(*(const char *const *)b), &y);
    if (x != y) return x < y ? -1 : 1;
    return compare_bytes(a, b);
}

bool ofr_label_is_none(ofr_str label)
{
    return ofr_str_eq_c(ofr_str_trim(label), "-");
}

/* Distinct labels of the column, in order of appearance, into names[n]. */
static ofr_status distinct(const char **names, int *n, ofr_dataset *data,
                           const ofr_table *table, int column, bool of_task,
                           const char *path, ofr_map *seen, ofr_error *err)
{
    for (int row = 0; row < table->n_rows; row++) {
        const ofr_str label = ofr_str_trim(ofr_table_cell(table, row, column));
        char *kept;

        if (of_task && ofr_label_is_none(label)) continue;
        if (label.n == 0 || ofr_map_get(seen, label.p, label.n) >= 0) continue;
        if (memchr(label.p, 0, label.n))
            return ofr_fail(err, OFR_FORMAT,
                            "%s:%d: label '%s' holds a byte 0x00, expected text; correct "
                            "the line",
                            path, table->lines[row], label.p);
        if (*n == CLASSES_MAX)
            return ofr_fail(err, OFR_FORMAT,
                            "%s:%d: more than %d different labels; is this the label "
                            "column?",
                            path, table->lines[row], CLASSES_MAX);
        kept = ofr_arena_strdup(&data->arena, label.p, label.n);
        if (!kept) return ofr_fail_nomem(err, label.n, "a class name");
        names[*n] = kept;
        OFR_TRY(ofr_map_put(seen, kept, label.n, *n, NULL, err));
        *n += 1;
    }
    return OFR_OK;
}

ofr_status ofr_labels_collect(ofr_dataset *data, const ofr_table *table, int column,
                              bool of_task, const char *path, ofr_error *err)
{
    const size_t room = table->n_rows < CLASSES_MAX ? (size_t)table->n_rows : CLASSES_MAX;
    const char **names = ofr_mem_array(room + 1, sizeof *names);
    ofr_map seen = {0};
    bool numbers = true;
    double value;
    int n = 0;
    ofr_status status;

    if (!names) return ofr_fail_nomem(err, room * sizeof *names, "class names");
    status = ofr_map_init(&seen, 64, err);
    if (!status)
        status = distinct(names, &n, data, table, column, of_task, path, &seen, err);
    ofr_map_free(&seen);
    for (int k = 0; k < n; k++)
        numbers = numbers && ofr_str_to_double(ofr_str_of(names[k]), &value);
    if (!status && n < 2)
        status =
            n ? ofr_fail(err, OFR_FORMAT,
                         "%s: only one class ('%s') in %d rows, expected at least two; "
                         "give more texts or another --label",
                         path, names[0], table->n_rows)
              : ofr_fail(err, OFR_FORMAT,
                         "%s: the label of all %d rows is empty; give another --label",
                         path, table->n_rows);
    if (!status) {
        qsort(names, (size_t)n, sizeof *names, numbers ? compare_numbers : compare_bytes);
        status = ofr_labels_take(data, names, n, err);
    }
    ofr_mem_free(names);
    return status;
}

ofr_status ofr_labels_map(ofr_map *map, const ofr_dataset *data, ofr_error *err)
{
    const int K = data->label_names ? data->K : 0;

    OFR_TRY(ofr_map_init(map, (size_t)(K ? K : 1), err));
    for (int k = 0; k < K; k++)
        OFR_TRY(ofr_map_put(map, data->label_names[k], strlen(data->label_names[k]), k,
                            NULL, err));
    return OFR_OK;
}
