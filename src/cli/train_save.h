/*
 * train_save.h - a trained model as a directory: config, weights, tokenizer, card.
 *
 * Every file is replaced only by a whole one.
 */
#ifndef OFR_CLI_TRAIN_SAVE_H
#define OFR_CLI_TRAIN_SAVE_H

#include "cli/load.h"
#include "cli/train_options.h"
#include "eval/evaluate.h"
#include "method/method.h"

/* What the card tells beside the numbers of the evaluation. */
typedef struct ofr_train_card {
    const char *title;       /* task, or name of the training file */
    const char *metric;
    int n_train, n_dev;
} ofr_train_card;

/* Into values->out: config.json, model.safetensors, the tokenizer's files copied
 * from values->model, predictions.dev.tsv, README.md. */
ofr_status ofr_train_save(const ofr_train_values *values, ofr_loaded *model,
                          const ofr_eval *eval, const ofr_method_result *result,
                          const ofr_train_card *card, ofr_error *err);

#endif
