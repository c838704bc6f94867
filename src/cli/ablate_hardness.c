/*
 * ablate_hardness.c - does it matter how hardness is measured?
 *
 * The reward with each measure at several prices, on one joint phase per seed; and
 * how alike the measures order the texts that the policies learn from, taken from
 * the joint model.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cli/ablate.h"
#include "data/order.h"

enum { VARIANTS = 5, MEASURES = 4 }; /* "none" orders nothing */

/* In the order of ofr_hardness. */
static const char *const variants[VARIANTS] = {"memorized", "entropy", "loss",
                                               "forgetting", "none"};

static void set(ofr_train_values *values, int variant)
{
    values->method.hardness = variant;
}

/* ---- the measures themselves ------------------------------------------------------ */

/* Of hardness[n] begin with those of the *kept texts that the policies learn from. */
static ofr_status keep_policy_texts(double *hardness, int n, int *kept,
                                    const ofr_method_options *o, ofr_error *err)
{
    int *items = ofr_mem_array((size_t)n, sizeof *items);
    double *theirs = ofr_mem_array((size_t)n, sizeof *theirs);
    int held = 0;

    if (!items || !theirs) {
        ofr_mem_free(items);
        ofr_mem_free(theirs);
        return ofr_fail_nomem(err, (size_t)n * sizeof *theirs, "hardness");
    }
    ofr_order_part(items, n, o->policy_holdout, o->seed, &held);
    *kept = n;
    if (held && o->policy_data == OFR_POLICY_HELD) {
        for (int i = 0; i < held; i++)
            theirs[i] = hardness[items[i]];
        memcpy(hardness, theirs, (size_t)held * sizeof *theirs);
        *kept = held;
    }
    ofr_mem_free(items);
    ofr_mem_free(theirs);
    return OFR_OK;
}

/* All measures of one seed: hardness[m][*n], owned by the caller. */
static ofr_status read_measures(ofr_ablation *a, double **hardness, int *n, int s,
                                ofr_error *err)
{
    int texts = 0; /* as many for each measure */

    for (int m = 0; m < MEASURES; m++) {
        char path[OFR_PATH_MAX];
        ofr_train_values values = ofr_ablate_base(a, s);
        ofr_ablate_unit *unit;
        char name[64];

        values.method.hardness = m;
        values.method.policy_epochs = 1;
        values.method.iterations = 0;
        snprintf(name, sizeof name, "measure-%s", variants[m]);
        OFR_TRY(ofr_ablate_train(a, &unit, name, &values, s, true, err));
        OFR_TRY(ofr_file_join(path, unit->folder, "checkpoint/state.safetensors", err));
        OFR_TRY(ofr_ablate_hardness_read(&hardness[m], &texts, path, err));
        OFR_TRY(keep_policy_texts(hardness[m], texts, n, &values.method, err));
    }
    return OFR_OK;
}

typedef struct likeness {
    double spearman[MEASURES][MEASURES][OFR_ABLATE_SEEDS];
    double kendall[MEASURES][MEASURES][OFR_ABLATE_SEEDS];
} likeness;

static ofr_status compare_measures(ofr_ablation *a, likeness *like, ofr_error *err)
{
    for (int s = 0; s < a->n_seeds; s++) {
        double *hardness[MEASURES] = {NULL};
        int n = 0;
        ofr_status status = read_measures(a, hardness, &n, s, err);
        double *work = ofr_mem_array(3 * (size_t)n, sizeof *work);

        if (!status && !work)
            status = ofr_fail_nomem(err, 3 * (size_t)n * sizeof *work, "ranks");
        for (int i = 0; i < MEASURES && !status; i++)
            for (int j = 0; j < MEASURES; j++) {
                const double *x = hardness[i], *y = hardness[j];

                like->spearman[i][j][s] = ofr_stats_spearman(work, x, y, n);
                like->kendall[i][j][s] = ofr_stats_kendall(x, y, n);
            }
        for (int m = 0; m < MEASURES; m++)
            ofr_mem_free(hardness[m]);
        ofr_mem_free(work);
        if (status) return status;
    }
    return OFR_OK;
}

static ofr_status add_likeness(ofr_ablation *a,
                               double (*like)[MEASURES][OFR_ABLATE_SEEDS],
                               const char *title, ofr_error *err)
{
    static const char *const columns[] = {"measure", "memorized", "entropy", "loss",
                                          "forgetting"};

    OFR_TRY(ofr_ablate_table(a, title, columns, MEASURES + 1, err));
    for (int i = 0; i < MEASURES; i++) {
        ofr_ablate_cell cells[MEASURES];

        for (int j = 0; j < MEASURES; j++)
            cells[j] = ofr_ablate_cell_of(like[i][j], a->n_seeds, 2);
        OFR_TRY(ofr_ablate_row(a, columns, variants[i], cells, MEASURES, err));
    }
    return OFR_OK;
}

