/*
 * comm_mpi.c - many ranks, over MPI.
 *
 * A piece of gradient is summed in two trips of messages.  Rank r owns the r-th
 * part of it: everybody sends it theirs, it adds them up in the order of ranks, and
 * sends the sum to everybody.  A rank sends and receives 2 (R-1) / R of the piece, as
 * little as any way of summing can, and the order is fixed, which a tree or a ring
 * that adds what arrives does not promise.
 *
 * Several pieces are under way at once.  Messages move when this file is called,
 * that is with each piece that is begun; sum_end() waits for the rest.
 *
 * A rank that fails sends its words to rank 0 and waits to be ended.  Rank 0 listens
 * for them wherever it waits, stops waiting, and check() passes them on.
 */
#include "train/comm_mpi.h"

#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "data/order.h"

enum {
    PIECE = 1 << 20,   /* reals: long enough for the rate, short enough to start early */
    PIECES = 16,       /* under way at once */
    SPIN_TURNS = 1000, /* of waiting */
    YIELD_TURNS = 20000,
    ALARM_TAG = 1,
    PIECE_TAGS = 1024, /* tags of pieces: 2 + 2 (number mod this) + trip */
    BROADCAST_BYTES = 1 << 30
};

typedef enum trip { PARTS, SUMS } trip;

typedef struct piece {
    ofr_real *x;             /* [n] */
    int n, number;
    trip trip;
    ofr_real *parts;         /* [n_ranks, largest part] what they sent for this rank's */
    MPI_Request *requests;   /* [2 n_ranks] */
} piece;

typedef struct state {
    ofr_comm table;
    MPI_Comm all, alarms;
    piece pieces[PIECES];    /* a ring: n_open from `oldest` on */
    int oldest, n_open, n_begun;
    ofr_real *room;
    MPI_Request *requests;
    double *doubles;         /* [n_ranks, OFR_COMM_DOUBLES] */
    bool alarmed;            /* rank 0: somebody failed, with these words */
    ofr_error alarm;
} state;

static bool listen(state *s)
{
    ofr_error *alarm = &s->alarm;
    char text[sizeof alarm->text];
    MPI_Status from;
    int there = 0;

    if (s->alarmed || s->table.rank != 0) return s->alarmed;
    MPI_Iprobe(MPI_ANY_SOURCE, ALARM_TAG, s->alarms, &there, &from);
    if (!there) return false;
    MPI_Recv(alarm, sizeof *alarm, MPI_BYTE, from.MPI_SOURCE, ALARM_TAG, s->alarms,
             MPI_STATUS_IGNORE);
    memcpy(text, alarm->text, sizeof text);
    snprintf(alarm->text, sizeof alarm->text, "rank %d: %.480s", from.MPI_SOURCE, text);
    s->alarmed = true;
    return true;
}

/* A moment for others: at first none, as the message is about to arrive, then the
 * processor, and at last a short sleep, as rank 0 may be evaluating for minutes.  Where
 * other programs want the processor, too, who yields it is the last to get it back, and
 * who sleeps is among the first: so no more yielding once it has taken long. */
static void relax(int *turns)
{
    const struct timespec nap = {0, 50000};
    const double long_time = 0.5e-3;

    if (*turns < YIELD_TURNS) ++*turns;
    if (*turns >= YIELD_TURNS) {
        nanosleep(&nap, NULL);
    } else if (*turns > SPIN_TURNS) {
        const double start = ofr_clock_seconds();

        sched_yield();
        if (ofr_clock_seconds() - start > long_time) *turns = YIELD_TURNS;
    }
}

/* Until requests[n] are done; false: somebody failed. */
static bool wait_for(state *s, MPI_Request *requests, int n)
{
    int done = 0, turns = 0;

    for (;;) {
        MPI_Testall(n, requests, &done, MPI_STATUSES_IGNORE);
        if (done) return true;
        if (listen(s)) return false;
        relax(&turns);
    }
}

/* ---- sums of pieces ---------------------------------------------------------- */

static int tag_of(const piece *p)
{
    return 2 + 2 * (p->number % PIECE_TAGS) + (p->trip == SUMS);
}

static int largest_part(const state *s)
{
    return PIECE / s->table.n_ranks + 1;
}

/* Post the messages of p's trip: parts of x go to their owners and those of this
 * rank's part come in; or its sum goes out, and the sums of the other parts come. */
