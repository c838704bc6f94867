/*
 * jsonline.h - writing JSON objects, key by key, into a buffer.
 *
 * A comma is added where the buffer does not end in an opening bracket.  Reals
 * are the shortest that read back the same; one that is not finite is null.
 */
#ifndef OFR_REPORT_JSONLINE_H
#define OFR_REPORT_JSONLINE_H

#include <stdint.h>

#include "base/str.h"

void ofr_jsonline_key(ofr_buf *out, const char *key);
void ofr_jsonline_text(ofr_buf *out, const char *key, const char *s); /* NULL: null */
void ofr_jsonline_int(ofr_buf *out, const char *key, long long x);
void ofr_jsonline_u64(ofr_buf *out, const char *key, uint64_t x);
void ofr_jsonline_real(ofr_buf *out, const char *key, double x);
void ofr_jsonline_bool(ofr_buf *out, const char *key, bool x);
void ofr_jsonline_reals(ofr_buf *out, const char *key, const double *x, int n);
void ofr_jsonline_ints(ofr_buf *out, const char *key, const int *x, int n);
void ofr_jsonline_texts(ofr_buf *out, const char *key, char *const *x, int n);

/* Begin and end an object inside; key NULL begins an object of its own, such as
 * a line or an element of an array. */
void ofr_jsonline_open(ofr_buf *out, const char *key);
void ofr_jsonline_close(ofr_buf *out);
/* End the object that is the line, and the line. */
void ofr_jsonline_end(ofr_buf *out);

#endif