static void say_likeness(ofr_ablation *a, const likeness *like)
{
    int low[2] = {0, 1}, high[2] = {0, 1};
    double least = 2, most = -2;

    for (int i = 0; i < MEASURES; i++)
        for (int j = 0; j < i; j++) {
            const double r = ofr_stats_mean(like->spearman[i][j], a->n_seeds);

            if (r < least) least = r, low[0] = j, low[1] = i;
            if (r > most) most = r, high[0] = j, high[1] = i;
        }
    ofr_ablate_say(
        a,
        "The measures order the texts most alike for %s and %s (Spearman %.2f) and "
        "least for %s and %s (%.2f).",
        variants[high[0]], variants[high[1]], most, variants[low[0]], variants[low[1]],
        least);
}

/* ---- what they do as part of the reward ----------------------------------------------
 */

static ofr_status add_units(ofr_ablation *a, ofr_ablate_unit **units, ofr_error *err)
{
    static const char *const columns[] = {"hardness", "price", "right, percent",
                                          "mean exit layer"};
    const int P = a->n_prices, S = a->n_seeds;

    OFR_TRY(ofr_ablate_table(a, "The same run with each measure", columns, 4, err));
    for (int v = 0; v < VARIANTS; v++)
        for (int p = 0; p < P; p++) {
            double right[OFR_ABLATE_SEEDS], depth[OFR_ABLATE_SEEDS];

            for (int s = 0; s < S; s++) {
                right[s] = 100 * ofr_ablate_right(units[(v * P + p) * S + s], NULL);
                depth[s] = ofr_ablate_depth(units[(v * P + p) * S + s], NULL);
            }
            const ofr_ablate_cell cells[] = {ofr_ablate_number(a->prices[p], 4),
                                             ofr_ablate_cell_of(right, S, 1),
                                             ofr_ablate_cell_of(depth, S, 2)};
            OFR_TRY(ofr_ablate_row(a, columns, variants[v], cells, 3, err));
        }
    return OFR_OK;
}

static ofr_status add_gaps(ofr_ablation *a, ofr_ablate_unit **units, ofr_error *err)
{
    static const char *const columns[] = {"hardness", "less none, points"};
    const int P = a->n_prices, S = a->n_seeds;
    int matters = 0;

    OFR_TRY(ofr_ablate_table(a, "Right answers at equal depth", columns, 2, err));
    for (int v = 0; v < VARIANTS - 1; v++) {
        double gap[OFR_ABLATE_SEEDS];

        for (int s = 0; s < S; s++)
            gap[s] = 100 * ofr_ablate_gap(units + v * P * S + s,
                                          units + (VARIANTS - 1) * P * S + s, P, S, NULL);
        const ofr_ablate_cell cell = ofr_ablate_cell_of(gap, S, 2);
        const int sign = ofr_ablate_judge(gap, S, 0.5);
        OFR_TRY(ofr_ablate_row(a, columns, variants[v], &cell, 1, err));
        matters += sign != 0;
        if (sign)
            ofr_ablate_say(a,
                           "At equal depth %s is %s than no hardness at all, by %.2f "
                           "points.",
                           variants[v], sign > 0 ? "better" : "worse", fabs(cell.mean));
    }
    if (!matters)
        ofr_ablate_say(a,
                       "At equal depth no measure is shown to be better or worse than no "
                       "hardness at all, so these runs do not show that the measure "
                       "matters.");
    return OFR_OK;
}

/* What would leave measures out, or nothing for them to do. */
static ofr_status check(const ofr_ablation *a, ofr_error *err)
{
    const ofr_method_options *m = &a->o->train.method;

    if (a->source.columns.regression)
        return ofr_fail(err, OFR_INVALID,
                        "%s is a regression, which has no entropy; this question needs "
                        "classes",
                        a->source.title);
    if (m->joint_epochs == 0)
        return ofr_fail(err, OFR_INVALID,
                        "forgetting is counted over the joint epochs, and --joint-epochs "
                        "is 0; give some");
    if (m->reward == OFR_REWARD_PLAIN)
        return ofr_fail(err, OFR_INVALID,
                        "--reward plain takes no account of hardness, however it is "
                        "measured; leave it out, or give hardness");
    return OFR_OK;
}

static ofr_status run(ofr_ablation *a, ofr_error *err)
{
    ofr_ablate_unit *units[VARIANTS * OFR_ABLATE_PRICES * OFR_ABLATE_SEEDS] = {0};
    likeness like;

    OFR_TRY(check(a, err));
    OFR_TRY(ofr_ablate_grid(a, units, variants, VARIANTS, set, err));
    OFR_TRY(compare_measures(a, &like, err));
    OFR_TRY(add_units(a, units, err));
    OFR_TRY(add_likeness(a, like.spearman, "Rank correlation (Spearman)", err));
    OFR_TRY(add_likeness(a, like.kendall, "Rank correlation (Kendall's tau-b)", err));
    say_likeness(a, &like);
    return add_gaps(a, units, err);
}

static const char *const fixed[] = {"alpha", "hardness", NULL};

const ofr_ablate_question ofr_ablate_hardness = {
    "hardness", "Does the measure of hardness matter?", fixed, run};
