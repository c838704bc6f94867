/*
 * rng.h - random numbers as a pure function of (seed, stream, index).
 *
 * No state: dropout, shuffles and rollouts do not depend on threads or ranks,
 * and a resumed run equals an uninterrupted one.
 */
#ifndef OFR_BASE_RNG_H
#define OFR_BASE_RNG_H

#include <stdint.h>

/* What the numbers are used for; added to a phase or step number below. */
typedef enum ofr_rng_use {
    OFR_RNG_INIT = 1,    /* initial weights       */
    OFR_RNG_ORDER,       /* epoch permutations    */
    OFR_RNG_DROPOUT,     /* dropout masks         */
    OFR_RNG_ROLLOUT,     /* sampled exits         */
    OFR_RNG_EVAL,        /* random floor, bootstrap */
    OFR_RNG_DEMO,        /* generated sentences   */
    OFR_RNG_SPLIT        /* held-out parts        */
} ofr_rng_use;

/* A stream number from a use and two counters (say step and layer). */
uint64_t ofr_rng_stream(ofr_rng_use use, uint64_t a, uint64_t b);

uint64_t ofr_rng_u64(uint64_t seed, uint64_t stream, uint64_t index);
double ofr_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index); /* [0, 1) */
double ofr_rng_normal(uint64_t seed, uint64_t stream, uint64_t index);  /* N(0, 1) */
/* 0..n-1 without bias worth mention (n < 2^32). */
uint32_t ofr_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t n);
/* out[n] = a permutation of 0..n-1 (Fisher-Yates). */
void ofr_rng_permutation(int *out, int n, uint64_t seed, uint64_t stream);

/* The 32-bit mixer that dropout kernels evaluate per element, in scalar and in
 * vector form alike: two rounds of multiply and shift (the finaliser of
 * "lowbias32" by C. Wellons), keyed.  An element is dropped when the result is
 * below p * 2^32. */
static inline uint32_t ofr_rng_mix32(uint32_t key, uint32_t index)
{
    uint32_t x = index ^ key;
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    x ^= x >> 16;
    return x ^ (key * 0x9e3779b9U);
}

#endif
