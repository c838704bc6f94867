/*
 * thread_ranks.h - ranks that are threads of one process, to test what ranks do
 * without MPI.
 *
 * A table of many ranks as comm.h describes it, in its plainest form: every call is a
 * meeting of all.  Sums are taken at sum_end() and in the order of the ranks; what was
 * given to sum_begin() must not have changed by then, which is watched.
 */
#ifndef OFR_TESTS_THREAD_RANKS_H
#define OFR_TESTS_THREAD_RANKS_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "train/comm.h"

enum { RANKS_MOST = 4, RANKS_PIECE = 1000, RANKS_PIECES = 512 };

typedef struct ranks_piece {
    ofr_real *x, *copy; /* [n] given, and as it was then */
    size_t n;
} ranks_piece;

typedef struct ranks ranks;

typedef struct ranks_seat {
    ofr_comm comm;
    ranks *team;
    ranks_piece pieces[RANKS_PIECES];
    int n_pieces;
    void *p; /* shown to the others at a meeting */
} ranks_seat;

struct ranks {
    int n;
    bool changed;   /* a piece was written to while it belonged to the table */
    bool unequal;   /* ranks gave different pieces */
    pthread_barrier_t meeting;
    ranks_seat seats[RANKS_MOST];
};

static void ranks_meet(const ofr_comm *comm)
{
    ranks_seat *seat = comm->state;

    pthread_barrier_wait(&seat->team->meeting);
}

static void ranks_sum_begin(const ofr_comm *comm, ofr_real *x, size_t n)
{
    ranks_seat *seat = comm->state;
    ranks_piece *piece = &seat->pieces[seat->n_pieces];

    if (seat->n_pieces++ == RANKS_PIECES || n > RANKS_PIECE) abort();
    *piece = (ranks_piece){x, malloc(n * sizeof *x), n};
    memcpy(piece->copy, x, n * sizeof *x);
}

/* Piece i of every seat holds its part; x of this seat becomes the sum. */
static void ranks_add(ranks_seat *seat, int i)
{
    const ranks *team = seat->team;
    ofr_real *x = seat->pieces[i].x;

    for (size_t k = 0; k < seat->pieces[i].n; k++) {
        x[k] = team->seats[0].pieces[i].copy[k];
        for (int r = 1; r < team->n; r++)
            x[k] += team->seats[r].pieces[i].copy[k];
    }
}

static void ranks_sum_end(const ofr_comm *comm)
{
    ranks_seat *seat = comm->state;
    ranks *team = seat->team;

    ranks_meet(comm);
    for (int i = 0; i < seat->n_pieces; i++) {
        const ranks_piece *piece = &seat->pieces[i];
        const ranks_seat *first = &team->seats[0];

        if (memcmp(piece->x, piece->copy, piece->n * sizeof *piece->x))
            team->changed = true;
        if (first->n_pieces != seat->n_pieces || first->pieces[i].n != piece->n)
            team->unequal = true;
        else
            ranks_add(seat, i);
    }
    ranks_meet(comm);
    for (int i = 0; i < seat->n_pieces; i++)
        free(seat->pieces[i].copy);
    seat->n_pieces = 0;
    ranks_meet(comm);
}

static void ranks_sum_double(const ofr_comm *comm, double *x, int n)
{
    ranks_seat *seat = comm->state;
    double sum[OFR_COMM_DOUBLES] = {0};

    seat->p = x;
    ranks_meet(comm);
    for (int i = 0; i < n; i++)
        for (int r = 0; r < seat->team->n; r++)
            sum[i] += ((double *)seat->team->seats[r].p)[i];
    ranks_meet(comm);
    memcpy(x, sum, (size_t)n * sizeof *x);
    ranks_meet(comm);
}

static void ranks_broadcast(const ofr_comm *comm, void *p, size_t bytes, int root)
{
    ranks_seat *seat = comm->state;

    seat->p = p;
    ranks_meet(comm);
    if (comm->rank != root && bytes) memcpy(p, seat->team->seats[root].p, bytes);
    ranks_meet(comm);
}

static ofr_status ranks_check(const ofr_comm *comm, ofr_error *err)
{
    (void)comm;
    (void)err;
    return OFR_OK;
}

static void ranks_open(ranks *team, int n)
{
    memset(team, 0, sizeof *team);
    team->n = n;
    pthread_barrier_init(&team->meeting, NULL, (unsigned)n);
    for (int r = 0; r < n; r++) {
        ranks_seat *seat = &team->seats[r];

        seat->team = team;
        seat->comm = (ofr_comm){.rank = r, .n_ranks = n, .piece = RANKS_PIECE,
                                .state = seat, .sum_begin = ranks_sum_begin,
                                .sum_end = ranks_sum_end,
                                .sum_double = ranks_sum_double,
                                .broadcast = ranks_broadcast, .barrier = ranks_meet,
                                .check = ranks_check};
    }
}

static void ranks_close(ranks *team)
{
    pthread_barrier_destroy(&team->meeting);
}

#endif
