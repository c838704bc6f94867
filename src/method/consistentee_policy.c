/*
 * consistentee_policy.c - the policy phase: only the policies move, and they see
 * only what the memorize phase cached, so an epoch costs no forward pass.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "method/consistentee.h"
#include "tensor/dtype.h"

/* c->c[L,B,C] = cached features of texts items[B]. */
static void gather_features(ofr_consistentee *c, const ofr_outputs *from,
                            const int *items, int first, int B)
{
    const size_t C = (size_t)c->C, L = (size_t)c->L;

    for (size_t l = 0; l + 1 < L; l++)
        for (int b = 0; b < B; b++) {
            const size_t i = items ? (size_t)items[b] : (size_t)(first + b);

            ofr_dtype_to_real(c->c + (l * (size_t)B + (size_t)b) * C,
                              from->features + (i * L + l) * C, OFR_F16, C);
        }
}

void ofr_consistentee_logits(const ofr_consistentee *c, double *u, int b)
{
    for (int l = 0; l < c->L - 1; l++)
        u[l] = (double)c->policies.u[(size_t)l * (size_t)c->policies.B + (size_t)b];
}

void ofr_consistentee_sample(ofr_consistentee *c, uint64_t seed, uint64_t step, int item)
{
    const uint64_t stream = ofr_rng_stream(OFR_RNG_ROLLOUT, step, (uint64_t)item);

    for (int s = 0; s < c->o->rollouts; s++)
        c->uniform[s] = ofr_rng_uniform(seed, stream, (uint64_t)s);
    ofr_sample_exits(c->exits, c->q, c->L, c->uniform, c->o->rollouts);
}

double ofr_consistentee_objective(ofr_consistentee *c, uint64_t seed, uint64_t step,
                                  int item)
{
    const double bonus = c->o->entropy_bonus;
    const int L = c->L;
    double value;

    if (c->o->gradient == OFR_GRADIENT_EXACT) {
        value = ofr_policy_exact(c->du, c->u, c->R, L);
    } else {
        ofr_exit_distribution(c->q, c->log_q, c->u, L);
        ofr_consistentee_sample(c, seed, step, item);
        /* Its gradient is that of a loss; here everything is to be maximised. */
        (void)ofr_policy_reinforce(c->du, c->u, c->R, c->exits, c->o->rollouts, L);
        value = 0;
        for (int l = 0; l < L - 1; l++)
            c->du[l] = -c->du[l];
        for (int s = 0; s < c->o->rollouts; s++)
            value += c->R[c->exits[s] - 1] / c->o->rollouts;
    }
    if (bonus > 0) {
        value += bonus * ofr_policy_entropy(c->du2, c->u, L);
        for (int l = 0; l < L - 1; l++)
            c->du[l] += bonus * c->du2[l];
    }
    return value;
}

void ofr_consistentee_policy_step(ofr_trainer *trainer, void *self, ofr_step *step)
{
    ofr_consistentee *c = self;
    const int L = c->L, B = step->B;

    if (B == 0) return;
    gather_features(c, &c->cache, step->items, 0, B);
    ofr_policies_forward(&c->policies, c->c, B);
    for (int b = 0; b < B; b++) {
        const int i = step->items[b], item = c->policy_items[i];

        ofr_consistentee_logits(c, c->u, b);
        ofr_reward(c->R, c->ce + (size_t)i * (size_t)L, L, c->alpha,
                   c->o->reward == OFR_REWARD_PLAIN ? 0 : c->hardness[item]);
        step->loss -= ofr_consistentee_objective(c, trainer->options->seed, step->number,
                                                 item) /
                      step->B_all;
        for (int l = 0; l < L - 1; l++)
            c->u_grad[(size_t)l * (size_t)B + (size_t)b] =
                (ofr_real)(-c->du[l] / step->B_all);
    }
    ofr_policies_backward(&c->policies, trainer->grads, c->u_grad);
}

/* Has the model come with policies that a training made?  Those of a new model are
 * random. */
static bool has_learned(const ofr_encoder *encoder)
{
    return (encoder->found & OFR_GROUP_POLICIES) && encoder->config.method[0];
}

ofr_status ofr_consistentee_policy_begin(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;
    const bool begins = trainer->at.epoch == 0 && trainer->at.step == 0;
    const bool first = begins && trainer->at.iteration == 0;

    c->alpha = c->o->alpha;
    if (!c->cached) OFR_TRY(ofr_consistentee_remember(c, trainer, err));
    if (begins && c->o->policy_reset) return ofr_consistentee_start(c, trainer, err);
    if (!first) return OFR_OK;
    if (!has_learned(trainer->encoder)) return ofr_consistentee_start(c, trainer, err);
    ofr_log(OFR_LOG_INFO,
            "the model has policies, and they go on from where they are: --policy-init "
            "and --policy-start are for fresh ones; --policy-reset begins with those");
    return OFR_OK;
}

void ofr_consistentee_dev_figures(ofr_consistentee *c)
{
    const int n = c->data->dev->n, L = c->L;

    for (int i = 0; i < n; i += c->o->policy_batch) {
        const int B = n - i < c->o->policy_batch ? n - i : c->o->policy_batch;

        gather_features(c, &c->dev_cache, NULL, i, B);
        ofr_policies_forward(&c->policies, c->c, B);
        for (int b = 0; b < B; b++) {
            ofr_consistentee_logits(c, c->u, b);
            for (int l = 0; l < L - 1; l++)
                c->dev_pi[(size_t)(i + b) * (size_t)(L - 1) + (size_t)l] =
                    (ofr_real)(1 / (1 + exp(-c->u[l])));
        }
    }
    c->watch.alpha = c->alpha;
    ofr_watch_figures(&c->watch, c->dev_cache.logits, c->dev_pi);
}
