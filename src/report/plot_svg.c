/*
 * plot_svg.c - gnuplot's SVG as an element of a page.
 *
 * gnuplot's output is regular: a group of attributes around every path, colours
 * as rgb(r, g, b).  Elements are copied with the attributes that draw; a colour
 * is a tag of ours (plot.h) and becomes a class; groups that turn out empty go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot.h"

enum { DEPTH = 32 };

typedef struct writer {
    ofr_buf *out;
    const ofr_plot *plot;
    const char *p, *end;
    size_t begun[DEPTH], filled[DEPTH]; /* of open groups: before and behind the tag */
    int depth;
    bool in_text;
} writer;

typedef struct attribute {
    ofr_str name, value;
} attribute;

void ofr_html_text(ofr_buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        const int len = ofr_utf8_length(s + i, n - i);
        const unsigned char c = (unsigned char)s[i];
        /* U+0080..U+009F are controls, too. */
        const bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
                             c == 0x7f ||
                             (len == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0);

        if (len == 0 || control)
            ofr_buf_adds(out, "\xef\xbf\xbd");
        else if (c < 0x20)
            ofr_buf_addc(out, ' ');
        else if (c == '&')
            ofr_buf_adds(out, "&amp;");
        else if (c == '<')
            ofr_buf_adds(out, "&lt;");
        else if (c == '>')
            ofr_buf_adds(out, "&gt;");
        else if (c == '"')
            ofr_buf_adds(out, "&quot;");
        else if (c == '\'')
            ofr_buf_adds(out, "&#39;");
        else
            ofr_buf_add(out, s + i, (size_t)len);
        i += len == 0 ? 1 : (size_t)len;
    }
}

/* ---- attributes ----------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next NAME = 'VALUE' between *p and end; false when there is none. */
static bool next_attribute(attribute *a, const char **p, const char *end)
{
    const char *s = *p;
    char quote;

    while (s < end && (is_space(*s) || *s == '/'))
        s++;
    a->name.p = s;
    while (s < end && *s != '=' && !is_space(*s))
        s++;
    a->name.n = (size_t)(s - a->name.p);
    while (s < end && (is_space(*s) || *s == '='))
        s++;
    if (s >= end || (*s != '"' && *s != '\'')) return false;
    quote = *s++;
    a->value.p = s;
    while (s < end && *s != quote)
        s++;
    if (s >= end) return false;
    a->value.n = (size_t)(s - a->value.p);
    *p = s + 1;
    return true;
}

/* The number in rgb(r, g, b); -1: something else. */
static int tag_of(ofr_str value)
{
    char text[40];
    int r, g, b;

    if (value.n >= sizeof text) return -1;
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    if (sscanf(text, "rgb(%d ,%d ,%d)", &r, &g, &b) != 3) return -1;
    return (r & 255) << 16 | (g & 255) << 8 | (b & 255);
}

/* The hovering text behind a tag, or NULL. */
static const char *hover_text(const ofr_plot *plot, int tag)
{
    int index = tag - OFR_PLOT_TAG_POINT;

    if (index < 0) {
        index = tag - OFR_PLOT_TAG_COLUMN;
        return index >= 0 && index < plot->n_columns ? plot->column_text[index] : NULL;
    }
    for (const ofr_plot_series *s = plot->series; s; s = s->next) {
        if (!s->hover) continue;
        if (index < s->n) return s->hover[index];
        index -= s->n;
    }
    return NULL;
}

