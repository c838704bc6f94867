/*
 * dataset.h - a data file as tokens, labels and the texts themselves.
 */
#ifndef OFR_DATA_DATASET_H
#define OFR_DATA_DATASET_H

#include <stdint.h>

#include "base/arena.h"
#include "data/task.h"
#include "tok/tok.h"

/* Where the texts and labels stand in a file. */
typedef struct ofr_columns {
    bool has_header;
    const char *text, *pair, *label; /* names, or numbers from 0; label NULL: none
                                        wanted                                     */
    bool regression;
    bool skip_bad_rows;
    bool of_task; /* the three are written as in ofr_task: alternatives, -1 the last */
} ofr_columns;

typedef struct ofr_dataset {
    int n;
    int *offsets, *ids, *types; /* [n+1], [N], [N] tokens of all texts            */
    int *labels;                /* [n] class; NULL for regression or without      */
    float *targets;             /* [n] regression                                 */
    ofr_str *text, *pair;       /* [n] raw, borrowed from `arena`; pair may be NULL */
    int *lines;                 /* [n] line in the file                           */
    int K;                      /* classes; 1 for regression; 0 without labels    */
    const char **label_names;   /* [K] in arena                                   */
    int n_truncated;            /* texts longer than max_tokens                   */
    int n_bad_rows;
    int n_unlabelled;           /* rows of a task left out: "-" for a label       */
    int max_T;                  /* longest text in tokens                         */
    ofr_arena arena;            /* private */
} ofr_dataset;

/* Read and tokenize `path`.
 * label_names[K_known]: the model's labels; a label outside them is OFR_FORMAT
 *   ("file:line: label 'x' was never seen in training; known: ...").
 * K_known == 0: collect the labels of this file (numbers in numeric order,
 *   otherwise byte order); a single class is OFR_FORMAT.
 * max_tokens: longest-first truncation.  No rows: OFR_FORMAT.  Caller closes. */
ofr_status ofr_dataset_open(ofr_dataset *data, const char *path,
                            const ofr_columns *columns, const ofr_tok *tok,
                            int max_tokens, const char *const *label_names, int K_known,
                            ofr_error *err);
/* From memory (demo, tests): pair may be NULL, labels may be NULL. */
ofr_status ofr_dataset_from_texts(ofr_dataset *data, const ofr_str *text,
                                  const ofr_str *pair, const int *labels, int n, int K,
                                  const char *const *label_names, const ofr_tok *tok,
                                  int max_tokens, ofr_error *err);
void ofr_dataset_close(ofr_dataset *data);

/* Take every text whose place in a seeded permutation is below
 * fraction * n out of `data` into `held` (both own their arrays). */
ofr_status ofr_dataset_split(ofr_dataset *data, ofr_dataset *held, double fraction,
                             uint64_t seed, ofr_error *err);

/* Gather texts order[first .. first+B-1] into caller's buffers:
 * offsets[B+1], ids and types with room for B * max_T. */
void ofr_dataset_gather(const ofr_dataset *data, const int *order, int B, int *offsets,
                        int *ids, int *types);

#endif
