/*
 * verdict.c - the rule of docs/METHODS.md, Convergence.
 *
 * A score moves when it moves by more than half a point, and by more than half
 * its standard error as a share of that many dev texts; exits move when their
 * mean does by more than 2 % of the depth.  A verdict needs twice of either.
 */
#include "eval/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define SCORE_STILL   0.005 /* half a point of the score                          */
#define DEPTH_STILL   0.02  /* of the number of layers                            */
#define CHANGED_STILL 0.10  /* share of texts that may leave elsewhere            */
#define SWINGS        3     /* moves that oscillation needs at least              */
#define WINDOW        4     /* looks at which oscillation is searched at least    */

typedef struct series {
    const ofr_history_point *points;
    int n;
    double score_still, exit_still;
} series;

static double score_of(const ofr_history_point *point)
{
    return point->score;
}

static double exit_of(const ofr_history_point *point)
{
    return point->mean_exit;
}

static double reward_of(const ofr_history_point *point)
{
    return point->reward;
}

typedef double (*figure)(const ofr_history_point *point);

static double score_tolerance(const ofr_history_point *last)
{
    const double s = fmin(fmax(last->score, 0), 1);

    if (last->n < 1) return SCORE_STILL;
    return fmax(SCORE_STILL, 0.5 * sqrt(s * (1 - s) / last->n));
}

static double mean_of(const series *s, figure f, int first, int end)
{
    double sum = 0;

    for (int i = first; i < end; i++)
        sum += f(&s->points[i]);
    return sum / (end - first);
}

/* Oscillating: at least SWINGS moves in the later half of the looks, most of
 * them back on the one before, and no way made between its two halves. */
static bool oscillates(ofr_verdict *v, const series *s, figure f, double still,
                       const char *what)
{
    const int window = (s->n + 1) / 2 > WINDOW ? (s->n + 1) / 2 : WINDOW;
    const int first = s->n > window ? s->n - window : 0, middle = (first + s->n) / 2;
    double last = 0, largest = 0;
    int moves = 0, turns = 0;

    for (int i = first + 1; i < s->n; i++) {
        const double move = f(&s->points[i]) - f(&s->points[i - 1]);

        if (!(fabs(move) > still)) continue;
        turns += moves > 0 && move * last < 0;
        moves++;
        last = move;
        largest = fmax(largest, fabs(move));
    }
    if (moves < SWINGS || 2 * turns <= moves - 1) return false;
    if (fabs(mean_of(s, f, middle, s->n) - mean_of(s, f, first, middle)) > 2 * still)
        return false;
    v->kind = OFR_VERDICT_OSCILLATING;
    snprintf(v->why, sizeof v->why,
             "%s moved %d times in the last %d looks and turned back %d times, by up to "
             "%.4g",
             what, moves, s->n - first, turns, largest);
    return true;
}

/* The end of a series: the last look, or the mean of the last two of four or more,
 * so that one unlucky look does not decide. */
static ofr_history_point end_of(const series *s)
{
    ofr_history_point end = s->points[s->n - 1];

    if (s->n < 4) return end;
    end.score = mean_of(s, score_of, s->n - 2, s->n);
    end.mean_exit = mean_of(s, exit_of, s->n - 2, s->n);
    end.reward = mean_of(s, reward_of, s->n - 2, s->n);
    return end;
}

/* Better than the end in one way by a margin, worse in none.  NaN is never so. */
static bool dominates(const series *s, const ofr_history_point *early,
                      const ofr_history_point *end)
{
    const double gain = early->score - end->score;
    double deeper = end->mean_exit - early->mean_exit;

    if (isnan(deeper)) deeper = 0;
    if (early->reward < end->reward) return false;
    return (gain > 2 * s->score_still && deeper >= -s->exit_still) ||
           (deeper > 2 * s->exit_still && gain >= -s->score_still);
}

static bool degrades(ofr_verdict *v, const series *s)
{
    const ofr_history_point end = end_of(s);
    const ofr_history_point *best = NULL;

    for (int i = 0; i < s->n - 1; i++) {
        const ofr_history_point *early = &s->points[i];

        if (!dominates(s, early, &end) || (best && early->score <= best->score)) continue;
        best = early;
    }
    if (!best) return false;
    v->kind = OFR_VERDICT_DEGRADING;
    int n = snprintf(v->why, sizeof v->why,
                     "%s %d was better than the end: score %.4f, "
                     "now %.4f",
                     best->iteration_end ? "iteration" : "epoch",
                     best->iteration_end ? best->iteration : best->epoch, best->score,
                     end.score);
    if (!isnan(best->mean_exit) && n > 0 && (size_t)n < sizeof v->why)
        snprintf(v->why + n, sizeof v->why - (size_t)n,
                 "; mean exit layer %.2f, now %.2f", best->mean_exit, end.mean_exit);
    return true;
}

