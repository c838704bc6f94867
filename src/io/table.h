/*
 * table.h - rows of fields from TSV, CSV and JSON lines.
 *
 * TSV: tab separated, quoting disabled (a '"' is data), as GLUE has it.
 * CSV: RFC 4180 with quotes and newlines inside quotes.
 * JSONL: one object per line; columns are keys; strings, numbers and booleans
 *        become text; all else, null and absent among it, is {NULL, 0}.
 * All: UTF-8 checked, optional BOM, CRLF or LF, missing last newline.
 * The kind follows the name: .tsv .txt -> TSV, .csv -> CSV, .jsonl .json -> JSONL.
 */
#ifndef OFR_IO_TABLE_H
#define OFR_IO_TABLE_H

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

typedef enum ofr_table_kind {
    OFR_TABLE_TSV,
    OFR_TABLE_CSV,
    OFR_TABLE_JSONL
} ofr_table_kind;

typedef struct ofr_table {
    int n_rows;
    int n_columns;       /* of the header, or of the first row without one        */
    ofr_str *header;     /* [n_columns]; NULL without header                      */
    ofr_str *cells;      /* [n_rows * n_columns]                                  */
    int *lines;          /* [n_rows] 1-based line number where each row begins    */
    int n_bad;           /* rows left out because skip_bad was set                */
    void *owner;         /* bytes and arrays: private to table.c                  */
} ofr_table;

typedef struct ofr_table_options {
    ofr_table_kind kind;
    bool has_header;     /* ignored for JSONL: keys of the first object           */
    bool skip_bad;       /* count bad rows instead of failing                     */
} ofr_table_options;

ofr_table_kind ofr_table_kind_of(const char *path);

/* path "-" is standard input.  A row with another number of fields than the
 * first is OFR_FORMAT "file:line: found N fields, expected M; ...". */
ofr_status ofr_table_open(ofr_table *table, const char *path, ofr_table_options options,
                          ofr_error *err);
void ofr_table_close(ofr_table *table);

/* The column that `spec` names: a name of the header, whatever its letters are, else
 * a number from 0.  A task's are alternatives "name|name|number", of which the first
 * that the table has is taken; its -1 is the last column.
 * OFR_FORMAT: none; the line lists what there is. */
ofr_status ofr_table_find(const ofr_table *table, int *column, const char *path,
                          const char *spec, bool of_task, ofr_error *err);
static inline ofr_str ofr_table_cell(const ofr_table *table, int row, int column)
{
    return table->cells[(size_t)row * (size_t)table->n_columns + (size_t)column];
}

/* The names of the columns for a message, when there are any: "a, b, c". */
void ofr_table_add_names(ofr_buf *out, const ofr_table *table);

/* OFR_FORMAT "file:line: ...": the cell holds no text, not even an empty one. */
ofr_status ofr_table_check_cell(const ofr_table *table, int row, int column,
                                const char *path, ofr_error *err);

#endif
