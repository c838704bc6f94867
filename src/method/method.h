/*
 * method.h - a way to train an early-exit model: its recipe, its exit rule.
 *
 * A method is a table of phases over the one loop of train/train.h, and the few
 * functions that those phases call.  Adding one: docs/ADDING-A-METHOD.md.
 */
#ifndef OFR_METHOD_METHOD_H
#define OFR_METHOD_METHOD_H

#include "data/dataset.h"
#include "exit/rule.h"
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
    double threshold;   /* of the rule, to be stored: its default unless the
                           method says otherwise                           */
    int n_sweep;        /* rows of --alphas                               */
    int chosen;         /* row whose policies the encoder holds; -1: none */
    ofr_sweep_row sweep[OFR_SWEEP_MAX];
} ofr_method_result;

typedef struct ofr_method ofr_method;

struct ofr_method {
    const char *name;
    const char *source;     /* the paper; NULL: none                                */
    const char *summary;
    const ofr_rule *rule;   /* exit rule stored in the model; one that looks at
                               classes makes the method refuse a regression        */
    bool all_exits;         /* trains the classifiers below layer L                 */
    bool has_policies;      /* trains gates...                                      */
    ofr_gate_kind gate;     /* ...of this kind                                      */
    ofr_head_kind heads;    /* classifiers below layer L                            */
    bool token_exits;       /* each token leaves at a layer of its own              */
    /* Methods of one recipe train alike, bit for bit, and differ in the rule: a
     * comparison needs to train one of them.  NULL: like no other. */
    const char *recipe;
    /* Names of options, separated by blanks, that this method reads and not every
     * method does; what no method lists is for all. */
    const char *options;
    /* What the method has against values of its own options, for a model of L layers;
     * NULL: nothing.  OFR_INVALID. */
    ofr_status (*check)(const ofr_method_options *options, int L, bool regression,
                        ofr_error *err);
    /* Make the recipe (recipe->self is the method's own memory); the trainer is
     * open.  The encoder has its classes (ofr_encoder_set_task). */
    ofr_status (*open)(ofr_recipe *recipe, const ofr_method *method, ofr_trainer *trainer,
                       const ofr_method_data *data, const ofr_method_options *options,
                       ofr_error *err);
    void (*result)(const ofr_recipe *recipe, ofr_method_result *result);
    void (*close)(ofr_recipe *recipe);
    /* For methods that are opened by exits.h: their phases, one after another; bytes
     * of their memory, 0: an ofr_exits; arrays in it, placed once, NULL: none. */
    const ofr_phase *phases;
    size_t memory;
    void (*layout)(ofr_slots *slots, void *self);
};

/* The list of methods; a row here is all that makes a file of src/method/ one. */
#define OFR_METHOD_LIST(ROW)                                                          \
    ROW(consistentee)                                                                 \
    ROW(finetune)                                                                     \
    ROW(static)                                                                       \
    ROW(entropy)                                                                      \
    ROW(confidence)                                                                   \
    ROW(deebert)                                                                      \
    ROW(pabee)                                                                        \
    ROW(fastbert)                                                                     \
    ROW(berxit)                                                                       \
    ROW(pcee)                                                                         \
    ROW(romebert)                                                                     \
    ROW(hashee)                                                                       \
    ROW(palbert)                                                                      \
    ROW(cosee)

#define OFR_METHOD_DECLARE(name) extern const ofr_method ofr_method_##name;
OFR_METHOD_LIST(OFR_METHOD_DECLARE)
#undef OFR_METHOD_DECLARE
#define OFR_METHOD_NAME(name) " " #name /* for texts: " consistentee finetune ..." */

extern const ofr_method *const ofr_methods[]; /* NULL at the end */

/* By name; OFR_INVALID lists the known ones. */
ofr_status ofr_method_find(const ofr_method **out, const char *name, ofr_error *err);

/* Does `method` read this option?  (Or is it one that every method reads.) */
bool ofr_method_reads(const ofr_method *method, const char *option);
/* Are classifiers below layer L trained, and so worth keeping? */
bool ofr_method_trains_exits(const ofr_method *method, const ofr_method_options *options);
/* Does the method make sense for these answers?  OFR_INVALID says why not and
 * names methods that do. */
ofr_status ofr_method_fits(const ofr_method *method, bool regression, ofr_error *err);
/* Whatever can be said against the options before anything is opened or written, for
 * a model of L layers.  OFR_INVALID. */
ofr_status ofr_method_check(const ofr_method *method, const ofr_method_options *options,
                            int L, bool regression, ofr_error *err);

/* The parts of a run that are not hyper-parameters. */
typedef struct ofr_method_job {
    const char *out;             /* folder for journal and checkpoints; NULL: none */
    bool resume;
    const char *resume_command;
    const char *tensorboard;     /* folder of an event file; NULL: none */
    bool keep_first;             /* see train.h */
    const char *fork;
    const ofr_comm *comm;        /* NULL: one rank */
    volatile sig_atomic_t *stop; /* see train.h */
    ofr_status (*begin)(void *user, ofr_error *err); /* see train.h */
    ofr_train_progress progress;
    void *user;
    void (*guard)(bool on);      /* tests */
} ofr_method_job;

/* Train `encoder` (with its classes set) from where it stands, through every phase
 * of `method`, after it was given the method's gates, heads and --layers of its layers.
 * Dropout rates of the options are put into the encoder's config for the run and
 * taken back afterwards.  `result` may be NULL.  On success the config's exit rule,
 * threshold and method are set, and the encoder is packed. */
ofr_status ofr_method_train(const ofr_method *method, ofr_encoder *encoder, ofr_dev *dev,
                            const ofr_method_data *data,
                            const ofr_method_options *options, const ofr_method_job *job,
                            ofr_method_result *result, ofr_error *err);

/* What the loop has to know of the options; the fingerprints are left 0. */
ofr_train_options ofr_method_loop(const ofr_method_options *options,
                                  const ofr_method_job *job);

#endif
