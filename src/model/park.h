/*
 * park.h - texts set aside between two layers, to go on later with others.
 *
 * A layer costs its weights' way from memory however few rows it sees.  Texts of
 * several walks that have the same layers behind them can share that: the first
 * ones wait here.  Rows are moved, never changed.
 */
#ifndef OFR_MODEL_PARK_H
#define OFR_MODEL_PARK_H

#include "model/encoder.h"

typedef struct ofr_park {
    int C, max_B, max_N;
    int B, N;      /* texts and rows that wait */
    int *layer;    /* [max_B] layers that each has behind it */
    int *text;     /* [max_B] as in the walk that it came from */
    int *offsets;  /* [max_B+1] */
    ofr_real *x;   /* [max_N,C] */
    ofr_slots slots;
} ofr_park;

/* Room for max_B texts of max_N rows in all.  Caller closes. */
ofr_status ofr_park_open(ofr_park *park, const ofr_encoder *encoder, int max_B, int max_N,
                         ofr_error *err);
void ofr_park_close(ofr_park *park); /* NULL is allowed */

/* All texts of `walk` wait from now on and the walk is empty; false when they do
 * not fit, and nothing has changed. */
bool ofr_park_put(ofr_park *park, ofr_walk *walk);

/* Rows that wait with `layer` layers behind them. */
int ofr_park_rows(const ofr_park *park, int layer);

/* Texts with as many layers behind them as the walk join it behind those there,
 * oldest first, as far as they fit. */
void ofr_park_take(ofr_park *park, ofr_walk *walk);

#endif
