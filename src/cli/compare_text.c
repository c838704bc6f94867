/* compare_text.c - the tables of `offramp compare`. */
#include "cli/compare_text.h"

#include <math.h>

#include "report/grid.h"

static void spread(ofr_grid *grid, ofr_compare_mean m, int n, int decimals)
{
    ofr_grid_spread(grid, m.mean, n > 1 ? m.std : (double)NAN, 100, decimals);
}

static void head_costs(ofr_grid *grid, const ofr_compare_whole *whole)
{
    for (int k = 0; k < OFR_LINE_AT; k++)
        ofr_grid_cell(grid, "at %g %%", 100 * ofr_line_saved_at[k]);
    ofr_grid_cell(grid, "at %.1f %% (reference)", 100 * whole->reference_saved.mean);
}

/* ---- scores at equal cost ------------------------------------------------ */

static void add_equal_cost(ofr_buf *out, const ofr_compare_runs *runs,
                           const ofr_compare_whole *whole)
{
    ofr_grid grid;

    ofr_grid_open(&grid, 3 + OFR_COMPARE_COSTS);
    ofr_grid_cell(&grid, "method");
    ofr_grid_cell(&grid, "full depth");
    head_costs(&grid, whole);
    ofr_grid_cell(&grid, "area");
    for (int i = 0; i < runs->plan->n_methods; i++) {
        const ofr_compare_summary *m = &whole->of[i];

        if (m->n_ok == 0) continue;
        ofr_grid_cell(&grid, "%s", runs->plan->methods[i]->name);
        spread(&grid, m->full, m->n_ok, 2);
        for (int k = 0; k < OFR_COMPARE_COSTS; k++)
            spread(&grid, m->at[k], m->n_ok, 2);
        spread(&grid, m->area, m->n_ok, 2);
        ofr_grid_cell(&grid, "- at random");
        ofr_grid_cell(&grid, "-");
        for (int k = 0; k < OFR_COMPARE_COSTS; k++)
            spread(&grid, m->random_at[k], m->n_ok, 2);
        spread(&grid, m->random_area, m->n_ok, 2);
    }
    ofr_grid_markdown(out, &grid);
    ofr_grid_close(&grid);
}

/* ---- savings ------------------------------------------------------------- */

static void saved_and_score(ofr_grid *grid, ofr_compare_mean saved,
                            ofr_compare_mean score)
{
    if (isnan(saved.mean))
        ofr_grid_cell(grid, "-");
    else
        ofr_grid_cell(grid, "%.1f %% (%.2f)", 100 * saved.mean, 100 * score.mean);
}

static void add_savings(ofr_buf *out, const ofr_compare_runs *runs,
                        const ofr_compare_whole *whole)
{
    ofr_grid grid;

    ofr_grid_open(&grid, 5 + OFR_LINE_AT);
    ofr_grid_cell(&grid, "method");
    for (int k = 0; k < OFR_LINE_AT; k++)
        ofr_grid_cell(&grid, "lost %g", ofr_line_points_lost[k]);
    ofr_grid_cell(&grid, "as trained");
    ofr_grid_cell(&grid, "same exits at random");
    ofr_grid_cell(&grid, "first right exit");
    ofr_grid_cell(&grid, "first agreeing exit");
    for (int i = 0; i < runs->plan->n_methods; i++) {
        const ofr_compare_summary *m = &whole->of[i];

        if (m->n_ok == 0) continue;
        ofr_grid_cell(&grid, "%s", runs->plan->methods[i]->name);
        for (int k = 0; k < OFR_LINE_AT; k++)
            saved_and_score(&grid, m->lost_saved[k], m->lost_score[k]);
        saved_and_score(&grid, m->saved, m->score);
        ofr_grid_real(&grid, m->random.mean, 100, 2);
        saved_and_score(&grid, m->first_saved, m->first_score);
        saved_and_score(&grid, m->agree_saved, m->agree_score);
    }
    ofr_grid_markdown(out, &grid);
    ofr_grid_close(&grid);
}

/* ---- differences --------------------------------------------------------- */

