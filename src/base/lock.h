/*
 * lock.h - a folder that one process at a time works in.
 *
 * The lock belongs to the process, not to the file: it ends with the process, however
 * that ends, so that nobody has to clear away what a killed run left behind.
 */
#ifndef OFR_BASE_LOCK_H
#define OFR_BASE_LOCK_H

#include "base/file.h"

typedef struct ofr_lock {
    int fd;                  /* -1: not held, or the file system knows no locks */
    char path[OFR_PATH_MAX];
} ofr_lock;

/* Take `dir`, which exists, by the file dir/lock.  OFR_INVALID: another process has
 * it; the line says which, and where it runs.  Caller closes. */
ofr_status ofr_lock_open(ofr_lock *lock, const char *dir, ofr_error *err);
void ofr_lock_close(ofr_lock *lock); /* also one that failed to open */

#endif
