/*
 * slots.h - many arrays in one allocation.
 *
 * A layout function calls ofr_slots_take() for every array of a family.  It is
 * run twice: with base == NULL it only adds up the size, then with the block it
 * hands out the pointers; the two can not disagree.
 */
#ifndef OFR_TENSOR_SLOTS_H
#define OFR_TENSOR_SLOTS_H

#include <stddef.h>

#include "base/status.h"

typedef struct ofr_slots {
    unsigned char *base; /* NULL: measure only; owned */
    size_t used;         /* bytes, each array rounded up to 64 */
    int overflow;        /* set when the size does not fit size_t */
} ofr_slots;

typedef void (*ofr_slots_layout)(ofr_slots *slots, void *owner);

/* Room for count elements of `size` bytes; NULL while measuring. */
void *ofr_slots_take(ofr_slots *slots, size_t count, size_t size);

/* Measure, allocate (cleared), place.  OFR_NOMEM names `what`. */
ofr_status ofr_slots_open(ofr_slots *slots, ofr_slots_layout layout, void *owner,
                          const char *what, ofr_error *err);
void ofr_slots_close(ofr_slots *slots);

#endif
