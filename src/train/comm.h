/*
 * comm.h - what the ranks of a data-parallel run say to each other.
 *
 * The loop asks a table: comm_self.c is the table of one rank, where there is
 * nothing to say, and comm_mpi.c that of many.  Sums are taken in the order of the
 * ranks, whatever arrives first, so that equal runs give equal bits.
 *
 * All ranks make the same calls with the same sizes in the same order.  A rank that
 * fails makes no more calls: the others then get numbers that mean nothing, and
 * check(), to be asked before anything is done with them, says so.
 */
#ifndef OFR_TRAIN_COMM_H
#define OFR_TRAIN_COMM_H

#include <stddef.h>

#include "base/status.h"
#include "tensor/real.h"

typedef struct ofr_comm ofr_comm;

enum { OFR_COMM_DOUBLES = 8 }; /* most numbers that sum_double() takes */

struct ofr_comm {
    int rank, n_ranks;
    int threads; /* this rank's share of its machine; 0: all that are allowed */
    size_t piece; /* most reals that sum_begin() takes */
    void *state;  /* private to the table's functions */
    /* Begin x[n] = sum over ranks, on every rank.  x belongs to the table until
     * sum_end(), which ends all the sums that were begun. */
    void (*sum_begin)(const ofr_comm *comm, ofr_real *x, size_t n);
    void (*sum_end)(const ofr_comm *comm);
    /* x[n] = sum over ranks. */
    void (*sum_double)(const ofr_comm *comm, double *x, int n);
    /* bytes at p = those of `root`. */
    void (*broadcast)(const ofr_comm *comm, void *p, size_t bytes, int root);
    void (*barrier)(const ofr_comm *comm);
    /* Has another rank failed?  Its status and its words. */
    ofr_status (*check)(const ofr_comm *comm, ofr_error *err);
};

extern const ofr_comm ofr_comm_self;

#endif
