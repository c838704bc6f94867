/*
 * load.h - opening a model directory, the same way for every verb.
 *
 * Directory -> config, weights, tokenizer, kernels and the exit rule that will
 * be used, with the errors a user can act on.
 */
#ifndef OFR_CLI_LOAD_H
#define OFR_CLI_LOAD_H

#include "data/task.h"
#include "exit/choose.h"
#include "kernels/dev.h"
#include "tok/tok.h"

typedef struct ofr_load_options {
    const char *rule;    /* NULL: as stored                                       */
    double threshold;    /* NaN: as stored, or the rule's default                 */
    int max_tokens;      /* 0: as trained, at most what the positions allow       */
    int threads;         /* 0: all allowed                                        */
    bool tokenizer;      /* open the tokenizer                                    */
    bool later;          /* one that is asked once or twice answers sooner: see
                            ofr_encoder_open_packed()                             */
    bool classifier;     /* refuse a directory that holds no classifier           */
    bool training;       /* keep the weights as they are beside the packed ones;
                            refuse a quantised directory                          */
    const char *precision; /* f32, f16, bf16, int8; NULL: as stored               */
} ofr_load_options;

/* The option of verbs that run a model; `type` has a member `precision`. */
#define OFR_PRECISION_ROW(type)                                                       \
    {"precision", 0, OFR_OPT_TEXT, offsetof(type, precision), NULL, "NAME", NULL, 0,  \
     0, "weights in memory as f32, f16, bf16 or int8; default: as stored", NULL}

typedef struct ofr_loaded {
    ofr_encoder encoder; /* packed; for inference alone unless training */
    ofr_dev *dev;
    ofr_tok *tok;        /* NULL unless asked for */
    const ofr_rule *rule;
    double threshold;
    int max_tokens;
    bool pairs;          /* what it was trained on has two texts per row */
    bool single;         /* one; with neither nothing is known */
} ofr_loaded;

/* OFR_NOT_FOUND: no such directory or file; OFR_FORMAT: damaged; OFR_INVALID:
 * a rule that this model can not follow.  Caller closes. */
ofr_status ofr_load_open(ofr_loaded *loaded, const char *dir,
                         const ofr_load_options *options, ofr_error *err);
void ofr_load_close(ofr_loaded *loaded); /* zeroed and half-built ones are fine */

/* Does `pair`, the column of the second text or NULL, fit what the model was trained on?
 * Half of each pair is OFR_INVALID, a second text too many is remarked on. */
ofr_status ofr_load_check_pair(const ofr_loaded *model, const char *pair, ofr_error *err);

/* An encoder with all its numbers, to train it or to `verb` it otherwise: refuses
 * a quantised directory.  Caller closes. */
ofr_status ofr_load_whole(ofr_encoder *encoder, const char *dir, const char *verb,
                          ofr_error *err);

/* Is there room for the special tokens in texts of max_length tokens (0: no limit)?
 * OFR_INVALID. */
ofr_status ofr_load_check_length(int max_length, ofr_error *err);

/* Is `dir` a directory, and not that of an unfinished run?  OFR_NOT_FOUND,
 * OFR_INVALID. */
ofr_status ofr_load_check_dir(const char *dir, ofr_error *err);

#endif
