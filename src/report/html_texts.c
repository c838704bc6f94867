/* html_texts.c - calibration, hardness and the worst mistakes, from single answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/html_parts.h"

enum { BINS = 10, MISTAKES = 20, MATRIX_LAYERS = 48 };

/* ---- reliability ---------------------------------------------------------------- */

typedef struct bins {
    int n[BINS];
    double confidence[BINS], right[BINS];
} bins;

static void add_answer(bins *b, double p, bool right)
{
    /* (lower, upper], as the calibration error has it; the file has six decimals. */
    int at = (int)ceil(p * BINS - 1e-5) - 1;

    at = at < 0 ? 0 : at >= BINS ? BINS - 1 : at;
    b->n[at]++;
    b->confidence[at] += p;
    b->right[at] += right;
}

static void add_bins(ofr_page *page, ofr_page_table *t, const char *which, const bins *b)
{
    for (int i = 0; i < BINS; i++) {
        if (b->n[i] == 0) continue;
        ofr_page_row_begin(page, t);
        ofr_page_word(t, which);
        ofr_page_number(t, OFR_CELL_REAL, 1, (double)i / BINS);
        ofr_page_number(t, OFR_CELL_REAL, 1, (double)(i + 1) / BINS);
        ofr_page_number(t, OFR_CELL_COUNT, 0, b->n[i]);
        ofr_page_number(t, OFR_CELL_REAL, 4, b->confidence[i] / b->n[i]);
        ofr_page_number(t, OFR_CELL_REAL, 4, b->right[i] / b->n[i]);
    }
}

static void plot_bins(ofr_page *page, ofr_plot *plot, const ofr_page_table *t,
                      const char *which, int colour, int first, int n)
{
    ofr_plot_series *line, *dots;
    const char **text = ofr_page_alloc(page, (size_t)n, sizeof *text);
    const ofr_page_row *row = t ? t->rows : NULL;

    line =
        ofr_page_series(page, plot, NULL, OFR_PLOT_LINE, colour, t, first, n, 4, 5, 1, 1);
    dots = ofr_page_series(page, plot, which, OFR_PLOT_POINTS, colour, t, first, n, 4, 5,
                           1, 1);
    if (!line || !dots || !text) return;
    for (int i = 0; i < first && row; i++)
        row = row->next;
    for (int i = 0; i < n && row; i++, row = row->next)
        text[i] = ofr_page_format(
            page,
            "%s: %.0f answers with mean probability %.3f, %.1f %% of "
            "them right",
            which, row->cells[3].value, row->cells[4].value, 100 * row->cells[5].value);
    dots->hover = text;
}

void ofr_part_reliability(ofr_page *page, const ofr_answers *a)
{
    static const char *const given = "answers given", *const full = "full model";
    bins given_bins = {0}, full_bins = {0};
    ofr_page_table *t;
    ofr_plot *plot;
    int first, others = 0;

    if (a->regression) return;
    for (int i = 0; i < a->n; i++) {
        const size_t row = (size_t)i * (size_t)a->L;

        /* Where tokens leave one by one the answer is not that of any exit. */
        if (isfinite(a->p_given[i]))
            add_answer(&given_bins, (double)a->p_given[i], a->ok[i]);
        others += a->p_given[i] < a->p[row + (size_t)a->exit[i] - 1];
        add_answer(&full_bins, (double)a->p[row + (size_t)a->L - 1],
                   a->right[row + (size_t)a->L - 1]);
    }
    plot = ofr_page_plot(page, "reliability", "Do probabilities mean what they say?",
                         "probability of the answer", "share right");
    if (others)
        ofr_page_say(
            page,
            ofr_page_format(page,
                            "%d of the %d answers given are not what the layer where the "
                            "text left says: the rule answers with more than one layer. "
                            "Their probabilities here are those that this layer alone "
                            "gives them.",
                            others, a->n));
    t = ofr_page_table_begin(page, "reliability", "Numbers: reliability in ten bins",
                             OFR_LOOK_FOLDED);
    ofr_page_column(t, "answers", "answers", false);
    ofr_page_column(t, "from", "probability above", true);
    ofr_page_column(t, "to", "up to", true);
    ofr_page_column(t, "n", "texts", true);
    ofr_page_column(t, "confidence", "mean probability", true);
    ofr_page_column(t, "accuracy", "share right", true);
    add_bins(page, t, given, &given_bins);
    first = t ? t->n_rows : 0;
    add_bins(page, t, full, &full_bins);
    if (!plot || !t) return;
    plot->x_from = plot->y_from = -0.02;
    plot->x_to = plot->y_to = 1.02;
    ofr_page_diagonal(page, plot);
    plot_bins(page, plot, t, full, 1, first, t->n_rows - first);
    if (first > 0) plot_bins(page, plot, t, given, 0, 0, first);
}

