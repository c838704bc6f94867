/*
 * rng.c - random numbers as a pure function of (seed, stream, index).
 *
 * Two keys are made of (seed, stream); the index goes through a bijection of
 * 64-bit words before and after the second key, so that neighbouring indices,
 * streams and seeds give unrelated words.
 */
#include "base/rng.h"

#include <math.h>

#define STEP 0x9e3779b97f4a7c15u /* 2^64 / golden ratio, odd */
#define TWO_PI 6.28318530717958647692

/* Every output bit depends on every input bit; multipliers as in splitmix64. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t ofr_rng_stream(ofr_rng_use use, uint64_t a, uint64_t b)
{
    uint64_t x = mix((uint64_t)use * STEP + 1);
    x = mix(x + a * STEP);
    return mix((x ^ STEP) + b * STEP);
}

uint64_t ofr_rng_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t key = mix(seed + STEP) + stream * STEP;
    uint64_t before = mix(key), after = mix(key ^ STEP);
    return mix(mix(before + index * STEP) ^ after);
}

double ofr_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(ofr_rng_u64(seed, stream, index) >> 11) * 0x1p-53;
}

double ofr_rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    /* Box-Muller; 1 - u lies in (0, 1], so that the logarithm is finite. */
    double u = 1.0 - ofr_rng_uniform(seed, mix(stream + 1), index);
    double v = ofr_rng_uniform(seed, mix(stream + 2), index);
    return sqrt(-2.0 * log(u)) * cos(TWO_PI * v);
}

uint32_t ofr_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t n)
{
    /* floor(word * n / 2^64) in two halves. */
    uint64_t word = ofr_rng_u64(seed, stream, index);
    uint64_t high = (word >> 32) * n, low = (word & 0xffffffffu) * n;
    return (uint32_t)((high + (low >> 32)) >> 32);
}

void ofr_rng_permutation(int *out, int n, uint64_t seed, uint64_t stream)
{
    for (int i = 0; i < n; i++)
        out[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)ofr_rng_below(seed, stream, (uint64_t)i, (uint32_t)i + 1);
        int kept = out[i];
        out[i] = out[j];
        out[j] = kept;
    }
}
