/* bench_parts.c - cost of deciding, cold start, the machine's peaks. */
#include "cli/bench_parts.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "eval/stats.h"
#include "exit/head.h"
#include "exit/policy.h"
#include "exit/run.h"
#include "kernels/peak.h"

/* Several times the last cache of a large processor's core complex. */
#define MEMORY_BYTES ((size_t)512 << 20)
#define WARM_UP 2

ofr_status ofr_bench_texts(int **ids, int **offsets, int batch, int tokens, int V,
                           ofr_error *err)
{
    size_t n = (size_t)batch * (size_t)tokens;
    if (tokens > INT_MAX / batch)
        return ofr_fail(err, OFR_INVALID,
                        "%d texts of %d tokens are more than can be counted; give fewer "
                        "with --batch",
                        batch, tokens);
    *ids = ofr_mem_array(n, sizeof **ids);
    *offsets = ofr_mem_array((size_t)batch + 1, sizeof **offsets);
    if (!*ids || !*offsets) return ofr_fail_nomem(err, n * sizeof **ids, "texts");
    for (size_t i = 0; i < n; i++)
        (*ids)[i] = (int)((i * 7919 + 13) % (size_t)V);
    for (int b = 0; b <= batch; b++)
        (*offsets)[b] = b * tokens;
    return OFR_OK;
}

/* ---- deciding --------------------------------------------------------------- */

typedef struct deciding {
    ofr_walk walk;
    ofr_real *cls, *c, *pi, *hidden;
    int *ids, *offsets;
    double *layer, *decide; /* [repeat * (L-1)] seconds */
    int n;
} deciding;

static ofr_status deciding_open(deciding *d, ofr_bench_model *model, int batch,
                                int tokens, int repeat, ofr_error *err)
{
    const ofr_config *c = &model->encoder.config;
    size_t B = (size_t)batch, n = (size_t)repeat * (size_t)c->L;
    d->cls = ofr_mem_array(B * (size_t)c->C, sizeof(ofr_real));
    d->c = ofr_mem_array(B * (size_t)c->C, sizeof(ofr_real));
    d->pi = ofr_mem_array(B, sizeof(ofr_real));
    d->hidden = ofr_mem_array(B * (size_t)c->policy_hidden, sizeof(ofr_real));
    d->layer = ofr_mem_array(n, sizeof(double));
    d->decide = ofr_mem_array(n, sizeof(double));
    if (!d->cls || !d->c || !d->pi || !d->hidden || !d->layer || !d->decide)
        return ofr_fail_nomem(err, n * sizeof(double), "timings");
    OFR_TRY(ofr_bench_texts(&d->ids, &d->offsets, batch, tokens, c->V, err));
    return ofr_walk_open(&d->walk, &model->encoder, model->dev, batch, batch * tokens,
                         err);
}

static void deciding_close(deciding *d)
{
    void *const blocks[] = {d->cls, d->c,       d->pi,    d->hidden,
                            d->ids, d->offsets, d->layer, d->decide};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        ofr_mem_free(blocks[i]);
    if (d->walk.encoder) ofr_walk_close(&d->walk);
}

static void decide_once(deciding *d, const ofr_bench_model *model, bool counts)
{
    const ofr_encoder *encoder = &model->encoder;
    int B = d->walk.max_B;
    ofr_tokens tokens = {B, d->offsets, d->ids, NULL};
    ofr_walk_begin(&d->walk, &tokens);
    for (int layer = 1; layer < encoder->config.L; layer++) {
        double start = ofr_clock_seconds(), between;
        ofr_walk_layer(&d->walk);
        between = ofr_clock_seconds();
        ofr_walk_class_rows(&d->walk, d->cls);
        ofr_head_pool(encoder, model->dev, layer, d->c, d->cls, B);
        ofr_policy_stop(encoder, model->dev, layer, d->pi, d->hidden, d->c, B);
        if (!counts) continue;
        d->decide[d->n] = ofr_clock_seconds() - between;
        d->layer[d->n++] = between - start;
    }
}

