/*
 * html.h - a report: one page for people, two files for programs.
 *
 * The page works offline: styles and charts are inside, nothing is fetched.
 * Every number in it comes from the files named in the sources, stands in a
 * table of the page, and is in report.json and report.csv as well.
 */
#ifndef OFR_REPORT_HTML_H
#define OFR_REPORT_HTML_H

#include <stdbool.h>

#include "base/status.h"

/* What the report is about; NULL: not there.  Texts are borrowed. */
typedef struct ofr_report_sources {
    const char *title;       /* NULL: made from what is found                       */
    const char *run;         /* directory of a training run: journal.jsonl, ...     */
    const char *eval;        /* an object of `offramp eval --json`                  */
    const char *predictions; /* TSV of `offramp eval --predictions`                 */
    const char *record;      /* object of `offramp sweep` or `compare`: curves and
                                table (docs/FORMATS.md)                             */
    const char *texts;       /* data file, for the texts of the worst mistakes      */
    const char *text, *pair; /* its columns, by name or number; pair may be NULL    */
    bool of_task;            /* they are written as tasks write them (io/table.h)   */
    bool no_header;          /* its first line is data                              */
    const char *command;     /* as typed, for the provenance                        */
    bool png, pdf;           /* charts as files beside the page, too                */
    bool page_only;          /* leave report.json and report.csv alone: the caller
                                writes its own                                      */
} ofr_report_sources;

/* Write dir/report.html, report.json and report.csv (and charts/NAME.png, .pdf).
 * `dir` is made.  Without gnuplot the page has tables and no charts, and one
 * warning names the package; --png and --pdf then are OFR_NOT_FOUND.
 * OFR_INVALID: nothing to report; OFR_FORMAT: a source that is not what it should
 * be; OFR_NOT_FOUND, OFR_IO, OFR_NOMEM. */
ofr_status ofr_report_write(const char *dir, const ofr_report_sources *sources,
                            ofr_error *err);

#endif
