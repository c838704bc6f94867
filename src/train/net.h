/*
 * net.h - one training step's network: a batch of texts through every exit.
 *
 * Forward once, and the loss of every exit of every text is known; then the
 * caller puts a weight on each of them and the gradient flows back.
 */
#ifndef OFR_TRAIN_NET_H
#define OFR_TRAIN_NET_H

#include "data/dataset.h"
#include "exit/head.h"
#include "model/encoder.h"

typedef struct ofr_net {
    const ofr_dataset *data;  /* borrowed */
    ofr_encoder *encoder;     /* borrowed */
    int max_B, max_N, B;
    bool frozen;              /* the backbone only reads: no dropout in it, and no
                                 gradient; the heads alone learn.  False after open */
    const int *items;         /* [B] texts of the last forward; borrowed */
    ofr_trace trace;
    ofr_heads heads;          /* heads.c[L,B,C] pooled, heads.z[L,B,K] logits */
    ofr_tokens tokens;
    int *offsets, *ids, *types;
    ofr_real *cls, *dcls;     /* [L,B,C] */
    ofr_real *dz;             /* [L,B,K] */
    ofr_slots slots;
} ofr_net;

/* Planned for any max_B texts of `data`: its longest ones together.  Caller
 * closes. */
ofr_status ofr_net_open(ofr_net *net, ofr_encoder *encoder, ofr_dev *dev,
                        const ofr_dataset *data, int max_B, ofr_error *err);
void ofr_net_close(ofr_net *net);

/* Texts batch[first .. first + B) with dropout; masks are a function of (seed, step,
 * place in the batch), so that it does not matter how ranks share a batch.  Clears
 * net->dz. */
void ofr_net_forward(ofr_net *net, const int *batch, int first, int B, uint64_t seed,
                     uint64_t step);

/* Loss of exit l (1..L) on the b-th text of the last forward: cross-entropy, or
 * squared error for regression. */
double ofr_net_loss(const ofr_net *net, int l, int b);
/* Logits [K] of layer l (1..L) for text b; borrowed until the next forward. */
const ofr_real *ofr_net_logits(const ofr_net *net, int l, int b);
/* Forget the weights given so far: dz = 0. */
void ofr_net_clear(ofr_net *net);
/* dz of that exit += weight * its gradient. */
void ofr_net_loss_bwd(ofr_net *net, int l, int b, double weight);

/* grads += from dz (and heads.dc_more).  What the way back needs survives it, so
 * that it may be called again with another dz. */
void ofr_net_backward(ofr_net *net, ofr_real *grads);

#endif
