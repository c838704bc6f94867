/*
 * train.h - THE loop: order, batch, step, clip, update, journal, save, resume.
 *
 * A method is a recipe: a table of phases, a function that says which phase
 * comes next, and the arrays that it wants to find again after an interruption.
 * The loop knows nothing of losses and policies; a phase knows nothing of
 * optimizers, files and signals.
 *
 *   next phase -> plan -> begin -> epochs of steps -> epoch_end ... -> end
 *
 * The whole state of a run is its weights, the moments, ofr_position and the
 * recipe's arrays.  A run stopped between any two steps and resumed leaves the
 * same weights and the same journal as one that was not.
 */
#ifndef OFR_TRAIN_TRAIN_H
#define OFR_TRAIN_TRAIN_H

#include <signal.h>

#include "kernels/dev.h"
#include "model/encoder.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/comm.h"
#include "train/journal.h"
#include "train/reduce.h"
#include "train/schedule.h"

typedef struct ofr_trainer ofr_trainer;

/* `done` of `total` steps of "joint 2/5" are done; note: "loss=0.41, dev=0.87". */
typedef void (*ofr_train_progress)(void *user, const char *label, long long done,
                                   long long total, const char *note);

typedef struct ofr_train_options {
    uint64_t seed;
    double beta1, beta2, eps, weight_decay;
    double clip;                 /* length of the gradient; 0: no limit         */
    double warmup;               /* share of a phase's steps                    */
    ofr_schedule schedule;
    const char *out;             /* folder of the run; NULL: no files at all    */
    int save_steps;              /* checkpoint every so many steps; 0: off      */
    double save_seconds;         /* and after this long; 0: off                 */
    bool resume;                 /* continue from the checkpoint if there is one */
    const char *resume_command;  /* for the message after an interruption       */
    const char *tensorboard;     /* folder of an event file; NULL: none         */
    uint64_t fingerprint;        /* of data and settings; must be equal to resume */
    uint64_t fingerprint_before; /* of earlier versions' checkpoints; will do as well */
    uint64_t texts;              /* fingerprint of the data alone; equal to fork */
    bool keep_first;             /* keep a second checkpoint: end of first phase */
    const char *fork;            /* NULL, or the folder of a run that kept it: begin
                                    there, with its journal.  The caller vouches that
                                    both runs' first phases are the same        */
    const ofr_comm *comm;        /* NULL: one rank                              */
    volatile sig_atomic_t *stop; /* NULL, or becomes non-zero to interrupt; then gets
                                    the largest of all ranks' numbers           */
    /* A run that begins gives up what an earlier one left in `out`; called by rank 0
     * once all has been looked at that may keep this run from beginning.  May be NULL. */
    ofr_status (*begin)(void *user, ofr_error *err);
    ofr_train_progress progress; /* may be NULL */
    void *user;
    void (*guard)(bool on);      /* tests: called around every step; may be NULL */
} ofr_train_options;

/* The only counters of a run; int64_t so that they are one array in a file. */
typedef struct ofr_position {
    int64_t phase;       /* row of the table; -1: everything is done        */
    int64_t iteration;   /* of the recipe                                   */
    int64_t run;         /* phases ended: numbers the epochs' permutations  */
    int64_t epoch, step; /* of the phase, 0-based: ended epochs, steps      */
    int64_t steps;       /* optimizer steps of the whole run                */
    int64_t adam_t;      /* of the phase */
    int64_t journal_bytes;
} ofr_position;

typedef struct ofr_phase_plan {
    unsigned groups;     /* parameters it moves */
    int n_items;         /* an epoch is a permutation of 0..n_items-1 */
    int epochs, batch;
    double lr;           /* peak */
    bool replicated;     /* every rank takes whole batches, and nothing is summed: for
                            steps that cost less than the sums would */
} ofr_phase_plan;

