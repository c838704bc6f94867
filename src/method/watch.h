/*
 * watch.h - the figures that are followed during training, on the dev set.
 *
 * One look: what does every exit say, how good is each alone, where does the
 * method's rule leave and how good is that, how many texts left elsewhere than
 * at the look before; with policies, how sure they are and what they earn.
 */
#ifndef OFR_METHOD_WATCH_H
#define OFR_METHOD_WATCH_H

#include "exit/outputs.h"
#include "exit/policy.h"
#include "exit/rule.h"
#include "method/method.h"

/* Arrays over layers start with layer 1. */
typedef struct ofr_watch {
    const ofr_dataset *data; /* borrowed */
    ofr_metric metric;
    int n, L, K;
    double error_limit;      /* regression: |error| that counts as right */
    double alpha;            /* price of a layer, for the reward; see plain */
    const double *temperature; /* [L] of the losses in the reward; NULL: 1 */
    bool plain;
    const ofr_rule *rule;    /* where texts leave: the policy at 0.5 unless the */
    double threshold;        /* method says otherwise after opening            */
    bool last_alone;         /* exits below layer L are not trained: their
                                layer_accuracy is NaN; set after opening       */
    bool has_exits, has_policy; /* of the last look */
    double score, score_full;
    double mean_exit, entropy, reward, changed; /* changed NaN: nothing before */
    int *exits;              /* [n] where each text left; 0: no look yet */
    int *marked;             /* [n] and at the last mark */
    int *histogram;          /* [L] */
    double *layer_accuracy;  /* [L] */
    int *answer;             /* [n] scratch: classes */
    float *value;            /* [n] scratch: regression */
    double *work;            /* [6L] scratch */
    double *metric_work;     /* [OFR_METRIC_WORK n] scratch */
    ofr_real *z;             /* [K] scratch */
    unsigned char *right;    /* [L] scratch */
    ofr_slots slots;
} ofr_watch;

ofr_status ofr_watch_open(ofr_watch *watch, const ofr_dataset *data, ofr_metric metric,
                          int L, int K, const ofr_method_options *options,
                          ofr_error *err);
void ofr_watch_close(ofr_watch *watch);

/* The figures from logits[n,L,K] and, unless NULL, pi[n,L-1]. */
void ofr_watch_figures(ofr_watch *watch, const ofr_real *logits, const ofr_real *pi);

/* Pack, run the dev set through every exit, take the figures.  OFR_INTERRUPTED:
 * nothing changed. */
ofr_status ofr_watch_look(ofr_watch *watch, ofr_trainer *trainer, bool with_policy,
                          ofr_error *err);

/* Let `changed` be the share that left elsewhere than at the mark before (NaN at
 * the first), and mark the exits of the last look. */
void ofr_watch_mark(ofr_watch *watch);

/* The figures as fields of the journal line that was begun. */
void ofr_watch_journal(const ofr_watch *watch, ofr_journal *journal);

/* Texts items[n] of `data` through every exit (items NULL: all).  Ranks share them,
 * and all have everything afterwards: the same bits as with one rank, since a text's
 * outputs do not depend on its neighbours. */
ofr_status ofr_watch_outputs(ofr_outputs *outputs, ofr_trainer *trainer,
                             const ofr_dataset *data, const int *items, int n,
                             bool want_features, ofr_error *err);

/* Is exit l's answer z[K] to text i right? */
bool ofr_watch_right(const ofr_dataset *data, int i, const ofr_real *z, int K,
                     double error_limit);

#endif