ofr_status ofr_bench_measure_decide(ofr_bench_decide *decide, ofr_bench_model *model,
                                    int batch, int tokens, int repeat, ofr_error *err)
{
    deciding d = {.n = 0};
    ofr_status status = deciding_open(&d, model, batch, tokens, repeat, err);
    if (status == OFR_OK && model->encoder.config.L < 2)
        status = ofr_fail(err, OFR_INVALID, "--decide: a model of one layer never asks");
    if (status == OFR_OK) {
        for (int i = -WARM_UP; i < repeat; i++)
            decide_once(&d, model, i >= 0);
        *decide = (ofr_bench_decide){batch, tokens, d.n,
                                     1e3 * ofr_stats_median(d.layer, d.n),
                                     1e3 * ofr_stats_median(d.decide, d.n)};
    }
    deciding_close(&d);
    return status;
}

/* ---- cold start ------------------------------------------------------------- */

enum { COLD_OPEN, COLD_FIRST, COLD_TOTAL, COLD_SECOND, COLD_TIMES };

/* Opens the model and has one text answered twice; milliseconds into ms[k][i]. */
static ofr_status open_and_answer(double *const *ms, int i, ofr_bench_model *model,
                                  int precision, int threads, const ofr_tokens *text,
                                  ofr_error *err)
{
    ofr_runner runner;
    int N = text->offsets[text->B];
    double start = ofr_clock_seconds(), opened, answered;
    OFR_TRY(ofr_bench_model_set(model, precision, threads, err));
    opened = ofr_clock_seconds();
    OFR_TRY(ofr_bench_model_reads(model, N, err));
    OFR_TRY(ofr_runner_open(&runner, &model->encoder, model->dev, &ofr_rule_never, 0, 1,
                            N, err));
    ofr_runner_run(&runner, text);
    answered = ofr_clock_seconds();
    ofr_runner_run(&runner, text);
    ms[COLD_SECOND][i] = 1e3 * (ofr_clock_seconds() - answered);
    ms[COLD_OPEN][i] = 1e3 * (opened - start);
    ms[COLD_FIRST][i] = 1e3 * (answered - opened);
    ms[COLD_TOTAL][i] = 1e3 * (answered - start);
    ofr_runner_close(&runner);
    return OFR_OK;
}

ofr_status ofr_bench_measure_cold(ofr_bench_cold *cold, ofr_bench_model *model,
                                  int precision, int threads, int tokens, int repeat,
                                  ofr_error *err)
{
    int *ids = NULL, *offsets = NULL;
    double *ms[COLD_TIMES] = {NULL};
    ofr_status status = ofr_bench_texts(&ids, &offsets, 1, tokens, 1, err);
    for (int k = 0; k < COLD_TIMES && status == OFR_OK; k++) {
        ms[k] = ofr_mem_array((size_t)repeat, sizeof(double));
        if (!ms[k]) status = ofr_fail_nomem(err, (size_t)repeat * 8, "timings");
    }
    for (int i = 0; i < repeat && status == OFR_OK; i++) {
        ofr_tokens text = {1, offsets, ids, NULL};
        ofr_bench_model fresh = {.dir = model->dir, .shape = model->shape,
                                 .seed = model->seed, .later = true};
        ofr_bench_model_close(model);
        *model = fresh;
        status = open_and_answer(ms, i, model, precision, threads, &text, err);
    }
    if (status == OFR_OK)
        *cold = (ofr_bench_cold){tokens, repeat, ofr_stats_median(ms[COLD_OPEN], repeat),
                                 ofr_stats_median(ms[COLD_FIRST], repeat),
                                 ofr_stats_median(ms[COLD_TOTAL], repeat),
                                 ofr_stats_median(ms[COLD_SECOND], repeat)};
    for (int k = 0; k < COLD_TIMES; k++)
        ofr_mem_free(ms[k]);
    ofr_mem_free(ids);
    ofr_mem_free(offsets);
    return status;
}

/* ---- the machine ------------------------------------------------------------ */

ofr_status ofr_bench_measure_peaks(ofr_bench_peaks *peaks, int threads, ofr_error *err)
{
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_dev *dev;
    void *block;
    OFR_TRY(ofr_dev_open(&dev, &ops, threads, 1, err));
    block = ofr_mem_alloc(MEMORY_BYTES);
    if (!block) {
        ofr_dev_close(dev);
        return ofr_fail_nomem(err, MEMORY_BYTES, "a block to read");
    }
    memset(block, 1, MEMORY_BYTES); /* pages of its own, not the shared zero page */
    *peaks = (ofr_bench_peaks){dev->n_threads, ofr_peak_flops(dev),
                               ofr_peak_bytes(dev, block, MEMORY_BYTES)};
    ofr_mem_free(block);
    ofr_dev_close(dev);
    return OFR_OK;
}
