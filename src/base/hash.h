/*
 * hash.h - a number that tells contents apart, eight bytes at a time.  No protection
 * against malice: that is sha256.h.
 */
#ifndef OFR_BASE_HASH_H
#define OFR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from h, which begins as any number. */
uint64_t ofr_hash_bytes(uint64_t h, const void *p, size_t n);

#endif
