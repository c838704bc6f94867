/*
 * learn_merge.c - merges, with counts kept up to date.
 *
 * Counts in the heap may be old.  A pair that rises is queued anew, so the heap
 * never holds a pair too low; one that has fallen is put back when it comes up.
 */
#include "tok/learn_merge.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "tok/pretok.h"

#define FIRST_ROOM ((size_t)1024)

/* ---- arrays -------------------------------------------------------------- */

static ofr_status push(ofr_merge_room *room, const void *item, size_t size,
                       ofr_error *err)
{
    if (room->n == room->cap) {
        size_t cap = room->cap ? room->cap + room->cap / 2 : FIRST_ROOM;
        void *p = cap > INT32_MAX ? NULL
                                  : ofr_mem_resize(room->p, room->n * size, cap * size);
        if (!p) return ofr_fail_nomem(err, cap * size, "the pairs of pieces");
        room->p = p;
        room->cap = cap;
    }
    memcpy((char *)room->p + room->n++ * size, item, size);
    return OFR_OK;
}

static ofr_merge_pair *pair_at(const ofr_merge *m, int i)
{
    return (ofr_merge_pair *)m->pairs.p + i;
}

static ofr_merge_place *place_at(const ofr_merge *m, int i)
{
    return (ofr_merge_place *)m->places.p + i;
}

ofr_status ofr_merge_init(ofr_merge *m, ofr_error *err)
{
    memset(m, 0, sizeof *m);
    m->free_place = -1;
    m->n_slots = 4 * FIRST_ROOM;
    m->slots = ofr_mem_array(m->n_slots, sizeof *m->slots);
    if (!m->slots) return ofr_fail_nomem(err, m->n_slots * sizeof *m->slots, "pairs");
    return ofr_map_init(&m->by_text, FIRST_ROOM, err);
}

void ofr_merge_free(ofr_merge *m)
{
    ofr_arena_free(&m->arena);
    ofr_map_free(&m->by_text);
    ofr_mem_free(m->entries.p);
    ofr_mem_free(m->pieces.p);
    ofr_mem_free(m->words.p);
    ofr_mem_free(m->pairs.p);
    ofr_mem_free(m->places.p);
    ofr_mem_free(m->heap.p);
    ofr_mem_free(m->risen.p);
    ofr_mem_free(m->slots);
    memset(m, 0, sizeof *m);
}

/* ---- entries ------------------------------------------------------------- */

ofr_status ofr_merge_entry(ofr_merge *m, ofr_str text, ofr_error *err)
{
    ofr_str kept = {ofr_arena_strdup(&m->arena, text.p, text.n), text.n};
    if (!kept.p) return ofr_fail_nomem(err, text.n, "a piece");
    OFR_TRY(ofr_map_put(&m->by_text, kept.p, kept.n, ofr_merge_n(m), NULL, err));
    return push(&m->entries, &kept, sizeof kept, err);
}

int ofr_merge_id(const ofr_merge *m, ofr_str text)
{
    return ofr_map_get(&m->by_text, text.p, text.n);
}

int ofr_merge_n(const ofr_merge *m)
{
    return (int)m->entries.n;
}

ofr_str ofr_merge_text(const ofr_merge *m, int id)
{
    return ((const ofr_str *)m->entries.p)[id];
}

/* The entry of the joined pieces: the right one loses its ##. */
static ofr_status joined(ofr_merge *m, const ofr_merge_pair *pair, int *id,
                         ofr_error *err)
{
    char text[4 * OFR_WORD_CHARS + 8];
    ofr_str left = ofr_merge_text(m, pair->left), right = ofr_merge_text(m, pair->right);
    size_t n = left.n + right.n - 2;
    OFR_ASSERT(right.n > 2 && n <= sizeof text);
    memcpy(text, left.p, left.n);
    memcpy(text + left.n, right.p + 2, right.n - 2);
    *id = ofr_merge_id(m, (ofr_str){text, n});
    if (*id >= 0) return OFR_OK; /* the same piece by another way */
    *id = ofr_merge_n(m);
    return ofr_merge_entry(m, (ofr_str){text, n}, err);
}

/* ---- pairs --------------------------------------------------------------- */

static size_t first_slot(const ofr_merge *m, int left, int right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    return (size_t)(h ^ h >> 29) & (m->n_slots - 1);
}

