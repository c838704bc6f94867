/* paired.c - differences at equal cost, resampled. */
#include "eval/paired.h"

#include <math.h>

#include "base/mem.h"
#include "eval/metrics.h"
#include "eval/stats.h"
#include "eval/sweep.h"

typedef struct comparison {
    const ofr_paired *seeds;
    int n_seeds;
    const ofr_dataset *data;
    ofr_metric metric;
    int *pred;    /* [2 n] */
    float *value; /* [2 n] */
    double *work; /* [OFR_METRIC_WORK n] */
} comparison;

static double side(const comparison *c, const ofr_paired_side *s, const int *index, int n)
{
    double height = ofr_sweep_score(c->data, c->metric, s->low, index, n, c->pred,
                                    c->value, c->work);

    if (s->share > 0)
        height = (1 - s->share) * height +
                 s->share * ofr_sweep_score(c->data, c->metric, s->high, index, n,
                                            c->pred, c->value, c->work);
    return height;
}

static double difference(void *user, const int *index, int n)
{
    const comparison *c = user;
    double sum = 0;

    for (int k = 0; k < c->n_seeds; k++)
        sum += side(c, &c->seeds[k].a, index, n) - side(c, &c->seeds[k].b, index, n);
    return sum / c->n_seeds;
}

static double share_right(const ofr_paired_side *s, int label, int i)
{
    return (1 - s->share) * ((int)s->low[i] == label) +
           s->share * ((int)s->high[i] == label);
}

/* Accuracy is a mean over texts, and so is a difference of accuracies: one number
 * per text can be resampled instead of all answers. */
static ofr_status of_accuracy(ofr_paired_result *result, const comparison *c,
                              int resamples, uint64_t seed, ofr_error *err)
{
    const int n = c->data->n;
    double *x = ofr_mem_array((size_t)n, sizeof *x);
    ofr_status status;

    if (!x) return ofr_fail_nomem(err, (size_t)n * sizeof *x, "a comparison");
    for (int i = 0; i < n; i++) {
        const int label = c->data->labels[i];

        x[i] = 0;
        for (int k = 0; k < c->n_seeds; k++)
            x[i] += (share_right(&c->seeds[k].a, label, i) -
                     share_right(&c->seeds[k].b, label, i)) / c->n_seeds;
    }
    result->difference = ofr_stats_mean(x, n);
    status = ofr_stats_bootstrap_mean(&result->low, &result->high, x, n, resamples, 0.95,
                                      seed, err);
    ofr_mem_free(x);
    return status;
}

ofr_status ofr_paired_bootstrap(ofr_paired_result *result, const ofr_paired *seeds,
                                int n_seeds, const ofr_dataset *data, ofr_metric metric,
                                int resamples, uint64_t seed, ofr_error *err)
{
    comparison c = {seeds, n_seeds, data, metric, NULL, NULL, NULL};
    const size_t n = (size_t)data->n;
    ofr_status status;

    *result = (ofr_paired_result){NAN, NAN, NAN};
    if (n_seeds == 0) return OFR_OK;
    if (data->labels && metric == OFR_METRIC_ACCURACY)
        return of_accuracy(result, &c, resamples, seed, err);
    c.pred = ofr_mem_array(2 * n, sizeof *c.pred);
    c.value = ofr_mem_array(2 * n, sizeof *c.value);
    c.work = ofr_mem_array(OFR_METRIC_WORK * n, sizeof *c.work);
    if (c.pred && c.value && c.work) {
        result->difference = difference(&c, NULL, data->n);
        status = ofr_stats_bootstrap(&result->low, &result->high, difference, &c, data->n,
                                     resamples, 0.95, seed, err);
    } else {
        status = ofr_fail_nomem(err, OFR_METRIC_WORK * n * sizeof *c.work,
                                "a comparison");
    }
    ofr_mem_free(c.pred);
    ofr_mem_free(c.value);
    ofr_mem_free(c.work);
    return status;
}
