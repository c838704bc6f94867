/* file.c - reading, mapping and atomic writing of files (POSIX). */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define WRITE_BUFFER (1u << 16)
#define READ_CHUNK (1u << 16)

/* "PATH: cannot VERB: reason" with the status that fits errno. */
static ofr_status fail_errno(ofr_error *err, const char *path, const char *verb,
                             int number)
{
    ofr_status status = number == ENOENT || number == ENOTDIR ? OFR_NOT_FOUND : OFR_IO;
    return ofr_fail(err, status, "%s: cannot %s: %s", path, verb, strerror(number));
}

static int open_again(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Open for reading and look at it; directories are refused with a clear line. */
static ofr_status open_to_read(int *out, struct stat *info, const char *path,
                               ofr_error *err)
{
    int fd = open_again(path, O_RDONLY, 0);
    if (fd < 0) return fail_errno(err, path, "open", errno);
    if (fstat(fd, info) != 0) {
        int number = errno;
        close(fd);
        return fail_errno(err, path, "open", number);
    }
    if (S_ISDIR(info->st_mode)) {
        close(fd);
        return ofr_fail(err, OFR_IO, "%s: is a directory, expected a file", path);
    }
    *out = fd;
    return OFR_OK;
}

ofr_status ofr_file_map_open(ofr_file_map *map, const char *path, ofr_error *err)
{
    int fd;
    struct stat info;
    OFR_TRY(open_to_read(&fd, &info, path, err));
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return ofr_fail(err, OFR_IO, "%s: is not a regular file and cannot be mapped",
                        path);
    }
    size_t size = (size_t)info.st_size;
    void *p = NULL;
    if (size > 0) p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    int number = errno;
    close(fd);
    if (p == MAP_FAILED) return fail_errno(err, path, "map", number);
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
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(err, name, "read", errno);
        if (n == 0) return OFR_OK;
        total += (size_t)n;
        if (max_bytes > 0 && total > max_bytes)
            return ofr_fail(err, OFR_FORMAT, "%s: is larger than %zu bytes", name,
                            max_bytes);
        ofr_buf_add(out, chunk, (size_t)n);
        if (out->failed) return ofr_fail_nomem(err, total, name);
    }
}

ofr_status ofr_file_read(ofr_buf *out, const char *path, size_t max_bytes, ofr_error *err)
{
    size_t before = out->n;
    bool standard_input = strcmp(path, "-") == 0;
    int fd = STDIN_FILENO;
    struct stat info;
    if (!standard_input) OFR_TRY(open_to_read(&fd, &info, path, err));
    ofr_buf_add(out, "", 0); /* so that an empty file, too, gives a text with a NUL */
    ofr_status status = out->failed ? ofr_fail_nomem(err, 64, path) : OFR_OK;
    if (status == OFR_OK)
        status =
            read_all(out, fd, standard_input ? "standard input" : path, max_bytes, err);
    if (!standard_input) close(fd);
    if (status != OFR_OK && out->p != NULL) {
        out->n = before;
        out->p[before] = '\0';
    }
    return status;
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

ofr_status ofr_file_make_dirs(const char *path, ofr_error *err)
{
    char part[OFR_PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(part))
        return ofr_fail(err, OFR_INVALID, "'%.200s': not a usable name for a directory",
                        path);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) == 0 || ofr_file_is_dir(part)) continue;
        int number = errno;
        if (number == EEXIST)
            return ofr_fail(err, OFR_IO, "%s: exists and is not a directory", part);
        return fail_errno(err, part, "create the directory", number);
    }
    return OFR_OK;
}

ofr_status ofr_file_remove(const char *path, ofr_error *err)
{
    if (unlink(path) == 0 || errno == ENOENT) return OFR_OK;
    return fail_errno(err, path, "remove", errno);
}

ofr_status ofr_file_join(char out[OFR_PATH_MAX], const char *dir, const char *name,
                         ofr_error *err)
{
    size_t n = strlen(dir), n_name = strlen(name);
    size_t n_slash = n == 0 || dir[n - 1] == '/' ? 0 : 1;
    if (n + n_slash + n_name >= OFR_PATH_MAX)
        return ofr_fail(err, OFR_INVALID, "%.200s: path is longer than %d bytes", dir,
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
        return ofr_fail(err, OFR_INVALID, "'%.200s': not a usable name for a file", path);
    memcpy(w->path, target, n + 1);
    bool exists = stat(w->path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return ofr_fail(err, OFR_IO, "%s: is a directory, expected a file", path);
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
        w->fd = open_again(w->path, O_WRONLY, 0);
    } else {
        for (int attempt = 0; attempt < 100; attempt++) {
            memcpy(w->temporary, w->path, n);
            snprintf(w->temporary + n, sizeof(w->temporary) - n, ".%ld-%d.tmp",
                     (long)getpid(), attempt);
            w->fd = open_again(w->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
            if (w->fd >= 0 || errno != EEXIST) break;
        }
    }
    if (w->fd >= 0) return OFR_OK;
    int number = errno;
    w->temporary[0] = '\0';
    ofr_file_writer_abort(w);
    return fail_errno(err, path, "write", number);
}

static void remember(ofr_file_writer *w, int number)
{
    if (!w->failed) w->error_number = number;
    w->failed = true;
}

static void write_out(ofr_file_writer *w, const char *p, size_t n)
{
    while (n > 0 && !w->failed) {
        ssize_t done = write(w->fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            remember(w, errno);
            return;
        }
        p += done;
        n -= (size_t)done;
    }
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

/* The rename itself must survive a power cut.  Some file systems cannot sync a
 * folder; that is no reason to call the file unwritten. */
static void sync_folder(const char *path)
{
    char folder[OFR_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);
    snprintf(folder, sizeof(folder), "%.*s", (int)n, path);
    if (slash == NULL) strcpy(folder, ".");
    if (slash == path) strcpy(folder, "/");
    int fd = open_again(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

ofr_status ofr_file_writer_commit(ofr_file_writer *w, ofr_error *err)
{
    bool replace = w->temporary[0] != '\0';
    write_out(w, w->buffer, w->used);
    w->used = 0;
    if (!w->failed && replace && fsync(w->fd) != 0) remember(w, errno);
    if (close(w->fd) != 0) remember(w, errno);
    w->fd = -1;
    if (!w->failed && replace && rename(w->temporary, w->path) != 0) remember(w, errno);
    if (w->failed) {
        ofr_status status = fail_errno(err, w->path, "write", w->error_number);
        ofr_file_writer_abort(w);
        return status;
    }
    if (replace) sync_folder(w->path);
    w->temporary[0] = '\0';
    ofr_file_writer_abort(w);
    return OFR_OK;
}

void ofr_file_writer_abort(ofr_file_writer *w)
{
    if (w->fd >= 0) close(w->fd);
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

ofr_status ofr_file_hash(char out[OFR_FILE_HASH], const char *path, ofr_error *err)
{
    uint64_t hash = 0xcbf29ce484222325U;
    ofr_file_map map;

    OFR_TRY(ofr_file_map_open(&map, path, err));
    for (size_t i = 0; i < map.size; i++)
        hash = (hash ^ map.p[i]) * 0x100000001b3U;
    ofr_file_map_close(&map);
    snprintf(out, OFR_FILE_HASH, "%016llx", (unsigned long long)hash);
    return OFR_OK;
}
