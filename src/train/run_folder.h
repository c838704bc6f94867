/*
 * run_folder.h - the folder of a training run: what is looked at before hours of work
 * begin, and what a failed run says about going on.
 */
#ifndef OFR_TRAIN_RUN_FOLDER_H
#define OFR_TRAIN_RUN_FOLDER_H

#include "train/train.h"

#define OFR_RUN_LATEST "checkpoint/state.safetensors"
#define OFR_RUN_AFTER_FIRST "checkpoint/first.safetensors"

/* Make the folders of options->out and remove what killed runs left half written.  See
 * that files can be written there and that the disk has room: a checkpoint is up to
 * state_bytes, the model model_bytes.  Then, unless this run is resumed, let
 * options->begin() give up an earlier run and remove its checkpoints, which would be
 * taken for this run's own.  OFR_IO, OFR_NOT_FOUND. */
ofr_status ofr_run_folder_prepare(const ofr_train_options *options, bool resumed,
                                  double state_bytes, double model_bytes,
                                  ofr_error *err);

/* After a failure of memory or disk, or a number that is not finite: `err` and how to
 * go on.  Returns status. */
ofr_status ofr_run_folder_advise(const char *out, const char *resume_command,
                                 ofr_status status, ofr_error *err);

#endif
