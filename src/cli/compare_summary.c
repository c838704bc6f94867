/* compare_summary.c - means over seeds, heights at equal cost, paired differences. */
#include "cli/compare_summary.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "eval/curve.h"
#include "eval/stats.h"

/* The runs of one method that succeeded. */
typedef struct good {
    int n, seeds[OFR_COMPARE_SEEDS_MAX];
} good;

static good good_runs(const ofr_compare_runs *runs, int method)
{
    good g = {0};

    for (int s = 0; s < runs->plan->n_seeds; s++)
        if (runs->ok[method][s]) g.seeds[g.n++] = s;
    return g;
}

static ofr_compare_mean mean_of(const double *x, int n)
{
    return (ofr_compare_mean){n ? ofr_stats_mean(x, n) : (double)NAN,
                              ofr_stats_std(x, n)};
}

/* ---- equal cost ---------------------------------------------------------- */

/* What is to be saved in the k-th comparison with this seed; NaN when the reference
 * method failed. */
static double cost_at(const ofr_compare_runs *runs, int k, int seed)
{
    const int reference = runs->plan->reference;

    if (k < OFR_LINE_AT) return ofr_line_saved_at[k];
    if (!runs->ok[reference][seed]) return NAN;
    return runs->of[reference][seed].figures[OFR_RESULT_SAVED];
}

/* NULL where finetune is the full model and failed with this seed. */
static const ofr_compare_result *full_of(const ofr_compare_runs *runs,
                                         const ofr_compare_whole *whole, int method,
                                         int seed)
{
    const int full = whole->full_method;

    if (full < 0) return &runs->of[method][seed];
    return runs->ok[full][seed] ? &runs->of[full][seed] : NULL;
}

/* ---- means --------------------------------------------------------------- */

static ofr_compare_mean figure(const ofr_compare_runs *runs, int method, int which)
{
    const good g = good_runs(runs, method);
    double x[OFR_COMPARE_SEEDS_MAX];

    for (int i = 0; i < g.n; i++)
        x[i] = runs->of[method][g.seeds[i]].figures[which];
    return mean_of(x, g.n);
}

static void heights(ofr_compare_summary *m, const ofr_compare_runs *runs, int method,
                    double area_to)
{
    const good g = good_runs(runs, method);
    double x[OFR_COMPARE_SEEDS_MAX], y[OFR_COMPARE_SEEDS_MAX];

    for (int k = 0; k < OFR_COMPARE_COSTS; k++) {
        for (int i = 0; i < g.n; i++) {
            const ofr_compare_result *r = &runs->of[method][g.seeds[i]];
            const double at = cost_at(runs, k, g.seeds[i]);

            x[i] = ofr_curve_height(r->saved, r->score, r->n, at);
            y[i] = ofr_curve_height(r->saved, r->random, r->n, at);
        }
        m->at[k] = mean_of(x, g.n);
        m->random_at[k] = mean_of(y, g.n);
    }
    for (int i = 0; i < g.n; i++) {
        const ofr_compare_result *r = &runs->of[method][g.seeds[i]];

        x[i] = ofr_curve_area(r->saved, r->score, r->n, area_to);
        y[i] = ofr_curve_area(r->saved, r->random, r->n, area_to);
    }
    m->area = mean_of(x, g.n);
    m->random_area = mean_of(y, g.n);
}

/* The knob that saves most and loses no more than so many points of the full model on
 * the tuning texts; figures of the reported ones. */
static void losses(ofr_compare_summary *m, const ofr_compare_runs *runs,
                   const ofr_compare_whole *whole, int method)
{
    const good g = good_runs(runs, method);
    double saved[OFR_COMPARE_SEEDS_MAX], score[OFR_COMPARE_SEEDS_MAX];

    for (int k = 0; k < OFR_LINE_AT; k++) {
        for (int i = 0; i < g.n; i++) {
            const ofr_compare_result *r = &runs->of[method][g.seeds[i]];
            const ofr_compare_result *full = full_of(runs, whole, method, g.seeds[i]);
            const double top = full ? full->figures[OFR_RESULT_TUNE_FULL] : (double)NAN;
            const int at = ofr_curve_fastest(r->tune_saved, r->tune_score, r->n_pool,
                                             top - ofr_line_points_lost[k] / 100);

            saved[i] = at < 0 ? NAN : r->pool_saved[at];
            score[i] = at < 0 ? NAN : r->pool_score[at];
        }
        m->lost_saved[k] = mean_of(saved, g.n);
        m->lost_score[k] = mean_of(score, g.n);
    }
}

/* ---- differences --------------------------------------------------------- */

static const float *answers(const ofr_compare_result *r, int point)
{
    return r->answers + (size_t)(point + 1) * (size_t)r->n_texts;
}

static bool side_at(ofr_paired_side *side, const ofr_compare_result *r, double at)
{
    ofr_curve_mix mix;

    if (!ofr_curve_find(&mix, r->saved, r->n, at)) return false;
    *side = (ofr_paired_side){answers(r, mix.low), answers(r, mix.high), mix.share};
    return true;
}

