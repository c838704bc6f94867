/*
 * term.h - talk on standard error: remarks, the progress bar, colour.
 *
 * Standard output carries data only.  One ofr_term belongs to main.c; verbs
 * reach it through their common options.
 */
#ifndef OFR_CLI_TERM_H
#define OFR_CLI_TERM_H

#include <stdbool.h>
#include <stdio.h>

#include "base/log.h"

typedef struct ofr_term {
    FILE *err;             /* standard error, or a test's file             */
    bool quiet;
    bool is_terminal;      /* of `err`                                     */
    bool color_err;
    bool utf8;             /* block characters may be used for the bar     */
    int width;             /* columns of `err`                             */
    double (*now)(void);   /* seconds; ofr_clock_seconds                   */
    /* The bar. */
    char label[64];        /* a new label begins a new bar                 */
    bool active, drawn;    /* a bar has begun; it stands on the last line  */
    double start, shown;   /* when the bar began; when it was last shown   */
    long long done, total;
    char postfix[160];
} ofr_term;

/* Colour and width from the streams and the environment (NO_COLOR, TERM). */
void ofr_term_init(ofr_term *term, bool quiet, bool no_color);

/* An ofr_log_sink; user is the ofr_term.  Warnings are shown even when quiet. */
void ofr_term_log(void *user, ofr_log_level level, const char *line);

/* Show that `done` of `total` steps (0: unknown) of `label` are done.  postfix:
 * "loss=0.412, dev=0.871", may be NULL.  In a terminal redrawn at most every
 * 100 ms, elsewhere one plain line every 10 s; the last step is always shown in
 * a terminal. */
void ofr_term_progress(ofr_term *term, const char *label, long long done,
                       long long total, const char *postfix);

/* Leave the bar as it stands and go to the next line. */
void ofr_term_progress_end(ofr_term *term);

/* One line in tqdm's layout, at most `width` columns, into out[n]:
 *   joint 2/5:  37%|###7      | 371/1002 [00:12<00:21, 30.1it/s, loss=0.412] */
void ofr_term_format(char *out, size_t n, const char *label, long long done,
                     long long total, double seconds, const char *postfix, int width,
                     bool utf8);

#endif
