/*
 * html_records.h - the lines that `offramp sweep` and `compare` wrote, by kind.
 */
#ifndef OFR_REPORT_HTML_RECORDS_H
#define OFR_REPORT_HTML_RECORDS_H

#include "io/json.h"

typedef enum ofr_record_kind {
    OFR_RECORD_RUN,
    OFR_RECORD_POINT,
    OFR_RECORD_CURVE,
    OFR_RECORD_ORACLE,
    OFR_RECORD_COMPARE,
    OFR_RECORD_KINDS
} ofr_record_kind;

typedef struct ofr_records {
    json_t *lines[OFR_RECORD_KINDS]; /* arrays of objects, in the file's order */
} ofr_records;

/* Lines of other kinds are left out.  OFR_NOT_FOUND; OFR_FORMAT names file, line
 * and key.  Caller closes. */
ofr_status ofr_records_open(ofr_records *records, const char *path, ofr_error *err);
void ofr_records_close(ofr_records *records);

/* Of a file, an object that offramp wrote: its seed may be beyond the integers that
 * JSON is read with, and is a text then.  Caller releases. */
ofr_status ofr_record_load(json_t **out, const char *path, ofr_error *err);

/* Line i of a kind; how many there are. */
const json_t *ofr_records_line(const ofr_records *records, ofr_record_kind kind,
                               size_t i);
size_t ofr_records_count(const ofr_records *records, ofr_record_kind kind);

/* NaN, "": absent or of another type.  item: of an array.  A number may be a text. */
double ofr_record_number(const json_t *line, const char *key);
double ofr_record_item(const json_t *line, const char *key, size_t i);
const char *ofr_record_text(const json_t *line, const char *key);

#endif
