/*
 * evaluate.h - a data set through the early-exit runner and the full model.
 *
 * Two looks at the same texts.  One pass that keeps what every exit says gives
 * the full model's answers, accuracy per exit and memorized layers.  Then the
 * real runner, in batches, gives exit layers, answers and times; the full model
 * is timed on the same batches in turn.  Beside the result stand two policies
 * that know nothing: the same exits given to the wrong texts, and one fixed
 * exit that costs the same.
 */
#ifndef OFR_EVAL_EVALUATE_H
#define OFR_EVAL_EVALUATE_H

#include "data/dataset.h"
#include "exit/outputs.h"
#include "exit/rule.h"
#include "kernels/dev.h"
#include "model/encoder.h"
#include "tensor/slots.h"

typedef struct ofr_eval_options {
    const ofr_rule *rule;
    double threshold;
    int batch;              /* texts per call of the runner; 0: 1             */
    int timed_runs;         /* wanted; 0: no timing                           */
    double timed_seconds;   /* after this long, 100 timed calls are enough    */
    ofr_metric metric;      /* the score                                      */
    ofr_metric metric2;     /* a second one, or the same                      */
    uint64_t seed;          /* of the random floor                            */
    int floor_draws;        /* 0: 20                                          */
    double error_limit;     /* regression: |error| that counts as right       */
    ofr_outputs_progress progress; /* may be NULL; work done of all           */
    void *user;
} ofr_eval_options;

/* Sensible values for everything but `rule`. */
void ofr_eval_options_init(ofr_eval_options *options);

/* Milliseconds per text.  A run is a row of consecutive batches with at least
 * 32 texts together, so that a median over runs weighs early and late exits as
 * they come; p95 is over single calls, which is what a user waits for. */
typedef struct ofr_eval_time {
    int runs, calls;
    double median, mean, p95;
} ofr_eval_time;

/* Texts that belong together by how deep the model must go for them. */
typedef struct ofr_eval_group {
    int n;
    int low, high;          /* memorized layers in it                         */
    double score, score_full; /* share right                                  */
    double mean_exit;
} ofr_eval_group;

enum { OFR_EVAL_EASY, OFR_EVAL_HARD, OFR_EVAL_TERCILE1, OFR_EVAL_TERCILE2,
       OFR_EVAL_TERCILE3, OFR_EVAL_GROUPS };

/* Arrays over layers start with layer 1. */
typedef struct ofr_eval {
    int n, L, K;
    bool regression;
    bool has_policies;      /* pi of the outputs means something               */
    bool has_exits;         /* exits below layer L were trained; otherwise their
                               figures are NaN: layer_*, calibration,
                               overthinking, groups, oracle_*                  */
    const ofr_rule *rule;
    double threshold;
    ofr_metric metric, metric2;
    int batch;
    double error_limit;
    /* per text */
    const int *label;       /* [n] of the data set, borrowed; NULL: regression */
    const float *target;    /* [n] the same; NULL: classification             */
    int *prediction;        /* [n] class where the text left                  */
    int *exit_layer;        /* [n] 1..L                                       */
    double *depth;          /* [n] the same, or the mean over the text's tokens
                               where the rule goes by token                   */
    double *flops;          /* [n] by the rule                                */
    int *full_prediction;   /* [n] class of layer L                           */
    unsigned char *right;   /* [n] the answer was right                       */
    int *memorized;         /* [n] first layer from which all are right, or L */
    float *value;           /* [n] regression: what was answered              */
    ofr_outputs outputs;    /* logits[n,L,K], pi[n,L-1] of every exit         */
    /* whole set */
    double score, score_full;
    double score2, score2_full;
    double accuracy, accuracy_full; /* share right, whatever the metric       */
    double mean_exit, saved_layers, layer_speedup, flops_ratio;
    int *histogram;         /* [L] texts that left there                      */
    double *exit_accuracy;  /* [L] share right among those; NaN: none left    */
    double *layer_score;    /* [L] metric of this classifier on all texts     */
    double *layer_accuracy; /* [L] share right of this classifier, all texts  */
    double *calibration;    /* [L] expected calibration error; NaN for
                               regression                                     */
    double overthinking;    /* share right at some earlier exit, wrong at L   */
    ofr_eval_group groups[OFR_EVAL_GROUPS];
    /* policies that know nothing */
    double random_score, random_deviation; /* same exits, shuffled texts; all of
                               these NaN where the rule goes by token         */
    int random_draws;
    double fixed_layer, fixed_score; /* fixed exit at the same FLOPs, between
                               two layers by proportion                       */
    double oracle_mean_exit; /* first correct layer (none: L)                 */
    double oracle_accuracy;
    /* time */
    ofr_eval_time early, full;
    int mismatches;         /* texts whose exit differs from the stored outputs
                               under the same rule: must be 0                 */
    ofr_slots slots;        /* private: the arrays                            */
} ofr_eval;

/* data has labels or targets; encoder is packed.  Caller closes.
 * OFR_INVALID: no labels, or a metric that does not fit.  OFR_INTERRUPTED. */
ofr_status ofr_eval_open(ofr_eval *eval, const ofr_encoder *encoder, ofr_dev *dev,
                         const ofr_dataset *data, const ofr_eval_options *options,
                         ofr_error *err);
void ofr_eval_close(ofr_eval *eval);

/* Are there texts, with right answers, and does the metric fit the model? */
ofr_status ofr_eval_check(const ofr_config *config, const ofr_dataset *data,
                          ofr_metric metric, ofr_error *err);

/* Used by the demo for its own groups (levels of difficulty): the texts with
 * member[i] != 0. */
void ofr_eval_group_of(const ofr_eval *eval, const unsigned char *member,
                       ofr_eval_group *group);

/* Is the classifier of `layer` (1..L) right about text 0..n-1?  Regression: its
 * error is below the limit. */
bool ofr_eval_right(const ofr_eval *eval, int text, int layer);

/* Only the timing part: median, mean and p95 of the runner under `rule` and of
 * the full model on the same batches, in turn, after a warm-up. */
ofr_status ofr_eval_timing(ofr_eval_time *early, ofr_eval_time *full,
                           const ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_dataset *data, const ofr_eval_options *options,
                           ofr_error *err);

#endif
