/* consistentee_noise.c - the steps of a policy phase, taken nowhere. */
#include "method/consistentee_noise.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "method/consistentee.h"

typedef struct probe {
    ofr_method_options o; /* gradient and rollouts change between measurements */
    ofr_trainer trainer;
    ofr_recipe recipe;
    ofr_consistentee *c; /* recipe.self */
    int *items;          /* [policy_batch] */
    double *whole;       /* [params.total] G */
} probe;

static void clear(probe *p)
{
    memset(p->trainer.grads, 0,
           p->trainer.encoder->params.total * sizeof *p->trainer.grads);
}

/* G: every text once, weighted as one batch. */
static void whole_gradient(probe *p)
{
    const size_t total = p->trainer.encoder->params.total;
    const int n = p->c->n_policy, most = p->o.policy_batch;

    clear(p);
    p->o.gradient = OFR_GRADIENT_EXACT;
    for (int first = 0; first < n; first += most) {
        ofr_step step = {
            .items = p->items, .B = n - first < most ? n - first : most, .B_all = n};

        for (int b = 0; b < step.B; b++)
            p->items[b] = first + b;
        ofr_consistentee_policy_step(&p->trainer, p->c, &step);
    }
    for (size_t i = 0; i < total; i++)
        p->whole[i] = (double)p->trainer.grads[i];
}

/* |g - fG|^2 of random batch number `number`. */
static double distance(probe *p, int number, double f)
{
    const uint64_t stream = ofr_rng_stream(OFR_RNG_EVAL, 0x6e6f697365, (uint64_t)number);
    const int B = p->o.policy_batch < p->c->n_policy ? p->o.policy_batch : p->c->n_policy;
    ofr_step step = {.items = p->items, .B = B, .B_all = B, .number = (uint64_t)number};
    double sum = 0;

    for (int b = 0; b < B; b++)
        p->items[b] =
            (int)ofr_rng_below(p->o.seed, stream, (uint64_t)b, (uint32_t)p->c->n_policy);
    clear(p);
    ofr_consistentee_policy_step(&p->trainer, p->c, &step);
    for (size_t i = 0; i < p->trainer.encoder->params.total; i++) {
        const double d = (double)p->trainer.grads[i] - f * p->whole[i];

        sum += d * d;
    }
    return sum;
}

static ofr_status measure(probe *p, double *noise, const int *rollouts, int n,
                          int batches, ofr_error *err)
{
    double length = 0;

    p->c = p->recipe.self;
    OFR_TRY(ofr_consistentee_remember(p->c, &p->trainer, err));
    whole_gradient(p);
    for (size_t i = 0; i < p->trainer.encoder->params.total; i++)
        length += p->whole[i] * p->whole[i];
    for (int k = 0; k < n; k++) {
        const double f = rollouts[k] ? 1 - 1.0 / rollouts[k] : 1;

        p->o.gradient = rollouts[k] ? OFR_GRADIENT_REINFORCE : OFR_GRADIENT_EXACT;
        if (rollouts[k]) p->o.rollouts = rollouts[k];
        noise[k] = f > 0 ? 0 : (double)NAN;
        for (int b = 0; b < batches; b++)
            noise[k] += distance(p, b, f) / batches / (f * f * length);
    }
    return OFR_OK;
}

ofr_status ofr_consistentee_noise_check(const ofr_method_options *options, ofr_error *err)
{
    if (options->hardness == OFR_HARDNESS_FORGETTING &&
        options->reward == OFR_REWARD_HARDNESS)
        return ofr_fail(err, OFR_INVALID,
                        "--hardness forgetting is counted while a model trains, and the "
                        "noise is measured on models that have; give another measure");
    if (options->entropy_bonus > 0)
        return ofr_fail(err, OFR_INVALID,
                        "--entropy-bonus %g: what a gradient is on average is known for "
                        "the reward alone; leave the bonus out",
                        options->entropy_bonus);
    return OFR_OK;
}

ofr_status ofr_consistentee_noise(double *noise, const int *rollouts, int n, int batches,
                                  ofr_encoder *encoder, ofr_dev *dev,
                                  const ofr_method_data *data,
                                  const ofr_method_options *options, ofr_error *err)
{
    const ofr_train_options loop = {.seed = options->seed};
    const ofr_method *method = &ofr_method_consistentee;
    probe p = {.o = *options};
    ofr_status status;

    OFR_TRY(ofr_consistentee_noise_check(options, err));
    p.o.alphas = NULL;
    for (int k = 0; k < n; k++)
        if (rollouts[k] > p.o.rollouts) p.o.rollouts = rollouts[k]; /* room for all */
    OFR_TRY(ofr_trainer_open(&p.trainer, encoder, dev, &loop, err));
    p.items = ofr_mem_array((size_t)p.o.policy_batch, sizeof *p.items);
    p.whole = ofr_mem_array(encoder->params.total, sizeof *p.whole);
    status = p.items && p.whole
                 ? method->open(&p.recipe, method, &p.trainer, data, &p.o, err)
                 : ofr_fail_nomem(err, encoder->params.total, "gradients");
    if (!status) {
        status = measure(&p, noise, rollouts, n, batches, err);
        method->close(&p.recipe);
    }
    ofr_mem_free(p.items);
    ofr_mem_free(p.whole);
    ofr_trainer_close(&p.trainer);
    return status;
}
