/*
 * bench_train.c - milliseconds of one training step: forward, backward, AdamW.
 *
 * The same work as peers/train_step.py: joint loss over all internal
 * classifiers, float32, no dropout, clipping at 1.0.  Texts are random tokens,
 * either --tokens long or as long as the lines of --lengths FILE, drawn in
 * random order.  Prints one JSON line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/rng.h"
#include "eval/stats.h"
#include "exit/head.h"
#include "nn/loss.h"

typedef struct options {
    bool help;
    const char *shape, *lengths;
    int batch, tokens, threads, steps, warmup;
    uint64_t seed;
} options;

#define AT(field) offsetof(options, field)
static const ofr_opt table[] = {
    {"help", 'h', OFR_OPT_FLAG, AT(help), NULL, NULL, NULL, 0, 0, "show this help", NULL},
    {"shape", 0, OFR_OPT_TEXT, AT(shape), "small", "NAME", NULL, 0, 0,
     "shape as in `offramp init`", NULL},
    {"lengths", 0, OFR_OPT_TEXT, AT(lengths), NULL, "FILE", NULL, 0, 0,
     "tokens of each text, one number per line", NULL},
    {"batch", 0, OFR_OPT_INT, AT(batch), "32", "N", NULL, 1, 4096, "texts per step",
     NULL},
    {"tokens", 0, OFR_OPT_INT, AT(tokens), "64", "N", NULL, 1, 512, "tokens per text",
     NULL},
    {"threads", 0, OFR_OPT_INT, AT(threads), "0", "N", NULL, 0, 64, "0: all", NULL},
    {"steps", 0, OFR_OPT_INT, AT(steps), "10", "N", NULL, 1, 100000, "counted steps",
     NULL},
    {"warmup", 0, OFR_OPT_INT, AT(warmup), "2", "N", NULL, 0, 100000,
     "steps not counted, first", NULL},
    {"seed", 0, OFR_OPT_U64, AT(seed), "1", "N", NULL, 0, 0, "random seed", NULL},
    {NULL, 0, OFR_OPT_FLAG, 0, NULL, NULL, NULL, 0, 0, NULL, NULL},
};

typedef struct bench {
    options opt;
    ofr_dev *dev;
    ofr_encoder encoder;
    ofr_trace trace;
    ofr_heads heads;
    ofr_real *grads, *m, *v, *cls, *dcls, *dz;
    int *lengths, n_lengths, max_T;
    int *offsets, *ids, *types, *labels;
} bench;

static ofr_status read_lengths(bench *b, ofr_error *err)
{
    if (b->opt.lengths == NULL) {
        b->n_lengths = b->opt.batch;
        b->lengths = ofr_mem_array((size_t)b->n_lengths, sizeof(int));
        if (b->lengths == NULL) return ofr_fail_nomem(err, 0, "lengths");
        for (int i = 0; i < b->n_lengths; i++)
            b->lengths[i] = b->opt.tokens;
        b->max_T = b->opt.tokens;
        return OFR_OK;
    }
    ofr_buf text;
    ofr_buf_init(&text);
    ofr_status status = ofr_file_read(&text, b->opt.lengths, 1u << 28, err);
    if (status == OFR_OK) {
        b->lengths = ofr_mem_array(text.n / 2 + 1, sizeof(int));
        char *at = text.p;
        for (char *end; b->lengths != NULL; at = end) {
            long length = strtol(at, &end, 10);
            if (end == at) break;
            if (length < 1 || length > 512) {
                status = ofr_fail(err, OFR_FORMAT, "%s: length %ld, expected 1..512",
                                  b->opt.lengths, length);
                break;
            }
            b->lengths[b->n_lengths++] = (int)length;
            if ((int)length > b->max_T) b->max_T = (int)length;
        }
    }
    ofr_buf_free(&text);
    if (status == OFR_OK && b->n_lengths < b->opt.batch)
        status = ofr_fail(err, OFR_FORMAT, "%s: %d lengths, a batch takes %d",
                          b->opt.lengths, b->n_lengths, b->opt.batch);
    return status;
}

static ofr_status open_bench(bench *b, ofr_error *err)
{
    int B = b->opt.batch;
    OFR_TRY(read_lengths(b, err));
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    OFR_TRY(ofr_dev_open(&b->dev, &ops, b->opt.threads, b->max_T, err));
    ofr_config config;
    OFR_TRY(ofr_config_shape(&config, OFR_FAMILY_ELECTRA, b->opt.shape, 30522, err));
    ofr_status status = ofr_config_set_labels(&config, 2, NULL, false, err);
    if (status == OFR_OK)
        status = ofr_encoder_new(&b->encoder, &config, b->opt.seed, err);
    ofr_config_free(&config);
    OFR_TRY(status);
    const ofr_config *c = &b->encoder.config;
    OFR_TRY(ofr_trace_open(&b->trace, &b->encoder, b->dev, B, b->max_T, B * b->max_T,
                           err));
    OFR_TRY(ofr_heads_open(&b->heads, &b->encoder, b->dev, B, err));
    size_t total = b->encoder.params.total;
    size_t rows = (size_t)c->L * (size_t)B;
    size_t N = (size_t)B * (size_t)b->max_T;
    b->grads = ofr_mem_array(total, sizeof(ofr_real));
    b->m = ofr_mem_array(total, sizeof(ofr_real));
    b->v = ofr_mem_array(total, sizeof(ofr_real));
    b->cls = ofr_mem_array(rows * (size_t)c->C, sizeof(ofr_real));
    b->dcls = ofr_mem_array(rows * (size_t)c->C, sizeof(ofr_real));
    b->dz = ofr_mem_array(rows * (size_t)c->K, sizeof(ofr_real));
    b->offsets = ofr_mem_array((size_t)B + 1, sizeof(int));
    b->ids = ofr_mem_array(N, sizeof(int));
    b->types = ofr_mem_array(N, sizeof(int));
    b->labels = ofr_mem_array((size_t)B, sizeof(int));
    if (b->grads == NULL || b->m == NULL || b->v == NULL || b->cls == NULL ||
        b->dcls == NULL || b->dz == NULL || b->offsets == NULL || b->ids == NULL ||
        b->types == NULL || b->labels == NULL)
        return ofr_fail_nomem(err, total * sizeof(ofr_real), "the optimizer");
    return OFR_OK;
}

static void close_bench(bench *b)
{
    void *blocks[] = {b->grads, b->m,       b->v,   b->cls,   b->dcls,
                      b->dz,    b->offsets, b->ids, b->types, b->labels,
                      b->lengths};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        ofr_mem_free(blocks[i]);
    ofr_heads_close(&b->heads);
    ofr_trace_close(&b->trace);
    ofr_encoder_close(&b->encoder);
    ofr_dev_close(b->dev);
}

/* Random texts of step `step`; returns their tokens. */
static int draw_batch(bench *b, int step)
{
    uint64_t stream = ofr_rng_stream(OFR_RNG_EVAL, (uint64_t)step, 0);
    int N = 0;
    for (int i = 0; i < b->opt.batch; i++) {
        uint32_t pick = ofr_rng_below(b->opt.seed, stream, (uint64_t)i,
                                      (uint32_t)b->n_lengths);
        b->offsets[i] = N;
        for (int t = 0; t < b->lengths[pick]; t++, N++) {
            b->ids[N] = 1000 + (int)ofr_rng_below(b->opt.seed, stream + 1, (uint64_t)N,
                                                  29000);
            b->types[N] = 0;
        }
        b->labels[i] = (int)ofr_rng_below(b->opt.seed, stream + 2, (uint64_t)i, 2);
    }
    b->offsets[b->opt.batch] = N;
    return N;
}

