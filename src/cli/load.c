/* load.c - a model directory, ready to run. */
#include "cli/load.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/out_folder.h"
#include "model/weights.h"

static ofr_status check_classifier(const ofr_encoder *encoder, const char *dir,
                                   ofr_error *err)
{
    if (encoder->config.K > 0 && (encoder->found & OFR_FOUND_CLASSIFIER)) return OFR_OK;
    const char *use = ofr_config_other_use(encoder->config.json);
    if (use)
        return ofr_fail(err, OFR_INVALID,
                        "%s: config.json says %.64s, which is no classifier of texts; "
                        "train one with `offramp train --model %s`", dir, use, dir);
    if (encoder->config.multi_label)
        return ofr_fail(err, OFR_INVALID,
                        "%s: its classifier gives several labels to a text "
                        "(\"problem_type\" or \"architectures\" in config.json), "
                        "expected one; train another with `offramp train --model %s`",
                        dir, dir);
    return ofr_fail(err, OFR_INVALID,
                    "%s: this model has no classifier yet; train it with `offramp train "
                    "--model %s`", dir, dir);
}

ofr_status ofr_load_check_length(int max_length, ofr_error *err)
{
    if (max_length <= 0 || max_length >= OFR_TOKENS_MIN) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "--max-length is %d, expected 0 or at least %d, which the special "
                    "tokens of two texts take", max_length, OFR_TOKENS_MIN);
}

static ofr_status choose_max_tokens(int *chosen, const ofr_config *config, int wanted,
                                    ofr_error *err)
{
    int most = ofr_config_max_tokens(config);
    OFR_TRY(ofr_load_check_length(wanted, err));
    if (wanted <= 0) wanted = config->max_tokens;
    *chosen = wanted > 0 && wanted < most ? wanted : most;
    return OFR_OK;
}

/* How many texts does a row have?  As training stored it, otherwise as the task says; 0:
 * nothing is known. */
static int texts_of_row(const ofr_config *config)
{
    const json_t *own = json_object_get(config->json, "offramp");
    const json_t *pair = json_object_get(own, "pair");
    const ofr_task *task;
    if (json_is_boolean(pair)) return json_is_true(pair) ? 2 : 1;
    if (!config->task[0] || ofr_task_find(&task, config->task, NULL) != OFR_OK) return 0;
    return task->pair ? 2 : 1;
}

ofr_status ofr_load_check_pair(const ofr_loaded *model, const char *pair, ofr_error *err)
{
    if (pair && model->single)
        ofr_log(OFR_LOG_WARN,
                "warning: the model was trained on one text per row, and two are read");
    if (pair || !model->pairs) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "the model was trained on two texts per row, and one is read; add "
                    "--text-pair COL, or name a task that has pairs");
}

ofr_status ofr_load_check_dir(const char *dir, ofr_error *err)
{
    if (ofr_file_is_dir(dir) && ofr_out_folder_unfinished(dir))
        return ofr_fail(err, OFR_NOT_FOUND,
                        "%s: holds an unfinished run; finish it with "
                        "`offramp train --resume --out %s`", dir, dir);
    if (ofr_file_is_dir(dir)) return OFR_OK;
    if (ofr_file_exists(dir))
        return ofr_fail(err, OFR_INVALID,
                        "%s: is a file, expected a model directory with config.json and "
                        "model.safetensors", dir);
    return ofr_fail(err, OFR_NOT_FOUND, "%s: no such model directory; check the name",
                    dir);
}

ofr_status ofr_load_whole(ofr_encoder *encoder, const char *dir, const char *verb,
                          ofr_error *err)
{
    OFR_TRY(ofr_encoder_open(encoder, dir, 0, err));
    ofr_precision held = encoder->config.precision;
    if (held == OFR_PRECISION_F32) return OFR_OK;
    ofr_encoder_close(encoder);
    return ofr_fail(err, OFR_INVALID,
                    "%s: holds %s weights, which are for running a model; %s the f32 "
                    "directory that it was made from", dir, ofr_precision_name(held),
                    verb);
}

static ofr_status open_encoder(ofr_encoder *encoder, const char *dir, const ofr_ops *ops,
                               const ofr_load_options *options, ofr_error *err)
{
    int precision = OFR_AS_STORED;
    if (options->training) return ofr_load_whole(encoder, dir, "train", err);
    if (options->precision && (precision = ofr_precision_parse(options->precision)) < 0)
        return ofr_fail(err, OFR_INVALID,
                        "--precision is '%s', expected f32, f16, bf16 or int8",
                        options->precision);
    return ofr_encoder_open_packed(encoder, dir, ops, options->threads, precision,
                                   options->later, err);
}

ofr_status ofr_load_open(ofr_loaded *loaded, const char *dir,
                         const ofr_load_options *options, ofr_error *err)
{
    ofr_loaded m;
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_tok_options as_stored = {-1};
    ofr_status status;
    memset(&m, 0, sizeof m);
    OFR_TRY(ofr_load_check_dir(dir, err));
    OFR_TRY(open_encoder(&m.encoder, dir, &ops, options, err));
    const ofr_config *config = &m.encoder.config;
    if (options->classifier) {
        if ((status = check_classifier(&m.encoder, dir, err)) != OFR_OK) goto fail;
        status = ofr_rule_of_model(&m.rule, &m.threshold, &m.encoder, dir, options->rule,
                                   options->threshold, err);
        if (status != OFR_OK) goto fail;
    }
    status = choose_max_tokens(&m.max_tokens, config, options->max_tokens, err);
    if (status != OFR_OK) goto fail;
    m.pairs = texts_of_row(config) == 2;
    m.single = texts_of_row(config) == 1;
    if (options->tokenizer) {
        if ((status = ofr_tok_open(&m.tok, dir, as_stored, err)) != OFR_OK) goto fail;
        if ((status = ofr_tok_check_size(m.tok, config->V, err)) != OFR_OK) goto fail;
    }
    /* Tokens that come without a tokenizer are as many as the positions allow. */
    status = ofr_dev_open(&m.dev, &ops, options->threads,
                          m.tok ? m.max_tokens : ofr_config_max_tokens(config), err);
    if (status != OFR_OK) goto fail;
    if (options->training) {
        status = ofr_encoder_pack(&m.encoder, m.dev, OFR_PRECISION_F32, err);
        if (status != OFR_OK) goto fail;
    }
    *loaded = m;
    return OFR_OK;
fail:
    ofr_load_close(&m);
    return status;
}

void ofr_load_close(ofr_loaded *loaded)
{
    ofr_dev_close(loaded->dev);
    ofr_tok_close(loaded->tok);
    ofr_encoder_close(&loaded->encoder);
    memset(loaded, 0, sizeof *loaded);
}
