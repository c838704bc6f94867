/* file.c - reading, mapping and atomic writing of files (POSIX). */
#include "base/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/os.h"

#define WRITE_BUFFER (1u << 16)
#define READ_CHUNK (1u << 16)

static ofr_status is_folder(const char *path, ofr_error *err)
{
    return ofr_fail(err, OFR_IO,
                    "%s: is a directory, expected a file; give the name of one", path);
}

static ofr_status is_special(const char *path, ofr_error *err)
{
    return ofr_fail(err, OFR_IO,
                    "%s: is not a regular file, expected one; put a file in its place",
                    path);
}

static ofr_status check_kind(struct stat *info, int fd, const char *path, bool input,
                             ofr_error *err)
{
    if (fstat(fd, info) != 0) return ofr_os_fail(err, path, "open", errno);
    if (S_ISDIR(info->st_mode)) return is_folder(path, err);
    if (input || S_ISREG(info->st_mode)) return OFR_OK;
    return is_special(path, err);
}

/* Open for reading and look at it.  Who stands in for a file, a pipe say, is refused and
 * not waited for. */
static ofr_status open_to_read(int *out, struct stat *info, const char *path, bool input,
                               ofr_error *err)
{
    /* Whoever writes to a pipe would see it opened and closed again, and end. */
    if (!input && stat(path, info) == 0 && !S_ISREG(info->st_mode) &&
        !S_ISDIR(info->st_mode))
        return is_special(path, err);
    int fd = ofr_os_open(path, input ? O_RDONLY : O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0) return ofr_os_fail(err, path, "open", errno);
    ofr_status status = check_kind(info, fd, path, input, err);
    if (status == OFR_OK)
        *out = fd;
    else
        close(fd);
    return status;
}

ofr_status ofr_file_open(int *fd, const char *path, ofr_error *err)
{
    struct stat info;
    return open_to_read(fd, &info, path, false, err);
}

const char *ofr_file_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

ofr_status ofr_file_open_input(int *fd, const char *path, ofr_error *err)
{
    struct stat info;
    if (strcmp(path, "-") != 0) return open_to_read(fd, &info, path, true, err);
    *fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (*fd >= 0) return OFR_OK;
    return ofr_os_fail(err, ofr_file_input_name(path), "open", errno);
}

ofr_status ofr_file_map_open(ofr_file_map *map, const char *path, ofr_error *err)
{
    int fd = -1;
    struct stat info;
    OFR_TRY(open_to_read(&fd, &info, path, false, err));
    size_t size = (size_t)info.st_size;
    void *p = NULL;
    if (size > 0) p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    int number = errno;
    close(fd);
    if (p == MAP_FAILED) return ofr_os_fail(err, path, "map", number);
    map->p = p;
    map->size = size;
    return OFR_OK;
}

void ofr_file_map_close(ofr_file_map *map)
{
    if (map->p != NULL) {
        void *p;
        memcpy(&p, &map->p, sizeof(p)); /* munmap() wants it without const */
        munmap(p, map->size);
    }
    *map = (ofr_file_map){0};
}

void ofr_file_forget(const void *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)p + page - 1) / page * page; /* whole pages only */
    uintptr_t end = ((uintptr_t)p + n) / page * page;
    if (begin < end) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* Everything that fd gives; `out` grows. */
static ofr_status read_all(ofr_buf *out, int fd, const char *name, size_t max_bytes,
                           ofr_error *err)
{
    size_t total = 0;
    char chunk[READ_CHUNK];
    for (;;) {
        ssize_t n = ofr_os_read(fd, chunk, sizeof(chunk));
        if (n < 0) return ofr_os_fail(err, name, "read", errno);
        if (n == 0) return OFR_OK;
        total += (size_t)n;
        if (max_bytes > 0 && total > max_bytes)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: is larger than %zu bytes, the most that is read of such "
                            "a file; restore it",
                            name, max_bytes);
        ofr_buf_add(out, chunk, (size_t)n);
        if (out->failed) return ofr_fail_nomem(err, total, name);
    }
}

