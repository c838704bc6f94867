/*
 * train_state.h - the state of a run to a checkpoint and back.
 *
 * Counters, weights, the method's arrays and, inside of a phase, AdamW's moments; beside
 * them what a run may go on with: its settings, its texts, ranks and kernels.
 */
#ifndef OFR_TRAIN_TRAIN_STATE_H
#define OFR_TRAIN_TRAIN_STATE_H

#include "train/checkpoint.h"
#include "train/train.h"

/* The most that it takes: with the moments of all weights. */
ofr_status ofr_train_state_bytes(ofr_trainer *trainer, double *bytes, ofr_error *err);

/* Write the file `name` of the run's folder, if it has one and this is rank 0.
 * OFR_DIVERGED: a weight is no number; nothing is written. */
ofr_status ofr_train_state_save(ofr_trainer *trainer, const char *name, ofr_error *err);

/* All but the moments, for which the phase must be known.  forked: the settings may
 * differ.  OFR_INVALID: another run's.  OFR_FORMAT: damaged. */
ofr_status ofr_train_state_read(ofr_trainer *trainer, const ofr_checkpoint *checkpoint,
                                bool forked, ofr_error *err);
/* Has the phase that was planned the place where the run stands?  path: of the file that
 * says so, which is OFR_FORMAT otherwise. */
ofr_status ofr_train_state_place(const ofr_trainer *trainer, const char *path,
                                 ofr_error *err);
/* The moments, into an AdamW that has begun the phase. */
ofr_status ofr_train_state_moments(ofr_trainer *trainer,
                                   const ofr_checkpoint *checkpoint, ofr_error *err);

#endif
