/*
 * arena.h - a region for temporary things: allocate many, free at once.
 *
 * Grows by blocks; pointers stay valid until free.
 */
#ifndef OFR_BASE_ARENA_H
#define OFR_BASE_ARENA_H

#include <stddef.h>

typedef struct ofr_arena_block ofr_arena_block;

typedef struct ofr_arena {
    ofr_arena_block *head; /* newest block */
} ofr_arena;

void ofr_arena_init(ofr_arena *arena); /* no allocation yet */
void ofr_arena_free(ofr_arena *arena); /* may be used again afterwards */

/* 16-byte aligned, cleared; NULL when memory is short. */
void *ofr_arena_alloc(ofr_arena *arena, size_t bytes);
char *ofr_arena_strdup(ofr_arena *arena, const char *s, size_t n);

#endif
