/*
 * ablate_iterations.c - what do 0 to 5 task phases bring?
 *
 * A run with k iterations passes through the end of every run with fewer, bit for
 * bit, so one run per seed answers for all; its journal has a line for each.
 */
#include <math.h>
#include <string.h>

#include "cli/ablate.h"
#include "eval/verdict.h"

enum { MOST = 5, POINTS = MOST + 1 };

typedef struct figures {
    double score[POINTS][OFR_ABLATE_SEEDS], full[POINTS][OFR_ABLATE_SEEDS];
    double depth[POINTS][OFR_ABLATE_SEEDS], reward[POINTS][OFR_ABLATE_SEEDS];
    double changed[POINTS][OFR_ABLATE_SEEDS];
    int verdicts[OFR_VERDICT_DEGRADING + 1];
} figures;

static ofr_status read_history(figures *f, const ofr_ablate_unit *unit, int s,
                               ofr_error *err)
{
    char path[OFR_PATH_MAX];
    ofr_history history;
    ofr_run_verdict verdict;
    ofr_status status;
    int k = 0;

    OFR_TRY(ofr_file_join(path, unit->folder, "journal.jsonl", err));
    OFR_TRY(ofr_history_open(&history, path, err));
    for (int i = 0; i < history.n && k < POINTS; i++) {
        const ofr_history_point *p = &history.points[i];

        if (!p->iteration_end) continue;
        f->score[k][s] = 100 * p->score;
        f->full[k][s] = 100 * p->score_full;
        f->depth[k][s] = p->mean_exit;
        f->reward[k][s] = p->reward;
        f->changed[k][s] = 100 * p->changed;
        k++;
    }
    status = ofr_verdict_of_run(&verdict, &history, err);
    ofr_history_close(&history);
    if (!status) f->verdicts[verdict.iterations.kind]++;
    if (!status && k < POINTS)
        status =
            ofr_fail(err, OFR_FORMAT, "%s: %d iterations, expected %d", path, k, POINTS);
    return status;
}

static void say_point(ofr_ablation *a, const figures *f, int k)
{
    ofr_ablate_say(a, "After %d task phases the score is %.1f at mean exit layer %.2f.",
                   k, ofr_stats_mean(f->score[k], a->n_seeds),
                   ofr_stats_mean(f->depth[k], a->n_seeds));
}

/* Is k better than fewer: a higher reward, which pays for both score and depth? */
static void conclude(ofr_ablation *a, const figures *f)
{
    int best = 0;

    for (int k = 1; k < POINTS; k++) {
        double gain[OFR_ABLATE_SEEDS];

        for (int s = 0; s < a->n_seeds; s++)
            gain[s] = f->reward[k][s] - f->reward[best][s];
        if (ofr_ablate_judge(gain, a->n_seeds, 0) > 0) best = k;
    }
    if (best == 0)
        ofr_ablate_say(a,
                       "No number of task phases is shown to earn a higher reward on dev "
                       "than none.");
    else
        ofr_ablate_say(a,
                       "The reward on dev is shown to rise up to task phase %d, and not "
                       "after it.",
                       best);
    say_point(a, f, 0);
    if (best > 0 && best < MOST) say_point(a, f, best);
    say_point(a, f, MOST);
    for (int v = 0; v <= OFR_VERDICT_DEGRADING; v++)
        if (f->verdicts[v])
            ofr_ablate_say(a, "%d of %d runs: %s.", f->verdicts[v], a->n_seeds,
                           ofr_verdict_name((ofr_verdict_kind)v));
}

static ofr_status report(ofr_ablation *a, const figures *f, ofr_error *err)
{
    static const char *const columns[] = {"task phases",
                                          "score by the policy, percent",
                                          "score at full depth, percent",
                                          "mean exit layer",
                                          "texts that left elsewhere, percent",
                                          "reward"};

    OFR_TRY(ofr_ablate_table(a, "After each iteration", columns, 6, err));
    for (int k = 0; k < POINTS; k++) {
        const ofr_ablate_cell cells[] = {ofr_ablate_cell_of(f->score[k], a->n_seeds, 1),
                                         ofr_ablate_cell_of(f->full[k], a->n_seeds, 1),
                                         ofr_ablate_cell_of(f->depth[k], a->n_seeds, 2),
                                         ofr_ablate_cell_of(f->changed[k], a->n_seeds, 1),
                                         ofr_ablate_cell_of(f->reward[k], a->n_seeds, 4)};
        char label[16];

        snprintf(label, sizeof label, "%d", k);
        OFR_TRY(ofr_ablate_row(a, columns, label, cells, 5, err));
    }
    conclude(a, f);
    return OFR_OK;
}

static ofr_status run(ofr_ablation *a, ofr_error *err)
{
    figures f = {0};

    if (a->o->train.method.task_epochs < 1)
        return ofr_fail(err, OFR_INVALID,
                        "--task-epochs 0 has no task phases to count; give 1 or more");
    for (int s = 0; s < a->n_seeds; s++) {
        ofr_train_values values = ofr_ablate_base(a, s);
        ofr_ablate_unit *unit;

        values.method.iterations = MOST;
        values.method.tolerance = values.method.tolerance_layers = 0; /* no early stop */
        OFR_TRY(ofr_ablate_train(a, &unit, "five", &values, s, true, err));
        OFR_TRY(read_history(&f, unit, s, err));
    }
    return report(a, &f, err);
}

static const char *const fixed[] = {"prices", "iterations", "tolerance",
                                    "tolerance-layers", NULL};

const ofr_ablate_question ofr_ablate_iterations = {
    "iterations", "How many iterations of task and policy phases?", fixed, run};