/* Takes fd. */
static ofr_status read_and_close(ofr_buf *out, int fd, const char *name, size_t max_bytes,
                                 ofr_error *err)
{
    size_t before = out->n;
    ofr_buf_add(out, "", 0); /* so that an empty file, too, gives a text with a NUL */
    ofr_status status = out->failed ? ofr_fail_nomem(err, 64, name) : OFR_OK;
    if (status == OFR_OK) status = read_all(out, fd, name, max_bytes, err);
    close(fd);
    if (status != OFR_OK && out->p != NULL) {
        out->n = before;
        out->p[before] = '\0';
    }
    return status;
}

ofr_status ofr_file_read(ofr_buf *out, const char *path, size_t max_bytes, ofr_error *err)
{
    int fd = -1;
    OFR_TRY(ofr_file_open(&fd, path, err));
    return read_and_close(out, fd, path, max_bytes, err);
}

ofr_status ofr_file_read_input(ofr_buf *out, const char *path, size_t max_bytes,
                               ofr_error *err)
{
    int fd = -1;
    OFR_TRY(ofr_file_open_input(&fd, path, err));
    return read_and_close(out, fd, ofr_file_input_name(path), max_bytes, err);
}

bool ofr_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool ofr_file_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool ofr_file_same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

ofr_status ofr_file_make_dirs(const char *path, ofr_error *err)
{
    char part[OFR_PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(part))
        return ofr_fail(err, OFR_INVALID,
                        "'%.200s': not a usable name for a directory, %zu bytes, "
                        "expected 1 to %d; choose another",
                        path, n, OFR_PATH_MAX - 1);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        int number = mkdir(part, 0777) == 0 ? 0 : errno;
        if (number == 0) ofr_os_sync_folder(part);
        if (number == 0 || ofr_file_is_dir(part)) continue;
        if (number == EEXIST)
            return ofr_fail(err, OFR_IO,
                            "%s: exists and is not a directory; choose another name",
                            part);
        return ofr_os_fail(err, part, "create the directory", number);
    }
    return OFR_OK;
}

ofr_status ofr_file_remove(const char *path, ofr_error *err)
{
    if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR) return OFR_OK;
    return ofr_os_fail(err, path, "remove", errno);
}

ofr_status ofr_file_join(char out[OFR_PATH_MAX], const char *dir, const char *name,
                         ofr_error *err)
{
    size_t n = strlen(dir), n_name = strlen(name);
    size_t n_slash = n == 0 || dir[n - 1] == '/' ? 0 : 1;
    if (n + n_slash + n_name >= OFR_PATH_MAX)
        return ofr_fail(err, OFR_INVALID,
                        "%.200s: path is longer than %d bytes; choose a shorter one", dir,
                        OFR_PATH_MAX - 1);
    memmove(out, dir, n); /* `out` may be `dir` itself */
    if (n_slash == 1) out[n] = '/';
    memcpy(out + n + n_slash, name, n_name + 1);
    return OFR_OK;
}

/* Where the bytes must end up: a link is followed, so that the link survives. */
static ofr_status resolve(ofr_file_writer *w, bool *special, const char *path,
                          ofr_error *err)
{
    struct stat info;
    const char *target = path;
    char followed[PATH_MAX];
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) && realpath(path, followed))
        target = followed;
    size_t n = strlen(target);
    if (n == 0 || n + 32 >= sizeof(w->temporary))
        return ofr_fail(err, OFR_INVALID,
                        "'%.200s': not a usable name for a file, %zu bytes, expected 1 "
                        "to %zu; choose another",
                        path, n, sizeof(w->temporary) - 33);
    memcpy(w->path, target, n + 1);
    bool exists = stat(w->path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) return is_folder(path, err);
    *special = exists && !S_ISREG(info.st_mode);
    return OFR_OK;
}

