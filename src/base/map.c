/* map.c - open addressing with linear probing; at most half full. */
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x;
}

static uint64_t hash(const char *key, size_t len)
{
    uint64_t h = mix(len + 0x9e3779b97f4a7c15u);
    while (len > 0) {
        uint64_t word = 0;
        size_t n = len < 8 ? len : 8;
        memcpy(&word, key, n);
        h = mix((h ^ word) * 0xa0761d6478bd642fu);
        key += n;
        len -= n;
    }
    return mix(h);
}

/* The slot of `key`, or the free slot where it belongs. */
static ofr_map_slot *locate(const ofr_map *map, const char *key, size_t len)
{
    size_t mask = map->n_slots - 1;
    size_t i = (size_t)hash(key, len) & mask;
    while (map->slots[i].key != NULL) {
        const ofr_map_slot *slot = &map->slots[i];
        if (slot->len == len && memcmp(slot->key, key, len) == 0) break;
        i = (i + 1) & mask;
    }
    return &map->slots[i];
}

ofr_status ofr_map_init(ofr_map *map, size_t n_expected, ofr_error *err)
{
    size_t n_slots = 16;
    while (n_slots / 2 < n_expected && n_slots <= SIZE_MAX / 4)
        n_slots *= 2;
    ofr_map_slot *slots = ofr_mem_array(n_slots, sizeof(*slots));
    if (slots == NULL) return ofr_fail_nomem(err, n_slots * sizeof(*slots), "a hash map");
    *map = (ofr_map){.slots = slots, .n_slots = n_slots};
    return OFR_OK;
}

void ofr_map_free(ofr_map *map)
{
    ofr_mem_free(map->slots);
    *map = (ofr_map){0};
}

static ofr_status grow(ofr_map *map, ofr_error *err)
{
    ofr_map bigger;
    OFR_TRY(ofr_map_init(&bigger, map->n_slots, err));
    for (size_t i = 0; i < map->n_slots; i++) {
        const ofr_map_slot *slot = &map->slots[i];
        if (slot->key != NULL) *locate(&bigger, slot->key, slot->len) = *slot;
    }
    bigger.n_used = map->n_used;
    ofr_map_free(map);
    *map = bigger;
    return OFR_OK;
}

ofr_status ofr_map_put(ofr_map *map, const char *key, size_t len, int value, int *old,
                       ofr_error *err)
{
    OFR_ASSERT(value >= 0);
    if (key == NULL) key = ""; /* an empty slice may have no pointer */
    if (map->n_used >= map->n_slots / 2) OFR_TRY(grow(map, err));
    ofr_map_slot *slot = locate(map, key, len);
    bool found = slot->key != NULL;
    if (old != NULL) *old = found ? slot->value : -1;
    if (found) return OFR_OK;
    *slot = (ofr_map_slot){key, len, value};
    map->n_used++;
    return OFR_OK;
}

int ofr_map_get(const ofr_map *map, const char *key, size_t len)
{
    if (map->n_slots == 0) return -1;
    const ofr_map_slot *slot = locate(map, key != NULL ? key : "", len);
    return slot->key != NULL ? slot->value : -1;
}
