/*
 * engine.h - an opened model directory: weights, tokenizer, kernels' table.
 *
 * Immutable after open and shared by any number of sessions, so the table that
 * the weights were packed for is chosen here, once.
 */
#ifndef OFR_ENGINE_ENGINE_H
#define OFR_ENGINE_ENGINE_H

#include "base/file.h"
#include "exit/choose.h"
#include "kernels/ops.h"
#include "tok/tok.h"

struct ofr_model {
    ofr_encoder encoder; /* packed for `ops` */
    ofr_tok *tok;
    ofr_ops ops;
    int max_tokens; /* as trained, at most what the positions allow */
    char dir[OFR_PATH_MAX]; /* as given, for what is said of its files */
};

/* OFR_NOT_FOUND, OFR_FORMAT, OFR_NOMEM; OFR_INVALID: no classifier.  `model` is
 * zeroed by the caller; close it in any case. */
ofr_status ofr_engine_open(ofr_model *model, const char *dir,
                           const ofr_model_options *options, ofr_error *err);
void ofr_engine_close(ofr_model *model);

/* The rule and threshold that `options` and the stored settings give together
 * (see ofr_exit_options).  OFR_INVALID: unknown rule, a threshold outside its
 * range, or a rule that needs networks which this model's files do not hold;
 * OFR_FORMAT: it is what config.json stores that is so. */
ofr_status ofr_engine_rule(const ofr_model *model, const ofr_rule **rule,
                           double *threshold, const ofr_exit_options *options,
                           ofr_error *err);

#endif
