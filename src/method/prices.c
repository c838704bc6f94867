/* prices.c - the sweep phases of ConsistentEE over a finished backbone. */
#include "method/prices.h"

#include <string.h>

#include "base/mem.h"
#include "method/consistentee.h"

ofr_status ofr_prices_check(const ofr_encoder *encoder, const ofr_method_options *options,
                            ofr_error *err)
{
    const ofr_config *config = &encoder->config;

    if (!(encoder->found & OFR_GROUP_POLICIES) || config->heads != OFR_HEAD_POOLED ||
        strcmp(config->method, ofr_method_consistentee.name) != 0)
        return ofr_fail(err, OFR_INVALID,
                        "--alphas fits the policies of ConsistentEE, and this model has "
                        "none; train it with --method consistentee");
    if (options->hardness == OFR_HARDNESS_FORGETTING &&
        options->reward == OFR_REWARD_HARDNESS)
        return ofr_fail(err, OFR_INVALID,
                        "--alphas: hardness 'forgetting' is counted while a model "
                        "trains; give --alphas to train");
    return ofr_consistentee_check(options, config->L, config->regression, err);
}

static ofr_status take(ofr_prices *prices, const ofr_consistentee *c, ofr_error *err)
{
    const size_t count = (size_t)c->n_alphas * c->n_policy_w;

    prices->w = ofr_mem_array(count, sizeof *prices->w);
    if (!prices->w)
        return ofr_fail_nomem(err, count * sizeof *prices->w, "policies of many prices");
    memcpy(prices->w, c->sweep_w, count * sizeof *prices->w);
    memcpy(prices->alphas, c->alphas, sizeof prices->alphas);
    prices->n = c->n_alphas;
    prices->n_w = c->n_policy_w;
    prices->n_texts = c->n_policy;
    prices->n_dev = c->data->dev->n;
    return OFR_OK;
}

ofr_status ofr_prices_open(ofr_prices *prices, ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_method_data *data, const ofr_method_options *options,
                           const ofr_method_job *job, ofr_error *err)
{
    ofr_method_options o = *options;
    ofr_train_options loop;
    ofr_trainer trainer;
    ofr_recipe recipe = {0};
    ofr_status status;

    *prices = (ofr_prices){0};
    OFR_TRY(ofr_prices_check(encoder, options, err));
    o.max_loss = -1; /* the model's own policies are put back at the end */
    o.task_updates_policy = false; /* there is no task phase to measure texts for */
    loop = ofr_method_loop(&o, job);
    OFR_TRY(ofr_trainer_open(&trainer, encoder, dev, &loop, err));
    status = ofr_consistentee_open_prices(&recipe, &trainer, data, &o, err);
    if (!status) {
        status = ofr_trainer_run(&trainer, &recipe, err);
        if (!status) status = take(prices, recipe.self, err);
        ofr_method_consistentee.close(&recipe);
    }
    ofr_trainer_close(&trainer);
    return status;
}

void ofr_prices_close(ofr_prices *prices)
{
    ofr_mem_free(prices->w);
    *prices = (ofr_prices){0};
}
