/* evaluate_time.h - texts of a data set as consecutive batches for the runner. */
#ifndef OFR_EVAL_EVALUATE_TIME_H
#define OFR_EVAL_EVALUATE_TIME_H

#include "data/dataset.h"
#include "model/encoder.h"

typedef struct ofr_eval_batch {
    const ofr_dataset *data; /* borrowed */
    int size, n_batches;
    int max_N;               /* tokens of the largest batch */
    int *offsets;            /* [size+1] of the batch given last */
} ofr_eval_batch;

ofr_status ofr_eval_batch_open(ofr_eval_batch *batch, const ofr_dataset *data, int size,
                               ofr_error *err);
void ofr_eval_batch_close(ofr_eval_batch *batch);
/* Texts index * size ...; borrowed until the next call. */
ofr_tokens ofr_eval_batch_at(ofr_eval_batch *batch, int index);

#endif
