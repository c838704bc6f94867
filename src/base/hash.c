/* hash.c - multiply and fold, by words and by bytes. */
#include "base/hash.h"

#include <string.h>

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

uint64_t ofr_hash_bytes(uint64_t h, const void *p, size_t n)
{
    const unsigned char *bytes = p;
    uint64_t word;
    h = mix(h, n);
    for (; n >= sizeof word; n -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        h = mix(h, word);
    }
    word = 0;
    if (n) memcpy(&word, bytes, n);
    return mix(h, word);
}

uint64_t ofr_hash_fnv(uint64_t h, const void *p, size_t n)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u;
    return h;
}
