/*
 * fuzz_svg.c - what gnuplot wrote, made a piece of a page.
 *
 * Whatever it was, the piece is one element: it begins and ends as one, its groups
 * are closed, and the hovering texts are escaped.
 */
#include "fuzz.h"

#include <string.h>

#include "report/plot.h"

/* How often `word` stands in `text`. */
static int count(const ofr_buf *text, const char *word)
{
    const char *p = text->p, *end = text->p + text->n;
    int n = 0;
    while ((p = memmem(p, (size_t)(end - p), word, strlen(word))) != NULL) {
        n++;
        p++;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const double x[] = {1, 2};
    static const char *const hover[] = {"<first>", "second & last"};
    static ofr_plot_series line = {.name = "<name>", .n = 2, .x = x, .y = x};
    static ofr_plot_series points = {.name = "points", .style = OFR_PLOT_POINTS, .n = 2,
                                     .x = x, .y = x, .hover = hover, .next = &line};
    const ofr_plot plot = {.key = "key", .title = "<title>", .x_label = "x",
                           .y_label = "y", .series = &points, .n_columns = 2,
                           .column_x = x, .column_text = hover};
    ofr_buf svg, page;
    ofr_buf_init(&svg);
    ofr_buf_init(&page);
    ofr_buf_add(&svg, (const char *)data, size);
    ofr_plot_svg(&page, &svg, &plot);
    OFR_FUZZ_CHECK(!page.failed && page.n > 12);
    OFR_FUZZ_CHECK(memcmp(page.p, "<svg ", 5) == 0);
    OFR_FUZZ_CHECK(memcmp(page.p + page.n - 7, "</svg>\n", 7) == 0);
    OFR_FUZZ_CHECK(count(&page, "</svg>") == 1 && count(&page, "<first>") == 0);
    ofr_buf_free(&svg);
    ofr_buf_free(&page);
    return 0;
}
