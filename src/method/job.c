/* job.c - from options and data to a finished run of a method. */
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "method/method.h"

static uint64_t hash_data(uint64_t h, const ofr_dataset *data)
{
    if (!data) return h;
    h = ofr_hash_fnv(h, data->offsets, ((size_t)data->n + 1) * sizeof(int));
    h = ofr_hash_fnv(h, data->ids, (size_t)data->offsets[data->n] * sizeof(int));
    if (data->labels) h = ofr_hash_fnv(h, data->labels, (size_t)data->n * sizeof(int));
    if (data->targets)
        h = ofr_hash_fnv(h, data->targets, (size_t)data->n * sizeof(float));
    return h;
}

/* dropout: rates of hidden states, attention and heads. */
static uint64_t fingerprint(const ofr_method *method, const ofr_encoder *encoder,
                            const ofr_method_data *data,
                            const ofr_method_options *options, const double dropout[3])
{
    const double reals[] = {options->lr, options->task_lr, options->policy_lr,
                            options->alpha, dropout[0], dropout[1], dropout[2],
                            options->policy_holdout,
                            options->entropy_bonus, options->clip, options->warmup,
                            options->weight_decay, options->beta1, options->beta2,
                            options->eps, options->policy_start,
                            options->max_loss, options->error_limit,
                            options->exit_lr, options->distill, options->temperature,
                            options->prior, options->prior_weight,
                            options->tolerance, options->tolerance_layers};
    const int ints[] = {options->joint_epochs, options->policy_epochs,
                        options->task_epochs, options->iterations, options->batch,
                        options->policy_batch, options->schedule, options->gradient,
                        options->reward, options->hardness, options->task_loss,
                        options->policy_data, options->policy_init, options->reward_loss,
                        options->rollouts, options->policy_reset,
                        options->task_updates_policy, options->policy_hidden,
                        options->pooler, options->all_exits, options->exit_epochs,
                        options->layers, options->grad_reg, options->hash_buckets,
                        options->hash_first, encoder->config.L, encoder->config.C,
                        encoder->config.K};
    uint64_t h = OFR_HASH_FNV;

    h = ofr_hash_fnv(h, method->name, strlen(method->name));
    h = ofr_hash_fnv(h, reals, sizeof reals);
    h = ofr_hash_fnv(h, ints, sizeof ints);
    h = ofr_hash_fnv(h, &options->seed, sizeof options->seed);
    if (options->alphas) h = ofr_hash_fnv(h, options->alphas, strlen(options->alphas));
    return hash_data(hash_data(h, data->train), data->dev);
}

/* The learning rate that --lr 0 means for these weights. */
static double auto_lr(const ofr_encoder *encoder)
{
    const ofr_params *params = &encoder->params;

    for (int l = 0; l < encoder->config.L; l++)
        for (int c = 0; c < encoder->config.C; c++)
            if (encoder->w[params->layers[l].ln1_g + (size_t)c] != 1) return 2e-5;
    return 5e-4;
}

static ofr_status check(const ofr_encoder *encoder, const ofr_method_data *data,
                        ofr_error *err)
{
    const ofr_dataset *sets[2] = {data->train, data->dev};

    for (int i = 0; i < 2; i++) {
        if (!sets[i]->labels && !sets[i]->targets)
            return ofr_fail(err, OFR_INVALID, "the %s texts have no labels",
                            i ? "dev" : "training");
        if (sets[i]->K != encoder->config.K ||
            (sets[i]->targets != NULL) != encoder->config.regression)
            return ofr_fail(err, OFR_INVALID,
                            "the %s texts have %d classes, the model has %d",
                            i ? "dev" : "training", sets[i]->K, encoder->config.K);
    }
    return OFR_OK;
}

ofr_train_options ofr_method_loop(const ofr_method_options *o, const ofr_method_job *job)
{
    return (ofr_train_options){
        .seed = o->seed,
        .beta1 = o->beta1,
        .beta2 = o->beta2,
        .eps = o->eps,
        .weight_decay = o->weight_decay,
        .clip = o->clip,
        .warmup = o->warmup,
        .schedule = (ofr_schedule)o->schedule,
        .save_steps = o->save_steps,
        .save_seconds = o->save_minutes * 60,
        .out = job->out,
        .resume = job->resume,
        .resume_command = job->resume_command,
        .tensorboard = job->tensorboard,
        .keep_first = job->keep_first,
        .fork = job->fork,
        .comm = job->comm,
        .stop = job->stop,
        .begin = job->begin,
        .progress = job->progress,
        .user = job->user,
        .guard = job->guard,
    };
}

