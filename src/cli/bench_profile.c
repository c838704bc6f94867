/*
 * bench_profile.c - where the time of a pass goes.
 *
 * The walk calls kernels through a table, so a table of kernels that look at the
 * clock and then call the real ones is all it takes.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/bench_parts.h"
#include "eval/stats.h"

#define WARM_UP 2

/* A worker like the model's, with the same threads and scratch: first member, so
 * that kernels of this file find the rest. */
typedef struct clocked {
    ofr_dev dev;
    ofr_ops real;
    int C, n_products;
    bool in_layer;
    double seconds[OFR_PART_COUNT], flops[OFR_PART_COUNT];
} clocked;

const char *ofr_bench_part_name(ofr_bench_part part)
{
    static const char *const names[OFR_PART_COUNT] = {
        "embeddings", "q, k, v",  "attention",  "attention out",
        "MLP up",     "MLP down", "layer norm", "rest"};
    return names[part];
}

static void add(clocked *c, ofr_bench_part part, double start, double flops)
{
    if (!c->in_layer) part = OFR_PART_EMBED;
    c->seconds[part] += ofr_clock_seconds() - start;
    c->flops[part] += flops;
}

static void linear(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                   const ofr_real *w, const ofr_packed *packed, const ofr_real *b, int R,
                   int I, int O, ofr_act act)
{
    static const ofr_bench_part of_layer[4] = {OFR_PART_QKV, OFR_PART_OUT, OFR_PART_UP,
                                               OFR_PART_DOWN}; /* in this order */
    clocked *c = (clocked *)dev;
    double start = ofr_clock_seconds();
    c->real.linear(dev, y, pre, x, w, packed, b, R, I, O, act);
    add(c, of_layer[c->n_products++ % 4], start, 2.0 * R * I * O);
}

static void attention(ofr_dev *dev, ofr_real *o, ofr_real *p, const ofr_real *qkv,
                      ofr_attn_shape shape, ofr_drop drop)
{
    clocked *c = (clocked *)dev;
    double start = ofr_clock_seconds(), flops = 0;
    c->real.attention(dev, o, p, qkv, shape, drop);
    for (int b = 0; b < shape.B; b++) {
        double T = shape.offsets[b + 1] - shape.offsets[b];
        flops += 4 * T * (shape.queries ? shape.queries[b] : T) * c->C;
    }
    add(c, OFR_PART_ATTENTION, start, flops);
}

static void add_layernorm(ofr_dev *dev, ofr_real *y, ofr_real *s, ofr_real *mean,
                          ofr_real *rstd, const ofr_real *a, const ofr_real *res,
                          const ofr_real *g, const ofr_real *b, int R, int C,
                          ofr_real eps, ofr_drop drop)
{
    clocked *c = (clocked *)dev;
    double start = ofr_clock_seconds();
    c->real.add_layernorm(dev, y, s, mean, rstd, a, res, g, b, R, C, eps, drop);
    add(c, OFR_PART_NORM, start, 0);
}

static void embed(ofr_dev *dev, ofr_real *y, ofr_lookup word, const ofr_real *pos,
                  const ofr_real *type, const int *ids, const int *positions,
                  const int *types, int N, int C)
{
    clocked *c = (clocked *)dev;
    double start = ofr_clock_seconds();
    c->real.embed(dev, y, word, pos, type, ids, positions, types, N, C);
    add(c, OFR_PART_EMBED, start, 0);
}

static void clocked_init(clocked *c, const ofr_bench_model *model)
{
    *c = (clocked){.dev = *model->dev, .real = model->dev->ops};
    c->C = model->encoder.config.C;
    c->dev.ops.linear = linear;
    c->dev.ops.attention = attention;
    c->dev.ops.add_layernorm = add_layernorm;
    c->dev.ops.embed = embed;
}

/* One pass; returns its seconds. */
static double pass(clocked *c, ofr_walk *walk, const ofr_tokens *tokens)
{
    double start = ofr_clock_seconds();
    memset(c->seconds, 0, sizeof c->seconds);
    memset(c->flops, 0, sizeof c->flops);
    c->in_layer = false;
    ofr_walk_begin(walk, tokens);
    c->in_layer = true;
    c->n_products = 0;
    for (int l = 1; l < walk->encoder->config.L; l++)
        ofr_walk_layer(walk);
    ofr_walk_class_half(walk);
    return ofr_clock_seconds() - start;
}

/* times[OFR_PART_COUNT][repeat] in ms. */
static void measure(ofr_bench_profile *profile, clocked *c, ofr_walk *walk,
                    const ofr_tokens *tokens, double *times)
{
    int n = profile->repeat;
    for (int i = -WARM_UP; i < n; i++) {
        double rest = pass(c, walk, tokens);
        if (i < 0) continue;
        for (int part = 0; part < OFR_PART_REST; part++) {
            times[part * n + i] = 1e3 * c->seconds[part];
            rest -= c->seconds[part];
        }
        times[OFR_PART_REST * n + i] = 1e3 * rest;
    }
    for (int part = 0; part < OFR_PART_COUNT; part++) {
        profile->ms[part] = ofr_stats_median(times + part * n, n);
        profile->flops[part] = c->flops[part];
        profile->total_ms += profile->ms[part];
    }
}

ofr_status ofr_bench_measure_profile(ofr_bench_profile *profile, ofr_bench_model *model,
                                     int batch, int tokens, int repeat, ofr_error *err)
{
    size_t n_times = (size_t)OFR_PART_COUNT * (size_t)repeat;
    int *ids = NULL, *offsets = NULL;
    ofr_walk walk;
    clocked c;
    double *times = ofr_mem_array(n_times, sizeof *times);
    ofr_status status = OFR_OK;
    if (!times) status = ofr_fail_nomem(err, n_times * sizeof *times, "timings");
    clocked_init(&c, model);
    if (status == OFR_OK)
        status = ofr_bench_texts(&ids, &offsets, batch, tokens, model->encoder.config.V,
                                 err);
    if (status == OFR_OK)
        status = ofr_walk_open(&walk, &model->encoder, &c.dev, batch, batch * tokens,
                               err);
    if (status == OFR_OK) {
        ofr_tokens texts = {batch, offsets, ids, NULL};
        *profile = (ofr_bench_profile){.batch = batch, .tokens = tokens,
                                       .repeat = repeat};
        measure(profile, &c, &walk, &texts, times);
        ofr_walk_close(&walk);
    }
    ofr_mem_free(ids);
    ofr_mem_free(offsets);
    ofr_mem_free(times);
    return status;
}