ofr_status ofr_file_writer_begin(ofr_file_writer *w, const char *path, ofr_error *err)
{
    *w = (ofr_file_writer){.fd = -1};
    bool special; /* a device or a pipe cannot be replaced, only written to */
    OFR_TRY(resolve(w, &special, path, err));
    size_t n = strlen(w->path);
    w->buffer = ofr_mem_alloc(WRITE_BUFFER);
    if (w->buffer == NULL) return ofr_fail_nomem(err, WRITE_BUFFER, path);
    if (special) {
        w->fd = ofr_os_open(w->path, O_WRONLY, 0);
    } else {
        for (int attempt = 0; attempt < 100; attempt++) {
            memcpy(w->temporary, w->path, n);
            snprintf(w->temporary + n, sizeof(w->temporary) - n, ".%ld-%d.tmp",
                     (long)getpid(), attempt);
            w->fd = ofr_os_open(w->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
            if (w->fd >= 0 || errno != EEXIST) break;
        }
        /* Says that the file is not abandoned; see ofr_file_tidy(). */
        if (w->fd >= 0) (void)flock(w->fd, LOCK_EX | LOCK_NB);
    }
    if (w->fd >= 0) return OFR_OK;
    int number = errno;
    w->temporary[0] = '\0';
    ofr_file_writer_abort(w);
    return ofr_os_fail(err, path, "write", number);
}

static void remember(ofr_file_writer *w, int number)
{
    if (!w->failed) w->error_number = number;
    w->failed = true;
}

static void write_out(ofr_file_writer *w, const void *p, size_t n)
{
    int number = w->failed ? 0 : ofr_os_write(w->fd, p, n);
    if (number) remember(w, number);
}

void ofr_file_writer_add(ofr_file_writer *w, const void *p, size_t n)
{
    if (w->failed || n == 0) return;
    if (w->used + n > WRITE_BUFFER) {
        write_out(w, w->buffer, w->used);
        w->used = 0;
    }
    if (n >= WRITE_BUFFER) {
        write_out(w, p, n);
        return;
    }
    memcpy(w->buffer + w->used, p, n);
    w->used += n;
}

ofr_status ofr_file_writer_commit(ofr_file_writer *w, ofr_error *err)
{
    bool replace = w->temporary[0] != '\0';
    write_out(w, w->buffer, w->used);
    w->used = 0;
    int number = !w->failed && replace ? ofr_os_sync(w->fd) : 0;
    if (number) remember(w, number);
    number = ofr_os_close(w->fd);
    if (number) remember(w, number);
    w->fd = -1;
    if (!w->failed && replace && rename(w->temporary, w->path) != 0) remember(w, errno);
    if (w->failed) {
        ofr_status status = ofr_os_fail(err, w->path, "write", w->error_number);
        ofr_file_writer_abort(w);
        return status;
    }
    if (replace) ofr_os_sync_folder(w->path);
    w->temporary[0] = '\0';
    ofr_file_writer_abort(w);
    return OFR_OK;
}

void ofr_file_writer_abort(ofr_file_writer *w)
{
    if (w->fd >= 0) (void)ofr_os_close(w->fd);
    w->fd = -1;
    if (w->temporary[0] != '\0') unlink(w->temporary);
    w->temporary[0] = '\0';
    ofr_mem_free(w->buffer);
    w->buffer = NULL;
    w->used = 0;
}

ofr_status ofr_file_write(const char *path, const void *p, size_t n, ofr_error *err)
{
    ofr_file_writer w;
    OFR_TRY(ofr_file_writer_begin(&w, path, err));
    ofr_file_writer_add(&w, p, n);
    return ofr_file_writer_commit(&w, err);
}

/* ---- before a long work ------------------------------------------------------- */

ofr_status ofr_file_check(const char *path, ofr_error *err)
{
    ofr_file_writer w;
    bool special = false;
    OFR_TRY(resolve(&w, &special, path, err));
    /* Whoever reads a pipe would take an open and a close for all that comes. */
    if (special && access(w.path, W_OK) != 0)
        return ofr_os_fail(err, path, "write", errno);
    if (special) return OFR_OK;
    OFR_TRY(ofr_file_writer_begin(&w, path, err));
    ofr_file_writer_abort(&w);
    return OFR_OK;
}

ofr_status ofr_file_check_own(const char *path, ofr_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return is_special(path, err);
    return ofr_file_check(path, err);
}

ofr_status ofr_file_check_room(const char *dir, double bytes, const char *what,
                               ofr_error *err)
{
    const double unit = 1e6;
    struct statvfs info;
    int code;
    do {
        code = statvfs(dir, &info);
    } while (code != 0 && errno == EINTR);
    /* Some network file systems do not know. */
    if (code != 0 || info.f_blocks == 0) return OFR_OK;
    double room = (double)info.f_bavail * (double)info.f_frsize;
    if (room >= bytes) return OFR_OK;
    return ofr_fail(err, OFR_IO,
                    "%s: %.1f MB are free on that disk, %s needs %.1f MB; make room or "
                    "choose another place",
                    dir, room / unit, what, bytes / unit);
}

double ofr_file_freed(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink > 1) return 0;
    return (double)info.st_size;
}

