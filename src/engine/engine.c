/* engine.c - open a model directory and settle how its texts will stop. */
#include "engine/engine.h"

#include <math.h>
#include <stdio.h>

#include "base/cpu.h"
#include "base/log.h"
#include "kernels/dev.h"

static ofr_status check_dir(const char *dir, ofr_error *err)
{
    if (ofr_file_is_dir(dir)) return OFR_OK;
    if (!ofr_file_exists(dir))
        return ofr_fail(err, OFR_NOT_FOUND, "%s: no such model directory; check the name",
                        dir);
    return ofr_fail(err, OFR_INVALID,
                    "%s: is a file, expected a directory with config.json, "
                    "model.safetensors and the tokenizer's files",
                    dir);
}

static ofr_status parse_precision(int *precision, const char *name, ofr_error *err)
{
    *precision = name ? ofr_precision_parse(name) : OFR_AS_STORED;
    if (!name || *precision >= 0) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "precision is \"%.40s\", expected \"f32\", \"f16\", \"bf16\", "
                    "\"int8\" or NULL",
                    name);
}

static void say_what_opened(const ofr_model *model, const char *dir)
{
    const ofr_config *config = &model->encoder.config;
    ofr_log(OFR_LOG_INFO, "%s: %s, %d layers of %d, %d classes, %s, kernels %s", dir,
            ofr_family_name(config->family), config->L, config->C, config->K,
            ofr_precision_name(model->encoder.precision), model->ops.name);
    if (!(model->encoder.found & OFR_GROUP_HEADS))
        ofr_log(OFR_LOG_WARN,
                "%s: no internal classifiers, every text runs through all %d layers; "
                "`offramp train` makes them",
                dir, config->L);
}

ofr_status ofr_engine_open(ofr_model *model, const char *dir,
                           const ofr_model_options *options, ofr_error *err)
{
    int precision;
    OFR_TRY(check_dir(dir, err));
    (void)snprintf(model->dir, sizeof model->dir, "%s", dir); /* it opens, so it fits */
    OFR_TRY(parse_precision(&precision, options->precision, err));
    model->ops = ofr_ops_select(ofr_cpu_features());
    OFR_TRY(ofr_encoder_open_packed(&model->encoder, dir, &model->ops, options->n_threads,
                                    precision, !options->pack_at_open, err));
    const ofr_config *config = &model->encoder.config;
    if (config->K == 0)
        return ofr_fail(err, OFR_INVALID,
                        "%s: holds %s; train one with `offramp train --model %s`",
                        dir,
                        config->multi_label
                            ? "a classifier of several labels for a text, expected one"
                            : "no classifier, only a backbone",
                        dir);
    OFR_TRY(ofr_tok_open(&model->tok, dir, (ofr_tok_options){-1}, err));
    OFR_TRY(ofr_tok_check_size(model->tok, config->V, err));
    int most = ofr_config_max_tokens(config);
    bool shorter = config->max_tokens > 0 && config->max_tokens < most;
    model->max_tokens = shorter ? config->max_tokens : most;
    say_what_opened(model, dir);
    return OFR_OK;
}

void ofr_engine_close(ofr_model *model)
{
    ofr_tok_close(model->tok);
    ofr_encoder_close(&model->encoder);
}

ofr_status ofr_engine_rule(const ofr_model *model, const ofr_rule **rule,
                           double *threshold, const ofr_exit_options *options,
                           ofr_error *err)
{
    bool zeroed = options->rule == NULL && options->threshold == 0;
    return ofr_rule_of_model(rule, threshold, &model->encoder, model->dir, options->rule,
                             zeroed ? (double)NAN : options->threshold, err);
}
