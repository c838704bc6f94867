/* copy.h - the tokenizer of a model directory goes with it. */
#ifndef OFR_CLI_COPY_H
#define OFR_CLI_COPY_H

#include "tok/tok.h"

/* The files that `tok`, opened from `model`, was read from, and those that other
 * tools want beside them, into the directory `out`. */
ofr_status ofr_copy_tokenizer(const ofr_tok *tok, const char *model, const char *out,
                              ofr_error *err);

#endif
