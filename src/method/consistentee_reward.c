/*
 * consistentee_reward.c - the losses in the reward, at what confidence is worth.
 *
 * A classifier that has learned its training texts by heart is too sure of the
 * others: its cross-entropy on them is large where it is wrong, whatever the
 * layer, and deeper layers, surer still, look worse than they are.  So the reward
 * takes the cross-entropy of softmax(z_l / T_l), with T_l from the policies' own
 * texts: the value that makes their mean cross-entropy least (temperature scaling,
 * Guo et al. 2017, arXiv 1706.04599).  No answer changes.
 */
#include <math.h>

#include "exit/rule.h"
#include "method/consistentee.h"
#include "nn/loss.h"

/* Mean over the policies' texts of d CE / d(1/T) = sum_k p_k z_k - z_y, which
 * rises with 1/T. */
static double slope(const ofr_consistentee *c, int l, double scale)
{
    const size_t K = (size_t)c->K;
    double sum = 0;

    for (int i = 0; i < c->n_policy; i++) {
        const ofr_real *z = c->cache.logits + ((size_t)i * (size_t)c->L + (size_t)l) * K;
        const double most = (double)z[ofr_argmax(z, c->K)];
        double all = 0, mean = 0;

        for (size_t k = 0; k < K; k++) {
            const double e = exp(scale * ((double)z[k] - most));

            all += e;
            mean += e * (double)z[k];
        }
        sum += mean / all - (double)z[c->lessons->labels[c->policy_items[i]]];
    }
    return sum / c->n_policy;
}

/* Bisection between T = 1/4 and T = 32; outside, the nearer of the two. */
static double temperature(const ofr_consistentee *c, int l)
{
    double low = 1.0 / 32, high = 4;

    for (int step = 0; step < 40; step++) {
        const double middle = sqrt(low * high);

        if (slope(c, l, middle) < 0)
            low = middle;
        else
            high = middle;
    }
    return 1 / sqrt(low * high);
}

void ofr_consistentee_temperatures(ofr_consistentee *c)
{
    if (c->lessons->targets || c->o->reward_loss == OFR_REWARD_LOSS_PLAIN) return;
    for (int l = 0; l < c->L; l++)
        c->temperature[l] = temperature(c, l);
}

double ofr_consistentee_loss(const ofr_consistentee *c, const ofr_real *z, int l,
                             int item)
{
    const ofr_dataset *lessons = c->lessons;

    if (lessons->targets) return ofr_loss_mse(z[0], (double)lessons->targets[item]);
    return ofr_loss_ce_at(z, c->K, lessons->labels[item], c->temperature[l]);
}
