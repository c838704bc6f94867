/* html_run.c - the course of a training run, look by look at the dev set. */
#include <math.h>
#include <string.h>

#include "report/html_parts.h"

enum { LOOK, PHASE, ITERATION, EPOCH, STEP, SCORE, FULL, EXIT, ENTROPY, CHANGED, REWARD };
enum { RAMP_NAMES = 8 };

typedef struct run {
    ofr_page *page;
    const ofr_history *history;
    int *looks; /* points that are looks of their own */
    int n;
    ofr_page_table *table;
    double *x; /* [n] 1, 2, ... */
    ofr_plot_band *bands;
    ofr_plot_band *unnamed; /* the same: one legend of phases is enough */
    int n_bands;
    bool named; /* a chart has that legend */
} run;

static const ofr_history_point *point_of(const run *r, int i)
{
    return &r->history->points[r->looks[i]];
}

/* An "iteration" line repeats the evaluation in front of it. */
static bool find_looks(run *r)
{
    const size_t n = (size_t)r->history->n;

    r->looks = ofr_page_alloc(r->page, n, sizeof *r->looks);
    r->x = ofr_page_alloc(r->page, n, sizeof *r->x);
    if (!r->looks || !r->x) return false;
    for (int i = 0; i < r->history->n; i++) {
        if (r->history->points[i].iteration_end) continue;
        r->x[r->n] = r->n + 1;
        r->looks[r->n++] = i;
    }
    return r->n > 0;
}

static int band_colour(const char *phase)
{
    if (strcmp(phase, "policy") == 0) return 1;
    if (strcmp(phase, "task") == 0) return 2;
    return strcmp(phase, "joint") == 0 ? 0 : 3;
}

/* Stretches of the same phase and iteration. */
static bool find_bands(run *r)
{
    r->bands = ofr_page_alloc(r->page, (size_t)r->n, sizeof *r->bands);
    r->unnamed = ofr_page_alloc(r->page, (size_t)r->n, sizeof *r->unnamed);
    if (!r->bands || !r->unnamed) return false;
    for (int i = 0; i < r->n; i++) {
        const ofr_history_point *now = point_of(r, i),
                                *before = point_of(r, i ? i - 1 : 0);

        if (i && now->iteration == before->iteration &&
            strcmp(now->phase, before->phase) == 0) {
            r->bands[r->n_bands - 1].to = i + 1.5;
            continue;
        }
        r->bands[r->n_bands++] =
            (ofr_plot_band){i + 0.5, i + 1.5, band_colour(now->phase),
                            ofr_page_format(r->page, "%s phase", now->phase)};
    }
    for (int i = 0; i < r->n_bands; i++) {
        r->unnamed[i] = r->bands[i];
        r->unnamed[i].name = NULL;
    }
    return true;
}

static void add_table(run *r)
{
    ofr_page_table *t = ofr_page_table_begin(
        r->page, "convergence", "Numbers: every look at the dev set", OFR_LOOK_FOLDED);

    r->table = t;
    ofr_page_column(t, "look", "look", true);
    ofr_page_column(t, "phase", "phase", false);
    ofr_page_column(t, "iteration", "iteration", true);
    ofr_page_column(t, "epoch", "epoch", true);
    ofr_page_column(t, "step", "step", true);
    ofr_page_column(t, "score", "score", true);
    ofr_page_column(t, "score_full", "score, full model", true);
    ofr_page_column(t, "mean_exit_layer", "mean exit layer", true);
    ofr_page_column(t, "policy_entropy", "policy entropy", true);
    ofr_page_column(t, "changed_exits", "changed exits", true);
    ofr_page_column(t, "reward", "reward", true);
    for (int i = 0; i < r->n; i++) {
        const ofr_history_point *p = point_of(r, i);

        ofr_page_row_begin(r->page, t);
        ofr_page_number(t, OFR_CELL_COUNT, 0, i + 1);
        ofr_page_word(t, ofr_page_copy(r->page, p->phase, strlen(p->phase)));
        ofr_page_number(t, OFR_CELL_COUNT, 0, p->iteration);
        ofr_page_number(t, OFR_CELL_COUNT, 0, p->epoch);
        ofr_page_number(t, OFR_CELL_COUNT, 0, (double)p->step);
        ofr_page_number(t, OFR_CELL_REAL, 4, p->score);
        ofr_page_number(t, OFR_CELL_REAL, 4, p->score_full);
        ofr_page_number(t, OFR_CELL_REAL, 2, p->mean_exit);
        ofr_page_number(t, OFR_CELL_REAL, 4, p->entropy);
        ofr_page_number(t, OFR_CELL_PERCENT, 1, p->changed);
        ofr_page_number(t, OFR_CELL_REAL, 4, p->reward);
    }
}

/* ---- charts --------------------------------------------------------------------- */

static bool any_number(const ofr_page_table *t, int column)
{
    for (const ofr_page_row *row = t ? t->rows : NULL; row; row = row->next)
        if (isfinite(row->cells[column].value)) return true;
    return false;
}

