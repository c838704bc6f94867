/*
 * ablate_consistency.c - training each exit for the texts that leave there, or all
 * exits for all texts?
 *
 *   consistent    the joint phase, then --iterations task phases under the policy
 *   weighted sum  the same phases, epochs and learning rates, but the task phases
 *                 go on with the loss of the joint phase
 *
 * Two comparisons: each model on the exits that its own policies chose, and both on
 * the exits of the consistent model, text by text.
 */
#include <math.h>

#include "cli/ablate.h"

enum { CONSISTENT, WEIGHTED, VARIANTS, LAYERS = 512 }; /* as many as models have */

static const char *const variants[VARIANTS] = {"consistent", "weighted-sum"};

/* Sums over seeds and prices; of right answers, by layer. */
typedef struct tally {
    double left[VARIANTS][LAYERS], own[VARIANTS][LAYERS];
    double same[LAYERS]; /* of the weighted sum at the consistent model's exits */
} tally;

static ofr_status make(ofr_ablation *a, ofr_ablate_unit **out, int variant, int p, int s,
                       ofr_error *err)
{
    ofr_train_values values = ofr_ablate_base(a, s);
    ofr_method_options *m = &values.method;
    char name[64];

    m->alpha = a->prices[p];
    m->tolerance = m->tolerance_layers = 0; /* no early stop */
    if (variant == WEIGHTED) m->task_loss = OFR_TASK_JOINT;
    snprintf(name, sizeof name, "%s-%g", variants[variant], a->prices[p]);
    return ofr_ablate_train(a, out, name, &values, s, true, err);
}

static bool right_at(const ofr_ablate_unit *unit, int i, int layer)
{
    return unit->right[(size_t)i * (size_t)unit->L + (size_t)layer - 1];
}

/* Share of the weighted sum's answers that are right at the exits of `exits`. */
static double right_at_exits_of(const ofr_ablate_unit *unit, const ofr_ablate_unit *exits)
{
    int right = 0;

    for (int i = 0; i < unit->n; i++)
        right += right_at(unit, i, exits->exit[i]);
    return (double)right / unit->n;
}

static void add(tally *t, ofr_ablate_unit *const *pair)
{
    for (int i = 0; i < pair[0]->n; i++)
        for (int v = 0; v < VARIANTS; v++) {
            const int l = pair[v]->exit[i];

            t->left[v][l - 1]++;
            t->own[v][l - 1] += right_at(pair[v], i, l);
            if (v == CONSISTENT) t->same[l - 1] += right_at(pair[WEIGHTED], i, l);
        }
}

static ofr_status add_layers(ofr_ablation *a, const tally *t, int L, ofr_error *err)
{
    static const char *const columns[] = {
        "exit",
        "consistent: left there, percent",
        "right among them, percent",
        "weighted sum: right on the same texts, percent",
        "weighted sum: left there, percent",
        "right among these, percent"};
    double all[VARIANTS] = {0};

    for (int v = 0; v < VARIANTS; v++)
        for (int l = 0; l < L; l++)
            all[v] += t->left[v][l];
    OFR_TRY(ofr_ablate_table(a, "Every classifier on the texts that leave there", columns,
                             6, err));
    for (int l = 0; l < L; l++) {
        const double n = t->left[CONSISTENT][l], m = t->left[WEIGHTED][l];
        const ofr_ablate_cell cells[] = {
            ofr_ablate_number(100 * n / all[CONSISTENT], 1),
            ofr_ablate_number(n > 0 ? 100 * t->own[CONSISTENT][l] / n : (double)NAN, 1),
            ofr_ablate_number(n > 0 ? 100 * t->same[l] / n : (double)NAN, 1),
            ofr_ablate_number(100 * m / all[WEIGHTED], 1),
            ofr_ablate_number(m > 0 ? 100 * t->own[WEIGHTED][l] / m : (double)NAN, 1)};
        char label[16];

        snprintf(label, sizeof label, "%d", l + 1);
        OFR_TRY(ofr_ablate_row(a, columns, label, cells, 5, err));
    }
    return OFR_OK;
}

typedef struct figures {
    double right[VARIANTS][OFR_ABLATE_PRICES][OFR_ABLATE_SEEDS]; /* percent */
    double depth[VARIANTS][OFR_ABLATE_PRICES][OFR_ABLATE_SEEDS];
    double full[VARIANTS][OFR_ABLATE_PRICES][OFR_ABLATE_SEEDS];
    double same[OFR_ABLATE_SEEDS];  /* points, consistent less weighted sum, at the
                                       consistent model's exits */
    double equal[OFR_ABLATE_SEEDS]; /* points, at equal depth, own exits */
} figures;

