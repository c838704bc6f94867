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

enum { VARIANTS = 6, BATCHES = 64 };

#define WAY 0.95 /* of the exact run's way up is "the same reward" */

static const char *const variants[VARIANTS] = {
    "exact", "reinforce-1", "reinforce-2", "reinforce-4", "reinforce-8", "reinforce-16"};
static const int rollouts[VARIANTS] = {0, 1, 2, 4, 8, 16};

typedef double by_seed[OFR_ABLATE_SEEDS];

typedef struct figures {
    by_seed early[VARIANTS], late[VARIANTS]; /* noise of a step's gradient */
    by_seed steps[VARIANTS];                 /* to the same reward; NaN: never */
    by_seed reward[VARIANTS], score[VARIANTS], depth[VARIANTS];
    double target[OFR_ABLATE_SEEDS];
} figures;

/* noise[v] with the policies that the model in `folder` holds. */
static ofr_status noise_of(double *noise, const ofr_train_values *values,
                           const char *folder, ofr_error *err)
{
    const ofr_load_options how = {.threshold = NAN,
                                  .max_tokens = values->max_length,
                                  .threads = values->common.threads,
                                  .tokenizer = true,
                                  .training = true};
    ofr_train_source source = {0};
    ofr_dataset train, dev;
    ofr_loaded m;
    ofr_status status;

    OFR_TRY(ofr_train_find(&source, values, err));
    OFR_TRY(ofr_load_open(&m, folder, &how, err));
    status = ofr_train_open_data(&train, &dev, &source, values, m.tok, m.max_tokens, err);
    if (!status) {
        const ofr_method_data data = {&train, &dev, source.metric};

        status = ofr_consistentee_noise(noise, rollouts, VARIANTS, BATCHES, &m.encoder,
                                        m.dev, &data, &values->method, err);
        ofr_dataset_close(&train);
        ofr_dataset_close(&dev);
    }
    ofr_load_close(&m);
    return status;
}

static bool of_policy(const ofr_history_point *p)
{
    return !p->iteration_end && !isnan(p->reward);
}

/* Steps of the policy phase until the reward on dev is at f->target[s] or above; the
 * exact run, which comes first, sets the target. */
static void follow(figures *f, const ofr_history *history, int v, int s)
{
    long long begin = 0;
    double first = NAN, last = NAN;

    for (int i = 0; i < history->n; i++) {
        const ofr_history_point *p = &history->points[i];

        if (!of_policy(p)) {
            if (!p->iteration_end) begin = p->step; /* the end of the joint phase */
            continue;
        }
        if (isnan(first)) first = p->reward;
        last = p->reward;
    }
    if (v == 0) f->target[s] = first + WAY * (last - first);
    f->steps[v][s] = NAN;
    for (int i = history->n - 1; i >= 0; i--)
        if (of_policy(&history->points[i]) && history->points[i].reward >= f->target[s])
            f->steps[v][s] = (double)(history->points[i].step - begin);
    f->reward[v][s] = last;
}

static ofr_status make(ofr_ablation *a, figures *f, int v, int s, ofr_error *err)
{
    ofr_train_values values = ofr_ablate_base(a, s);
    char path[OFR_PATH_MAX];
    double noise[VARIANTS];
    ofr_ablate_unit *unit;
    ofr_history history;

    values.method.gradient = v ? OFR_GRADIENT_REINFORCE : OFR_GRADIENT_EXACT;
    if (v) values.method.rollouts = rollouts[v];
    values.method.iterations = 0;
    values.method.policy_epochs = 0; /* by rule: about 1,000 steps */
    OFR_TRY(ofr_ablate_train(a, &unit, variants[v], &values, s, true, err));
    OFR_TRY(ofr_file_join(path, unit->folder, "journal.jsonl", err));
    OFR_TRY(ofr_history_open(&history, path, err));
    follow(f, &history, v, s);
    ofr_history_close(&history);
    f->score[v][s] = 100 * unit->score;
    f->depth[v][s] = unit->mean_exit;
    if (v) return OFR_OK;
    OFR_TRY(noise_of(noise, &values, a->joint[s]->folder, err));
    for (int k = 0; k < VARIANTS; k++)
        f->early[k][s] = noise[k];
    OFR_TRY(noise_of(noise, &values, unit->folder, err));
    for (int k = 0; k < VARIANTS; k++)
        f->late[k][s] = noise[k];
    return OFR_OK;
}

static void say_noise(ofr_ablation *a, const figures *f)
{
    const double exact = ofr_ablate_cell_of(f->early[0], a->n_seeds, 2).mean;
    const double two = ofr_ablate_cell_of(f->early[2], a->n_seeds, 2).mean;
    const double most = ofr_ablate_cell_of(f->early[VARIANTS - 1], a->n_seeds, 2).mean;

    ofr_ablate_say(
        a, "One sampled exit per text is its own baseline and gives no gradient at "
           "all, so that run stays where it began.");
    ofr_ablate_say(
        a,
        "Early on, the choice of the batch makes the exact gradient of a step %.2f "
        "times as noisy as it is long (squared); 2 sampled exits make that %.2f, "
        "16 make it %.2f.",
        exact, two, most);
}

static void conclude(ofr_ablation *a, const figures *f)
{
    int other = 0;

    say_noise(a, f);
    for (int v = 2; v < VARIANTS; v++) {
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

    for (int s = 0; s < a->n_seeds; s++)
        for (int v = 0; v < VARIANTS; v++)
            OFR_TRY(make(a, &f, v, s, err));
    return report(a, &f, err);
}

const ofr_ablate_question ofr_ablate_gradient = {
    "gradient", "The policy gradient in closed form, or from sampled exits?", run};
