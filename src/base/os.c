/* os.c - system calls that are interrupted and halved, and what their errors say. */
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

int ofr_os_open(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

ssize_t ofr_os_read(int fd, void *p, size_t n)
{
    ssize_t got;
    do {
        got = read(fd, p, n);
    } while (got < 0 && errno == EINTR);
    return got;
}

int ofr_os_write(int fd, const void *p, size_t n)
{
    const char *from = p;
    while (n > 0) {
        ssize_t done = write(fd, from, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        if (done == 0) return EIO; /* or we would try for ever */
        from += done;
        n -= (size_t)done;
    }
    return 0;
}

int ofr_os_sync(int fd)
{
    while (fsync(fd) != 0)
        if (errno != EINTR) return errno;
    return 0;
}

int ofr_os_close(int fd)
{
    /* Linux has let go of fd when it says EINTR; closing again could hit another. */
    return close(fd) == 0 || errno == EINTR ? 0 : errno;
}

void ofr_os_sync_folder(const char *path)
{
    char folder[4096];
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') /* of a folder, the one above it */
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n >= sizeof folder) return;
    memcpy(folder, path, n);
    memcpy(folder + n, ".", 2); /* "a/b" -> "a/.", "/b" -> "/.", "b" -> "." */
    int fd = ofr_os_open(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return;
    (void)ofr_os_sync(fd);
    (void)ofr_os_close(fd);
}

/* What somebody can do about it. */
static const char *advice(int number, bool writing)
{
    switch (number) {
    case ENOSPC: return "; make room on that disk";
    case EDQUOT: return "; the quota is used up, make room";
    case EFBIG: return "; raise the limit on sizes of files (ulimit -f)";
    case EMFILE: return "; raise the limit on open files (ulimit -n)";
    case EROFS: return "; that disk is read-only, choose another place";
    case EIO: return "; the disk may be damaged, check it";
    case EPERM:
    case EACCES:
        return writing ? "; choose a place that you may write to"
                       : "; give yourself the right to read it (chmod)";
    case ENOENT: return writing ? "; make its folder first" : "; check the name";
    case ENOTDIR: return "; check the name";
    case ELOOP: return "; a symbolic link stands in the way, remove it";
    case ENODEV: return "; copy it to another disk";
    default: return "";
    }
}

ofr_status ofr_os_fail(ofr_error *err, const char *path, const char *verb, int number)
{
    ofr_status status = number == ENOENT || number == ENOTDIR ? OFR_NOT_FOUND : OFR_IO;
    bool writing = strcmp(verb, "open") != 0 && strcmp(verb, "read") != 0;
    return ofr_fail(err, status, "%s: cannot %s: %s%s", path, verb, strerror(number),
                    advice(number, writing));
}
