/*
 * bench_report.h - what `offramp bench` prints: aligned text, a Markdown table,
 * or JSON lines.
 */
#ifndef OFR_CLI_BENCH_REPORT_H
#define OFR_CLI_BENCH_REPORT_H

#include "base/str.h"
#include "cli/bench_measure.h"
#include "cli/bench_parts.h"

typedef enum ofr_bench_style {
    OFR_BENCH_TEXT, OFR_BENCH_MARKDOWN, OFR_BENCH_JSON
} ofr_bench_style;

typedef struct ofr_bench_report {
    ofr_bench_style style;
    bool samples;    /* JSON: every time, too */
    const char *table; /* the last one whose head was written, or NULL */
} ofr_bench_report;

/* Each appends its lines to `out`. */
void ofr_bench_report_times(ofr_bench_report *report, ofr_buf *out,
                            ofr_bench_model *model, const ofr_bench_plan *plan,
                            const ofr_bench_result *result);
void ofr_bench_report_decide(ofr_bench_report *report, ofr_buf *out,
                             ofr_bench_model *model, const ofr_bench_decide *decide);
void ofr_bench_report_profile(ofr_bench_report *report, ofr_buf *out,
                              ofr_bench_model *model, const ofr_bench_profile *profile);
void ofr_bench_report_cold(ofr_bench_report *report, ofr_buf *out, ofr_bench_model *model,
                           const ofr_bench_cold *cold);
void ofr_bench_report_peaks(ofr_bench_report *report, ofr_buf *out,
                            const ofr_bench_peaks *peaks);

#endif