/* NAME.PID-NUMBER.tmp, as ofr_file_writer_begin() makes them. */
static bool is_temporary(const char *name)
{
    size_t n = strlen(name), end = n - 4, at = end;
    if (n < 8 || strcmp(name + end, ".tmp") != 0) return false;
    while (at > 0 && isdigit((unsigned char)name[at - 1]))
        at--;
    if (at == end || at < 2 || name[at - 1] != '-') return false;
    end = --at;
    while (at > 0 && isdigit((unsigned char)name[at - 1]))
        at--;
    return at < end && at > 1 && name[at - 1] == '.';
}

void ofr_file_tidy(const char *dir)
{
    char path[OFR_PATH_MAX];
    DIR *folder = opendir(dir);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (!is_temporary(entry->d_name)) continue;
        if (ofr_file_join(path, dir, entry->d_name, NULL) != OFR_OK) continue;
        int fd = ofr_os_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
        if (fd < 0) continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(path);
        (void)ofr_os_close(fd);
    }
    if (folder != NULL) closedir(folder);
}

ofr_status ofr_file_each(const char *path, ofr_file_take take, void *user, ofr_error *err)
{
    unsigned char chunk[READ_CHUNK];
    int fd = -1;
    ssize_t n;
    OFR_TRY(ofr_file_open(&fd, path, err));
    while ((n = ofr_os_read(fd, chunk, sizeof(chunk))) > 0)
        take(user, chunk, (size_t)n);
    ofr_status status = n < 0 ? ofr_os_fail(err, path, "read", errno) : OFR_OK;
    close(fd);
    return status;
}

static void add_to_hash(void *user, const unsigned char *p, size_t n)
{
    uint64_t *hash = user;
    *hash = ofr_hash_fnv(*hash, p, n);
}

ofr_status ofr_file_hash(char out[OFR_FILE_HASH], const char *path, ofr_error *err)
{
    uint64_t hash = OFR_HASH_FNV;
    OFR_TRY(ofr_file_each(path, add_to_hash, &hash, err));
    snprintf(out, OFR_FILE_HASH, "%016llx", (unsigned long long)hash);
    return OFR_OK;
}

ofr_str ofr_file_last_name(const char *path)
{
    size_t n = strlen(path), start;

    while (n > 1 && path[n - 1] == '/')
        n--;
    for (start = n; start > 0 && path[start - 1] != '/'; start--)
        ;
    return (ofr_str){path + start, n - start};
}
