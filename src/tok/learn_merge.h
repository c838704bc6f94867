/*
 * learn_merge.h - joins the most frequent pair of pieces, again and again: private
 * to the vocabulary learner.
 *
 * Every pair knows its count and the words it occurs in, so that a merge visits
 * these words only; a heap gives the next pair.
 */
#ifndef OFR_TOK_LEARN_MERGE_H
#define OFR_TOK_LEARN_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/status.h"
#include "base/str.h"

typedef struct ofr_merge_word {
    size_t at; /* its pieces are pieces[at .. at + n) */
    int n;
    long long count;
} ofr_merge_word;

typedef struct ofr_merge_pair {
    int left, right;
    long long count;
    int32_t places; /* first of its places; -1: none */
    bool risen;     /* its count has grown during this merge */
} ofr_merge_pair;

typedef struct ofr_merge_queued {
    long long count; /* of the pair when it was queued */
    int pair;
} ofr_merge_queued;

/* A word that holds a pair, and the next of them. */
typedef struct ofr_merge_place {
    int32_t word, next;
} ofr_merge_place;

/* A growable array of any of these. */
typedef struct ofr_merge_room {
    void *p;
    size_t n, cap;
} ofr_merge_room;

typedef struct ofr_merge {
    ofr_arena arena;
    ofr_map by_text;         /* entry -> id */
    ofr_merge_room entries;  /* ofr_str; index = id */
    ofr_merge_room pieces;   /* int; of all words */
    ofr_merge_room words;    /* ofr_merge_word */
    ofr_merge_room pairs;    /* ofr_merge_pair */
    ofr_merge_room places;   /* ofr_merge_place */
    ofr_merge_room heap;     /* ofr_merge_queued */
    ofr_merge_room risen;    /* int; pairs */
    int32_t free_place;
    int32_t *slots;          /* hash of (left, right) -> pair + 1; 0: free */
    size_t n_slots;
} ofr_merge;

ofr_status ofr_merge_init(ofr_merge *merge, ofr_error *err);
void ofr_merge_free(ofr_merge *merge); /* after a zeroed struct, too */

/* A new entry; its id is the number of those before it.  Copies the text. */
ofr_status ofr_merge_entry(ofr_merge *merge, ofr_str text, ofr_error *err);
int ofr_merge_id(const ofr_merge *merge, ofr_str text); /* -1: absent */
int ofr_merge_n(const ofr_merge *merge);
ofr_str ofr_merge_text(const ofr_merge *merge, int id); /* borrowed */

/* A word as the ids of its characters, n <= OFR_WORD_CHARS. */
ofr_status ofr_merge_add(ofr_merge *merge, const int *ids, int n, long long count,
                         ofr_error *err);

/* Merge until there are n_entries or every pair is rarer than min_count. */
ofr_status ofr_merge_run(ofr_merge *merge, int n_entries, long long min_count,
                         ofr_error *err);

#endif
