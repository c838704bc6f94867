/*
 * curve_record.h - sweeps as JSON lines and CSV rows; docs/FORMATS.md, "Curves".
 */
#ifndef OFR_REPORT_CURVE_RECORD_H
#define OFR_REPORT_CURVE_RECORD_H

#include "base/str.h"
#include "eval/sweep_line.h"

/* What a sweep itself does not know; texts are borrowed. */
typedef struct ofr_curve_about {
    int schema_version;
    const char *task, *method, *model, *run; /* run NULL: null */
    const uint64_t *seed;       /* of the training; NULL: null */
    const char *train_command, *sweep_command; /* NULL: null */
    const char *tune, *report;  /* files; tune NULL: null */
    const char *processor, *kernels, *commit;
    int threads, n_truncated;
    int policy_texts;           /* that policies of other prices were fitted to */
    int policy_dev_texts;       /* and that these were followed on              */
    const ofr_rule *rule;       /* stored */
    double knob;
} ofr_curve_about;

/* One line each; docs/FORMATS.md lists the keys. */
void ofr_curve_record_run(ofr_buf *out, const ofr_sweep *sweep,
                          const ofr_curve_about *about);
/* A run that failed: message instead of figures. */
void ofr_curve_record_failure(ofr_buf *out, const char *metric, const char *message,
                              const ofr_curve_about *about);
void ofr_curve_record_points(ofr_buf *out, const ofr_sweep *sweep,
                             const ofr_curve_about *about);
void ofr_curve_record_oracles(ofr_buf *out, const ofr_sweep *sweep,
                              const ofr_curve_about *about);
/* Area from 0 to area_to saved. */
void ofr_curve_record_line(ofr_buf *out, const ofr_sweep *sweep,
                           const ofr_sweep_line *line, double area_to,
                           const ofr_curve_about *about);

/* The points once more, for spreadsheets. */
void ofr_curve_csv_header(ofr_buf *out);
void ofr_curve_csv_points(ofr_buf *out, const ofr_sweep *sweep,
                          const ofr_curve_about *about);

/* "key": [lines, ...] out of JSON lines, as a member of an open object. */
void ofr_curve_record_array(ofr_buf *out, const char *key, const ofr_buf *lines);
/* Begin a line with what every line has. */
void ofr_curve_record_begin(ofr_buf *out, const char *kind, const char *metric,
                            const ofr_curve_about *about);

#endif