static ofr_status add_totals(ofr_ablation *a, const figures *f, ofr_error *err)
{
    static const char *const columns[] = {"training", "price", "right, percent",
                                          "mean exit layer", "score at full depth"};

    OFR_TRY(ofr_ablate_table(a, "Both trainings by their own policies", columns, 5, err));
    for (int v = 0; v < VARIANTS; v++)
        for (int p = 0; p < a->n_prices; p++) {
            const ofr_ablate_cell cells[] = {
                ofr_ablate_number(a->prices[p], 4),
                ofr_ablate_cell_of(f->right[v][p], a->n_seeds, 1),
                ofr_ablate_cell_of(f->depth[v][p], a->n_seeds, 2),
                ofr_ablate_cell_of(f->full[v][p], a->n_seeds, 1)};

            OFR_TRY(ofr_ablate_row(a, columns, variants[v], cells, 4, err));
        }
    return OFR_OK;
}

static void say(ofr_ablation *a, const double *x, const char *where)
{
    const ofr_ablate_cell cell = ofr_ablate_cell_of(x, a->n_seeds, 2);
    const int sign = ofr_ablate_judge(x, a->n_seeds, 0.5);

    if (isnan(cell.mean))
        ofr_ablate_say(a, "%s the two trainings share no depth to be compared at.",
                       where);
    else if (sign == 0)
        ofr_ablate_say(a,
                       "%s these runs show no difference (%+.2f points for consistent "
                       "training).",
                       where, cell.mean);
    else
        ofr_ablate_say(a, "%s %s is better by %.2f points.", where,
                       sign > 0 ? "consistent training" : "the weighted sum",
                       fabs(cell.mean));
}

static void measure(figures *f, tally *t, ofr_ablate_unit *const *units, int P, int S)
{
    for (int s = 0; s < S; s++) {
        f->same[s] = 0;
        for (int p = 0; p < P; p++) {
            ofr_ablate_unit *const pair[VARIANTS] = {units[p * S + s],
                                                     units[(P + p) * S + s]};

            add(t, pair);
            f->same[s] += 100 *
                          (ofr_ablate_right(pair[CONSISTENT], NULL) -
                           right_at_exits_of(pair[WEIGHTED], pair[CONSISTENT])) /
                          P;
            for (int v = 0; v < VARIANTS; v++) {
                f->right[v][p][s] = 100 * ofr_ablate_right(pair[v], NULL);
                f->depth[v][p][s] = pair[v]->mean_exit;
                f->full[v][p][s] = 100 * pair[v]->score_full;
            }
        }
        f->equal[s] = 100 * ofr_ablate_gap(units + s, units + P * S + s, P, S, NULL);
    }
}

/* Both trainings differ in their task phases alone. */
static ofr_status check(const ofr_method_options *m, ofr_error *err)
{
    if (m->iterations < 1)
        return ofr_fail(err, OFR_INVALID,
                        "--iterations 0 has no consistent training to "
                        "compare; give 1 or more");
    if (m->task_epochs < 1)
        return ofr_fail(err, OFR_INVALID,
                        "--task-epochs 0 has no consistent training to compare; give 1 "
                        "or more");
    if (m->task_loss == OFR_TASK_JOINT)
        return ofr_fail(err, OFR_INVALID,
                        "--task-loss joint is what consistent training is compared with; "
                        "give expected or sampled");
    return OFR_OK;
}

static ofr_status run(ofr_ablation *a, ofr_error *err)
{
    ofr_ablate_unit *units[VARIANTS * OFR_ABLATE_PRICES * OFR_ABLATE_SEEDS] = {0};
    const int P = a->n_prices, S = a->n_seeds;
    figures f = {0};
    tally t = {0};

    OFR_TRY(check(&a->o->train.method, err));
    for (int s = 0; s < S; s++)
        for (int v = 0; v < VARIANTS; v++)
            for (int p = 0; p < P; p++)
                OFR_TRY(make(a, &units[(v * P + p) * S + s], v, p, s, err));
    measure(&f, &t, units, P, S);
    OFR_TRY(add_totals(a, &f, err));
    OFR_TRY(add_layers(a, &t, units[0]->L, err));
    say(a, f.same, "On the same texts at the same exits");
    say(a, f.equal, "At equal depth, each by its own policies,");
    return OFR_OK;
}

static const char *const fixed[] = {"alpha", "tolerance", "tolerance-layers", NULL};

const ofr_ablate_question ofr_ablate_consistency = {
    "consistency", "Does consistent training make the exits better where texts leave?",
    fixed, run};
