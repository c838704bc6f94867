/*
 * heap.h - where mem.h gets its blocks: the system, or the program's allocator.
 *
 * ofr_allocator_set() of include/offramp.h chooses.  Blocks are aligned to
 * OFR_ALIGN either way.  Everybody else calls mem.h.
 */
#ifndef OFR_BASE_HEAP_H
#define OFR_BASE_HEAP_H

#include <stddef.h>

/* bytes <= PTRDIFF_MAX / 2; 0 gives a valid pointer.  NULL: memory is short. */
void *ofr_heap_alloc(size_t bytes);
/* As ofr_mem_resize(), p not NULL. */
void *ofr_heap_resize(void *p, size_t old_bytes, size_t new_bytes);
void ofr_heap_free(void *p); /* not NULL */

#endif
