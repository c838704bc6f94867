/*
 * answer.h - answers that are no numbers.
 */
#ifndef OFR_EXIT_ANSWER_H
#define OFR_EXIT_ANSWER_H

#include "model/encoder.h"

/* Are z[n], the logits or last states of text `text` as the caller counts, finite?
 * Opening a model does not look at word embeddings that stay in their file: here they
 * show.  OFR_FORMAT names file and tensor, or says that all weights are finite.  A model
 * with all its numbers in memory was looked at when it was opened, and is left to those
 * who train it: OFR_OK. */
ofr_status ofr_answer_check(const ofr_encoder *encoder, const ofr_real *z, size_t n,
                            long long text, ofr_error *err);

#endif
