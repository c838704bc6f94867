/*
 * peak.c - independent chains of multiply-adds in registers, nothing else; and a
 * sum over memory.
 *
 * For the portable table a multiply and an add, which is what it uses.
 */
#include "kernels/peak.h"

#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"

enum { CHAINS = 12, TURNS = 400000, PEAK_SAMPLES = 60, PASSES = 5 };

/* One loop over vectors of type V.  The empty assembly makes every step happen. */
#define PEAK(name, isa, V, lanes, set, fma)                                              \
    isa static double name(void)                                                         \
    {                                                                                    \
        V a = set(0.999f);                                                               \
        V v0 = a, v1 = a, v2 = a, v3 = a, v4 = a, v5 = a;                                \
        V v6 = a, v7 = a, v8 = a, v9 = a, v10 = a, v11 = a;                              \
        double best = 1e30;                                                              \
        for (int s = 0; s < PEAK_SAMPLES; s++) {                                         \
            double start = ofr_clock_seconds();                                          \
            for (int t = 0; t < TURNS; t++) {                                            \
                STEP(0, fma) STEP(1, fma) STEP(2, fma) STEP(3, fma)                      \
                STEP(4, fma) STEP(5, fma) STEP(6, fma) STEP(7, fma)                      \
                STEP(8, fma) STEP(9, fma) STEP(10, fma) STEP(11, fma)                    \
            }                                                                            \
            double seconds = ofr_clock_seconds() - start;                                \
            if (seconds < best) best = seconds;                                          \
        }                                                                                \
        return 2.0 * lanes * CHAINS * TURNS / best;                                      \
    }

#if defined(OFR_X86)

#include <immintrin.h>

#define STEP(i, fma)       \
    v##i = fma(v##i, a, a); \
    __asm__ volatile("" : "+v"(v##i));
#define MUL_ADD(x, y, z) _mm_add_ps(_mm_mul_ps(x, y), z)

PEAK(peak_512, __attribute__((target("avx512f"))), __m512, 16, _mm512_set1_ps,
     _mm512_fmadd_ps)
PEAK(peak_256, __attribute__((target("avx2,fma"))), __m256, 8, _mm256_set1_ps,
     _mm256_fmadd_ps)
PEAK(peak_128, , __m128, 4, _mm_set1_ps, MUL_ADD)

static double peak_core(const char *table)
{
    if (strncmp(table, "avx512", 6) == 0) return peak_512(); /* and avx512vnni */
    if (strcmp(table, "avx2") == 0) return peak_256();
    return peak_128();
}

#else

typedef float vec4 __attribute__((vector_size(16)));

static vec4 set4(float a)
{
    return (vec4){a, a, a, a};
}

#define STEP(i, fma)       \
    v##i = fma(v##i, a, a); \
    __asm__ volatile("" : "+w"(v##i));
#define MUL_ADD(x, y, z) ((x) * (y) + (z))

PEAK(peak_128, , vec4, 4, set4, MUL_ADD)

static double peak_core(const char *table)
{
    (void)table;
    return peak_128();
}

#endif

/* What the threads of one measurement share; padded so that their results do not
 * share a cache line. */
typedef struct measurement {
    const char *table;
    const uint64_t *words;
    size_t n_words;
    struct {
        _Alignas(64) double flops;
        uint64_t sum;
    } of[OFR_THREADS_MAX];
} measurement;

static void flops_part(void *arg, int thread, int n)
{
    measurement *m = arg;
    (void)n;
    m->of[thread].flops = peak_core(m->table);
}

double ofr_peak_flops(ofr_dev *dev)
{
    measurement m = {.table = dev->ops.name};
    ofr_cpu_limits limits;
    double flops = 0;
    ofr_cpu_limits_find(&limits);
    ofr_dev_run(dev, dev->n_threads, flops_part, &m);
    for (int t = 0; t < dev->n_threads; t++)
        flops += m.of[t].flops;
    /* The best moments of threads that take turns are no sum. */
    int at_once = limits.affinity < dev->n_threads ? limits.affinity : dev->n_threads;
    if (limits.cgroup > 0 && limits.cgroup < at_once) at_once = limits.cgroup;
    return flops / dev->n_threads * at_once;
}

/* The sum is kept so that the reading happens. */
static void read_part(void *arg, int thread, int n)
{
    enum { LANES = 32 };
    measurement *m = arg;
    size_t part = m->n_words / (size_t)n / LANES * LANES;
    const uint64_t *words = m->words + part * (size_t)thread;
    uint64_t sums[LANES] = {0}, sum = 0;
    for (size_t i = 0; i < part; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            sums[lane] += words[i + (size_t)lane];
    for (int lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    m->of[thread].sum += sum;
}

double ofr_peak_bytes(ofr_dev *dev, const void *block, size_t bytes)
{
    measurement m = {.words = block, .n_words = bytes / sizeof(uint64_t)};
    double best = 1e30;
    for (int pass = 0; pass < PASSES; pass++) {
        double start = ofr_clock_seconds();
        ofr_dev_run(dev, dev->n_threads, read_part, &m);
        double seconds = ofr_clock_seconds() - start;
        if (seconds < best) best = seconds;
    }
    __asm__ volatile("" : : "r"(&m) : "memory");
    return (double)bytes / best;
}
