/*
 * fuzz_stream.c - lines of plain text, gzip and xz; plain text has the same lines
 * for both readers.
 */
#include "fuzz.h"

#include <string.h>

#include "cli/lines.h"
#include "io/text_stream.h"

static void compare(const char *path)
{
    ofr_text_stream *stream;
    ofr_lines lines;
    ofr_buf a, b;
    ofr_error err;
    bool more = true, also = true;
    OFR_FUZZ_CHECK(ofr_text_stream_open(&stream, path, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_lines_open(&lines, path, &err) == OFR_OK);
    ofr_buf_init(&a);
    ofr_buf_init(&b);
    while (more && also) {
        ofr_buf_clear(&a);
        ofr_buf_clear(&b);
        OFR_FUZZ_CHECK(ofr_text_stream_next(stream, &a, &more, &err) == OFR_OK);
        OFR_FUZZ_CHECK(ofr_lines_next(&lines, &b, &also, &err) == OFR_OK);
        OFR_FUZZ_CHECK(more == also && a.n == b.n);
        OFR_FUZZ_CHECK(a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
    }
    ofr_buf_free(&a);
    ofr_buf_free(&b);
    ofr_lines_close(&lines);
    ofr_text_stream_close(stream);
}

/* Are the first bytes those of gzip or xz? */
static bool is_packed(const uint8_t *data, size_t size)
{
    return (size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0) ||
           (size >= 6 && memcmp(data, "\xfd" "7zXZ\0", 6) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = ofr_fuzz_file("in.txt", data, size);
    ofr_text_stream *stream;
    ofr_buf line;
    ofr_error err;
    bool got = true;
    ofr_status status = ofr_text_stream_open(&stream, path, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, "in.txt");
        return 0;
    }
    ofr_buf_init(&line);
    while (got && status == OFR_OK) {
        ofr_buf_clear(&line);
        status = ofr_text_stream_next(stream, &line, &got, &err);
        OFR_FUZZ_CHECK(status != OFR_OK || !line.n || !memchr(line.p, '\n', line.n));
    }
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "in.txt");
    ofr_buf_free(&line);
    ofr_text_stream_close(stream);
    if (!is_packed(data, size)) {
        OFR_FUZZ_CHECK(status == OFR_OK);
        compare(path);
    }
    return 0;
}
