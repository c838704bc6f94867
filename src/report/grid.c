/* grid.c - cells to Markdown. */
#include "report/grid.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CELL_MAX 400

void ofr_grid_open(ofr_grid *grid, int n_columns)
{
    *grid = (ofr_grid){.n_columns = n_columns};
    ofr_buf_init(&grid->text);
}

void ofr_grid_close(ofr_grid *grid)
{
    ofr_buf_free(&grid->text);
}

void ofr_grid_cell(ofr_grid *grid, const char *fmt, ...)
{
    char cell[CELL_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(cell, sizeof cell, fmt, args);
    va_end(args);
    ofr_buf_add(&grid->text, cell, strlen(cell) + 1);
    grid->n_cells++;
}

void ofr_grid_real(ofr_grid *grid, double x, double factor, int decimals)
{
    ofr_grid_spread(grid, x, NAN, factor, decimals);
}

void ofr_grid_spread(ofr_grid *grid, double x, double deviation, double factor,
                     int decimals)
{
    if (!isfinite(x))
        ofr_grid_cell(grid, "-");
    else if (!isfinite(deviation))
        ofr_grid_cell(grid, "%.*f", decimals, factor * x);
    else
        ofr_grid_cell(grid, "%.*f +- %.*f", decimals, factor * x, decimals,
                      factor * deviation);
}

/* Are there cells for which memory ran short?  Then the page is lost, too. */
static bool lost(ofr_buf *out, const ofr_grid *grid)
{
    if (grid->text.failed) out->failed = true;
    return grid->text.failed;
}

static const char *after(const char *cell)
{
    return cell + strlen(cell) + 1;
}

/* Characters on the page: bytes that begin one, and a backslash for each '|'. */
static int width(const char *cell)
{
    int n = 0;

    for (; *cell; cell++)
        n += (*cell == '|') + ((*cell & 0xc0) != 0x80);
    return n;
}

static int column_width(const ofr_grid *grid, int column)
{
    const char *cell = grid->text.p;
    int widest = 3;

    for (int i = 0; i < grid->n_cells; i++, cell = after(cell))
        if (i % grid->n_columns == column && width(cell) > widest) widest = width(cell);
    return widest;
}

static void pad(ofr_buf *out, char c, int n)
{
    for (; n > 0; n--)
        ofr_buf_addc(out, c);
}

static void markdown_cell(ofr_buf *out, const char *cell, int wide, bool left)
{
    ofr_buf_adds(out, "| ");
    if (!left) pad(out, ' ', wide - width(cell));
    for (const char *p = cell; *p; p++) {
        if (*p == '|') ofr_buf_addc(out, '\\');
        ofr_buf_addc(out, *p == '\n' ? ' ' : *p);
    }
    if (left) pad(out, ' ', wide - width(cell));
    ofr_buf_addc(out, ' ');
}

static void rule_below_header(ofr_buf *out, const ofr_grid *grid)
{
    for (int c = 0; c < grid->n_columns; c++) {
        ofr_buf_adds(out, "|");
        pad(out, '-', column_width(grid, c) + (c ? 1 : 2));
        if (c) ofr_buf_addc(out, ':');
    }
    ofr_buf_adds(out, "|\n");
}

void ofr_grid_markdown(ofr_buf *out, const ofr_grid *grid)
{
    const char *cell = grid->text.p;
    const int n = grid->n_cells - grid->n_cells % grid->n_columns;

    if (lost(out, grid)) return;
    for (int i = 0; i < n; i++, cell = after(cell)) {
        const int column = i % grid->n_columns;

        markdown_cell(out, cell, column_width(grid, column), column == 0);
        if (column < grid->n_columns - 1) continue;
        ofr_buf_adds(out, "|\n");
        if (i + 1 == grid->n_columns) rule_below_header(out, grid);
    }
}
