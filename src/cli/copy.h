/* copy.h - the tokenizer goes with its model. */
#ifndef OFR_CLI_COPY_H
#define OFR_CLI_COPY_H

#include "tok/tok.h"

/* The files of `tok` into the directory `out`; those of another tokenizer that it lacks
 * are removed there, for they would be read with it or instead of it. */
ofr_status ofr_copy_tokenizer(const ofr_tok *tok, const char *out, ofr_error *err);

#endif