/* The slot of the pair, or the free one where it belongs. */
static size_t find_slot(const ofr_merge *m, int left, int right)
{
    size_t i = first_slot(m, left, right);
    while (m->slots[i]) {
        const ofr_merge_pair *pair = pair_at(m, m->slots[i] - 1);
        if (pair->left == left && pair->right == right) break;
        i = (i + 1) & (m->n_slots - 1);
    }
    return i;
}

static ofr_status grow_slots(ofr_merge *m, ofr_error *err)
{
    size_t n = 2 * m->n_slots;
    int32_t *slots = ofr_mem_array(n, sizeof *slots);
    if (!slots) return ofr_fail_nomem(err, n * sizeof *slots, "the pairs of pieces");
    ofr_mem_free(m->slots);
    m->slots = slots;
    m->n_slots = n;
    for (size_t i = 0; i < m->pairs.n; i++) {
        const ofr_merge_pair *pair = pair_at(m, (int)i);
        slots[find_slot(m, pair->left, pair->right)] = (int32_t)i + 1;
    }
    return OFR_OK;
}

static ofr_status add_place(ofr_merge *m, ofr_merge_pair *pair, int word, ofr_error *err)
{
    ofr_merge_place place = {word, pair->places};
    int32_t at = m->free_place;
    if (at >= 0) {
        m->free_place = place_at(m, at)->next;
        *place_at(m, at) = place;
    } else {
        at = (int32_t)m->places.n;
        OFR_TRY(push(&m->places, &place, sizeof place, err));
    }
    pair->places = at;
    return OFR_OK;
}

/* `count` more of the pair, in `word`. */
static ofr_status raise_pair(ofr_merge *m, int left, int right, int word, long long count,
                             ofr_error *err)
{
    size_t slot = find_slot(m, left, right);
    ofr_merge_pair *pair;
    if (!m->slots[slot]) {
        const ofr_merge_pair fresh = {left, right, 0, -1, false};
        if (m->pairs.n >= m->n_slots / 2) {
            OFR_TRY(grow_slots(m, err));
            slot = find_slot(m, left, right);
        }
        OFR_TRY(push(&m->pairs, &fresh, sizeof fresh, err));
        m->slots[slot] = (int32_t)m->pairs.n;
    }
    pair = pair_at(m, m->slots[slot] - 1);
    pair->count += count;
    if (!pair->risen) {
        int index = m->slots[slot] - 1;
        pair->risen = true;
        OFR_TRY(push(&m->risen, &index, sizeof index, err));
    }
    return add_place(m, pair, word, err);
}

ofr_status ofr_merge_add(ofr_merge *m, const int *ids, int n, long long count,
                         ofr_error *err)
{
    ofr_merge_word word = {m->pieces.n, n, count};
    int index = (int)m->words.n;
    OFR_ASSERT(n <= OFR_WORD_CHARS);
    for (int i = 0; i < n; i++)
        OFR_TRY(push(&m->pieces, &ids[i], sizeof ids[i], err));
    OFR_TRY(push(&m->words, &word, sizeof word, err));
    for (int i = 0; i + 1 < n; i++)
        OFR_TRY(raise_pair(m, ids[i], ids[i + 1], index, count, err));
    return OFR_OK;
}

/* ---- the heap ------------------------------------------------------------ */

/* Does a come before b? */
static bool before(const ofr_merge *m, ofr_merge_queued a, ofr_merge_queued b)
{
    const ofr_merge_pair *x = pair_at(m, a.pair), *y = pair_at(m, b.pair);
    if (a.count != b.count) return a.count > b.count;
    if (x->left != y->left) return x->left < y->left;
    return x->right < y->right;
}

static ofr_status queue(ofr_merge *m, int pair, ofr_error *err)
{
    ofr_merge_queued item = {pair_at(m, pair)->count, pair}, *heap;
    size_t i = m->heap.n;
    OFR_TRY(push(&m->heap, &item, sizeof item, err));
    heap = m->heap.p;
    for (; i > 0 && before(m, item, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = item;
    return OFR_OK;
}

static ofr_merge_queued unqueue(ofr_merge *m)
{
    ofr_merge_queued *heap = m->heap.p, top = heap[0], last = heap[--m->heap.n];
    size_t i = 0, n = m->heap.n;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && before(m, heap[child + 1], heap[child])) child++;
        if (!before(m, heap[child], last)) break;
        heap[i] = heap[child];
        i = child;
    }
    if (n) heap[i] = last;
    return top;
}

