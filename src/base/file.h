/*
 * file.h - reading, mapping and atomic writing of files.
 *
 * A written file appears whole or not at all: temporary name in the same
 * folder, fsync, rename, fsync of the folder.
 */
#ifndef OFR_BASE_FILE_H
#define OFR_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

typedef struct ofr_file_map {
    const unsigned char *p; /* NULL when size == 0 */
    size_t size;
} ofr_file_map;

/* Open for reading; the caller closes.  Files of models and runs must be regular: a
 * pipe or a device in the place of one is OFR_IO, at once.  OFR_NOT_FOUND, OFR_IO. */
ofr_status ofr_file_open(int *fd, const char *path, ofr_error *err);
/* The same for texts and data that a user names, which may come through a pipe; "-" is
 * standard input (a duplicate of it).  The name is for messages. */
ofr_status ofr_file_open_input(int *fd, const char *path, ofr_error *err);
const char *ofr_file_input_name(const char *path);

/* The last name of a path, whatever slashes end it; borrowed. */
ofr_str ofr_file_last_name(const char *path);

/* Map read-only.  OFR_NOT_FOUND, OFR_IO. */
ofr_status ofr_file_map_open(ofr_file_map *map, const char *path, ofr_error *err);
void ofr_file_map_close(ofr_file_map *map);
/* The n bytes at p, inside a map, are not needed soon: their memory is given
 * back, and they are read from the file again should somebody ask. */
void ofr_file_forget(const void *p, size_t n);

/* Whole file appended to `out`.  Refuses more than max_bytes (0: no limit) with
 * OFR_FORMAT. */
ofr_status ofr_file_read(ofr_buf *out, const char *path, size_t max_bytes,
                         ofr_error *err);
ofr_status ofr_file_read_input(ofr_buf *out, const char *path, size_t max_bytes,
                               ofr_error *err);

/* The bytes of a regular file in order, some at a time; read, not mapped, so that a file
 * that somebody cuts meanwhile does no harm.  OFR_NOT_FOUND, OFR_IO. */
typedef void (*ofr_file_take)(void *user, const unsigned char *p, size_t n);
ofr_status ofr_file_each(const char *path, ofr_file_take take, void *user,
                         ofr_error *err);

bool ofr_file_exists(const char *path);
bool ofr_file_is_dir(const char *path);
bool ofr_file_same(const char *a, const char *b); /* both exist and are one file */
ofr_status ofr_file_make_dirs(const char *path, ofr_error *err); /* like mkdir -p */
ofr_status ofr_file_remove(const char *path, ofr_error *err);    /* absent is fine */

/* "dir/name" into the caller's buffer; OFR_INVALID when it does not fit. */
#define OFR_PATH_MAX 4096
ofr_status ofr_file_join(char out[OFR_PATH_MAX], const char *dir, const char *name,
                         ofr_error *err);

/* 16 hexadecimal digits that tell files apart in records (FNV-1a of 64 bits over
 * the bytes; no protection against malice).  OFR_NOT_FOUND, OFR_IO. */
enum { OFR_FILE_HASH = 17 };
ofr_status ofr_file_hash(char out[OFR_FILE_HASH], const char *path, ofr_error *err);

typedef struct ofr_file_writer {
    int fd;
    bool failed;
    int error_number;
    char path[OFR_PATH_MAX], temporary[OFR_PATH_MAX];
    char *buffer;
    size_t used;
} ofr_file_writer;

/* begin; write any number of times (errors are remembered); then commit, or
 * abort, which leaves the previous file as it was.  commit reports the first
 * error and then has aborted. */
ofr_status ofr_file_writer_begin(ofr_file_writer *w, const char *path, ofr_error *err);
void ofr_file_writer_add(ofr_file_writer *w, const void *p, size_t n);
ofr_status ofr_file_writer_commit(ofr_file_writer *w, ofr_error *err);
void ofr_file_writer_abort(ofr_file_writer *w);

/* Before a long work: can `path` be written?  The error now instead of later. */
ofr_status ofr_file_check(const char *path, ofr_error *err);
/* The same for a file of a run, whose writer would wait at a pipe for ever. */
ofr_status ofr_file_check_own(const char *path, ofr_error *err);
/* Are `bytes` free where `dir` is?  OFR_IO with both numbers; "the run" is a good
 * `what`. */
ofr_status ofr_file_check_room(const char *dir, double bytes, const char *what,
                               ofr_error *err);
/* Bytes that come free when `path` goes: none where it is absent or has other names. */
double ofr_file_freed(const char *path);
/* Remove the temporary files in `dir` whose writers died.  Nobody minds a failure. */
void ofr_file_tidy(const char *dir);

/* All in one. */
ofr_status ofr_file_write(const char *path, const void *p, size_t n, ofr_error *err);

#endif
