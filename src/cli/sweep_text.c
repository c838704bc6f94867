/* sweep_text.c - the tables that `offramp sweep` prints. */
#include "cli/sweep_text.h"

#include <math.h>

#include "eval/curve.h"
#include "report/grid.h"

static void add_name(ofr_grid *grid, const char *rule, double alpha)
{
    if (isnan(alpha))
        ofr_grid_cell(grid, "%s", rule);
    else
        ofr_grid_cell(grid, "%s, price %g", rule, alpha);
}

/* A curve, or with y = random what the same exits are worth at random. */
static void add_line(ofr_grid *grid, const ofr_sweep_run *run, const ofr_sweep_line *line,
                     const double *y)
{
    const bool floor = y == line->random;

    if (floor)
        ofr_grid_cell(grid, "- at random");
    else
        add_name(grid, line->name, line->alpha);
    ofr_grid_real(grid, ofr_curve_area(line->saved, y, line->n, run->area_to), 100, 2);
    for (int k = 0; k < OFR_LINE_AT; k++)
        ofr_grid_real(grid, ofr_curve_height(line->saved, y, line->n,
                                             ofr_line_saved_at[k]), 100, 2);
    for (int k = 0; k < OFR_LINE_AT; k++) {
        const ofr_sweep_point *point = floor ? NULL : line->at_lost[k];

        if (!point)
            ofr_grid_cell(grid, "-");
        else
            ofr_grid_cell(grid, "%.1f %% (%.2f)", 100 * point->report.saved_layers,
                          100 * point->report.score);
    }
}

static void add_curves(ofr_buf *out, const ofr_sweep_run *run)
{
    ofr_grid grid;

    ofr_grid_open(&grid, 2 + 2 * OFR_LINE_AT);
    ofr_grid_cell(&grid, "rule");
    ofr_grid_cell(&grid, "area");
    for (int k = 0; k < OFR_LINE_AT; k++)
        ofr_grid_cell(&grid, "at %g %%", 100 * ofr_line_saved_at[k]);
    for (int k = 0; k < OFR_LINE_AT; k++)
        ofr_grid_cell(&grid, "lost %g", ofr_line_points_lost[k]);
    for (int i = 0; i < run->n_lines; i++) {
        add_line(&grid, run, &run->lines[i], run->lines[i].score);
        add_line(&grid, run, &run->lines[i], run->lines[i].random);
    }
    ofr_grid_markdown(out, &grid);
    ofr_grid_close(&grid);
    ofr_buf_addf(out,
                 "\narea: mean score up to %.1f %% saved; at: score with this share of "
                 "the layers saved;\nlost: what is saved (and scored) by the knob that "
                 "loses no more than so many points\non the tuning texts; at random: the "
                 "same exits dealt out at random.\n\n",
                 100 * run->area_to);
}

static void add_point(ofr_grid *grid, const ofr_sweep_curve *curve,
                      const ofr_sweep_point *point)
{
    if (isnan(point->knob))
        ofr_grid_cell(grid, "full model");
    else
        add_name(grid, curve->rule->name, curve->alpha);
    if (isnan(point->knob))
        ofr_grid_cell(grid, "-");
    else
        ofr_grid_cell(grid, "%.6g%s", point->knob, point->stored ? " (stored)" : "");
    ofr_grid_real(grid, point->report.score, 100, 2);
    ofr_grid_real(grid, point->random_score, 100, 2);
    ofr_grid_real(grid, point->report.mean_exit, 1, 2);
    ofr_grid_real(grid, point->report.saved_layers, 100, 1);
    ofr_grid_real(grid, point->report.flops_ratio, 100, 1);
    ofr_grid_real(grid, point->early.runs ? point->early.median : (double)NAN, 1, 3);
}

/* The front of all rules, the operating point and whatever was timed. */
static void add_points(ofr_buf *out, const ofr_sweep_run *run)
{
    static const char *const head[] = {"rule", "knob", "score", "at random", "mean exit",
                                       "saved %", "FLOPs %", "ms"};
    const ofr_sweep *s = &run->sweep;
    ofr_grid grid;

    ofr_grid_open(&grid, 8);
    for (int i = 0; i < 8; i++)
        ofr_grid_cell(&grid, "%s", head[i]);
    for (int c = 0; c < s->n_curves; c++)
        for (int i = 0; i < s->curves[c].n; i++) {
            const ofr_sweep_point *point = &s->curves[c].points[i];

            if (point->best || point->stored || point->early.runs)
                add_point(&grid, &s->curves[c], point);
        }
    for (int k = 0; k < 2 && s->has_exits; k++) {
        ofr_grid_cell(&grid, "oracle: %s", s->oracles[k].name);
        ofr_grid_cell(&grid, "-");
        ofr_grid_real(&grid, s->oracles[k].report.score, 100, 2);
        ofr_grid_cell(&grid, "-");
        ofr_grid_real(&grid, s->oracles[k].report.mean_exit, 1, 2);
        ofr_grid_real(&grid, s->oracles[k].report.saved_layers, 100, 1);
        ofr_grid_real(&grid, s->oracles[k].report.flops_ratio, 100, 1);
        ofr_grid_cell(&grid, "-");
    }
    ofr_grid_markdown(out, &grid);
    ofr_grid_close(&grid);
}

static void add_cost(ofr_buf *out, const ofr_sweep_run *run)
{
    const ofr_sweep *s = &run->sweep;
    const int n = s->report->data->n + (s->tuned ? s->tune->data->n : 0);
    const double passes = (double)s->texts_run / n;

    ofr_buf_addf(out,
                 "\ncost: %lld texts through all layers for %d points, %.2f full "
                 "evaluations; with the\nreplays %.2f by the clock (%.2f s + %.2f s)",
                 s->texts_run, ofr_sweep_count(s), passes,
                 passes * (1 + run->replay_seconds / run->pass_seconds),
                 run->pass_seconds, run->replay_seconds);
    if (run->policy_texts)
        ofr_buf_addf(out, ", and %d texts to fit the policies to, %d to follow them",
                     run->policy_texts, run->policy_dev_texts);
    ofr_buf_adds(out, "\n");
}

void ofr_sweep_text(ofr_buf *out, const ofr_sweep_run *run)
{
    const ofr_sweep *s = &run->sweep;

    ofr_buf_addf(out, "%s, %s of %d texts, %d layers, full model %.2f\n",
                 run->source.name, ofr_metric_name(s->o.metric), s->report->data->n, s->L,
                 100 * s->report->score_full);
    if (s->tuned)
        ofr_buf_addf(out, "knobs chosen on %d other texts (%s), figures of %s\n\n",
                     s->tune->data->n,
                     run->job->tune_held ? "held out from training" : run->job->tune,
                     run->source.path);
    else
        ofr_buf_adds(out, "knobs chosen on the same texts: these are figures of a dev "
                          "set, too good for new texts\n\n");
    add_curves(out, run);
    add_points(out, run);
    add_cost(out, run);
}
