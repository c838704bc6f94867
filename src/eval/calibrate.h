/*
 * calibrate.h - a threshold with a guarantee: Learn-then-Test.
 *
 * Angelopoulos, Bates, Candes, Jordan, Lei: "Learn then Test: Calibrating
 * Predictive Algorithms to Achieve Risk Control" (arXiv 2110.01052).  Thresholds
 * are tested one after another from the safest on, in an order that does not
 * depend on the texts; the walk stops at the first that can not be shown to be
 * safe.  Then, whatever the model and the texts' distribution, the chance that
 * the threshold taken has a risk above delta is at most 1 - confidence.
 * docs/CALIBRATION.md says what that needs.
 */
#ifndef OFR_EVAL_CALIBRATE_H
#define OFR_EVAL_CALIBRATE_H

#include "exit/outputs.h"
#include "exit/rule.h"

/* The loss of one text under a threshold, against the full model. */
typedef enum ofr_risk {
    OFR_RISK_ACCURACY,     /* 1: wrong where the full model is right; else 0.  Its
                              mean is at least the loss of accuracy             */
    OFR_RISK_DISAGREEMENT, /* 1: another answer than the full model's; else 0   */
    OFR_RISK_NET           /* right at full depth minus right early: -1, 0, 1.
                              Its mean is the loss of accuracy                  */
} ofr_risk;

typedef enum ofr_bound { OFR_BOUND_HOEFFDING, OFR_BOUND_HB } ofr_bound;

/* p-value of "the mean of a loss in [0, 1] is above delta" for n independent
 * texts whose losses add up to `sum`; 0 < delta < 1.
 *   hoeffding  exp(-2 n max(0, delta - r)^2), r = sum / n
 *   hb         min(exp(-n kl(min(r, delta), delta)), e P(Bin(n, delta) <= ceil(sum)))
 * with kl(a, b) = a ln(a/b) + (1 - a) ln((1 - a)/(1 - b)); 1 at most. */
double ofr_calibrate_p(ofr_bound bound, double sum, int n, double delta);
/* Losses from -1 to 1 are tested as (loss + 1) / 2 against (delta + 1) / 2. */
double ofr_calibrate_p_net(ofr_bound bound, double sum, int n, double delta);

typedef struct ofr_calibrate_options {
    const ofr_rule *rule;
    ofr_risk risk;
    ofr_bound bound;
    double delta;        /* the risk allowed, as a share */
    double confidence;
    int steps;           /* thresholds tested at most */
    double error_limit;  /* regression: |error| that counts as right, |difference|
                            that counts as another answer */
} ofr_calibrate_options;

typedef struct ofr_calibration {
    int n, L;
    int accepted;        /* thresholds shown to be safe before the walk stopped */
    bool possible;       /* one of them lets texts leave early; the rest is of that
                            one, or of the last tested where there is none      */
    double threshold;
    double p;
    double risk;         /* mean loss on these texts */
    double drop;         /* accuracy of the full model minus its own; NaN: no labels */
    double disagreement;
    double mean_exit;
} ofr_calibration;

/* labels[n] or targets[n] of the texts in `outputs`, both NULL: none.  OFR_INVALID:
 * a risk that needs labels without them, a rule without a threshold. */
ofr_status ofr_calibrate(ofr_calibration *out, const ofr_outputs *outputs,
                         const int *labels, const float *targets,
                         const ofr_calibrate_options *options, ofr_error *err);

/* Texts that would be needed if not one of them had a loss. */
int ofr_calibrate_least_texts(const ofr_calibrate_options *options);

const char *ofr_risk_name(ofr_risk risk);   /* "accuracy", ... */
const char *ofr_bound_name(ofr_bound bound); /* "hoeffding", "hb" */

#endif
