/*
 * bench_parts.h - what `offramp bench` measures besides whole passes: the cost of
 * deciding, the parts of a layer, a cold start, the machine.
 */
#ifndef OFR_CLI_BENCH_PARTS_H
#define OFR_CLI_BENCH_PARTS_H

#include "cli/bench_model.h"

/* `batch` texts of `tokens` tokens: ids[batch*tokens] below V, offsets[batch+1];
 * caller frees both with ofr_mem_free(), also after a failure. */
ofr_status ofr_bench_texts(int **ids, int **offsets, int batch, int tokens, int V,
                           ofr_error *err);

/* After each layer but the last: class rows, pooler, policy; against the layer.
 * Medians over layers and repeats. */
typedef struct ofr_bench_decide {
    int batch, tokens, calls;
    double layer_ms, decide_ms;
} ofr_bench_decide;

ofr_status ofr_bench_measure_decide(ofr_bench_decide *decide, ofr_bench_model *model,
                                    int batch, int tokens, int repeat, ofr_error *err);

typedef enum ofr_bench_part {
    OFR_PART_EMBED, OFR_PART_QKV, OFR_PART_ATTENTION, OFR_PART_OUT, OFR_PART_UP,
    OFR_PART_DOWN, OFR_PART_NORM, OFR_PART_REST, OFR_PART_COUNT
} ofr_bench_part;

const char *ofr_bench_part_name(ofr_bench_part part);

/* One pass, split: medians over repeats of the sum over layers. */
typedef struct ofr_bench_profile {
    int batch, tokens, repeat;
    double ms[OFR_PART_COUNT];    /* rest: what no kernel accounts for */
    double flops[OFR_PART_COUNT]; /* of products and attention */
    double total_ms;
} ofr_bench_profile;

ofr_status ofr_bench_measure_profile(ofr_bench_profile *profile, ofr_bench_model *model,
                                     int batch, int tokens, int repeat, ofr_error *err);

/* A model directory that the page cache holds: opened, and one text answered twice;
 * the second answer may pack what the first read in the file.
 * Whatever the model was before, it stays open as the last opening left it. */
typedef struct ofr_bench_cold {
    int tokens, repeat;
    double open_ms, first_ms, total_ms, second_ms; /* medians */
} ofr_bench_cold;

ofr_status ofr_bench_measure_cold(ofr_bench_cold *cold, ofr_bench_model *model,
                                  int precision, int threads, int tokens, int repeat,
                                  ofr_error *err);

typedef struct ofr_bench_peaks {
    int threads;
    double flops, bytes; /* per second */
} ofr_bench_peaks;

ofr_status ofr_bench_measure_peaks(ofr_bench_peaks *peaks, int threads, ofr_error *err);

#endif
