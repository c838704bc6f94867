/*
 * table.c - TSV, CSV and JSON lines into one shape: rows of text cells.
 *
 * Cells of TSV and CSV point into the bytes of the file (CSV quotes are removed
 * in place); those of JSON lines are copied into an arena.
 */
#include "io/table.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/json.h"

typedef struct reader {
    ofr_buf bytes;     /* the file */
    ofr_arena arena;   /* cells and keys of JSON lines */
    ofr_str *row;      /* fields of the row being read */
    int n_row, cap_row;
    size_t cap_lines;

    const char *path;
    char *at, *end;    /* unread bytes */
    char *blank_end;   /* where the blank lines at `at` end, see only_blank_lines() */
    int line;          /* number of the line at `at` */
} reader;

/* --------------------------------------------------------------- pieces -- */

static ofr_status push_field(reader *r, const char *p, size_t n, ofr_error *err)
{
    if (r->n_row == r->cap_row) {
        size_t old = (size_t)r->cap_row, cap = old ? 2 * old : 16;
        ofr_str *row = ofr_mem_resize(r->row, old * sizeof *row, cap * sizeof *row);
        if (!row) return ofr_fail_nomem(err, cap * sizeof *row, "a row");
        r->row = row;
        r->cap_row = (int)cap;
    }
    r->row[r->n_row++] = (ofr_str){p, n};
    return OFR_OK;
}

/* Column of `p` in its line, in characters, the first being 1. */
static int column_of(const char *line, const char *p)
{
    int column = 1;
    for (; line < p; line++)
        if (((unsigned char)*line & 0xc0) != 0x80) column++;
    return column;
}

static ofr_status check_utf8(const reader *r, const char *line, size_t n, int number,
                             ofr_error *err)
{
    size_t bad;
    if (ofr_utf8_valid(line, n, &bad)) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s:%d:%d: byte 0x%02x is not valid UTF-8; save the file as UTF-8",
                    r->path, number, column_of(line, line + bad),
                    (unsigned)(unsigned char)line[bad]);
}

/* The line at `at` without its end; moves behind it. */
static ofr_str next_line(reader *r)
{
    char *start = r->at, *stop = memchr(start, '\n', (size_t)(r->end - start));
    r->at = stop ? stop + 1 : r->end;
    if (!stop) stop = r->end;
    r->line++;
    if (stop > start && stop[-1] == '\r') stop--;
    return (ofr_str){start, (size_t)(stop - start)};
}

/* Are there no others?  Where they end is kept, so that each byte is looked at once. */
static bool only_blank_lines(reader *r)
{
    if (r->blank_end < r->at) r->blank_end = r->at;
    while (r->blank_end < r->end && (*r->blank_end == '\n' || *r->blank_end == '\r'))
        r->blank_end++;
    return r->blank_end == r->end;
}

/* They are counted by an int. */
static ofr_status check_line_count(const reader *r, ofr_error *err)
{
    size_t n = 0;
    for (const char *p = r->at; p < r->end; p++, n++)
        if (!(p = memchr(p, '\n', (size_t)(r->end - p)))) break;
    if (n < INT_MAX) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: has %zu lines, expected fewer than %d; split the file", r->path,
                    n, INT_MAX);
}

/* --------------------------------------------------------------- formats -- */

static ofr_status read_tsv(reader *r, ofr_error *err)
{
    int number = r->line;
    ofr_str line = next_line(r);
    const char *p = line.p, *end = line.p + line.n;
    OFR_TRY(check_utf8(r, line.p, line.n, number, err));
    for (;;) {
        const char *tab = memchr(p, '\t', (size_t)(end - p));
        OFR_TRY(push_field(r, p, (size_t)((tab ? tab : end) - p), err));
        if (!tab) return OFR_OK;
        p = tab + 1;
    }
}

/* One quoted field; r->at is at the opening quote, which stays part of the field
 * until the row is known to be good (unquote() below).  Leaves r->at behind the
 * closing one.  *line_start follows the lines inside the quotes. */