/* A colour as a class: f fills, k strokes. */
static void add_class(ofr_buf *out, int tag, char kind)
{
    if (tag >= OFR_PLOT_TAG_POINT)
        ofr_buf_adds(out, " class=\"hit dot\"");
    else if (tag >= OFR_PLOT_TAG_COLUMN)
        ofr_buf_adds(out, " class=\"hit\"");
    else if (tag >= OFR_PLOT_TAG_RAMP)
        ofr_buf_addf(out, " class=\"%cr\" style=\"--hue:%.0f\"", kind,
                     220 + 0.12 * (tag - OFR_PLOT_TAG_RAMP));
    else if (tag >= OFR_PLOT_TAG_BAND)
        ofr_buf_addf(out, " class=\"band%d\"", tag - OFR_PLOT_TAG_BAND);
    else if (tag >= OFR_PLOT_TAG_SERIES)
        ofr_buf_addf(out, " class=\"%c%d\"", kind, tag - OFR_PLOT_TAG_SERIES);
    else
        ofr_buf_adds(out, tag == OFR_PLOT_TAG_GRID ? " class=\"grid\""
                          : kind == 'f'            ? " class=\"label\""
                                                   : " class=\"axis\"");
}

static bool is_any(ofr_str name, const char *const *names)
{
    for (; *names; names++)
        if (ofr_str_eq_c(name, *names)) return true;
    return false;
}

/* Copy what draws; *tag is the last colour of ours. */
static void add_attributes(writer *w, const char *p, const char *end, bool is_use,
                           int *tag)
{
    static const char *const kept[] = {
        "d",           "points", "transform", "stroke-width", "stroke-dasharray",
        "text-anchor", NULL};
    attribute a;

    while (next_attribute(&a, &p, end)) {
        const bool fill = ofr_str_eq_c(a.name, is_use ? "color" : "fill");

        if (is_any(a.name, kept)) {
            ofr_buf_addf(w->out, " %.*s=\"%.*s\"", (int)a.name.n, a.name.p,
                         (int)ofr_str_trim(a.value).n, ofr_str_trim(a.value).p);
        } else if (is_use && ofr_str_eq_c(a.name, "xlink:href") && a.value.n > 5) {
            ofr_buf_addf(w->out, " href=\"#p%.*s\"", (int)a.value.n - 5, a.value.p + 5);
        } else if (fill || ofr_str_eq_c(a.name, "stroke")) {
            const int found = tag_of(a.value);

            if (found < 0) continue;
            add_class(w->out, found, fill ? 'f' : 'k');
            *tag = found;
        }
    }
}

/* ---- elements ------------------------------------------------------------------- */

static void open_group(writer *w, const char *attributes, const char *end)
{
    int tag = -1;

    if (w->depth >= DEPTH) return;
    w->begun[w->depth] = w->out->n;
    ofr_buf_adds(w->out, "<g");
    add_attributes(w, attributes, end, false, &tag);
    ofr_buf_addc(w->out, '>');
    w->filled[w->depth++] = w->out->n;
}

static void close_group(writer *w)
{
    if (w->depth == 0) return;
    w->depth--;
    if (w->out->n > w->filled[w->depth]) {
        ofr_buf_adds(w->out, "</g>\n");
    } else if (!w->out->failed) {
        w->out->n = w->begun[w->depth];
        w->out->p[w->out->n] = '\0';
    }
}

static void add_shape(writer *w, ofr_str name, const char *attributes, const char *end)
{
    const bool is_use = ofr_str_eq_c(name, "use");
    const char *hover;
    int tag = -1;

    ofr_buf_addf(w->out, "<%.*s", (int)name.n, name.p);
    add_attributes(w, attributes, end, is_use, &tag);
    hover = hover_text(w->plot, tag);
    if (hover) {
        ofr_buf_adds(w->out, "><title>");
        ofr_html_text(w->out, hover, strlen(hover));
        ofr_buf_addf(w->out, "</title></%.*s>", (int)name.n, name.p);
    } else {
        ofr_buf_adds(w->out, "/>");
    }
}

/* Behind the end tag of an element that is left out. */
static void skip_element(writer *w, ofr_str name)
{
    char tail[32];
    const char *found;

    snprintf(tail, sizeof tail, "</%.*s>", (int)name.n, name.p);
    found = memmem(w->p, (size_t)(w->end - w->p), tail, strlen(tail));
    if (found) w->p = found + strlen(tail);
}