static void settle(ofr_verdict *v, const series *s)
{
    const ofr_history_point *last = &s->points[s->n - 1];
    const int moves = s->n - 1 < 2 ? s->n - 1 : 2;
    double score = 0, depth = 0;
    char exits[64] = "", changed[48] = "";
    bool still;

    for (int i = s->n - moves; i < s->n; i++) {
        score = fmax(score, fabs(s->points[i].score - s->points[i - 1].score));
        depth = fmax(depth, fabs(s->points[i].mean_exit - s->points[i - 1].mean_exit));
    }
    still = score <= s->score_still && depth <= s->exit_still &&
            !(last->changed > CHANGED_STILL);
    v->kind = still ? OFR_VERDICT_CONVERGED : OFR_VERDICT_MOVING;
    if (!isnan(last->mean_exit))
        snprintf(exits, sizeof exits, ", mean exit layer by %.2f", depth);
    if (!isnan(last->changed))
        snprintf(changed, sizeof changed, "; %.1f %% of texts left elsewhere",
                 100 * last->changed);
    snprintf(v->why, sizeof v->why, "in the last %d looks the score moved by %.4f%s%s",
             moves + 1, score, exits, changed);
}

void ofr_verdict_of(ofr_verdict *verdict, const ofr_history_point *points, int n, int L)
{
    const series s = {points, n, n > 0 ? score_tolerance(&points[n - 1]) : SCORE_STILL,
                      DEPTH_STILL * L};

    *verdict = (ofr_verdict){.kind = OFR_VERDICT_UNKNOWN, .n = n};
    if (n < 2) {
        snprintf(verdict->why, sizeof verdict->why,
                 "%d looks at the dev set; a verdict needs two", n);
        return;
    }
    if (oscillates(verdict, &s, score_of, s.score_still, "the score")) return;
    if (oscillates(verdict, &s, exit_of, s.exit_still, "the mean exit layer")) return;
    if (degrades(verdict, &s)) return;
    settle(verdict, &s);
}

/* The epochs of the last phase that was looked at: its last row of points. */
static int last_phase(const ofr_history *history, ofr_history_point *out)
{
    const ofr_history_point *last = NULL;
    int n = 0;

    for (int i = 0; i < history->n; i++)
        if (!history->points[i].iteration_end) last = &history->points[i];
    for (int i = 0; last && i < history->n; i++) {
        const ofr_history_point *p = &history->points[i];

        if (!p->iteration_end && p->iteration == last->iteration &&
            strcmp(p->phase, last->phase) == 0)
            out[n++] = *p;
    }
    return n;
}

ofr_status ofr_verdict_of_run(ofr_run_verdict *verdict, const ofr_history *history,
                              ofr_error *err)
{
    const size_t bytes = (size_t)(history->n + 1) * sizeof(ofr_history_point);
    ofr_history_point *points = ofr_mem_alloc(bytes);
    int n = 0;

    if (!points) return ofr_fail_nomem(err, bytes, "a verdict");
    *verdict = (ofr_run_verdict){0};
    for (int i = 0; i < history->n; i++)
        if (history->points[i].iteration_end) points[n++] = history->points[i];
    ofr_verdict_of(&verdict->iterations, points, n, history->L);
    n = last_phase(history, points);
    ofr_verdict_of(&verdict->epochs, points, n, history->L);
    if (n > 0) snprintf(verdict->phase, sizeof verdict->phase, "%s", points[0].phase);
    verdict->run = verdict->iterations.kind >= verdict->epochs.kind ? verdict->iterations
                                                                    : verdict->epochs;
    ofr_mem_free(points);
    return OFR_OK;
}

ofr_status ofr_verdict_of_journal(ofr_run_verdict *verdict, const char *journal_path,
                                  ofr_error *err)
{
    ofr_history history;
    ofr_status status;

    OFR_TRY(ofr_history_open(&history, journal_path, err));
    status = ofr_verdict_of_run(verdict, &history, err);
    ofr_history_close(&history);
    return status;
}

const char *ofr_verdict_name(ofr_verdict_kind kind)
{
    static const char *const names[] = {"unknown", "converged", "still moving",
                                        "oscillating", "degrading"};

    return names[kind];
}
