/*
 * html_parts.h - the sections of a report, each from its source.
 */
#ifndef OFR_REPORT_HTML_PARTS_H
#define OFR_REPORT_HTML_PARTS_H

#include "eval/verdict.h"
#include "report/html_answers.h"
#include "report/html_records.h"

/* html_headline.c: the cards, and how the rule compares with knowing nothing. */
void ofr_part_headline(ofr_page *page, const ofr_summary *summary);
void ofr_part_comparison(ofr_page *page, const ofr_summary *summary);

/* html_exits.c: who leaves where and how good each exit is. */
void ofr_part_exits(ofr_page *page, const ofr_summary *summary);
/* A chart of exits split into right and wrong; table: a column with the layer,
 * one with those right and one with those wrong. */
void ofr_part_histogram(ofr_page *page, const char *key, const char *title,
                        const ofr_page_table *table, int layer, int right, int wrong);

/* html_texts.c: what needs the single answers. */
void ofr_part_reliability(ofr_page *page, const ofr_answers *answers);
void ofr_part_hardness(ofr_page *page, const ofr_answers *answers);

/* The texts themselves; rows NULL: not given. */
typedef struct ofr_texts {
    ofr_table table;
    int text, pair; /* columns; pair -1: none */
    bool open;
} ofr_texts;

void ofr_part_mistakes(ofr_page *page, const ofr_answers *answers,
                       const ofr_texts *texts);

/* html_run.c: the course of a training run, with the verdict.  OFR_NOMEM. */
ofr_status ofr_part_run(ofr_page *page, const ofr_history *history, ofr_error *err);

/* html_curves.c: what sweep and compare recorded.  OFR_NOT_FOUND, OFR_FORMAT. */
ofr_status ofr_part_curves(ofr_page *page, const char *path, ofr_error *err);

/* html_methods.c: tables of methods, operating points with their exits, and runs. */
void ofr_part_methods(ofr_page *page, const ofr_records *records);
void ofr_part_operating(ofr_page *page, const ofr_records *records);
void ofr_part_runs(ofr_page *page, const ofr_records *records);

/* html_origin.c: where everything comes from.  A table of names and values. */
ofr_page_table *ofr_part_origin(ofr_page *page);
void ofr_part_origin_text(ofr_page *page, ofr_page_table *table, const char *name,
                          const char *value); /* NULL: no row */
/* Every plain key of an object, or those of `keys` (NULL at its end). */
void ofr_part_origin_json(ofr_page *page, ofr_page_table *table, const json_t *object,
                          const char *const *keys);
/* Path and SHA-256 of a file; NULL: no row. */
ofr_status ofr_part_origin_file(ofr_page *page, ofr_page_table *table, const char *name,
                                const char *path, ofr_error *err);

#endif
