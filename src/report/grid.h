/*
 * grid.h - a table of short texts, printed as Markdown.
 *
 * Cells are given row by row; the first row is the header.
 */
#ifndef OFR_REPORT_GRID_H
#define OFR_REPORT_GRID_H

#include "base/str.h"

typedef struct ofr_grid {
    int n_columns;
    int n_cells;
    ofr_buf text;  /* cells, each ended by NUL */
} ofr_grid;

void ofr_grid_open(ofr_grid *grid, int n_columns);
void ofr_grid_close(ofr_grid *grid);

void ofr_grid_cell(ofr_grid *grid, const char *fmt, ...) OFR_PRINTF(2, 3);
/* factor * x with so many decimals; "-" for what is not a number. */
void ofr_grid_real(ofr_grid *grid, double x, double factor, int decimals);
/* "x +- deviation" in the same way; only x when `deviation` is NaN. */
void ofr_grid_spread(ofr_grid *grid, double x, double deviation, double factor,
                     int decimals);

/* Columns padded to their widest cell, the first to the left, the others to the
 * right.  A last row that is not full is not printed.  `out` has failed when memory ran
 * short for a cell. */
void ofr_grid_markdown(ofr_buf *out, const ofr_grid *grid);

#endif