static void element(writer *w, ofr_str name, const char *attributes, const char *end)
{
    static const char *const shapes[] = {"path", "polygon", "use", NULL};
    static const char *const left_out[] = {"title", "desc", "defs", NULL};

    if (is_any(name, left_out)) {
        skip_element(w, name);
    } else if (ofr_str_eq_c(name, "g")) {
        open_group(w, attributes, end);
    } else if (ofr_str_eq_c(name, "/g")) {
        close_group(w);
    } else if (is_any(name, shapes)) {
        add_shape(w, name, attributes, end);
    } else if (ofr_str_eq_c(name, "text")) {
        ofr_buf_adds(w->out, "<text>");
        w->in_text = true;
    } else if (ofr_str_eq_c(name, "/text")) {
        ofr_buf_adds(w->out, "</text>");
        w->in_text = false;
    }
}

void ofr_plot_svg(ofr_buf *out, const ofr_buf *svg, const ofr_plot *plot)
{
    writer w = {.out = out, .plot = plot, .p = svg->p, .end = svg->p + svg->n};

    ofr_buf_adds(out, "<svg class=\"plot\" viewBox=\"0 0 440 280\" role=\"img\" "
                      "aria-label=\"");
    ofr_html_text(out, plot->title, strlen(plot->title));
    ofr_buf_adds(out, "\">\n");
    while (w.p < w.end) {
        const char *open = memchr(w.p, '<', (size_t)(w.end - w.p)), *close;
        ofr_str name;

        if (!open || !(close = memchr(open, '>', (size_t)(w.end - open)))) break;
        if (w.in_text) {
            const ofr_str label = ofr_str_trim((ofr_str){w.p, (size_t)(open - w.p)});
            ofr_buf_add(out, label.p, label.n);
        }
        name.p = open + 1;
        name.n = strcspn(name.p, " \t\n\r/>");
        if (name.n == 0) name.n = strcspn(name.p, " \t\n\r>"); /* an end tag */
        w.p = close + 1;
        element(&w, name, name.p + name.n, close);
    }
    while (w.depth)
        close_group(&w);
    ofr_buf_adds(out, "</svg>\n");
}

/* ---- legend --------------------------------------------------------------------- */

/* gnuplot's SVG numbers the shape of point type n as n - 1. */
static const int shape_ids[OFR_PLOT_SHAPES] = {6, 4, 8, 12, 10, 5, 3, 7, 11, 9, 0, 1};

static void add_sample(ofr_buf *out, const ofr_plot_series *s)
{
    ofr_buf_adds(out, "<svg width=\"20\" height=\"12\" aria-hidden=\"true\"><");
    switch (s->style) {
    case OFR_PLOT_BARS:
        ofr_buf_adds(out, "rect x=\"4\" width=\"12\" height=\"12\" rx=\"2\"");
        break;
    case OFR_PLOT_POINTS:
        ofr_buf_addf(out, "use href=\"#p%d\" transform=\"translate(10,6) scale(4)\"",
                     shape_ids[s->shape]);
        break;
    case OFR_PLOT_DASHED:
        ofr_buf_adds(out, "path d=\"M0,6 H20\" stroke-width=\"2\" "
                          "stroke-dasharray=\"5,3\"");
        break;
    case OFR_PLOT_LINE:
        ofr_buf_adds(out, "path d=\"M0,6 H20\" stroke-width=\"2.5\"");
        if (s->dotted) ofr_buf_adds(out, " stroke-dasharray=\"7,3,2,3\"");
        break;
    }
    const bool fills = s->style == OFR_PLOT_BARS || s->style == OFR_PLOT_POINTS;
    const int ramp = s->colour - OFR_PLOT_RAMP;
    add_class(out, ramp >= 0 ? OFR_PLOT_TAG_RAMP + ramp : OFR_PLOT_TAG_SERIES + s->colour,
              fills ? 'f' : 'k');
    ofr_buf_adds(out, "/></svg>");
}

