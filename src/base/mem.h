/*
 * mem.h - the only allocator.
 *
 * Blocks are aligned to 64 bytes.  Tests use the counters to prove that nothing
 * leaks, ofr_mem_fail_at() to make allocation n fail, and ofr_mem_forbid() to
 * prove that hot paths do not allocate.  Thread-safe.
 */
#ifndef OFR_BASE_MEM_H
#define OFR_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#define OFR_ALIGN 64

/* NULL when memory is short or `bytes` is absurd.  bytes == 0 gives a valid
 * pointer.  ofr_mem_zalloc() clears the block. */
void *ofr_mem_alloc(size_t bytes);
void *ofr_mem_zalloc(size_t bytes);

/* count * size with overflow check, cleared. */
void *ofr_mem_array(size_t count, size_t size);

/* Move to a block of `new_bytes`, keeping the first min(old, new) bytes; the
 * old block survives when NULL is returned. */
void *ofr_mem_resize(void *p, size_t old_bytes, size_t new_bytes);

/* Copy of n bytes with a NUL behind them. */
char *ofr_mem_strdup(const char *s, size_t n);

void ofr_mem_free(void *p); /* NULL is allowed */

/* Allocations made since the start, and blocks alive now. */
size_t ofr_mem_count(void);
size_t ofr_mem_live(void);

/* Allocation number n from now (1 = the next) fails: once, or that one and all
 * later ones.  n == 0 switches it off. */
void ofr_mem_fail_at(size_t n, bool for_good);

/* While forbidden, an allocation in any build is a failed OFR_ASSERT-like abort
 * in debug builds and is counted in ofr_mem_violations() in all builds. */
void ofr_mem_forbid(bool on);
size_t ofr_mem_violations(void);

#endif
