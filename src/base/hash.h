/*
 * hash.h - numbers that tell contents apart.  No protection against malice: that is
 * sha256.h.
 */
#ifndef OFR_BASE_HASH_H
#define OFR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Eight bytes at a time.  Goes on from h, which begins as any number. */
uint64_t ofr_hash_bytes(uint64_t h, const void *p, size_t n);

/* FNV-1a, for what files hold and what seeds random numbers, where other bits would be
 * another result.  Goes on from h, which begins as OFR_HASH_FNV. */
#define OFR_HASH_FNV 0xcbf29ce484222325u
uint64_t ofr_hash_fnv(uint64_t h, const void *p, size_t n);

#endif
