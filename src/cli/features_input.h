/*
 * features_input.h - what `offramp features` reads: token ids from a
 * safetensors file, or lines of text.
 */
#ifndef OFR_CLI_FEATURES_INPUT_H
#define OFR_CLI_FEATURES_INPUT_H

#include "cli/load.h"

/* Texts without padding, and where each token stood in the padded array. */
typedef struct ofr_features_input {
    int B, T;          /* of the padded array [B,T]  */
    int *offsets;      /* [B+1]                      */
    int *ids, *types;  /* [N]                        */
    int *columns;      /* [N] place of the token in its row of T */
    int n_truncated;
} ofr_features_input;

/* path ending in ".safetensors": input_ids [B,T] (I64 or I32), attention_mask
 * and token_type_ids of the same shape if there are any; tokens with mask 0 are
 * left out.  Other files: a text per line, a TAB between the texts of a pair if
 * `pairs`.  Ids are checked against the model.  OFR_FORMAT.  Caller closes. */
ofr_status ofr_features_input_open(ofr_features_input *input, const char *path,
                                   const ofr_loaded *model, bool pairs, ofr_error *err);
void ofr_features_input_close(ofr_features_input *input);

#endif
