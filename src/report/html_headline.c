/* html_headline.c - the figures that a reader wants first. */
#include <math.h>
#include <string.h>

#include "report/html_parts.h"

/* Scores that are shares are shown in percent, correlations as they are. */
static bool is_share(const char *metric)
{
    return metric && (strcmp(metric, "accuracy") == 0 || strcmp(metric, "f1") == 0);
}

static void add_score(ofr_page *page, ofr_page_table *t, const char *metric, double early,
                      double full)
{
    const bool share = is_share(metric);

    if (!metric || !isfinite(early)) return;
    ofr_page_row_begin(page, t);
    ofr_page_word(t, metric);
    ofr_page_number(t, share ? OFR_CELL_PERCENT : OFR_CELL_REAL, share ? 1 : 3, early);
    ofr_page_number(t, share ? OFR_CELL_PERCENT : OFR_CELL_REAL, share ? 1 : 3, full);
    ofr_page_number(t, share ? OFR_CELL_POINTS : OFR_CELL_REAL, share ? 1 : 3,
                    early - full);
}

static void add_row(ofr_page *page, ofr_page_table *t, const char *name,
                    ofr_cell_format format, int decimals, double early, double full)
{
    if (!isfinite(early)) return;
    ofr_page_row_begin(page, t);
    ofr_page_word(t, name);
    ofr_page_number(t, format, decimals, early);
    ofr_page_number(t, format, decimals, full);
}

void ofr_part_headline(ofr_page *page, const ofr_summary *s)
{
    ofr_page_table *t;

    ofr_page_section_begin(page, "headline-section", "At a glance");
    t = ofr_page_table_begin(page, "headline", NULL, OFR_LOOK_CARDS);
    ofr_page_column(t, "measure", "measure", false);
    ofr_page_column(t, "early_exit", "early exit", true);
    ofr_page_column(t, "full_model", "full model", true);
    ofr_page_column(t, "difference", "difference", true);
    add_score(page, t, s->metric, s->score, s->score_full);
    if (s->metric2 && s->metric && strcmp(s->metric, s->metric2) != 0)
        add_score(page, t, s->metric2, s->score2, s->score2_full);
    add_row(page, t, "mean exit layer", OFR_CELL_REAL, 2, s->mean_exit, s->L);
    add_row(page, t, "saved layers", OFR_CELL_PERCENT, 1, s->saved, NAN);
    add_row(page, t, "layer speed-up (layers / mean exit)", OFR_CELL_TIMES, 2,
            s->layer_speedup, NAN);
    add_row(page, t, "FLOPs of the full model", OFR_CELL_PERCENT, 1, s->flops, NAN);
    add_row(page, t, "measured speed-up, median", OFR_CELL_TIMES, 2, s->ms_full / s->ms,
            NAN);
    add_row(page, t, "measured speed-up, p95", OFR_CELL_TIMES, 2,
            s->ms_full_p95 / s->ms_p95, NAN);
    add_row(page, t, "ms per text, median", OFR_CELL_REAL, 3, s->ms, s->ms_full);
    add_row(page, t, "ms per text, p95", OFR_CELL_REAL, 3, s->ms_p95, s->ms_full_p95);
}

/* ---- against knowing nothing ---------------------------------------------------- */

enum { NAME, EXIT, SAVED, SCORE };

static int add_stand(ofr_page *page, ofr_page_table *t, const char *name, double exit,
                     double score, int L)
{
    if (!t || !isfinite(score) || !isfinite(exit)) return -1;
    ofr_page_row_begin(page, t);
    ofr_page_word(t, name);
    ofr_page_number(t, OFR_CELL_REAL, 2, exit);
    ofr_page_number(t, OFR_CELL_PERCENT, 1, 1 - exit / L);
    ofr_page_number(t, OFR_CELL_REAL, 4, score);
    return t->n_rows - 1;
}

