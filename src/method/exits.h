/*
 * exits.h - what methods share that train the exits of one network.
 *
 * A method of this kind is a table of phases over the functions below and a step
 * of its own where it needs one.  A method with more memory than an ofr_exits puts
 * that first, so that the phases' `self` can be either.
 */
#ifndef OFR_METHOD_EXITS_H
#define OFR_METHOD_EXITS_H

#include "exit/policy.h"
#include "method/method.h"
#include "method/watch.h"
#include "train/net.h"

typedef struct ofr_exits {
    const ofr_method *method;
    const ofr_method_options *o;    /* borrowed, as is data */
    const ofr_method_data *data;
    ofr_encoder *encoder;           /* borrowed */
    int L, K, C;
    ofr_net net;
    ofr_policies gates;             /* of a method that has them */
    ofr_watch watch;
    double *weight;                 /* [L] of the joint loss: l / (1 + ... + L) */
    ofr_slots slots;
} ofr_exits;

/* As the `open`, `result` and `close` of an ofr_method: memory and arrays as its row
 * says, zeroed; an open of one's own begins with this one. */
ofr_status ofr_exits_open(ofr_recipe *recipe, const ofr_method *method,
                          ofr_trainer *trainer, const ofr_method_data *data,
                          const ofr_method_options *options, ofr_error *err);
void ofr_exits_result(const ofr_recipe *recipe, ofr_method_result *out);
void ofr_exits_close(ofr_recipe *recipe);

/* Plans.  Everything moves, --joint-epochs at --lr; or: */
void ofr_exits_plan(const ofr_trainer *trainer, const void *self, ofr_phase_plan *plan);
/* only what belongs to exits below layer L, --exit-epochs at --exit-lr.  A pooler
 * that all layers share is the last exit's. */
void ofr_exits_plan_lower(const ofr_trainer *trainer, const void *self,
                          ofr_phase_plan *plan);

/* As the `begin` of a phase: the backbone learns, or only reads. */
ofr_status ofr_exits_thaw(ofr_trainer *trainer, void *self, ofr_error *err);
ofr_status ofr_exits_freeze(ofr_trainer *trainer, void *self, ofr_error *err);

/* Inside a step: the batch through the network... */
void ofr_exits_forward(ofr_exits *e, const ofr_trainer *trainer, const ofr_step *step);
/* ...and exit l (1..L) of every text into the loss, with this weight: the mean
 * over the batch is added to step->loss, the gradient to net.dz. */
void ofr_exits_add(ofr_exits *e, ofr_step *step, int l, double weight);

/* Whole steps: sum_l l CE_l / sum_l l;  CE_L alone;  sum_{l<L} CE_l. */
void ofr_exits_step_joint(ofr_trainer *trainer, void *self, ofr_step *step);
void ofr_exits_step_last(ofr_trainer *trainer, void *self, ofr_step *step);
void ofr_exits_step_lower(ofr_trainer *trainer, void *self, ofr_step *step);

/* As the `epoch_end` of a phase: the dev figures into the journal. */
ofr_status ofr_exits_look(ofr_trainer *trainer, void *self, ofr_error *err);

#endif
