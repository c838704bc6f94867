/*
 * tok.c - from a text or a pair to the ids that a model reads.
 *
 * Special tokens are found first, the rest goes to the vocabulary's own
 * algorithm; then both parts are cut to length and put together.
 */
#include "tok/tok.h"

#include <limits.h>
#include <string.h>

#include "tok/tok_parts.h"

/* --------------------------------------------------------------- scratch -- */

void ofr_tok_scratch_init(ofr_tok_scratch *scratch)
{
    memset(scratch, 0, sizeof *scratch);
    ofr_buf_init(&scratch->text);
    ofr_buf_init(&scratch->word);
    ofr_buf_init(&scratch->lattice);
}

void ofr_tok_scratch_free(ofr_tok_scratch *scratch)
{
    ofr_mem_free(scratch->ids);
    ofr_mem_free(scratch->types);
    ofr_mem_free(scratch->work);
    ofr_buf_free(&scratch->text);
    ofr_buf_free(&scratch->word);
    ofr_buf_free(&scratch->lattice);
    if (scratch->match) ofr_gpt2_match_close(scratch->match);
    ofr_tok_scratch_init(scratch);
}

ofr_status ofr_tok_grow(ofr_tok_scratch *scratch, ofr_error *err)
{
    size_t old = (size_t)scratch->cap_work, cap = old ? 2 * old : 256;
    int *work;
    if (cap > INT_MAX) return ofr_fail_nomem(err, cap * sizeof *work, "a text's tokens");
    work = ofr_mem_resize(scratch->work, old * sizeof *work, cap * sizeof *work);
    if (!work) return ofr_fail_nomem(err, cap * sizeof *work, "a text's tokens");
    scratch->work = work;
    scratch->cap_work = (int)cap;
    return OFR_OK;
}

ofr_status ofr_tok_reserve(ofr_tok_scratch *scratch, int max_tokens, size_t word_bytes,
                           ofr_error *err)
{
    const size_t pieces = word_bytes > OFR_WORD_CHARS ? word_bytes : OFR_WORD_CHARS;
    while ((size_t)scratch->cap_work < 2 * ((size_t)max_tokens + pieces))
        OFR_TRY(ofr_tok_grow(scratch, err));
    return OFR_OK;
}

ofr_status ofr_tok_room(ofr_buf *buf, size_t bytes, ofr_error *err)
{
    size_t cap = buf->cap ? buf->cap : 4096;
    char *p;
    if (bytes <= buf->cap) return OFR_OK;
    while (cap < bytes)
        cap = cap > SIZE_MAX / 2 ? bytes : 2 * cap;
    p = ofr_mem_alloc(cap);
    if (!p) return ofr_fail_nomem(err, cap, "a word");
    ofr_mem_free(buf->p);
    buf->p = p;
    buf->cap = cap;
    return OFR_OK;
}

static ofr_status result_room(ofr_tok_scratch *scratch, int n, ofr_error *err)
{
    size_t old = (size_t)scratch->cap, cap = old ? old : 128;
    int *p;
    if (n <= scratch->cap) return OFR_OK;
    while (cap < (size_t)n)
        cap *= 2;
    p = ofr_mem_resize(scratch->ids, old * sizeof *p, cap * sizeof *p);
    if (!p) return ofr_fail_nomem(err, cap * sizeof *p, "a text's tokens");
    scratch->ids = p;
    p = ofr_mem_resize(scratch->types, old * sizeof *p, cap * sizeof *p);
    if (!p) return ofr_fail_nomem(err, cap * sizeof *p, "a text's tokens");
    scratch->types = p;
    scratch->cap = (int)cap;
    return OFR_OK;
}

/* -------------------------------------------------------- special tokens -- */

/* White space as Python's str.strip() has it. */
static bool is_blank_char(int32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f) || c == 0x85 ||
           ofr_char_is_space(c);
}

static ofr_str trim_left(ofr_str s)
{
    size_t used;
    while (s.n && is_blank_char(ofr_utf8_next(s.p, s.n, &used)))
        s = (ofr_str){s.p + used, s.n - used};
    return s;
}

static ofr_str trim_right(ofr_str s)
{
    while (s.n) {
        size_t at = s.n - 1, used;
        while (at > 0 && s.n - at < 4 && ((unsigned char)s.p[at] & 0xc0) == 0x80)
            at--;
        if (!is_blank_char(ofr_utf8_next(s.p + at, s.n - at, &used))) break;
        s.n = at;
    }
    return s;
}

