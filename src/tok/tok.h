/*
 * tok.h - text to ids.
 *
 * WordPiece (BERT, ELECTRA, DistilBERT), byte-level BPE (RoBERTa) and unigram
 * (ALBERT, from tokenizer.json or spiece.model).  Immutable after open; encode is
 * thread-safe with one ofr_tok_scratch per thread.
 */
#ifndef OFR_TOK_TOK_H
#define OFR_TOK_TOK_H

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

typedef struct ofr_tok ofr_tok;

typedef struct ofr_tok_options {
    int lower_case;     /* 1, 0, or -1: as the tokenizer's files say              */
} ofr_tok_options;

/* A model directory (tokenizer.json | vocab.txt | vocab.json + merges.txt | spiece.model,
 * the first of them that is there, with tokenizer_config.json and added_tokens.json) or a
 * single vocab.txt, tokenizer.json or spiece.model.  Caller closes.
 * OFR_FORMAT: duplicates, a missing [UNK], [CLS] or [SEP], bad UTF-8, rules of a kind
 * that we do not have. */
ofr_status ofr_tok_open(ofr_tok **out, const char *path, ofr_tok_options options,
                        ofr_error *err);
void ofr_tok_close(ofr_tok *tok);

int ofr_tok_size(const ofr_tok *tok);                   /* entries of the vocabulary */
int ofr_tok_id(const ofr_tok *tok, ofr_str token);      /* -1: absent */
const char *ofr_tok_kind(const ofr_tok *tok); /* "wordpiece", "bpe", "unigram" */
/* Has the model an embedding for each token?  OFR_FORMAT names the one too many. */
ofr_status ofr_tok_check_size(const ofr_tok *tok, int n_embeddings, ofr_error *err);

/* The files that make up a tokenizer, i = 0..OFR_TOK_FILES-1: the name in a model
 * directory, and where the file was found; NULL when there is none. */
enum { OFR_TOK_FILES = 8 };
const char *ofr_tok_file_name(int i);
const char *ofr_tok_file(const ofr_tok *tok, int i);

/* Ids of one text or pair with special tokens; grows as needed, reused. */
typedef struct ofr_tok_scratch {
    int *ids, *types;   /* [n] result of the last encode */
    int n, cap;
    bool truncated;     /* tokens were cut off to fit max_tokens */
    ofr_buf text;       /* private: the text without bad bytes */
    ofr_buf word;       /* private: the word being cut */
    ofr_buf lattice;    /* private: arrays of bpe.c and unigram.c */
    int *work;          /* private: pieces of a and b before assembly */
    int n_work, cap_work;
    void *match;        /* private: PCRE2 match data */
} ofr_tok_scratch;

void ofr_tok_scratch_init(ofr_tok_scratch *scratch);
void ofr_tok_scratch_free(ofr_tok_scratch *scratch);

/* Room for the pieces of any text or pair that is cut to max_tokens and whose words have
 * word_bytes bytes at most: both parts are cut behind the word that reaches the limit. */
ofr_status ofr_tok_reserve(ofr_tok_scratch *scratch, int max_tokens, size_t word_bytes,
                           ofr_error *err);

/* `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]` with types 0 and 1 (RoBERTa:
 * `<s> a </s></s> b </s>`, types 0).  Truncation longest-first to max_tokens
 * (0: none): while too long, the last token of the longer part goes, of the
 * second when equal as Hugging Face does it (checked against the oracle).
 * pair.p == NULL: a single text.  Bytes that are not UTF-8 become U+FFFD and
 * are dropped.  A special token written in the text ("[MASK]") is that token, as
 * in Hugging Face's tokenizers.  OFR_NOMEM only. */
ofr_status ofr_tok_encode(const ofr_tok *tok, ofr_tok_scratch *scratch, ofr_str text,
                          ofr_str pair, int max_tokens, ofr_error *err);

#endif
