/*
 * html_answers.h - what was answered to every text, from a file of predictions.
 */
#ifndef OFR_REPORT_HTML_ANSWERS_H
#define OFR_REPORT_HTML_ANSWERS_H

#include "eval/metrics.h"
#include "io/table.h"
#include "report/html_summary.h"

/* [.] per text; rightness and probabilities also per layer, layer 1 first. */
typedef struct ofr_answers {
    int n, L, K;
    bool regression;                 /* K == 1: right is an error below the limit */
    bool has_exits; /* exits below layer L were trained; otherwise of them p is NaN,
                       nothing is right, and `memorized` is L */
    double error_limit;
    ofr_str *label, *answer;         /* [n] as written */
    int *label_class, *answer_class; /* [n]; NULL for regression */
    float *target, *value;           /* [n]; NULL for classification */
    int *exit;                       /* [n] 1..L */
    int *memorized;                  /* [n] first layer from which all are right, or L */
    float *p;             /* [n,L] probability of that layer's answer, or value */
    float *p_given;       /* [n] that the layer where it left gives to the answer given:
                             a rule may answer with more than that layer (pcee) */
    int *says;            /* [n,L] that layer's answer as a class */
    unsigned char *right; /* [n,L] */
    unsigned char *ok;    /* [n] the answer that was given is right */
    ofr_table table;      /* private: owns the texts */
} ofr_answers;

/* labels[K_names]: names of the classes; NULL for regression.  Arrays live in the
 * page.  error_limit: of a regression.  OFR_FORMAT names file and line.  Caller
 * closes. */
ofr_status ofr_answers_open(ofr_answers *answers, ofr_page *page, const char *path,
                            const char *const *labels, int K_names, double error_limit,
                            ofr_error *err);
void ofr_answers_close(ofr_answers *answers);

/* OFR_FORMAT: the answers are others than those of the summary. */
ofr_status ofr_answers_check(const ofr_answers *answers, const ofr_summary *summary,
                             const char *path, ofr_error *err);

/* What the answers say by themselves, with the score by `metric`. */
ofr_status ofr_answers_summary(ofr_summary *summary, ofr_page *page,
                               const ofr_answers *answers, ofr_metric metric,
                               ofr_error *err);

#endif