/* Bytes that p[n] begins with and that are `token` once they are normalised; 0: none. */
static size_t match_normal(const ofr_normalize *how, ofr_str token, const char *p,
                           size_t n)
{
    size_t at = 0, done = 0, used;
    while (done < token.n && at < n) {
        int32_t parts[OFR_NORMALIZE_MAX];
        int32_t c = ofr_utf8_next(p + at, n - at, &used);
        int n_parts = c < 0 ? 0 : ofr_normalize_char(how, c, parts);
        if (c < 0) return 0;
        for (int i = 0; i < n_parts; i++) {
            char bytes[4];
            size_t len = (size_t)ofr_utf8_put(bytes, parts[i]);
            if (len > token.n - done || memcmp(bytes, token.p + done, len) != 0) return 0;
            done += len;
        }
        at += used;
    }
    return done == token.n ? at : 0;
}

/* A special token in a text. */
typedef struct match {
    const ofr_tok_special *special; /* NULL: there is none */
    size_t n;                       /* bytes of the text that are it */
} match;

/* The longest special token that p[n] begins with. */
static match special_at(const ofr_tok *tok, const char *p, size_t n)
{
    match found = {NULL, 0};
    for (int i = 0; i < tok->n_specials; i++) {
        const ofr_tok_special *s = &tok->specials[i];
        size_t len = s->text.n;
        if (s->normal.p) len = match_normal(&tok->how, s->normal, p, n);
        else if (len > n || memcmp(p, s->text.p, len) != 0) len = 0;
        if (len > found.n) found = (match){s, len};
    }
    return found;
}

/* Bytes of `text` in front of its first special token, *found; all of them when
 * there is none. */
static size_t until_special(const ofr_tok *tok, ofr_str text, match *found)
{
    *found = (match){NULL, 0};
    for (size_t i = 0; i < text.n; i++) {
        if (!tok->special_first[(unsigned char)text.p[i]]) continue;
        *found = special_at(tok, text.p + i, text.n - i);
        if (found->special) return i;
    }
    return text.n;
}

static ofr_status encode_plain(const ofr_tok *tok, ofr_tok_scratch *scratch, ofr_str text,
                               int limit, ofr_error *err)
{
    if (text.n == 0) return OFR_OK;
    switch (tok->model) {
    case OFR_TOK_BPE: return ofr_bpe_encode(&tok->bpe, scratch, text, limit, err);
    case OFR_TOK_UNIGRAM:
        return ofr_unigram_encode(&tok->unigram, scratch, text, limit, err);
    default: return ofr_wordpiece_encode(&tok->wordpiece, scratch, text, limit, err);
    }
}

/* A copy in scratch->text without the bytes that are not UTF-8, and with the
 * space that some byte-level vocabularies want in front. */
static ofr_status clean_copy(ofr_tok_scratch *scratch, ofr_str *text, bool prefix_space,
                             ofr_error *err)
{
    ofr_buf_clear(&scratch->text);
    if (prefix_space) ofr_buf_addc(&scratch->text, ' ');
    for (size_t at = 0, used; at < text->n; at += used) {
        size_t from = at;
        while (at < text->n && ofr_utf8_next(text->p + at, text->n - at, &used) >= 0)
            at += used;
        ofr_buf_add(&scratch->text, text->p + from, at - from);
        used = 1; /* the bad byte */
    }
    if (scratch->text.failed) {
        ofr_buf_free(&scratch->text);
        return ofr_fail_nomem(err, text->n, "a text");
    }
    *text = (ofr_str){scratch->text.p, scratch->text.n};
    return OFR_OK;
}

ofr_status ofr_tok_encode_bare(const ofr_tok *tok, ofr_tok_scratch *scratch, ofr_str text,
                               int limit, ofr_error *err)
{
    bool bpe = tok->model == OFR_TOK_BPE, space = false;
    size_t used;
    if (bpe) {
        if (trim_left(text).n == 0) return OFR_OK;
        space = tok->bpe.prefix_space &&
                !is_blank_char(ofr_utf8_next(text.p, text.n, &used));
    }
    if (tok->model != OFR_TOK_WORDPIECE &&
        (space || !ofr_utf8_valid(text.p, text.n, NULL)))
        OFR_TRY(clean_copy(scratch, &text, space, err));
    while (text.n && scratch->n_work < limit) {
        match found;
        size_t n = until_special(tok, text, &found);
        const ofr_tok_special *special = found.special;
        ofr_str plain = {text.p, n};
        if (special && special->strip_left) plain = trim_right(plain);
        OFR_TRY(encode_plain(tok, scratch, plain, limit, err));
        if (!special) break;
        if (scratch->n_work < limit) OFR_TRY(ofr_tok_push(scratch, special->id, err));
        n += found.n;
        text = (ofr_str){text.p + n, text.n - n};
        if (special->strip_right) text = trim_left(text);
    }
    return OFR_OK;
}

/* -------------------------------------------------------------- assembly -- */

typedef struct writer {
    ofr_tok_scratch *scratch;
    int n;
} writer;

static void put(writer *w, int id, int type)
{
    w->scratch->ids[w->n] = id;
    w->scratch->types[w->n++] = type;
}

