/* eval_text.c - the tables that `offramp eval` prints. */
#include "cli/eval_text.h"

#include <math.h>

static void add_pair(ofr_buf *out, const char *name, double early, double full,
                     int decimals)
{
    ofr_buf_addf(out, "%-24s%12.*f%12.*f\n", name, decimals, early, decimals, full);
}

static void add_headline(ofr_buf *out, const ofr_eval *e)
{
    ofr_buf_addf(out, "%-24s%12s%12s\n", "", "early exit", "full model");
    add_pair(out, ofr_metric_name(e->metric), e->score, e->score_full, 4);
    if (e->metric2 != e->metric)
        add_pair(out, ofr_metric_name(e->metric2), e->score2, e->score2_full, 4);
    add_pair(out, "mean exit layer", e->mean_exit, e->L, 2);
    ofr_buf_addf(out, "%-24s%11.1f%%%12s  (layer speed-up %.2fx)\n", "saved layers",
                 e->saved_layers * 100, "-", e->layer_speedup);
    ofr_buf_addf(out, "%-24s%11.1f%%%11.1f%%\n", "FLOPs", e->flops_ratio * 100, 100.0);
    if (e->early.runs == 0) return;
    add_pair(out, "ms per text, median", e->early.median, e->full.median, 3);
    add_pair(out, "ms per text, p95", e->early.p95, e->full.p95, 3);
    ofr_buf_addf(out, "%-24s%11.1f%%%12s  (%d runs, %d calls each, in turn)\n",
                 "saved time", (1 - e->early.median / e->full.median) * 100, "-",
                 e->early.runs, e->early.calls);
}

static void add_figure(ofr_buf *out, double x, int width)
{
    if (isfinite(x))
        ofr_buf_addf(out, "%*.4f", width, x);
    else
        ofr_buf_addf(out, "%*s", width, "-");
}

static void add_layers(ofr_buf *out, const ofr_eval *e)
{
    ofr_buf_addf(out, "\n%5s%8s%9s%10s%14s%14s\n", "layer", "left", "share", "right",
                 "all texts", "calibration");
    for (int l = 0; l < e->L; l++) {
        ofr_buf_addf(out, "%5d%8d%8.1f%%", l + 1, e->histogram[l],
                     100.0 * e->histogram[l] / e->n);
        add_figure(out, e->exit_accuracy[l], 10);
        add_figure(out, e->layer_accuracy[l], 14);
        add_figure(out, e->calibration[l], 14);
        ofr_buf_addc(out, '\n');
    }
    ofr_buf_adds(out,
                 "right: share right among the texts that left there; all texts: of "
                 "this classifier\non every text; calibration: expected error of its "
                 "probability.\n");
    if (e->has_exits)
        ofr_buf_addf(out, "right at some earlier layer and wrong at the last: %.1f%% of "
                          "the texts.\n", e->overthinking * 100);
    else
        ofr_buf_adds(out, "classifiers below the last layer were not trained.\n");
}

static void add_group(ofr_buf *out, const char *name, const ofr_eval_group *g)
{
    char range[32];
    if (g->n == 0) {
        ofr_buf_addf(out, "%-14s%8d\n", name, 0);
        return;
    }
    snprintf(range, sizeof range, "%d-%d", g->low, g->high);
    ofr_buf_addf(out, "%-14s%8d%12s%12.4f%12.4f%12.2f\n", name, g->n, range, g->score,
                 g->score_full, g->mean_exit);
}

static void add_groups(ofr_buf *out, const ofr_eval *e)
{
    static const char *const names[OFR_EVAL_GROUPS] = {"easy half", "hard half",
                                                       "easiest third", "middle third",
                                                       "hardest third"};
    ofr_buf_addf(out, "\n%-14s%8s%12s%12s%12s%12s\n", "memorized", "texts", "layers",
                 "right", "full model", "mean exit");
    for (int g = 0; g < OFR_EVAL_GROUPS; g++)
        add_group(out, names[g], &e->groups[g]);
    ofr_buf_adds(out, "memorized layer: the first from which all classifiers are right; "
                      "the last where\nthe full model is wrong.  Equal layers stay "
                      "together.\n");
}

static void add_comparisons(ofr_buf *out, const ofr_eval *e)
{
    ofr_buf_addf(out, "\nis the rule worth it?%15s%12s\n", ofr_metric_name(e->metric),
                 "mean exit");
    ofr_buf_addf(out, "%-24s%12.4f%12.2f\n", "this rule", e->score, e->mean_exit);
    if (!e->rule->by_token) {
        ofr_buf_addf(out, "%-24s%12.4f%12.2f  (+- %.4f over %d draws)\n",
                     "same exits, at random", e->random_score, e->mean_exit,
                     e->random_deviation, e->random_draws);
        ofr_buf_addf(out, "%-24s%12.4f%12.2f  (same FLOPs)\n", "one fixed exit for all",
                     e->fixed_score, e->fixed_layer);
    }
    if (e->has_exits)
        ofr_buf_addf(out, "%-24s%12.4f%12.2f  (accuracy; knows the answer)\n",
                     "first right layer", e->oracle_accuracy, e->oracle_mean_exit);
}

void ofr_eval_text(ofr_buf *out, const ofr_eval *eval, const ofr_record_about *about)
{
    ofr_buf_addf(out, "%s: %d texts, rule %s", about->task, eval->n, eval->rule->name);
    if (eval->rule != &ofr_rule_never)
        ofr_buf_addf(out, " at %g", eval->threshold);
    ofr_buf_addf(out, ", batch %d, %d thread%s, %s kernels\n\n", eval->batch,
                 about->threads, about->threads == 1 ? "" : "s", about->kernels);
    add_headline(out, eval);
    add_layers(out, eval);
    if (eval->has_exits) add_groups(out, eval);
    add_comparisons(out, eval);
}
