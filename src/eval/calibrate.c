/* calibrate.c - p-values of a bounded risk, and the walk along the thresholds. */
#include "eval/calibrate.h"

#include <math.h>

#include "base/mem.h"
#include "eval/metrics.h"

/* ---- p-values --------------------------------------------------------------- */

/* a ln(a/b) + (1 - a) ln((1 - a)/(1 - b)), with 0 ln 0 = 0; b inside (0, 1). */
static double kl(double a, double b)
{
    double sum = 0;

    if (a > 0) sum += a * log(a / b);
    if (a < 1) sum += (1 - a) * log((1 - a) / (1 - b));
    return sum;
}

/* P(Bin(n, p) <= k), from the largest term down: below the mean, where it is
 * asked, every term is smaller than the one before. */
static double binomial_tail(int k, int n, double p)
{
    double log_term, term = 1, sum = 1;

    if (k >= n) return 1;
    log_term = lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * log(p) +
               (n - k) * log1p(-p);
    for (int i = k; i > 0 && term > 1e-17 * sum; i--) {
        term *= i / (n - i + 1.0) * (1 - p) / p;
        sum += term;
    }
    return fmin(1, exp(log_term + log(sum)));
}

static double hoeffding_bentkus(double sum, int n, double delta)
{
    const double r = sum / n;
    /* Sums of halves and ones are exact; the rest is for other losses' rounding. */
    const int k = (int)ceil(sum - 1e-9);

    if (r >= delta) return 1;
    return fmin(1, fmin(exp(-n * kl(r, delta)), exp(1) * binomial_tail(k, n, delta)));
}

double ofr_calibrate_p(ofr_bound bound, double sum, int n, double delta)
{
    const double room = fmax(0, delta - sum / n);

    OFR_ASSERT(n > 0 && delta > 0 && delta < 1 && sum >= 0 && sum <= n);
    if (bound == OFR_BOUND_HB) return hoeffding_bentkus(sum, n, delta);
    return exp(-2 * n * room * room);
}

double ofr_calibrate_p_net(ofr_bound bound, double sum, int n, double delta)
{
    return ofr_calibrate_p(bound, 0.5 * (sum + n), n, 0.5 * (delta + 1));
}

int ofr_calibrate_least_texts(const ofr_calibrate_options *options)
{
    const ofr_calibrate_options *o = options;
    int few = 0, enough = 1 << 30; /* p falls as texts are added */

    while (enough - few > 1) {
        const int n = few + (enough - few) / 2;
        const double p = o->risk == OFR_RISK_NET
                             ? ofr_calibrate_p_net(o->bound, 0, n, o->delta)
                             : ofr_calibrate_p(o->bound, 0, n, o->delta);

        if (p <= 1 - o->confidence)
            enough = n;
        else
            few = n;
    }
    return enough;
}

/* ---- losses ------------------------------------------------------------------ */

typedef struct texts {
    const ofr_outputs *outputs;
    const int *labels;
    const float *targets;
    const ofr_calibrate_options *o;
    ofr_real *answer; /* [K] scratch */
} texts;

static bool right(const texts *t, int i, const ofr_real *z)
{
    if (t->targets) return ofr_metric_near(z[0], t->targets[i], t->o->error_limit);
    return ofr_argmax(z, t->outputs->K) == t->labels[i];
}

static bool differ(const texts *t, const ofr_real *a, const ofr_real *b)
{
    const int K = t->outputs->K;

    if (K == 1) return !(fabs((double)a[0] - (double)b[0]) < t->o->error_limit);
    return ofr_argmax(a, K) != ofr_argmax(b, K);
}

