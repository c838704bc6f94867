/* faults.c - the calls that the linker sends here. */
#include "faults/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char *const fault_names[FAULT_KINDS] = {
    "memory", "open", "write", "sync", "close", "rename", "mkdir", "truncate", "event"};
const int fault_errnos[FAULT_KINDS] = {ENOMEM, EACCES, ENOSPC, EIO,   EIO,
                                       EACCES, ENOSPC, EIO,    ENOSPC};

enum { FILES = 256, SIGNALS = 8 };

typedef struct plan {
    atomic_size_t at; /* 0: never */
    atomic_bool for_good, hit, hit_folder;
} plan;

static plan plans[FAULT_KINDS];
static atomic_size_t counts[FAULT_KINDS];
static size_t short_writes;
static double free_bytes = -1;
static int trace_fd = -1;
static struct { size_t at; int number; } signals[SIGNALS];
static struct { bool tracked, folder; char path[512]; } files[FILES];

void faults_fail(fault_kind kind, size_t n, bool for_good)
{
    faults_off();
    plans[kind].for_good = for_good;
    plans[kind].at = n;
}

void faults_off(void)
{
    for (int k = 0; k < FAULT_KINDS; k++) {
        plans[k].at = 0;
        plans[k].hit = plans[k].hit_folder = false;
        counts[k] = 0;
    }
}

bool faults_hit(void)
{
    for (int k = 0; k < FAULT_KINDS; k++)
        if (plans[k].hit) return true;
    return false;
}

bool faults_hit_folder(void)
{
    for (int k = 0; k < FAULT_KINDS; k++)
        if (plans[k].hit_folder) return true;
    return false;
}

size_t faults_count(fault_kind kind)
{
    return counts[kind];
}

void faults_short_writes(size_t most)
{
    short_writes = most;
}

void faults_room(double bytes)
{
    free_bytes = bytes;
}

void faults_signal(size_t n, int number)
{
    for (int i = 0; i < SIGNALS; i++)
        if (!signals[i].at) {
            signals[i].at = n;
            signals[i].number = number;
            return;
        }
}

void faults_trace(int fd)
{
    trace_fd = fd;
}

/* ---- one call ------------------------------------------------------------------ */

static bool fails(fault_kind kind, bool folder)
{
    plan *p = &plans[kind];
    const size_t n = atomic_fetch_add(&counts[kind], 1) + 1, at = p->at;

    if (!at || (n != at && !(p->for_good && n > at))) return false;
    p->hit = true;
    if (folder) p->hit_folder = true;
    errno = fault_errnos[kind];
    return true;
}

ssize_t __real_write(int fd, const void *p, size_t n);

static void trace(fault_kind kind, const char *path, const char *more)
{
    char line[1200];
    int n;

    if (trace_fd < 0) return;
    n = snprintf(line, sizeof line, "%s %.500s%s%.500s\n", fault_names[kind], path,
                 *more ? " " : "", more);
    if (__real_write(trace_fd, line, (size_t)n) != n) _exit(99);
}

static void raise_signals(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].at && counts[FAULT_EVENT] == signals[i].at)
            raise(signals[i].number);
}

/* Will this event end the program?  Then a write is torn in two. */
static bool is_the_end(void)
{
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].number == SIGKILL && counts[FAULT_EVENT] + 1 == signals[i].at)
            return true;
    return false;
}

/* A moment: it is noted, signals come, and it may fail. */
static bool event(fault_kind kind, const char *path, const char *more, bool folder)
{
    bool failed = fails(FAULT_EVENT, folder);

    trace(kind, path, more);
    raise_signals();
    return fails(kind, folder) || failed;
}

static bool tracked(int fd)
{
    return fd >= 0 && fd < FILES && files[fd].tracked;
}

/* ---- memory ----------------------------------------------------------------------- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
int __real_posix_memalign(void **p, size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
int __wrap_posix_memalign(void **p, size_t alignment, size_t n);

void *__wrap_malloc(size_t n)
{
    return fails(FAULT_MEMORY, false) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return fails(FAULT_MEMORY, false) ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails(FAULT_MEMORY, false) ? NULL : __real_realloc(p, n);
}

int __wrap_posix_memalign(void **p, size_t alignment, size_t n)
{
    return fails(FAULT_MEMORY, false) ? ENOMEM : __real_posix_memalign(p, alignment, n);
}

void faults_route_libraries(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
}

/* ---- files ------------------------------------------------------------------------ */

int __real_open(const char *path, int flags, ...);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_rename(const char *from, const char *to);
int __real_mkdir(const char *path, mode_t mode);
int __real_ftruncate(int fd, off_t n);
int __real_statvfs(const char *path, struct statvfs *info);
int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_close(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_statvfs(const char *path, struct statvfs *info);

int __wrap_open(const char *path, int flags, ...)
{
    const bool folder = (flags & O_DIRECTORY) != 0;
    const bool counted = folder || (flags & O_ACCMODE) != O_RDONLY;
    mode_t mode = 0;
    va_list args;
    int fd;

    va_start(args, flags);
    if (flags & O_CREAT) mode = va_arg(args, mode_t);
    va_end(args);
    if (counted && event(FAULT_OPEN, path, "", folder)) return -1;
    fd = __real_open(path, flags, mode);
    if (counted && fd >= 0 && fd < FILES) {
        files[fd].tracked = true;
        files[fd].folder = folder;
        snprintf(files[fd].path, sizeof files[fd].path, "%s", path);
    }
    return fd;
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    static bool interrupted;
    char more[32];

    if (!tracked(fd)) return __real_write(fd, p, n);
    interrupted = short_writes && !interrupted;
    if (interrupted) {
        errno = EINTR;
        return -1;
    }
    if (is_the_end()) (void)!__real_write(fd, p, n / 2);
    snprintf(more, sizeof more, "%zu", n);
    if (event(FAULT_WRITE, files[fd].path, more, false)) return -1;
    return __real_write(fd, p, short_writes && n > short_writes ? short_writes : n);
}

/* What the disk does is out of a test's reach: nothing is synced, to save time. */
int __wrap_fsync(int fd)
{
    if (!tracked(fd)) return __real_fsync(fd);
    return event(FAULT_SYNC, files[fd].path, "", files[fd].folder) ? -1 : 0;
}

int __wrap_close(int fd)
{
    bool failed = false;

    if (tracked(fd)) {
        files[fd].tracked = false;
        failed = event(FAULT_CLOSE, files[fd].path, "", files[fd].folder);
    }
    if (__real_close(fd)) return -1;
    if (failed) errno = fault_errnos[FAULT_CLOSE];
    return failed ? -1 : 0;
}

int __wrap_rename(const char *from, const char *to)
{
    return event(FAULT_RENAME, from, to, false) ? -1 : __real_rename(from, to);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return event(FAULT_MKDIR, path, "", false) ? -1 : __real_mkdir(path, mode);
}

int __wrap_ftruncate(int fd, off_t n)
{
    char more[32];

    snprintf(more, sizeof more, "%lld", (long long)n);
    if (tracked(fd) && event(FAULT_TRUNCATE, files[fd].path, more, false)) return -1;
    return __real_ftruncate(fd, n);
}

int __wrap_statvfs(const char *path, struct statvfs *info)
{
    const int code = __real_statvfs(path, info);

    if (code == 0 && free_bytes >= 0 && info->f_frsize)
        info->f_bavail = (fsblkcnt_t)(free_bytes / (double)info->f_frsize);
    return code;
}
