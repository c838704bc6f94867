/*
 * origin.h - how a trained model came to be: the options in its train.json, the
 * command that gives it again, the texts that it learned from and those held out.
 *
 * A model in fewer bits has the train.json of the one it was made from as origin.json:
 * it is no run, and nothing goes on with it.
 */
#ifndef OFR_CLI_ORIGIN_H
#define OFR_CLI_ORIGIN_H

#include "cli/load.h"
#include "cli/train_data.h"

typedef struct ofr_origin {
    bool known;              /* the directory has one of the two files */
    ofr_train_values values; /* texts point into json */
    ofr_buf command;
    json_t *json;
} ofr_origin;

/* A directory without them is fine: then nothing is known. */
ofr_status ofr_origin_open(ofr_origin *origin, const char *model, ofr_error *err);
/* The same for those to whom it is a help: one that cannot be read is remarked on, and
 * nothing is known. */
ofr_status ofr_origin_try(ofr_origin *origin, const char *model, ofr_error *err);
void ofr_origin_close(ofr_origin *origin);

/* origin.json of `out`, if `model` was trained here; else none is left there. */
ofr_status ofr_origin_copy(const char *model, const char *out, ofr_error *err);

/* Both sets of texts as training had them, cut as the model is now.  OFR_INVALID
 * when nothing is known, or nothing was held out.  Caller closes both. */
ofr_status ofr_origin_texts(const ofr_origin *origin, ofr_dataset *train,
                            ofr_dataset *held, const ofr_loaded *model,
                            const char *dir, ofr_error *err);

#endif