/* One threshold over all texts. */
static void measure(ofr_calibration *c, const texts *t, double threshold)
{
    const ofr_outputs *out = t->outputs;
    const size_t L = (size_t)out->L, K = (size_t)out->K;
    const bool labelled = t->labels || t->targets;
    long long exits = 0;
    int different = 0, lost = 0, won = 0;
    double sum;

    for (int i = 0; i < out->n; i++) {
        const ofr_real *z = out->logits + (size_t)i * L * K;
        const ofr_real *full = z + (L - 1) * K;
        const ofr_real *pi = out->pi ? out->pi + (size_t)i * (L - 1) : NULL;

        exits += ofr_rule_replay_answer(t->o->rule, threshold, t->answer, z, pi, out->L,
                                        out->K);
        different += differ(t, t->answer, full);
        if (!labelled) continue;
        const bool early = right(t, i, t->answer), late = right(t, i, full);
        lost += late && !early;
        won += early && !late;
    }
    sum = t->o->risk == OFR_RISK_DISAGREEMENT ? different : lost;
    if (t->o->risk == OFR_RISK_NET) sum = lost - won;
    c->threshold = threshold;
    c->risk = sum / out->n;
    c->drop = labelled ? (double)(lost - won) / out->n : (double)NAN;
    c->disagreement = (double)different / out->n;
    c->mean_exit = (double)exits / out->n;
    c->p = t->o->risk == OFR_RISK_NET
               ? ofr_calibrate_p_net(t->o->bound, sum, out->n, t->o->delta)
               : ofr_calibrate_p(t->o->bound, sum, out->n, t->o->delta);
}

/* ---- the walk ------------------------------------------------------------------ */

/* Fixed-sequence testing: all thresholds before the first failure are safe at
 * once, so the one that saves most may be taken among them. */
static void walk(ofr_calibration *out, const texts *t, const double *thresholds, int n)
{
    ofr_calibration now = *out;

    for (int i = 0; i < n; i++) {
        measure(&now, t, thresholds[i]);
        if (!(now.p <= 1 - t->o->confidence)) break;
        now.accepted++;
        out->accepted = now.accepted;
        if (now.mean_exit >= now.L || (out->possible && now.mean_exit >= out->mean_exit))
            continue;
        *out = now;
        out->possible = now.possible = true;
    }
    if (!out->possible) *out = now;
}

static ofr_status check(const ofr_outputs *outputs, bool labelled,
                        const ofr_calibrate_options *o, ofr_error *err)
{
    if (o->rule->scale == OFR_SCALE_NONE)
        return ofr_fail(err, OFR_INVALID,
                        "rule '%s' has no threshold to calibrate; choose another --rule",
                        o->rule->name);
    if (o->rule->by_token)
        return ofr_fail(err, OFR_INVALID,
                        "rule '%s' lets tokens leave one by one, which the outputs of "
                        "whole texts do not show; choose another --rule, or look at "
                        "`offramp sweep`",
                        o->rule->name);
    if (outputs->n < 1) return ofr_fail(err, OFR_INVALID, "no texts to calibrate on");
    if (o->risk != OFR_RISK_DISAGREEMENT && !labelled)
        return ofr_fail(err, OFR_INVALID,
                        "--risk %s needs right answers; without them use --risk "
                        "disagreement",
                        ofr_risk_name(o->risk));
    return OFR_OK;
}

ofr_status ofr_calibrate(ofr_calibration *out, const ofr_outputs *outputs,
                         const int *labels, const float *targets,
                         const ofr_calibrate_options *options, ofr_error *err)
{
    const size_t n = (size_t)options->steps, K = (size_t)outputs->K;
    texts t = {outputs, labels, targets, options, NULL};
    double *thresholds;
    ofr_status status = OFR_OK;

    OFR_TRY(check(outputs, labels || targets, options, err));
    thresholds = ofr_mem_array(n, sizeof *thresholds);
    t.answer = ofr_mem_array(K, sizeof *t.answer);
    if (thresholds && t.answer) {
        *out = (ofr_calibration){.n = outputs->n, .L = outputs->L};
        walk(out, &t, thresholds,
             ofr_rule_spread(options->rule, outputs->L, outputs->K, thresholds, (int)n));
    } else {
        status = ofr_fail_nomem(err, n * sizeof *thresholds, "thresholds");
    }
    ofr_mem_free(thresholds);
    ofr_mem_free(t.answer);
    return status;
}

const char *ofr_risk_name(ofr_risk risk)
{
    static const char *const names[] = {"accuracy", "disagreement", "net"};

    return names[risk];
}

const char *ofr_bound_name(ofr_bound bound)
{
    return bound == OFR_BOUND_HB ? "hb" : "hoeffding";
}
