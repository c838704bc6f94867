/* lines.c - reading line by line, a block at a time. */
#include "cli/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/os.h"
#include "io/text_stream.h"

#define BLOCK ((size_t)65536)

ofr_status ofr_lines_open(ofr_lines *lines, const char *path, ofr_error *err)
{
    ofr_lines l = {.path = ofr_file_input_name(path)};
    OFR_TRY(ofr_file_open_input(&l.fd, path, err));
    l.block = ofr_mem_alloc(BLOCK);
    if (!l.block) {
        close(l.fd);
        return ofr_fail_nomem(err, BLOCK, "reading lines");
    }
    *lines = l;
    return OFR_OK;
}

void ofr_lines_close(ofr_lines *lines)
{
    if (lines->block) close(lines->fd);
    ofr_mem_free(lines->block);
    memset(lines, 0, sizeof *lines);
}

/* What has arrived, so that a pipe is answered line by line. */
static ofr_status fill(ofr_lines *lines, ofr_error *err)
{
    ssize_t n = ofr_os_read(lines->fd, lines->block, BLOCK);
    if (n < 0) return ofr_os_fail(err, lines->path, "read", errno);
    lines->at = 0;
    lines->end = (size_t)n;
    lines->at_end = n == 0;
    return OFR_OK;
}

static void note_bad(ofr_lines *lines, const char *line, size_t n)
{
    if (n == 0 || ofr_utf8_valid(line, n, NULL)) return;
    if (lines->n_bad++ == 0) lines->first_bad = lines->number;
}

static void warn_of_bad(ofr_lines *lines)
{
    if (lines->n_bad == 0) return;
    ofr_log(OFR_LOG_WARN,
            "warning: %s:%lld: holds bytes that are not UTF-8, as %lld of %lld lines do; "
            "they were left out; save the file as UTF-8",
            lines->path, lines->first_bad, lines->n_bad, lines->number);
    lines->n_bad = 0;
}

ofr_status ofr_lines_next(ofr_lines *lines, ofr_buf *line, bool *got, ofr_error *err)
{
    size_t start = line->n;
    bool ended = false, any = false;
    while (!ended) {
        const char *from, *newline;
        size_t n;
        if (lines->at == lines->end) OFR_TRY(fill(lines, err));
        if (lines->at_end) break;
        any = true;
        from = lines->block + lines->at;
        n = lines->end - lines->at;
        newline = memchr(from, '\n', n);
        ended = newline != NULL;
        if (ended) n = (size_t)(newline - from);
        if (line->n - start + n > OFR_TEXT_STREAM_LINE)
            return ofr_fail(err, OFR_FORMAT,
                            "%s:%lld: the line is longer than %zu MiB, expected a text "
                            "per line; break it up",
                            lines->path, (long long)lines->number + 1,
                            OFR_TEXT_STREAM_LINE >> 20);
        ofr_buf_add(line, from, n);
        if (line->failed) return ofr_fail_nomem(err, line->n + n, "a line");
        lines->at += n + ended;
    }
    *got = any;
    if (!any) {
        warn_of_bad(lines);
        return OFR_OK;
    }
    if (line->n > start && line->p[line->n - 1] == '\r') line->p[--line->n] = 0;
    if (++lines->number == 1) ofr_buf_skip_bom(line, start);
    note_bad(lines, line->p + start, line->n - start);
    return OFR_OK;
}
