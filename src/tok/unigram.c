/*
 * unigram.c - normalisation for sentencepiece vocabularies and Viterbi search.
 *
 * Text becomes words, each with the visible space in front; a word is cut into
 * the pieces with the largest sum of scores.  A character that no piece begins
 * with costs the smallest score minus 10; neighbours of that kind are one
 * unknown token.
 */
#include "tok/unigram.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "tok/tok_parts.h"

#define UNK_PENALTY 10.0
#define VISIBLE_SPACE 0x2581 /* what pieces begin with at the start of a word */

ofr_status ofr_unigram_open(ofr_unigram *unigram, const ofr_vocab *vocab, double *scores,
                            int unk, ofr_normalize how, const char *name,
                            ofr_error *err)
{
    double least = 0.0;
    memset(unigram, 0, sizeof *unigram);
    unigram->vocab = vocab;
    unigram->scores = scores;
    unigram->unk = unk;
    unigram->how = how;
    unigram->how.compat = true;
    if (unk < 0 || unk >= vocab->n)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the unigram vocabulary has no unknown token (its id is %d, "
                        "expected 0..%d); restore the file",
                        name, unk, vocab->n - 1);
    for (int id = 0; id < vocab->n; id++)
        if (scores[id] < least) least = scores[id];
    unigram->unk_score = least - UNK_PENALTY;
    scores[unk] = NAN;
    return OFR_OK;
}

void ofr_unigram_close(ofr_unigram *unigram)
{
    ofr_mem_free(unigram->scores);
    unigram->scores = NULL;
}

/* ------------------------------------------------------------ one word -- */

typedef struct lattice {
    double *best; /* [n+1] score of the best cut that ends at this byte */
    int *from;    /* [n+1] where its last piece begins; -1: no cut ends here */
    int *id;      /* [n+1] its last piece, -1: unknown character */
    char *text;   /* [n] */
    size_t n;
} lattice;

static ofr_status place(lattice *l, ofr_tok_scratch *scratch, size_t n_chars,
                        ofr_error *err)
{
    size_t cap = 4 * n_chars + 1, bytes = cap * (sizeof *l->best + 2 * sizeof(int) + 1);
    if (n_chars > INT32_MAX / 8) return ofr_fail_nomem(err, bytes, "a word");
    OFR_TRY(ofr_tok_room(&scratch->lattice, bytes, err));
    l->best = (double *)(void *)scratch->lattice.p;
    l->from = (int *)(l->best + cap);
    l->id = l->from + cap;
    l->text = (char *)(l->id + cap);
    l->n = 0;
    return OFR_OK;
}

static void offer(lattice *l, size_t from, size_t to, double score, int id)
{
    double total = l->best[from] + score;
    if (l->from[to] >= 0 && !(total > l->best[to])) return;
    l->best[to] = total;
    l->from[to] = (int)from;
    l->id[to] = id;
}

static void search(const ofr_unigram *u, lattice *l)
{
    for (size_t i = 0; i <= l->n; i++)
        l->from[i] = -1;
    l->best[0] = 0.0;
    for (size_t at = 0; at < l->n;) {
        size_t first = 1, longest = l->n - at, len = 0;
        bool covered = false;
        while (at + first < l->n && ((unsigned char)l->text[at + first] & 0xc0) == 0x80)
            first++;
        if (longest > u->vocab->longest) longest = u->vocab->longest;
        for (len = first; len <= longest; len++) {
            int id;
            if (at + len < l->n && ((unsigned char)l->text[at + len] & 0xc0) == 0x80)
                continue;
            id = ofr_vocab_id(u->vocab, l->text + at, len);
            if (id < 0 || isnan(u->scores[id])) continue;
            offer(l, at, at + len, u->scores[id], id);
            covered = covered || len == first;
        }
        if (!covered) offer(l, at, at + first, u->unk_score, -1);
        at += first;
    }
}

static ofr_status push_best(const ofr_unigram *u, ofr_tok_scratch *scratch,
                            const lattice *l, ofr_error *err)
{
    int first = scratch->n_work, n;
    for (int to = (int)l->n; to > 0; to = l->from[to])
        if (l->id[to] >= 0 || scratch->n_work == first ||
            scratch->work[scratch->n_work - 1] != u->unk)
            OFR_TRY(ofr_tok_push(scratch, l->id[to] < 0 ? u->unk : l->id[to], err));
    n = scratch->n_work - first;
    for (int i = 0; i < n / 2; i++) { /* they were found from the end */
        int *a = &scratch->work[first + i], *b = &scratch->work[first + n - 1 - i],
            t = *a;
        *a = *b;
        *b = t;
    }
    return OFR_OK;
}