static double one_step(bench *b, int step)
{
    const ofr_config *c = &b->encoder.config;
    int B = b->opt.batch, L = c->L, K = c->K;
    size_t total = b->encoder.params.total;
    ofr_tokens tokens = {B, b->offsets, b->ids, b->types};
    memset(b->grads, 0, total * sizeof *b->grads);
    ofr_trace_forward(&b->trace, &tokens, b->cls, false, 0);
    ofr_heads_forward(&b->heads, b->cls, B, false, 0);
    memset(b->dz, 0, (size_t)L * (size_t)B * (size_t)K * sizeof *b->dz);
    double loss = 0.0;
    for (int l = 0; l < L; l++)
        for (int i = 0; i < B; i++) {
            double weight = 2.0 * (l + 1) / (L * (L + 1.0)) / B;
            const ofr_real *z =
                b->heads.z + ((size_t)l * (size_t)B + (size_t)i) * (size_t)K;
            ofr_real *dz = b->dz + (z - b->heads.z);
            loss += weight * ofr_loss_ce(z, K, b->labels[i]);
            ofr_loss_ce_bwd(dz, z, K, b->labels[i], weight);
        }
    int top = ofr_heads_backward(&b->heads, b->grads, b->dcls, b->dz);
    ofr_trace_backward(&b->trace, b->grads, b->dcls, top);
    double norm = sqrt(b->dev->ops.sum_squares(b->dev, b->grads, total));
    ofr_adamw_step s = {.lr = 1e-5, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8,
                        .decay = 0.01,
                        .correct1 = 1.0 - pow(0.9, step + 1),
                        .correct2 = 1.0 - pow(0.999, step + 1),
                        .grad_scale = norm > 1.0 ? 1.0 / norm : 1.0};
    b->dev->ops.adamw(b->dev, b->encoder.w, b->grads, b->m, b->v, total, s);
    return loss;
}

