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
#include "model/config.h"
#include "tensor/real.h"

#define OFR_RULE_STATE_MAX 32 /* bytes of state per text at most */

typedef struct ofr_exit_view {
    int layer;               /* 1..n_layers - 1                                   */
    int n_layers;
    int n;                   /* texts still running                               */
    int K;
    const ofr_real *logits;  /* [n,K] of this layer's classifier; NULL unless the
                                rule needs them                                   */
    const ofr_real *pi;      /* [n] what the gate of this layer says: the policy's
                                probability of stopping, or LTE's of being wrong;
                                NULL unless the rule needs it                     */
    ofr_real *answer;        /* [.,K] where a rule with answers of its own keeps them
                                from layer to layer; NULL in a replay that asks for
                                the exit layer alone                              */
    const int *slot;         /* [n] row of `answer` that belongs to each text     */
    void *user;              /* as given with the rule; NULL in a replay          */
} ofr_exit_view;

/* How the values of a threshold are best spread over its range. */
typedef enum ofr_scale {
    OFR_SCALE_NONE,          /* the threshold means nothing                       */
    OFR_SCALE_EVEN,
    OFR_SCALE_LOG,           /* equal ratios of the distance from 0               */
    OFR_SCALE_LOG_TO_ONE,    /* equal ratios of the distance from 1               */
    OFR_SCALE_WHOLE          /* every whole number                                */
} ofr_scale;

typedef struct ofr_rule {
    const char *name;
    const char *knob;          /* what the threshold means, for help texts        */
    bool needs_logits;         /* of every layer                                  */
    bool needs_policy;         /* pi of every layer, from a gate of kind `gate`   */
    ofr_gate_kind gate;
    bool classes_only;         /* meaningless for a regression                    */
    bool own_answer;           /* where decide() stops a text, it has put logits of
                                  its own into the text's row of view->answer     */
    bool by_token;             /* the tokens of a text leave one by one, where a table
                                  of the model says; its text is answered at L, and
                                  stored outputs can not be replayed              */
    bool rising;               /* a larger threshold stops later                  */
    double default_threshold;
    double default_value;      /* of a regression, where that differs; else 0     */
    double min, max;           /* of the threshold, inclusive                     */
    ofr_scale scale;
    /* The useful range for K classes (1: regression): at *safest hardly anybody
     * leaves early, at *fastest most leave at once.  NULL: min and max. */
    void (*range)(int L, int K, double *safest, double *fastest);
    size_t state_bytes;        /* per text, zeroed before layer 1                 */
    /* stop[i] = 1 for each of view->n texts that should answer now, else 0.
     * state: [n] records of state_bytes, in the order of the view. */
    void (*decide)(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop);
} ofr_rule;

/* The list of rules; a row here is all that makes a rule_*.c one. */
#define OFR_RULE_LIST(ROW)                                                            \
    ROW(policy)     /* pi > threshold (0.5) */                                        \
    ROW(never)      /* full depth */                                                  \
    ROW(entropy)    /* H in nats < threshold (DeeBERT) */                             \
    ROW(speed)      /* H / ln K < threshold (FastBERT) */                             \
    ROW(confidence) /* max p > threshold */                                           \
    ROW(energy)     /* 1 / (1 + sum e^z) < threshold (COSEE) */                       \
    ROW(patience)   /* layers that agree; 0: never; values: |dy| < it (PABEE) */      \
    ROW(pcee)       /* P + th: P layers in a row, H / ln K < th; their mean */        \
    ROW(lte)        /* pi < threshold (BERxiT) */                                     \
    ROW(ponder)     /* 1 - prod (1 - pi) > threshold (PALBERT) */                     \
    ROW(hash)       /* every token at its own layer (HashEE) */                       \
    ROW(fixed)      /* layer >= threshold */

#define OFR_RULE_DECLARE(name) extern const ofr_rule ofr_rule_##name;
OFR_RULE_LIST(OFR_RULE_DECLARE)
#undef OFR_RULE_DECLARE
#define OFR_RULE_NAME(name) " " #name /* for texts: " policy never ..." */

extern const ofr_rule *const ofr_rules[];  /* all of them, NULL at the end        */

/* By name; OFR_INVALID lists the known ones. */
ofr_status ofr_rule_find(const ofr_rule **out, const char *name, ofr_error *err);
/* Is `threshold` meaningful for `rule`?  OFR_INVALID names both values. */
ofr_status ofr_rule_check(const ofr_rule *rule, double threshold, int n_layers,
                          ofr_error *err);
/* Can a model of this kind (classes or regression; its gate) follow the rule?
 * OFR_INVALID says why not and what to do. */
ofr_status ofr_rule_fits(const ofr_rule *rule, const ofr_config *config, ofr_error *err);
/* The threshold where nothing is said: K == 1 is a regression. */
double ofr_rule_default(const ofr_rule *rule, int K);

/* For sweeps: up to n >= 2 thresholds from the safest to the fastest, spread as
 * the rule's scale says, into values[n]; returns how many (whole numbers may be
 * fewer, a rule without a threshold has one). */
int ofr_rule_spread(const ofr_rule *rule, int L, int K, double *values, int n);
void ofr_rule_range(const ofr_rule *rule, int L, int K, double *safest, double *fastest);

/* Replay: the exit layer (1..L) of one text from stored outputs:
 * logits[L,K], pi[L-1] (may be NULL when the rule needs none). */
int ofr_rule_replay(const ofr_rule *rule, double threshold, const ofr_real *logits,
                    const ofr_real *pi, int L, int K);
/* The same, with what the text is answered: answer[K] = logits, of the exit layer
 * or the rule's own. */
int ofr_rule_replay_answer(const ofr_rule *rule, double threshold, ofr_real *answer,
                           const ofr_real *logits, const ofr_real *pi, int L, int K);

/* Shared by rules, heads and metrics. */
int ofr_argmax(const ofr_real *z, int K);                       /* lowest index wins */
/* H = ln S - sum (z-m) e^(z-m) / S with m = max z, S = sum e^(z-m); nats. */
double ofr_entropy(const ofr_real *z, int K);
void ofr_softmax(ofr_real *p, const ofr_real *z, int K);        /* p may be z */

#endif
