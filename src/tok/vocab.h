/*
 * vocab.h - the tokens of a vocabulary, by id and by text.
 *
 * Kept apart from the tokenizers so that all three load, check and look up in
 * the same way.
 */
#ifndef OFR_TOK_VOCAB_H
#define OFR_TOK_VOCAB_H

#include <jansson.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/status.h"
#include "base/str.h"

#define OFR_VOCAB_MAX 10000000 /* entries; more is taken for damage */

typedef struct ofr_vocab {
    int n;            /* ids are 0..n-1                                   */
    int cap;
    ofr_str *tokens;  /* [n]; p == NULL for an id without a token         */
    ofr_map by_token; /* token -> id                                      */
    ofr_arena arena;  /* the bytes of the tokens                          */
    size_t longest;   /* bytes of the longest token                       */
} ofr_vocab;

/* Empty, to be filled by ofr_vocab_add(). */
ofr_status ofr_vocab_init(ofr_vocab *vocab, size_t n_expected, ofr_error *err);
void ofr_vocab_free(ofr_vocab *vocab); /* after a zeroed struct, too */

/* Copies the token.  *old (may be NULL) is the id it had before, or -1 when it
 * is new; an old token keeps its id.  `id` in 0..OFR_VOCAB_MAX-1. */
ofr_status ofr_vocab_add(ofr_vocab *vocab, const char *token, size_t len, int id,
                         int *old, ofr_error *err);

/* vocab.txt: one token a line, id = line number - 1.  Errors name the lines. */
ofr_status ofr_vocab_read_text(ofr_vocab *vocab, const char *path, ofr_error *err);
/* The largest id that so many tokens may have.  A few ids without a token are usual;
 * many would be memory that a small file asks for. */
int ofr_vocab_most(size_t n_tokens);
/* {"token": id, ...}; `name` is how errors call the object. */
ofr_status ofr_vocab_read_json(ofr_vocab *vocab, const json_t *object, const char *name,
                               ofr_error *err);

int ofr_vocab_id(const ofr_vocab *vocab, const char *token, size_t len); /* -1: absent */

#endif
