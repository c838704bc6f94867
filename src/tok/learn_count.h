/* learn_count.h - how often each word occurs: private to the vocabulary learner. */
#ifndef OFR_TOK_LEARN_COUNT_H
#define OFR_TOK_LEARN_COUNT_H

#include "base/arena.h"
#include "base/map.h"
#include "base/status.h"
#include "base/str.h"

typedef struct ofr_counted {
    ofr_str word; /* in the counter's arena */
    long long count;
} ofr_counted;

typedef struct ofr_counter {
    ofr_map index; /* word -> place in `words` */
    ofr_arena arena;
    ofr_counted *words; /* [n] */
    size_t n, cap;
} ofr_counter;

ofr_status ofr_counter_init(ofr_counter *counter, ofr_error *err);
void ofr_counter_free(ofr_counter *counter); /* after a zeroed struct, too */

/* += count */
ofr_status ofr_counter_add(ofr_counter *counter, ofr_str word, long long count,
                           ofr_error *err);
/* to += from, which is emptied. */
ofr_status ofr_counter_move(ofr_counter *to, ofr_counter *from, ofr_error *err);

/* Keep the `keep` most frequent words, of equally frequent ones the first in the
 * order of bytes.  *dropped += the counts of the others. */
ofr_status ofr_counter_prune(ofr_counter *counter, size_t keep, long long *dropped,
                             ofr_error *err);

#endif
