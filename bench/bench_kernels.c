/*
 * bench_kernels.c - what the kernels reach of what the processor can do.
 *
 *   bench_kernels [scalar|avx2|avx512|avx512vnni] [THREADS]
 *
 * Prints aligned tables.  Every number is the best of several samples taken in
 * turn, so that a noisy neighbour costs time and not truth; per cent of peak is
 * against a loop of independent multiply-adds in registers, measured here.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kernels/dev.h"
#include "kernels/peak.h"

enum { SAMPLES = 12 };

struct bench {
    ofr_dev *dev;
    double peak; /* flops per second of one core */
    ofr_real *x, *y, *z, *w, *packed, *g;
    void *held[OFR_PRECISION_COUNT]; /* a packed matrix at each precision */
};

typedef void (*work_fn)(struct bench *bench, const int *n);

/* One thread is timed by the processor time it got, which other programs do not
 * lengthen; several by the clock. */
static double now(const struct bench *bench)
{
    struct timespec t;
    if (bench->dev->n_threads > 1) return ofr_clock_seconds();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call: best of SAMPLES, each of enough calls to be measured. */
static double best_seconds(struct bench *bench, work_fn work, const int *n)
{
    double best = 1e30, start = now(bench);
    work(bench, n);
    double once = now(bench) - start;
    int calls = once > 2e-3 ? 1 : (int)(2e-3 / (once > 1e-7 ? once : 1e-7)) + 1;
    for (int s = 0; s < SAMPLES; s++) {
        start = now(bench);
        for (int i = 0; i < calls; i++)
            work(bench, n);
        double seconds = (now(bench) - start) / calls;
        if (seconds < best) best = seconds;
    }
    return best;
}

/* ---- products ------------------------------------------------------------- */

static void run_at(struct bench *b, const int *n, ofr_precision precision)
{
    const ofr_packed held = {precision, b->held[precision]};
    b->dev->ops.linear(b->dev, b->y, NULL, b->x, NULL, &held, b->g, n[0], n[1], n[2],
                       OFR_ACT_NONE);
}

static void run_f32(struct bench *b, const int *n)
{
    run_at(b, n, OFR_PRECISION_F32);
}

static void run_f16(struct bench *b, const int *n)
{
    run_at(b, n, OFR_PRECISION_F16);
}

static void run_bf16(struct bench *b, const int *n)
{
    run_at(b, n, OFR_PRECISION_BF16);
}

static void run_int8(struct bench *b, const int *n)
{
    run_at(b, n, OFR_PRECISION_INT8);
}

static void run_unpacked(struct bench *b, const int *n)
{
    b->dev->ops.linear(b->dev, b->y, NULL, b->x, b->w, NULL, b->g, n[0], n[1], n[2],
                       OFR_ACT_NONE);
}

/* dx[R,I] = dy[R,O] w[O,I] */
static void run_dx(struct bench *b, const int *n)
{
    b->dev->ops.gemm(b->dev, b->x, n[1], (ofr_mat){b->y, n[2], 1},
                     (ofr_mat){b->w, n[1], 1}, n[0], n[1], n[2], false);
}

/* dw[O,I] += dy^T x */
static void run_dw(struct bench *b, const int *n)
{
    b->dev->ops.gemm(b->dev, b->w, n[1], (ofr_mat){b->z, 1, n[2]},
                     (ofr_mat){b->x, n[1], 1}, n[2], n[1], n[0], true);
}

static void products(struct bench *bench)
{
    static const int shapes[][2] = {{256, 256},  {256, 768},  {256, 1024},  {1024, 256},
                                    {768, 768},  {768, 2304}, {768, 3072}, {3072, 768}};
    static const int rows[] = {1, 4, 8, 16, 32, 64, 128, 512, 2048};
    printf("\nproducts, %d thread(s), per cent of the peak of the cores used\n",
           bench->dev->n_threads);
    printf("%-14s %6s %8s %8s %8s %8s %8s %8s %8s\n", "in x out", "rows", "f32", "f16",
           "bf16", "int8", "unpacked", "dX", "dW");
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        int I = shapes[s][0], O = shapes[s][1];
        for (int p = 0; p < OFR_PRECISION_COUNT; p++)
            bench->dev->ops.pack(bench->dev, bench->held[p], (ofr_precision)p, bench->w,
                                 O, I);
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
            int n[3] = {rows[r], I, O};
            const work_fn work[] = {run_f32,      run_f16, run_bf16, run_int8,
                                    run_unpacked, run_dx,  run_dw};
            double flops = 2.0 * n[0] * I * O;
            printf("%5d x %-6d %6d", I, O, n[0]);
            for (int k = 0; k < 7; k++)
                printf(" %8.1f", 100 * flops / best_seconds(bench, work[k], n) /
                                     (bench->peak * bench->dev->n_threads));
            printf("\n");
            fflush(stdout);
        }
    }
}

