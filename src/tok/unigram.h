/* unigram.h - the most probable cut of each word, as ALBERT uses it. */
#ifndef OFR_TOK_UNIGRAM_H
#define OFR_TOK_UNIGRAM_H

#include "tok/normalize.h"
#include "tok/tok.h"
#include "tok/vocab.h"

typedef struct ofr_unigram {
    const ofr_vocab *vocab; /* borrowed */
    double *scores;         /* [vocab->n] log-probabilities; NaN: not in text */
    double unk_score;       /* of one character that no piece covers */
    int unk;
    ofr_normalize how;      /* with compat set */
} ofr_unigram;

/* scores: [vocab->n], owned by the unigram from now on, also on failure; `name` is
 * how errors call the vocabulary. */
ofr_status ofr_unigram_open(ofr_unigram *unigram, const ofr_vocab *vocab, double *scores,
                            int unk, ofr_normalize how, const char *name,
                            ofr_error *err);
void ofr_unigram_close(ofr_unigram *unigram);

/* Pieces and scores of a sentencepiece model file. *scores is [vocab->n]; the
 * caller passes it on to ofr_unigram_open(). */
ofr_status ofr_unigram_read_model(ofr_vocab *vocab, double **scores, int *unk,
                                  const char *path, ofr_error *err);

/* Ids of the text (valid UTF-8), without special tokens, appended to
 * scratch->work; stops early once it holds `limit` ids or more. */
ofr_status ofr_unigram_encode(const ofr_unigram *unigram, ofr_tok_scratch *scratch,
                              ofr_str text, int limit, ofr_error *err);

#endif