static ofr_status read_quoted(reader *r, const char **line_start, ofr_error *err)
{
    const char *from = r->at++;
    int number = r->line, column = column_of(*line_start, from);
    for (;; r->at++) {
        if (r->at == r->end)
            return ofr_fail(err, OFR_FORMAT,
                            "%s:%d:%d: a quote is opened and never closed; close it or "
                            "double it",
                            r->path, number, column);
        if (*r->at == '"') {
            if (r->at + 1 == r->end || r->at[1] != '"') break;
            r->at++;
        } else if (*r->at == '\n') {
            r->line++;
            *line_start = r->at + 1;
        }
    }
    r->at++;
    if (r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '\r')
        return ofr_fail(
            err, OFR_FORMAT,
            "%s:%d:%d: found text behind a closing quote, expected a comma or "
            "the end of the line; double quotes inside a quoted field",
            r->path, r->line, column_of(*line_start, r->at));
    return push_field(r, from, (size_t)(r->at - from), err);
}

/* "a ""b""" -> a "b", in place. */
static ofr_str unquote(reader *r, ofr_str field)
{
    char *from = r->bytes.p + (field.p - r->bytes.p), *to = from;
    if (field.n == 0 || field.p[0] != '"') return field;
    for (size_t i = 1; i + 1 < field.n; i++) {
        if (from[i] == '"') i++; /* the first of two */
        *to++ = from[i];
    }
    return (ofr_str){field.p, (size_t)(to - from)};
}

static ofr_status read_plain(reader *r, const char *line_start, ofr_error *err)
{
    char *from = r->at, *to;
    while (r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '"')
        r->at++;
    if (r->at < r->end && *r->at == '"')
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d:%d: found a quote inside an unquoted field; put the whole "
                        "field into quotes and double those inside",
                        r->path, r->line, column_of(line_start, r->at));
    to = r->at;
    if (to > from && to[-1] == '\r' && (r->at == r->end || *r->at == '\n')) to--;
    return push_field(r, from, (size_t)(to - from), err);
}

static ofr_status read_csv(reader *r, ofr_error *err)
{
    const char *line_start = r->at;
    for (;;) {
        if (r->at < r->end && *r->at == '"') {
            OFR_TRY(read_quoted(r, &line_start, err));
        } else {
            OFR_TRY(read_plain(r, line_start, err));
        }
        if (r->at < r->end && *r->at == ',') {
            r->at++;
            continue;
        }
        while (r->at < r->end && *r->at == '\r')
            r->at++;
        if (r->at < r->end && *r->at != '\n')
            return ofr_fail(err, OFR_FORMAT,
                            "%s:%d:%d: found a lone carriage return, expected the end of "
                            "the line; save the file with LF or CRLF",
                            r->path, r->line, column_of(line_start, r->at));
        if (r->at < r->end) r->at++;
        r->line++;
        return OFR_OK;
    }
}

static ofr_status check_csv_row(const reader *r, const char *start, int number,
                                ofr_error *err)
{
    while (start < r->at) {
        const char *stop = memchr(start, '\n', (size_t)(r->at - start));
        if (!stop) stop = r->at;
        OFR_TRY(check_utf8(r, start, (size_t)(stop - start), number, err));
        start = stop + 1;
        number++;
    }
    return OFR_OK;
}

