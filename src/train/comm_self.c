/* comm_self.c - one rank: every sum and broadcast is already there. */
#include "train/comm.h"

static void sum_begin(const ofr_comm *comm, ofr_real *x, size_t n)
{
    (void)comm;
    (void)x;
    (void)n;
}

static void nothing(const ofr_comm *comm)
{
    (void)comm;
}

static void sum_double(const ofr_comm *comm, double *x, int n)
{
    (void)comm;
    (void)x;
    (void)n;
}

static void broadcast(const ofr_comm *comm, void *p, size_t bytes, int root)
{
    (void)comm;
    (void)p;
    (void)bytes;
    (void)root;
}

static ofr_status check(const ofr_comm *comm, ofr_error *err)
{
    (void)comm;
    (void)err;
    return OFR_OK;
}

const ofr_comm ofr_comm_self = {
    .rank = 0,
    .n_ranks = 1,
    .piece = (size_t)-1,
    .sum_begin = sum_begin,
    .sum_end = nothing,
    .sum_double = sum_double,
    .broadcast = broadcast,
    .barrier = nothing,
    .check = check,
};