static ofr_status run_bench(bench *b, ofr_error *err)
{
    int steps = b->opt.steps;
    double *ms = ofr_mem_array((size_t)steps, sizeof(double));
    if (ms == NULL) return ofr_fail_nomem(err, 0, "timings");
    double sum = 0.0, tokens = 0.0, loss = 0.0;
    for (int step = 0; step < b->opt.warmup + steps; step++) {
        int N = draw_batch(b, step);
        double start = ofr_clock_seconds();
        loss = one_step(b, step);
        double took = 1000.0 * (ofr_clock_seconds() - start);
        if (step < b->opt.warmup) continue;
        ms[step - b->opt.warmup] = took;
        sum += took;
        tokens += N;
    }
    const double median = ofr_stats_median(ms, steps); /* sorts them */
    printf(
        "{\"bench\": \"train_step\", \"program\": \"offramp %s\", \"ops\": \"%s\", "
        "\"shape\": \"%s\", \"batch\": %d, \"threads\": %d, \"tokens_per_step\": %.1f, "
        "\"real_lengths\": %s, \"steps\": %d, \"ms_min\": %.2f, \"ms_median\": %.2f, "
        "\"ms_mean\": %.2f, \"last_loss\": %.4f}\n",
        ofr_version(), b->dev->ops.name, b->opt.shape, b->opt.batch, b->dev->n_threads,
        tokens / steps, b->opt.lengths != NULL ? "true" : "false", steps, ms[0],
        median, sum / steps, loss);
    ofr_mem_free(ms);
    return OFR_OK;
}

int main(int argc, char **argv)
{
    static bench b;
    ofr_error err = {OFR_OK, ""};
    char **args;
    int n_args;
    ofr_opt_defaults(table, &b.opt);
    ofr_status status =
        ofr_opt_parse(table, &b.opt, NULL, argc, argv, &args, &n_args, &err);
    if (status == OFR_OK && b.opt.help) {
        ofr_buf help;
        ofr_buf_init(&help);
        ofr_opt_help(table, &help);
        fputs(help.p, stdout);
        ofr_buf_free(&help);
        return 0;
    }
    if (status == OFR_OK) status = open_bench(&b, &err);
    if (status == OFR_OK) status = run_bench(&b, &err);
    if (status != OFR_OK) fprintf(stderr, "bench_train: %s\n", err.text);
    close_bench(&b);
    return status == OFR_OK ? 0 : 1;
}
