/* wordpiece.h - BERT's greedy longest match from the left. */
#ifndef OFR_TOK_WORDPIECE_H
#define OFR_TOK_WORDPIECE_H

#include "tok/pretok.h"
#include "tok/tok.h"
#include "tok/vocab.h"

typedef struct ofr_wordpiece {
    const ofr_vocab *vocab; /* borrowed; begins of words */
    ofr_map inner;          /* pieces inside of words, without their prefix */
    size_t longest;         /* bytes of the longest piece */
    int unk;
    ofr_bert_split split;
} ofr_wordpiece;

/* prefix: "##". The vocabulary must outlive it. */
ofr_status ofr_wordpiece_open(ofr_wordpiece *wp, const ofr_vocab *vocab, int unk,
                              const char *prefix, ofr_normalize how, ofr_error *err);
void ofr_wordpiece_close(ofr_wordpiece *wp);

/* Ids of the text, without special tokens, appended to scratch->work; stops
 * early once it holds `limit` ids or more. */
ofr_status ofr_wordpiece_encode(const ofr_wordpiece *wp, ofr_tok_scratch *scratch,
                                ofr_str text, int limit, ofr_error *err);

#endif
