/*
 * demo_data.h - the demo's sentences: lessons to learn from, and held-out sets.
 *
 * A held-out sentence never stands in any lesson: the sets are drawn first and
 * the lessons leave out what is in them.
 */
#ifndef OFR_CLI_DEMO_DATA_H
#define OFR_CLI_DEMO_DATA_H

#include "base/map.h"
#include "data/dataset.h"
#include "data/grammar.h"

typedef struct ofr_demo_set {
    ofr_dataset data;
    int *level; /* [n] 1..OFR_GRAMMAR_LEVELS */
} ofr_demo_set;

/* The two held-out sets: dev is looked at during training, test only at the end. */
typedef struct ofr_demo_held {
    ofr_demo_set dev, test;
    ofr_map known; /* every sentence of both; keys borrowed from them */
} ofr_demo_held;

extern const char *const ofr_demo_labels[2]; /* "negative", "positive" */

/* per_level different sentences of each level, in two sets.  Caller closes. */
ofr_status ofr_demo_held_open(ofr_demo_held *held, const ofr_tok *tok, int dev_per_level,
                              int test_per_level, uint64_t seed, ofr_error *err);
void ofr_demo_held_close(ofr_demo_held *held);

/* n[level - 1] sentences of each level for lesson number `lesson`, none of them in
 * `held`; chain as for ofr_grammar_sentence().  Caller closes. */
ofr_status ofr_demo_lesson_open(ofr_demo_set *set, const ofr_demo_held *held,
                                const ofr_tok *tok, int lesson,
                                const int n[OFR_GRAMMAR_LEVELS], int chain,
                                uint64_t seed, ofr_error *err);
void ofr_demo_set_close(ofr_demo_set *set);

/* The grammar's words, as a vocab.txt for a lower-case tokenizer. */
ofr_status ofr_demo_vocab_write(const char *path, ofr_error *err);

/* "text", "label" and "level" as a TSV file. */
ofr_status ofr_demo_set_write(const ofr_demo_set *set, const char *path, ofr_error *err);

#endif
