/*
 * consistentee.h - what the files of ConsistentEE share (arXiv 2312.11882).
 *
 *   consistentee.c          the table of phases, the joint and task steps, order
 *   consistentee_memory.c   memorized layers, other hardness, cached features
 *   consistentee_reward.c   losses at the temperature of their exit
 *   consistentee_start.c    where fresh policies begin
 *   consistentee_policy.c   the policy phase, from the cache alone
 *   consistentee_sweep.c    policies for many prices of a layer
 *   prices.c                the same for a model that is finished
 *   consistentee_math.c     the formulas, on plain arrays
 */
#ifndef OFR_METHOD_CONSISTENTEE_H
#define OFR_METHOD_CONSISTENTEE_H

#include "exit/outputs.h"
#include "exit/policy.h"
#include "method/consistentee_math.h"
#include "method/method.h"
#include "method/watch.h"
#include "train/net.h"

typedef struct ofr_consistentee {
    const ofr_method_options *o;    /* borrowed */
    const ofr_method_data *data;    /* borrowed */
    int L, K, C;
    double alpha;                   /* of the present policy or sweep phase */
    double policy_lr;               /* --policy-lr, resolved */
    bool from_heads;                /* fresh policies begin at the classifiers */
    ofr_watch watch;

    /* Which texts teach whom: of the training texts items[0 .. n_held) are held out
     * from the backbone, the rest is its own.  Policies learn from `lessons`, which
     * is the training texts or the dev texts; then its numbers follow in items. */
    const ofr_dataset *lessons;
    int *items;                     /* [train->n], dev lessons: [train->n + dev->n] */
    int n_held;
    const int *main_items, *policy_items; /* into items; numbers in train, lessons */
    int n_main, n_policy;

    /* Steps on the network: joint, task. */
    ofr_net net;
    int *batch_items;               /* [batch] */
    ofr_policies policies;          /* for max(batch, policy_batch) texts */
    ofr_real *c, *u_grad;           /* [L,policy_batch,C], [L-1,max batch] */

    /* What every exit said about the policy's texts, when memorize ran. */
    bool cached, dev_cached;
    ofr_outputs cache, dev_cache;   /* with features */
    double *temperature;            /* [L] of the losses in the reward; 1: plain */
    double *ce;                     /* [n_policy,L] at those temperatures */
    double *hardness;               /* [lessons->n] */
    int *memorized;                 /* [lessons->n] */
    ofr_real *dev_pi;               /* [dev->n, L-1] */

    /* Forgetting events over the joint epochs, [lessons->n]. */
    int *forgotten;                 /* times from right to wrong */
    unsigned char *was_right, *ever_right;

    /* Convergence. */
    double last_score, last_mean_exit;
    int32_t converged;

    /* Sweep. */
    int n_alphas;
    double alphas[OFR_SWEEP_MAX];
    double sweep[OFR_SWEEP_MAX][4]; /* score, mean exit, reward, done */
    ofr_real *sweep_w;              /* [n_alphas + 1, policy parameters]; the last
                                       are those of --alpha */
    size_t n_policy_w;
    int chosen;

    /* Scratch of one text. */
    double *q, *log_q, *u, *R, *ce_text, *du, *du2, *weight; /* [L] */
    double *uniform;                /* [rollouts] */
    int *exits;
    unsigned char *right;           /* [L] */
    ofr_slots slots;
} ofr_consistentee;

/* consistentee_memory.c */

/* Run the policy's texts through all exits, dropout off: cache, ce, hardness,
 * memorized.  OFR_INTERRUPTED: nothing changed. */
ofr_status ofr_consistentee_remember(ofr_consistentee *c, ofr_trainer *trainer,
                                     ofr_error *err);
void ofr_consistentee_forget(ofr_consistentee *c); /* drop the cache */
/* After a joint epoch: count texts that went from right to wrong at layer L. */
ofr_status ofr_consistentee_count_forgotten(ofr_consistentee *c, ofr_trainer *trainer,
                                            ofr_error *err);
/* The line about memorized layers. */
ofr_status ofr_consistentee_journal_memory(ofr_consistentee *c, ofr_trainer *trainer,
                                           ofr_error *err);

/* consistentee_reward.c */

/* Set c->temperature from the cache, if the options want it. */
void ofr_consistentee_temperatures(ofr_consistentee *c);
/* Loss of text `item` in the reward of layer l (0-based), from its logits z[K]. */
double ofr_consistentee_loss(const ofr_consistentee *c, const ofr_real *z, int l,
                             int item);

/* consistentee_start.c */

/* Fresh policies, at the heads or at random; the cache is there. */
ofr_status ofr_consistentee_start(ofr_consistentee *c, ofr_trainer *trainer,
                                  ofr_error *err);

/* consistentee_policy.c */

ofr_status ofr_consistentee_policy_begin(ofr_trainer *trainer, void *self,
                                         ofr_error *err);
void ofr_consistentee_policy_step(ofr_trainer *trainer, void *self, ofr_step *step);
/* u[L-1] of text b of the last policies forward, as doubles. */
void ofr_consistentee_logits(const ofr_consistentee *c, double *u, int b);
/* du[L-1] and the objective's value for one text: expected reward (exact) or its
 * estimate, and the entropy bonus.  u and R are in c; `item` numbers the text
 * for the random exits of step `step`. */
double ofr_consistentee_objective(ofr_consistentee *c, uint64_t seed, uint64_t step,
                                  int item);
/* exits[rollouts] of one text. */
void ofr_consistentee_sample(ofr_consistentee *c, uint64_t seed, uint64_t step, int item);
/* dev figures from the cached features and the present policies. */
void ofr_consistentee_dev_figures(ofr_consistentee *c);

/* consistentee.c */

/* What values of options the method refuses, see method.h. */
ofr_status ofr_consistentee_check(const ofr_method_options *options, int L,
                                  bool regression, ofr_error *err);
/* A recipe of the sweep alone: options->alphas, at least one. */
ofr_status ofr_consistentee_open_prices(ofr_recipe *recipe, ofr_trainer *trainer,
                                        const ofr_method_data *data,
                                        const ofr_method_options *options,
                                        ofr_error *err);

/* consistentee_sweep.c */

/* --alphas LIST, "auto" or NULL as prices.  OFR_INVALID. */
ofr_status ofr_consistentee_alphas(double alphas[OFR_SWEEP_MAX], int *n, const char *list,
                                   ofr_error *err);
ofr_status ofr_consistentee_sweep_begin(ofr_trainer *trainer, void *self, ofr_error *err);
ofr_status ofr_consistentee_sweep_end(ofr_trainer *trainer, void *self, ofr_error *err);
/* Put the policies that --max-loss asks for into the weights. */
void ofr_consistentee_sweep_choose(ofr_consistentee *c, ofr_trainer *trainer);

#endif