typedef struct ofr_step {
    const int *items;    /* [B] this rank's part of the batch */
    int B;               /* 0 is possible */
    int B_all;           /* the whole batch: losses and gradients are means over it */
    int first;           /* its place in the batch: items - first is [B_all] */
    uint64_t number;     /* optimizer steps before this one, in the whole run */
    double loss;         /* out: this rank's part of the mean loss            */
    bool summed;         /* out: by ofr_trainer_sum(), the loop need not      */
    const char *extra_name; /* out: one more number for the journal, or NULL  */
    double extra;
} ofr_step;

typedef struct ofr_phase {
    const char *name;
    void (*plan)(const ofr_trainer *trainer, const void *self, ofr_phase_plan *plan);
    /* When the phase starts, and again when a run is resumed inside it. */
    ofr_status (*begin)(ofr_trainer *trainer, void *self, ofr_error *err);
    /* Adds to trainer->grads (cleared on the moved groups).  Never allocates. */
    void (*step)(ofr_trainer *trainer, void *self, ofr_step *step);
    /* After an epoch, and after the phase.  Both may be interrupted and are then
     * run again from their start: they change state and journal last. */
    ofr_status (*epoch_end)(ofr_trainer *trainer, void *self, ofr_error *err);
    ofr_status (*end)(ofr_trainer *trainer, void *self, ofr_error *err);
} ofr_phase;

#define OFR_RECIPE_ITEMS_MAX 20

typedef struct ofr_recipe {
    void *self;
    const ofr_phase *phases;  /* ended by name == NULL; starts with row 0 */
    /* The row that follows position.phase; -1: the run is complete.  May change
     * position.iteration. */
    int (*next)(ofr_trainer *trainer, void *self);
    /* What a checkpoint holds for the method; returns how many.  May be NULL. */
    int (*state)(void *self, ofr_checkpoint_item items[OFR_RECIPE_ITEMS_MAX]);
} ofr_recipe;

struct ofr_trainer {
    ofr_encoder *encoder;     /* borrowed, as are dev and options */
    ofr_dev *dev;
    const ofr_train_options *options;
    const ofr_comm *comm;
    ofr_real *grads;          /* [params.total] */
    ofr_adamw adamw;
    ofr_journal journal, timings;
    ofr_tfevents events;
    ofr_position at;
    ofr_phase_plan plan;      /* of the present phase */
    const ofr_recipe *recipe;
    ofr_reduce reduce;        /* of the gradient, over ranks */
    int *order;               /* permutation of the epoch */
    int max_items;
    double dev_score;         /* shown beside the bar; NaN: not known yet */
    double mean_loss;         /* running mean of the loss, for the bar */
    double saved_at, phase_seconds;
};

ofr_status ofr_trainer_open(ofr_trainer *trainer, ofr_encoder *encoder, ofr_dev *dev,
                            const ofr_train_options *options, ofr_error *err);
/* Run `recipe` to its end.  OFR_INTERRUPTED: the stop flag rose; a checkpoint was
 * written and the message says how to go on.  OFR_DIVERGED: a loss or gradient is
 * not finite; the last checkpoint stays. */
ofr_status ofr_trainer_run(ofr_trainer *trainer, const ofr_recipe *recipe,
                           ofr_error *err);
void ofr_trainer_close(ofr_trainer *trainer);

struct ofr_net;

/* For phases.  The last way back of a step through the network, whose gradient is
 * added to trainer->grads; layers that are done go to other ranks meanwhile.  After
 * it nothing may be added. */
void ofr_trainer_backward(ofr_trainer *trainer, struct ofr_net *net);
/* x[params.total] = the sum over ranks, on the moved groups: where a step needs the
 * gradient of the whole batch.  A rank without texts makes the same calls. */
void ofr_trainer_sum(ofr_trainer *trainer, ofr_real *x);
/* Begin a journal line with phase, iteration and epoch (1-based). */
void ofr_trainer_journal(ofr_trainer *trainer, const char *event);
/* An ofr_outputs_progress; user is the trainer.  Shows the phase's bar and stops
 * when the flag has risen. */
bool ofr_trainer_show(void *user, int done, int n);

/* Does `out` hold a checkpoint, and does it say that the run is complete? */
ofr_status ofr_trainer_peek(const char *out, bool *exists, bool *complete,
                            ofr_error *err);

#endif