static ofr_plot *begin_plot(run *r, const char *key, const char *title,
                            const char *y_label)
{
    ofr_plot *plot = ofr_page_plot(r->page, key, title, "look at the dev set", y_label);
    const char **text = ofr_page_alloc(r->page, (size_t)r->n, sizeof *text);

    if (!plot || !text) return NULL;
    plot->whole_x = true;
    plot->bar_width = 1;
    plot->x_from = 0.5;
    plot->x_to = r->n + 0.5;
    plot->bands = r->named ? r->unnamed : r->bands;
    r->named = true;
    plot->n_bands = r->n_bands;
    plot->n_columns = r->n;
    plot->column_x = r->x;
    plot->column_text = text;
    return plot;
}

static const char *where(const run *r, int i)
{
    const ofr_history_point *p = point_of(r, i);

    return ofr_page_format(r->page, "%s phase, iteration %d, epoch %d", p->phase,
                           p->iteration, p->epoch);
}

/* One or two columns of the table over the looks; column2 0: one. */
static void plot_columns(run *r, const char *key, const char *title, const char *y_label,
                         int column, const char *name, int column2, const char *name2,
                         double scale)
{
    ofr_plot *plot;
    const ofr_page_row *row = r->table ? r->table->rows : NULL;

    if (!any_number(r->table, column)) return;
    plot = begin_plot(r, key, title, y_label);
    if (!plot) return;
    if (column2)
        ofr_page_series(r->page, plot, name2, OFR_PLOT_LINE, OFR_PLOT_NEUTRAL, r->table,
                        0, r->n, LOOK, column2, 1, scale);
    ofr_page_series(r->page, plot, name, OFR_PLOT_LINE, 0, r->table, 0, r->n, LOOK,
                    column, 1, scale);
    for (int i = 0; i < r->n && row; i++, row = row->next) {
        const double y = row->cells[column].value * scale;
        const char *more = "";

        if (column2)
            more = ofr_page_format(r->page, ", %s %.4f", name2,
                                   row->cells[column2].value * scale);
        ((const char **)plot->column_text)[i] =
            isfinite(y) ? ofr_page_format(r->page, "%s: %s %.4f%s", where(r, i),
                                          name ? name : title, y, more)
                        : where(r, i);
    }
}

/* An early colour to a late one over L layers. */
static int ramp(int l, int L)
{
    return OFR_PLOT_RAMP + (L > 1 ? 999 * l / (L - 1) : 0);
}

/* "layer 3" where a legend has room for it, else NULL. */
static const char *ramp_name(const run *r, int l, int L)
{
    const int every = (L + RAMP_NAMES - 1) / RAMP_NAMES;

    if (l != 0 && l != L - 1 && (l % every || L - 1 - l < every)) return NULL;
    return ofr_page_format(r->page, "layer %d", l + 1);
}

/* A table of what the looks say of each layer; counts are whole numbers. */
static ofr_page_table *layers_table(const run *r, const char *key, const char *caption,
                                    bool counts)
{
    ofr_page_table *t = ofr_page_table_begin(r->page, key, caption, OFR_LOOK_FOLDED);
    const int L = r->history->L;

    ofr_page_column(t, "look", "look", true);
    for (int l = 1; l <= L; l++)
        ofr_page_column(t, ofr_page_format(r->page, "layer_%d", l),
                        ofr_page_format(r->page, "layer %d", l), true);
    for (int i = 0; i < r->n; i++) {
        const ofr_history_point *p = point_of(r, i);

        ofr_page_row_begin(r->page, t);
        ofr_page_number(t, OFR_CELL_COUNT, 0, i + 1);
        for (int l = 0; l < L; l++)
            if (counts)
                ofr_page_number(t, OFR_CELL_COUNT, 0,
                                p->histogram ? (double)p->histogram[l] : NAN);
            else
                ofr_page_number(t, OFR_CELL_REAL, 4, p->accuracy ? p->accuracy[l] : NAN);
    }
    return t;
}

static void hover_layers(const run *r, ofr_plot *plot, const ofr_page_table *t,
                         double scale, const char *unit)
{
    const ofr_page_row *row = t->rows;
    ofr_buf text;

    ofr_buf_init(&text);
    for (int i = 0; i < r->n && row; i++, row = row->next) {
        ofr_buf_clear(&text);
        ofr_buf_adds(&text, where(r, i));
        for (int l = 1; l < t->n_columns; l++)
            if (isfinite(row->cells[l].value))
                ofr_buf_addf(&text, "%s layer %d %.*f%s", l == 1 ? ":" : ",", l,
                             scale > 1 ? 1 : 0, row->cells[l].value * scale, unit);
        if (text.failed) break;
        ((const char **)plot->column_text)[i] = ofr_page_copy(r->page, text.p, text.n);
    }
    if (text.failed) r->page->failed = true;
    ofr_buf_free(&text);
}

