/* tail.c - files that grow at their end. */
#include "base/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"

/* Bytes up to and with the last line end; a line that a crash tore is not counted. */
static int whole_lines(int fd, long long bytes, long long *whole)
{
    char chunk[4096];

    for (*whole = bytes; *whole > 0;) {
        const long long n = *whole < (long long)sizeof chunk ? *whole
                                                             : (long long)sizeof chunk;
        const ssize_t got = pread(fd, chunk, (size_t)n, (off_t)(*whole - n));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got != n) return EIO;
        const char *end = memrchr(chunk, '\n', (size_t)n);
        if (end) {
            *whole -= n - (end + 1 - chunk);
            return 0;
        }
        *whole -= n;
    }
    return 0;
}

/* Find the end, check it, cut. */
static int cut(ofr_tail *tail, long long keep, bool *is_short)
{
    long long whole = keep;
    const off_t end = lseek(tail->fd, 0, SEEK_END);

    if (end < 0 && errno == ESPIPE) return 0; /* a pipe or a terminal has no end */
    if (end < 0) return errno;
    tail->bytes = (long long)end;
    *is_short = tail->bytes < keep;
    if (*is_short) return 0;
    if (keep < 0) {
        const int number = whole_lines(tail->fd, tail->bytes, &whole);
        if (number) return number;
    }
    if (whole == tail->bytes) return 0;
    while (ftruncate(tail->fd, (off_t)whole) != 0)
        if (errno != EINTR) return errno;
    tail->bytes = whole;
    return 0;
}

ofr_status ofr_tail_open(ofr_tail *tail, const char *path, long long keep,
                         ofr_error *err)
{
    bool is_short = false;
    int number;

    *tail = (ofr_tail){.fd = -1};
    if (strlen(path) >= sizeof tail->path)
        return ofr_fail(err, OFR_INVALID,
                        "%.200s: path is longer than %d bytes; choose a shorter one",
                        path, OFR_PATH_MAX - 1);
    memcpy(tail->path, path, strlen(path) + 1);
    tail->fd = ofr_os_open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0666);
    if (tail->fd < 0) return ofr_os_fail(err, path, "write", errno);
    tail->open = true;
    number = cut(tail, keep, &is_short);
    if (!number && !is_short) return OFR_OK;
    const long long found = tail->bytes;
    ofr_tail_close(tail);
    if (number) return ofr_os_fail(err, path, "continue", number);
    return ofr_fail(
        err, OFR_FORMAT,
        "%s: has %lld bytes, but the checkpoint was made when it had %lld; it "
        "can not be continued, restore it, or remove the checkpoint to start again",
        path, found, keep);
}

void ofr_tail_close(ofr_tail *tail)
{
    if (tail->open) (void)ofr_os_close(tail->fd); /* additions have been reported on */
    *tail = (ofr_tail){.fd = -1};
}

ofr_status ofr_tail_add(ofr_tail *tail, const void *p, size_t n, ofr_error *err)
{
    const int number = ofr_os_write(tail->fd, p, n);

    if (number) return ofr_os_fail(err, tail->path, "write", number);
    tail->bytes += (long long)n;
    return OFR_OK;
}

ofr_status ofr_tail_sync(ofr_tail *tail, ofr_error *err)
{
    const int number = ofr_os_sync(tail->fd);

    /* A device or a pipe has nothing to sync. */
    if (number && number != EINVAL && number != EROFS)
        return ofr_os_fail(err, tail->path, "write", number);
    if (!tail->known) ofr_os_sync_folder(tail->path);
    tail->known = true;
    return OFR_OK;
}
