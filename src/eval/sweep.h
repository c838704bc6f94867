/*
 * sweep.h - many exit rules, many values of each knob, one pass over the texts.
 *
 * All exits are computed once (exit/outputs.h); a rule at a threshold is then a
 * replay of the stored outputs (only a rule by token is run at each).  Two sets of
 * texts: knobs are looked for on the tuning texts, figures are those of the reported
 * ones.  Given one set, it is both.
 */
#ifndef OFR_EVAL_SWEEP_H
#define OFR_EVAL_SWEEP_H

#include "eval/evaluate.h"

#define OFR_SWEEP_KNOBS_MAX 100  /* values of one knob */
#define OFR_SWEEP_CURVES_MAX 96

typedef struct ofr_sweep_options {
    int values;             /* of each knob, 2 .. OFR_SWEEP_KNOBS_MAX           */
    ofr_metric metric, metric2; /* the same: there is one                       */
    double error_limit;     /* regression: |error| that counts as right         */
    int floor_draws;
    uint64_t seed;          /* of the random floor                              */
    bool features;          /* keep pooled vectors, for ofr_sweep_policies()    */
    ofr_outputs_progress progress; /* may be NULL */
    void *user;
} ofr_sweep_options;

/* What leaving somewhere comes to on one set of texts. */
typedef struct ofr_sweep_figures {
    double score, score2, accuracy;
    double mean_exit, saved_layers, flops_ratio;
} ofr_sweep_figures;

typedef struct ofr_sweep_point {
    double knob;            /* NaN: every text runs to the last layer          */
    ofr_sweep_figures tune, report;
    double random_score, random_deviation; /* same exits, at random; reported   */
    int *histogram, *right; /* [L] left there, right among them; reported       */
    bool front;             /* by the tuning texts, among the points of its curve */
    bool best;              /* and among all                                    */
    bool stored;            /* the operating point the model came with          */
    ofr_eval_time early, full; /* runs 0: not timed                             */
} ofr_sweep_point;

typedef struct ofr_sweep_curve {
    const ofr_rule *rule;
    double alpha;           /* price the policies were fitted to; NaN: as trained */
    ofr_real *pi_tune, *pi_report; /* [n,L-1]; NULL: the outputs' own           */
    int n;
    ofr_sweep_point *points; /* [n], the full model first                       */
    int *counts;            /* the points' arrays                               */
} ofr_sweep_curve;

typedef struct ofr_sweep_oracle {
    const char *name;       /* "first-correct", "consistency" */
    ofr_sweep_figures report;
    int *histogram;         /* [L] */
} ofr_sweep_oracle;

/* One set of texts, and what all exits say about them. */
typedef struct ofr_sweep_set {
    const ofr_dataset *data; /* borrowed */
    ofr_outputs outputs;
    float *answer;           /* [n,L] class or value of each exit              */
    double *layer_score;     /* [L] metric of this exit on all texts           */
    double score_full, score2_full, flops_full;
    int *order;              /* [draws,n] permutations for the random floor    */
} ofr_sweep_set;

typedef struct ofr_sweep {
    const ofr_encoder *encoder; /* borrowed, as is dev */
    ofr_dev *dev;
    ofr_sweep_options o;
    int L, K;
    bool regression, tuned;  /* tuned: the two sets are different texts         */
    bool has_exits;          /* exits below layer L were trained; otherwise figures
                                of them are NaN: layer_score, oracles           */
    ofr_sweep_set sets[2];
    ofr_sweep_set *tune, *report; /* into sets; equal when there is one         */
    long long texts_run;     /* texts that went through all layers, counted     */
    int n_curves;
    ofr_sweep_curve curves[OFR_SWEEP_CURVES_MAX];
    ofr_sweep_oracle oracles[2];
    /* scratch: texts of the larger set */
    int most;
    int *exits, *pred;           /* [most], [2 most] */
    double *depth, *flops;       /* [most] */
    float *answers, *shuffled, *value; /* [most], [most], [2 most] */
    double *work;                /* [OFR_METRIC_WORK most] */
    double *scores;              /* [draws] */
    ofr_real *row;               /* [K] */
    ofr_slots slots;
} ofr_sweep;

void ofr_sweep_options_init(ofr_sweep_options *options);

/* The pass.  tune: NULL, or other texts than `report`.  encoder is packed.  Caller
 * closes.  OFR_INVALID: no labels, or a metric that does not fit. */
ofr_status ofr_sweep_open(ofr_sweep *sweep, const ofr_encoder *encoder, ofr_dev *dev,
                          const ofr_dataset *tune, const ofr_dataset *report,
                          const ofr_sweep_options *options, ofr_error *err);
void ofr_sweep_close(ofr_sweep *sweep);

/* A curve of `rule`: the full model, then at most options.values knobs spread so
 * that what they save on the tuning texts is spread, or all whole numbers (see
 * ofr_sweep_knobs()); `stored`, unless NaN, is one of them. */
ofr_status ofr_sweep_add(ofr_sweep *sweep, const ofr_rule *rule, double stored,
                         ofr_error *err);
/* The same for rule policy with other policies: w[policy parameters] in the order of
 * encoder->params, fitted to `alpha`, applied to the stored pooled vectors (f16).
 * `encoder` is the sweep's; its own policies are put back. */
ofr_status ofr_sweep_policies(ofr_sweep *sweep, ofr_encoder *encoder, double alpha,
                              ofr_real *w, ofr_error *err);
/* After the last curve: points[].front and .best. */
ofr_status ofr_sweep_fronts(ofr_sweep *sweep, ofr_error *err);
/* Points of all curves. */
int ofr_sweep_count(const ofr_sweep *sweep);

/* answers[n] (class or value) to the reported texts. */
ofr_status ofr_sweep_answers(ofr_sweep *sweep, const ofr_sweep_curve *curve, double knob,
                             float *answers, ofr_error *err);
/* The metric of answers[] on the texts index[n] of `data` (NULL: all n).
 * pred, value: scratch [2 n]; work: [OFR_METRIC_WORK n]. */
double ofr_sweep_score(const ofr_dataset *data, ofr_metric metric, const float *answers,
                       const int *index, int n, int *pred, float *value, double *work);

/* values[OFR_SWEEP_KNOBS_MAX]: at most n thresholds from the safest to the fastest,
 * spread by what they save on the tuning texts, whose gates say pi[n_texts,L-1]; of a
 * rule of whole numbers all of them, whatever n is, or as many as there is room for,
 * but at most n of a rule by token, whose points are run.  Returns how many.
 * 2 <= n <= OFR_SWEEP_KNOBS_MAX.  sweep_knobs.c */
int ofr_sweep_knobs(const ofr_sweep *sweep, const ofr_rule *rule, const ofr_real *pi,
                    double *values, int n);

/* By a rule by token there is nothing to replay: the real runner, for this knob.
 * sweep->exits, answers, depth and flops of the texts of `set`.  sweep_tokens.c */
ofr_status ofr_sweep_tokens(ofr_sweep *sweep, const ofr_sweep_set *set,
                            const ofr_rule *rule, double knob, ofr_error *err);

#endif