void ofr_plot_legend(ofr_buf *out, const ofr_plot *plot)
{
    unsigned bands = 0;

    ofr_buf_adds(out, "<ul class=\"legend\">");
    for (const ofr_plot_series *s = plot->series; s; s = s->next) {
        if (!s->name) continue;
        ofr_buf_adds(out, "<li>");
        add_sample(out, s);
        ofr_html_text(out, s->name, strlen(s->name));
        ofr_buf_adds(out, "</li>");
    }
    for (int i = 0; i < plot->n_bands; i++) {
        const ofr_plot_band *b = &plot->bands[i];

        if (!b->name || bands >> b->colour & 1) continue;
        bands |= 1u << b->colour;
        ofr_buf_addf(out,
                     "<li><svg width=\"20\" height=\"12\" aria-hidden=\"true\"><rect "
                     "x=\"2\" width=\"16\" height=\"12\" rx=\"2\" class=\"band%d\"/>"
                     "</svg>",
                     b->colour);
        ofr_html_text(out, b->name, strlen(b->name));
        ofr_buf_adds(out, "</li>");
    }
    ofr_buf_adds(out, "</ul>\n");
}

void ofr_plot_svg_shapes(ofr_buf *out)
{
    /* Within a unit around the point, numbered as gnuplot numbers them; what is hollow
     * has an inner outline that runs the other way. */
    ofr_buf_adds(
        out, "<svg class=\"shapes\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
             "<circle id=\"p6\" r=\"1\"/>"
             "<rect id=\"p4\" x=\"-0.9\" y=\"-0.9\" width=\"1.8\" height=\"1.8\"/>"
             "<path id=\"p8\" d=\"M0,-1.25 L-1.15,0.75 L1.15,0.75 z\"/>"
             "<path id=\"p12\" d=\"M0,-1.3 L1.3,0 L0,1.3 L-1.3,0 z\"/>"
             "<path id=\"p10\" d=\"M0,1.25 L-1.15,-0.75 L1.15,-0.75 z\"/>"
             "<path id=\"p5\" d=\"M-1,0 a1,1 0 1,1 2,0 a1,1 0 1,1 -2,0 z "
             "M-0.5,0 a0.5,0.5 0 1,0 1,0 a0.5,0.5 0 1,0 -1,0 z\"/>"
             "<path id=\"p3\" d=\"M-0.9,-0.9 H0.9 V0.9 H-0.9 z "
             "M-0.45,-0.45 V0.45 H0.45 V-0.45 z\"/>"
             "<path id=\"p7\" d=\"M0,-1.25 L-1.15,0.75 L1.15,0.75 z "
             "M0,-0.58 L0.58,0.42 L-0.58,0.42 z\"/>"
             "<path id=\"p11\" d=\"M0,-1.3 L1.3,0 L0,1.3 L-1.3,0 z "
             "M0,-0.65 L-0.65,0 L0,0.65 L0.65,0 z\"/>"
             "<path id=\"p9\" d=\"M0,1.25 L-1.15,-0.75 L1.15,-0.75 z "
             "M0,0.58 L0.58,-0.42 L-0.58,-0.42 z\"/>"
             "<path id=\"p0\" d=\"M-0.3,-1.3 H0.3 V-0.3 H1.3 V0.3 H0.3 V1.3 H-0.3 V0.3 "
             "H-1.3 V-0.3 H-0.3 z\"/>"
             "<path id=\"p1\" transform=\"rotate(45)\" d=\"M-0.3,-1.3 H0.3 V-0.3 H1.3 "
             "V0.3 H0.3 V1.3 H-0.3 V0.3 H-1.3 V-0.3 H-0.3 z\"/>"
             "</defs></svg>\n");
}
