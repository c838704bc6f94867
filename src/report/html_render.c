/* html_render.c - the page as HTML; every text of the outside is escaped. */
#include <math.h>
#include <string.h>

#include "report/html_page.h"

static void add_text(ofr_buf *out, const char *s)
{
    ofr_html_text(out, s, strlen(s));
}

static void add_cell_text(ofr_buf *out, const ofr_cell *cell)
{
    if (cell->format == OFR_CELL_TEXT)
        ofr_html_text(out, cell->text.p, cell->text.n);
    else
        ofr_page_cell_text(out, cell);
}

/* ---- tables --------------------------------------------------------------------- */

static void add_head(ofr_buf *out, const ofr_page_table *table)
{
    bool any = false;

    for (int i = 0; i < table->n_columns; i++)
        any = any || table->columns[i].title[0];
    if (!any) return;
    ofr_buf_adds(out, "<thead><tr>");
    for (int i = 0; i < table->n_columns; i++) {
        ofr_buf_adds(out, table->columns[i].numeric ? "<th class=\"n\" scope=\"col\">"
                                                    : "<th scope=\"col\">");
        add_text(out, table->columns[i].title);
        ofr_buf_adds(out, "</th>");
    }
    ofr_buf_adds(out, "</tr></thead>\n");
}

/* Long texts get room, values without spaces may break anywhere. */
static const char *class_of(const ofr_page_table *table, const ofr_cell *cell, int column)
{
    const char *key = table->columns[column].key;

    if (cell->diagonal) return " class=\"n diagonal\"";
    if (table->columns[column].numeric) return " class=\"n\"";
    if (strcmp(key, "text") == 0 || strcmp(key, "pair") == 0) return " class=\"wide\"";
    return strcmp(key, "value") == 0 ? " class=\"any\"" : "";
}

static void add_cell(ofr_buf *out, const ofr_page_table *table, const ofr_cell *cell,
                     int column, bool texts)
{
    ofr_buf_addf(out, "<td%s", class_of(table, cell, column));
    if (isfinite(cell->shade)) ofr_buf_addf(out, " style=\"--s:%.3f\"", cell->shade);
    if (cell->hover) {
        ofr_buf_adds(out, " title=\"");
        add_text(out, cell->hover);
        ofr_buf_addc(out, '"');
    }
    if (texts) {
        ofr_buf_adds(out, " data-name=\"");
        add_text(out, table->columns[column].title);
        ofr_buf_addc(out, '"');
    }
    ofr_buf_addc(out, '>');
    if (table->look == OFR_LOOK_MATRIX && cell->value == 0)
        ofr_buf_adds(out, "\xc2\xb7"); /* a matrix is read by its full cells */
    else
        add_cell_text(out, cell);
    ofr_buf_adds(out, "</td>");
}

static void add_table(ofr_buf *out, const ofr_page_table *table)
{
    static const char *const classes[] = {[OFR_LOOK_TABLE] = "",
                                          [OFR_LOOK_FOLDED] = "",
                                          [OFR_LOOK_CARDS] = "",
                                          [OFR_LOOK_MATRIX] = " class=\"matrix\"",
                                          [OFR_LOOK_TEXTS] = " class=\"texts\"",
                                          [OFR_LOOK_RECORDS] = " class=\"records\""};
    const bool texts = table->look == OFR_LOOK_RECORDS || table->look == OFR_LOOK_TEXTS;

    ofr_buf_addf(out, "<div class=\"scroll\"><table id=\"%s\"%s>", table->key,
                 classes[table->look]);
    add_head(out, table);
    ofr_buf_adds(out, "<tbody>\n");
    for (const ofr_page_row *row = table->rows; row; row = row->next) {
        ofr_buf_adds(out, "<tr>");
        for (int i = 0; i < table->n_columns; i++)
            add_cell(out, table, &row->cells[i], i, texts);
        ofr_buf_adds(out, "</tr>\n");
    }
    ofr_buf_adds(out, "</tbody></table></div>\n");
}

static void add_folded(ofr_buf *out, const ofr_page_table *table)
{
    ofr_buf_adds(out, "<details><summary>");
    add_text(out, table->caption ? table->caption : "The numbers");
    ofr_buf_adds(out, "</summary>\n");
    add_table(out, table);
    ofr_buf_adds(out, "</details>\n");
}

/* A row is a card: its first cell the name, the second in large letters, the
 * others small with their column's title. */
static void add_cards(ofr_buf *out, const ofr_page_table *table)
{
    ofr_buf_addf(out, "<dl class=\"cards\" id=\"%s\">\n", table->key);
    for (const ofr_page_row *row = table->rows; row; row = row->next) {
        ofr_buf_adds(out, "<div class=\"card\"><dt>");
        add_cell_text(out, &row->cells[0]);
        ofr_buf_adds(out, "</dt><dd class=\"big\">");
        add_cell_text(out, &row->cells[1]);
        ofr_buf_adds(out, "</dd>");
        for (int i = 2; i < table->n_columns; i++) {
            if (row->cells[i].format == OFR_CELL_NONE) continue;
            ofr_buf_adds(out, "<dd class=\"small\">");
            add_text(out, table->columns[i].title);
            ofr_buf_addc(out, ' ');
            add_cell_text(out, &row->cells[i]);
            ofr_buf_adds(out, "</dd>");
        }
        ofr_buf_adds(out, "</div>\n");
    }
    ofr_buf_adds(out, "</dl>\n");
}

