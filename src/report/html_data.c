/* html_data.c - the page's tables as JSON and as CSV. */
#include <math.h>
#include <string.h>

#include "report/html_page.h"
#include "report/jsonline.h"

/* ---- JSON ----------------------------------------------------------------------- */

static void json_cell(ofr_buf *out, const char *key, const ofr_cell *cell)
{
    ofr_jsonline_key(out, key);
    if (cell->format == OFR_CELL_TEXT)
        ofr_buf_add_json(out, cell->text.p, cell->text.n);
    else if (isfinite(cell->value))
        ofr_buf_add_double(out, cell->value);
    else
        ofr_buf_adds(out, "null");
}

/* An array of objects, one per row and on a line of its own. */
static void json_table(ofr_buf *out, const ofr_page_table *table)
{
    ofr_buf_adds(out, ",\n");
    ofr_jsonline_key(out, table->key);
    ofr_buf_addc(out, '[');
    for (const ofr_page_row *row = table->rows; row; row = row->next) {
        ofr_buf_adds(out, row == table->rows ? "\n  {" : ",\n  {");
        for (int i = 0; i < table->n_columns; i++)
            json_cell(out, table->columns[i].key, &row->cells[i]);
        ofr_buf_addc(out, '}');
    }
    ofr_buf_addc(out, ']');
}

void ofr_page_json(ofr_buf *out, const ofr_page *page)
{
    ofr_buf_adds(out, "{\"schema_version\": 1, \"title\": ");
    ofr_buf_add_json(out, page->title, strlen(page->title));
    for (const ofr_page_section *s = page->sections; s; s = s->next)
        for (const ofr_page_item *i = s->items; i; i = i->next) {
            if (i->kind == OFR_ITEM_TABLE) json_table(out, i->table);
            if (i->kind != OFR_ITEM_TEXT || !i->mark) continue;
            ofr_buf_adds(out, ",\n\"verdict\": {");
            ofr_jsonline_text(out, "name", i->mark);
            ofr_jsonline_text(out, "why", i->text);
            ofr_buf_addc(out, '}');
        }
    ofr_buf_adds(out, "}\n");
}

/* ---- CSV ------------------------------------------------------------------------ */

/* RFC 4180: in quotes where it has to be. */
static void csv_text(ofr_buf *out, ofr_str text)
{
    const bool plain = text.n && !memchr(text.p, '"', text.n) &&
                       !memchr(text.p, ',', text.n) && !memchr(text.p, '\n', text.n) &&
                       !memchr(text.p, '\r', text.n);

    if (plain) {
        ofr_buf_add(out, text.p, text.n);
        return;
    }
    ofr_buf_addc(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') ofr_buf_addc(out, '"');
        ofr_buf_addc(out, text.p[i]);
    }
    ofr_buf_addc(out, '"');
}

static void csv_table(ofr_buf *out, const ofr_page_table *table)
{
    int number = 0;

    for (const ofr_page_row *row = table->rows; row; row = row->next) {
        number++;
        for (int i = 0; i < table->n_columns; i++) {
            const ofr_cell *cell = &row->cells[i];

            if (cell->format == OFR_CELL_NONE) continue;
            ofr_buf_addf(out, "%s,%d,%s,", table->key, number, table->columns[i].key);
            if (cell->format == OFR_CELL_TEXT)
                csv_text(out, cell->text);
            else
                ofr_buf_add_double(out, cell->value);
            ofr_buf_adds(out, "\r\n");
        }
    }
}

void ofr_page_csv(ofr_buf *out, const ofr_page *page)
{
    ofr_buf_adds(out, "table,row,column,value\r\n");
    for (const ofr_page_section *s = page->sections; s; s = s->next)
        for (const ofr_page_item *i = s->items; i; i = i->next)
            if (i->kind == OFR_ITEM_TABLE) csv_table(out, i->table);
}
