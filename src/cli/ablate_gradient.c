/*
 * ablate_gradient.c - the policy gradient in closed form, or from sampled exits?
 *
 * One policy phase on one joint model per seed, with the exact gradient and with
 * REINFORCE at 1 to 16 exits per text: how noisy a step's gradient is (early, after
 * one epoch, and late, where the exact run ended), how many steps it takes to the
 * same reward on dev, and where it ends.
 */
#include <math.h>

#include "cli/ablate.h"
#include "cli/load.h"
#include "cli/train_data.h"
#include "eval/history.h"
#include "method/consistentee_noise.h"

enum { EXACT, ONE, VARIANTS = 6, BATCHES = 64 };

#define WAY 0.9 /* of the exact run's way up is "the same reward" */

static const char *const variants[VARIANTS] = {
    "exact", "reinforce-1", "reinforce-2", "reinforce-4", "reinforce-8", "reinforce-16"};
static const int rollouts[VARIANTS] = {0, 1, 2, 4, 8, 16};

typedef double by_seed[OFR_ABLATE_SEEDS];

typedef struct figures {
    by_seed early[VARIANTS], late[VARIANTS]; /* noise of a step's gradient */
    by_seed steps[VARIANTS];                 /* to the same reward; NaN: never */
    by_seed moved;                           /* reward, without a gradient */
    by_seed reward[VARIANTS], score[VARIANTS], depth[VARIANTS];
} figures;

/* noise[v] with the policies that the model in `folder` holds. */
static ofr_status noise_of(double *noise, const ofr_train_source *source,
                           const ofr_train_values *values, const char *folder,
                           ofr_error *err)
{
    const ofr_load_options how = {.threshold = NAN,
                                  .max_tokens = values->max_length,
                                  .threads = values->common.threads,
                                  .tokenizer = true,
                                  .training = true};
    ofr_dataset train, dev;
    ofr_loaded m;
    ofr_status status;

    OFR_TRY(ofr_load_open(&m, folder, &how, err));
    status = ofr_train_open_data(&train, &dev, source, values, m.tok, m.max_tokens, err);
    if (!status) {
        const ofr_method_data data = {&train, &dev, source->metric};

        status = ofr_consistentee_noise(noise, rollouts, VARIANTS, BATCHES, &m.encoder,
                                        m.dev, &data, &values->method, err);
        ofr_dataset_close(&train);
        ofr_dataset_close(&dev);
    }
    ofr_load_close(&m);
    return status;
}

/* Reward on dev at the first and last epoch of one policy phase, and its steps until
 * a target was reached (NaN: never). */
typedef struct climb {
    double first, last, steps;
} climb;

static ofr_status read_climb(climb *c, const ofr_ablate_unit *unit, double target,
                             ofr_error *err)
{
    char path[OFR_PATH_MAX];
    long long begin = 0;
    ofr_history history;

    OFR_TRY(ofr_file_join(path, unit->folder, "journal.jsonl", err));
    OFR_TRY(ofr_history_open(&history, path, err));
    *c = (climb){NAN, NAN, NAN};
    for (int i = 0; i < history.n; i++) {
        const ofr_history_point *p = &history.points[i];

        if (p->iteration_end) continue;
        if (isnan(p->reward)) {
            begin = p->step; /* the end of the joint phase */
            continue;
        }
        if (isnan(c->first)) c->first = p->reward;
        c->last = p->reward;
        if (isnan(c->steps) && p->reward >= target) c->steps = (double)(p->step - begin);
    }
    ofr_history_close(&history);
    return OFR_OK;
}

/* One exit per text gives no gradient, so that run begins at the reward of untrained
 * policies: the foot of the exact run's way.  When that leads nowhere, or down, there is
 * no reward to reach: whoever stands still would be there. */
static ofr_status climb_all(figures *f, ofr_ablate_unit *const *units, int s,
                            ofr_error *err)
{
    climb exact, still, c;

    OFR_TRY(read_climb(&exact, units[EXACT], NAN, err));
    OFR_TRY(read_climb(&still, units[ONE], NAN, err));
    const double way = exact.last - still.first;
    const double target = way > 0 ? still.first + WAY * way : (double)NAN;
    f->moved[s] = still.last - still.first;
    for (int v = 0; v < VARIANTS; v++) {
        OFR_TRY(read_climb(&c, units[v], target, err));
        f->steps[v][s] = c.steps;
        f->reward[v][s] = c.last;
        f->score[v][s] = 100 * units[v]->score;
        f->depth[v][s] = units[v]->mean_exit;
    }
    return OFR_OK;
}