/* A JSON value as the text of a cell, {NULL, 0} when it is none. */
static ofr_status cell_text(reader *r, const json_t *value, ofr_str *out, ofr_error *err)
{
    ofr_buf text;
    char *kept = NULL;
    ofr_buf_init(&text);
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        ofr_buf_add(&text, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        ofr_buf_addf(&text, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL: ofr_buf_add_double(&text, json_real_value(value)); break;
    case JSON_TRUE: ofr_buf_adds(&text, "true"); break;
    case JSON_FALSE: ofr_buf_adds(&text, "false"); break;
    default: *out = (ofr_str){0}; return OFR_OK;
    }
    if (!text.failed) kept = ofr_arena_strdup(&r->arena, text.p ? text.p : "", text.n);
    *out = (ofr_str){kept, text.n};
    ofr_buf_free(&text);
    return kept ? OFR_OK : ofr_fail_nomem(err, out->n, "a cell");
}

/* The keys of the first object become the header. */
static ofr_status take_keys(reader *r, ofr_table *t, const json_t *object, ofr_error *err)
{
    const char *key;
    json_t *value;
    int n = 0;
    t->header = ofr_mem_array(json_object_size(object) + 1, sizeof *t->header);
    if (!t->header) return ofr_fail_nomem(err, 0, "the header");
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t len = strlen(key);
        char *kept = ofr_arena_strdup(&r->arena, key, len);
        if (!kept) return ofr_fail_nomem(err, len, "a key");
        t->header[n++] = (ofr_str){kept, len};
    }
    t->n_columns = n;
    return OFR_OK;
}

static ofr_status read_jsonl(reader *r, ofr_table *t, ofr_error *err)
{
    int number = r->line;
    ofr_str line = next_line(r);
    json_error_t why;
    json_t *json;
    ofr_status status = OFR_OK;

    OFR_TRY(check_utf8(r, line.p, line.n, number, err));
    json = ofr_json_try(line.p, line.n, &why);
    if (!json && !why.text[0]) return ofr_fail_nomem(err, line.n, r->path);
    if (!json && line.n && line.p[0] == '[' && number == 1)
        return ofr_fail(
            err, OFR_FORMAT,
            "%s:1:1: found the beginning of a JSON array, expected one object "
            "per line; convert it with: jq -c '.[]'",
            r->path);
    if (!json)
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d:%d: not valid JSON: %s, expected one object per line; "
                        "correct the line",
                        r->path, number, why.column > 0 ? why.column : 1, why.text);
    if (!json_is_object(json) || json_object_size(json) == 0)
        status = ofr_fail(
            err, OFR_FORMAT,
            "%s:%d: found %s, expected one object with the columns as keys; "
            "convert arrays with: jq -c '.[]'",
            r->path, number, json_is_object(json) ? "an empty object" : "an array");
    if (status == OFR_OK && !t->header) status = take_keys(r, t, json, err);
    for (int c = 0; status == OFR_OK && c < t->n_columns; c++) {
        ofr_str cell = {0};
        status = cell_text(r, json_object_get(json, t->header[c].p), &cell, err);
        if (status == OFR_OK) status = push_field(r, cell.p, cell.n, err);
    }
    json_decref(json);
    return status;
}

/* ------------------------------------------------------------------ rows -- */

static ofr_status check_header(const reader *r, const ofr_table *t, ofr_error *err)
{
    ofr_status status = OFR_OK;
    ofr_map seen;
    OFR_TRY(ofr_map_init(&seen, (size_t)t->n_columns, err));
    for (int i = 0; i < t->n_columns && status == OFR_OK; i++) {
        ofr_str name = t->header[i];
        int old = -1;
        if (name.n) status = ofr_map_put(&seen, name.p, name.n, i, &old, err);
        if (status == OFR_OK && old >= 0)
            status = ofr_fail(
                err, OFR_FORMAT,
                "%s:1: columns %d and %d are both called \"%.*s\"; rename one", r->path,
                old + 1, i + 1, name.n < 64 ? (int)name.n : 64, name.p);
    }
    ofr_map_free(&seen);
    return status;
}

static ofr_status take_header(reader *r, ofr_table *t, bool quoted, ofr_error *err)
{
    t->header = ofr_mem_array((size_t)r->n_row, sizeof *t->header);
    if (!t->header) return ofr_fail_nomem(err, 0, "the header");
    for (int i = 0; i < r->n_row; i++)
        t->header[i] = quoted ? unquote(r, r->row[i]) : r->row[i];
    t->n_columns = r->n_row;
    return check_header(r, t, err);
}

