/*
 * consistentee_start.c - where the policies begin: at what the classifiers know.
 *
 * A policy that begins at random has to find out, from a few thousand rewards
 * whose noise is larger than the differences between layers, which directions of
 * c_l tell a sure answer from a guess.  The classifier of its layer has these
 * directions already.  So hidden unit k begins as a centred logit of class k,
 *
 *   hidden_k = gelu(z_k - mean z - t),   u = a sum_k hidden_k + b + logit(start)
 *
 * with t, a and b such that a sum hidden + b is, by least squares over the
 * policies' texts, the logit of the classifier's largest probability.  Hidden
 * units beyond K begin silent.  Reinforcement goes on from there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exit/rule.h"
#include "method/consistentee.h"

#define STEPS 8        /* t is a multiple of an eighth of the median largest logit */
#define TEXTS 4096     /* for the fit; more would not move three numbers           */
#define SURE 1e-4      /* probabilities nearer to 1 than this count as this        */

typedef struct line {
    double a, b, left; /* y = a x + b; sum of squares that it leaves */
} line;

static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

static double mean(const ofr_real *z, int K)
{
    double sum = 0;

    for (int k = 0; k < K; k++)
        sum += (double)z[k];
    return sum / K;
}

/* sum_k gelu(z_k - mean z - t) */
static double units(const ofr_real *z, int K, double t)
{
    const double middle = mean(z, K);
    double sum = 0;

    for (int k = 0; k < K; k++)
        sum += gelu((double)z[k] - middle - t);
    return sum;
}

/* ln p / (1 - p) of the largest probability. */
static double sureness(const ofr_real *z, int K)
{
    const double most = (double)z[ofr_argmax(z, K)];
    double others = -1; /* (1 - p) / p */

    for (int k = 0; k < K; k++)
        others += exp((double)z[k] - most);
    return -log(fmax(others, SURE));
}

static line fit(const double *x, const double *y, int n)
{
    double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;

    for (int i = 0; i < n; i++) {
        mx += x[i] / n;
        my += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
        yy += (y[i] - my) * (y[i] - my);
    }
    const double a = xx > 0 ? xy / xx : 0;
    return (line){a, my - a * mx, yy - a * xy};
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Logits of exit l (0-based) of text i in the cache. */
static const ofr_real *logits(const ofr_consistentee *c, int i, int l)
{
    return c->cache.logits + ((size_t)i * (size_t)c->L + (size_t)l) * (size_t)c->K;
}

/* The best t of exit l, and its line.  x, y: scratch [n]. */
static line best_line(const ofr_consistentee *c, double *t, double *x, double *y, int n,
                      int l)
{
    line best = {0, 0, INFINITY};

    for (int i = 0; i < n; i++) {
        const ofr_real *z = logits(c, i, l);

        x[i] = (double)z[ofr_argmax(z, c->K)] - mean(z, c->K);
        y[i] = sureness(z, c->K);
    }
    qsort(x, (size_t)n, sizeof *x, compare);
    const double median = x[n / 2];
    for (int step = 0; step < STEPS; step++) {
        const double here = median * step / STEPS;

        for (int i = 0; i < n; i++)
            x[i] = units(logits(c, i, l), c->K, here);
        const line found = fit(x, y, n);
        if (found.left < best.left) {
            best = found;
            *t = here;
        }
    }
    return best;
}

/* Policy of exit l (0-based) from its classifier. */
static void set_policy(ofr_encoder *encoder, int l, double t, line found, double start)
{
    const int C = encoder->config.C, K = encoder->config.K;
    const ofr_exit_at *at = &encoder->params.exits[l];
    const ofr_real *w = encoder->w + at->head_w, *b = encoder->w + at->head_b;
    ofr_real *w1 = encoder->w + at->policy_w1, *b1 = encoder->w + at->policy_b1;
    ofr_real *w2 = encoder->w + at->policy_w2;

    for (int j = 0; j < C; j++) {
        double middle = 0;

        for (int k = 0; k < K; k++)
            middle += (double)w[(size_t)k * (size_t)C + (size_t)j] / K;
        for (int k = 0; k < K; k++) {
            const size_t at_kj = (size_t)k * (size_t)C + (size_t)j;

            w1[at_kj] = (ofr_real)((double)w[at_kj] - middle);
        }
    }
    const double middle = mean(b, K);
    for (int k = 0; k < encoder->config.policy_hidden; k++) {
        if (k < K) b1[k] = (ofr_real)((double)b[k] - middle - t);
        w2[k] = k < K ? (ofr_real)found.a : 0;
    }
    encoder->w[at->policy_b2] = (ofr_real)(found.b + log(start / (1 - start)));
}

ofr_status ofr_consistentee_start(ofr_consistentee *c, ofr_trainer *trainer,
                                  ofr_error *err)
{
    ofr_encoder *encoder = trainer->encoder;
    const int n = c->n_policy < TEXTS ? c->n_policy : TEXTS;
    double *x;

    ofr_params_init(&encoder->params, &encoder->config, encoder->w, OFR_GROUP_POLICIES,
                    trainer->options->seed, c->o->policy_start);
    if (!c->from_heads) return OFR_OK;
    OFR_ASSERT(c->cached);
    x = ofr_mem_array(2 * (size_t)n, sizeof *x);
    if (!x) return ofr_fail_nomem(err, 2 * (size_t)n * sizeof *x, "first policies");
    for (int l = 0; l + 1 < c->L; l++) {
        double t = 0;
        const line found = best_line(c, &t, x, x + n, n, l);

        set_policy(encoder, l, t, found, c->o->policy_start);
    }
    ofr_mem_free(x);
    return OFR_OK;
}
