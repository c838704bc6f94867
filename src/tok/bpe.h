/* bpe.h - byte-level byte-pair encoding, as GPT-2 and RoBERTa use it. */
#ifndef OFR_TOK_BPE_H
#define OFR_TOK_BPE_H

#include <stdint.h>

#include "tok/pretok.h"
#include "tok/tok.h"
#include "tok/vocab.h"

typedef struct ofr_bpe_merge {
    uint64_t pair; /* left id << 32 | right id; UINT64_MAX: free slot */
    int rank;      /* lower merges first */
    int merged;    /* id of the result */
} ofr_bpe_merge;

typedef struct ofr_bpe {
    const ofr_vocab *vocab; /* borrowed */
    int byte_ids[256];      /* id of each byte's token; -1: it has none */
    int unk;                /* what stands for such a byte; -1: nothing */
    ofr_bpe_merge *merges;  /* open addressing, n_slots a power of two */
    size_t n_slots, n_merges;
    ofr_gpt2_split split;
    bool prefix_space;      /* a space in front of a text that has none */
} ofr_bpe;

/* Room for n_merges; unk takes the place of bytes without a token, and without it there
 * may be none; `name` is how errors call the vocabulary. */
ofr_status ofr_bpe_open(ofr_bpe *bpe, const ofr_vocab *vocab, int unk, size_t n_merges,
                        bool prefix_space, const char *name, ofr_error *err);
/* Refuse what is rather a vocabulary of characters, of which little would remain but
 * unk: tokens for few of the bytes, or none for the space. */
ofr_status ofr_bpe_check_bytes(const ofr_bpe *bpe, const char *name, ofr_error *err);
void ofr_bpe_close(ofr_bpe *bpe); /* after a zeroed struct, too */

/* Merges in order of rank; `where` ("merges.txt:7") begins the error line. */
ofr_status ofr_bpe_add_merge(ofr_bpe *bpe, ofr_str left, ofr_str right, const char *where,
                             ofr_error *err);
/* A merges.txt: "#version" first, then "left right" a line. */
ofr_status ofr_bpe_read_merges(ofr_bpe *bpe, const ofr_buf *text, const char *path,
                               ofr_error *err);

/* Ids of the text (valid UTF-8), without special tokens, appended to
 * scratch->work; stops early once it holds `limit` ids or more. */
ofr_status ofr_bpe_encode(const ofr_bpe *bpe, ofr_tok_scratch *scratch, ofr_str text,
                          int limit, ofr_error *err);

#endif