static void add_differences(ofr_buf *out, const ofr_compare_runs *runs,
                            const ofr_compare_whole *whole, bool to_first)
{
    ofr_grid grid;

    ofr_grid_open(&grid, 1 + OFR_COMPARE_COSTS);
    if (to_first)
        ofr_grid_cell(&grid, "minus %s", runs->plan->methods[0]->name);
    else
        ofr_grid_cell(&grid, "minus the full model");
    head_costs(&grid, whole);
    for (int i = to_first; i < runs->plan->n_methods; i++) {
        const ofr_compare_summary *m = &whole->of[i];

        if (m->n_ok == 0) continue;
        ofr_grid_cell(&grid, "%s", runs->plan->methods[i]->name);
        for (int k = 0; k < OFR_COMPARE_COSTS; k++) {
            const ofr_paired_result *r = to_first ? &m->against_first[k]
                                                  : &m->against_full[k];

            if (isnan(r->difference))
                ofr_grid_cell(&grid, "-");
            else
                ofr_grid_cell(&grid, "%+.2f [%+.2f, %+.2f]", 100 * r->difference,
                              100 * r->low, 100 * r->high);
        }
    }
    ofr_grid_markdown(out, &grid);
    ofr_grid_close(&grid);
}

/* ---- the page ------------------------------------------------------------ */

static void add_failures(ofr_buf *out, const ofr_compare_runs *runs)
{
    const ofr_compare_plan *plan = runs->plan;

    for (int i = 0; i < plan->n_methods; i++)
        for (int s = 0; s < plan->n_seeds; s++)
            if (!runs->ok[i][s])
                ofr_buf_addf(out, "failed: %s, seed %llu: %s\n", plan->methods[i]->name,
                             (unsigned long long)plan->seeds[s], runs->error[i][s].text);
}

static void add_reading(ofr_buf *out, const ofr_compare_runs *runs,
                        const ofr_compare_whole *whole)
{
    const ofr_compare_plan *plan = runs->plan;

    ofr_buf_addf(
        out,
        "\nScores x 100, mean and standard deviation over seeds.  at: score with this "
        "share of the\nlayers saved, by knobs that held-out training texts recommend; "
        "the reference is what\n%s saves as it was trained.  area: mean score up to "
        "%.1f %% saved.  at random: the\nsame exits dealt out at random.\n\n",
        plan->methods[plan->reference]->name, 100 * whole->area_to);
}

void ofr_compare_text(ofr_buf *out, const ofr_compare_runs *runs,
                      const ofr_compare_whole *whole)
{
    const ofr_compare_plan *plan = runs->plan;
    const char *full = whole->full_method < 0 ? "each method's own last layer"
                                              : "finetune of the same seed";

    ofr_buf_addf(out, "%s: %s of %d texts, %d layers, %d seed%s\n\n", plan->title,
                 ofr_metric_name(whole->metric), whole->n_texts, whole->n_layers,
                 plan->n_seeds, plan->n_seeds == 1 ? "" : "s");
    add_failures(out, runs);
    if (whole->n_texts == 0) return;
    add_equal_cost(out, runs, whole);
    add_reading(out, runs, whole);
    add_savings(out, runs, whole);
    ofr_buf_addf(out,
                 "\nShare of layers saved, and in brackets the score.  lost: by the knob "
                 "that loses no more\nthan so many points on the held-out texts, counted "
                 "from %s.\nas trained: at the operating point the model came with.  "
                 "first right and first agreeing\nexit: oracles, which know the answer, "
                 "or what the last layer will say.\n\n",
                 full);
    add_differences(out, runs, whole, false);
    ofr_buf_addf(out,
                 "\nDifference of scores at equal cost to %s at full depth,\nwith 95 %% "
                 "intervals of a paired bootstrap over the texts (%d resamples).\n\n",
                 full, plan->o->resamples);
    if (plan->n_methods < 2) return;
    add_differences(out, runs, whole, true);
    ofr_buf_addf(out, "\nThe same, to %s at the same cost.\n\n", plan->methods[0]->name);
}

void ofr_compare_commands(ofr_buf *out, const ofr_compare_runs *runs)
{
    const ofr_compare_plan *plan = runs->plan;
    char dir[OFR_PATH_MAX];

    for (int i = 0; i < plan->n_methods; i++)
        for (int s = 0; s < plan->n_seeds; s++) {
            ofr_train_values train;
            ofr_sweep_values sweep;

            if (ofr_compare_dir(dir, plan, i, s, NULL)) continue;
            ofr_compare_train(&train, plan, i, s, dir);
            ofr_compare_sweep(&sweep, plan, i, dir);
            ofr_buf_addf(out, "# %s, seed %llu\n", plan->methods[i]->name,
                         (unsigned long long)plan->seeds[s]);
            ofr_train_command(out, &train);
            ofr_buf_addc(out, '\n');
            ofr_sweep_command(out, &sweep);
            ofr_buf_addc(out, '\n');
        }
}