static ofr_status push_row(reader *r, ofr_table *t, int number, bool quoted,
                           ofr_error *err)
{
    size_t width = (size_t)t->n_columns, rows = (size_t)t->n_rows;
    if (t->n_rows == INT_MAX)
        return ofr_fail(err, OFR_FORMAT, "%s: more than %d rows; split the file", r->path,
                        INT_MAX);
    if (rows == r->cap_lines) {
        size_t cap = rows ? 2 * rows : 256;
        ofr_str *cells;
        int *lines;
        if (cap > SIZE_MAX / sizeof *cells / width)
            return ofr_fail_nomem(err, cap, "rows");
        cells = ofr_mem_resize(t->cells, rows * width * sizeof *cells,
                               cap * width * sizeof *cells);
        if (!cells) return ofr_fail_nomem(err, cap * width * sizeof *cells, r->path);
        t->cells = cells;
        lines = ofr_mem_resize(t->lines, rows * sizeof *lines, cap * sizeof *lines);
        if (!lines) return ofr_fail_nomem(err, cap * sizeof *lines, r->path);
        t->lines = lines;
        r->cap_lines = cap;
    }
    for (size_t i = 0; i < width; i++)
        t->cells[rows * width + i] = quoted ? unquote(r, r->row[i]) : r->row[i];
    t->lines[t->n_rows++] = number;
    return OFR_OK;
}

/* The fields of the next row into r->row. */
static ofr_status read_row(reader *r, ofr_table *t, ofr_table_kind kind, ofr_error *err)
{
    char *start = r->at;
    int number = r->line;
    r->n_row = 0;
    if (kind == OFR_TABLE_TSV) return read_tsv(r, err);
    if (kind == OFR_TABLE_JSONL) return read_jsonl(r, t, err);
    OFR_TRY(read_csv(r, err));
    return check_csv_row(r, start, number, err);
}

static ofr_status check_width(const reader *r, const ofr_table *t, int number,
                              ofr_error *err)
{
    if (r->n_row == t->n_columns) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s:%d: found %d field%s, expected %d; correct the line or leave bad "
                    "rows out with --skip-bad-rows",
                    r->path, number, r->n_row, r->n_row == 1 ? "" : "s", t->n_columns);
}

static ofr_status read_all(reader *r, ofr_table *t, ofr_table_options options,
                           ofr_error *err)
{
    bool quoted = options.kind == OFR_TABLE_CSV;
    bool header = options.has_header && options.kind != OFR_TABLE_JSONL;
    while (r->at < r->end) {
        char *start = r->at;
        int number = r->line;
        ofr_status status;
        if (t->n_columns > 1 && only_blank_lines(r)) break;
        status = read_row(r, t, options.kind, err);
        if (header) {
            OFR_TRY(status);
            OFR_TRY(take_header(r, t, quoted, err));
            header = false;
            continue;
        }
        if (status == OFR_OK && t->n_columns == 0) t->n_columns = r->n_row;
        if (status == OFR_OK) status = check_width(r, t, number, err);
        if (status == OFR_OK) {
            OFR_TRY(push_row(r, t, number, quoted, err));
        } else if (status == OFR_FORMAT && options.skip_bad) {
            t->n_bad++;
            r->at = start; /* an unclosed quote must not swallow the rest */
            r->line = number;
            next_line(r);
        } else {
            return status;
        }
    }
    if (header)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the file is empty, expected a line with the names of the "
                        "columns",
                        r->path);
    return OFR_OK;
}

ofr_status ofr_table_open(ofr_table *table, const char *path, ofr_table_options options,
                          ofr_error *err)
{
    ofr_table made = {0};
    ofr_status status;
    reader *r = ofr_mem_zalloc(sizeof *r);
    if (!r) return ofr_fail_nomem(err, sizeof *r, path);
    ofr_buf_init(&r->bytes);
    ofr_arena_init(&r->arena);
    made.owner = r;
    r->path = ofr_file_input_name(path);
    status = ofr_file_read_input(&r->bytes, path, 0, err);
    if (status == OFR_OK && r->bytes.n) {
        r->at = r->bytes.p;
        r->end = r->at + r->bytes.n;
        if (r->bytes.n >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0) r->at += 3;
    }
    r->line = 1;
    if (status == OFR_OK) status = check_line_count(r, err);
    if (status == OFR_OK) status = read_all(r, &made, options, err);
    r->path = NULL; /* the caller's; not needed any more */
    if (status != OFR_OK) {
        ofr_table_close(&made);
        return status;
    }
    *table = made;
    return OFR_OK;
}

