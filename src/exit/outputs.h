/*
 * outputs.h - everything that all exits say about many texts, in one pass.
 *
 * Memorized layers, cached features of the policy phase, accuracy per exit and
 * threshold sweeps all read this table instead of running the model again.
 */
#ifndef OFR_EXIT_OUTPUTS_H
#define OFR_EXIT_OUTPUTS_H

#include "model/encoder.h"

typedef struct ofr_outputs {
    int n, L, K, C;
    ofr_real *logits;    /* [n,L,K] */
    ofr_real *pi;        /* [n,L-1] */
    uint16_t *features;  /* [n,L,C] pooled vectors as f16; NULL if not wanted   */
} ofr_outputs;

/* Called now and then with texts done; returns false to stop (OFR_INTERRUPTED). */
typedef bool (*ofr_outputs_progress)(void *user, int done, int n);

/* Texts [0, tokens->B) of any number, run in batches of at most max_B texts;
 * dropout off, all layers.  encoder must be packed.  Caller closes.  _part: there is
 * room for all, and texts [first, first + count) are run. */
ofr_status ofr_outputs_open(ofr_outputs *outputs, const ofr_encoder *encoder,
                            ofr_dev *dev, const ofr_tokens *tokens, int max_B,
                            bool want_features, ofr_outputs_progress progress, void *user,
                            ofr_error *err);
ofr_status ofr_outputs_open_part(ofr_outputs *outputs, const ofr_encoder *encoder,
                                 ofr_dev *dev, const ofr_tokens *tokens, int first,
                                 int count, int max_B, bool want_features,
                                 ofr_outputs_progress progress, void *user,
                                 ofr_error *err);
void ofr_outputs_close(ofr_outputs *outputs);

#endif
