/*
 * html_curves.c - trade-off curves of methods and rules.
 *
 * A curve is a method and a rule, made of the points that the tuning texts recommend:
 * of policies fitted to several prices together those that no other beats, which is
 * `policy*` of the tables.  One seed: its points.  Several: the mean over the seeds at
 * equal saving, each read between its own points by proportion and level before its
 * first, as the tables read them, up to what all of them reach.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/curve.h"
#include "report/html_parts.h"
#include "report/html_records.h"

enum { NAME, KNOB, ALPHA, SAVED, SCORE, FLOPS, RANDOM };
/* A mean has a point every 1/STEPS of the layers saved, and marks on some of them. */
enum { STEPS = 40, MARK_EVERY = 7 };
/* Every colour with filled marks, then every colour dotted with hollow ones. */
enum { LOOKS = 2 * OFR_PLOT_COLOURS };

typedef struct group {
    const char *method, *rule, *name;
    bool prices;        /* it has policies fitted to prices */
    bool mean;          /* of several seeds, on a grid */
    int first, n;       /* its rows of the table */
    int timed, n_timed; /* its rows of the table of measured points */
} group;

/* Room for all points. */
typedef struct room {
    const json_t **lines, **kept;
    double *seeds, *tune_saved, *tune_score, *saved;
    unsigned char *keep;
    int *order;
} room;

typedef struct curves {
    ofr_page *page;
    const ofr_records *records;
    group *groups;
    int n_groups;
    room room;
    ofr_page_table *table;
    const char *full_name; /* the method whose full model is drawn */
    double full;           /* its score, mean over the seeds */
} curves;

/* ---- groups --------------------------------------------------------------------- */

static group *find_group(curves *c, const char *method, const char *rule)
{
    for (int g = 0; g < c->n_groups; g++)
        if (strcmp(c->groups[g].method, method) == 0 &&
            strcmp(c->groups[g].rule, rule) == 0)
            return &c->groups[g];
    return NULL;
}

static void find_groups(curves *c)
{
    const size_t n = ofr_records_count(c->records, OFR_RECORD_POINT);

    c->groups = ofr_page_alloc(c->page, n, sizeof *c->groups);
    for (size_t i = 0; i < n && c->groups; i++) {
        const json_t *line = ofr_records_line(c->records, OFR_RECORD_POINT, i);
        const char *method = ofr_record_text(line, "method");
        const char *rule = ofr_record_text(line, "rule");
        group *it = find_group(c, method, rule);

        if (!it) {
            it = &c->groups[c->n_groups++];
            *it = (group){.method = method, .rule = rule};
        }
        if (!isnan(ofr_record_number(line, "alpha"))) it->prices = true;
    }
}

/* As short as it can be: what all share is not said.  Charts outlive the records. */
static void name_groups(curves *c)
{
    bool one_method = true, one_rule = true;

    for (int g = 1; g < c->n_groups; g++) {
        one_method = one_method && !strcmp(c->groups[g].method, c->groups[0].method);
        for (int h = 0; h < g; h++)
            one_rule = one_rule && strcmp(c->groups[g].method, c->groups[h].method);
    }
    for (int g = 0; g < c->n_groups; g++) {
        group *it = &c->groups[g];
        const char *all = it->prices ? "*" : "";

        if (one_method)
            it->name = ofr_page_format(c->page, "%s%s", it->rule, all);
        else if (one_rule)
            it->name = ofr_page_copy(c->page, it->method, strlen(it->method));
        else
            it->name = ofr_page_format(c->page, "%s, %s%s", it->method, it->rule, all);
    }
}

/* ---- points --------------------------------------------------------------------- */

static bool room_open(room *r, ofr_page *page, size_t n)
{
    r->lines = ofr_page_alloc(page, n, sizeof *r->lines);
    r->kept = ofr_page_alloc(page, n, sizeof *r->kept);
    r->seeds = ofr_page_alloc(page, n, sizeof *r->seeds);
    r->tune_saved = ofr_page_alloc(page, n, sizeof *r->tune_saved);
    r->tune_score = ofr_page_alloc(page, n, sizeof *r->tune_score);
    r->saved = ofr_page_alloc(page, n, sizeof *r->saved);
    r->keep = ofr_page_alloc(page, n, sizeof *r->keep);
    r->order = ofr_page_alloc(page, n, sizeof *r->order);
    return !page->failed;
}

static bool belongs(const json_t *line, const group *g)
{
    return strcmp(ofr_record_text(line, "method"), g->method) == 0 &&
           strcmp(ofr_record_text(line, "rule"), g->rule) == 0;
}

