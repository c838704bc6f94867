/* plot.c - a chart as a gnuplot script. */
#include "report/plot.h"

#include <math.h>

/* gnuplot's point types of the shapes: disc, square, triangle, diamond, triangle on
 * its tip; the same hollow; plus and cross. */
static const int point_types[OFR_PLOT_SHAPES] = {7, 5, 9, 13, 11, 6, 4, 8, 12, 10, 1, 2};

/* On white paper, told apart by people who see colours differently. */
static const char *const paper[OFR_PLOT_NEUTRAL + 1] = {
    "#2458c5", "#c2570c", "#0f7a55", "#b0246b", "#6b3fc9", "#0b7285",
    "#8a6d00", "#a8201a", "#4d7c0f", "#5b4636", "#6b7280"};

/* ---- ranges --------------------------------------------------------------------- */

static void widen(double *from, double *to, double x)
{
    if (!isfinite(x)) return;
    if (!(*from <= x)) *from = x; /* also while *from is NaN */
    if (!(*to >= x)) *to = x;
}

/* What the axis lacks, from the data, with a little room. */
static void set_range(double *from, double *to, double low, double high, double room)
{
    if (isnan(low)) low = 0, high = 1;
    if (!(high > low)) {
        const double half = low == 0 ? 0.5 : fabs(low) * 0.05;
        low -= half;
        high += half;
        room = 0;
    }
    const double margin = room * (high - low);
    if (isnan(*from)) *from = low - margin;
    if (isnan(*to)) *to = high + margin;
    if (!(*to > *from)) *to = *from + 1;
}

static void set_ranges(ofr_plot *plot)
{
    double x0 = NAN, x1 = NAN, y0 = NAN, y1 = NAN;
    bool bars = plot->n_columns > 0;

    for (const ofr_plot_series *s = plot->series; s; s = s->next)
        for (int i = 0; i < s->n; i++) {
            widen(&x0, &x1, s->x[i]);
            if (isfinite(s->x[i])) widen(&y0, &y1, s->y[i]);
            if (s->style != OFR_PLOT_BARS) continue;
            bars = true;
            widen(&y0, &y1, s->base ? s->base[i] : 0);
        }
    if (bars && isfinite(x0)) {
        x0 -= 0.5;
        x1 += 0.5;
    }
    set_range(&plot->x_from, &plot->x_to, x0, x1, bars ? 0 : 0.04);
    set_range(&plot->y_from, &plot->y_to, y0, y1, 0.06);
}

/* ---- script --------------------------------------------------------------------- */

static void add_number(ofr_buf *out, double x)
{
    if (isfinite(x))
        ofr_buf_add_double(out, x);
    else
        ofr_buf_adds(out, "NaN");
}

