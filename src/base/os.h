/*
 * os.h - the few system calls behind file.h and tail.h: repeated when a signal came,
 * gone on with when only a part was done; and their errors as one line.
 */
#ifndef OFR_BASE_OS_H
#define OFR_BASE_OS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

/* open() with O_CLOEXEC; -1 and errno. */
int ofr_os_open(const char *path, int flags, mode_t mode);

/* read(): what has arrived, at most n bytes; 0 at the end; -1 and errno. */
ssize_t ofr_os_read(int fd, void *p, size_t n);

/* All n bytes, everything down to the disk, the end of fd: 0 or the errno. */
int ofr_os_write(int fd, const void *p, size_t n);
int ofr_os_sync(int fd);
int ofr_os_close(int fd);

/* The folder that holds `path`: a new name in it must outlive a power cut, too.  Some
 * file systems cannot sync a folder; that is no reason to call a file unwritten. */
void ofr_os_sync_folder(const char *path);

/* "PATH: cannot VERB: reason; next step": OFR_NOT_FOUND or OFR_IO, by number (an
 * errno). */
ofr_status ofr_os_fail(ofr_error *err, const char *path, const char *verb, int number);

#endif