/* ---- hardness ------------------------------------------------------------------- */

typedef struct counts {
    int n, ok;
} counts;

/* Texts of row `m` (L: right only at the last layer; L + 1: wrong there) that left
 * at layer l. */
static counts *count_pairs(ofr_page *page, const ofr_answers *a)
{
    const size_t L = (size_t)a->L;
    counts *c = ofr_page_alloc(page, (L + 1) * L, sizeof *c);

    if (!c) return NULL;
    for (int i = 0; i < a->n; i++) {
        const bool known = a->right[(size_t)i * L + L - 1];
        counts *at =
            c + (known ? (size_t)a->memorized[i] - 1 : L) * L + (size_t)a->exit[i] - 1;

        at->n++;
        at->ok += a->ok[i];
    }
    return c;
}

static void matrix_row(ofr_page *page, ofr_page_table *t, const counts *c, int m, int L)
{
    int total = 0;

    for (int l = 0; l < L; l++)
        total += c[l].n;
    ofr_page_row_begin(page, t);
    ofr_page_word(t, m <= L ? ofr_page_format(page, "%d", m) : "wrong at the last");
    ofr_page_number(t, OFR_CELL_COUNT, 0, total);
    for (int l = 0; l < L; l++) {
        ofr_page_number(t, OFR_CELL_COUNT, 0, c[l].n);
        if (l + 1 == m) ofr_page_diagonal_cell(t);
        if (c[l].n == 0) continue;
        ofr_page_shade(t, (double)c[l].n / total,
                       ofr_page_format(page,
                                       "memorized layer %s, left at %d: %d texts, %d "
                                       "right",
                                       m <= L ? ofr_page_format(page, "%d", m) : "none",
                                       l + 1, c[l].n, c[l].ok));
    }
}

void ofr_part_hardness(ofr_page *page, const ofr_answers *a)
{
    ofr_page_table *t;
    const counts *c = count_pairs(page, a);

    if (!c || !a->has_exits || a->L > MATRIX_LAYERS) return;
    ofr_page_section_begin(page, "hardness-section", "Do hard texts go deeper?");
    ofr_page_say(page,
                 "Rows: the memorized layer, the first from which every exit is right. "
                 "Columns: where the text left. Left of the diagonal a text left "
                 "before it was understood, right of it later than necessary. The "
                 "darker, the larger the share of its row.");
    t = ofr_page_table_begin(page, "hardness", NULL, OFR_LOOK_MATRIX);
    ofr_page_column(t, "memorized_layer", "memorized layer", false);
    ofr_page_column(t, "texts", "texts", true);
    for (int l = 1; l <= a->L; l++)
        ofr_page_column(t, ofr_page_format(page, "left_%d", l),
                        ofr_page_format(page, "%d", l), true);
    for (int m = 1; m <= a->L + 1; m++)
        matrix_row(page, t, c + (size_t)(m - 1) * (size_t)a->L, m, a->L);
}

