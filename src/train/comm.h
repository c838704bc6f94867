/*
 * comm.h - what the ranks of a data-parallel run say to each other.
 *
 * The loop asks a table: comm_self.c is the table of one rank, where there is
 * nothing to say.  A table of many ranks must sum in a fixed order, so that the
 * result does not depend on arrival.
 */
#ifndef OFR_TRAIN_COMM_H
#define OFR_TRAIN_COMM_H

#include <stddef.h>

#include "tensor/real.h"

typedef struct ofr_comm ofr_comm;

struct ofr_comm {
    int rank, n_ranks;
    void *state; /* private to the table's functions */
    /* x[n] = sum over ranks, on every rank. */
    void (*sum)(const ofr_comm *comm, ofr_real *x, size_t n);
    void (*sum_double)(const ofr_comm *comm, double *x, int n);
    /* bytes at p = those of `root`. */
    void (*broadcast)(const ofr_comm *comm, void *p, size_t bytes, int root);
    void (*barrier)(const ofr_comm *comm);
};

extern const ofr_comm ofr_comm_self;

#endif
