/*
 * policy.h - the policy network of each layer 1..L-1: exit or continue.
 *
 *   u_l = w2 . gelu(W1 c_l + b1) + b2,   pi_l = sigmoid(u_l)
 *
 * with W1 [P,C], P = 32.  Layer L always exits and has no policy.  A model whose
 * gates are of kind LTE has u_l = v . c_l + a instead, with v and a shared by all
 * layers; pi_l is then the estimated probability that layer l is wrong.
 */
#ifndef OFR_EXIT_POLICY_H
#define OFR_EXIT_POLICY_H

#include "model/encoder.h"

/* Inference, one layer 1..L-1: pi[B] from c[B,C].  hidden: scratch [B,P]. */
void ofr_policy_stop(const ofr_encoder *encoder, ofr_dev *dev, int layer, ofr_real *pi,
                     ofr_real *hidden, const ofr_real *c, int B);

/* Training: all layers of a batch at once. */
typedef struct ofr_policies {
    ofr_encoder *encoder;
    ofr_dev *dev;
    int max_B, B;
    const ofr_real *c_in;   /* [L,B,C] borrowed */
    ofr_real *pre, *hidden; /* [L-1,B,P] */
    ofr_real *u;            /* [L-1,B] logits of stopping */
    ofr_real *dhidden;      /* [B,P] scratch */
    ofr_slots slots;
} ofr_policies;

ofr_status ofr_policies_open(ofr_policies *policies, ofr_encoder *encoder, ofr_dev *dev,
                             int max_B, ofr_error *err);
void ofr_policies_close(ofr_policies *policies);
/* policies->u = from c[L,B,C] (the last layer's c is not read). */
void ofr_policies_forward(ofr_policies *policies, const ofr_real *c, int B);
/* grads += for the policy parameters, given du[L-1,B].  The pooled vectors are
 * constants here: no gradient flows into the backbone (METHOD, step b). */
void ofr_policies_backward(ofr_policies *policies, ofr_real *grads, const ofr_real *du);
/* The same, and dc[L,B,C] += of the pooled vectors below layer L, for methods whose
 * gates shape the backbone.  LTE only reads: it leaves dc alone. */
void ofr_policies_backward_into(ofr_policies *policies, ofr_real *grads, ofr_real *dc,
                                const ofr_real *du);

#endif
