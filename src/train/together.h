/*
 * together.h - what the loop does because it is one of several ranks.
 *
 * Ranks hold equal weights, moments and counters all the time, and take every
 * decision alike: from numbers that were summed over ranks, or by asking one another.
 * With one rank each of these functions gives back what it was given.
 */
#ifndef OFR_TRAIN_TOGETHER_H
#define OFR_TRAIN_TOGETHER_H

#include "train/train.h"

/* Is it true on any rank?  Only where no rank can have failed without the others. */
bool ofr_together_any(const ofr_comm *comm, bool mine);

/* The largest of all ranks' numbers; under the same condition. */
int ofr_together_most(const ofr_comm *comm, int mine);

/* At the start: do all ranks have the same kernels, settings, data, counters and
 * weights?  OFR_INVALID on a rank that differs from rank 0.  Later: still the same
 * weights?  OFR_DIVERGED. */
ofr_status ofr_together_start(const ofr_trainer *trainer, ofr_error *err);
ofr_status ofr_together_still(const ofr_trainer *trainer, ofr_error *err);

/* Room of a name of kernels; zeros follow it. */
enum { OFR_KERNELS_NAME = 16 };
void ofr_together_kernels(char out[OFR_KERNELS_NAME], const ofr_trainer *trainer);

/* A run may go on with another number of ranks or with other kernels; it hears what
 * that means. */
ofr_status ofr_together_resume(const ofr_trainer *trainer,
                               const ofr_checkpoint *checkpoint, ofr_error *err);

/* The gradient and losses of a step, summed. */
ofr_status ofr_together_step(ofr_trainer *trainer, ofr_step *step, ofr_error *err);

#endif
