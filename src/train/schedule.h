/*
 * schedule.h - the learning rate of a step, and the factor that clips a gradient.
 */
#ifndef OFR_TRAIN_SCHEDULE_H
#define OFR_TRAIN_SCHEDULE_H

typedef enum ofr_schedule { OFR_SCHEDULE_LINEAR, OFR_SCHEDULE_CONSTANT } ofr_schedule;

/* Rate of step `step` (0-based) of `total`.  Both rise linearly from 0 during the
 * first warmup * total steps (rounded down); `linear` then falls to 0 at `total`,
 * `constant` stays. */
double ofr_schedule_rate(ofr_schedule schedule, double peak, long long step,
                         long long total, double warmup);

/* min(1, limit / (norm + 1e-6)), as PyTorch clips; 1 when limit is 0. */
double ofr_schedule_clip(double norm, double limit);

#endif