/* Lines without a seed belong together. */
static bool same_seed(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* A figure of the tuning texts; a record without them was tuned on what it reports. */
static double tuned(const json_t *line, const char *key, const char *reported)
{
    const double x = ofr_record_number(line, key);

    return isnan(x) ? ofr_record_number(line, reported) : x;
}

/* The curve of one seed of a group in ascending order of what it saves, in `kept`.
 * `front` is by price: what is left of them together is the front of all. */
static int collect(const curves *c, const group *g, double seed)
{
    const size_t n = ofr_records_count(c->records, OFR_RECORD_POINT);
    const room *r = &c->room;
    int found = 0, kept;

    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(c->records, OFR_RECORD_POINT, i);

        if (!belongs(line, g) || !same_seed(ofr_record_number(line, "seed"), seed))
            continue;
        if (json_is_false(json_object_get(line, "front"))) continue;
        r->lines[found] = line;
        r->tune_saved[found] = tuned(line, "tune_saved_layers", "saved_layers");
        r->tune_score[found] = tuned(line, "tune_score", "score");
        r->saved[found++] = ofr_record_number(line, "saved_layers");
    }
    ofr_curve_front(r->keep, r->tune_saved, r->tune_score, found);
    kept = ofr_curve_order(r->order, r->keep, r->saved, found);
    for (int i = 0; i < kept; i++)
        r->kept[i] = r->lines[r->order[i]];
    return kept;
}

static void add_row(curves *c, const group *g, double knob, double alpha,
                    const double *values)
{
    ofr_page_row_begin(c->page, c->table);
    ofr_page_word(c->table, g->name);
    ofr_page_number(c->table, OFR_CELL_SHORT, 0, knob);
    ofr_page_number(c->table, OFR_CELL_SHORT, 0, alpha);
    ofr_page_number(c->table, OFR_CELL_PERCENT, 1, values[0]);
    ofr_page_number(c->table, OFR_CELL_REAL, 4, values[1]);
    ofr_page_number(c->table, OFR_CELL_PERCENT, 1, values[2]);
    ofr_page_number(c->table, OFR_CELL_REAL, 4, values[3]);
}

static const char *const figures[] = {"saved_layers", "score", "flops_ratio",
                                      "random_score"};
enum { FIGURES = 4 };

static void add_single(curves *c, const group *g, int n)
{
    double values[FIGURES];

    for (int i = 0; i < n; i++) {
        const json_t *line = c->room.kept[i];

        for (int f = 0; f < FIGURES; f++)
            values[f] = ofr_record_number(line, figures[f]);
        add_row(c, g, ofr_record_number(line, "knob"), ofr_record_number(line, "alpha"),
                values);
    }
}

/* One seed's curve as arrays. */
typedef struct seed_curve {
    int n;
    double *figure[FIGURES]; /* [n] each */
} seed_curve;

static bool read_seed(curves *c, seed_curve *s, int n)
{
    s->n = n;
    for (int f = 0; f < FIGURES; f++) {
        s->figure[f] = ofr_page_alloc(c->page, (size_t)n, sizeof(double));
        if (!s->figure[f]) return false;
        for (int i = 0; i < n; i++)
            s->figure[f][i] = ofr_record_number(c->room.kept[i], figures[f]);
    }
    return n > 0;
}

static void add_means(curves *c, const group *g, const seed_curve *seeds, int n_seeds)
{
    double high = 1, at = -INFINITY;

    for (int s = 0; s < n_seeds; s++)
        high = fmin(high, seeds[s].figure[0][seeds[s].n - 1]);
    for (int i = 0; at < high; i++) {
        double values[FIGURES] = {0};

        at = fmin((double)i / STEPS, high);
        for (int f = 0; f < FIGURES; f++)
            for (int s = 0; s < n_seeds; s++)
                values[f] += ofr_curve_height(seeds[s].figure[0], seeds[s].figure[f],
                                              seeds[s].n, at) /
                             n_seeds;
        values[0] = at;
        add_row(c, g, NAN, NAN, values);
    }
}

/* The seeds in the order of the file; their number. */
static int find_seeds(const curves *c, const group *g)
{
    const size_t n = ofr_records_count(c->records, OFR_RECORD_POINT);
    double *seeds = c->room.seeds;
    int found = 0;

    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(c->records, OFR_RECORD_POINT, i);
        const double seed = ofr_record_number(line, "seed");
        int k = 0;

        if (!belongs(line, g)) continue;
        while (k < found && !same_seed(seeds[k], seed))
            k++;
        if (k == found) seeds[found++] = seed;
    }
    return found;
}

