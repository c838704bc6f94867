/*
 * evaluate_time.c - milliseconds per text, early exit against full depth.
 *
 * Both run on the same batches in turn, so that a change of clock speed or a
 * noisy neighbour hits both; which of the two goes first alternates.
 */
#include "eval/evaluate_time.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "eval/evaluate.h"
#include "eval/stats.h"
#include "exit/run.h"

#define RUN_TEXTS 32   /* texts of a timed run, at least   */
#define WARM_CALLS 5
#define CALLS_ENOUGH 100

ofr_status ofr_eval_batch_open(ofr_eval_batch *batch, const ofr_dataset *data, int size,
                               ofr_error *err)
{
    ofr_eval_batch b = {data, size, (data->n + size - 1) / size, 0, NULL};
    for (int i = 0; i < data->n; i += size) {
        int end = i + size < data->n ? i + size : data->n;
        int N = data->offsets[end] - data->offsets[i];
        if (N > b.max_N) b.max_N = N;
    }
    b.offsets = ofr_mem_array((size_t)size + 1, sizeof *b.offsets);
    if (!b.offsets)
        return ofr_fail_nomem(err, ((size_t)size + 1) * sizeof *b.offsets, "a batch");
    *batch = b;
    return OFR_OK;
}

void ofr_eval_batch_close(ofr_eval_batch *batch)
{
    ofr_mem_free(batch->offsets);
    batch->offsets = NULL;
}

ofr_tokens ofr_eval_batch_at(ofr_eval_batch *batch, int index)
{
    const ofr_dataset *data = batch->data;
    int first = index * batch->size;
    int B = data->n - first < batch->size ? data->n - first : batch->size;
    int start = data->offsets[first];
    for (int i = 0; i <= B; i++)
        batch->offsets[i] = data->offsets[first + i] - start;
    return (ofr_tokens){B, batch->offsets, data->ids + start, data->types + start};
}

/* The two runners and what they took. */
typedef struct race {
    ofr_eval_batch batch;
    ofr_runner runner[2];     /* early, full */
    int calls_per_run, n_runs; /* in one pass over the data */
    int *order;               /* [n_runs] */
    double *run_ms[2];        /* [wanted] per text */
    double *call_ms[2];       /* [wanted * calls_per_run] per text */
    double total_ms[2];
    size_t n_texts;
    int wanted, runs, calls;
} race;

static double run_once(ofr_runner *runner, const ofr_tokens *tokens)
{
    double start = ofr_clock_seconds();
    ofr_runner_run(runner, tokens);
    return (ofr_clock_seconds() - start) * 1e3;
}

/* One run of both, on the batches of run `which`. */
static void race_run(race *r, int which)
{
    double sum[2] = {0, 0};
    int n_texts = 0;
    for (int c = 0; c < r->calls_per_run; c++) {
        int index = which * r->calls_per_run + c;
        int first = (r->runs + c) % 2;
        ofr_tokens tokens;
        if (index >= r->batch.n_batches) break;
        tokens = ofr_eval_batch_at(&r->batch, index);
        for (int k = 0; k < 2; k++) {
            int side = first ^ k;
            double ms = run_once(&r->runner[side], &tokens);
            sum[side] += ms;
            r->call_ms[side][r->calls] = ms / tokens.B;
        }
        r->calls++;
        n_texts += tokens.B;
    }
    for (int side = 0; side < 2; side++) {
        r->run_ms[side][r->runs] = sum[side] / n_texts;
        r->total_ms[side] += sum[side];
    }
    r->n_texts += (size_t)n_texts;
    r->runs++;
}

static void race_result(race *r, int side, ofr_eval_time *out)
{
    out->runs = r->runs;
    out->calls = r->calls;
    out->median = ofr_stats_median(r->run_ms[side], r->runs);
    out->mean = r->total_ms[side] / (double)r->n_texts;
    out->p95 = ofr_stats_percentile(r->call_ms[side], r->calls, 95);
}

static void race_close(race *r)
{
    for (int side = 0; side < 2; side++) {
        if (r->runner[side].encoder) ofr_runner_close(&r->runner[side]);
        ofr_mem_free(r->run_ms[side]);
        ofr_mem_free(r->call_ms[side]);
    }
    ofr_mem_free(r->order);
    ofr_eval_batch_close(&r->batch);
}

static ofr_status race_open(race *r, const ofr_encoder *encoder, ofr_dev *dev,
                            const ofr_dataset *data, const ofr_eval_options *o,
                            ofr_error *err)
{
    int size = o->batch > 0 ? o->batch : 1;
    size_t n_calls;
    OFR_TRY(ofr_eval_batch_open(&r->batch, data, size, err));
    r->calls_per_run = (RUN_TEXTS + size - 1) / size;
    if (r->calls_per_run > r->batch.n_batches) r->calls_per_run = r->batch.n_batches;
    r->n_runs = r->batch.n_batches / r->calls_per_run;
    r->wanted = o->timed_runs;
    n_calls = (size_t)r->wanted * (size_t)r->calls_per_run;
    OFR_TRY(ofr_runner_open(&r->runner[0], encoder, dev, o->rule, o->threshold, size,
                            r->batch.max_N, err));
    OFR_TRY(ofr_runner_open(&r->runner[1], encoder, dev, &ofr_rule_never, 0, size,
                            r->batch.max_N, err));
    r->order = ofr_mem_array((size_t)r->n_runs, sizeof *r->order);
    for (int side = 0; side < 2; side++) {
        r->run_ms[side] = ofr_mem_array((size_t)r->wanted, sizeof(double));
        r->call_ms[side] = ofr_mem_array(n_calls, sizeof(double));
    }
    if (!r->order || !r->run_ms[0] || !r->run_ms[1] || !r->call_ms[0] || !r->call_ms[1])
        return ofr_fail_nomem(err, n_calls * sizeof(double), "timings");
    return OFR_OK;
}

ofr_status ofr_eval_timing(ofr_eval_time *early, ofr_eval_time *full,
                           const ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_dataset *data, const ofr_eval_options *options,
                           ofr_error *err)
{
    race r = {.n_runs = 0};
    double start;
    ofr_status status = race_open(&r, encoder, dev, data, options, err);
    if (status != OFR_OK) goto done;
    ofr_rng_permutation(r.order, r.n_runs, options->seed,
                        ofr_rng_stream(OFR_RNG_EVAL, 0, 1));
    for (int i = 0; i < WARM_CALLS; i++) {
        ofr_tokens tokens = ofr_eval_batch_at(&r.batch, i % r.batch.n_batches);
        ofr_runner_run(&r.runner[0], &tokens);
        ofr_runner_run(&r.runner[1], &tokens);
    }
    start = ofr_clock_seconds();
    while (r.runs < r.wanted) {
        race_run(&r, r.order[r.runs % r.n_runs]);
        if (options->progress &&
            !options->progress(options->user, 2 * data->n + (int)((double)data->n *
                               r.runs / r.wanted), 3 * data->n)) {
            status = ofr_fail(err, OFR_INTERRUPTED, "interrupted during timing");
            goto done;
        }
        if (r.calls >= CALLS_ENOUGH &&
            ofr_clock_seconds() - start > options->timed_seconds)
            break;
    }
    race_result(&r, 0, early);
    race_result(&r, 1, full);
done:
    race_close(&r);
    return status;
}
