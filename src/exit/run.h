/*
 * run.h - true batched early exit: encoder + rule, dropping texts that are done.
 *
 * After each layer the rule says who answers; those texts' classifier runs, and
 * the batch closes its gaps, so that a batch costs what its texts use.
 *
 * Rules and classifiers read the class rows alone.  So where enough texts are
 * expected to leave, the rule is asked when only those rows have gone through the
 * layer, and the other rows follow for the texts that stay (encoder.h, two halves).
 * Behind the last layer nothing follows.  What a text is told is the same, bit for
 * bit; how many are expected comes from those that passed before.
 */
#ifndef OFR_EXIT_RUN_H
#define OFR_EXIT_RUN_H

#include "exit/rule.h"
#include "exit/student.h"
#include "model/encoder.h"

/* Texts that reached a layer and left there; recent ones count more. */
typedef struct ofr_exit_count {
    double came, left;
} ofr_exit_count;

typedef struct ofr_runner {
    const ofr_encoder *encoder;
    ofr_dev *dev;
    const ofr_rule *rule;
    double threshold;
    void *user;         /* shown to the rule.  NULL after open                    */
    int max_B, max_N;
    const int *dealt;   /* [B] exit layers given in advance, for measuring: the rule
                           is asked and then overruled.  NULL after open; borrowed */
    bool whole_layers;  /* never ask halfway, for measuring.  false after open     */
    ofr_exit_count *seen; /* [L] under this rule.  Our own after open; whoever measures
                           different things in turn lends one for each            */
    ofr_walk walk;
    ofr_student student;
    /* Results of the last run, in the order of the texts given. */
    int *exit_layer;    /* [B] 1..L; 0 while the text is in.  By a rule by token:
                           `depth` as the nearest whole number                   */
    double *depth;      /* [B] layers that the text's tokens took part in, on
                           average; the exit layer unless the rule goes by token */
    ofr_real *logits;   /* [B,K] of the exit layer                               */
    ofr_real *pi;       /* [B,L-1] as far as the text went, NaN behind that; all
                           NaN when the rule needs no policy                     */
    unsigned char *halfway; /* [B] 1: left its last layer when only its class row had
                           gone through it                                       */
    /* scratch */
    int *token_exits;   /* [N] last layer of each token, where the model has such */
    ofr_real *cls, *c, *z, *stop_pi, *hidden, *c_exit;
    unsigned char *stop, *keep, *state;
    ofr_slots slots;
} ofr_runner;

ofr_status ofr_runner_open(ofr_runner *runner, const ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_rule *rule, double threshold, int max_B, int max_N,
                           ofr_error *err);
void ofr_runner_close(ofr_runner *runner);
/* Another rule for the runs that follow.  OFR_INVALID as open; nothing has changed. */
ofr_status ofr_runner_set_rule(ofr_runner *runner, const ofr_rule *rule, double threshold,
                               void *user, ofr_error *err);
/* Never allocates.  tokens as for ofr_walk_begin(). */
void ofr_runner_run(ofr_runner *runner, const ofr_tokens *tokens);

/* FLOPs of text b of the last ofr_runner_run(tokens), whole layers: what methods are
 * compared by (exit/cost.h). */
double ofr_runner_cost(const ofr_runner *runner, const ofr_tokens *tokens, int b);

/* Running in two steps, for exit/stream.h.  slots[B]: where the results of each
 * text go, below max_B; NULL: in order. */
void ofr_runner_begin(ofr_runner *runner, const ofr_tokens *tokens, const int *slots);
/* The next layer on everything still in; whoever leaves has its results. */
void ofr_runner_layer(ofr_runner *runner);

#endif
