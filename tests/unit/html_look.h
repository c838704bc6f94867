/*
 * html_look.h - looking at reports: the page as text, report.json as numbers.
 *
 * gnuplot is hidden from these tests (test_plot.c and the test of the verb draw).
 */
#ifndef OFR_TESTS_HTML_LOOK_H
#define OFR_TESTS_HTML_LOOK_H

#include "support/support.h"

#include "io/json.h"

static inline bool has(const char *text, const char *part)
{
    if (strstr(text, part)) return true;
    print_message("missing: %s\n", part);
    return false;
}

/* Every tag that opens is closed in order; no angle bracket stands alone. */
static inline void check_well_formed(const char *html)
{
    char open[64][24];
    int depth = 0;
    const char *p = html + strlen("<!DOCTYPE html>");
    assert_memory_equal(html, "<!DOCTYPE html>", 15);
    while ((p = strchr(p, '<'))) {
        const char *end = strchr(p, '>');
        const bool closing = p[1] == '/';
        const char *name = p + 1 + closing;
        const size_t n = strcspn(name, " \n/>");
        assert_non_null(end);
        assert_true(n > 0 && n < sizeof open[0]);
        if (closing) {
            assert_true(depth > 0);
            depth--;
            if (strlen(open[depth]) != n || strncmp(open[depth], name, n) != 0)
                fail_msg("</%.*s> closes <%s>", (int)n, name, open[depth]);
        } else if (end[-1] != '/') {
            assert_true(depth < 64);
            memcpy(open[depth], name, n);
            open[depth++][n] = '\0';
        }
        p = end + 1;
    }
    assert_int_equal(depth, 0);
}

static inline void check_offline(const char *html)
{
    static const char *const outside[] = {"http:", "https:",  "src=",  "@import",
                                          "url(",  "<script", "<link", "//"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (strstr(html, outside[i])) fail_msg("the page has '%s'", outside[i]);
}

static inline json_t *load(const char *path)
{
    json_t *json = NULL;
    ofr_error err;
    assert_ok(ofr_json_load(&json, path, &err), err);
    return json;
}

static inline const json_t *row(const json_t *report, const char *table, size_t i)
{
    const json_t *found = json_array_get(json_object_get(report, table), i);
    if (!found) fail_msg("report.json has no row %zu of %s", i, table);
    return found;
}

static inline double cell(const json_t *report, const char *table, size_t i,
                          const char *key)
{
    return json_number_value(json_object_get(row(report, table, i), key));
}

static inline int hide_gnuplot(void **state)
{
    (void)state;
    return setenv("PATH", support_folder(), 1);
}

#endif
