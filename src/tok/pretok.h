/*
 * pretok.h - cuts text into the words that the vocabularies are applied to.
 *
 * BERT: clean, normalise, split at white space, isolate punctuation and CJK.
 * GPT-2: the published regular expression, on PCRE2.
 */
#ifndef OFR_TOK_PRETOK_H
#define OFR_TOK_PRETOK_H

#include "base/status.h"
#include "base/str.h"
#include "tok/normalize.h"

#define OFR_WORD_CHARS 100 /* a longer word is [UNK] whatever is in it */

typedef struct ofr_bert_split {
    ofr_normalize how;
    unsigned char ascii[128]; /* 0 drop, 1 space, 2 punctuation, else the letter */
} ofr_bert_split;

void ofr_bert_split_init(ofr_bert_split *split, ofr_normalize how);

/* One word of n_chars characters, of OFR_WORD_CHARS + 1 when there are more; then only
 * the first ones are in `word`.  Returns false to stop. */
typedef bool (*ofr_word_fn)(void *user, const char *word, size_t len, int n_chars);

/* All words of the text, which need not be valid UTF-8: bad bytes are dropped. */
void ofr_bert_split_run(const ofr_bert_split *split, ofr_str text, ofr_word_fn fn,
                        void *user);

typedef struct ofr_gpt2_split {
    void *code; /* compiled expression, shared by all threads */
} ofr_gpt2_split;

ofr_status ofr_gpt2_split_open(ofr_gpt2_split *split, ofr_error *err);
void ofr_gpt2_split_close(ofr_gpt2_split *split);

/* Scratch of one thread. NULL when memory is short. */
void *ofr_gpt2_match_open(const ofr_gpt2_split *split);
void ofr_gpt2_match_close(void *match); /* NULL is allowed */

/* The next word of `text` (valid UTF-8) from *at on, which moves behind it; an
 * empty word at the end. */
ofr_status ofr_gpt2_split_next(const ofr_gpt2_split *split, void *match, ofr_str text,
                               size_t *at, ofr_str *word, ofr_error *err);

#endif
