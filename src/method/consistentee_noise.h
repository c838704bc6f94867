/*
 * consistentee_noise.h - how noisy is the gradient of a policy phase?
 */
#ifndef OFR_METHOD_CONSISTENTEE_NOISE_H
#define OFR_METHOD_CONSISTENTEE_NOISE_H

#include "method/method.h"

/* What options a gradient's noise can not be measured under: hardness that only a
 * training run counts, and an objective that is more than the reward.  OFR_INVALID. */
ofr_status ofr_consistentee_noise_check(const ofr_method_options *options,
                                        ofr_error *err);

/* For the policies that `encoder` holds, on the texts they learn from: noise[k] =
 * mean over `batches` random batches of |g - fG|^2 / |fG|^2, where g is the gradient
 * that a step would use with S = rollouts[k] sampled exits per text (0: the exact
 * gradient, whose noise is the choice of the batch alone), G the exact gradient over
 * all texts and fG what g is on average: f = 1 - 1/S, because the baseline is the
 * mean of the same S rewards.  S = 1 has no gradient at all: NaN.  Nothing is
 * trained.  OFR_INVALID as above. */
ofr_status ofr_consistentee_noise(double *noise, const int *rollouts, int n, int batches,
                                  ofr_encoder *encoder, ofr_dev *dev,
                                  const ofr_method_data *data,
                                  const ofr_method_options *options, ofr_error *err);

#endif
