/*
 * verdict.h - has a run converged, does it oscillate, does it get worse?
 *
 * The rule is written in docs/METHODS.md (Convergence) and nowhere else but in
 * verdict.c.  A run is looked at twice: from iteration to iteration, and from
 * epoch to epoch of its last phase; the worse of the two is the run's.
 */
#ifndef OFR_EVAL_VERDICT_H
#define OFR_EVAL_VERDICT_H

#include "eval/history.h"

/* From good to bad; UNKNOWN: fewer than two looks at the dev set. */
typedef enum ofr_verdict_kind {
    OFR_VERDICT_UNKNOWN, OFR_VERDICT_CONVERGED, OFR_VERDICT_MOVING,
    OFR_VERDICT_OSCILLATING, OFR_VERDICT_DEGRADING
} ofr_verdict_kind;

typedef struct ofr_verdict {
    ofr_verdict_kind kind;
    int n;          /* looks that were judged */
    char why[200];  /* one line with the numbers that decided */
} ofr_verdict;

typedef struct ofr_run_verdict {
    ofr_verdict run;        /* the worse of the two */
    ofr_verdict iterations; /* the ends of the iterations */
    ofr_verdict epochs;     /* the epochs of the last phase */
    char phase[24];         /* that phase; "": none */
} ofr_run_verdict;

/* points[n] in the order of time, of a model with L layers. */
void ofr_verdict_of(ofr_verdict *verdict, const ofr_history_point *points, int n, int L);

/* OFR_NOMEM. */
ofr_status ofr_verdict_of_run(ofr_run_verdict *verdict, const ofr_history *history,
                              ofr_error *err);
/* The same from the file.  OFR_NOT_FOUND, OFR_FORMAT. */
ofr_status ofr_verdict_of_journal(ofr_run_verdict *verdict, const char *journal_path,
                                  ofr_error *err);

/* "unknown", "converged", "still moving", "oscillating", "degrading". */
const char *ofr_verdict_name(ofr_verdict_kind kind);

#endif