static void add_group(curves *c, group *g)
{
    const int n_seeds = find_seeds(c, g);
    seed_curve *found;
    int used = 0;

    g->first = c->table->n_rows;
    if (n_seeds == 1) {
        add_single(c, g, collect(c, g, c->room.seeds[0]));
    } else {
        g->mean = true;
        found = ofr_page_alloc(c->page, (size_t)n_seeds, sizeof *found);
        for (int s = 0; s < n_seeds && found; s++)
            used += read_seed(c, &found[used], collect(c, g, c->room.seeds[s]));
        if (used) add_means(c, g, found, used);
    }
    g->n = c->table->n_rows - g->first;
}

static void add_points_table(curves *c)
{
    ofr_page_table *t = ofr_page_table_begin(
        c->page, "curve_points", "Numbers: the points of the curves", OFR_LOOK_FOLDED);

    c->table = t;
    if (!t ||
        !room_open(&c->room, c->page, ofr_records_count(c->records, OFR_RECORD_POINT)))
        return;
    ofr_page_column(t, "curve", "curve", false);
    ofr_page_column(t, "knob", "knob", true);
    ofr_page_column(t, "alpha", "alpha", true);
    ofr_page_column(t, "saved_layers", "saved layers", true);
    ofr_page_column(t, "score", "score", true);
    ofr_page_column(t, "flops_ratio", "FLOPs of full", true);
    ofr_page_column(t, "random_score", "random exits", true);
    for (int g = 0; g < c->n_groups; g++)
        add_group(c, &c->groups[g]);
}

/* ---- charts --------------------------------------------------------------------- */

static void hover(curves *c, ofr_plot_series *series, const char *name, const char *x,
                  const char *unit)
{
    const char **text =
        series ? ofr_page_alloc(c->page, (size_t)series->n, sizeof *text) : NULL;

    if (!text) return;
    for (int i = 0; i < series->n; i++)
        text[i] = ofr_page_format(c->page, "%s: %s %.4g%s, score %.4f", name, x,
                                  series->x[i], unit, series->y[i]);
    series->hover = text;
}

/* Does a column hold a number in rows first .. first+n-1? */
static bool has_numbers(const curves *c, int column, int first, int n)
{
    int i = 0;

    for (const ofr_page_row *row = c->table ? c->table->rows : NULL; row;
         row = row->next, i++)
        if (i >= first && i < first + n && isfinite(row->cells[column].value))
            return true;
    return false;
}

/* Mean of what the oracle saves and scores over the runs of the first method. */
static void add_oracles(curves *c, ofr_plot *plot)
{
    static const char *const rules[] = {"first-correct", "consistency"};
    static const char *const names[] = {"oracle: first right",
                                        "oracle: agrees with full"};
    const size_t n = ofr_records_count(c->records, OFR_RECORD_ORACLE);

    for (int k = 0; k < 2; k++) {
        ofr_plot_series *point;
        double saved = 0, score = 0;
        int found = 0;

        for (size_t i = 0; i < n; i++) {
            const json_t *line = ofr_records_line(c->records, OFR_RECORD_ORACLE, i);

            if (strcmp(ofr_record_text(line, "rule"), rules[k]) != 0 ||
                strcmp(ofr_record_text(line, "method"), c->groups[0].method) != 0 ||
                isnan(ofr_record_number(line, "score")))
                continue;
            saved += ofr_record_number(line, "saved_layers");
            score += ofr_record_number(line, "score");
            found++;
        }
        if (found == 0) continue;
        point = ofr_page_point(c->page, plot, names[k], OFR_PLOT_NEUTRAL,
                               100 * saved / found, score / found);
        if (point) point->shape = OFR_PLOT_PLUS + k; /* no curve's */
        hover(c, point, names[k], "saved", " %");
    }
}

/* What group g is drawn with; it has a colour and marks of its own among LOOKS. */
static void set_look(ofr_plot_series *series, int g)
{
    if (!series) return;
    series->dotted = g % LOOKS >= OFR_PLOT_COLOURS;
    if (series->dotted) series->shape += OFR_PLOT_FILLED;
}

/* A line, and marks on it that tell the curves apart; a mean has few of them, and where
 * depends on the curve: marks of curves that run together do not cover each other. */
