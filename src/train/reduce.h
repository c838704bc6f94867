/*
 * reduce.h - a block of gradients summed over ranks while it is being computed.
 *
 * The flat block holds embeddings, layers from the first to the last, exits and
 * policies, and the way back goes through them from the end.  So what is final is
 * all that lies above a mark which falls; pieces of a few MB start as it passes
 * them.  Which pieces there are depends on the phase alone, so that all ranks have
 * the same ones, also a rank that got no text of a small batch.
 */
#ifndef OFR_TRAIN_REDUCE_H
#define OFR_TRAIN_REDUCE_H

#include "train/adamw.h"
#include "train/comm.h"

typedef struct ofr_reduce {
    const ofr_comm *comm;     /* borrowed */
    ofr_span *ranges;         /* [n_ranges] of the phase: spans without small gaps */
    int n_ranges;
    ofr_real *x;              /* the block that is being summed; borrowed */
    int range;                /* the next piece ends in this one, */
    size_t left;              /* behind so many reals of it       */
} ofr_reduce;

/* For parameters of `params`.  Caller closes. */
ofr_status ofr_reduce_open(ofr_reduce *reduce, const ofr_comm *comm,
                           const ofr_params *params, ofr_error *err);
void ofr_reduce_close(ofr_reduce *reduce);

/* A phase begins, or goes on, that moves these spans. */
void ofr_reduce_plan(ofr_reduce *reduce, const ofr_adamw *adamw);

/* start; final, any number of times with falling marks: x[from ..] will not change
 * any more; end: nothing of it will, and afterwards it is the sum. */
void ofr_reduce_start(ofr_reduce *reduce, ofr_real *x);
void ofr_reduce_final(ofr_reduce *reduce, size_t from);
void ofr_reduce_end(ofr_reduce *reduce);

#endif
