/* html_page.c - building a page; everything is in its arena. */
#include "report/html_page.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void ofr_page_init(ofr_page *page)
{
    *page = (ofr_page){0};
    ofr_arena_init(&page->arena);
}

void ofr_page_free(ofr_page *page)
{
    ofr_arena_free(&page->arena);
    *page = (ofr_page){0};
}

void *ofr_page_alloc(ofr_page *page, size_t count, size_t size)
{
    void *p = NULL;

    if (size == 0 || count <= SIZE_MAX / size)
        p = ofr_arena_alloc(&page->arena, count * size + (count * size == 0));
    if (!p) page->failed = true;
    return p;
}

const char *ofr_page_copy(ofr_page *page, const char *s, size_t n)
{
    const char *copy = ofr_arena_strdup(&page->arena, s, n);

    if (!copy) page->failed = true;
    return copy ? copy : "";
}

const char *ofr_page_format(ofr_page *page, const char *fmt, ...)
{
    va_list args;
    char *text;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    text = n < 0 ? NULL : ofr_page_alloc(page, (size_t)n + 1, 1);
    if (!text) return "";
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}

/* ---- sections and items --------------------------------------------------------- */

void ofr_page_section_begin(ofr_page *page, const char *key, const char *title)
{
    ofr_page_section *section = ofr_page_alloc(page, 1, sizeof *section);

    if (!section) return;
    section->key = key;
    section->title = title;
    if (page->last)
        page->last->next = section;
    else
        page->sections = section;
    page->last = section;
}

static ofr_page_item *add_item(ofr_page *page, ofr_item_kind kind)
{
    ofr_page_item *item = ofr_page_alloc(page, 1, sizeof *item);
    ofr_page_section *section = page->last;

    if (!item || !section) return NULL;
    item->kind = kind;
    if (section->last)
        section->last->next = item;
    else
        section->items = item;
    section->last = item;
    return item;
}

void ofr_page_verdict(ofr_page *page, const char *mark, int mood, const char *text)
{
    ofr_page_item *item = add_item(page, OFR_ITEM_TEXT);

    if (!item) return;
    item->text = text;
    item->mark = mark;
    item->mood = mood;
}

void ofr_page_say(ofr_page *page, const char *text)
{
    ofr_page_verdict(page, NULL, 0, text);
}

/* ---- tables --------------------------------------------------------------------- */

ofr_page_table *ofr_page_table_begin(ofr_page *page, const char *key, const char *caption,
                                     ofr_table_look look)
{
    ofr_page_item *item = add_item(page, OFR_ITEM_TABLE);
    ofr_page_table *table = ofr_page_alloc(page, 1, sizeof *table);

    if (!item || !table) {
        page->failed = true;
        if (item) item->kind = OFR_ITEM_TEXT, item->text = "";
        return NULL;
    }
    table->key = key;
    table->caption = caption;
    table->look = look;
    item->table = table;
    return table;
}

void ofr_page_column(ofr_page_table *table, const char *key, const char *title,
                     bool numeric)
{
    if (!table) return;
    OFR_ASSERT(table->n_columns < OFR_PAGE_COLUMNS && table->n_rows == 0);
    table->columns[table->n_columns].key = key;
    table->columns[table->n_columns].title = title;
    table->columns[table->n_columns++].numeric = numeric;
}

void ofr_page_row_begin(ofr_page *page, ofr_page_table *table)
{
    ofr_page_row *row;

    if (!table) return;
    row = ofr_page_alloc(page, 1, sizeof *row);
    if (row)
        row->cells = ofr_page_alloc(page, (size_t)table->n_columns, sizeof *row->cells);
    table->used = table->n_columns; /* no room, should memory be short */
    if (!row || !row->cells) return;
    for (int i = 0; i < table->n_columns; i++)
        row->cells[i].value = row->cells[i].shade = NAN;
    if (table->last)
        table->last->next = row;
    else
        table->rows = row;
    table->last = row;
    table->n_rows++;
    table->used = 0;
}

static ofr_cell *next_cell(ofr_page_table *table)
{
    if (!table || table->used >= table->n_columns) return NULL;
    return &table->last->cells[table->used++];
}

void ofr_page_text(ofr_page *page, ofr_page_table *table, ofr_str text)
{
    ofr_cell *cell = next_cell(table);

    if (!cell) return;
    cell->format = OFR_CELL_TEXT;
    cell->text = (ofr_str){ofr_page_copy(page, text.p, text.n), text.n};
    if (page->failed) cell->text.n = 0;
}

void ofr_page_word(ofr_page_table *table, const char *text)
{
    ofr_cell *cell = next_cell(table);

    if (!cell || !text) return;
    cell->format = OFR_CELL_TEXT;
    cell->text = ofr_str_of(text);
}

void ofr_page_number(ofr_page_table *table, ofr_cell_format format, int decimals,
                     double value)
{
    ofr_cell *cell = next_cell(table);

    if (!cell || !isfinite(value)) return;
    cell->format = format;
    cell->decimals = decimals;
    cell->value = value;
}

/* The cell filled last, or NULL. */
static ofr_cell *last_cell(ofr_page_table *table)
{
    if (!table || !table->last || table->used < 1) return NULL;
    return &table->last->cells[table->used - 1];
}