static void put_part(writer *w, const int *ids, int n, int type)
{
    for (int i = 0; i < n; i++)
        put(w, ids[i], type);
}

static ofr_status encode_whole(const ofr_tok *tok, ofr_tok_scratch *scratch, ofr_str text,
                               ofr_str pair, int max_tokens, ofr_error *err)
{
    bool has_pair = pair.p != NULL, bpe = tok->model == OFR_TOK_BPE;
    int extra = has_pair ? (bpe ? 4 : 3) : 2, room = INT_MAX / 4, n_a, n_b, second;
    writer w = {scratch, 0};

    if (max_tokens > 0) room = max_tokens > extra ? max_tokens - extra : 0;
    /* A part of more than `room` tokens loses its end whatever follows, down to
     * `room` or to the length of the other part, which is cut in the same way;
     * so one token more than `room` tells all that matters. */
    scratch->n_work = 0;
    OFR_TRY(ofr_tok_encode_bare(tok, scratch, text, room + 1, err));
    n_a = second = scratch->n_work;
    if (n_a > room + 1) n_a = room + 1;
    if (has_pair)
        OFR_TRY(ofr_tok_encode_bare(tok, scratch, pair, second + room + 1, err));
    n_b = scratch->n_work - second;
    if (n_b > room + 1) n_b = room + 1;
    OFR_TRY(result_room(scratch, n_a + n_b + extra, err));

    scratch->truncated = n_a + n_b > room;
    while (n_a + n_b > room) {
        if (n_a > n_b) n_a--;
        else n_b--;
    }
    put(&w, tok->cls, 0);
    put_part(&w, scratch->work, n_a, 0);
    put(&w, tok->sep, 0);
    if (has_pair) {
        if (bpe) put(&w, tok->sep, 0);
        if (n_b) put_part(&w, scratch->work + second, n_b, bpe ? 0 : 1);
        put(&w, tok->sep, bpe ? 0 : 1);
    }
    scratch->n = w.n;
    return OFR_OK;
}

/* One word of megabytes needs up to 68 bytes for each of its own.  A session may live as
 * long as its server and gives them back; below the bound, reuse is worth more. */
static void give_back(ofr_buf *buf)
{
    if (buf->cap > OFR_TOK_KEPT) ofr_buf_free(buf);
}

ofr_status ofr_tok_encode(const ofr_tok *tok, ofr_tok_scratch *scratch, ofr_str text,
                          ofr_str pair, int max_tokens, ofr_error *err)
{
    ofr_status status = encode_whole(tok, scratch, text, pair, max_tokens, err);
    give_back(&scratch->text);
    give_back(&scratch->word);
    give_back(&scratch->lattice);
    if ((size_t)scratch->cap_work > OFR_TOK_KEPT / sizeof *scratch->work) {
        ofr_mem_free(scratch->work);
        scratch->work = NULL;
        scratch->cap_work = 0;
    }
    return status;
}

/* ------------------------------------------------------------- questions -- */

int ofr_tok_size(const ofr_tok *tok)
{
    return tok->vocab.n;
}

int ofr_tok_id(const ofr_tok *tok, ofr_str token)
{
    return ofr_vocab_id(&tok->vocab, token.p, token.n);
}

const char *ofr_tok_kind(const ofr_tok *tok)
{
    static const char *const names[] = {"wordpiece", "bpe", "unigram"};
    return names[tok->model];
}

const char *ofr_tok_file(const ofr_tok *tok, int i)
{
    OFR_ASSERT(i >= 0 && i < OFR_TOK_FILES);
    return tok->files[i];
}

ofr_status ofr_tok_check_size(const ofr_tok *tok, int n_embeddings, ofr_error *err)
{
    int last = tok->vocab.n - 1, first_file = 0;
    if (last < n_embeddings) return OFR_OK;
    if (tok->n_words <= n_embeddings)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the added token \"%.64s\" has id %d, the model only %d "
                        "embeddings; remove the tokens from id %d on from the file",
                        tok->last_added, tok->vocab.tokens[last].p, last, n_embeddings,
                        n_embeddings);
    while (!tok->files[first_file])
        first_file++;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the tokenizer has %d entries, the model only %d embeddings; "
                    "they do not belong together, restore the file",
                    tok->files[first_file], tok->n_words, n_embeddings);
}

void ofr_tok_close(ofr_tok *tok)
{
    if (!tok) return;
    ofr_wordpiece_close(&tok->wordpiece);
    ofr_bpe_close(&tok->bpe);
    ofr_unigram_close(&tok->unigram);
    ofr_vocab_free(&tok->vocab);
    for (int i = 0; i < OFR_TOK_FILES; i++)
        ofr_mem_free(tok->files[i]);
    ofr_mem_free(tok->specials);
    ofr_mem_free(tok);
}