/* The word in scratch->word, as int32_t characters. */
static ofr_status encode_word(const ofr_unigram *u, ofr_tok_scratch *scratch,
                              ofr_error *err)
{
    int32_t *chars = (int32_t *)(void *)scratch->word.p;
    utf8proc_ssize_t n = (utf8proc_ssize_t)(scratch->word.n / sizeof *chars);
    lattice l = {0};
    if (scratch->word.failed) return ofr_fail_nomem(err, scratch->word.n, "a word");
    n = utf8proc_normalize_utf32(chars, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    OFR_ASSERT(n > 0);
    OFR_TRY(place(&l, scratch, (size_t)n, err));
    for (utf8proc_ssize_t i = 0; i < n; i++)
        l.n += (size_t)ofr_utf8_put(l.text + l.n, chars[i]);
    search(u, &l);
    return push_best(u, scratch, &l, err);
}

/* ------------------------------------------------------------ whole text -- */

static void begin_word(ofr_tok_scratch *scratch)
{
    const int32_t space = VISIBLE_SPACE;
    ofr_buf_clear(&scratch->word);
    ofr_buf_add(&scratch->word, &space, sizeof space);
}

static bool is_begun(const ofr_tok_scratch *scratch)
{
    return scratch->word.failed || scratch->word.n > sizeof(int32_t);
}

/* A space behind *begun text (a word, or spaces that stay).  It becomes the visible one
 * of the next word; the first of a text is that of the first word. */
static ofr_status take_space(const ofr_unigram *u, ofr_tok_scratch *scratch, bool *begun,
                             ofr_error *err)
{
    bool first = !*begun;
    *begun = *begun || u->how.blanks;
    if (first || !(is_begun(scratch) || (u->how.blanks && u->how.runs))) return OFR_OK;
    OFR_TRY(encode_word(u, scratch, err));
    begin_word(scratch);
    *begun = u->how.blanks;
    return OFR_OK;
}

/* sentencepiece's nmt rules: control characters vanish, odd spaces are spaces. */
static bool is_dropped(int32_t c)
{
    return c < 0x09 || c == 0x0b || (c >= 0x0e && c <= 0x1f) || c == 0x7f || c == 0x8f ||
           c == 0x9f;
}

static bool is_space(int32_t c)
{
    return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == VISIBLE_SPACE ||
           (c >= 0x200b && c <= 0x200f) || c == 0xfeff || c == 0xfffd ||
           ofr_char_is_space(c);
}

ofr_status ofr_unigram_encode(const ofr_unigram *unigram, ofr_tok_scratch *scratch,
                              ofr_str text, int limit, ofr_error *err)
{
    bool begun = false;
    begin_word(scratch);
    for (size_t at = 0, used; at < text.n && scratch->n_work < limit; at += used) {
        int32_t parts[OFR_NORMALIZE_MAX];
        int32_t c = ofr_utf8_next(text.p + at, text.n - at, &used);
        int n;
        if (c < 0 || is_dropped(c)) continue;
        if (unigram->how.quotes && (c == '`' || c == '\'') && at + 1 < text.n &&
            text.p[at + 1] == text.p[at]) {
            c = '"'; /* `` and '' */
            used = 2;
        }
        n = is_space(c) ? 1 : ofr_normalize_char(&unigram->how, c, parts);
        if (is_space(c)) parts[0] = ' ';
        for (int i = 0; i < n; i++) {
            if (is_space(parts[i])) { /* also from inside of a decomposition */
                OFR_TRY(take_space(unigram, scratch, &begun, err));
            } else {
                ofr_buf_add(&scratch->word, &parts[i], sizeof parts[i]);
                begun = true;
            }
        }
    }
    if (!begun || scratch->n_work >= limit) return OFR_OK;
    return encode_word(unigram, scratch, err);
}

/* ------------------------------------------------- sentencepiece's own file -- */

/* A protocol buffer: (field << 3 | wire type) as a varint, then the value. */
typedef struct proto {
    const unsigned char *p, *end;
} proto;

typedef struct proto_field {
    int number, wire;
    uint64_t value; /* varint, or the bits of a 32-bit value */
    proto bytes;    /* length-delimited */
} proto_field;

static bool read_varint(proto *in, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && in->p < in->end; shift += 7) {
        unsigned char byte = *in->p++;
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

static bool read_field(proto *in, proto_field *field)
{
    uint64_t key, n = 0;
    *field = (proto_field){0};
    if (!read_varint(in, &key) || key >> 3 == 0 || key >> 3 > INT32_MAX) return false;
    field->number = (int)(key >> 3);
    field->wire = (int)(key & 7);
    if (field->wire == 0) return read_varint(in, &field->value);
    if (field->wire == 2 && !read_varint(in, &n)) return false;
    if (field->wire == 1) n = 8;
    if (field->wire == 5) n = 4;
    if (field->wire != 1 && field->wire != 2 && field->wire != 5) return false;
    if (n > (uint64_t)(in->end - in->p)) return false;
    field->bytes = (proto){in->p, in->p + n};
    in->p += n;
    return true;
}

typedef struct piece {
    ofr_str text;
    float score;
    uint64_t type; /* 1 normal, 2 unknown, 3 control, 4 user, 5 unused, 6 byte */
} piece;

static bool read_piece(proto in, piece *out)
{
    proto_field f;
    *out = (piece){.type = 1};
    while (in.p < in.end) {
        if (!read_field(&in, &f)) return false;
        if (f.number == 1 && f.wire == 2)
            out->text =
                (ofr_str){(const char *)f.bytes.p, (size_t)(f.bytes.end - f.bytes.p)};
        if (f.number == 2 && f.wire == 5) memcpy(&out->score, f.bytes.p, 4);
        if (f.number == 3 && f.wire == 0) out->type = f.value;
    }
    return out->text.n > 0 && ofr_utf8_valid(out->text.p, out->text.n, NULL) &&
           isfinite(out->score);
}

/* "2019," is the number and the comma to ALBERT: a piece of both is taken where nothing
 * else will do.  The number of points is that of transformers' converter. */
static double score_of(piece p)
{
    bool number = p.text.n >= 2 && p.text.p[p.text.n - 1] == ',' &&
                  p.text.p[p.text.n - 2] >= '0' && p.text.p[p.text.n - 2] <= '9';
    if (p.type != 1 && p.type != 4) return NAN;
    return (double)p.score - (number ? 100.0 : 0.0);
}

static ofr_status add_piece(ofr_vocab *vocab, double *scores, int *unk, int id, piece p,
                            const char *path, ofr_error *err)
{
    int old;
    OFR_TRY(ofr_vocab_add(vocab, p.text.p, p.text.n, id, &old, err));
    if (old >= 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: pieces %d and %d are both \"%.*s\"; restore the file", path,
                        old, id, p.text.n < 64 ? (int)p.text.n : 64, p.text.p);
    scores[id] = score_of(p);
    if (p.type == 2) *unk = id;
    return OFR_OK;
}

ofr_status ofr_unigram_read_model(ofr_vocab *vocab, double **scores, int *unk,
                                  const char *path, ofr_error *err)
{
    ofr_file_map map;
    proto in;
    proto_field field;
    piece next;
    double *made = NULL;
    size_t cap = 0;
    int n = 0, unknown = -1;
    ofr_status status;
    OFR_TRY(ofr_file_map_open(&map, path, err));
    status = ofr_fail(err, OFR_FORMAT,
                      "%s: no sentencepiece model or damaged; restore the file", path);
    if (map.size == 0) goto done;
    in = (proto){map.p, map.p + map.size};
    while (in.p < in.end) {
        if (!read_field(&in, &field)) goto done;
        if (field.number != 1 || field.wire != 2) continue;
        if (!read_piece(field.bytes, &next) || n == OFR_VOCAB_MAX) goto done;
        if ((size_t)n == cap) {
            size_t more = cap ? 2 * cap : 1024;
            double *grown = ofr_mem_resize(made, cap * sizeof *made, more * sizeof *made);
            if (!grown) {
                status = ofr_fail_nomem(err, more * sizeof *made, path);
                goto done;
            }
            made = grown;
            cap = more;
        }
        status = add_piece(vocab, made, &unknown, n, next, path, err);
        if (status != OFR_OK) goto done;
        n++;
        status = ofr_fail(err, OFR_FORMAT,
                          "%s: damaged behind piece %d; restore the file", path, n);
    }
    if (n == 0) goto done;
    status = OFR_OK;
    *scores = made;
    *unk = unknown;
    made = NULL;
done:
    ofr_mem_free(made);
    ofr_file_map_close(&map);
    return status;
}
