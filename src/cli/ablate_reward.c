/*
 * ablate_reward.c - the price of a layer times (1 - hardness), or plain?
 *
 * Both rewards at several prices, on one joint phase per seed.  Texts are easy or
 * hard by the layer at which the joint model had memorized them, which is the same
 * for both.  A reward is better for a group when its curve of right answers against
 * depth is higher, so that a variant can not win by leaving later.
 */
#include <math.h>

#include "base/mem.h"
#include "cli/ablate.h"

enum { HARDNESS, PLAIN, VARIANTS };
enum { ALL, EASY, HARD, LOW, MIDDLE, HIGH, GROUPS };

static const char *const variants[VARIANTS] = {"hardness", "plain"};
static const char *const groups[GROUPS] = {"all texts",          "the easy half",
                                           "the hard half",      "the first tercile",
                                           "the second tercile", "the third tercile"};

static void set(ofr_train_values *values, int variant)
{
    values->method.reward = variant == PLAIN ? OFR_REWARD_PLAIN : OFR_REWARD_HARDNESS;
}

/* Largest memorized layer of the easiest `share` of the texts. */
static int layer_at(const ofr_ablate_unit *joint, double share)
{
    int below = 0;

    for (int m = 1; m <= joint->L; m++) {
        for (int i = 0; i < joint->n; i++)
            below += joint->memorized[i] == m;
        if (below >= share * joint->n) return m;
    }
    return joint->L;
}

/* member[n] of a group: texts whose memorized layer is in its part. */
static void mark(unsigned char *member, const ofr_ablate_unit *joint, int group)
{
    const int third = layer_at(joint, 1.0 / 3), two = layer_at(joint, 2.0 / 3);
    int half = layer_at(joint, 0.5);

    if (half == joint->L && half > 1) half--;
    const int above[GROUPS] = {0, 0, half, 0, third, two};
    const int up_to[GROUPS] = {joint->L, half, joint->L, third, two, joint->L};
    for (int i = 0; i < joint->n; i++)
        member[i] =
            joint->memorized[i] > above[group] && joint->memorized[i] <= up_to[group];
}

typedef struct figures {
    double right[VARIANTS][OFR_ABLATE_PRICES][OFR_ABLATE_SEEDS];
    double depth[VARIANTS][OFR_ABLATE_PRICES][OFR_ABLATE_SEEDS];
    double gap[OFR_ABLATE_SEEDS]; /* points, hardness less plain */
    double texts[OFR_ABLATE_SEEDS];
} figures;

static void measure(figures *f, const ofr_ablation *a, ofr_ablate_unit **units,
                    unsigned char *member, int group)
{
    const int P = a->n_prices, S = a->n_seeds;

    for (int s = 0; s < S; s++) {
        mark(member, a->joint[s], group);
        f->texts[s] = 0;
        for (int i = 0; i < a->joint[s]->n; i++)
            f->texts[s] += member[i];
        for (int v = 0; v < VARIANTS; v++)
            for (int p = 0; p < P; p++) {
                const ofr_ablate_unit *unit = units[(v * P + p) * S + s];

                f->right[v][p][s] = 100 * ofr_ablate_right(unit, member);
                f->depth[v][p][s] = ofr_ablate_depth(unit, member);
            }
        f->gap[s] = 100 * ofr_ablate_gap(units + s, units + P * S + s, P, S, member);
    }
}

static const char *const columns[] = {"group, reward", "price", "texts", "right, percent",
                                      "mean exit layer"};

static ofr_status add_rows(ofr_ablation *a, const figures *f, int group, ofr_error *err)
{
    for (int v = 0; v < VARIANTS; v++)
        for (int p = 0; p < a->n_prices; p++) {
            const ofr_ablate_cell cells[] = {
                ofr_ablate_number(a->prices[p], 4),
                ofr_ablate_number(ofr_stats_mean(f->texts, a->n_seeds), 0),
                ofr_ablate_cell_of(f->right[v][p], a->n_seeds, 1),
                ofr_ablate_cell_of(f->depth[v][p], a->n_seeds, 2)};
            char label[64];

            snprintf(label, sizeof label, "%s, %s", groups[group], variants[v]);
            OFR_TRY(ofr_ablate_row(a, columns, label, cells, 4, err));
        }
    return OFR_OK;
}