/* A text in gnuplot's single quotes, where nothing but the quote is special. */
static void add_quoted(ofr_buf *out, const char *s)
{
    ofr_buf_addc(out, '\'');
    for (; *s; s++)
        if (*s == '\'')
            ofr_buf_adds(out, "''");
        else
            ofr_buf_addc(out, (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s);
    ofr_buf_addc(out, '\'');
}

static void add_colour(ofr_buf *out, int colour, ofr_plot_kind kind)
{
    const int ramp = colour - OFR_PLOT_RAMP;

    if (kind == OFR_PLOT_SVG)
        ofr_buf_addf(out, "\"#%06x\"",
                     (unsigned)(ramp >= 0 ? OFR_PLOT_TAG_RAMP + ramp
                                          : OFR_PLOT_TAG_SERIES + colour));
    else if (ramp >= 0) /* the hues of the page's ramp */
        ofr_buf_addf(out, "hsv2rgb(%.3f, 0.75, 0.75)", (220 + 0.12 * ramp) / 360);
    else
        ofr_buf_addf(out, "\"%s\"", paper[colour]);
}

static void add_terminal(ofr_buf *out, ofr_plot_kind kind)
{
    static const char *const terminals[] = {
        "svg size 440,280 dynamic font 'sans-serif,12'",
        "pngcairo size 1320,840 font 'sans-serif,24' linewidth 2 pointscale 2",
        "pdfcairo size 4.4in,2.8in font 'sans-serif,10' linewidth 1.5 pointscale 0.6"};

    ofr_buf_addf(out, "set encoding utf8\nset terminal %s\n", terminals[kind]);
    if (kind == OFR_PLOT_SVG)
        ofr_buf_addf(out,
                     "set key off\nset grid ytics lt 1 lw 1 lc rgb \"#%06x\"\n"
                     "set border 1 lw 1 lc rgb \"#%06x\"\n",
                     OFR_PLOT_TAG_GRID, OFR_PLOT_TAG_AXIS);
    else
        ofr_buf_addf(out,
                     "set key outside bottom center horizontal reverse Left noenhanced "
                     "samplen 2 font ',%d' width -3\nset xlabel offset 0,0.4\n"
                     "set grid ytics lt 1 lw 0.5 lc rgb \"#d4d4d8\"\n"
                     "set border 1 lc rgb \"#52525b\"\n",
                     kind == OFR_PLOT_PNG ? 19 : 8);
    ofr_buf_adds(out, "set tics nomirror scale 0\nset style fill solid 1 noborder\n"
                      "set rmargin 2\nset tmargin 0.7\n");
}

static void add_axes(ofr_buf *out, const ofr_plot *plot, ofr_plot_kind kind)
{
    const char *colour = kind == OFR_PLOT_SVG ? "#000002" : "#27272a";

    ofr_buf_adds(out, "set xlabel ");
    add_quoted(out, plot->x_label);
    ofr_buf_addf(out, " noenhanced tc rgb \"%s\"\nset ylabel ", colour);
    add_quoted(out, plot->y_label);
    ofr_buf_addf(out, " noenhanced tc rgb \"%s\"\nset tics tc rgb \"%s\"\n", colour,
                 colour);
    if (plot->whole_x) {
        const double span = plot->x_to - plot->x_from;
        ofr_buf_addf(out, "set xtics %d\n", span <= 13 ? 1 : (int)ceil(span / 8));
    }
    ofr_buf_adds(out, "set xrange [");
    add_number(out, plot->x_from);
    ofr_buf_addc(out, ':');
    add_number(out, plot->x_to);
    ofr_buf_adds(out, "]\nset yrange [");
    add_number(out, plot->y_from);
    ofr_buf_addc(out, ':');
    add_number(out, plot->y_to);
    ofr_buf_adds(out, "]\n");
}

static void add_bands(ofr_buf *out, const ofr_plot *plot, ofr_plot_kind kind)
{
    for (int i = 0; i < plot->n_bands; i++) {
        const ofr_plot_band *b = &plot->bands[i];

        ofr_buf_adds(out, "set object rectangle from ");
        add_number(out, fmax(b->from, plot->x_from));
        ofr_buf_adds(out, ", graph 0 to ");
        add_number(out, fmin(b->to, plot->x_to));
        ofr_buf_adds(out, ", graph 1 behind fs solid noborder fc rgb ");
        if (kind == OFR_PLOT_SVG)
            ofr_buf_addf(out, "\"#%06x\"\n", (unsigned)(OFR_PLOT_TAG_BAND + b->colour));
        else
            ofr_buf_addf(out, "\"%s\"\n", b->colour % 2 ? "#eef2ff" : "#f4f4f5");
    }
}

/* The numbers of series s: x, y, base, tag of the point. */
static void add_data(ofr_buf *out, const ofr_plot_series *s, int index, int *point)
{
    ofr_buf_addf(out, "$s%d << EOD\n", index);
    for (int i = 0; i < s->n; i++) {
        add_number(out, s->x[i]);
        ofr_buf_addc(out, ' ');
        add_number(out, s->y[i]);
        ofr_buf_addc(out, ' ');
        add_number(out, s->base ? s->base[i] : 0);
        ofr_buf_addf(out, " %d\n", OFR_PLOT_TAG_POINT + *point);
        *point += s->hover != NULL;
    }
    ofr_buf_adds(out, "EOD\n");
}

static void add_columns_data(ofr_buf *out, const ofr_plot *plot)
{
    ofr_buf_adds(out, "$columns << EOD\n");
    for (int i = 0; i < plot->n_columns; i++) {
        add_number(out, plot->column_x[i]);
        ofr_buf_addf(out, " %d\n", OFR_PLOT_TAG_COLUMN + i);
    }
    ofr_buf_adds(out, "EOD\n");
}

static void add_title(ofr_buf *out, const ofr_plot_series *s, ofr_plot_kind kind)
{
    if (kind == OFR_PLOT_SVG || !s->name) {
        ofr_buf_adds(out, " notitle");
        return;
    }
    ofr_buf_adds(out, " title ");
    add_quoted(out, s->name);
}

static void add_series(ofr_buf *out, const ofr_plot_series *s, int index, double half,
                       ofr_plot_kind kind)
{
    ofr_buf_addf(out, "$s%d using ", index);
    switch (s->style) {
    case OFR_PLOT_BARS:
        ofr_buf_addf(out, "1:2:($1-%g):($1+%g):3:2 with boxxyerror", half, half);
        break;
    case OFR_PLOT_POINTS:
        ofr_buf_addf(out, "1:2 with points pt %d ps %s", point_types[s->shape],
                     s->shape < OFR_PLOT_PLUS ? "0.7" : "1.1");
        break;
    case OFR_PLOT_DASHED:
        ofr_buf_adds(out, "1:2 with lines lw 1.5 dt (5,4)");
        break;
    case OFR_PLOT_LINE:
        ofr_buf_addf(out, "1:2 with lines lw 2%s", s->dotted ? " dt (9,3,2,3)" : "");
        break;
    }
    ofr_buf_adds(out, " lc rgb ");
    add_colour(out, s->colour, kind);
    add_title(out, s, kind);
}

static void add_plot(ofr_buf *out, const ofr_plot *plot, ofr_plot_kind kind)
{
    const double half = (plot->bar_width > 0 ? plot->bar_width : 0.8) / 2;
    const bool hits = kind == OFR_PLOT_SVG;
    const char *between = "plot ";
    int index = 0;

    for (const ofr_plot_series *s = plot->series; s; s = s->next, index++) {
        ofr_buf_adds(out, between);
        add_series(out, s, index, half, kind);
        between = ", \\\n  ";
    }
    if (hits && plot->n_columns) {
        const double reach = plot->bar_width > 0 ? plot->bar_width / 2 : 0.5;

        ofr_buf_adds(out, between);
        ofr_buf_addf(out, "$columns using 1:(0):($1-%g):($1+%g):(", reach, reach);
        add_number(out, plot->y_from);
        ofr_buf_adds(out, "):(");
        add_number(out, plot->y_to);
        ofr_buf_adds(out, "):2 with boxxyerror lc rgb variable notitle");
    }
    index = 0;
    for (const ofr_plot_series *s = plot->series; s && hits; s = s->next, index++)
        if (s->hover)
            ofr_buf_addf(out,
                         ", \\\n  $s%d using 1:2:4 with points pt 7 ps 1.6 lc rgb "
                         "variable notitle",
                         index);
    ofr_buf_addc(out, '\n');
}

void ofr_plot_script(ofr_buf *out, ofr_plot *plot, ofr_plot_kind kind)
{
    int index = 0, point = 0;

    set_ranges(plot);
    add_terminal(out, kind);
    add_axes(out, plot, kind);
    add_bands(out, plot, kind);
    for (const ofr_plot_series *s = plot->series; s; s = s->next)
        add_data(out, s, index++, &point);
    add_columns_data(out, plot);
    add_plot(out, plot, kind);
}
