/* html_exits.c - who leaves where, who is right there, how good each exit is. */
#include <math.h>

#include "report/html_parts.h"

enum { LAYER, LEFT, RIGHT, WRONG, THERE, ALL, SCORE, ERROR };

static ofr_page_table *exits_table(ofr_page *page, const ofr_summary *s)
{
    ofr_page_table *t = ofr_page_table_begin(page, "exits", NULL, OFR_LOOK_TABLE);

    ofr_page_column(t, "layer", "layer", true);
    ofr_page_column(t, "left", "texts that left", true);
    ofr_page_column(t, "right", "of them right", true);
    ofr_page_column(t, "wrong", "wrong", true);
    ofr_page_column(t, "accuracy_there", "share right there", true);
    ofr_page_column(t, "accuracy_all", "share right, all texts", true);
    ofr_page_column(t, "score_all", "score, all texts", true);
    ofr_page_column(t, "calibration_error", "calibration error", true);
    for (int l = 0; l < s->L; l++) {
        const double left = s->histogram[l];
        const double right = left > 0 ? round(left * s->exit_accuracy[l]) : 0;

        ofr_page_row_begin(page, t);
        ofr_page_number(t, OFR_CELL_COUNT, 0, l + 1);
        ofr_page_number(t, OFR_CELL_COUNT, 0, left);
        ofr_page_number(t, OFR_CELL_COUNT, 0, right);
        ofr_page_number(t, OFR_CELL_COUNT, 0, left - right);
        ofr_page_number(t, OFR_CELL_PERCENT, 1, left > 0 ? s->exit_accuracy[l] : NAN);
        ofr_page_number(t, OFR_CELL_PERCENT, 1, s->layer_accuracy[l]);
        ofr_page_number(t, OFR_CELL_REAL, 4, s->layer_score[l]);
        ofr_page_number(t, OFR_CELL_REAL, 4, s->calibration[l]);
    }
    return t;
}

/* One text for every row, made by `say`; the columns of the chart show them. */
static void hover_rows(ofr_page *page, ofr_plot *plot, const ofr_page_table *t, int layer,
                       const char *(*say)(ofr_page *, const ofr_cell *, const int *),
                       const int *columns)
{
    const size_t n = t ? (size_t)t->n_rows : 0;
    double *x = ofr_page_alloc(page, n, sizeof *x);
    const char **text = ofr_page_alloc(page, n, sizeof *text);
    int i = 0;

    if (!plot || !x || !text || !t) return;
    for (const ofr_page_row *row = t->rows; row; row = row->next, i++) {
        x[i] = row->cells[layer].value;
        text[i] = say(page, row->cells, columns);
    }
    plot->n_columns = i;
    plot->column_x = x;
    plot->column_text = text;
}

static const char *say_split(ofr_page *page, const ofr_cell *cells, const int *columns)
{
    const double right = cells[columns[1]].value, wrong = cells[columns[2]].value;

    return ofr_page_format(page, "layer %.0f: %.0f texts left, %.0f right, %.0f wrong",
                           cells[columns[0]].value, right + wrong, right, wrong);
}

void ofr_part_histogram(ofr_page *page, const char *key, const char *title,
                        const ofr_page_table *t, int layer, int right, int wrong)
{
    const int columns[] = {layer, right, wrong};
    ofr_plot *plot = ofr_page_plot(page, key, title, "exit layer", "texts");
    ofr_plot_series *above, *below;
    double *top;

    if (!plot || !t) return;
    plot->whole_x = true;
    below = ofr_page_series(page, plot, "right", OFR_PLOT_BARS, 2, t, 0, t->n_rows, layer,
                            right, 1, 1);
    above = ofr_page_series(page, plot, "wrong", OFR_PLOT_BARS, 1, t, 0, t->n_rows, layer,
                            wrong, 1, 1);
    top = ofr_page_alloc(page, (size_t)t->n_rows, sizeof *top);
    if (!below || !above || !top) return;
    for (int i = 0; i < above->n; i++)
        top[i] = below->y[i] + above->y[i];
    above->base = below->y;
    above->y = top;
    plot->y_from = 0;
    hover_rows(page, plot, t, layer, say_split, columns);
}

static const char *say_accuracy(ofr_page *page, const ofr_cell *cells, const int *columns)
{
    const double layer = cells[columns[0]].value, there = cells[columns[2]].value;

    if (!isfinite(there))
        return ofr_page_format(page,
                               "layer %.0f: %.1f %% of all texts right, none left here",
                               layer, 100 * cells[columns[1]].value);
    return ofr_page_format(
        page,
        "layer %.0f: %.1f %% of all texts right, %.1f %% of those that "
        "left here",
        layer, 100 * cells[columns[1]].value, 100 * there);
}

static void plot_accuracy(ofr_page *page, const ofr_page_table *t, int L)
{
    static const int columns[] = {LAYER, ALL, THERE};
    ofr_plot *plot = ofr_page_plot(page, "accuracy", "How good each exit is", "layer",
                                   "share right (%)");

    if (!plot) return;
    plot->whole_x = true;
    ofr_page_series(page, plot, "all texts", OFR_PLOT_LINE, 0, t, 0, L, LAYER, ALL, 1,
                    100);
    ofr_page_series(page, plot, "texts that left there", OFR_PLOT_POINTS, 1, t, 0, L,
                    LAYER, THERE, 1, 100);
    hover_rows(page, plot, t, LAYER, say_accuracy, columns);
}

static const char *say_error(ofr_page *page, const ofr_cell *cells, const int *columns)
{
    return ofr_page_format(page, "layer %.0f: expected calibration error %.4f",
                           cells[columns[0]].value, cells[columns[1]].value);
}

static void plot_error(ofr_page *page, const ofr_page_table *t, int L)
{
    static const int columns[] = {LAYER, ERROR};
    ofr_plot *plot = ofr_page_plot(page, "calibration", "Calibration error of each exit",
                                   "layer", "expected error");

    if (!plot) return;
    plot->whole_x = true;
    plot->y_from = 0;
    ofr_page_series(page, plot, NULL, OFR_PLOT_BARS, 0, t, 0, L, LAYER, ERROR, 1, 1);
    hover_rows(page, plot, t, LAYER, say_error, columns);
}

void ofr_part_exits(ofr_page *page, const ofr_summary *s)
{
    const ofr_page_table *t;

    ofr_page_section_begin(page, "exits-section", "The exits");
    if (isfinite(s->overthinking))
        ofr_page_say(page,
                     ofr_page_format(page,
                                     "%.1f %% of the texts were right at some earlier "
                                     "exit and are wrong at the last.",
                                     100 * s->overthinking));
    t = exits_table(page, s);
    ofr_part_histogram(page, "histogram", "Where texts leave", t, LAYER, RIGHT, WRONG);
    if (isfinite(s->layer_accuracy[0])) plot_accuracy(page, t, s->L);
    if (isfinite(s->calibration[0])) plot_error(page, t, s->L);
}