static void plot_group(curves *c, ofr_plot *plot, int g, int column, double scale,
                       const char *x_name)
{
    const group *it = &c->groups[g];
    const int colour = g % OFR_PLOT_COLOURS;
    ofr_plot_series *line, *marks;

    line = ofr_page_series(c->page, plot, NULL, OFR_PLOT_LINE, colour, c->table,
                           it->first, it->n, column, SCORE, scale, 1);
    marks = ofr_page_series(c->page, plot, it->name, OFR_PLOT_POINTS, colour, c->table,
                            it->first, it->n, column, SCORE, scale, 1);
    set_look(line, g);
    set_look(marks, g);
    hover(c, line, it->name, x_name, " %");
    for (int i = 0; marks && it->mean && i + 1 < marks->n; i++)
        if (i % MARK_EVERY != g % MARK_EVERY) ((double *)marks->y)[i] = NAN;
}

static void plot_one(curves *c, const char *key, const char *title, const char *x_label,
                     const char *x_name, int column)
{
    const double scale = 100;
    ofr_plot *plot;
    double from = INFINITY, to = -INFINITY;

    if (!c->table || !has_numbers(c, column, 0, c->table->n_rows)) return;
    plot = ofr_page_plot(c->page, key, title, x_label, "score");
    for (const ofr_page_row *row = c->table->rows; row; row = row->next) {
        from = fmin(from, row->cells[column].value * scale);
        to = fmax(to, row->cells[column].value * scale);
    }
    ofr_page_level(c->page, plot, c->full_name, OFR_PLOT_NEUTRAL, from, to, c->full);
    if (c->groups[0].n)
        ofr_page_series(c->page, plot,
                        ofr_page_format(c->page, "random exits (%s)", c->groups[0].name),
                        OFR_PLOT_DASHED, 0, c->table, c->groups[0].first, c->groups[0].n,
                        column, RANDOM, scale, 1);
    for (int g = 0; g < c->n_groups; g++)
        if (has_numbers(c, column, c->groups[g].first, c->groups[g].n))
            plot_group(c, plot, g, column, scale, x_name);
    if (column == SAVED) add_oracles(c, plot);
}

/* ---- time ----------------------------------------------------------------------- */

/* Every point that was measured, group after group: noise would fold a line, and the
 * mean over seeds of points that were not all measured would not exist. */
static ofr_page_table *timed_table(curves *c, double *ms_full)
{
    const size_t n = ofr_records_count(c->records, OFR_RECORD_POINT);
    ofr_page_table *t =
        ofr_page_table_begin(c->page, "timed_points",
                             "Numbers: the points that were measured", OFR_LOOK_FOLDED);
    double sum = 0;

    ofr_page_column(t, "curve", "curve", false);
    ofr_page_column(t, "seed", "seed", true);
    ofr_page_column(t, "knob", "knob", true);
    ofr_page_column(t, "ms_per_text", "ms per text", true);
    ofr_page_column(t, "score", "score", true);
    ofr_page_column(t, "saved_layers", "saved layers", true);
    ofr_page_column(t, "ms_per_text_full", "ms per text, full model", true);
    for (int g = 0; t && g < c->n_groups; g++) {
        c->groups[g].timed = t->n_rows;
        for (size_t i = 0; i < n; i++) {
            const json_t *line = ofr_records_line(c->records, OFR_RECORD_POINT, i);

            if (!belongs(line, &c->groups[g]) ||
                isnan(ofr_record_number(line, "ms_per_text")))
                continue;
            ofr_page_row_begin(c->page, t);
            ofr_page_word(t, c->groups[g].name);
            ofr_page_number(t, OFR_CELL_SHORT, 0, ofr_record_number(line, "seed"));
            ofr_page_number(t, OFR_CELL_SHORT, 0, ofr_record_number(line, "knob"));
            ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "ms_per_text"));
            ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "score"));
            ofr_page_number(t, OFR_CELL_PERCENT, 1,
                            ofr_record_number(line, "saved_layers"));
            ofr_page_number(t, OFR_CELL_REAL, 4,
                            ofr_record_number(line, "ms_per_text_full"));
            sum += ofr_record_number(line, "ms_per_text_full");
        }
        c->groups[g].n_timed = t->n_rows - c->groups[g].timed;
    }
    *ms_full = t && t->n_rows ? sum / t->n_rows : NAN;
    return t;
}

static bool any_timed(const curves *c)
{
    for (size_t i = 0; i < ofr_records_count(c->records, OFR_RECORD_POINT); i++)
        if (!isnan(ofr_record_number(ofr_records_line(c->records, OFR_RECORD_POINT, i),
                                     "ms_per_text")))
            return true;
    return false;
}

