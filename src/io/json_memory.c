/* json_memory.c - an allocator for jansson that notes failures. */
#include "io/json_memory.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/once.h"

/* jansson's allocators get no argument: the state of a thread has no other way in. */
static _Thread_local struct {
    bool is_short;
    char *reserve;
    size_t used, size;
} mine;

static void *take(size_t bytes)
{
    const size_t need = (bytes + OFR_ALIGN - 1) / OFR_ALIGN * OFR_ALIGN;
    void *p = mine.is_short ? NULL : malloc(bytes);

    /* Between begin and end there is a reserve; else it is the program's own JSON. */
    if (p || !mine.reserve) return p;
    mine.is_short = true;
    if (need < bytes || need > mine.size - mine.used) return NULL;
    p = mine.reserve + mine.used;
    mine.used += need;
    return p;
}

static void give(void *p)
{
    const uintptr_t at = (uintptr_t)p, from = (uintptr_t)mine.reserve;

    if (!mine.reserve || at < from || at >= from + mine.size) free(p);
}

static void route(void)
{
    json_malloc_t their_take;
    json_free_t their_give;

    json_get_alloc_funcs(&their_take, &their_give);
    if (their_take == malloc && their_give == free) json_set_alloc_funcs(take, give);
}

bool ofr_json_memory_begin(size_t reserve)
{
    static ofr_once once = OFR_ONCE;

    ofr_once_run(&once, route);
    mine.reserve = ofr_mem_alloc(reserve);
    mine.used = 0;
    mine.size = mine.reserve ? reserve : 0;
    mine.is_short = false;
    return mine.reserve;
}

bool ofr_json_memory_short(void)
{
    return mine.is_short;
}

void ofr_json_memory_end(void)
{
    ofr_mem_free(mine.reserve);
    mine.reserve = NULL;
    mine.used = mine.size = 0;
    mine.is_short = false;
}
