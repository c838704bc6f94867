/*
 * curve.h - what a knob buys: fronts, heights at equal cost, chosen knobs.
 *
 * A point is (saved, score).  Knobs are chosen on one set of texts and read on
 * another, so choosing and reading are functions of their own.
 */
#ifndef OFR_EVAL_CURVE_H
#define OFR_EVAL_CURVE_H

#include <stdbool.h>

/* Pareto front: keep[i] = 1 unless another point saves at least as much and scores
 * at least as well, one of them more; of equal points the first stays.  A point
 * that is not a number never stays.  Returns how many stay. */
int ofr_curve_front(unsigned char *keep, const double *saved, const double *score, int n);

/* order[] = the kept points, those that save least first; returns how many.
 * keep may be NULL: all. */
int ofr_curve_order(int *order, const unsigned char *keep, const double *saved, int n);

/* The height at `at` is (1 - share) y[low] + share y[high]. */
typedef struct ofr_curve_mix {
    int low, high;
    double share;
} ofr_curve_mix;

/* saved[n] ascending.  Between points by proportion, which is what a coin between
 * two knobs gives; level before the first: a rule that saves more than it must is
 * allowed.  false beyond the last point: out of this curve's reach. */
bool ofr_curve_find(ofr_curve_mix *mix, const double *saved, int n, double at);
/* The height there; NaN out of reach. */
double ofr_curve_height(const double *saved, const double *y, int n, double at);
/* Mean height from 0 up to `to`; NaN where `to` is out of reach, or 0. */
double ofr_curve_area(const double *saved, const double *y, int n, double to);

/* The point that saves most among those that score `least` or more; -1: none. */
int ofr_curve_fastest(const double *saved, const double *score, int n, double least);

#endif
