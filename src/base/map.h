/* map.h - hash map from byte strings to int: vocabularies, names, labels. */
#ifndef OFR_BASE_MAP_H
#define OFR_BASE_MAP_H

#include <stddef.h>

#include "base/status.h"

typedef struct ofr_map_slot {
    const char *key; /* borrowed: the owner of the map keeps keys alive */
    size_t len;
    int value;
} ofr_map_slot;

typedef struct ofr_map {
    ofr_map_slot *slots; /* open addressing, power of two */
    size_t n_slots, n_used;
} ofr_map;

/* Room for `n_expected` keys without growing.  OFR_NOMEM. */
ofr_status ofr_map_init(ofr_map *map, size_t n_expected, ofr_error *err);
void ofr_map_free(ofr_map *map);

/* value >= 0.  An existing key keeps its old value: *old (may be NULL) is that
 * value, or -1 when the key is new.  OFR_NOMEM. */
ofr_status ofr_map_put(ofr_map *map, const char *key, size_t len, int value, int *old,
                       ofr_error *err);
int ofr_map_get(const ofr_map *map, const char *key, size_t len); /* -1: absent */

#endif
