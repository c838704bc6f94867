/*
 * tfevents.h - the numbers of a journal as a TensorBoard event file.
 *
 * The journal stays the record of a run; this file is a second form of it.  It is
 * made from the journal's lines, so that a resumed run, whose journal is cut where
 * its checkpoint was made, begins its file again from the lines that are left and
 * shows no step twice.  Format: docs/FORMATS.md.
 */
#ifndef OFR_TRAIN_TFEVENTS_H
#define OFR_TRAIN_TFEVENTS_H

#include <stdint.h>

#include "base/tail.h"

#define OFR_TFEVENTS_NAME "events.out.tfevents.offramp"

typedef struct ofr_tfevents {
    ofr_tail tail;
    ofr_buf values, event, record; /* scratch: of one line */
} ofr_tfevents;

/* Begin dir/events.out.tfevents.offramp anew (the directory is made if needed) with
 * the lines of `journal`, a path; NULL: none yet.  OFR_IO, OFR_FORMAT. */
ofr_status ofr_tfevents_open(ofr_tfevents *events, const char *dir, const char *journal,
                             ofr_error *err);
void ofr_tfevents_close(ofr_tfevents *events); /* zeroed ones are fine */

/* One line of the journal, without or with its newline: every number of it, those in
 * arrays one by one. */
ofr_status ofr_tfevents_line(ofr_tfevents *events, ofr_str line, ofr_error *err);

/* CRC-32C (Castagnoli) of n bytes; for "123456789" it is e3069283. */
uint32_t ofr_tfevents_crc(const void *bytes, size_t n);

#endif