static void say_gap(ofr_ablation *a, const double *gap, int group)
{
    const ofr_ablate_cell cell = ofr_ablate_cell_of(gap, a->n_seeds, 2);
    const int sign = ofr_ablate_judge(gap, a->n_seeds, 0.5);

    if (isnan(cell.mean))
        ofr_ablate_say(a, "On %s the two rewards share no depth to be compared at.",
                       groups[group]);
    else if (sign == 0)
        ofr_ablate_say(a,
                       "On %s these runs show no difference at equal depth (%+.2f "
                       "points for the hardness factor).",
                       groups[group], cell.mean);
    else
        ofr_ablate_say(a, "On %s the %s reward is better at equal depth, by %.2f points.",
                       groups[group], sign > 0 ? "hardness" : "plain", fabs(cell.mean));
}

/* How much later do hard texts leave than easy ones, and does the factor change it? */
static void say_spread(ofr_ablation *a, const figures *easy, const figures *hard)
{
    double spread[VARIANTS][OFR_ABLATE_SEEDS], change[OFR_ABLATE_SEEDS];

    for (int s = 0; s < a->n_seeds; s++) {
        for (int v = 0; v < VARIANTS; v++) {
            spread[v][s] = 0;
            for (int p = 0; p < a->n_prices; p++)
                spread[v][s] +=
                    (hard->depth[v][p][s] - easy->depth[v][p][s]) / a->n_prices;
        }
        change[s] = spread[HARDNESS][s] - spread[PLAIN][s];
    }
    if (isnan(ofr_stats_mean(change, a->n_seeds))) {
        ofr_ablate_say(a,
                       "One of the halves has no texts with some seed, so whether hard "
                       "texts leave later can not be said.");
        return;
    }
    const int sign = ofr_ablate_judge(change, a->n_seeds, 0.1);
    ofr_ablate_say(a,
                   "Hard texts leave %.2f layers later than easy ones with the hardness "
                   "factor and %.2f without it: %s.",
                   ofr_ablate_cell_of(spread[HARDNESS], a->n_seeds, 2).mean,
                   ofr_ablate_cell_of(spread[PLAIN], a->n_seeds, 2).mean,
                   sign > 0   ? "the factor gives hard texts more depth"
                   : sign < 0 ? "the factor gives hard texts less depth"
                              : "no difference that these runs show");
}

static ofr_status report(ofr_ablation *a, ofr_ablate_unit **units, figures *f,
                         unsigned char *member, ofr_error *err)
{
    static const char *const gap_columns[] = {"group", "hardness less plain, points"};

    OFR_TRY(ofr_ablate_table(a, "Right answers and depth by group of texts", columns, 5,
                             err));
    for (int g = 0; g < GROUPS; g++) {
        measure(&f[g], a, units, member, g);
        if (ofr_stats_mean(f[g].texts, a->n_seeds) > 0)
            OFR_TRY(add_rows(a, &f[g], g, err));
    }
    OFR_TRY(ofr_ablate_table(a, "The same at equal depth", gap_columns, 2, err));
    for (int g = 0; g < GROUPS; g++) {
        const ofr_ablate_cell cell = ofr_ablate_cell_of(f[g].gap, a->n_seeds, 2);

        if (isnan(cell.mean)) continue;
        OFR_TRY(ofr_ablate_row(a, gap_columns, groups[g], &cell, 1, err));
    }
    for (int g = ALL; g <= HARD; g++)
        say_gap(a, f[g].gap, g);
    say_spread(a, &f[EASY], &f[HARD]);
    return OFR_OK;
}

static ofr_status run(ofr_ablation *a, ofr_error *err)
{
    ofr_ablate_unit *units[VARIANTS * OFR_ABLATE_PRICES * OFR_ABLATE_SEEDS] = {0};
    unsigned char *member = NULL;
    figures *f;
    ofr_status status;

    if (a->o->train.method.hardness == OFR_HARDNESS_NONE)
        return ofr_fail(err, OFR_INVALID,
                        "--hardness none makes both rewards plain; give a measure, "
                        "such as memorized");
    f = ofr_mem_array(GROUPS, sizeof *f);
    if (!f) return ofr_fail_nomem(err, sizeof *f, "figures");
    status = ofr_ablate_grid(a, units, variants, VARIANTS, set, err);
    if (!status) {
        member = ofr_mem_array((size_t)a->joint[0]->n, 1);
        status = member ? report(a, units, f, member, err)
                        : ofr_fail_nomem(err, (size_t)a->joint[0]->n, "figures");
    }
    ofr_mem_free(member);
    ofr_mem_free(f);
    return status;
}

static const char *const fixed[] = {"alpha", "reward", NULL};

const ofr_ablate_question ofr_ablate_reward = {
    "reward", "Does the hardness factor in the reward pay?", fixed, run};
