/* copy.h - files that go with a model. */
#ifndef OFR_CLI_COPY_H
#define OFR_CLI_COPY_H

#include "tok/tok.h"

ofr_status ofr_copy_file(const char *from, const char *to, ofr_error *err);

/* The files of `tok` into the directory `out`; those of another tokenizer that it lacks
 * are removed there, for they would be read with it or instead of it. */
ofr_status ofr_copy_tokenizer(const ofr_tok *tok, const char *out, ofr_error *err);

#endif
