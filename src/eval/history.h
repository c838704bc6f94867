/*
 * history.h - what a journal says about a run, look by look at the dev set.
 *
 * The one reader of journal.jsonl: the verdict, `info` and the report's plots
 * take their points from here.
 */
#ifndef OFR_EVAL_HISTORY_H
#define OFR_EVAL_HISTORY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"

/* One "evaluation" or "iteration" line.  NaN: the line does not say. */
typedef struct ofr_history_point {
    bool iteration_end;   /* an "iteration" line: the end of a policy phase */
    const char *phase;    /* "joint", "policy", "task", ... */
    int iteration, epoch;
    long long step;
    double score;         /* by the exit rule; of layer L where there is none */
    double score_full;    /* of layer L */
    double mean_exit, entropy, reward;
    double changed;       /* share of texts that left elsewhere than before */
    int n;                /* dev texts; 0: the line does not say */
    int *histogram;       /* [L] texts that left there, or NULL */
    double *accuracy;     /* [L] share right of each exit, or NULL */
} ofr_history_point;

typedef struct ofr_history {
    int n, L;             /* L 0: no line says */
    ofr_history_point *points; /* [n] in the order of the journal */
    const char *metric;   /* "accuracy", ...; "" when no line says */
    ofr_arena arena;      /* private: owns everything above */
} ofr_history;

/* OFR_NOT_FOUND; OFR_FORMAT names file and line.  Caller closes. */
ofr_status ofr_history_open(ofr_history *history, const char *journal_path,
                            ofr_error *err);
void ofr_history_close(ofr_history *history);

#endif
