/*
 * str.h - slices and a growable buffer of bytes.
 *
 * A slice borrows: pointer and length, no NUL promised.  A buffer owns its
 * bytes and keeps a NUL behind them; when memory runs out it sets `failed`,
 * ignores further additions, and the caller checks once at the end.
 */
#ifndef OFR_BASE_STR_H
#define OFR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct ofr_str {
    const char *p;
    size_t n;
} ofr_str;

#define OFR_STR(literal) ((ofr_str){"" literal, sizeof(literal) - 1})

ofr_str ofr_str_of(const char *s); /* NULL gives the empty slice */
bool ofr_str_eq(ofr_str a, ofr_str b);
bool ofr_str_eq_c(ofr_str a, const char *b);
ofr_str ofr_str_trim(ofr_str s); /* ASCII white space at both ends */

/* Whole slice as a number, C locale, no trailing junk; false otherwise. */
bool ofr_str_to_int(ofr_str s, long long *out);
bool ofr_str_to_double(ofr_str s, double *out);

/* Edit distance (insert, delete, replace, swap of neighbours), for
 * "did you mean". */
int ofr_str_distance(const char *a, const char *b);

/* Length of the valid UTF-8 sequence at s (1..4), 0 if it is not valid. */
int ofr_utf8_length(const char *s, size_t n);
bool ofr_utf8_valid(const char *s, size_t n, size_t *bad_at);

typedef struct ofr_buf {
    char *p;
    size_t n, cap;
    bool failed;
} ofr_buf;

void ofr_buf_init(ofr_buf *buf);
void ofr_buf_free(ofr_buf *buf);
void ofr_buf_clear(ofr_buf *buf); /* keeps the memory */
void ofr_buf_add(ofr_buf *buf, const void *p, size_t n);
void ofr_buf_adds(ofr_buf *buf, const char *s);
void ofr_buf_addc(ofr_buf *buf, char c);
void ofr_buf_addf(ofr_buf *buf, const char *fmt, ...) OFR_PRINTF(2, 3);
/* Shortest decimal that reads back as the same double ("0.1", "1e-05"). */
void ofr_buf_add_double(ofr_buf *buf, double x);
/* s as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void ofr_buf_add_json(ofr_buf *buf, const char *s, size_t n);
/* Without the byte order mark that its bytes from `start` on may begin with. */
void ofr_buf_skip_bom(ofr_buf *buf, size_t start);
/* As one word of a shell: quoted where a character needs it. */
void ofr_buf_add_word(ofr_buf *buf, const char *word);

#endif
