/*
 * prices.h - policies for many prices of a layer, fitted to a finished model.
 *
 * One pass over the texts that the policies learn from, then a policy phase for each
 * price from the cached pooled vectors; the network does not move.
 */
#ifndef OFR_METHOD_PRICES_H
#define OFR_METHOD_PRICES_H

#include "method/method.h"

typedef struct ofr_prices {
    int n;
    double alphas[OFR_SWEEP_MAX];
    size_t n_w;        /* policy parameters, in the order of encoder->params */
    ofr_real *w;       /* [n, n_w] */
    int n_texts;       /* that they were fitted to, run through all layers for it */
    int n_dev;         /* and those that the fit was followed on */
} ofr_prices;

/* Will ofr_prices_open() take this model and these options?  OFR_INVALID. */
ofr_status ofr_prices_check(const ofr_encoder *encoder, const ofr_method_options *options,
                            ofr_error *err);

/* options: those the model was trained with, and alphas ("auto" or a list); data: its
 * training texts, and any others as dev.  The encoder has its plain weights; they are
 * as before afterwards.  OFR_INVALID: no policies of ConsistentEE, or a hardness that
 * only training can measure.  OFR_INTERRUPTED.  Caller closes. */
ofr_status ofr_prices_open(ofr_prices *prices, ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_method_data *data, const ofr_method_options *options,
                           const ofr_method_job *job, ofr_error *err);
void ofr_prices_close(ofr_prices *prices);

#endif
