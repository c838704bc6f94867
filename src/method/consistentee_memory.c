/*
 * consistentee_memory.c - how hard the texts are that policies learn from.
 *
 *   memorized   m / L with m the first layer from which every exit is right
 *   entropy     H(p_L) / ln K
 *   loss        CE_L clamped to its 5th smallest and largest, then to [0, 1]
 *   forgetting  times a text went from right to wrong at layer L over the joint
 *               epochs; never right: one more than the most; over the largest
 *   none        0
 *
 * The same pass caches what the policy phase needs: pooled vectors and losses.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exit/rule.h"
#include "method/consistentee.h"
#include "nn/loss.h"

#define EXTREMES 5 /* losses at either end that count as outliers */

void ofr_consistentee_forget(ofr_consistentee *c)
{
    if (c->cached) ofr_outputs_close(&c->cache);
    if (c->dev_cached) ofr_outputs_close(&c->dev_cache);
    c->cached = c->dev_cached = false;
}

static double text_loss(const ofr_consistentee *c, const ofr_real *z, int item)
{
    const ofr_dataset *lessons = c->lessons;

    if (lessons->targets) return ofr_loss_mse(z[0], (double)lessons->targets[item]);
    return ofr_loss_ce(z, c->K, lessons->labels[item]);
}

/* Memorized layer of one text from logits[L,K]. */
static int memorized_of(ofr_consistentee *c, const ofr_real *z, int item)
{
    for (int l = 0; l < c->L; l++)
        c->right[l] = ofr_watch_right(c->lessons, item, z + (size_t)l * (size_t)c->K,
                                      c->K, c->o->error_limit);
    return ofr_memorized_layer(c->right, c->L);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* hardness = CE_L (already there) clamped and scaled, over items[n]. */
static ofr_status scale_losses(double *hardness, const int *items, int n, ofr_error *err)
{
    double *sorted = ofr_mem_array((size_t)n, sizeof *sorted);
    const int low = n >= 2 * EXTREMES ? EXTREMES - 1 : 0;

    if (!sorted) return ofr_fail_nomem(err, (size_t)n * sizeof *sorted, "losses");
    for (int i = 0; i < n; i++)
        sorted[i] = hardness[items[i]];
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    const double least = sorted[low], most = sorted[n - 1 - low];
    for (int i = 0; i < n; i++) {
        const double x = fmin(fmax(hardness[items[i]], least), most);

        hardness[items[i]] = most > least ? (x - least) / (most - least) : 0;
    }
    ofr_mem_free(sorted);
    return OFR_OK;
}

static void forgetting(const ofr_consistentee *c, double *hardness, const int *items,
                       int n)
{
    int most = 0, largest = 0;

    for (int i = 0; i < n; i++)
        if (c->forgotten[items[i]] > most) most = c->forgotten[items[i]];
    for (int i = 0; i < n; i++) {
        const int events = c->ever_right[items[i]] ? c->forgotten[items[i]] : most + 1;

        if (events > largest) largest = events;
        hardness[items[i]] = events;
    }
    for (int i = 0; i < n; i++)
        hardness[items[i]] = largest ? hardness[items[i]] / largest : 0;
}

/* memorized and hardness of items[n] from their logits[n,L,K]. */
static ofr_status measure(ofr_consistentee *c, const ofr_real *logits, const int *items,
                          int n, ofr_error *err)
{
    const size_t stride = (size_t)c->L * (size_t)c->K;

    for (int i = 0; i < n; i++) {
        const ofr_real *z = logits + (size_t)i * stride;
        const ofr_real *last = z + stride - c->K;
        const int item = items[i];
        double h = 0;

        c->memorized[item] = memorized_of(c, z, item);
        if (c->o->hardness == OFR_HARDNESS_MEMORIZED)
            h = (double)c->memorized[item] / c->L;
        else if (c->o->hardness == OFR_HARDNESS_ENTROPY)
            h = ofr_entropy(last, c->K) / log(c->K);
        else if (c->o->hardness == OFR_HARDNESS_LOSS)
            h = text_loss(c, last, item);
        c->hardness[item] = h;
    }
    if (c->o->hardness == OFR_HARDNESS_LOSS)
        return scale_losses(c->hardness, items, n, err);
    if (c->o->hardness == OFR_HARDNESS_FORGETTING) forgetting(c, c->hardness, items, n);
    return OFR_OK;
}

/* With --task-updates-policy the task phase needs the hardness of its texts. */
static ofr_status measure_main(ofr_consistentee *c, ofr_trainer *trainer, ofr_error *err)
{
    ofr_outputs outputs;
    ofr_status status;

    if (!c->o->task_updates_policy || c->n_held == 0 ||
        c->o->policy_data == OFR_POLICY_ALL)
        return OFR_OK;
    OFR_TRY(ofr_watch_outputs(&outputs, trainer, c->data->train, c->main_items, c->n_main,
                              false, err));
    status = measure(c, outputs.logits, c->main_items, c->n_main, err);
    ofr_outputs_close(&outputs);
    return status;
}

ofr_status ofr_consistentee_remember(ofr_consistentee *c, ofr_trainer *trainer,
                                     ofr_error *err)
{
    const size_t stride = (size_t)c->L * (size_t)c->K;
    ofr_outputs fresh;
    ofr_status status;

    ofr_consistentee_forget(c);
    OFR_TRY(ofr_watch_outputs(&fresh, trainer, c->lessons, c->policy_items,
                              c->n_policy, true, err));
    status = ofr_watch_outputs(&c->dev_cache, trainer, c->data->dev, NULL, 0, true, err);
    if (!status) {
        c->dev_cached = true;
        status = measure_main(c, trainer, err);
    }
    if (status) {
        ofr_outputs_close(&fresh);
        return status;
    }
    c->cache = fresh;
    c->cached = true;
    ofr_consistentee_temperatures(c);
    for (int i = 0; i < c->n_policy; i++)
        for (int l = 0; l < c->L; l++)
            c->ce[(size_t)i * (size_t)c->L + (size_t)l] =
                ofr_consistentee_loss(
                    c, fresh.logits + (size_t)i * stride + (size_t)l * (size_t)c->K, l,
                    c->policy_items[i]);
    return measure(c, fresh.logits, c->policy_items, c->n_policy, err);
}

ofr_status ofr_consistentee_count_forgotten(ofr_consistentee *c, ofr_trainer *trainer,
                                            ofr_error *err)
{
    const int n = c->lessons->n;
    ofr_outputs outputs;

    if (c->o->hardness != OFR_HARDNESS_FORGETTING) return OFR_OK;
    OFR_TRY(ofr_watch_outputs(&outputs, trainer, c->lessons, NULL, 0, false, err));
    for (int i = 0; i < n; i++) {
        const ofr_real *last =
            outputs.logits + ((size_t)i * (size_t)c->L + (size_t)c->L - 1) * (size_t)c->K;
        const bool right = ofr_watch_right(c->lessons, i, last, c->K,
                                           c->o->error_limit);

        c->forgotten[i] += c->was_right[i] && !right;
        c->was_right[i] = right;
        c->ever_right[i] = c->ever_right[i] || right;
    }
    ofr_outputs_close(&outputs);
    return OFR_OK;
}

ofr_status ofr_consistentee_journal_memory(ofr_consistentee *c, ofr_trainer *trainer,
                                           ofr_error *err)
{
    int *histogram = ofr_mem_array((size_t)c->L, sizeof *histogram);
    double hardness = 0;
    int wrong = 0;

    if (!histogram) return ofr_fail_nomem(err, (size_t)c->L * sizeof(int), "a histogram");
    for (int i = 0; i < c->n_policy; i++) {
        const int item = c->policy_items[i];
        const ofr_real *last = c->cache.logits +
                               ((size_t)i * (size_t)c->L + (size_t)c->L - 1) *
                                   (size_t)c->K;

        histogram[c->memorized[item] - 1]++;
        hardness += c->hardness[item] / c->n_policy;
        wrong += !ofr_watch_right(c->lessons, item, last, c->K, c->o->error_limit);
    }
    ofr_trainer_journal(trainer, "memorize");
    ofr_journal_int(&trainer->journal, "texts", c->n_policy);
    ofr_journal_int(&trainer->journal, "wrong_at_last_layer", wrong);
    ofr_journal_ints(&trainer->journal, "memorized_histogram", histogram, c->L);
    ofr_journal_real(&trainer->journal, "mean_hardness", hardness);
    ofr_mem_free(histogram);
    return ofr_journal_end(&trainer->journal, err);
}
