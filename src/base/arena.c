/*
 * arena.c - blocks in a list, the newest first.
 *
 * Under AddressSanitizer everything that was not handed out is poisoned, with
 * one unit between neighbours, so that overruns inside a block are seen.
 */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define RED_ZONE 16
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE 0
#endif

#define UNIT 16            /* alignment of what is handed out */
#define BLOCK_BYTES 65536u /* of an ordinary block, header included */

struct ofr_arena_block {
    ofr_arena_block *older;
    size_t size, used; /* of the bytes behind the header */
};

#define HEADER ((sizeof(ofr_arena_block) + UNIT - 1) / UNIT * UNIT)

static unsigned char *bytes_of(ofr_arena_block *block)
{
    return (unsigned char *)block + HEADER;
}

void ofr_arena_init(ofr_arena *arena)
{
    arena->head = NULL;
}

static void drop_newest(ofr_arena *arena)
{
    ofr_arena_block *block = arena->head;
    arena->head = block->older;
    UNPOISON(bytes_of(block), block->size);
    ofr_mem_free(block);
}

void ofr_arena_free(ofr_arena *arena)
{
    while (arena->head != NULL)
        drop_newest(arena);
}

static ofr_arena_block *add_block(ofr_arena *arena, size_t bytes)
{
    size_t size = BLOCK_BYTES - HEADER;
    if (size < bytes) size = bytes;
    ofr_arena_block *block = ofr_mem_alloc(HEADER + size);
    if (block == NULL) return NULL;
    *block = (ofr_arena_block){arena->head, size, 0};
    POISON(bytes_of(block), size);
    arena->head = block;
    return block;
}

void *ofr_arena_alloc(ofr_arena *arena, size_t bytes)
{
    if (bytes > PTRDIFF_MAX / 4) return NULL;
    size_t need = (bytes + UNIT - 1) / UNIT * UNIT + RED_ZONE;
    if (need == 0) need = UNIT;
    ofr_arena_block *block = arena->head;
    if (block == NULL || block->size - block->used < need) block = add_block(arena, need);
    if (block == NULL) return NULL;
    void *p = bytes_of(block) + block->used;
    block->used += need;
    UNPOISON(p, bytes);
    return memset(p, 0, bytes);
}

char *ofr_arena_strdup(ofr_arena *arena, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? ofr_arena_alloc(arena, n + 1) : NULL;
    if (copy != NULL && n > 0) memcpy(copy, s, n);
    return copy;
}