static void post(state *s, piece *p)
{
    const ofr_comm *comm = &s->table;
    const int R = comm->n_ranks, me = comm->rank;
    int mine, n_mine, k = 0;

    ofr_order_shard(p->n, me, R, &mine, &n_mine);
    for (int r = 0; r < R; r++) {
        int first, n;

        if (r == me) continue;
        ofr_order_shard(p->n, r, R, &first, &n);
        ofr_real *parts = p->parts + (size_t)r * (size_t)largest_part(s);
        const bool sums = p->trip == SUMS;

        MPI_Irecv(sums ? p->x + first : parts, (sums ? n : n_mine) * (int)sizeof *p->x,
                  MPI_BYTE, r, tag_of(p), s->all, &p->requests[k++]);
        MPI_Isend(sums ? p->x + mine : p->x + first,
                  (sums ? n_mine : n) * (int)sizeof *p->x, MPI_BYTE, r, tag_of(p), s->all,
                  &p->requests[k++]);
    }
}

/* All parts of this rank's part are here. */
static void add_up(state *s, piece *p)
{
    const int R = s->table.n_ranks, me = s->table.rank;
    const size_t row = (size_t)largest_part(s);
    int first, n;

    ofr_order_shard(p->n, me, R, &first, &n);
    ofr_real *restrict sum = p->x + first;
    memcpy(p->parts + (size_t)me * row, sum, (size_t)n * sizeof *sum);
    memcpy(sum, p->parts, (size_t)n * sizeof *sum);
    for (int r = 1; r < R; r++) {
        const ofr_real *restrict part = p->parts + (size_t)r * row;

        for (int i = 0; i < n; i++)
            sum[i] += part[i];
    }
}

/* Move every piece as far as its messages allow. */
static void advance(state *s)
{
    const int n_requests = 2 * (s->table.n_ranks - 1);

    for (int i = 0; i < s->n_open; i++) {
        piece *p = &s->pieces[(s->oldest + i) % PIECES];
        int done = 0;

        MPI_Testall(n_requests, p->requests, &done, MPI_STATUSES_IGNORE);
        if (!done) continue;
        if (p->trip == PARTS) {
            add_up(s, p);
            p->trip = SUMS;
            post(s, p);
        } else if (i == 0) {
            s->oldest = (s->oldest + 1) % PIECES;
            s->n_open--;
            i--;
        }
    }
}

/* Until at most n pieces are under way; false: somebody failed. */
static bool wait_until(state *s, int n)
{
    int turns = 0;

    for (;;) {
        advance(s);
        if (s->n_open <= n) return true;
        if (listen(s)) return false;
        relax(&turns);
    }
}

static void sum_begin(const ofr_comm *comm, ofr_real *x, size_t n)
{
    state *s = comm->state;

    OFR_ASSERT(n <= PIECE);
    if (s->alarmed || !wait_until(s, PIECES - 1)) return;
    piece *p = &s->pieces[(s->oldest + s->n_open) % PIECES];
    p->x = x;
    p->n = (int)n;
    p->number = s->n_begun = (s->n_begun + 1) % PIECE_TAGS;
    p->trip = PARTS;
    post(s, p);
    s->n_open++;
}

static void sum_end(const ofr_comm *comm)
{
    state *s = comm->state;

    if (!s->alarmed) (void)wait_until(s, 0);
}

/* ---- the rest ------------------------------------------------------------------ */

static void sum_double(const ofr_comm *comm, double *x, int n)
{
    state *s = comm->state;
    MPI_Request request;

    OFR_ASSERT(n <= OFR_COMM_DOUBLES);
    if (s->alarmed) return;
    MPI_Iallgather(x, n, MPI_DOUBLE, s->doubles, n, MPI_DOUBLE, s->all, &request);
    if (!wait_for(s, &request, 1)) return;
    for (int i = 0; i < n; i++) {
        x[i] = s->doubles[i];
        for (int r = 1; r < comm->n_ranks; r++)
            x[i] += s->doubles[r * n + i];
    }
}

static void broadcast(const ofr_comm *comm, void *p, size_t bytes, int root)
{
    state *s = comm->state;
    unsigned char *at = p;

    while (bytes > 0 && !s->alarmed) {
        const size_t n = bytes < BROADCAST_BYTES ? bytes : BROADCAST_BYTES;
        MPI_Request request;

        MPI_Ibcast(at, (int)n, MPI_BYTE, root, s->all, &request);
        if (!wait_for(s, &request, 1)) return;
        at += n;
        bytes -= n;
    }
}

static void barrier(const ofr_comm *comm)
{
    state *s = comm->state;
    MPI_Request request;

    if (s->alarmed) return;
    MPI_Ibarrier(s->all, &request);
    (void)wait_for(s, &request, 1);
}

