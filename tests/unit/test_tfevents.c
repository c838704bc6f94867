/*
 * TensorBoard event files: CRCs against published vectors, a whole record against
 * bytes put together by hand, and the file of a journal, decoded here, before and
 * after the journal is cut.
 */
#include "support/support.h"

#include <math.h>

#include "base/file.h"
#include "train/journal.h"
#include "train/tfevents.h"

/* RFC 3720, B.4. */
static void test_crc(void **state)
{
    unsigned char bytes[32];

    (void)state;
    assert_int_equal(ofr_tfevents_crc("123456789", 9), 0xe3069283u);
    assert_int_equal(ofr_tfevents_crc("", 0), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(ofr_tfevents_crc(bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(ofr_tfevents_crc(bytes, 32), 0x62a8ab43u);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(ofr_tfevents_crc(bytes, 32), 0x46dd794eu);
}

/* ---- a reader ------------------------------------------------------------------ */

typedef struct reader {
    const unsigned char *p, *end;
} reader;

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t value = 0;

    for (int i = 0; i < n; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static void check_crc(const unsigned char *p, size_t n, const unsigned char *stored)
{
    const uint32_t crc = ofr_tfevents_crc(p, n);

    assert_int_equal((uint32_t)little(stored, 4),
                     (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u));
}

/* The message of the next record; false at the end of the file. */
static bool next_record(reader *file, reader *message)
{
    if (file->p == file->end) return false;
    assert_true(file->end - file->p >= 16);
    const size_t n = (size_t)little(file->p, 8);

    check_crc(file->p, 8, file->p + 8);
    assert_true((size_t)(file->end - file->p) >= n + 16);
    *message = (reader){file->p + 12, file->p + 12 + n};
    check_crc(message->p, n, message->end);
    file->p = message->end + 4;
    return true;
}

static uint64_t varint(reader *m)
{
    uint64_t value = 0;

    for (int shift = 0;; shift += 7) {
        assert_true(m->p < m->end && shift < 64);
        value |= (uint64_t)(*m->p & 127) << shift;
        if (*m->p++ < 128) return value;
    }
}

/* The next field: its number, and its bytes or its number. */
static int next_field(reader *m, reader *bytes, uint64_t *value)
{
    const uint64_t key = varint(m);
    size_t n = (key & 7) == 1 ? 8 : 4;

    if ((key & 7) == 0) {
        *value = varint(m);
        return (int)(key >> 3);
    }
    if ((key & 7) == 2) n = (size_t)varint(m);
    assert_true((size_t)(m->end - m->p) >= n);
    *bytes = (reader){m->p, m->p + n};
    if ((key & 7) != 2) *value = little(m->p, (int)n);
    m->p += n;
    return (int)(key >> 3);
}

static void add_value(ofr_buf *out, uint64_t step, reader value)
{
    reader bytes = {NULL, NULL}, tag = {NULL, NULL};
    uint64_t bits = 0;
    uint32_t low;
    float number;

    while (value.p < value.end)
        if (next_field(&value, &bytes, &bits) == 1) tag = bytes;
    low = (uint32_t)bits;
    memcpy(&number, &low, sizeof number);
    ofr_buf_addf(out, "%d %.*s %g\n", (int)step, (int)(tag.end - tag.p),
                 (const char *)tag.p, (double)number);
}

/* "STEP TAG VALUE" lines of a file. */
static void decode(ofr_buf *out, const char *path)
{
    ofr_buf bytes;
    ofr_error err;
    reader file, m, field = {NULL, NULL};
    int n = 0;

    ofr_buf_init(&bytes);
    assert_ok(ofr_file_read(&bytes, path, 0, &err), err);
    file.p = (const unsigned char *)bytes.p;
    file.end = file.p + bytes.n;
    for (; next_record(&file, &m); n++) {
        uint64_t value = 0, step = 0;

        while (m.p < m.end) {
            const int number = next_field(&m, &field, &value);

            if (number == 1) { /* after 2020, before 2200 */
                double time;
                memcpy(&time, &value, sizeof time);
                assert_true(time > 1577836800 && time < 7258118400);
            }
            if (number == 2) step = value;
            if (number == 3) {
                assert_int_equal(n, 0);
                assert_int_equal(field.end - field.p, 13);
                assert_memory_equal(field.p, "brain.Event:2", 13);
            }
            while (number == 5 && field.p < field.end) {
                reader scalar = {NULL, NULL};

                assert_int_equal(next_field(&field, &scalar, &value), 1);
                add_value(out, step, scalar);
            }
        }
    }
    ofr_buf_free(&bytes);
}

static void check_file(const char *path, const char *want)
{
    ofr_buf got;

    ofr_buf_init(&got);
    decode(&got, path);
    assert_string_equal(got.n ? got.p : "", want);
    ofr_buf_free(&got);
}

/* ---- tests --------------------------------------------------------------------- */

/* {"event":"step","phase":"p","step":300,"a":0.5}: the message byte for byte. */
static void test_bytes(void **state)
{
    static const unsigned char want[] = {
        0x10, 0xac, 0x02,             /* step 300          */
        0x2a, 12,                     /* summary           */
        0x0a, 10,                     /* a value           */
        0x0a, 3, 'p', '/', 'a',       /* its tag           */
        0x15, 0x00, 0x00, 0x00, 0x3f, /* 0.5               */
    };
    const ofr_str line = OFR_STR("{\"event\":\"step\",\"phase\":\"p\","
                                 "\"step\":300,\"a\":0.5}\n");
    ofr_tfevents events;
    ofr_error err;
    ofr_buf bytes;
    char path[OFR_PATH_MAX];

    (void)state;
    assert_ok(ofr_tfevents_open(&events, support_path("bytes/deep"), NULL, &err), err);
    memcpy(path, events.tail.path, sizeof path);
    assert_ok(ofr_tfevents_line(&events, line, &err), err);
    ofr_tfevents_close(&events);
    ofr_buf_init(&bytes);
    assert_ok(ofr_file_read(&bytes, path, 0, &err), err);
    /* version: 12 + 9 + 2 + 13 + 4; then 12 + 9 of the clock */
    assert_int_equal(bytes.n, 40 + 12 + 9 + sizeof want + 4);
    assert_int_equal(bytes.p[40], 9 + sizeof want);
    assert_memory_equal(bytes.p + 40 + 12 + 9, want, sizeof want);
    ofr_buf_free(&bytes);
}

static void step(ofr_journal *journal, int number, double loss)
{
    ofr_error err;

    ofr_journal_begin(journal, "step");
    ofr_journal_text(journal, "phase", "joint");
    ofr_journal_int(journal, "iteration", 0);
    ofr_journal_int(journal, "epoch", 1);
    ofr_journal_int(journal, "step", number);
    ofr_journal_real(journal, "loss", loss);
    assert_ok(ofr_journal_end(journal, &err), err);
}

static void look(ofr_journal *journal, int number)
{
    static const int exits[] = {3, 0, 7};
    static const double accuracy[] = {0.25, (double)NAN, 1};
    ofr_error err;

    ofr_journal_begin(journal, "evaluation");
    ofr_journal_text(journal, "phase", "joint");
    ofr_journal_int(journal, "step", number);
    ofr_journal_text(journal, "metric", "accuracy");
    ofr_journal_flag(journal, "converged", true);
    ofr_journal_real(journal, "score", (double)NAN);
    ofr_journal_ints(journal, "exit_histogram", exits, 3);
    ofr_journal_reals(journal, "layer_accuracy", accuracy, 3);
    assert_ok(ofr_journal_end(journal, &err), err);
}

#define FIRST                                                                          \
    "1 joint/loss 0.5\n"                                                               \
    "2 evaluation/converged 1\n2 evaluation/exit_histogram/1 3\n"                      \
    "2 evaluation/exit_histogram/2 0\n2 evaluation/exit_histogram/3 7\n"               \
    "2 evaluation/layer_accuracy/1 0.25\n2 evaluation/layer_accuracy/3 1\n"

/* Every number once, also when the journal was cut in between. */
static void test_journal(void **state)
{
    ofr_journal journal;
    ofr_tfevents events;
    ofr_error err;
    long long keep;
    char path[OFR_PATH_MAX], dir[OFR_PATH_MAX], file[OFR_PATH_MAX];

    (void)state;
    snprintf(path, sizeof path, "%s", support_path("run.jsonl"));
    snprintf(dir, sizeof dir, "%s", support_path("board"));
    assert_ok(ofr_journal_open(&journal, path, 0, &err), err);
    assert_ok(ofr_tfevents_open(&events, dir, path, &err), err);
    memcpy(file, events.tail.path, sizeof file);
    journal.events = &events;
    step(&journal, 1, 0.5);
    look(&journal, 2);
    keep = journal.bytes;
    step(&journal, 3, -1e9);
    check_file(file, FIRST "3 joint/loss -1e+09\n");
    ofr_journal_close(&journal);
    ofr_tfevents_close(&events);

    assert_ok(ofr_journal_open(&journal, path, keep, &err), err);
    assert_ok(ofr_tfevents_open(&events, dir, path, &err), err);
    journal.events = &events;
    check_file(file, FIRST);
    step(&journal, 3, 2);
    step(&journal, 70000, 4);
    check_file(file, FIRST "3 joint/loss 2\n70000 joint/loss 4\n");
    ofr_journal_close(&journal);
    ofr_tfevents_close(&events);
}

static void test_errors(void **state)
{
    ofr_tfevents events;
    ofr_error err;
    char path[OFR_PATH_MAX];

    (void)state;
    snprintf(path, sizeof path, "%s", support_write("plain.txt", "not JSON\n"));
    assert_fails(ofr_tfevents_open(&events, path, NULL, &err), OFR_IO, err, "plain.txt");
    assert_fails(ofr_tfevents_open(&events, support_path("x"), path, &err), OFR_FORMAT,
                 err, "journal.jsonl");
    ofr_tfevents_close(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
