/* learn_count.c - a hash map of words with counts that can forget the rarest. */
#include "tok/learn_count.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_ROOM ((size_t)1 << 14)

ofr_status ofr_counter_init(ofr_counter *counter, ofr_error *err)
{
    memset(counter, 0, sizeof *counter);
    ofr_arena_init(&counter->arena);
    return ofr_map_init(&counter->index, FIRST_ROOM, err);
}

void ofr_counter_free(ofr_counter *counter)
{
    ofr_map_free(&counter->index);
    ofr_arena_free(&counter->arena);
    ofr_mem_free(counter->words);
    memset(counter, 0, sizeof *counter);
}

static ofr_status grow(ofr_counter *counter, ofr_error *err)
{
    size_t cap = counter->cap ? 2 * counter->cap : FIRST_ROOM;
    ofr_counted *words = ofr_mem_resize(counter->words, counter->n * sizeof *words,
                                        cap * sizeof *words);
    if (!words || cap > INT_MAX)
        return ofr_fail_nomem(err, cap * sizeof *words, "the counts of words");
    counter->words = words;
    counter->cap = cap;
    return OFR_OK;
}

ofr_status ofr_counter_add(ofr_counter *counter, ofr_str word, long long count,
                           ofr_error *err)
{
    int at = ofr_map_get(&counter->index, word.p, word.n);
    char *kept;
    if (at >= 0) {
        counter->words[at].count += count;
        return OFR_OK;
    }
    if (counter->n == counter->cap) OFR_TRY(grow(counter, err));
    kept = ofr_arena_strdup(&counter->arena, word.p, word.n);
    if (!kept) return ofr_fail_nomem(err, word.n, "a word");
    OFR_TRY(ofr_map_put(&counter->index, kept, word.n, (int)counter->n, NULL, err));
    counter->words[counter->n++] = (ofr_counted){{kept, word.n}, count};
    return OFR_OK;
}

ofr_status ofr_counter_move(ofr_counter *to, ofr_counter *from, ofr_error *err)
{
    for (size_t i = 0; i < from->n; i++)
        OFR_TRY(ofr_counter_add(to, from->words[i].word, from->words[i].count, err));
    ofr_counter_free(from);
    return ofr_counter_init(from, err);
}

static int most_frequent_first(const void *a, const void *b)
{
    const ofr_counted *x = a, *y = b;
    size_t n = x->word.n < y->word.n ? x->word.n : y->word.n;
    int order;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    order = memcmp(x->word.p, y->word.p, n);
    return order ? order : (x->word.n > y->word.n) - (x->word.n < y->word.n);
}

ofr_status ofr_counter_prune(ofr_counter *counter, size_t keep, long long *dropped,
                             ofr_error *err)
{
    ofr_counter kept;
    ofr_status status;
    if (counter->n <= keep) return OFR_OK;
    qsort(counter->words, counter->n, sizeof *counter->words, most_frequent_first);
    status = ofr_counter_init(&kept, err);
    for (size_t i = 0; i < keep && status == OFR_OK; i++)
        status = ofr_counter_add(&kept, counter->words[i].word, counter->words[i].count,
                                 err);
    if (status != OFR_OK) {
        /* The words were sorted: the old index is wrong now. */
        ofr_counter_free(&kept);
        return status;
    }
    for (size_t i = keep; i < counter->n; i++)
        *dropped += counter->words[i].count;
    ofr_counter_free(counter);
    *counter = kept;
    return OFR_OK;
}
