/* test_text_stream.c - the same lines from plain text, gzip and xz; damaged files. */
#include "support/support.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "io/text_stream.h"

/* The lines of `path`, each ended by '|', appended to `all`. */
static ofr_status read_lines(const char *path, ofr_buf *all, ofr_error *err)
{
    ofr_text_stream *s;
    ofr_buf line;
    bool got = true;
    ofr_status status;
    OFR_TRY(ofr_text_stream_open(&s, path, err));
    ofr_buf_init(&line);
    while ((status = ofr_text_stream_next(s, &line, &got, err)) == OFR_OK && got) {
        ofr_buf_add(all, line.p, line.n);
        ofr_buf_addc(all, '|');
        ofr_buf_clear(&line);
    }
    ofr_buf_free(&line);
    ofr_text_stream_close(s);
    return status;
}

static void check_lines(const char *path, const char *want)
{
    ofr_buf all;
    ofr_error err;
    ofr_buf_init(&all);
    assert_ok(read_lines(path, &all, &err), err);
    assert_int_equal(all.n, strlen(want));
    if (all.n && memcmp(all.p, want, all.n) != 0) fail_msg("%s: %s", path, all.p);
    ofr_buf_free(&all);
}

/* ---- packing ------------------------------------------------------------- */

static size_t gzip_bytes(unsigned char *out, size_t room, const void *p, size_t n)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)p;
    z.avail_in = (unsigned)n;
    z.next_out = out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return room - z.avail_out;
}

static size_t xz_bytes(unsigned char *out, size_t room, const void *p, size_t n)
{
    size_t used = 0;
    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, p, n, out, &used,
                                             room),
                     LZMA_OK);
    return used;
}

typedef size_t (*packer)(unsigned char *, size_t, const void *, size_t);
static const packer packers[] = {gzip_bytes, xz_bytes};

/* ---- tests --------------------------------------------------------------- */

static const char odd[] = "\xef\xbb\xbf"
                          "one\r\n\ntwo \xc3\xa9\rthree\n\xef\xbb\xbfx\nlast";
static const char odd_lines[] = "one||two \xc3\xa9\rthree|\xef\xbb\xbfx|last|";

static void test_plain(void **state)
{
    (void)state;
    check_lines(support_write("a", odd), odd_lines);
    check_lines(support_write("a", ""), "");
    check_lines(support_write("a", "\n"), "|");
    check_lines(support_write("a", "x"), "x|");
    check_lines(support_write("a", "\r\n\r"), "||");
    check_lines(support_write("a", "\x1f"), "\x1f|"); /* the beginning of gzip's mark */
    check_lines(support_write("a", "\xfd"
                                   "7z\n"), "\xfd"
                                            "7z|");
}

static void test_packed(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    for (size_t i = 0; i < 2; i++) {
        size_t n = packers[i](bytes, sizeof bytes, odd, sizeof odd - 1);
        check_lines(support_write_bytes("a", bytes, n), odd_lines);
        /* A second part continues the last line. */
        n += packers[i](bytes + n, sizeof bytes - n, "er\nend\n", 7);
        check_lines(support_write_bytes("a", bytes, n),
                    "one||two \xc3\xa9\rthree|\xef\xbb\xbfx|laster|end|");
        /* Zeros up to a multiple of four, as on tapes. */
        memset(bytes + n, 0, 8);
        check_lines(support_write_bytes("a", bytes, n + 8 - n % 4),
                    "one||two \xc3\xa9\rthree|\xef\xbb\xbfx|laster|end|");
        n = packers[i](bytes, sizeof bytes, "", 0);
        check_lines(support_write_bytes("a", bytes, n), "");
    }
}

/* Long enough for many blocks of 64 KiB, in lines of every length. */
static void test_blocks(void **state)
{
    (void)state;
    size_t n = 0, room = 1 << 20, n_want = 0;
    char *text = malloc(room), *want = malloc(room + 1);
    unsigned char *bytes = malloc(2 * room);
    assert_true(text && want && bytes);
    for (unsigned length = 0; n + length + 1 < room; length += 7) {
        for (unsigned i = 0; i < length; i++)
            want[n_want++] = text[n++] = (char)('a' + (i * i + length) % 25);
        text[n++] = '\n';
        want[n_want++] = '|';
    }
    want[n_want] = 0;
    check_lines(support_write_bytes("a", text, n), want);
    check_lines(support_write_bytes("a", bytes, gzip_bytes(bytes, 2 * room, text, n)),
                want);
    check_lines(support_write_bytes("a", bytes, xz_bytes(bytes, 2 * room, text, n)),
                want);
    free(text);
    free(want);
    free(bytes);
}

static void test_standard_input(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    size_t n = xz_bytes(bytes, sizeof bytes, odd, sizeof odd - 1);
    int saved = dup(STDIN_FILENO),
        file = open(support_write_bytes("a", bytes, n), O_RDONLY);
    assert_true(saved >= 0 && file >= 0);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    check_lines("-", odd_lines);
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO); /* was left open */
    close(saved);
    close(file);
}