/* ---- mistakes ------------------------------------------------------------------- */

typedef struct mistake {
    int text;
    double weight; /* how sure it was; regression: how much further off than L */
} mistake;

static int by_weight(const void *a, const void *b)
{
    const mistake *x = a, *y = b;

    if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
    return x->text < y->text ? -1 : x->text > y->text;
}

/* Early and wrong where the last layer would have been right. */
static int find_mistakes(mistake *list, const ofr_answers *a)
{
    int n = 0;

    for (int i = 0; i < a->n; i++) {
        const size_t row = (size_t)i * (size_t)a->L;
        const double here = (double)a->p_given[i];
        const double last = (double)a->p[row + (size_t)a->L - 1];

        if (a->exit[i] == a->L || a->ok[i] || !a->right[row + (size_t)a->L - 1]) continue;
        list[n].text = i;
        list[n++].weight = !isfinite(here) ? 0
                           : a->regression ? fabs(here - (double)a->target[i]) -
                                                 fabs(last - (double)a->target[i])
                                           : here;
    }
    qsort(list, (size_t)n, sizeof *list, by_weight);
    return n;
}

static void mistake_row(ofr_page *page, ofr_page_table *t, const ofr_answers *a,
                        const ofr_texts *texts, const mistake *m)
{
    const int i = m->text;
    const size_t row = (size_t)i * (size_t)a->L;

    ofr_page_row_begin(page, t);
    ofr_page_number(t, OFR_CELL_COUNT, 0, i);
    if (texts->open) {
        ofr_page_text(page, t, ofr_table_cell(&texts->table, i, texts->text));
        if (texts->pair >= 0)
            ofr_page_text(page, t, ofr_table_cell(&texts->table, i, texts->pair));
    }
    ofr_page_text(page, t, a->label[i]);
    ofr_page_text(page, t, a->answer[i]);
    ofr_page_number(t, OFR_CELL_COUNT, 0, a->exit[i]);
    ofr_page_number(t, OFR_CELL_REAL, 3, (double)a->p_given[i]);
    ofr_page_number(t, OFR_CELL_COUNT, 0, a->has_exits ? a->memorized[i] : (double)NAN);
    ofr_page_number(t, OFR_CELL_REAL, 3, (double)a->p[row + (size_t)a->L - 1]);
}

void ofr_part_mistakes(ofr_page *page, const ofr_answers *a, const ofr_texts *texts)
{
    mistake *list = ofr_page_alloc(page, (size_t)a->n, sizeof *list);
    const int n = list ? find_mistakes(list, a) : 0;
    ofr_page_table *t;

    ofr_page_section_begin(page, "mistakes-section", "The worst early mistakes");
    ofr_page_say(
        page,
        ofr_page_format(page,
                        "%d of %d texts left early with a wrong answer where the last "
                        "layer is right. %s%s",
                        n, a->n,
                        a->regression ? "Furthest off first." : "The surest come first.",
                        texts->open ? "" : " Give the data file to see the texts."));
    if (n == 0) return;
    t = ofr_page_table_begin(page, "mistakes", NULL, OFR_LOOK_TEXTS);
    ofr_page_column(t, "id", "text number", true);
    if (texts->open) {
        ofr_page_column(t, "text", "text", false);
        if (texts->pair >= 0) ofr_page_column(t, "pair", "second text", false);
    }
    ofr_page_column(t, "label", "right answer", false);
    ofr_page_column(t, "answer", "answer given", false);
    ofr_page_column(t, "exit_layer", "left at", true);
    ofr_page_column(t, "p", a->regression ? "value there" : "probability", true);
    ofr_page_column(t, "memorized_layer", "right from layer", true);
    ofr_page_column(t, "p_last",
                    a->regression ? "value at the last" : "probability, last", true);
    for (int i = 0; i < n && i < MISTAKES; i++)
        mistake_row(page, t, a, texts, &list[i]);
}