void ofr_page_shade(ofr_page_table *table, double shade, const char *hover)
{
    ofr_cell *cell = last_cell(table);

    if (!cell) return;
    cell->shade = shade;
    cell->hover = hover;
}

void ofr_page_diagonal_cell(ofr_page_table *table)
{
    ofr_cell *cell = last_cell(table);

    if (cell) cell->diagonal = true;
}

void ofr_page_cell_text(ofr_buf *out, const ofr_cell *cell)
{
    const double v = cell->value;

    switch (cell->format) {
    case OFR_CELL_NONE:
        ofr_buf_adds(out, "\xe2\x80\x93");
        break;
    case OFR_CELL_TEXT:
        ofr_buf_add(out, cell->text.p, cell->text.n);
        break;
    case OFR_CELL_COUNT:
        ofr_buf_addf(out, "%.0f", v);
        break;
    case OFR_CELL_REAL:
        ofr_buf_addf(out, "%.*f", cell->decimals, v);
        break;
    case OFR_CELL_PERCENT:
        ofr_buf_addf(out, "%.*f %%", cell->decimals, 100 * v);
        break;
    case OFR_CELL_POINTS:
        if (fabs(100 * v) * pow(10, cell->decimals) < 0.5)
            ofr_buf_addf(out, "%.*f points", cell->decimals, 0.0); /* no "-0.0" */
        else
            ofr_buf_addf(out, "%+.*f points", cell->decimals, 100 * v);
        break;
    case OFR_CELL_TIMES:
        ofr_buf_addf(out, "%.*f\xc3\x97", cell->decimals, v);
        break;
    case OFR_CELL_SHORT:
        ofr_buf_add_double(out, v);
        break;
    }
}

/* ---- charts --------------------------------------------------------------------- */

ofr_plot *ofr_page_plot(ofr_page *page, const char *key, const char *title,
                        const char *x_label, const char *y_label)
{
    ofr_page_item *item = add_item(page, OFR_ITEM_PLOT);
    ofr_plot *plot = ofr_page_alloc(page, 1, sizeof *plot);

    if (!item || !plot) {
        page->failed = true;
        if (item) item->kind = OFR_ITEM_TEXT, item->text = "";
        return NULL;
    }
    *plot = (ofr_plot){.key = key,
                       .title = title,
                       .x_label = x_label,
                       .y_label = y_label,
                       .x_from = NAN,
                       .x_to = NAN,
                       .y_from = NAN,
                       .y_to = NAN};
    item->plot = plot;
    return plot;
}

static ofr_plot_series *new_series(ofr_page *page, ofr_plot *plot, const char *name,
                                   ofr_plot_style style, int colour, int n)
{
    ofr_plot_series *series = ofr_page_alloc(page, 1, sizeof *series), **last;
    double *x = ofr_page_alloc(page, (size_t)n, sizeof *x);
    double *y = ofr_page_alloc(page, (size_t)n, sizeof *y);

    if (!series || !x || !y || !plot) return NULL;
    *series = (ofr_plot_series){.name = name,
                                .style = style,
                                .colour = colour,
                                .n = n,
                                .x = x,
                                .y = y,
                                .shape = colour % OFR_PLOT_FILLED};
    for (last = &plot->series; *last; last = &(*last)->next)
        ;
    *last = series;
    return series;
}

ofr_plot_series *ofr_page_series(ofr_page *page, ofr_plot *plot, const char *name,
                                 ofr_plot_style style, int colour,
                                 const ofr_page_table *table, int first, int n, int x,
                                 int y, double x_scale, double y_scale)
{
    ofr_plot_series *series;
    const ofr_page_row *row;
    int i = 0;

    if (!table) return NULL;
    series = new_series(page, plot, name, style, colour, n);
    if (!series) return NULL;
    for (row = table->rows; row && first > 0; row = row->next)
        first--;
    for (; row && i < n; row = row->next, i++) {
        ((double *)series->x)[i] = row->cells[x].value * x_scale;
        ((double *)series->y)[i] = row->cells[y].value * y_scale;
    }
    series->n = i;
    return series;
}

ofr_plot_series *ofr_page_point(ofr_page *page, ofr_plot *plot, const char *name,
                                int colour, double x, double y)
{
    ofr_plot_series *series = new_series(page, plot, name, OFR_PLOT_POINTS, colour, 1);

    if (!series) return NULL;
    *(double *)series->x = x;
    *(double *)series->y = y;
    return series;
}

static void add_segment(ofr_page *page, ofr_plot *plot, const char *name, int colour,
                        double x0, double y0, double x1, double y1)
{
    ofr_plot_series *series = new_series(page, plot, name, OFR_PLOT_DASHED, colour, 2);

    if (!series) return;
    ((double *)series->x)[0] = x0;
    ((double *)series->x)[1] = x1;
    ((double *)series->y)[0] = y0;
    ((double *)series->y)[1] = y1;
}

void ofr_page_level(ofr_page *page, ofr_plot *plot, const char *name, int colour,
                    double x_from, double x_to, double y)
{
    if (isfinite(y) && isfinite(x_from) && isfinite(x_to))
        add_segment(page, plot, name, colour, x_from, y, x_to, y);
}

void ofr_page_diagonal(ofr_page *page, ofr_plot *plot)
{
    add_segment(page, plot, NULL, OFR_PLOT_NEUTRAL, 0, 0, 1, 1);
}
