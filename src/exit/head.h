/*
 * head.h - the internal classifier of each layer, pooler included.
 *
 *   c_l = pooler_act(Wp h_l[CLS] + bp)      one pooler shared, or one per layer
 *   z_l = Wh drop(c_l) + bh                 (METHOD: ConsistentEE, network)
 *
 * Letters: L layers, B texts, C channels, K classes; layer l is index l-1.
 */
#ifndef OFR_EXIT_HEAD_H
#define OFR_EXIT_HEAD_H

#include "model/encoder.h"

/* Inference, one layer (1..L) at a time; weights as packed in the encoder.
 * c[B,C] = pooled vectors of cls[B,C];  z[B,K] = logits of c. */
void ofr_head_pool(const ofr_encoder *encoder, ofr_dev *dev, int layer, ofr_real *c,
                   const ofr_real *cls, int B);
void ofr_head_logits(const ofr_encoder *encoder, ofr_dev *dev, int layer, ofr_real *z,
                     const ofr_real *c, int B);

/* Training: all layers of a batch at once. */
typedef struct ofr_heads {
    ofr_encoder *encoder;
    ofr_dev *dev;
    int max_B, B;
    ofr_real *cls_in;    /* [L,B,C] borrowed: given to forward              */
    ofr_real *pre, *c;   /* [L,B,C] before and after the pooler's activation */
    ofr_real *dropped;   /* [L,B,C] */
    ofr_real *z;         /* [L,B,K] logits */
    ofr_real *dc;        /* [L,B,C] scratch: dropped -> c -> pre, backwards  */
    const ofr_real *dc_more; /* [L,B,C] added to dc on the way back: what gates want
                            of the pooled vectors.  NULL after open; borrowed */
    ofr_drop drop;       /* of the last forward; the key is changed per layer */
    uint32_t drop_key;
    size_t texts_before; /* in the batch, see ofr_trace: 0 after open */
    ofr_slots slots;
} ofr_heads;

ofr_status ofr_heads_open(ofr_heads *heads, ofr_encoder *encoder, ofr_dev *dev, int max_B,
                          ofr_error *err);
void ofr_heads_close(ofr_heads *heads);
/* heads->c, heads->z = from cls[L,B,C] (kept by pointer until backward).
 * training: dropout at the config's rate, masks a function of drop_key.  Layers
 * with a student are left out: their z stays 0. */
void ofr_heads_forward(ofr_heads *heads, ofr_real *cls, int B, bool training,
                       uint32_t drop_key);
/* grads +=;  dcls[L,B,C] = ... given dz[L,B,K].  Layers whose dz (and dc_more) is
 * all zero cost nothing and get dcls = 0.  Returns the highest layer with a gradient, 0
 * when there is none. */
int ofr_heads_backward(ofr_heads *heads, ofr_real *grads, ofr_real *dcls,
                       const ofr_real *dz);

#endif
