/* train_save.c - writes the model directory and its card. */
#include "cli/train_save.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "cli/copy.h"
#include "model/weights.h"
#include "report/record.h"

/* The last part of a path, without a slash at its end. */
static void card_front(ofr_buf *out, const ofr_train_values *o, const ofr_eval *eval,
                       const ofr_train_card *card)
{
    const ofr_str base = ofr_file_last_name(o->model), name = ofr_file_last_name(o->out);

    ofr_buf_adds(out, "---\nlibrary_name: offramp\npipeline_tag: text-classification\n"
                      "tags:\n- early-exit\n");
    ofr_buf_addf(out, "- %s\nbase_model: ", o->method_name);
    ofr_buf_add_json(out, base.p, base.n);
    ofr_buf_addf(out, "\nmetrics:\n- %s\nmodel-index:\n- name: ", card->metric);
    ofr_buf_add_json(out, name.p, name.n);
    ofr_buf_adds(out, "\n  results:\n  - task:\n      type: text-classification\n"
                      "    dataset:\n      type: ");
    ofr_buf_add_json(out, card->title, strlen(card->title));
    ofr_buf_adds(out, "\n      name: ");
    ofr_buf_add_json(out, card->title, strlen(card->title));
    ofr_buf_addf(out, "\n      split: validation\n    metrics:\n    - type: %s\n"
                      "      value: %.4f\n---\n\n",
                 card->metric, eval->score);
}

static void card_numbers(ofr_buf *out, const ofr_config *config, const ofr_eval *eval,
                         const ofr_train_card *card)
{
    ofr_buf_addf(out,
                 "Trained on %d texts; measured on the %d texts of the dev set, which "
                 "also served to follow the training.\n\n",
                 card->n_train, card->n_dev);
    ofr_buf_adds(out, "| | early exit | all layers |\n|---|---|---|\n");
    ofr_buf_addf(out, "| %s | %.4f | %.4f |\n", card->metric, eval->score,
                 eval->score_full);
    ofr_buf_addf(out, "| mean exit layer | %.2f | %d |\n", eval->mean_exit, config->L);
    ofr_buf_addf(out, "| saved layers | %.1f %% | 0 %% |\n\n", 100 * eval->saved_layers);
    ofr_buf_adds(out, "| layer | texts that left | accuracy of this exit on all texts "
                      "|\n|---|---|---|\n");
    for (int l = 0; l < config->L; l++) {
        ofr_buf_addf(out, "| %d | %d | ", l + 1, eval->histogram[l]);
        if (isfinite(eval->layer_accuracy[l]))
            ofr_buf_addf(out, "%.4f |\n", eval->layer_accuracy[l]);
        else
            ofr_buf_adds(out, "not trained |\n");
    }
}

static ofr_status write_card(const ofr_train_values *o, const ofr_config *config,
                             const ofr_eval *eval, const ofr_method_result *result,
                             const ofr_train_card *card, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    const ofr_str name = ofr_file_last_name(o->out);
    ofr_buf out;
    ofr_status status;

    ofr_buf_init(&out);
    card_front(&out, o, eval, card);
    ofr_buf_adds(&out, "# ");
    ofr_buf_add(&out, name.p, name.n);
    ofr_buf_addf(&out, "\n\nA text classifier that leaves the network early: %s with %d "
                       "layers of %d, method `%s`, exit rule `%s` at threshold ",
                 ofr_family_name(config->family), config->L, config->C, o->method_name,
                 config->rule);
    ofr_buf_add_double(&out, config->threshold);
    ofr_buf_addf(&out, ".\n\n    offramp predict --model DIR FILE\n\n## %s\n\n",
                 card->title);
    card_numbers(&out, config, eval, card);
    ofr_buf_addf(&out, "\n## Training\n\nSeed %llu, %lld steps",
                 (unsigned long long)o->method.seed, result->steps);
    if (result->converged) ofr_buf_adds(&out, ", converged by its tolerances");
    ofr_buf_adds(&out, ". Every option is in `train.json`, every step and evaluation in "
                       "`journal.jsonl`, the answer to every dev text in "
                       "`predictions.dev.tsv`.\n");
    status = out.failed ? ofr_fail_nomem(err, out.n, "the model card")
                        : ofr_file_join(path, o->out, "README.md", err);
    if (!status) status = ofr_file_write(path, out.p, out.n, err);
    ofr_buf_free(&out);
    return status;
}

ofr_status ofr_train_save(const ofr_train_values *values, ofr_loaded *model,
                          const ofr_eval *eval, const ofr_method_result *result,
                          const ofr_train_card *card, ofr_error *err)
{
    ofr_encoder *encoder = &model->encoder;
    char path[OFR_PATH_MAX];

    OFR_TRY(ofr_file_join(path, values->out, "model.safetensors", err));
    OFR_TRY(ofr_weights_save(&encoder->params, &encoder->config, path, encoder->w,
                             OFR_F32, err));
    OFR_TRY(ofr_copy_tokenizer(model->tok, values->out, err));
    OFR_TRY(ofr_file_join(path, values->out, "predictions.dev.tsv", err));
    OFR_TRY(ofr_record_predictions(path, eval, encoder->config.labels, err));
    OFR_TRY(write_card(values, &encoder->config, eval, result, card, err));
    /* The last: until it stands there, a reader sees that the weights are not of it. */
    OFR_TRY(ofr_file_join(path, values->out, "config.json", err));
    return ofr_config_save(&encoder->config, path, err);
}
