/*
 * tail.h - a file that grows at its end: journals and event files.
 *
 * What was added is in the system's hands when the call returns, so that it outlives
 * the program; after a sync it outlives a power cut, too.
 */
#ifndef OFR_BASE_TAIL_H
#define OFR_BASE_TAIL_H

#include <stdbool.h>

#include "base/file.h"

typedef struct ofr_tail {
    bool open;
    bool known; /* its name is on the disk */
    int fd;
    long long bytes; /* of the file */
    char path[OFR_PATH_MAX];
} ofr_tail;

/* Never through a symbolic link, which would have somebody else's file cut.
 * The first `keep` bytes of an existing file stay and the rest is cut off; keep < 0:
 * its whole lines stay.  OFR_FORMAT when it is shorter than `keep`; OFR_NOT_FOUND,
 * OFR_IO. */
ofr_status ofr_tail_open(ofr_tail *tail, const char *path, long long keep,
                         ofr_error *err);
void ofr_tail_close(ofr_tail *tail); /* a zeroed one is fine */

/* A failed addition may have left a part of itself; reopening cuts it off. */
ofr_status ofr_tail_add(ofr_tail *tail, const void *p, size_t n, ofr_error *err);
ofr_status ofr_tail_sync(ofr_tail *tail, ofr_error *err);

#endif
