/*
 * sweep_line.h - a curve to be read: the points that the tuning texts recommend,
 * with their figures on the reported texts, and what follows from them.
 */
#ifndef OFR_EVAL_SWEEP_LINE_H
#define OFR_EVAL_SWEEP_LINE_H

#include "eval/sweep.h"

#define OFR_LINE_AT 3 /* heights and losses that are reported */
extern const double ofr_line_saved_at[OFR_LINE_AT];    /* 0.25, 0.5, 0.75       */
extern const double ofr_line_points_lost[OFR_LINE_AT]; /* 0, 1, 3 points of 0.01 */

/* Points that lie on the front of the tuning texts, in the order of what they save
 * on the reported ones.  Borrows the sweep. */
typedef struct ofr_sweep_line {
    const char *name;       /* of the rule; "policy*": the best of several prices */
    double alpha;           /* of the curve; NaN: as trained, or several          */
    int n;
    const ofr_sweep_curve **curves; /* [n] where the point comes from             */
    const ofr_sweep_point **points; /* [n]                                        */
    double *saved, *score, *random; /* [n] of the reported texts                  */
    int n_points;           /* points that were looked at                         */
    /* fastest knob that loses so much on the tuning texts; NULL: none does so well */
    const ofr_sweep_point *at_lost[OFR_LINE_AT];
    const ofr_sweep_curve *at_lost_curve[OFR_LINE_AT];
} ofr_sweep_line;

/* Out of curves first .. end-1 of the sweep.  Caller closes. */
ofr_status ofr_sweep_line_open(ofr_sweep_line *line, const ofr_sweep *sweep,
                               const char *name, int first, int end, ofr_error *err);
void ofr_sweep_line_close(ofr_sweep_line *line);

/* What the line saves at most. */
double ofr_sweep_line_reach(const ofr_sweep_line *line);

#endif