void ofr_table_close(ofr_table *table)
{
    reader *r;
    if (!table) return;
    r = table->owner;
    if (r) {
        ofr_buf_free(&r->bytes);
        ofr_arena_free(&r->arena);
        ofr_mem_free(r->row);
        ofr_mem_free(r);
    }
    ofr_mem_free(table->header);
    ofr_mem_free(table->cells);
    ofr_mem_free(table->lines);
    memset(table, 0, sizeof *table);
}

/* Upper case counts: DATA.CSV. */
static bool ends_with(const char *s, const char *ending)
{
    size_t n = strlen(s), m = strlen(ending);
    return n >= m && strcasecmp(s + n - m, ending) == 0;
}

ofr_table_kind ofr_table_kind_of(const char *path)
{
    if (ends_with(path, ".csv")) return OFR_TABLE_CSV;
    if (ends_with(path, ".jsonl") || ends_with(path, ".json")) return OFR_TABLE_JSONL;
    return OFR_TABLE_TSV;
}

/* Its place; -1: the table has none. */
static int place_of(const ofr_table *table, ofr_str name, bool of_task)
{
    long long number;
    for (int c = 0; table->header && c < table->n_columns; c++)
        if (ofr_str_eq(table->header[c], name)) return c;
    if (!ofr_str_to_int(name, &number)) return -1;
    if (of_task && number == -1) return table->n_columns - 1;
    return number >= 0 && number < table->n_columns ? (int)number : -1;
}

void ofr_table_add_names(ofr_buf *out, const ofr_table *table)
{
    const size_t from = out->n;
    for (int c = 0; c < table->n_columns && out->n - from < 300; c++) {
        if (c) ofr_buf_adds(out, ", ");
        ofr_buf_add(out, table->header[c].p, table->header[c].n);
    }
}

static ofr_status no_column(const ofr_table *table, const char *path, const char *spec,
                            ofr_error *err)
{
    ofr_buf names;
    ofr_status status;
    if (table->n_columns == 0)
        return ofr_fail(err, OFR_FORMAT, "%s: no rows of data; give a file with texts",
                        path);
    if (!table->header)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: no column '%s'; the file has %d columns and no header, so "
                        "columns are 0 to %d; give one of these",
                        path, spec, table->n_columns, table->n_columns - 1);
    ofr_buf_init(&names);
    ofr_table_add_names(&names, table);
    status = ofr_fail(err, OFR_FORMAT,
                      "%s:1: no column '%s'; the header has: %.300s; give one of these",
                      path, spec, names.p ? names.p : "");
    ofr_buf_free(&names);
    return status;
}

ofr_status ofr_table_check_cell(const ofr_table *table, int row, int column,
                                const char *path, ofr_error *err)
{
    ofr_str name = table->header ? table->header[column] : (ofr_str){"", 0};
    if (ofr_table_cell(table, row, column).p) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s:%d: \"%.*s\" is absent, null, a list or an object, expected a "
                    "text or a number; correct the line or leave it out",
                    path, table->lines[row], name.n < 64 ? (int)name.n : 64, name.p);
}

ofr_status ofr_table_find(const ofr_table *table, int *column, const char *path,
                          const char *spec, bool of_task, ofr_error *err)
{
    int found = place_of(table, ofr_str_of(spec), of_task);
    for (const char *p = of_task ? spec : NULL; found < 0 && p;) {
        const char *bar = strchr(p, '|');
        found = place_of(table, (ofr_str){p, bar ? (size_t)(bar - p) : strlen(p)}, true);
        p = bar ? bar + 1 : NULL;
    }
    if (found < 0) return no_column(table, path, spec, err);
    *column = found;
    return OFR_OK;
}
