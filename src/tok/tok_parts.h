/* tok_parts.h - the inside of a tokenizer: private to tok/ and its tests. */
#ifndef OFR_TOK_TOK_PARTS_H
#define OFR_TOK_TOK_PARTS_H

#include "base/file.h"
#include "base/mem.h"
#include "tok/bpe.h"
#include "tok/tok.h"
#include "tok/unigram.h"
#include "tok/vocab.h"
#include "tok/wordpiece.h"

typedef enum ofr_tok_model {
    OFR_TOK_WORDPIECE,
    OFR_TOK_BPE,
    OFR_TOK_UNIGRAM
} ofr_tok_model;

/* A token that is recognised in running text before anything else. */
typedef struct ofr_tok_special {
    ofr_str text;   /* borrowed from the vocabulary */
    ofr_str normal; /* the same normalised, in its arena; p == NULL: matched as it is */
    int id;
    bool strip_left, strip_right; /* eat the white space next to it */
} ofr_tok_special;

#define OFR_TOK_KEPT ((size_t)16 << 20) /* bytes of a scratch buffer that stay */

struct ofr_tok {
    ofr_tok_model model;
    ofr_vocab vocab;
    ofr_normalize how;      /* of the text; BPE: nothing happens to it */
    int unk, cls, sep;
    ofr_tok_special *specials;
    int n_specials;
    bool special_first[256]; /* first bytes of the special tokens */
    ofr_wordpiece wordpiece; /* the one that `model` names is in use */
    ofr_bpe bpe;
    ofr_unigram unigram;
    char *files[OFR_TOK_FILES]; /* paths; NULL where there is none */
    int n_words;                /* entries before tokens were added */
    const char *last_added;     /* the file that added the last one; borrowed of files */
};

/* Append one id to scratch->work. */
ofr_status ofr_tok_grow(ofr_tok_scratch *scratch, ofr_error *err);
static inline ofr_status ofr_tok_push(ofr_tok_scratch *scratch, int id, ofr_error *err)
{
    if (scratch->n_work == scratch->cap_work) OFR_TRY(ofr_tok_grow(scratch, err));
    scratch->work[scratch->n_work++] = id;
    return OFR_OK;
}

/* At least `bytes` bytes at buf->p, whose content may change. */
ofr_status ofr_tok_room(ofr_buf *buf, size_t bytes, ofr_error *err);

/* The bare text without [CLS] and [SEP], special tokens inside it recognised,
 * appended to scratch->work; stops early at `limit` ids. */
ofr_status ofr_tok_encode_bare(const ofr_tok *tok, ofr_tok_scratch *scratch, ofr_str text,
                               int limit, ofr_error *err);

#endif
