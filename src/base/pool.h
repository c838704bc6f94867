/*
 * pool.h - a team of threads that waits for short pieces of work.
 *
 * Kernels hand out work every few microseconds, so a waiting thread spins for
 * about 20 microseconds and only then sleeps: quick when the machine is ours,
 * harmless when it is shared (a thread that spins while its partner has no
 * processor would waste a whole time slice).
 */
#ifndef OFR_BASE_POOL_H
#define OFR_BASE_POOL_H

#include "base/status.h"

typedef struct ofr_pool ofr_pool;

/* One part of a piece of work: part `thread` of n. */
typedef void (*ofr_part)(void *arg, int thread, int n);

/* A team of n_threads, the caller of ofr_pool_run() included.  Caller closes.
 * OFR_NOMEM when memory or threads are short. */
ofr_status ofr_pool_open(ofr_pool **out, int n_threads, ofr_error *err);
void ofr_pool_close(ofr_pool *pool); /* NULL is allowed */

/* Run part(arg, t, n) for t = 0 .. n-1, n <= n_threads, part t on thread t of
 * the team (0 is the caller), and return when all are done.  One caller at a
 * time; a part must not call it.  Never allocates.  In a child made by fork() the
 * team is the caller alone: n is 1. */
void ofr_pool_run(ofr_pool *pool, int n, ofr_part part, void *arg);

#endif
