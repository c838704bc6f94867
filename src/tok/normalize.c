/* normalize.c - character classes and normalisation on utf8proc. */
#include "tok/normalize.h"

#include <utf8proc.h>

int32_t ofr_utf8_next(const char *s, size_t n, size_t *used)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t len;
    len = utf8proc_iterate((const utf8proc_uint8_t *)s,
                           n < 4 ? (utf8proc_ssize_t)n : 4, &c);
    if (len <= 0) {
        *used = 1;
        return -1;
    }
    *used = (size_t)len;
    return c;
}

int ofr_utf8_put(char *out, int32_t c)
{
    return (int)utf8proc_encode_char(c, (utf8proc_uint8_t *)out);
}

bool ofr_char_is_space(int32_t c)
{
    utf8proc_category_t k;
    if (c < 128) return c == ' ' || c == '\t' || c == '\n' || c == '\r';
    k = utf8proc_category(c);
    return k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL ||
           k == UTF8PROC_CATEGORY_ZP;
}

bool ofr_char_is_dropped(int32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r') return false;
    if (c == 0xfffd) return true;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO: return true;
    default: return false;
    }
}

bool ofr_char_is_punctuation(int32_t c)
{
    if (c < 128)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
               (c >= 123 && c <= 126);
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return true;
    default: return false;
    }
}

bool ofr_char_is_chinese(int32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
           (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b820 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

int ofr_char_combining(int32_t c)
{
    return c < 0x300 ? 0 : utf8proc_get_property(c)->combining_class;
}

static bool is_mark(const ofr_normalize *how, int32_t c)
{
    utf8proc_category_t k;
    if (c < 0x300) return false;
    k = utf8proc_category(c);
    return k == UTF8PROC_CATEGORY_MN ||
           (how->compat && (k == UTF8PROC_CATEGORY_MC || k == UTF8PROC_CATEGORY_ME));
}

/* Decomposition of one character, accents dropped when asked for. */
static int decompose(const ofr_normalize *how, int32_t c, int32_t *out, int room)
{
    utf8proc_int32_t parts[OFR_NORMALIZE_MAX];
    int boundary = 0, n = 0;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE;
    utf8proc_ssize_t n_parts;
    if (c < 128 || (!how->strip && !how->compat)) {
        out[0] = c;
        return 1;
    }
    if (how->compat) options |= UTF8PROC_COMPAT;
    n_parts = utf8proc_decompose_char(c, parts, OFR_NORMALIZE_MAX, options, &boundary);
    if (n_parts < 0 || n_parts > OFR_NORMALIZE_MAX) {
        out[0] = c;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < n_parts && n < room; i++)
        if (!how->strip || !is_mark(how, parts[i])) out[n++] = parts[i];
    return n;
}

int ofr_normalize_char(const ofr_normalize *how, int32_t c,
                       int32_t out[OFR_NORMALIZE_MAX])
{
    int n;
    bool dotted = false;
    if (how->lower && !how->compat) {
        dotted = c == 0x130; /* its lower case is i and a dot above */
        c = utf8proc_tolower(c);
    }
    n = decompose(how, c, out, OFR_NORMALIZE_MAX);
    if (dotted && !how->strip) out[n++] = 0x307;
    if (how->lower && how->compat)
        for (int i = 0; i < n; i++)
            out[i] = utf8proc_tolower(out[i]);
    return n;
}

bool ofr_marks_add(ofr_marks *marks, int32_t c, int combining)
{
    int i = marks->n;
    if (i == OFR_MARKS_MAX) return false;
    for (; i > 0 && marks->classes[i - 1] > combining; i--) {
        marks->chars[i] = marks->chars[i - 1];
        marks->classes[i] = marks->classes[i - 1];
    }
    marks->chars[i] = c;
    marks->classes[i] = (uint8_t)combining;
    marks->n++;
    return true;
}