static ofr_page_table *fixed_exits(ofr_page *page, const ofr_summary *s)
{
    ofr_page_table *t = ofr_page_table_begin(
        page, "fixed_exits", "Numbers: one exit for all texts", OFR_LOOK_FOLDED);

    ofr_page_column(t, "layer", "layer", true);
    ofr_page_column(t, "saved_layers", "saved layers", true);
    ofr_page_column(t, "score", "score", true);
    for (int l = 1; l <= s->L; l++) {
        ofr_page_row_begin(page, t);
        ofr_page_number(t, OFR_CELL_COUNT, 0, l);
        ofr_page_number(t, OFR_CELL_PERCENT, 1, 1 - (double)l / s->L);
        ofr_page_number(t, OFR_CELL_REAL, 4, s->layer_score[l - 1]);
    }
    return t;
}

static void hover_point(ofr_page *page, ofr_plot_series *series, const char *name)
{
    const char **text =
        series ? ofr_page_alloc(page, (size_t)series->n, sizeof *text) : NULL;

    if (!text) return;
    for (int i = 0; i < series->n; i++)
        text[i] = ofr_page_format(page, "%s: %.1f %% saved, score %.4f", name,
                                  series->x[i], series->y[i]);
    series->hover = text;
}

/* The places of rows in `row` as points over the line of fixed exits. */
static void plot_stands(ofr_page *page, const ofr_summary *s, const ofr_page_table *t,
                        const int *row, const char *const *names, int n)
{
    static const int colours[] = {0, OFR_PLOT_NEUTRAL, 1, 3, 2};
    ofr_plot *plot = ofr_page_plot(page, "standing", "Score against saved layers",
                                   "saved layers (%)", s->metric);
    const ofr_page_table *fixed = fixed_exits(page, s);

    if (!plot || !fixed) return;
    hover_point(page,
                ofr_page_series(page, plot, "one exit for all texts", OFR_PLOT_LINE,
                                OFR_PLOT_NEUTRAL, fixed, 0, s->L, 1, 2, 100, 1),
                "one exit for all");
    ofr_page_level(page, plot, "full model", OFR_PLOT_NEUTRAL, 0,
                   100.0 * (s->L - 1) / s->L, s->score_full);
    for (int i = 0; i < n; i++)
        if (row[i] >= 0 && i != 1)
            hover_point(page,
                        ofr_page_series(page, plot, names[i], OFR_PLOT_POINTS, colours[i],
                                        t, row[i], 1, SAVED, SCORE, 100, 1),
                        names[i]);
}

void ofr_part_comparison(ofr_page *page, const ofr_summary *s)
{
    static const char *const names[] = {
        "this rule", "full model", "the same exits at random",
        "one exit of the same FLOPs", "oracle: first right exit"};
    ofr_page_table *t;
    int row[5];

    if (!isfinite(s->layer_score[0])) return;
    ofr_page_section_begin(page, "worth-section", "What the rule is worth");
    ofr_page_say(page,
                 "A rule has learned something when it beats its own exits dealt out "
                 "at random, and one fixed exit of the same cost. The oracle leaves "
                 "at the first right exit and knows what it can not know.");
    t = ofr_page_table_begin(page, "comparison", NULL, OFR_LOOK_TABLE);
    ofr_page_column(t, "name", "", false);
    ofr_page_column(t, "mean_exit_layer", "mean exit layer", true);
    ofr_page_column(t, "saved_layers", "saved layers", true);
    ofr_page_column(t, "score", "score", true);
    row[0] = add_stand(page, t, names[0], s->mean_exit, s->score, s->L);
    row[1] = add_stand(page, t, names[1], s->L, s->score_full, s->L);
    row[2] = add_stand(page, t, names[2], s->mean_exit, s->random_score, s->L);
    row[3] = add_stand(page, t, names[3], s->fixed_layer, s->fixed_score, s->L);
    row[4] = add_stand(page, t, names[4], s->oracle_exit,
                       ofr_summary_counts(s) ? s->oracle_accuracy : NAN, s->L);
    plot_stands(page, s, t, row, names, 5);
}
