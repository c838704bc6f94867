/* html_records.c - reads JSON lines and sorts them by kind. */
#include "report/html_records.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "io/text_stream.h"

/* Larger than any evaluation that we know of. */
#define OBJECT_MAX_BYTES ((size_t)64 << 20)

static const char *const kinds[OFR_RECORD_KINDS] = {"run", "point", "curve", "oracle",
                                                    "compare"};

/* Without these a line means nothing; NULL at the end. */
static const char *const texts[OFR_RECORD_KINDS][3] = {{"method", "status"},
                                                       {"method", "rule"},
                                                       {"method", "rule"},
                                                       {"method", "rule"},
                                                       {"method"}};
static const char *const numbers[OFR_RECORD_KINDS][3] = {
    {NULL}, {"score", "saved_layers"}, {NULL}, {"saved_layers"}, {NULL}};

double ofr_record_number(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

double ofr_record_item(const json_t *line, const char *key, size_t i)
{
    const json_t *value = json_array_get(json_object_get(line, key), i);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *ofr_record_text(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));

    return text ? text : "";
}

size_t ofr_records_count(const ofr_records *records, ofr_record_kind kind)
{
    return json_array_size(records->lines[kind]);
}

const json_t *ofr_records_line(const ofr_records *records, ofr_record_kind kind, size_t i)
{
    return json_array_get(records->lines[kind], i);
}

ofr_status ofr_record_load(json_t **out, const char *path, ofr_error *err)
{
    ofr_status status;
    ofr_buf bytes;

    ofr_buf_init(&bytes);
    status = strcmp(path, "-") == 0
                 ? ofr_file_read_input(&bytes, path, OBJECT_MAX_BYTES, err)
                 : ofr_file_read(&bytes, path, OBJECT_MAX_BYTES, err);
    if (!status)
        status = ofr_json_parse(out, bytes.p ? bytes.p : "", bytes.n,
                                ofr_file_input_name(path), err);
    ofr_buf_free(&bytes);
    return status;
}

static ofr_status check(const json_t *line, int kind, const char *name, ofr_error *err)
{
    for (int i = 0; i < 3 && texts[kind][i]; i++)
        if (!json_is_string(json_object_get(line, texts[kind][i])))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: a \"%s\" line without the text \"%s\"; restore the file",
                            name, kinds[kind], texts[kind][i]);
    for (int i = 0; i < 3 && numbers[kind][i]; i++)
        if (!json_is_number(json_object_get(line, numbers[kind][i])))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: a \"%s\" line without the number \"%s\"; restore the "
                            "file",
                            name, kinds[kind], numbers[kind][i]);
    return OFR_OK;
}

/* Takes over `line`. */
static ofr_status add_line(ofr_records *records, json_t *line, const char *name,
                           ofr_error *err)
{
    const char *kind = ofr_record_text(line, "kind");
    ofr_status status = OFR_OK;
    int k = 0;

    if (!json_is_object(line) || !kind[0]) {
        json_decref(line);
        return ofr_fail(err, OFR_FORMAT,
                        "%s: no object with a \"kind\"; expected a line "
                        "of records.jsonl",
                        name);
    }
    while (k < OFR_RECORD_KINDS && strcmp(kind, kinds[k]) != 0)
        k++;
    if (k < OFR_RECORD_KINDS) status = check(line, k, name, err);
    if (status || k == OFR_RECORD_KINDS) {
        json_decref(line);
        return status;
    }
    if (json_array_append_new(records->lines[k], line))
        return ofr_fail_nomem(err, 256, "records");
    return OFR_OK;
}

static ofr_status read_lines(ofr_records *records, ofr_text_stream *stream,
                             const char *path, ofr_error *err)
{
    char name[OFR_PATH_MAX + 24];
    ofr_status status = OFR_OK;
    bool got = true;
    ofr_buf line;

    ofr_buf_init(&line);
    while (!status) {
        json_t *json = NULL;

        ofr_buf_clear(&line);
        status = ofr_text_stream_next(stream, &line, &got, err);
        if (status || !got) break;
        if (line.failed) {
            status = ofr_fail_nomem(err, line.n, path);
        } else if (ofr_str_trim((ofr_str){line.p, line.n}).n) {
            snprintf(name, sizeof name, "%s:%lld", path, ofr_text_stream_lines(stream));
            status = ofr_json_parse_line(&json, line.p, line.n, name, err);
            if (!status) status = add_line(records, json, name, err);
        }
    }
    ofr_buf_free(&line);
    return status;
}

ofr_status ofr_records_open(ofr_records *records, const char *path, ofr_error *err)
{
    ofr_text_stream *stream = NULL;
    ofr_status status = OFR_OK;

    *records = (ofr_records){0};
    for (int k = 0; k < OFR_RECORD_KINDS; k++)
        if (!(records->lines[k] = json_array()))
            status = ofr_fail_nomem(err, 256, "records");
    if (!status) status = ofr_text_stream_open_file(&stream, path, err);
    if (!status) status = read_lines(records, stream, path, err);
    ofr_text_stream_close(stream);
    if (status) ofr_records_close(records);
    return status;
}

void ofr_records_close(ofr_records *records)
{
    for (int k = 0; k < OFR_RECORD_KINDS; k++)
        json_decref(records->lines[k]);
    *records = (ofr_records){0};
}
