/*
 * html_page.h - a report in memory, before it is HTML, JSON or CSV.
 *
 * A page is sections; a section is text, tables and charts in order.  Every
 * number stands in a table, so the three files cannot disagree; charts are drawn
 * from the numbers of tables.  Everything lives in one arena; when memory is
 * short `failed` is set, later additions are ignored, and the caller checks once.
 */
#ifndef OFR_REPORT_HTML_PAGE_H
#define OFR_REPORT_HTML_PAGE_H

#include "base/arena.h"
#include "report/plot.h"

/* How a number is shown; JSON and CSV have it as it is. */
typedef enum ofr_cell_format {
    OFR_CELL_NONE, /* empty; null in JSON                       */
    OFR_CELL_TEXT,
    OFR_CELL_COUNT,   /* 1234                                      */
    OFR_CELL_REAL,    /* with `decimals`                           */
    OFR_CELL_PERCENT, /* a fraction, shown as 12.3 %               */
    OFR_CELL_POINTS,  /* a difference of fractions, +1.2 points    */
    OFR_CELL_TIMES,   /* a ratio, 2.11x                            */
    OFR_CELL_SHORT    /* shortest decimal: thresholds, seeds       */
} ofr_cell_format;

typedef struct ofr_cell {
    ofr_cell_format format;
    int decimals;
    double value;
    ofr_str text;
    double shade;      /* 0..1 background of a matrix, NaN: none    */
    bool diagonal;     /* set off in a matrix                       */
    const char *hover; /* NULL: none                                */
} ofr_cell;

typedef struct ofr_page_row {
    ofr_cell *cells; /* [n_columns] */
    struct ofr_page_row *next;
} ofr_page_row;

typedef enum ofr_table_look {
    OFR_LOOK_TABLE,  /* shown as it is                            */
    OFR_LOOK_FOLDED, /* the numbers behind charts: opened on demand */
    OFR_LOOK_CARDS,  /* every row a card, its number in large      */
    OFR_LOOK_MATRIX, /* shaded cells                              */
    OFR_LOOK_TEXTS,  /* a table; on narrow screens like records   */
    OFR_LOOK_RECORDS /* every row a block of names and values     */
} ofr_table_look;

enum { OFR_PAGE_COLUMNS = 64 };

typedef struct ofr_page_table {
    const char *key;     /* in JSON and CSV, unique in the page: a-z, '_' */
    const char *caption; /* what opens a folded one */
    ofr_table_look look;
    int n_columns;
    struct {
        const char *key, *title;
        bool numeric;
    } columns[OFR_PAGE_COLUMNS];
    int n_rows;
    ofr_page_row *rows, *last;
    int used; /* cells of the last row that are filled */
} ofr_page_table;

typedef enum ofr_item_kind { OFR_ITEM_TEXT, OFR_ITEM_TABLE, OFR_ITEM_PLOT } ofr_item_kind;

typedef struct ofr_page_item {
    ofr_item_kind kind;
    const char *text;
    const char *mark; /* TEXT: a word set off in front of it, or NULL */
    int mood;         /* of the mark: 0 plain, 1 good, 2 doubtful, 3 bad */
    ofr_page_table *table;
    ofr_plot *plot;
    struct ofr_page_item *next;
} ofr_page_item;

typedef struct ofr_page_section {
    const char *key, *title;
    ofr_page_item *items, *last;
    struct ofr_page_section *next;
} ofr_page_section;

typedef struct ofr_page {
    const char *title, *subtitle; /* NULL until somebody sets them */
    ofr_page_section *sections, *last;
    ofr_arena arena;
    bool failed;
} ofr_page;

void ofr_page_init(ofr_page *page);
void ofr_page_free(ofr_page *page);

/* Memory of the page, cleared; NULL sets failed.  Copies live as long as it. */
void *ofr_page_alloc(ofr_page *page, size_t count, size_t size);
const char *ofr_page_copy(ofr_page *page, const char *s, size_t n);
const char *ofr_page_format(ofr_page *page, const char *fmt, ...) OFR_PRINTF(2, 3);

/* What is added goes to the section begun last.  Keys and titles are borrowed. */
void ofr_page_section_begin(ofr_page *page, const char *key, const char *title);
void ofr_page_say(ofr_page *page, const char *text); /* a paragraph; borrowed */
void ofr_page_verdict(ofr_page *page, const char *mark, int mood, const char *text);

/* NULL when memory is short; the functions on tables accept that. */
ofr_page_table *ofr_page_table_begin(ofr_page *page, const char *key, const char *caption,
                                     ofr_table_look look);
void ofr_page_column(ofr_page_table *table, const char *key, const char *title,
                     bool numeric);
/* A row, then its cells from left to right; what is not given stays empty. */
void ofr_page_row_begin(ofr_page *page, ofr_page_table *table);
void ofr_page_text(ofr_page *page, ofr_page_table *table, ofr_str text); /* copied */
void ofr_page_word(ofr_page_table *table, const char *text);             /* borrowed */
void ofr_page_number(ofr_page_table *table, ofr_cell_format format, int decimals,
                     double value); /* NaN: empty */
void ofr_page_shade(ofr_page_table *table, double shade, const char *hover);
void ofr_page_diagonal_cell(ofr_page_table *table);

/* A chart with the key, its axes, and no range; NULL when memory is short. */
ofr_plot *ofr_page_plot(ofr_page *page, const char *key, const char *title,
                        const char *x_label, const char *y_label);
/* A series behind those it has.  The numbers are column `x` and `y` (from 0) of
 * rows first .. first+n-1 of `table`, times the scales. */
ofr_plot_series *ofr_page_series(ofr_page *page, ofr_plot *plot, const char *name,
                                 ofr_plot_style style, int colour,
                                 const ofr_page_table *table, int first, int n, int x,
                                 int y, double x_scale, double y_scale);
/* A series of one point. */
ofr_plot_series *ofr_page_point(ofr_page *page, ofr_plot *plot, const char *name,
                                int colour, double x, double y);
/* A level line between two x, of one number. */
void ofr_page_level(ofr_page *page, ofr_plot *plot, const char *name, int colour,
                    double x_from, double x_to, double y);

/* The dashed line from (0, 0) to (1, 1), unnamed. */
void ofr_page_diagonal(ofr_page *page, ofr_plot *plot);

/* The cell as people read it. */
void ofr_page_cell_text(ofr_buf *out, const ofr_cell *cell);

/* The page as files' contents.  svg[i] is the element of chart i in the order of
 * the page, NULL: no charts. */
void ofr_page_html(ofr_buf *out, const ofr_page *page, const char *const *svg);
void ofr_page_json(ofr_buf *out, const ofr_page *page);
void ofr_page_csv(ofr_buf *out, const ofr_page *page);

/* The style sheet: pieces, NULL at the end. */
extern const char *const ofr_html_style[];

#endif
