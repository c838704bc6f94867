/* command.c - values of an option table as words of a shell. */
#include "cli/command.h"

#include <string.h>

/* The default as ofr_opt_format() would write it. */
static bool is_default(const ofr_opt *row, const char *text)
{
    double x, y;

    if (row->kind == OFR_OPT_REAL && ofr_str_to_double(ofr_str_of(text), &x)) {
        if (!row->value) return x != x;
        return ofr_str_to_double(ofr_str_of(row->value), &y) && x == y;
    }
    if (row->value) return strcmp(row->value, text) == 0;
    if (row->kind == OFR_OPT_FLAG) return strcmp(text, "false") == 0;
    if (row->kind == OFR_OPT_TEXT) return !*text;
    return strcmp(text, row->kind == OFR_OPT_REAL ? "nan" : "0") == 0;
}

bool ofr_command_is_default(const ofr_opt *row, const void *values)
{
    bool is;
    ofr_buf text;

    ofr_buf_init(&text);
    ofr_opt_format(row, values, &text);
    is = is_default(row, text.p ? text.p : "");
    ofr_buf_free(&text);
    return is;
}

static bool is_in(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

void ofr_command_options(ofr_buf *out, const ofr_opt *table, const void *values,
                         const char *const *without)
{
    ofr_buf text;

    ofr_buf_init(&text);
    for (const ofr_opt *row = table; row->name; row++) {
        if (is_in(without, row->name)) continue;
        ofr_buf_clear(&text);
        ofr_opt_format(row, values, &text);
        if (text.failed) break;
        const char *p = text.p ? text.p : "";
        if (is_default(row, p)) continue;
        if (row->kind == OFR_OPT_FLAG) {
            ofr_buf_addf(out, " --%s%s", strcmp(p, "true") == 0 ? "" : "no-", row->name);
            continue;
        }
        ofr_buf_addf(out, " --%s ", row->name);
        ofr_buf_add_word(out, p);
    }
    out->failed = out->failed || text.failed;
    ofr_buf_free(&text);
}