static void plot_accuracies(run *r)
{
    const int L = r->history->L;
    ofr_plot *plot =
        begin_plot(r, "run-accuracy", "Accuracy of each exit", "share right (%)");
    ofr_page_table *t =
        layers_table(r, "convergence_accuracy", "Numbers: accuracy of each exit", false);

    if (!plot || !t) return;
    for (int l = 0; l < L; l++)
        ofr_page_series(r->page, plot, ramp_name(r, l, L), OFR_PLOT_LINE, ramp(l, L), t,
                        0, r->n, 0, l + 1, 1, 100);
    hover_layers(r, plot, t, 100, " %");
}

/* Bars on bars: layer 1 at the bottom. */
static void plot_exits(run *r)
{
    const int L = r->history->L;
    ofr_plot *plot = begin_plot(r, "run-exits", "Where texts leave", "dev texts");
    ofr_page_table *t =
        layers_table(r, "convergence_exits", "Numbers: exits at every look", true);
    double *base = ofr_page_alloc(r->page, (size_t)r->n, sizeof *base);

    if (!plot || !t || !base) return;
    plot->y_from = 0;
    for (int l = 0; l < L; l++) {
        ofr_plot_series *s =
            ofr_page_series(r->page, plot, ramp_name(r, l, L), OFR_PLOT_BARS, ramp(l, L),
                            t, 0, r->n, 0, l + 1, 1, 1);
        double *top = ofr_page_alloc(r->page, (size_t)r->n, sizeof *top);

        if (!s || !top) return;
        for (int i = 0; i < s->n; i++)
            top[i] = base[i] + s->y[i];
        s->base = base;
        s->y = base = top;
    }
    hover_layers(r, plot, t, 1, "");
}

/* ---- the section ---------------------------------------------------------------- */

static void verdict_row(ofr_page *page, ofr_page_table *t, const char *what,
                        const ofr_verdict *v)
{
    ofr_page_row_begin(page, t);
    ofr_page_word(t, what);
    ofr_page_word(t, ofr_verdict_name(v->kind));
    ofr_page_number(t, OFR_CELL_COUNT, 0, v->n);
    ofr_page_word(t, ofr_page_copy(page, v->why, strlen(v->why)));
}

static ofr_status add_verdict(ofr_page *page, const ofr_history *history, ofr_error *err)
{
    static const int moods[] = {[OFR_VERDICT_UNKNOWN] = 0,
                                [OFR_VERDICT_CONVERGED] = 1,
                                [OFR_VERDICT_MOVING] = 2,
                                [OFR_VERDICT_OSCILLATING] = 2,
                                [OFR_VERDICT_DEGRADING] = 3};
    ofr_run_verdict v;
    ofr_page_table *t;

    OFR_TRY(ofr_verdict_of_run(&v, history, err));
    ofr_page_verdict(page, ofr_verdict_name(v.run.kind), moods[v.run.kind],
                     ofr_page_copy(page, v.run.why, strlen(v.run.why)));
    t = ofr_page_table_begin(page, "verdicts", "Numbers: the verdict in its parts",
                             OFR_LOOK_FOLDED);
    ofr_page_column(t, "of", "of", false);
    ofr_page_column(t, "verdict", "verdict", false);
    ofr_page_column(t, "looks", "looks", true);
    ofr_page_column(t, "why", "why", false);
    verdict_row(page, t, "the run", &v.run);
    verdict_row(page, t, "iterations", &v.iterations);
    verdict_row(page, t,
                v.phase[0] ? ofr_page_format(page, "epochs of the last %s phase", v.phase)
                           : "epochs",
                &v.epochs);
    return OFR_OK;
}

ofr_status ofr_part_run(ofr_page *page, const ofr_history *history, ofr_error *err)
{
    run r = {.page = page, .history = history};
    bool has_histogram = false, has_accuracy = false;

    ofr_page_section_begin(page, "convergence-section", "Convergence");
    OFR_TRY(add_verdict(page, history, err));
    if (!find_looks(&r) || !find_bands(&r)) return OFR_OK;
    add_table(&r);
    plot_columns(&r, "run-score", "Score on the dev set", "score", SCORE, "early exit",
                 FULL, "full model", 1);
    plot_columns(&r, "run-exit", "Mean exit layer", "layer", EXIT, NULL, 0, NULL, 1);
    plot_columns(&r, "run-changed", "Texts that changed their exit", "texts (%)", CHANGED,
                 NULL, 0, NULL, 100);
    plot_columns(&r, "run-entropy", "Entropy of the policy", "nats", ENTROPY, NULL, 0,
                 NULL, 1);
    plot_columns(&r, "run-reward", "Expected reward", "reward", REWARD, NULL, 0, NULL, 1);
    for (int i = 0; i < r.n; i++) {
        has_histogram = has_histogram || point_of(&r, i)->histogram;
        has_accuracy = has_accuracy || point_of(&r, i)->accuracy;
    }
    if (history->L + 1 > OFR_PAGE_COLUMNS) return OFR_OK;
    if (has_accuracy) plot_accuracies(&r);
    if (has_histogram) plot_exits(&r);
    return OFR_OK;
}
