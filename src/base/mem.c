/* mem.c - the only allocator: heap.h with counters and two switches. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/heap.h"
#include "base/status.h"

/* Mutable globals, which STYLE.md forbids but for such: an allocator is one for the
 * whole process, so are its counters. */
static atomic_size_t n_allocations, n_live, n_violations;
static atomic_size_t fail_countdown; /* 0: off; 1: the next one fails */
static atomic_bool fail_for_good, forbidden;

/* True when this allocation was chosen to fail. */
static bool must_fail(void)
{
    size_t left = atomic_load(&fail_countdown);
    while (left != 0) {
        size_t next = left > 1 ? left - 1 : (atomic_load(&fail_for_good) ? 1 : 0);
        if (atomic_compare_exchange_weak(&fail_countdown, &left, next)) return left == 1;
    }
    return false;
}

/* Counts the allocation that is to come; false when there shall be none. */
static bool begin(size_t bytes)
{
    bool allowed = !atomic_load(&forbidden);
    if (!allowed) atomic_fetch_add(&n_violations, 1);
    OFR_ASSERT(allowed);
    atomic_fetch_add(&n_allocations, 1);
    return !must_fail() && bytes <= PTRDIFF_MAX / 2;
}

void *ofr_mem_alloc(size_t bytes)
{
    void *p = begin(bytes) ? ofr_heap_alloc(bytes) : NULL;
    if (p != NULL) atomic_fetch_add(&n_live, 1);
    return p;
}

void *ofr_mem_zalloc(size_t bytes)
{
    void *p = ofr_mem_alloc(bytes);
    if (p != NULL) memset(p, 0, bytes);
    return p;
}

void *ofr_mem_array(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) return NULL;
    return ofr_mem_zalloc(count * size);
}

void *ofr_mem_resize(void *p, size_t old_bytes, size_t new_bytes)
{
    if (p == NULL) return ofr_mem_alloc(new_bytes);
    return begin(new_bytes) ? ofr_heap_resize(p, old_bytes, new_bytes) : NULL;
}

char *ofr_mem_strdup(const char *s, size_t n)
{
    if (n >= PTRDIFF_MAX / 2) return NULL;
    char *copy = ofr_mem_alloc(n + 1);
    if (copy == NULL) return NULL;
    if (n > 0) memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void ofr_mem_free(void *p)
{
    if (p == NULL) return;
    atomic_fetch_sub(&n_live, 1);
    ofr_heap_free(p);
}

size_t ofr_mem_count(void)
{
    return atomic_load(&n_allocations);
}

size_t ofr_mem_live(void)
{
    return atomic_load(&n_live);
}

void ofr_mem_fail_at(size_t n, bool for_good)
{
    atomic_store(&fail_for_good, for_good);
    atomic_store(&fail_countdown, n);
}

void ofr_mem_forbid(bool on)
{
    atomic_store(&forbidden, on);
}

size_t ofr_mem_violations(void)
{
    return atomic_load(&n_violations);
}
