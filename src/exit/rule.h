/*
 * rule.h - when to stop: one function, a little state per text.
 *
 * After each layer the runner shows a rule the texts still running.  Exit tests
 * are strict; NaN means continue; ties in argmax go to the lowest index; layer L
 * is unconditional and never shown.
 */
#ifndef OFR_EXIT_RULE_H
#define OFR_EXIT_RULE_H

#include <stdbool.h>

#include "base/status.h"
#include "tensor/real.h"

#define OFR_RULE_STATE_MAX 32 /* bytes of state per text at most */

typedef struct ofr_exit_view {
    int layer;               /* 1..n_layers - 1                                   */
    int n_layers;
    int n;                   /* texts still running                               */
    int K;
    const ofr_real *logits;  /* [n,K] of this layer's classifier; NULL unless the
                                rule needs them                                   */
    const ofr_real *pi;      /* [n] probability of stopping from the policy; NULL
                                unless the rule needs it                          */
} ofr_exit_view;

typedef struct ofr_rule {
    const char *name;
    const char *knob;          /* what the threshold means, for help texts        */
    bool needs_logits, needs_policy;
    bool rising;               /* a larger threshold stops later                  */
    double default_threshold;
    double min, max;           /* of the threshold, inclusive                     */
    size_t state_bytes;        /* per text, zeroed before layer 1                 */
    /* stop[i] = 1 for each of view->n texts that should answer now, else 0.
     * state: [n] records of state_bytes, in the order of the view. */
    void (*decide)(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop);
} ofr_rule;

extern const ofr_rule ofr_rule_never;      /* full depth                          */
extern const ofr_rule ofr_rule_fixed;      /* layer == threshold                  */
extern const ofr_rule ofr_rule_policy;     /* pi > threshold (0.5)                */
extern const ofr_rule ofr_rule_entropy;    /* H in nats < threshold (DeeBERT)     */
extern const ofr_rule ofr_rule_confidence; /* max p > threshold                   */
extern const ofr_rule ofr_rule_patience;   /* PABEE: cnt == threshold; 0: never.
                                              Regression (K == 1): the answer moved
                                              by less than the threshold          */

extern const ofr_rule *const ofr_rules[];  /* all of them, NULL at the end        */

/* By name; OFR_INVALID lists the known ones. */
ofr_status ofr_rule_find(const ofr_rule **out, const char *name, ofr_error *err);
/* Is `threshold` meaningful for `rule`?  OFR_INVALID names both values. */
ofr_status ofr_rule_check(const ofr_rule *rule, double threshold, int n_layers,
                          ofr_error *err);

/* Replay: the exit layer (1..L) of one text from stored outputs:
 * logits[L,K], pi[L-1] (may be NULL when the rule needs none). */
int ofr_rule_replay(const ofr_rule *rule, double threshold, const ofr_real *logits,
                    const ofr_real *pi, int L, int K);

/* Shared by rules, heads and metrics. */
int ofr_argmax(const ofr_real *z, int K);                       /* lowest index wins */
/* H = ln S - sum (z-m) e^(z-m) / S with m = max z, S = sum e^(z-m); nats. */
double ofr_entropy(const ofr_real *z, int K);
void ofr_softmax(ofr_real *p, const ofr_real *z, int K);        /* p may be z */

#endif
