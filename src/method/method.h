/*
 * method.h - a way to train an early-exit model: its recipe, its exit rule.
 *
 * A method is a table of phases over the one loop of train/train.h, and the few
 * functions that those phases call.  Adding one: docs/METHODS.md.
 */
#ifndef OFR_METHOD_METHOD_H
#define OFR_METHOD_METHOD_H

#include "data/dataset.h"
#include "method/options.h"
#include "train/train.h"

/* What a method trains on.  Borrowed for the whole run. */
typedef struct ofr_method_data {
    const ofr_dataset *train, *dev;
    ofr_metric metric; /* the dev score */
} ofr_method_data;

/* What came out, beside the weights in the encoder. */
typedef struct ofr_sweep_row {
    double alpha, score, mean_exit, saved_layers, reward;
} ofr_sweep_row;

#define OFR_SWEEP_MAX 64

typedef struct ofr_method_result {
    int iterations;     /* task phases that were run                      */
    bool converged;     /* stopped before --iterations by the tolerances  */
    long long steps;
    double score, score_full, mean_exit; /* dev, by the method's rule      */
    int n_sweep;        /* rows of --alphas                               */
    int chosen;         /* row whose policies the encoder holds; -1: none */
    ofr_sweep_row sweep[OFR_SWEEP_MAX];
} ofr_method_result;

typedef struct ofr_method {
    const char *name;
    const char *rule;       /* exit rule stored in the model */
    double threshold;
    bool has_policies;
    const char *summary;
    /* Make the recipe (recipe->self is the method's own memory); the trainer is
     * open.  The encoder has its classes (ofr_encoder_set_task). */
    ofr_status (*open)(ofr_recipe *recipe, ofr_trainer *trainer,
                       const ofr_method_data *data, const ofr_method_options *options,
                       ofr_error *err);
    void (*result)(const ofr_recipe *recipe, ofr_method_result *result);
    void (*close)(ofr_recipe *recipe);
} ofr_method;

extern const ofr_method ofr_method_consistentee, ofr_method_finetune;

extern const ofr_method *const ofr_methods[]; /* NULL at the end */

/* By name; OFR_INVALID lists the known ones. */
ofr_status ofr_method_find(const ofr_method **out, const char *name, ofr_error *err);

/* The parts of a run that are not hyper-parameters. */
typedef struct ofr_method_job {
    const char *out;             /* folder for journal and checkpoints; NULL: none */
    bool resume;
    const char *resume_command;
    const volatile sig_atomic_t *stop;
    ofr_train_progress progress;
    void *user;
    void (*guard)(bool on);      /* tests */
} ofr_method_job;

/* Train `encoder` (with its classes set) from where it stands, through every
 * phase of `method`.  Dropout rates of the options are put into the encoder's
 * config for the run and taken back afterwards.  `result` may be NULL.  On
 * success the config's exit rule, threshold and method are set, and the encoder
 * is packed. */
ofr_status ofr_method_train(const ofr_method *method, ofr_encoder *encoder, ofr_dev *dev,
                            const ofr_method_data *data,
                            const ofr_method_options *options, const ofr_method_job *job,
                            ofr_method_result *result, ofr_error *err);

/* The learning rate that --lr 0 means for these weights. */
double ofr_method_auto_lr(const ofr_encoder *encoder);

#endif
