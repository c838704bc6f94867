/*
 * tfevents.c - TFRecords of Event messages, written by hand.
 *
 * A record is its length (8 bytes), the masked CRC of those, the message, and the
 * masked CRC of that; numbers are little-endian.  Of the protocol buffers only what
 * a scalar needs is used:
 *   Event    1 wall_time double   2 step varint   3 file_version   5 summary
 *   Summary  1 value (repeated)
 *   Value    1 tag   2 simple_value float
 */
#include "train/tfevents.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "io/json.h"

/* ---- records -------------------------------------------------------------------- */

uint32_t ofr_tfevents_crc(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) /* 1edc6f41, bits reversed */
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* A CRC that may stand within data of which CRCs are taken: TFRecord's. */
static uint32_t masked(const void *bytes, size_t n)
{
    const uint32_t crc = ofr_tfevents_crc(bytes, n);

    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static void put_little(unsigned char *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

static ofr_status write_record(ofr_tfevents *events, const ofr_buf *message,
                               ofr_error *err)
{
    unsigned char head[12], tail[4];
    ofr_buf *record = &events->record;

    put_little(head, message->n, 8);
    put_little(head + 8, masked(head, 8), 4);
    put_little(tail, message->failed ? 0 : masked(message->p, message->n), 4);
    ofr_buf_clear(record);
    ofr_buf_add(record, head, sizeof head);
    ofr_buf_add(record, message->p, message->n);
    ofr_buf_add(record, tail, sizeof tail);
    if (message->failed || events->values.failed || record->failed)
        return ofr_fail_nomem(err, 4096, "TensorBoard events");
    return ofr_tail_add(&events->tail, record->p, record->n, err);
}

/* ---- messages --------------------------------------------------------------------- */

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

static void add_varint(ofr_buf *out, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        ofr_buf_addc(out, (char)((value & 127) | 128));
    ofr_buf_addc(out, (char)value);
}

static void add_key(ofr_buf *out, int field, int kind)
{
    ofr_buf_addc(out, (char)((field << 3) | kind));
}

static void add_bytes(ofr_buf *out, int field, const void *p, size_t n)
{
    add_key(out, field, LENGTH);
    add_varint(out, n);
    ofr_buf_add(out, p, n);
}

static void add_double(ofr_buf *out, int field, double value)
{
    uint64_t bits;
    unsigned char bytes[8];

    memcpy(&bits, &value, sizeof bits);
    put_little(bytes, bits, 8);
    add_key(out, field, EIGHT_BYTES);
    ofr_buf_add(out, bytes, 8);
}

/* A Value into events->values: its length is known before it is written. */
static void add_scalar(ofr_tfevents *events, const char *group, const char *key,
                       int index, double number)
{
    const float value = (float)number;
    uint32_t bits;
    unsigned char bytes[4];
    char tag[160];
    ofr_buf *out = &events->values;
    int n;

    if (index > 0)
        n = snprintf(tag, sizeof tag, "%.40s/%.60s/%d", group, key, index);
    else
        n = snprintf(tag, sizeof tag, "%.40s/%.60s", group, key);
    memcpy(&bits, &value, sizeof bits);
    put_little(bytes, bits, 4);
    add_key(out, 1, LENGTH);
    add_varint(out, (uint64_t)(2 + n + 5)); /* tags are shorter than 128 bytes */
    add_bytes(out, 1, tag, (size_t)n);
    add_key(out, 2, FOUR_BYTES);
    ofr_buf_add(out, bytes, 4);
}

static ofr_status write_event(ofr_tfevents *events, int64_t step, ofr_error *err)
{
    ofr_buf_clear(&events->event);
    add_double(&events->event, 1, ofr_clock_unix());
    add_key(&events->event, 2, VARINT);
    add_varint(&events->event, (uint64_t)step);
    add_bytes(&events->event, 5, events->values.p, events->values.n);
    return write_record(events, &events->event, err);
}

/* ---- lines of the journal --------------------------------------------------------- */

/* Where in the run a line belongs, not a figure of it. */
static bool is_position(const char *key)
{
    return strcmp(key, "step") == 0 || strcmp(key, "epoch") == 0 ||
           strcmp(key, "iteration") == 0;
}

static void add_field(ofr_tfevents *events, const char *group, const char *key,
                      const json_t *value)
{
    size_t i;
    json_t *element;

    if (json_is_number(value))
        add_scalar(events, group, key, 0, json_number_value(value));
    if (json_is_boolean(value)) add_scalar(events, group, key, 0, json_is_true(value));
    json_array_foreach(value, i, element) {
        if (json_is_number(element))
            add_scalar(events, group, key, (int)i + 1, json_number_value(element));
    }
}

ofr_status ofr_tfevents_line(ofr_tfevents *events, ofr_str line, ofr_error *err)
{
    const char *event, *phase, *key;
    json_t *json, *value;
    ofr_status status = OFR_OK;

    OFR_TRY(ofr_json_parse(&json, line.p, line.n, "journal.jsonl", err));
    event = json_string_value(json_object_get(json, "event"));
    phase = json_string_value(json_object_get(json, "phase"));
    ofr_buf_clear(&events->values);
    json_object_foreach(json, key, value) {
        if (event && !is_position(key))
            add_field(events, phase && strcmp(event, "step") == 0 ? phase : event, key,
                      value);
    }
    if (events->values.n)
        status = write_event(
            events, json_integer_value(json_object_get(json, "step")), err);
    json_decref(json);
    return status;
}

/* ---- open and close ------------------------------------------------------------ */

static ofr_status write_version(ofr_tfevents *events, ofr_error *err)
{
    static const char version[] = "brain.Event:2";

    add_double(&events->event, 1, ofr_clock_unix());
    add_bytes(&events->event, 3, version, sizeof version - 1);
    return write_record(events, &events->event, err);
}

static ofr_status replay(ofr_tfevents *events, const char *journal, ofr_error *err)
{
    ofr_buf text;
    ofr_status status;

    ofr_buf_init(&text);
    status = ofr_file_read(&text, journal, 0, err);
    for (size_t at = 0; !status && at < text.n;) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        const size_t n = end ? (size_t)(end - text.p) - at : text.n - at;

        status = ofr_tfevents_line(events, (ofr_str){text.p + at, n}, err);
        at += n + 1;
    }
    ofr_buf_free(&text);
    return status;
}

ofr_status ofr_tfevents_open(ofr_tfevents *events, const char *dir, const char *journal,
                             ofr_error *err)
{
    char path[OFR_PATH_MAX];
    ofr_status status;

    *events = (ofr_tfevents){.tail = {.open = false}};
    ofr_buf_init(&events->values);
    ofr_buf_init(&events->event);
    ofr_buf_init(&events->record);
    OFR_TRY(ofr_file_make_dirs(dir, err));
    OFR_TRY(ofr_file_join(path, dir, OFR_TFEVENTS_NAME, err));
    OFR_TRY(ofr_tail_open(&events->tail, path, 0, err));
    status = write_version(events, err);
    if (!status && journal) status = replay(events, journal, err);
    if (status) ofr_tfevents_close(events);
    return status;
}

void ofr_tfevents_close(ofr_tfevents *events)
{
    ofr_tail_close(&events->tail);
    ofr_buf_free(&events->values);
    ofr_buf_free(&events->event);
    ofr_buf_free(&events->record);
    *events = (ofr_tfevents){.tail = {.open = false}};
}