static ofr_status check(const ofr_comm *comm, ofr_error *err)
{
    const state *s = comm->state;

    if (!s->alarmed) return OFR_OK;
    return ofr_fail(err, s->alarm.status, "%s", s->alarm.text);
}

/* ---- opening and closing --------------------------------------------------------- */

/* Of the processors that this rank may use, those that are its own: one that k ranks
 * of the machine may use is a k-th part its own.  mpirun may have bound each rank to
 * some of them, or none.  OMP_NUM_THREADS is for each rank, as --threads is. */
static int share_of_threads(void)
{
    enum { BITS = 1024 };
    double own = 0;
    int n = 0, count[BITS], bit[BITS];
    ofr_cpu_limits limits;
    MPI_Comm machine;
    cpu_set_t set;

    ofr_cpu_limits_find(&limits);
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set)) CPU_ZERO(&set);
    for (int i = 0; i < BITS; i++) {
        bit[i] = CPU_ISSET(i, &set) != 0;
        n += bit[i];
    }
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Allreduce(bit, count, BITS, MPI_INT, MPI_SUM, machine);
    MPI_Comm_free(&machine);
    for (int i = 0; i < BITS; i++)
        if (bit[i]) own += 1.0 / count[i];
    if (n == 0) return 1;
    const bool narrower = limits.cgroup > 0 && limits.cgroup < limits.affinity;
    const int allowed = narrower ? limits.cgroup : limits.affinity;
    const int share = (int)(allowed * own / n + 1e-9);
    const int threads = limits.wish > 0 && limits.wish < share ? limits.wish : share;
    return threads > 0 ? threads : 1;
}

static bool allocate(state *s)
{
    const size_t R = (size_t)s->table.n_ranks;
    const size_t row = R * (size_t)largest_part(s);

    s->room = ofr_mem_array(PIECES * row, sizeof *s->room);
    s->requests = ofr_mem_array(PIECES * 2 * R, sizeof *s->requests);
    s->doubles = ofr_mem_array(R * OFR_COMM_DOUBLES, sizeof *s->doubles);
    if (!s->room || !s->requests || !s->doubles) return false;
    for (size_t i = 0; i < PIECES; i++) {
        s->pieces[i].parts = s->room + i * row;
        s->pieces[i].requests = s->requests + i * 2 * R;
    }
    return true;
}

static void release(state *s)
{
    ofr_mem_free(s->room);
    ofr_mem_free(s->requests);
    ofr_mem_free(s->doubles);
    ofr_mem_free(s);
}

ofr_status ofr_comm_mpi_open(const ofr_comm **out, ofr_error *err)
{
    state *s = ofr_mem_zalloc(sizeof *s);
    int provided;

    if (!s) return ofr_fail_nomem(err, sizeof *s, "ranks");
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_dup(MPI_COMM_WORLD, &s->all);
    MPI_Comm_dup(MPI_COMM_WORLD, &s->alarms);
    s->table = (ofr_comm){.piece = PIECE, .state = s, .sum_begin = sum_begin,
                          .sum_end = sum_end, .sum_double = sum_double,
                          .broadcast = broadcast, .barrier = barrier, .check = check};
    MPI_Comm_rank(s->all, &s->table.rank);
    MPI_Comm_size(s->all, &s->table.n_ranks);
    s->table.threads = share_of_threads();
    *out = &s->table;
    if (allocate(s)) return OFR_OK;
    return ofr_fail_nomem(err, PIECES * PIECE * sizeof(ofr_real), "messages of ranks");
}

/* Tell rank 0, and wait for the end of the job. */
static void give_up(state *s, const ofr_error *err)
{
    const struct timespec nap = {0, 1000000};
    int there;

    MPI_Send(err, sizeof *err, MPI_BYTE, 0, ALARM_TAG, s->alarms);
    for (;;) {
        MPI_Iprobe(0, ALARM_TAG, s->alarms, &there, MPI_STATUS_IGNORE);
        nanosleep(&nap, NULL);
    }
}

void ofr_comm_mpi_close(const ofr_comm *comm, const ofr_error *err, int code)
{
    state *s = comm->state;

    if (err->status && comm->rank != 0 && comm->n_ranks > 1) give_up(s, err);
    if (err->status && comm->n_ranks > 1) MPI_Abort(MPI_COMM_WORLD, code);
    MPI_Comm_free(&s->all);
    MPI_Comm_free(&s->alarms);
    MPI_Finalize();
    release(s);
}

void ofr_comm_mpi_version(char out[OFR_MPI_VERSION])
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;

    MPI_Get_library_version(text, &n);
    snprintf(out, OFR_MPI_VERSION, "%.*s", (int)strcspn(text, ",\n"), text);
}