static void plot_time(curves *c)
{
    ofr_page_table *t;
    ofr_plot *plot;
    double ms_full = NAN;

    if (!any_timed(c)) return;
    plot = ofr_page_plot(c->page, "time", "Score against measured time", "ms per text",
                         "score");
    t = timed_table(c, &ms_full);
    for (int g = 0; g < c->n_groups; g++) {
        const group *it = &c->groups[g];
        ofr_plot_series *points;

        if (it->n_timed == 0) continue;
        points =
            ofr_page_series(c->page, plot, it->name, OFR_PLOT_POINTS,
                            g % OFR_PLOT_COLOURS, t, it->timed, it->n_timed, 3, 4, 1, 1);
        set_look(points, g);
        hover(c, points, it->name, "time", " ms");
    }
    if (isfinite(ms_full) && isfinite(c->full))
        hover(c,
              ofr_page_point(c->page, plot, c->full_name, OFR_PLOT_NEUTRAL, ms_full,
                             c->full),
              c->full_name, "time", " ms");
}

/* A comparison says whose full model losses are counted from; "own": each method's. */
static void find_full(curves *c)
{
    const size_t n = ofr_records_count(c->records, OFR_RECORD_RUN);
    const char *method = ofr_record_text(
        ofr_records_line(c->records, OFR_RECORD_COMPARE, 0), "full_model");
    double sum = 0;
    int found = 0;

    if (!method[0] || strcmp(method, "own") == 0) method = c->groups[0].method;
    c->full_name = ofr_page_format(c->page, "full model (%s)", method);
    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(c->records, OFR_RECORD_RUN, i);
        const double score = ofr_record_number(line, "score_full");

        if (isnan(score) || strcmp(ofr_record_text(line, "method"), method) != 0)
            continue;
        sum += score;
        found++;
    }
    c->full = found ? sum / found : NAN;
}

static void add_curves(curves *c)
{
    ofr_page_section_begin(c->page, "curves-section", "Quality against cost");
    if (c->n_groups == 0) {
        ofr_page_say(c->page, "No run left any points.");
        return;
    }
    ofr_page_say(c->page,
                 "Up is better, and so is right where layers are saved, left where "
                 "cost is shown. A curve that does not rise above random exits "
                 "has learned nothing. Oracles know what they can not know. A mean over "
                 "seeds is level before a seed's first point, as it is in the tables: "
                 "who saves more than is asked for may.");
    if (c->n_groups > LOOKS)
        ofr_page_say(c->page, ofr_page_format(c->page,
                                              "There are more than %d curves, so some "
                                              "look alike; the values tell them apart.",
                                              LOOKS));
    find_full(c);
    add_points_table(c);
    plot_one(c, "saved", "Score against saved layers", "saved layers (%)", "saved",
             SAVED);
    plot_one(c, "flops", "Score against FLOPs", "FLOPs of the full model (%)", "FLOPs",
             FLOPS);
    plot_time(c);
}

/* What all runs have in common, unless somebody has named the page. */
static void add_titles(curves *c)
{
    const size_t n = ofr_records_count(c->records, OFR_RECORD_RUN);
    const json_t *first = ofr_records_line(c->records, OFR_RECORD_RUN, 0);
    const bool compared = ofr_records_count(c->records, OFR_RECORD_COMPARE) > 0;
    const char *task = ofr_record_text(first, "task");
    const char *metric = ofr_record_text(first, "metric");

    if (!c->page->title)
        c->page->title = !compared && n == 1
                             ? ofr_page_format(c->page, "Exit rules of %s on %s",
                                               ofr_record_text(first, "method"), task)
                             : ofr_page_format(c->page, "Early-exit methods on %s", task);
    if (!c->page->subtitle)
        c->page->subtitle =
            ofr_page_format(c->page, "%s \xc2\xb7 %zu run%s, %d curve%s", metric, n,
                            n == 1 ? "" : "s", c->n_groups, c->n_groups == 1 ? "" : "s");
}

ofr_status ofr_part_curves(ofr_page *page, const char *path, ofr_error *err)
{
    ofr_records records;
    curves c = {.page = page, .records = &records, .full = NAN};

    OFR_TRY(ofr_records_open(&records, path, err));
    find_groups(&c);
    name_groups(&c);
    add_titles(&c);
    ofr_part_methods(page, &records);
    add_curves(&c);
    ofr_part_operating(page, &records);
    ofr_part_runs(page, &records);
    ofr_records_close(&records);
    return OFR_OK;
}