static void add_any_table(ofr_buf *out, const ofr_page_table *table)
{
    switch (table->look) {
    case OFR_LOOK_CARDS:
        add_cards(out, table);
        break;
    case OFR_LOOK_FOLDED:
        add_folded(out, table);
        break;
    case OFR_LOOK_TABLE:
    case OFR_LOOK_TEXTS:
    case OFR_LOOK_RECORDS:
    case OFR_LOOK_MATRIX:
        add_table(out, table);
        break;
    }
}

/* ---- charts, texts, sections ---------------------------------------------------- */

static void add_figure(ofr_buf *out, const ofr_plot *plot, const char *svg)
{
    ofr_buf_addf(out, "<figure id=\"plot-%s\"><figcaption>", plot->key);
    add_text(out, plot->title);
    ofr_buf_adds(out, "</figcaption>\n");
    if (svg) {
        ofr_buf_adds(out, svg);
        ofr_plot_legend(out, plot);
    } else {
        ofr_buf_adds(out, "<p class=\"missing\">No chart: gnuplot was not installed. The "
                          "numbers are in the tables.</p>\n");
    }
    ofr_buf_adds(out, "</figure>\n");
}

static void add_paragraph(ofr_buf *out, const ofr_page_item *item)
{
    if (item->mark) {
        ofr_buf_addf(out, "<p class=\"verdict mood%d\"><b>", item->mood);
        add_text(out, item->mark);
        ofr_buf_adds(out, "</b> ");
    } else {
        ofr_buf_adds(out, "<p>");
    }
    add_text(out, item->text);
    ofr_buf_adds(out, "</p>\n");
}

static bool is_folded(const ofr_page_item *item)
{
    return item->kind == OFR_ITEM_TABLE && item->table->look == OFR_LOOK_FOLDED;
}

/* Charts that follow each other share a grid; folded tables end the section. */
static void add_section(ofr_buf *out, const ofr_page_section *section,
                        const char *const *svg, int *n_plots)
{
    bool in_grid = false;

    ofr_buf_addf(out, "<section id=\"%s\"><h2>", section->key);
    add_text(out, section->title);
    ofr_buf_adds(out, "</h2>\n");
    for (const ofr_page_item *item = section->items; item; item = item->next) {
        const bool is_plot = item->kind == OFR_ITEM_PLOT;

        if (is_folded(item)) continue;
        if (is_plot != in_grid)
            ofr_buf_adds(out, is_plot ? "<div class=\"charts\">\n" : "</div>\n");
        in_grid = is_plot;
        if (is_plot)
            add_figure(out, item->plot, svg ? svg[(*n_plots)++] : NULL);
        else if (item->kind == OFR_ITEM_TABLE)
            add_any_table(out, item->table);
        else
            add_paragraph(out, item);
    }
    if (in_grid) ofr_buf_adds(out, "</div>\n");
    for (const ofr_page_item *item = section->items; item; item = item->next)
        if (is_folded(item)) add_any_table(out, item->table);
    ofr_buf_adds(out, "</section>\n");
}

static void add_header(ofr_buf *out, const ofr_page *page)
{
    ofr_buf_adds(out, "<header><h1>");
    add_text(out, page->title);
    ofr_buf_adds(out, "</h1>\n<p>");
    add_text(out, page->subtitle);
    ofr_buf_adds(out, "</p>\n<nav>");
    for (const ofr_page_section *s = page->sections; s; s = s->next) {
        ofr_buf_addf(out, "<a href=\"#%s\">", s->key);
        add_text(out, s->title);
        ofr_buf_adds(out, "</a>");
    }
    ofr_buf_adds(out, "</nav></header>\n");
}

void ofr_page_html(ofr_buf *out, const ofr_page *page, const char *const *svg)
{
    int n_plots = 0;

    ofr_buf_adds(out,
                 "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
                 "<meta name=\"viewport\" content=\"width=device-width, "
                 "initial-scale=1\"/>\n<meta name=\"referrer\" "
                 "content=\"no-referrer\"/>\n<title>");
    add_text(out, page->title);
    ofr_buf_adds(out, "</title>\n<style>\n");
    for (int i = 0; ofr_html_style[i]; i++)
        ofr_buf_adds(out, ofr_html_style[i]);
    ofr_buf_adds(out, "</style></head>\n<body>\n");
    if (svg) ofr_plot_svg_shapes(out);
    add_header(out, page);
    ofr_buf_adds(out, "<main>\n");
    for (const ofr_page_section *s = page->sections; s; s = s->next)
        add_section(out, s, svg, &n_plots);
    ofr_buf_adds(out,
                 "</main>\n<footer>Made by offramp report. Every number on this page "
                 "is in report.json and report.csv as well; hover over a chart to "
                 "read its values.</footer>\n</body></html>\n");
}
