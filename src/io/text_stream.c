/*
 * text_stream.c - a block of bytes in, a block of text out, lines cut from that.
 *
 * zlib and liblzma do the decoding; both take their memory from base/mem.h.
 */
#include "io/text_stream.h"

#include <errno.h>
#include <lzma.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/os.h"

#define BLOCK ((size_t)65536)

struct ofr_text_stream {
    const char *path;
    int fd;
    ofr_status (*fill)(ofr_text_stream *, ofr_error *);
    unsigned char *in, *out; /* [BLOCK] each; out: NULL for plain text */
    size_t in_end;           /* bytes in `in` */
    bool in_over;            /* the file has no more */
    const unsigned char *p;  /* text that is ready: p[at..end) */
    size_t at, end;
    bool over;               /* no more text */
    bool member_over;        /* gzip: between two members */
    long long number;
    z_stream z;
    lzma_stream x;
};

/* ---- bytes of the file --------------------------------------------------- */

/* More bytes into in[in_end..]; at least one unless the file is over. */
static ofr_status read_more(ofr_text_stream *s, ofr_error *err)
{
    ssize_t n = ofr_os_read(s->fd, s->in + s->in_end, BLOCK - s->in_end);
    if (n < 0) return ofr_os_fail(err, s->path, "read", errno);
    s->in_end += (size_t)n;
    s->in_over = n == 0;
    return OFR_OK;
}

static ofr_status read_block(ofr_text_stream *s, ofr_error *err)
{
    s->in_end = 0;
    return read_more(s, err);
}

static ofr_status cut_off(const ofr_text_stream *s, const char *kind, ofr_error *err)
{
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the %s data end too early, behind line %lld; restore the file",
                    s->path, kind, s->number);
}

static ofr_status damaged(const ofr_text_stream *s, const char *kind, ofr_error *err)
{
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the %s data are damaged, behind line %lld; restore the file",
                    s->path, kind, s->number);
}

/* ---- plain --------------------------------------------------------------- */

static ofr_status fill_plain(ofr_text_stream *s, ofr_error *err)
{
    OFR_TRY(read_block(s, err));
    s->p = s->in;
    s->at = 0;
    s->end = s->in_end;
    s->over = s->in_over;
    return OFR_OK;
}

/* ---- gzip ---------------------------------------------------------------- */

static void *z_alloc(void *user, unsigned count, unsigned size)
{
    (void)user;
    return ofr_mem_array(count, size);
}

static void z_free(void *user, void *p)
{
    (void)user;
    ofr_mem_free(p);
}

/* Behind a member: nothing, zeros that fill up a block, or the next member. */
static ofr_status next_member(ofr_text_stream *s, ofr_error *err)
{
    while (s->z.avail_in && *s->z.next_in == 0) {
        s->z.next_in++;
        s->z.avail_in--;
    }
    if (!s->z.avail_in) {
        s->over = s->in_over;
        return OFR_OK;
    }
    if (*s->z.next_in != 0x1f)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: bytes behind the end of the gzip data; restore the file",
                        s->path);
    s->member_over = false;
    return inflateReset(&s->z) == Z_OK ? OFR_OK : damaged(s, "gzip", err);
}

static ofr_status fill_gzip(ofr_text_stream *s, ofr_error *err)
{
    int code;
    s->at = s->end = 0;
    while (s->end == 0 && !s->over) {
        if (!s->z.avail_in && !s->in_over) {
            OFR_TRY(read_block(s, err));
            s->z.next_in = s->in;
            s->z.avail_in = (unsigned)s->in_end;
        }
        if (s->member_over) {
            OFR_TRY(next_member(s, err));
            continue;
        }
        s->z.next_out = s->out;
        s->z.avail_out = (unsigned)BLOCK;
        code = inflate(&s->z, Z_NO_FLUSH);
        s->end = BLOCK - s->z.avail_out;
        if (code == Z_MEM_ERROR) return ofr_fail_nomem(err, BLOCK, "the gzip decoder");
        if (code == Z_STREAM_END) s->member_over = true;
        else if (code != Z_OK && code != Z_BUF_ERROR) return damaged(s, "gzip", err);
        else if (!s->end && !s->z.avail_in && s->in_over) return cut_off(s, "gzip", err);
    }
    s->p = s->out;
    return OFR_OK;
}

static ofr_status open_gzip(ofr_text_stream *s, ofr_error *err)
{
    s->z.zalloc = z_alloc;
    s->z.zfree = z_free;
    s->z.next_in = s->in;
    s->z.avail_in = (unsigned)s->in_end;
    s->fill = fill_gzip;
    if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) /* 16: gzip's header */
        return ofr_fail_nomem(err, BLOCK, "the gzip decoder");
    return OFR_OK;
}

/* ---- xz ------------------------------------------------------------------ */

static void *x_alloc(void *user, size_t count, size_t size)
{
    (void)user;
    return count && size > SIZE_MAX / count ? NULL : ofr_mem_alloc(count * size);
}

static void x_free(void *user, void *p)
{
    (void)user;
    ofr_mem_free(p);
}

static const lzma_allocator x_allocator = {x_alloc, x_free, NULL};