/* ---- everything else: GB/s of what must be read and written ------------------- */

static void run_norm(struct bench *b, const int *n)
{
    b->dev->ops.add_layernorm(b->dev, b->y, b->w, b->g, b->g + n[0], b->x, b->z, b->x,
                              b->z, n[0], n[1], (ofr_real)1e-12, (ofr_drop){0});
}

static void run_norm_bwd(struct bench *b, const int *n)
{
    b->dev->ops.layernorm_bwd(b->dev, b->y, b->packed, b->packed + n[1], b->z, b->x, b->g,
                              b->g + n[0], b->x, n[0], n[1]);
}

static void run_gelu(struct bench *b, const int *n)
{
    b->dev->ops.act(b->dev, b->y, b->x, (size_t)n[0] * (size_t)n[1], OFR_ACT_GELU);
}

static void run_gelu_bwd(struct bench *b, const int *n)
{
    b->dev->ops.act_bwd(b->dev, b->y, b->z, b->x, (size_t)n[0] * (size_t)n[1],
                        OFR_ACT_GELU);
}

static void run_dropout(struct bench *b, const int *n)
{
    b->dev->ops.dropout(b->dev, b->y, b->x, (size_t)n[0] * (size_t)n[1],
                        (ofr_drop){5, 0x19999999u, (ofr_real)1.1, 0});
}

static void run_col_sum(struct bench *b, const int *n)
{
    b->dev->ops.col_sum(b->dev, b->packed, b->x, n[0], n[1]);
}

static void run_add(struct bench *b, const int *n)
{
    b->dev->ops.add(b->dev, b->y, b->x, (size_t)n[0] * (size_t)n[1]);
}

static void run_squares(struct bench *b, const int *n)
{
    (void)b->dev->ops.sum_squares(b->dev, b->x, (size_t)n[0] * (size_t)n[1]);
}

static void run_adamw(struct bench *b, const int *n)
{
    size_t quarter = (size_t)n[0] * (size_t)n[1] / 4;
    ofr_adamw_step step = {1e-4, 0.9, 0.999, 1e-8, 0.01, 0.1, 1e-3, 1};
    b->dev->ops.adamw(b->dev, b->w, b->x, b->w + quarter, b->z, quarter, step);
}

static void rows(struct bench *bench)
{
    static const struct {
        const char *name;
        work_fn work;
        double reals; /* read and written per element */
    } kernels[] = {
        {"add_layernorm", run_norm, 4}, {"layernorm_bwd", run_norm_bwd, 5},
        {"gelu", run_gelu, 2},          {"gelu_bwd", run_gelu_bwd, 3},
        {"dropout", run_dropout, 2},    {"col_sum", run_col_sum, 1},
        {"add", run_add, 3},            {"sum_squares", run_squares, 1},
        {"adamw", run_adamw, 7.0 / 4},
    };
    static const int shapes[][2] = {{32, 256}, {2048, 256}, {2048, 1024}};
    printf("\nelements and rows, %d thread(s): Gelement/s and GB/s\n",
           bench->dev->n_threads);
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
        printf("%-14s", kernels[k].name);
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            double n = (double)shapes[s][0] * shapes[s][1];
            double seconds = best_seconds(bench, kernels[k].work, shapes[s]);
            printf("  %4dx%-4d %6.2f %6.1f", shapes[s][0], shapes[s][1],
                   n / seconds / 1e9,
                   n * kernels[k].reals * sizeof(ofr_real) / seconds / 1e9);
        }
        printf("\n");
    }
}

/* ---- attention -------------------------------------------------------------------- */

static ofr_attn_shape attn_shape(int *offsets, size_t *p_offsets, const int *n)
{
    for (int b = 0; b <= n[0]; b++) {
        offsets[b] = b * n[1];
        p_offsets[b] = (size_t)b * (size_t)n[2] * (size_t)n[1] * (size_t)n[1];
    }
    return (ofr_attn_shape){n[0], n[2], 64, offsets, p_offsets, NULL};
}

