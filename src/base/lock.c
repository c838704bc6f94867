/* lock.c - flock() on a file that says who holds it. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"

/* "process 4711 on host": what the holder wrote. */
static void read_holder(char out[200], int fd)
{
    const ssize_t n = pread(fd, out, 199, 0);

    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
    if (!out[0]) strcpy(out, "another process");
}

static void write_holder(int fd)
{
    char host[100] = "", text[200];

    (void)gethostname(host, sizeof host - 1);
    const int n =
        snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
    /* Only for the message of somebody else: the lock holds without it. */
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n) return;
}

/* Is the file that was locked still the one at `path`?  Its last holder may have
 * removed it between our open() and flock(). */
static bool is_at(int fd, const char *path)
{
    struct stat mine, there;

    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
           mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

ofr_status ofr_lock_open(ofr_lock *lock, const char *dir, ofr_error *err)
{
    char holder[200];

    lock->fd = -1;
    OFR_TRY(ofr_file_join(lock->path, dir, "lock", err));
    for (;;) {
        /* A link would lead write_holder() to somebody else's file. */
        lock->fd = ofr_os_open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
        if (lock->fd < 0) return ofr_os_fail(err, lock->path, "write", errno);
        if (flock(lock->fd, LOCK_EX | LOCK_NB) != 0) break;
        if (is_at(lock->fd, lock->path)) {
            write_holder(lock->fd);
            return OFR_OK;
        }
        close(lock->fd);
    }
    const bool taken = errno == EWOULDBLOCK;
    read_holder(holder, lock->fd);
    close(lock->fd);
    lock->fd = -1;
    if (!taken) return OFR_OK; /* no locks here: then without */
    return ofr_fail(err, OFR_INVALID,
                    "%s: %s works in this folder (%s); wait for it, or choose another",
                    dir, holder, lock->path);
}

void ofr_lock_close(ofr_lock *lock)
{
    if (lock->fd < 0) return;
    unlink(lock->path); /* while it is ours, see is_at() */
    close(lock->fd);
    lock->fd = -1;
}