static ofr_status run(const ofr_method *method, ofr_encoder *encoder, ofr_dev *dev,
                      const ofr_method_data *data, const ofr_method_options *options,
                      const ofr_train_options *loop, ofr_method_result *result,
                      ofr_error *err)
{
    ofr_trainer trainer;
    ofr_recipe recipe = {0};
    ofr_status status;

    OFR_TRY(ofr_trainer_open(&trainer, encoder, dev, loop, err));
    status = method->open(&recipe, method, &trainer, data, options, err);
    if (!status) {
        status = ofr_trainer_run(&trainer, &recipe, err);
        if (!status) {
            *result = (ofr_method_result){
                .chosen = -1, .iterations = (int)trainer.at.iteration,
                .steps = trainer.at.steps,
                .threshold = ofr_rule_default(method->rule, encoder->config.K)};
            method->result(&recipe, result);
        }
        method->close(&recipe);
    }
    ofr_trainer_close(&trainer);
    return status;
}

/* Of the rates that the masks are drawn with; and as it was once made, of the options,
 * which may leave a rate to config.json. */
static void set_fingerprints(ofr_train_options *loop, const ofr_method *method,
                             const ofr_encoder *encoder, const ofr_method_data *data,
                             const ofr_method_options *o)
{
    const ofr_config *config = &encoder->config;
    const double rates[3] = {config->hidden_dropout, config->attention_dropout,
                             config->head_dropout};
    const double given[3] = {o->dropout, o->attention_dropout, o->head_dropout};

    loop->fingerprint = fingerprint(method, encoder, data, o, rates);
    loop->fingerprint_before = fingerprint(method, encoder, data, o, given);
    loop->texts = hash_data(hash_data(OFR_HASH_FNV, data->train), data->dev);
}

/* The layers that --layers keeps; gates, heads and token exits of the method. */
static ofr_status reshape(const ofr_method *method, ofr_encoder *encoder,
                          const ofr_method_options *o, ofr_error *err)
{
    const ofr_config *config = &encoder->config;
    const ofr_encoder_parts parts = {o->layers ? o->layers : config->L, method->gate,
                                     method->heads, method->token_exits};

    if (parts.layers == config->L && parts.gate == config->gate &&
        parts.heads == config->heads && parts.token_exits == config->token_exits)
        return OFR_OK;
    return ofr_encoder_reshape(encoder, &parts, o->seed, err);
}

/* What the trained model says about itself. */
static void label(ofr_config *config, const ofr_method *method,
                  const ofr_method_options *options, const ofr_method_result *result)
{
    strcpy(config->rule, method->rule->name);
    strcpy(config->method, method->name);
    config->threshold = result->threshold;
    config->has_exits = ofr_method_trains_exits(method, options);
    config->has_policies = method->has_policies;
}

ofr_status ofr_method_train(const ofr_method *method, ofr_encoder *encoder, ofr_dev *dev,
                            const ofr_method_data *data,
                            const ofr_method_options *options, const ofr_method_job *job,
                            ofr_method_result *result, ofr_error *err)
{
    ofr_config *config = &encoder->config;
    const double rates[3] = {config->hidden_dropout, config->attention_dropout,
                             config->head_dropout};
    ofr_method_options o = *options;
    ofr_method_result mine;
    ofr_train_options loop;
    ofr_status status;

    OFR_TRY(check(encoder, data, err));
    OFR_TRY(ofr_method_check(method, options, config->L, config->regression, err));
    OFR_TRY(reshape(method, encoder, options, err));
    if (o.lr == 0) {
        o.lr = auto_lr(encoder);
        ofr_log(OFR_LOG_INFO, "learning rate %g (the weights are %s)", o.lr,
                o.lr > 1e-4 ? "fresh" : "pretrained");
    }
    if (o.task_lr == 0) o.task_lr = o.lr / 10;
    if (o.dropout >= 0) config->hidden_dropout = o.dropout;
    if (o.attention_dropout >= 0) config->attention_dropout = o.attention_dropout;
    if (o.head_dropout >= 0) config->head_dropout = o.head_dropout;
    loop = ofr_method_loop(&o, job);
    set_fingerprints(&loop, method, encoder, data, &o);
    status = run(method, encoder, dev, data, &o, &loop, result ? result : &mine, err);
    config->hidden_dropout = rates[0];
    config->attention_dropout = rates[1];
    config->head_dropout = rates[2];
    if (status) return status;
    label(config, method, options, result ? result : &mine);
    return ofr_encoder_pack(encoder, dev, OFR_PRECISION_F32, err);
}
