/*
 * journal.h - one JSON line per optimizer step and per evaluation.
 *
 * The journal holds nothing that depends on the clock or the machine's mood: a
 * run that was interrupted and resumed leaves the same bytes as one that was
 * not.  Times go to a file of their own.
 */
#ifndef OFR_TRAIN_JOURNAL_H
#define OFR_TRAIN_JOURNAL_H

#include "base/tail.h"
#include "train/tfevents.h"

typedef struct ofr_journal {
    ofr_tail tail;       /* not open: lines are made and dropped */
    ofr_buf line;
    ofr_tfevents *events; /* NULL, or gets every line too; borrowed */
    long long bytes;     /* of the journal so far */
} ofr_journal;

/* path NULL: nowhere; otherwise as ofr_tail_open(). */
ofr_status ofr_journal_open(ofr_journal *journal, const char *path, long long keep,
                            ofr_error *err);
void ofr_journal_close(ofr_journal *journal);
/* Down to the disk: before a checkpoint that counts its bytes. */
ofr_status ofr_journal_sync(ofr_journal *journal, ofr_error *err);

/* A line is begun, given fields, and ended.  NaN and infinities become null. */
void ofr_journal_begin(ofr_journal *journal, const char *event);
void ofr_journal_int(ofr_journal *journal, const char *key, long long value);
void ofr_journal_real(ofr_journal *journal, const char *key, double value);
void ofr_journal_text(ofr_journal *journal, const char *key, const char *value);
void ofr_journal_flag(ofr_journal *journal, const char *key, bool value);
void ofr_journal_ints(ofr_journal *journal, const char *key, const int *values, int n);
void ofr_journal_reals(ofr_journal *journal, const char *key, const double *values,
                       int n);
ofr_status ofr_journal_end(ofr_journal *journal, ofr_error *err);

#endif
