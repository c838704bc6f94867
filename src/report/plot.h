/*
 * plot.h - charts, drawn by gnuplot run as a process.
 *
 * A chart is data; plot.c turns it into a script, plot_run.c runs gnuplot, and
 * plot_svg.c makes of its SVG a piece of a page: colours become classes that the
 * page's style sheet defines for light and dark, and places that answer hovering
 * get a <title>.  No text of the data ever reaches an SVG script: the script has
 * numbers only, and names and hovering texts are added by the page, escaped.
 */
#ifndef OFR_REPORT_PLOT_H
#define OFR_REPORT_PLOT_H

#include <stdbool.h>

#include "base/str.h"

typedef enum ofr_plot_style {
    OFR_PLOT_LINE,
    OFR_PLOT_DASHED,
    OFR_PLOT_POINTS,
    OFR_PLOT_BARS
} ofr_plot_style;

enum {
    OFR_PLOT_COLOURS = 10, /* of series; a series has one of 0..9             */
    OFR_PLOT_NEUTRAL = 10, /* grey: full model, diagonals, floors             */
    OFR_PLOT_RAMP = 1000,  /* + 0..999: early to late, for layers             */
    OFR_PLOT_FILLED = 5,   /* shapes 0..4 are filled, 5..9 the same, hollow    */
    OFR_PLOT_PLUS = 10,    /* a shape of its own, and the next, a cross       */
    OFR_PLOT_SHAPES = 12,  /* of points                                       */
    OFR_PLOT_BANDS = 4     /* colours of bands                                */
};

typedef struct ofr_plot_series {
    const char *name; /* for the legend; any text                        */
    ofr_plot_style style;
    int colour;
    int shape;   /* of POINTS: 0..OFR_PLOT_SHAPES-1                 */
    bool dotted; /* LINE: dashes and dots, not solid                */
    int n;
    const double *x, *y;      /* [n]; NaN is a gap                               */
    const double *base;       /* [n] BARS: where the bar begins; NULL: 0         */
    const char *const *hover; /* [n] texts for its points; NULL: none           */
    struct ofr_plot_series *next;
} ofr_plot_series;

/* A shaded stretch of the x axis. */
typedef struct ofr_plot_band {
    double from, to;
    int colour;       /* 0..OFR_PLOT_BANDS-1                             */
    const char *name; /* for the legend, NULL: not there                 */
} ofr_plot_band;

typedef struct ofr_plot {
    const char *key; /* name in file names and ids: a-z, 0-9, '-'       */
    const char *title;
    const char *x_label, *y_label;     /* no quotes in them                         */
    double x_from, x_to, y_from, y_to; /* NaN: from the data                    */
    bool whole_x;            /* x counts something: whole tics only             */
    double bar_width;        /* of BARS and columns; 0: 0.8                     */
    ofr_plot_series *series; /* drawn in this order                             */
    /* columns of full height that answer hovering */
    int n_columns;
    const double *column_x;         /* [n_columns] */
    const char *const *column_text; /* [n_columns] */
    int n_bands;
    const ofr_plot_band *bands;
} ofr_plot;

typedef enum ofr_plot_kind { OFR_PLOT_SVG, OFR_PLOT_PNG, OFR_PLOT_PDF } ofr_plot_kind;

/* The script; ranges that are NaN are set in `plot`. */
void ofr_plot_script(ofr_buf *out, ofr_plot *plot, ofr_plot_kind kind);

/* What gnuplot writes for `script`.  OFR_NOT_FOUND: it is not installed, the line
 * names the package; OFR_IO with gnuplot's own words. */
ofr_status ofr_plot_run(ofr_buf *out, const ofr_buf *script, ofr_error *err);

/* gnuplot's SVG as an element for a page. */
void ofr_plot_svg(ofr_buf *out, const ofr_buf *svg, const ofr_plot *plot);

/* The legend as a list: a sample and the name of every series and band that has
 * one. */
void ofr_plot_legend(ofr_buf *out, const ofr_plot *plot);

/* The shapes that such elements refer to; once in a page, before them. */
void ofr_plot_svg_shapes(ofr_buf *out);

/* s as text of HTML and its attributes; control characters and what is not UTF-8
 * become U+FFFD, line ends and tabs a space. */
void ofr_html_text(ofr_buf *out, const char *s, size_t n);

/* Colours in scripts: numbers that plot_svg.c takes apart again. */
enum {
    OFR_PLOT_TAG_GRID = 0x000001,
    OFR_PLOT_TAG_AXIS = 0x000002,
    OFR_PLOT_TAG_SERIES = 0x000100, /* + colour */
    OFR_PLOT_TAG_BAND = 0x000200,   /* + colour */
    OFR_PLOT_TAG_RAMP = 0x001000,   /* + 0..999 */
    OFR_PLOT_TAG_COLUMN = 0x010000, /* + index of the column */
    OFR_PLOT_TAG_POINT = 0x100000   /* + number of the point, counted over series */
};

#endif
