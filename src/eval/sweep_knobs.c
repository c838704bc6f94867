/*
 * sweep_knobs.c - which values of a knob are worth a point.
 *
 * Any rule: its thresholds are tried on a sample of the tuning texts, first spread
 * over the rule's range, then halfway between the two neighbours whose savings are
 * furthest apart; of all that were tried, those are taken whose savings lie nearest
 * to an even spread.  In effect the quantiles of whatever the rule looks at.  A rule
 * of whole numbers has few enough to take every one, unless each has to be run.
 */
#include <math.h>

#include "eval/sweep.h"

#define SAMPLE 400   /* texts of a trial                                    */
#define TRIALS 200   /* thresholds tried at most                            */
#define SPREAD 48    /* of them by the rule's scale                         */

/* Mean exit layer of a sample of the tuning texts. */
static double mean_exit(const ofr_sweep *sweep, const ofr_rule *rule, const ofr_real *pi,
                        double knob)
{
    const ofr_sweep_set *set = sweep->tune;
    const size_t L = (size_t)sweep->L, K = (size_t)sweep->K;
    const int n = set->data->n < SAMPLE ? set->data->n : SAMPLE;
    long long sum = 0;

    for (int i = 0; i < n; i++) {
        const size_t text = (size_t)i * (size_t)set->data->n / (size_t)n;

        sum += ofr_rule_replay(rule, knob, set->outputs.logits + text * L * K,
                               pi + text * (L - 1), sweep->L, sweep->K);
    }
    return (double)sum / n;
}

typedef struct trial {
    double knob, mean_exit;
} trial;

static void insert(trial *trials, int *n, int at, double knob, double mean)
{
    for (int i = *n; i > at; i--)
        trials[i] = trials[i - 1];
    trials[at] = (trial){knob, mean};
    ++*n;
}

/* Halve the largest step between neighbours until steps are small. */
static int refine(const ofr_sweep *sweep, const ofr_rule *rule, const ofr_real *pi,
                  trial *trials, int n, double enough)
{
    while (n < TRIALS) {
        int widest = -1;
        double width = enough;

        for (int i = 0; i + 1 < n; i++) {
            const double step = fabs(trials[i + 1].mean_exit - trials[i].mean_exit);
            const double apart = fabs(trials[i + 1].knob - trials[i].knob);

            if (step <= width || apart <= 1e-9 * fmax(1, fabs(trials[i].knob))) continue;
            widest = i;
            width = step;
        }
        if (widest < 0) break;
        const double knob = 0.5 * (trials[widest].knob + trials[widest + 1].knob);

        insert(trials, &n, widest + 1, knob, mean_exit(sweep, rule, pi, knob));
    }
    return n;
}

/* values[n] out of trials[m], m > n: each takes the untaken one nearest to its even
 * share of the way from the first mean exit to the last; both ends are taken. */
static int pick(double *values, int n, const trial *trials, int m)
{
    const double from = trials[0].mean_exit, to = trials[m - 1].mean_exit;
    int next = 0;

    for (int v = 0; v < n; v++) {
        const double wanted = from + (to - from) * v / (n - 1);
        const int last = m - (n - v); /* leaves one for each of the rest */
        int best = next;

        for (int i = next; i <= last; i++)
            if (fabs(trials[i].mean_exit - wanted) <
                fabs(trials[best].mean_exit - wanted))
                best = i;
        if (v == n - 1) best = m - 1;
        values[v] = trials[best].knob;
        next = best + 1;
    }
    return n;
}

static bool all_whole(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (x[i] != floor(x[i])) return false;
    return true;
}

int ofr_sweep_knobs(const ofr_sweep *sweep, const ofr_rule *rule, const ofr_real *pi,
                    double *values, int n)
{
    double first[SPREAD];
    trial trials[TRIALS];
    int m;

    if (rule->by_token) return ofr_rule_spread(rule, sweep->L, sweep->K, values, n);
    m = ofr_rule_spread(rule, sweep->L, sweep->K, values, OFR_SWEEP_KNOBS_MAX);
    if (all_whole(values, m)) return m;
    m = ofr_rule_spread(rule, sweep->L, sweep->K, first, SPREAD);
    for (int i = 0; i < m; i++)
        trials[i] = (trial){first[i], mean_exit(sweep, rule, pi, first[i])};
    m = refine(sweep, rule, pi, trials, m,
               fabs(trials[m - 1].mean_exit - trials[0].mean_exit) / (2.0 * n));
    if (m > n) return pick(values, n, trials, m);
    for (int i = 0; i < m; i++)
        values[i] = trials[i].knob;
    return m;
}