static ofr_status make(ofr_ablation *a, figures *f, int s, ofr_error *err)
{
    ofr_ablate_unit *units[VARIANTS];
    ofr_train_values values = ofr_ablate_base(a, s);
    double noise[2][VARIANTS];

    values.method.iterations = 0;
    values.method.policy_epochs = 0; /* by rule: about 1,000 steps */
    for (int v = 0; v < VARIANTS; v++) {
        values.method.gradient = v == EXACT ? OFR_GRADIENT_EXACT : OFR_GRADIENT_REINFORCE;
        values.method.rollouts = v == EXACT ? a->o->train.method.rollouts : rollouts[v];
        OFR_TRY(ofr_ablate_train(a, &units[v], variants[v], &values, s, true, err));
    }
    OFR_TRY(climb_all(f, units, s, err));
    OFR_TRY(noise_of(noise[0], &a->source, &values, a->joint[s]->folder, err));
    OFR_TRY(noise_of(noise[1], &a->source, &values, units[EXACT]->folder, err));
    for (int v = 0; v < VARIANTS; v++) {
        f->early[v][s] = noise[0][v];
        f->late[v][s] = noise[1][v];
    }
    return OFR_OK;
}

static void say_noise(ofr_ablation *a, const figures *f)
{
    bool still = true;

    for (int s = 0; s < a->n_seeds; s++)
        still = still && f->moved[s] == 0;
    ofr_ablate_say(a,
                   "One sampled exit per text is its own baseline and gives no gradient "
                   "at all, so that run %s.",
                   still ? "stays where it began" : "moves by --weight-decay alone");
    ofr_ablate_say(
        a,
        "Early on, the squared noise of one step's gradient is %.1f times its "
        "squared length when it is exact, from the choice of the batch alone; it "
        "is %.1f times with 2 sampled exits per text and %.1f times with 16.",
        ofr_ablate_cell_of(f->early[EXACT], a->n_seeds, 1).mean,
        ofr_ablate_cell_of(f->early[ONE + 1], a->n_seeds, 1).mean,
        ofr_ablate_cell_of(f->early[VARIANTS - 1], a->n_seeds, 1).mean);
}

static void conclude(ofr_ablation *a, const figures *f)
{
    int other = 0;

    say_noise(a, f);
    for (int v = ONE + 1; v < VARIANTS; v++) {
        by_seed loss;

        for (int s = 0; s < a->n_seeds; s++)
            loss[s] = f->reward[0][s] - f->reward[v][s];
        const int sign = ofr_ablate_judge(loss, a->n_seeds, 0);
        other += sign != 0;
        if (sign)
            ofr_ablate_say(a, "%s ends with a %s reward than exact, by %.4f.",
                           variants[v], sign > 0 ? "lower" : "higher",
                           fabs(ofr_stats_mean(loss, a->n_seeds)));
    }
    if (!other)
        ofr_ablate_say(a, "No number of samples from 2 on is shown to end with another "
                          "reward than the exact gradient.");
}

static ofr_status report(ofr_ablation *a, const figures *f, ofr_error *err)
{
    static const char *const columns[] = {"gradient",
                                          "noise early",
                                          "noise late",
                                          "steps to the same reward",
                                          "runs that got there",
                                          "reward",
                                          "score, percent",
                                          "mean exit layer"};
    const int S = a->n_seeds;

    OFR_TRY(ofr_ablate_table(a, "One policy phase with each estimator", columns, 8, err));
    for (int v = 0; v < VARIANTS; v++) {
        int reached = 0;

        for (int s = 0; s < S; s++)
            reached += !isnan(f->steps[v][s]);
        const ofr_ablate_cell cells[] = {
            ofr_ablate_cell_of(f->early[v], S, 2),  ofr_ablate_cell_of(f->late[v], S, 2),
            ofr_ablate_cell_of(f->steps[v], S, 0),  ofr_ablate_number(reached, 0),
            ofr_ablate_cell_of(f->reward[v], S, 4), ofr_ablate_cell_of(f->score[v], S, 1),
            ofr_ablate_cell_of(f->depth[v], S, 2)};

        OFR_TRY(ofr_ablate_row(a, columns, variants[v], cells, 7, err));
    }
    conclude(a, f);
    return OFR_OK;
}

static ofr_status run(ofr_ablation *a, ofr_error *err)
{
    figures f = {0};

    OFR_TRY(ofr_consistentee_noise_check(&a->o->train.method, err));
    for (int s = 0; s < a->n_seeds; s++)
        OFR_TRY(make(a, &f, s, err));
    return report(a, &f, err);
}

static const char *const fixed[] = {"prices",        "gradient",   "rollouts",
                                    "policy-epochs", "iterations", "task-epochs",
                                    "task-lr",       "task-loss",  NULL};

const ofr_ablate_question ofr_ablate_gradient = {
    "gradient", "The policy gradient in closed form, or from sampled exits?", fixed, run};