static ofr_status fill_xz(ofr_text_stream *s, ofr_error *err)
{
    lzma_ret code;
    s->at = s->end = 0;
    while (s->end == 0 && !s->over) {
        if (!s->x.avail_in && !s->in_over) {
            OFR_TRY(read_block(s, err));
            s->x.next_in = s->in;
            s->x.avail_in = s->in_end;
        }
        s->x.next_out = s->out;
        s->x.avail_out = BLOCK;
        code = lzma_code(&s->x, s->in_over ? LZMA_FINISH : LZMA_RUN);
        s->end = BLOCK - s->x.avail_out;
        if (code == LZMA_STREAM_END) {
            s->over = s->end == 0;
            break;
        }
        if (code == LZMA_MEM_ERROR) return ofr_fail_nomem(err, BLOCK, "the xz decoder");
        if (code == LZMA_MEMLIMIT_ERROR)
            return ofr_fail(
                err, OFR_FORMAT,
                "%s: asks for %llu MiB to be unpacked, at most %zu are given; "
                "pack it again with xz -9 or less",
                s->path, (unsigned long long)(lzma_memusage(&s->x) >> 20),
                OFR_TEXT_STREAM_DECODER >> 20);
        if (code == LZMA_BUF_ERROR) return cut_off(s, "xz", err);
        if (code != LZMA_OK) return damaged(s, "xz", err);
    }
    s->p = s->out;
    return OFR_OK;
}

static ofr_status open_xz(ofr_text_stream *s, ofr_error *err)
{
    s->x.allocator = &x_allocator;
    s->x.next_in = s->in;
    s->x.avail_in = s->in_end;
    s->fill = fill_xz;
    if (lzma_stream_decoder(&s->x, OFR_TEXT_STREAM_DECODER, LZMA_CONCATENATED) != LZMA_OK)
        return ofr_fail_nomem(err, BLOCK, "the xz decoder");
    return OFR_OK;
}

/* ---- the stream ---------------------------------------------------------- */

/* What the first bytes say. */
static ofr_status recognise(ofr_text_stream *s, ofr_error *err)
{
    static const unsigned char gzip[2] = {0x1f, 0x8b};
    static const unsigned char xz[6] = {0xfd, '7', 'z', 'X', 'Z', 0};
    bool is_gzip, is_xz;
    while (s->in_end < sizeof xz && !s->in_over)
        OFR_TRY(read_more(s, err));
    is_gzip = s->in_end >= sizeof gzip && memcmp(s->in, gzip, sizeof gzip) == 0;
    is_xz = s->in_end >= sizeof xz && memcmp(s->in, xz, sizeof xz) == 0;
    if (!is_gzip && !is_xz) {
        s->fill = fill_plain;
        s->p = s->in;
        s->end = s->in_end;
        return OFR_OK;
    }
    s->out = ofr_mem_alloc(BLOCK);
    if (!s->out) return ofr_fail_nomem(err, BLOCK, "unpacking");
    return is_gzip ? open_gzip(s, err) : open_xz(s, err);
}

/* Takes fd. */
static ofr_status begin(ofr_text_stream **out, int fd, const char *path, ofr_error *err)
{
    ofr_status status;
    ofr_text_stream *s = ofr_mem_zalloc(sizeof *s);
    if (!s) {
        close(fd);
        return ofr_fail_nomem(err, sizeof *s, "reading lines");
    }
    s->path = ofr_file_input_name(path);
    s->fd = fd;
    s->in = ofr_mem_alloc(BLOCK);
    status = s->in ? recognise(s, err) : ofr_fail_nomem(err, BLOCK, "reading lines");
    if (status != OFR_OK) {
        ofr_text_stream_close(s);
        return status;
    }
    *out = s;
    return OFR_OK;
}

ofr_status ofr_text_stream_open(ofr_text_stream **out, const char *path, ofr_error *err)
{
    int fd;
    OFR_TRY(ofr_file_open_input(&fd, path, err));
    return begin(out, fd, path, err);
}

ofr_status ofr_text_stream_open_file(ofr_text_stream **out, const char *path,
                                     ofr_error *err)
{
    int fd;
    OFR_TRY(ofr_file_open(&fd, path, err));
    return begin(out, fd, path, err);
}

void ofr_text_stream_close(ofr_text_stream *s)
{
    if (!s) return;
    close(s->fd);
    (void)inflateEnd(&s->z); /* a zeroed one is refused, harmlessly */
    lzma_end(&s->x);
    ofr_mem_free(s->in);
    ofr_mem_free(s->out);
    ofr_mem_free(s);
}

ofr_status ofr_text_stream_next(ofr_text_stream *s, ofr_buf *line, bool *got,
                                ofr_error *err)
{
    size_t start = line->n;
    bool ended = false, any = false;
    while (!ended) {
        const unsigned char *from, *newline;
        size_t n;
        if (s->at == s->end && !s->over) OFR_TRY(s->fill(s, err));
        if (s->at == s->end) break;
        any = true;
        from = s->p + s->at;
        n = s->end - s->at;
        newline = memchr(from, '\n', n);
        ended = newline != NULL;
        if (ended) n = (size_t)(newline - from);
        if (line->n - start + n > OFR_TEXT_STREAM_LINE)
            return ofr_fail(
                err, OFR_FORMAT,
                "%s:%lld: the line is longer than %zu MiB, expected text with "
                "line ends; break it up",
                s->path, s->number + 1, OFR_TEXT_STREAM_LINE >> 20);
        ofr_buf_add(line, from, n);
        s->at += n + ended;
    }
    if (line->failed) return ofr_fail_nomem(err, line->n, "a line");
    *got = any;
    if (!any) return OFR_OK;
    if (line->n > start && line->p[line->n - 1] == '\r') line->p[--line->n] = 0;
    if (++s->number == 1) ofr_buf_skip_bom(line, start);
    return OFR_OK;
}

long long ofr_text_stream_lines(const ofr_text_stream *s)
{
    return s->number;
}
