/*
 * bench_model.h - the model that is measured, in the precision and on the
 * threads that are asked for in turn.
 */
#ifndef OFR_CLI_BENCH_MODEL_H
#define OFR_CLI_BENCH_MODEL_H

#include "kernels/dev.h"
#include "model/encoder.h"

typedef struct ofr_bench_model {
    const char *dir;        /* a model directory, or NULL: */
    const char *shape;      /* random weights of this shape */
    uint64_t seed;
    bool later;             /* of a directory: pack in the second pass */
    ofr_encoder encoder;    /* packed; has classifiers and policies, random ones
                               where the directory has none */
    ofr_dev *dev;           /* NULL: nothing is open                          */
    int precision, threads; /* as asked for                                   */
    double open_ms;         /* the encoder, packed, and the threads */
    size_t open_peak;       /* bytes resident at most while it was opened */
    double peak_flops[OFR_THREADS_MAX + 1]; /* by threads; 0: not measured yet */
} ofr_bench_model;

/* Open what differs from what is open. */
ofr_status ofr_bench_model_set(ofr_bench_model *model, int precision, int threads,
                               ofr_error *err);
void ofr_bench_model_close(ofr_bench_model *model);

/* OFR_INVALID: the model does not read texts of so many tokens. */
ofr_status ofr_bench_model_reads(const ofr_bench_model *model, int tokens,
                                 ofr_error *err);

/* Flops per second that the threads could do at best; measured once. */
double ofr_bench_model_peak(ofr_bench_model *model);

/* Bytes of all parameters in the opened precision, scales and such left out. */
double ofr_bench_model_weights(const ofr_bench_model *model);

#endif