static ofr_status queue_risen(ofr_merge *m, long long min_count, ofr_error *err)
{
    const int *risen = m->risen.p;
    for (size_t i = 0; i < m->risen.n; i++) {
        ofr_merge_pair *pair = pair_at(m, risen[i]);
        pair->risen = false;
        if (pair->count >= min_count) OFR_TRY(queue(m, risen[i], err));
    }
    m->risen.n = 0;
    return OFR_OK;
}

/* The most frequent pair; -1 when all are rarer than min_count. */
static ofr_status next_pair(ofr_merge *m, long long min_count, int *pair, ofr_error *err)
{
    *pair = -1;
    while (m->heap.n) {
        ofr_merge_queued top = unqueue(m);
        long long count = pair_at(m, top.pair)->count;
        if (count == top.count) {
            *pair = top.pair;
            return OFR_OK;
        }
        if (count < top.count && count >= min_count) OFR_TRY(queue(m, top.pair, err));
    }
    return OFR_OK;
}

/* ---- one merge ----------------------------------------------------------- */

/* A word while (left, right) becomes `id` in it. */
typedef struct rewrite {
    int n_old, n_new;
    bool was[OFR_WORD_CHARS]; /* old pieces that go   */
    bool is[OFR_WORD_CHARS];  /* new pieces that come */
    int pieces[OFR_WORD_CHARS];
} rewrite;

static bool rewrite_word(rewrite *r, const int *old, int n, int left, int right, int id)
{
    bool any = false;
    r->n_old = n;
    r->n_new = 0;
    for (int i = 0; i < n;) {
        bool hit = i + 1 < n && old[i] == left && old[i + 1] == right;
        r->is[r->n_new] = hit;
        r->pieces[r->n_new++] = hit ? id : old[i];
        r->was[i] = hit;
        if (hit) r->was[i + 1] = true;
        any = any || hit;
        i += hit ? 2 : 1;
    }
    return any;
}

static ofr_status merge_word(ofr_merge *m, int index, int left, int right, int id,
                             ofr_error *err)
{
    const ofr_merge_word word = ((const ofr_merge_word *)m->words.p)[index];
    int *pieces = (int *)m->pieces.p + word.at;
    rewrite r;
    if (!rewrite_word(&r, pieces, word.n, left, right, id)) return OFR_OK;
    for (int i = 0; i + 1 < r.n_old; i++)
        if (r.was[i] || r.was[i + 1]) {
            size_t slot = find_slot(m, pieces[i], pieces[i + 1]);
            pair_at(m, m->slots[slot] - 1)->count -= word.count;
        }
    for (int i = 0; i + 1 < r.n_new; i++)
        if (r.is[i] || r.is[i + 1])
            OFR_TRY(raise_pair(m, r.pieces[i], r.pieces[i + 1], index, word.count, err));
    memcpy(pieces, r.pieces, (size_t)r.n_new * sizeof *pieces);
    ((ofr_merge_word *)m->words.p)[index].n = r.n_new;
    return OFR_OK;
}

static ofr_status merge_pair(ofr_merge *m, int index, ofr_error *err)
{
    const ofr_merge_pair pair = *pair_at(m, index);
    int32_t at = pair.places;
    int id;
    OFR_TRY(joined(m, &pair, &id, err));
    pair_at(m, index)->places = -1;
    while (at >= 0) {
        ofr_merge_place place = *place_at(m, at);
        place_at(m, at)->next = m->free_place;
        m->free_place = at;
        at = place.next;
        OFR_TRY(merge_word(m, place.word, pair.left, pair.right, id, err));
    }
    return OFR_OK;
}

ofr_status ofr_merge_run(ofr_merge *m, int n_entries, long long min_count, ofr_error *err)
{
    int pair;
    OFR_TRY(queue_risen(m, min_count, err));
    while (ofr_merge_n(m) < n_entries) {
        OFR_TRY(next_pair(m, min_count, &pair, err));
        if (pair < 0) break;
        OFR_TRY(merge_pair(m, pair, err));
        OFR_TRY(queue_risen(m, min_count, err));
    }
    return OFR_OK;
}
