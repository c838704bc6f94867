/* status.c - status texts, error lines and the assertion that stops the program. */
#include "base/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"

const char *ofr_status_text(ofr_status status)
{
    static const char *const texts[] = {
#define OFR_STATUS_TEXT(name, text) text,
        OFR_STATUS_LIST(OFR_STATUS_TEXT)
#undef OFR_STATUS_TEXT
    };
    unsigned i = (unsigned)status;
    return i < OFR_STATUS_COUNT ? texts[i] : "unknown status";
}

/* Those of two bytes are U+0080 to U+009F. */
void ofr_make_one_line(char *text)
{
    for (char *p = text; *p != '\0'; p++) {
        unsigned char first = (unsigned char)p[0], second = (unsigned char)p[1];
        bool two = first == 0xc2 && second >= 0x80 && second <= 0x9f;
        if (first < 0x20 || first == 0x7f || two) *p = '?';
        if (two) memmove(p + 1, p + 2, strlen(p + 2) + 1);
    }
}

/* A text that was cut off must not end inside a UTF-8 sequence. */
static void trim_utf8(char *text, size_t n)
{
    size_t i = n;
    while (i > 0 && n - i < 3 && ((unsigned char)text[i - 1] & 0xc0) == 0x80)
        i--;
    if (i == 0) return;
    unsigned char lead = (unsigned char)text[i - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (want > n - i + 1) text[i - 1] = '\0';
}

ofr_status ofr_fail(ofr_error *err, ofr_status status, const char *fmt, ...)
{
    if (err == NULL) return status;
    char line[sizeof(err->text)]; /* an argument may point into err->text */
    ofr_c_locale locale;
    va_list args;
    va_start(args, fmt);
    ofr_c_locale_enter(&locale);
    int n = vsnprintf(line, sizeof(line), fmt, args);
    ofr_c_locale_leave(&locale);
    va_end(args);
    if (n < 0) line[0] = '\0';
    if (n >= (int)sizeof(line)) trim_utf8(line, sizeof(line) - 1);
    ofr_make_one_line(line);
    err->status = status;
    memcpy(err->text, line, sizeof(line));
    return status;
}

ofr_status ofr_fail_nomem(ofr_error *err, size_t bytes, const char *what)
{
    return ofr_fail(err, OFR_NOMEM, "out of memory (asked for %zu bytes for %s)", bytes,
                    what);
}

ofr_status ofr_fail_prefix(ofr_error *err, ofr_status status, const char *prefix)
{
    if (err == NULL) return status;
    return ofr_fail(err, status, "%s: %s", prefix, err->text);
}

#ifndef NDEBUG
void ofr_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
    abort();
}
#endif
