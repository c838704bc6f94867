/*
 * record.h - what an evaluation found, as others read it.
 *
 * One JSON object for programs and one TSV line per text, from which every
 * table can be computed again.  Numbers that do not exist are null in JSON and
 * empty in TSV.
 */
#ifndef OFR_REPORT_RECORD_H
#define OFR_REPORT_RECORD_H

#include "base/str.h"
#include "eval/evaluate.h"

/* What the evaluation itself does not know; texts are borrowed. */
typedef struct ofr_record_about {
    int schema_version;
    const char *task;          /* name, or of the data file       */
    const char *model;         /* directory                       */
    const char *processor;     /* model name and instruction set  */
    const char *kernels;
    int threads;
    int n_truncated, n_bad_rows, n_unlabelled; /* as in ofr_dataset */
    /* where the numbers come from; NULL or "": not said */
    const char *command, *commit;
    const char *data, *data_sha256; /* file and its digest        */
    uint64_t seed;
    char *const *labels;       /* [K] names of the classes; NULL  */
} ofr_record_about;

/* One line with "task", "metric", "score", "score_full", "mean_exit_layer",
 * "n_layers", "saved_layers", "ms_per_text", "ms_per_text_full",
 * "exit_histogram", "layer_accuracy" and more; docs/FORMATS.md lists them. */
void ofr_record_json(ofr_buf *out, const ofr_eval *eval, const ofr_record_about *about);

/* id, label, prediction, exit_layer, pi_1..pi_{L-1}, then p_l_k (layer l, class
 * k) with a header line; label and prediction by name; p_l_k empty where the exit of
 * layer l was not trained.  Atomic. */
ofr_status ofr_record_predictions(const char *path, const ofr_eval *eval,
                                  char *const *label_names, ofr_error *err);

/* A text as one field of a TSV row: TAB and line ends become spaces. */
void ofr_record_field(ofr_buf *row, const char *s);

#endif