/* Cut off anywhere, and each byte changed: an error or the right lines, no more. */
static void test_damage(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    ofr_error err;
    size_t live = ofr_mem_live();
    for (size_t i = 0; i < 2; i++) {
        size_t n = packers[i](bytes, sizeof bytes, odd, sizeof odd - 1);
        int n_found = 0;
        for (size_t cut = 6; cut < n; cut++) {
            ofr_buf all;
            ofr_buf_init(&all);
            assert_fails(read_lines(support_write_bytes("a", bytes, cut), &all, &err),
                         OFR_FORMAT, err, "too early");
            ofr_buf_free(&all);
        }
        for (size_t at = 0; at < n; at++) {
            ofr_buf all;
            ofr_status status;
            ofr_buf_init(&all);
            bytes[at] ^= 0x10;
            status = read_lines(support_write_bytes("a", bytes, n), &all, &err);
            bytes[at] ^= 0x10;
            assert_true(status == OFR_OK || status == OFR_FORMAT);
            n_found += status == OFR_FORMAT;
            ofr_buf_free(&all);
        }
        /* gzip does not protect its header (time, system), nor is a file without
         * the first bytes gzip at all. */
        assert_true(n_found >= (int)n - (i ? 6 : 12));
    }
    assert_int_equal(ofr_mem_live(), live);
}

static void test_refused(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    char *line;
    ofr_buf all;
    ofr_error err;
    size_t n = gzip_bytes(bytes, sizeof bytes, "x\n", 2);
    ofr_text_stream *s = (ofr_text_stream *)(void *)&err;
    ofr_buf_init(&all);
    memcpy(bytes + n, "junk", 4);
    assert_fails(read_lines(support_write_bytes("a", bytes, n + 4), &all, &err),
                 OFR_FORMAT, err, "behind the end of the gzip data");
    n = xz_bytes(bytes, sizeof bytes, "x\n", 2);
    memcpy(bytes + n, "some junk of 16.", 16); /* as long as xz's header and more */
    assert_fails(read_lines(support_write_bytes("a", bytes, n + 16), &all, &err),
                 OFR_FORMAT, err, "damaged");
    assert_fails(ofr_text_stream_open(&s, support_path("absent"), &err), OFR_NOT_FOUND,
                 err, "absent");
    assert_fails(ofr_text_stream_open(&s, support_folder(), &err), OFR_IO, err,
                 "directory");
    assert_int_equal(mkfifo(support_path("pipe"), 0600), 0);
    (void)alarm(60); /* ends a wait for somebody who writes */
    assert_fails(ofr_text_stream_open_file(&s, support_path("pipe"), &err), OFR_IO, err,
                 "pipe: is not a regular file");
    (void)alarm(0);
    assert_ptr_equal(s, &err); /* untouched */
    ofr_text_stream_close(NULL);

    n = OFR_TEXT_STREAM_LINE + 2;
    line = malloc(n);
    assert_non_null(line);
    memset(line, 'x', n);
    line[n - 1] = '\n'; /* the longest line there may be is one byte shorter */
    assert_fails(read_lines(support_write_bytes("a", line, n), &all, &err), OFR_FORMAT,
                 err, "a:1: the line is longer than 64 MiB");
    ofr_buf_clear(&all);
    assert_ok(read_lines(support_write_bytes("a", line + 1, n - 1), &all, &err), err);
    assert_int_equal(all.n, OFR_TEXT_STREAM_LINE + 1);
    free(line);
    ofr_buf_free(&all);
}

/* A dictionary of 1 GiB: more than is given. */
static void test_memory_limit(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    lzma_options_lzma options;
    lzma_filter filters[2] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_block block = {.version = 0, .check = LZMA_CHECK_CRC32, .filters = filters};
    lzma_stream_flags flags = {.version = 0, .check = LZMA_CHECK_CRC32};
    size_t n = LZMA_STREAM_HEADER_SIZE;
    ofr_buf all;
    ofr_error err;
    assert_false(lzma_lzma_preset(&options, 0));
    options.dict_size = (uint32_t)1 << 30;
    assert_int_equal(lzma_stream_header_encode(&flags, bytes), LZMA_OK);
    block.compressed_size = block.uncompressed_size = LZMA_VLI_UNKNOWN;
    assert_int_equal(lzma_block_header_size(&block), LZMA_OK);
    assert_int_equal(lzma_block_header_encode(&block, bytes + n), LZMA_OK);
    n += block.header_size;
    memset(bytes + n, 0, 64);
    ofr_buf_init(&all);
    assert_fails(read_lines(support_write_bytes("a", bytes, n + 64), &all, &err),
                 OFR_FORMAT, err, "at most 256");
    ofr_buf_free(&all);
}

static void test_memory(void **state)
{
    (void)state;
    unsigned char bytes[2000];
    ofr_error err;
    for (size_t i = 0; i < 3; i++) {
        size_t n = i < 2 ? packers[i](bytes, sizeof bytes, odd, sizeof odd - 1) : 0;
        const char *path = i < 2 ? support_write_bytes("a", bytes, n)
                                 : support_write("a", odd);
        size_t live = ofr_mem_live();
        ofr_status status = OFR_NOMEM;
        for (size_t fail = 1; status == OFR_NOMEM; fail++) {
            ofr_buf all;
            ofr_buf_init(&all);
            ofr_buf_add(&all, odd, 0);
            ofr_mem_fail_at(fail, true);
            status = read_lines(path, &all, &err);
            ofr_mem_fail_at(0, false);
            assert_true(status == OFR_OK || status == OFR_NOMEM);
            ofr_buf_free(&all);
            assert_int_equal(ofr_mem_live(), live);
            assert_true(fail < 100);
            if (status == OFR_OK) assert_true(fail > 2);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_packed),
        cmocka_unit_test(test_blocks),  cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_damage),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_memory),  cmocka_unit_test(test_memory_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
