/* str.c - slices, numbers in text, UTF-8 checks, edit distance, growable buffer. */
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/mem.h"

ofr_str ofr_str_of(const char *s)
{
    return (ofr_str){s != NULL ? s : "", s != NULL ? strlen(s) : 0};
}

bool ofr_str_eq(ofr_str a, ofr_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool ofr_str_eq_c(ofr_str a, const char *b)
{
    return ofr_str_eq(a, ofr_str_of(b));
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

ofr_str ofr_str_trim(ofr_str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

#define NUMBER_MAX 512 /* longest text of a number that is read */

/* Copy a slice that may be a number into out; false if it can not be one.
 * Inner NULs, leading spaces and words such as "inf" are refused here. */
static bool number_text(char out[NUMBER_MAX], ofr_str s)
{
    if (s.n == 0 || s.n >= NUMBER_MAX) return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' ||
                  c == 'e' || c == 'E';
        if (!ok) return false;
        out[i] = c;
    }
    out[s.n] = '\0';
    return true;
}

bool ofr_str_to_int(ofr_str s, long long *out)
{
    char text[NUMBER_MAX], *end;
    if (!number_text(text, s)) return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') return false;
    *out = value;
    return true;
}

bool ofr_str_to_double(ofr_str s, double *out)
{
    char text[NUMBER_MAX], *end;
    if (!number_text(text, s)) return false;
    ofr_c_locale locale;
    ofr_c_locale_enter(&locale);
    double value = strtod(text, &end);
    ofr_c_locale_leave(&locale);
    if (end == text || *end != '\0' || !isfinite(value)) return false;
    *out = value;
    return true;
}

#define DISTANCE_MAX 64 /* longer names are compared by length only */

int ofr_str_distance(const char *a, const char *b)
{
    int n_a = (int)strnlen(a, 1 << 20), n_b = (int)strnlen(b, 1 << 20);
    if (n_a > DISTANCE_MAX || n_b > DISTANCE_MAX)
        return strcmp(a, b) == 0 ? 0 : (n_a > n_b ? n_a : n_b);
    int rows[3][DISTANCE_MAX + 1]; /* the last three rows of the usual table */
    for (int j = 0; j <= n_b; j++)
        rows[0][j] = j;
    for (int i = 1; i <= n_a; i++) {
        int *now = rows[i % 3];
        const int *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= n_b; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            bool swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swap && above2[j - 2] + 1 < best) best = above2[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[n_a % 3][n_b];
}

int ofr_utf8_length(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    if (n == 0) return 0;
    if (u[0] < 0x80) return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4) return 0;
    int len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (n < (size_t)len) return 0;
    /* The second byte excludes overlong forms, surrogates and > U+10FFFF. */
    unsigned low = 0x80, high = 0xbf;
    if (u[0] == 0xe0) low = 0xa0;
    if (u[0] == 0xed) high = 0x9f;
    if (u[0] == 0xf0) low = 0x90;
    if (u[0] == 0xf4) high = 0x8f;
    if (u[1] < low || u[1] > high) return 0;
    for (int i = 2; i < len; i++)
        if ((u[i] & 0xc0) != 0x80) return 0;
    return len;
}

bool ofr_utf8_valid(const char *s, size_t n, size_t *bad_at)
{
    size_t i = 0;
    while (i < n) {
        int len = ofr_utf8_length(s + i, n - i);
        if (len == 0) {
            if (bad_at != NULL) *bad_at = i;
            return false;
        }
        i += (size_t)len;
    }
    return true;
}

void ofr_buf_init(ofr_buf *buf)
{
    *buf = (ofr_buf){0};
}

void ofr_buf_free(ofr_buf *buf)
{
    ofr_mem_free(buf->p);
    *buf = (ofr_buf){0};
}

void ofr_buf_clear(ofr_buf *buf)
{
    buf->n = 0;
    buf->failed = false;
    if (buf->p != NULL) buf->p[0] = '\0';
}

/* Room for n more bytes and a NUL; false (and failed) when there is none. */
static bool reserve(ofr_buf *buf, size_t n)
{
    if (buf->failed) return false;
    if (n < buf->cap - buf->n && buf->p != NULL) return true;
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap <= SIZE_MAX / 4 && cap - buf->n <= n)
        cap *= 2;
    char *p = cap - buf->n > n ? ofr_mem_resize(buf->p, buf->n, cap) : NULL;
    if (p == NULL) {
        buf->failed = true;
        return false;
    }
    p[buf->n] = '\0';
    buf->p = p;
    buf->cap = cap;
    return true;
}

void ofr_buf_add(ofr_buf *buf, const void *p, size_t n)
{
    if (!reserve(buf, n)) return;
    if (n > 0) memcpy(buf->p + buf->n, p, n);
    buf->n += n;
    buf->p[buf->n] = '\0';
}

void ofr_buf_adds(ofr_buf *buf, const char *s)
{
    ofr_buf_add(buf, s, strlen(s));
}

void ofr_buf_addc(ofr_buf *buf, char c)
{
    ofr_buf_add(buf, &c, 1);
}

/* At the end, room or not: how many bytes there are or would be. */
static int format(ofr_buf *buf, size_t room, const char *fmt, va_list args)
{
    ofr_c_locale locale;
    ofr_c_locale_enter(&locale);
    int n = vsnprintf(room > 0 ? buf->p + buf->n : NULL, room, fmt, args);
    ofr_c_locale_leave(&locale);
    return n;
}

void ofr_buf_addf(ofr_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = format(buf, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        buf->failed = true;
        return;
    }
    if (!reserve(buf, (size_t)n)) return;
    va_start(args, fmt);
    format(buf, (size_t)n + 1, fmt, args);
    va_end(args);
    buf->n += (size_t)n;
}

void ofr_buf_add_double(ofr_buf *buf, double x)
{
    if (isnan(x) || isinf(x)) {
        ofr_buf_adds(buf, isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
        return;
    }
    /* 15 digits are the shortest for every normal number they reproduce, since
     * %g drops trailing zeros; subnormal ones may need fewer. */
    char text[40];
    int digits = fabs(x) < 1e-300 ? 1 : 15;
    ofr_c_locale locale;
    ofr_c_locale_enter(&locale);
    do {
        snprintf(text, sizeof(text), "%.*g", digits, x);
    } while (digits++ < 17 && strtod(text, NULL) != x);
    ofr_c_locale_leave(&locale);
    ofr_buf_adds(buf, text);
}

void ofr_buf_add_json(ofr_buf *buf, const char *s, size_t n)
{
    static const char letters[] = "btn\1fr"; /* 8..13; 11 has no short form */
    ofr_buf_addc(buf, '"');
    for (size_t i = 0; i < n;) {
        int len = ofr_utf8_length(s + i, n - i);
        unsigned char c = (unsigned char)s[i];
        if (len == 0)
            ofr_buf_adds(buf, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            ofr_buf_addf(buf, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
            ofr_buf_addf(buf, "\\%c", letters[c - 8]);
        else if (c < 0x20)
            ofr_buf_addf(buf, "\\u%04x", c);
        else
            ofr_buf_add(buf, s + i, (size_t)len);
        i += len == 0 ? 1 : (size_t)len;
    }
    ofr_buf_addc(buf, '"');
}

void ofr_buf_add_word(ofr_buf *buf, const char *word)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-./,:=+@%";

    if (*word && strspn(word, harmless) == strlen(word)) {
        ofr_buf_adds(buf, word);
        return;
    }
    ofr_buf_addc(buf, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            ofr_buf_adds(buf, "'\\''");
        else
            ofr_buf_addc(buf, *word);
    }
    ofr_buf_addc(buf, '\'');
}

void ofr_buf_skip_bom(ofr_buf *buf, size_t start)
{
    const size_t n = buf->n - start;
    if (n < 3 || memcmp(buf->p + start, "\xef\xbb\xbf", 3) != 0) return;
    memmove(buf->p + start, buf->p + start + 3, n - 3);
    buf->n -= 3;
    buf->p[buf->n] = 0;
}
