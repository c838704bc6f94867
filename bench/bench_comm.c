/*
 * bench_comm.c - how long ranks take to sum a gradient.
 *
 *   mpirun -np 2 build/bench_comm --mb 70
 *
 * A block of so many MB in pieces as training cuts it, summed again and again with
 * nothing else to do: the traffic of docs/DISTRIBUTED.md, without overlap.  Rank 0
 * prints one JSON line.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/opt.h"
#include "eval/stats.h"
#include "train/comm_mpi.h"

typedef struct options {
    bool help;
    int mb, times;
} options;

#define AT(field) offsetof(options, field)
static const ofr_opt table[] = {
    {"help", 'h', OFR_OPT_FLAG, AT(help), NULL, NULL, NULL, 0, 0, "show this help", NULL},
    {"mb", 0, OFR_OPT_INT, AT(mb), "64", "N", NULL, 1, 65536, "million bytes to sum",
     NULL},
    {"times", 0, OFR_OPT_INT, AT(times), "10", "N", NULL, 1, 100000, "counted sums",
     NULL},
    {NULL, 0, OFR_OPT_FLAG, 0, NULL, NULL, NULL, 0, 0, NULL, NULL},
};

static void sum(const ofr_comm *comm, ofr_real *x, size_t n)
{
    for (size_t at = 0; at < n; at += comm->piece)
        comm->sum_begin(comm, x + at, n - at < comm->piece ? n - at : comm->piece);
    comm->sum_end(comm);
}

static ofr_status measure(const ofr_comm *comm, const options *o, ofr_error *err)
{
    const size_t n = (size_t)o->mb * 1000000 / sizeof(ofr_real);
    const double share = 2.0 * (comm->n_ranks - 1) / comm->n_ranks;
    ofr_real *x = ofr_mem_array(n, sizeof *x);
    double *seconds = ofr_mem_array((size_t)o->times, sizeof *seconds);
    ofr_status status = OFR_OK;

    if (!x || !seconds) status = ofr_fail_nomem(err, n * sizeof *x, "a block to sum");
    for (int i = -2; i < o->times && !status; i++) {
        comm->barrier(comm);
        const double from = ofr_clock_seconds();

        sum(comm, x, n);
        comm->barrier(comm);
        if (i >= 0) seconds[i] = ofr_clock_seconds() - from;
        status = comm->check(comm, err);
    }
    if (!status && comm->rank == 0) {
        const double median = ofr_stats_median(seconds, o->times); /* sorts them */

        printf("{\"bench\": \"comm\", \"ranks\": %d, \"mb\": %d, \"times\": %d, "
               "\"ms_min\": %.3f, \"ms_median\": %.3f, \"mb_sent_per_rank\": %.1f, "
               "\"mb_per_second\": %.0f}\n",
               comm->n_ranks, o->mb, o->times, 1e3 * seconds[0], 1e3 * median,
               share * o->mb, share * o->mb / median);
    }
    ofr_mem_free(x);
    ofr_mem_free(seconds);
    return status;
}

int main(int argc, char **argv)
{
    const ofr_comm *comm = &ofr_comm_self;
    ofr_error err = {OFR_OK, ""};
    options o;
    char **args;
    int n_args;
    ofr_buf help;

    ofr_opt_defaults(table, &o);
    if (ofr_opt_parse(table, &o, NULL, argc, argv, &args, &n_args, &err) || o.help) {
        ofr_buf_init(&help);
        ofr_opt_help(table, &help);
        fprintf(stderr, "%s\n%s", err.text, help.p);
        ofr_buf_free(&help);
        return 2;
    }
    err.status = ofr_comm_mpi_open(&comm, &err);
    if (!err.status) err.status = measure(comm, &o, &err);
    if (err.status && comm->rank == 0) fprintf(stderr, "bench_comm: %s\n", err.text);
    if (comm != &ofr_comm_self) ofr_comm_mpi_close(comm, &err, err.status != OFR_OK);
    return err.status != OFR_OK;
}