/* Where one seed is out of reach the method has no figure at this cost. */
static ofr_status compare_at(ofr_paired_result *full, ofr_paired_result *first,
                             const ofr_compare_runs *runs, const ofr_compare_whole *whole,
                             int method, int k, const ofr_dataset *data, ofr_error *err)
{
    const good g = good_runs(runs, method);
    ofr_paired to_full[OFR_COMPARE_SEEDS_MAX] = {0};
    ofr_paired to_first[OFR_COMPARE_SEEDS_MAX] = {0};
    const int resamples = runs->plan->o->resamples;
    bool reached = true, both = true, whole_known = true;
    int n_first = 0;

    for (int i = 0; i < g.n && reached; i++) {
        const int s = g.seeds[i];
        const double at = cost_at(runs, k, s);
        const ofr_compare_result *top = full_of(runs, whole, method, s);
        ofr_paired_side own = {0}, other = {0};

        reached = side_at(&own, &runs->of[method][s], at);
        whole_known = whole_known && top;
        if (top) to_full[i] = (ofr_paired){own, {answers(top, -1), answers(top, -1), 0}};
        if (!runs->ok[0][s]) continue;
        both = both && side_at(&other, &runs->of[0][s], at);
        to_first[n_first++] = (ofr_paired){own, other};
    }
    OFR_TRY(ofr_paired_bootstrap(full, to_full, reached && whole_known ? g.n : 0, data,
                                 whole->metric, resamples, 1, err));
    return ofr_paired_bootstrap(first, to_first, reached && both ? n_first : 0, data,
                                whole->metric, resamples, 1, err);
}

/* ---- all of it ----------------------------------------------------------- */

static ofr_status check(const ofr_compare_result *a, const ofr_compare_result *b,
                        const char *name, ofr_error *err)
{
    if (a->n_texts == b->n_texts &&
        memcmp(a->labels, b->labels, (size_t)a->n_texts * sizeof *a->labels) == 0)
        return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "the runs of %s were measured on %d texts, others on %d or with "
                    "other labels; take another --out",
                    name, b->n_texts, a->n_texts);
}

/* The first run that succeeded; the range that all curves share. */
static ofr_status survey(ofr_compare_whole *whole, const ofr_compare_result **any,
                         const ofr_compare_runs *runs, ofr_error *err)
{
    const ofr_compare_plan *plan = runs->plan;

    whole->full_method = -1;
    whole->area_to = 1;
    for (int i = 0; i < plan->n_methods; i++) {
        if (plan->methods[i] == &ofr_method_finetune) whole->full_method = i;
        for (int s = 0; s < plan->n_seeds; s++) {
            const ofr_compare_result *r = &runs->of[i][s];

            if (!runs->ok[i][s]) continue;
            if (!*any) *any = r;
            OFR_TRY(check(*any, r, plan->methods[i]->name, err));
            if (r->n && r->saved[r->n - 1] > 0)
                whole->area_to = fmin(whole->area_to, r->saved[r->n - 1]);
        }
    }
    return OFR_OK;
}

static ofr_status one_method(ofr_compare_whole *whole, const ofr_compare_runs *runs,
                             int method, const ofr_dataset *data, ofr_error *err)
{
    ofr_compare_summary *m = &whole->of[method];

    m->n_ok = good_runs(runs, method).n;
    if (m->n_ok == 0) return OFR_OK;
    m->full = figure(runs, method, OFR_RESULT_FULL);
    m->score = figure(runs, method, OFR_RESULT_SCORE);
    m->random = figure(runs, method, OFR_RESULT_RANDOM);
    m->saved = figure(runs, method, OFR_RESULT_SAVED);
    m->mean_exit = figure(runs, method, OFR_RESULT_MEAN_EXIT);
    m->first_score = figure(runs, method, OFR_RESULT_FIRST_SCORE);
    m->first_saved = figure(runs, method, OFR_RESULT_FIRST_SAVED);
    m->agree_score = figure(runs, method, OFR_RESULT_AGREE_SCORE);
    m->agree_saved = figure(runs, method, OFR_RESULT_AGREE_SAVED);
    heights(m, runs, method, whole->area_to);
    losses(m, runs, whole, method);
    for (int k = 0; k < OFR_COMPARE_COSTS; k++)
        OFR_TRY(compare_at(&m->against_full[k], &m->against_first[k], runs, whole, method,
                           k, data, err));
    return OFR_OK;
}

ofr_status ofr_compare_summarize(ofr_compare_whole *whole, const ofr_compare_runs *runs,
                                 ofr_error *err)
{
    const ofr_compare_result *any = NULL;
    ofr_dataset data = {0};
    int *labels = NULL;
    ofr_status status = OFR_OK;

    *whole = (ofr_compare_whole){0};
    OFR_TRY(survey(whole, &any, runs, err));
    if (!any) return OFR_OK;
    whole->metric = (ofr_metric)any->figures[OFR_RESULT_METRIC];
    whole->n_layers = (int)any->figures[OFR_RESULT_LAYERS];
    whole->n_texts = any->n_texts;
    whole->reference_saved = figure(runs, runs->plan->reference, OFR_RESULT_SAVED);
    data.n = any->n_texts;
    data.K = (int)any->figures[OFR_RESULT_CLASSES];
    if (any->figures[OFR_RESULT_REGRESSION] != 0) {
        data.targets = any->labels;
    } else {
        labels = ofr_mem_array((size_t)data.n, sizeof *labels);
        if (!labels) return ofr_fail_nomem(err, (size_t)data.n * sizeof(int), "labels");
        for (int i = 0; i < data.n; i++)
            labels[i] = (int)any->labels[i];
        data.labels = labels;
    }
    for (int i = 0; i < runs->plan->n_methods && !status; i++)
        status = one_method(whole, runs, i, &data, err);
    ofr_mem_free(labels);
    return status;
}