static void run_attention(struct bench *b, const int *n)
{
    int offsets[65];
    size_t p_offsets[65];
    ofr_attn_shape s = attn_shape(offsets, p_offsets, n);
    b->dev->ops.attention(b->dev, b->y, NULL, b->x, s, (ofr_drop){0});
}

static void run_attention_train(struct bench *b, const int *n)
{
    int offsets[65];
    size_t p_offsets[65];
    ofr_attn_shape s = attn_shape(offsets, p_offsets, n);
    b->dev->ops.attention(b->dev, b->y, b->w, b->x, s,
                          (ofr_drop){5, 0x19999999u, (ofr_real)1.1, 0});
}

static void run_attention_bwd(struct bench *b, const int *n)
{
    int offsets[65];
    size_t p_offsets[65];
    ofr_attn_shape s = attn_shape(offsets, p_offsets, n);
    b->dev->ops.attention_bwd(b->dev, b->packed, b->y, b->x, b->w, s,
                              (ofr_drop){5, 0x19999999u, (ofr_real)1.1, 0});
}

static void attention(struct bench *bench)
{
    static const int shapes[][3] = {{1, 16, 4},  {1, 64, 4},   {1, 64, 12}, {1, 128, 12},
                                    {32, 16, 4}, {32, 64, 4},  {8, 64, 12}, {8, 128, 12},
                                    {2, 512, 12}};
    printf("\nattention, heads of 64, %d thread(s): microseconds and per cent of peak\n",
           bench->dev->n_threads);
    printf("%-20s %18s %18s %18s\n", "texts x tokens, heads", "forward",
           "with p, dropout", "backward");
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        const int *n = shapes[s];
        const work_fn work[] = {run_attention, run_attention_train, run_attention_bwd};
        double flops = 4.0 * n[0] * n[2] * n[1] * n[1] * 64;
        printf("%4d x %-4d %2d heads  ", n[0], n[1], n[2]);
        for (int k = 0; k < 3; k++) {
            double seconds = best_seconds(bench, work[k], n);
            printf(" %10.1f %5.1f %%", seconds * 1e6,
                   100 * flops * (k == 2 ? 2.5 : 1) / seconds /
                       (bench->peak * bench->dev->n_threads));
        }
        printf("\n");
    }
}

/* What a parallel region costs: two threads, nothing to do. */
static void nothing(void *arg, int thread, int n)
{
    (void)arg;
    (void)thread;
    (void)n;
}

static void run_nothing(struct bench *b, const int *n)
{
    (void)n;
    ofr_dev_run(b->dev, b->dev->n_threads, nothing, NULL);
}

int main(int argc, char **argv)
{
    const size_t reals = (size_t)10 << 20;
    unsigned features = ofr_cpu_features();
    if (argc > 1 && strcmp(argv[1], "scalar") == 0) features = 0;
    if (argc > 1 && strcmp(argv[1], "avx2") == 0) features &= OFR_CPU_AVX2;
    if (argc > 1 && strcmp(argv[1], "avx512") == 0)
        features &= OFR_CPU_AVX2 | OFR_CPU_AVX512;
    struct bench bench = {0};
    ofr_ops ops = ofr_ops_select(features);
    char name[128];
    if (ofr_dev_open(&bench.dev, &ops, argc > 2 ? atoi(argv[2]) : 0, 512, NULL)) return 1;
    ofr_real **all[] = {&bench.x, &bench.y, &bench.z, &bench.w, &bench.packed, &bench.g};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!(*all[i] = ofr_mem_array(reals, sizeof(ofr_real)))) return 1;
        for (size_t j = 0; j < reals; j++)
            (*all[i])[j] = (ofr_real)(ofr_rng_uniform(1, i, j) * 0.1);
    }
    for (int p = 0; p < OFR_PRECISION_COUNT; p++)
        if (!(bench.held[p] = ofr_mem_zalloc((size_t)16 << 20))) return 1;
    bench.peak = ofr_peak_flops(bench.dev) / bench.dev->n_threads;
    ofr_cpu_name(name);
    printf("%s, table %s, peak %.1f GFLOP/s a core\n", name, ops.name, bench.peak / 1e9);
    printf("parallel region %.2f us\n", best_seconds(&bench, run_nothing, NULL) * 1e6);
    products(&bench);
    attention(&bench);
    rows(&bench);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ofr_mem_free(*all[i]);
    for (int p = 0; p < OFR_PRECISION_COUNT; p++)
        ofr_mem_free(bench.held[p]);
    ofr_dev_close(bench.dev);
    return 0;
}
