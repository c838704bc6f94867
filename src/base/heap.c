/*
 * heap.c - aligned blocks from the system, or out of those of the program's own
 * allocator, which promises no alignment.
 *
 * A block of the system carries no header, so that a sanitizer sees exactly the
 * bytes asked for.  A block of the program has its own address just in front.
 */
#include "base/heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/status.h"

/* Weights and activations are walked from end to end: from this size on, pages
 * of 2 MiB spare most misses of the address translation cache. */
enum { LARGE_BLOCK = 4 << 20, LARGE_PAGE = 2 << 20 };

/* What a block of the program needs beside its bytes. */
enum { SLACK = OFR_ALIGN + sizeof(void *) };

/* Set once, before anything is open and before there are threads. */
static ofr_allocator own; /* alloc is NULL: the system's */

ofr_status ofr_allocator_set(const ofr_allocator *allocator, ofr_error *err)
{
    if (allocator != NULL && (allocator->alloc == NULL || allocator->free == NULL))
        return ofr_fail(err, OFR_INVALID, "ofr_allocator_set: %s is NULL",
                        allocator->alloc == NULL ? "alloc" : "free");
    size_t live = ofr_mem_live();
    if (live != 0)
        return ofr_fail(err, OFR_INVALID,
                        "ofr_allocator_set: %zu blocks are in use; set the allocator "
                        "before models are opened, or close them first",
                        live);
    own = allocator != NULL ? *allocator : (ofr_allocator){0};
    return OFR_OK;
}

/* ---- the system's ------------------------------------------------------- */

static void *system_alloc(size_t bytes)
{
    void *p = NULL;
    bool large = bytes >= LARGE_BLOCK;
    if (posix_memalign(&p, large ? LARGE_PAGE : OFR_ALIGN, bytes > 0 ? bytes : 1) != 0)
        return NULL;
    if (large) (void)madvise(p, bytes, MADV_HUGEPAGE); /* a wish, not a need */
    return p;
}

/* ---- the program's ------------------------------------------------------ */

/* The first aligned place in `raw` that leaves room for its address. */
static unsigned char *place_in(unsigned char *raw)
{
    size_t past = ((uintptr_t)raw + SLACK) % OFR_ALIGN;
    return raw + SLACK - past;
}

static void *keep_address(unsigned char *p, unsigned char *raw)
{
    memcpy(p - sizeof raw, &raw, sizeof raw);
    return p;
}

static unsigned char *address_of(const void *p)
{
    unsigned char *raw;
    memcpy(&raw, (const unsigned char *)p - sizeof raw, sizeof raw);
    return raw;
}

/* The program may give a block another alignment when it moves it. */
static void *own_resize(void *p, size_t old_bytes, size_t new_bytes)
{
    unsigned char *raw = address_of(p);
    size_t offset = (size_t)((unsigned char *)p - raw);
    raw = own.resize(own.user, raw, new_bytes + SLACK);
    if (raw == NULL) return NULL;
    unsigned char *q = place_in(raw);
    size_t keep = old_bytes < new_bytes ? old_bytes : new_bytes;
    if (q != raw + offset) memmove(q, raw + offset, keep);
    return keep_address(q, raw);
}

/* ---- either ------------------------------------------------------------- */

void *ofr_heap_alloc(size_t bytes)
{
    if (own.alloc == NULL) return system_alloc(bytes);
    unsigned char *raw = own.alloc(own.user, bytes + SLACK);
    return raw != NULL ? keep_address(place_in(raw), raw) : NULL;
}

void *ofr_heap_resize(void *p, size_t old_bytes, size_t new_bytes)
{
    if (own.resize != NULL) return own_resize(p, old_bytes, new_bytes);
    void *q = ofr_heap_alloc(new_bytes);
    if (q == NULL) return NULL;
    memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    ofr_heap_free(p);
    return q;
}

void ofr_heap_free(void *p)
{
    if (own.alloc == NULL)
        free(p);
    else
        own.free(own.user, address_of(p));
}
