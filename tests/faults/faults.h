/*
 * faults.h - makes memory and system calls fail, in tests only.
 *
 * The linker sends the calls of the program's own objects here (-Wl,--wrap=NAME, see
 * tests/CMakeLists.txt), so that the product carries no hooks.  What happens inside
 * shared libraries stays theirs, except for jansson, which is asked to take its memory
 * here.  Reading is not counted: files are counted that are opened to be written, and
 * folders that are opened to be synced.
 */
#ifndef OFR_TESTS_FAULTS_H
#define OFR_TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum fault_kind {
    FAULT_MEMORY, /* malloc, calloc, realloc, posix_memalign */
    FAULT_OPEN, FAULT_WRITE, FAULT_SYNC, FAULT_CLOSE, FAULT_RENAME, FAULT_MKDIR,
    FAULT_TRUNCATE,
    FAULT_EVENT,  /* any of the above but memory: the moments of a program's life */
    FAULT_KINDS
} fault_kind;

/* "memory", "open", ... and what such a call says when it fails. */
extern const char *const fault_names[FAULT_KINDS];
extern const int fault_errnos[FAULT_KINDS];

/* Call n from now (1 = the next) of this kind fails, or that one and all later ones.
 * Counting starts again. */
void faults_fail(fault_kind kind, size_t n, bool for_good);
void faults_off(void);
bool faults_hit(void);          /* has a call failed since faults_fail()? */
bool faults_hit_folder(void);   /* and was it about a folder that is synced? */
size_t faults_count(fault_kind kind); /* calls since then */

/* Every write takes at most so many bytes, and every other one says EINTR first;
 * 0: as the system does. */
void faults_short_writes(size_t most);

/* What statvfs() says is free; < 0: the truth. */
void faults_room(double bytes);

/* At event n a signal is raised; SIGKILL halves a write first. */
void faults_signal(size_t n, int number);

/* A line per event ("write PATH 17") goes to this file; -1: nowhere. */
void faults_trace(int fd);

/* jansson's memory comes from here. */
void faults_route_libraries(void);

#endif
