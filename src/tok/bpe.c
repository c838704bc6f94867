/*
 * bpe.c - byte pairs merged in order of rank.
 *
 * A word is a linked list of symbols and a heap of the pairs that can merge,
 * keyed by (rank, position): O(n log n) even for a megabyte without a space.
 * Entries that a merge made stale are recognised when they come up.
 */
#include "tok/bpe.h"

#include <string.h>

#include "tok/tok_parts.h"

#define FREE_SLOT UINT64_MAX
#define BYTES_MISSING_MAX 128

/* GPT-2's readable stand-in for byte b: itself where printable in Latin-1,
 * otherwise the next unused character from U+0100 on. */
static int32_t byte_char(int b)
{
    int32_t c = 256;
    for (int i = 0; i <= b; i++) {
        bool printable = (i >= 33 && i <= 126) || (i >= 161 && i != 173);
        if (i == b) return printable ? b : c;
        if (!printable) c++;
    }
    return c;
}

/* Bytes that training never met may be without a token. */
static ofr_status find_bytes(ofr_bpe *bpe, const char *name, ofr_error *err)
{
    for (int b = 0; b < 256; b++) {
        char text[4];
        int n = ofr_utf8_put(text, byte_char(b));
        bpe->byte_ids[b] = ofr_vocab_id(bpe->vocab, text, (size_t)n);
        if (bpe->byte_ids[b] < 0 && bpe->unk < 0)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: the vocabulary has no token \"%.*s\" for byte 0x%02x "
                            "and no unknown token; it is no byte-level vocabulary, "
                            "restore the file",
                            name, n, text, (unsigned)b);
    }
    return OFR_OK;
}

ofr_status ofr_bpe_check_bytes(const ofr_bpe *bpe, const char *name, ofr_error *err)
{
    bool space = bpe->byte_ids[' '] >= 0;
    int n_missing = 0;
    for (int b = 0; b < 256; b++)
        n_missing += bpe->byte_ids[b] < 0;
    if (space && n_missing <= BYTES_MISSING_MAX) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the vocabulary has tokens for %d of the 256 bytes%s, and "
                    "nothing says that it is a byte-level one; if it is, add "
                    "\"tokenizer_class\": \"RobertaTokenizer\" to "
                    "tokenizer_config.json",
                    name, 256 - n_missing, space ? "" : ", not for the space");
}

ofr_status ofr_bpe_open(ofr_bpe *bpe, const ofr_vocab *vocab, int unk, size_t n_merges,
                        bool prefix_space, const char *name, ofr_error *err)
{
    memset(bpe, 0, sizeof *bpe);
    bpe->vocab = vocab;
    bpe->prefix_space = prefix_space;
    bpe->unk = unk;
    OFR_TRY(find_bytes(bpe, name, err));
    bpe->n_slots = 64;
    while (bpe->n_slots < 2 * n_merges)
        bpe->n_slots *= 2;
    bpe->merges = ofr_mem_array(bpe->n_slots, sizeof *bpe->merges);
    if (!bpe->merges)
        return ofr_fail_nomem(err, bpe->n_slots * sizeof *bpe->merges, "the merges");
    for (size_t i = 0; i < bpe->n_slots; i++)
        bpe->merges[i].pair = FREE_SLOT;
    return ofr_gpt2_split_open(&bpe->split, err);
}

void ofr_bpe_close(ofr_bpe *bpe)
{
    ofr_mem_free(bpe->merges);
    bpe->merges = NULL;
    if (bpe->split.code) ofr_gpt2_split_close(&bpe->split);
}

/* The slot of a pair, or the free slot where it would go. */
static ofr_bpe_merge *find(const ofr_bpe *bpe, int left, int right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right, h = pair;
    size_t mask = bpe->n_slots - 1, i;
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    for (i = (size_t)h & mask; bpe->merges[i].pair != FREE_SLOT; i = (i + 1) & mask)
        if (bpe->merges[i].pair == pair) break;
    return &bpe->merges[i];
}

static ofr_status not_a_token(ofr_str text, const char *where, ofr_error *err)
{
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"%.*s\" is not in the vocabulary; the two files do not belong "
                    "together",
                    where, text.n < 64 ? (int)text.n : 64, text.p);
}

ofr_status ofr_bpe_add_merge(ofr_bpe *bpe, ofr_str left, ofr_str right, const char *where,
                             ofr_error *err)
{
    char both[1024];
    ofr_str result = {both, left.n + right.n};
    ofr_bpe_merge *slot;
    int l = ofr_vocab_id(bpe->vocab, left.p, left.n);
    int r = ofr_vocab_id(bpe->vocab, right.p, right.n), merged;
    OFR_ASSERT(2 * bpe->n_merges < bpe->n_slots);
    if (l < 0) return not_a_token(left, where, err);
    if (r < 0) return not_a_token(right, where, err);
    if (result.n > sizeof both)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the result has %zu bytes, expected at most %zu; restore the "
                        "file",
                        where, result.n, sizeof both);
    memcpy(both, left.p, left.n);
    memcpy(both + left.n, right.p, right.n);
    merged = ofr_vocab_id(bpe->vocab, both, result.n);
    if (merged < 0) { /* some vocabularies end one short: the parts stay parts */
        bpe->n_merges++;
        return OFR_OK;
    }
    slot = find(bpe, l, r);
    if (slot->pair != FREE_SLOT)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%.*s %.*s\" is already merge %d; remove that one",
                        where, (int)left.n, left.p, (int)right.n, right.p,
                        slot->rank + 1);
    slot->pair = (uint64_t)(uint32_t)l << 32 | (uint32_t)r;
    slot->rank = (int)bpe->n_merges++;
    slot->merged = merged;
    return OFR_OK;
}

ofr_status ofr_bpe_read_merges(ofr_bpe *bpe, const ofr_buf *text, const char *path,
                               ofr_error *err)
{
    const char *p = text->p, *end = p + text->n;
    ofr_buf where;
    ofr_status status = OFR_OK;
    if (text->n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
    ofr_buf_init(&where);
    for (int number = 1; p < end && status == OFR_OK; number++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p)), *space;
        ofr_str line = {p, (size_t)((stop ? stop : end) - p)};
        p = stop ? stop + 1 : end;
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        if (line.n == 0 || (number == 1 && line.n > 8 && !memcmp(line.p, "#version", 8)))
            continue;
        ofr_buf_clear(&where);
        ofr_buf_addf(&where, "%s:%d", path, number);
        if (where.failed) {
            status = ofr_fail_nomem(err, 0, path);
            break;
        }
        space = memchr(line.p, ' ', line.n);
        if (!space || space == line.p || space + 1 == line.p + line.n ||
            memchr(space + 1, ' ', (size_t)(line.p + line.n - space - 1)))
            status = ofr_fail(err, OFR_FORMAT,
                              "%s: expected two symbols with one space between them; "
                              "restore the file",
                              where.p);
        else
            status = ofr_bpe_add_merge(
                bpe, (ofr_str){line.p, (size_t)(space - line.p)},
                (ofr_str){space + 1, (size_t)(line.p + line.n - space - 1)}, where.p,
                err);
    }
    ofr_buf_free(&where);
    return status;
}

/* --------------------------------------------------------------- one word -- */

/* Arrays over the symbols of a word; all of them live in scratch->lattice. */
typedef struct symbols {
    uint64_t *heap; /* [3n] rank << 32 | position, smallest on top */
    size_t n_heap;
    int *id;        /* [n] -1: merged into the one before */
    int *next;      /* [n] position of the next symbol; n: none */
    int *prev;      /* [n] -1: none */
    int n;
} symbols;

static void heap_push(symbols *s, uint64_t key)
{
    size_t i = s->n_heap++;
    while (i > 0 && s->heap[(i - 1) / 2] > key) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = key;
}

static uint64_t heap_pop(symbols *s)
{
    uint64_t top = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < s->n_heap) {
        if (child + 1 < s->n_heap && s->heap[child + 1] < s->heap[child]) child++;
        if (s->heap[child] >= last) break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* The merge of the symbol at `at` with its neighbour, or NULL. */
static const ofr_bpe_merge *merge_at(const ofr_bpe *bpe, const symbols *s, int at)
{
    const ofr_bpe_merge *merge;
    if (at < 0 || s->id[at] < 0 || s->next[at] == s->n) return NULL;
    merge = find(bpe, s->id[at], s->id[s->next[at]]);
    return merge->pair == FREE_SLOT ? NULL : merge;
}

static void offer(const ofr_bpe *bpe, symbols *s, int at)
{
    const ofr_bpe_merge *merge = merge_at(bpe, s, at);
    if (merge) heap_push(s, (uint64_t)merge->rank << 32 | (uint32_t)at);
}

static void merge_all(const ofr_bpe *bpe, symbols *s)
{
    for (int i = 0; i < s->n; i++)
        offer(bpe, s, i);
    while (s->n_heap) {
        uint64_t key = heap_pop(s);
        int at = (int)(uint32_t)key, gone;
        const ofr_bpe_merge *merge = merge_at(bpe, s, at);
        if (!merge || (uint64_t)merge->rank != key >> 32) continue; /* stale */
        gone = s->next[at];
        s->id[at] = merge->merged;
        s->id[gone] = -1;
        s->next[at] = s->next[gone];
        if (s->next[at] != s->n) s->prev[s->next[at]] = at;
        offer(bpe, s, s->prev[at]);
        offer(bpe, s, at);
    }
}

/* Room for n symbols in scratch->lattice. */
static ofr_status place(symbols *s, ofr_tok_scratch *scratch, size_t n, ofr_error *err)
{
    ofr_buf *buf = &scratch->lattice;
    size_t bytes = n * (3 * sizeof *s->heap + 3 * sizeof *s->id);
    if (n > INT32_MAX / 2) return ofr_fail_nomem(err, bytes, "a word");
    OFR_TRY(ofr_tok_room(buf, bytes, err));
    s->heap = (uint64_t *)(void *)buf->p;
    s->id = (int *)(s->heap + 3 * n);
    s->next = s->id + n;
    s->prev = s->next + n;
    s->n_heap = 0;
    s->n = (int)n;
    return OFR_OK;
}

static ofr_status encode_word(const ofr_bpe *bpe, ofr_tok_scratch *scratch, ofr_str word,
                              ofr_error *err)
{
    symbols s = {0};
    int n = 0;
    OFR_TRY(place(&s, scratch, word.n, err));
    for (size_t i = 0; i < word.n; i++) {
        int id = bpe->byte_ids[(unsigned char)word.p[i]];
        if (id < 0) id = bpe->unk;
        if (id < 0) continue;
        s.id[n] = id;
        s.next[n] = n + 1;
        s.prev[n] = n - 1;
        n++;
    }
    s.n = n;
    merge_all(bpe, &s);
    for (int i = 0; i < s.n; i = s.next[i])
        OFR_TRY(ofr_tok_push(scratch, s.id[i], err));
    return OFR_OK;
}

ofr_status ofr_bpe_encode(const ofr_bpe *bpe, ofr_tok_scratch *scratch, ofr_str text,
                          int limit, ofr_error *err)
{
    size_t at = 0;
    ofr_str word;
    if (!scratch->match) scratch->match = ofr_gpt2_match_open(&bpe->split);
    if (!scratch->match) return ofr_fail_nomem(err, 0, "the splitting of a text");
    while (scratch->n_work < limit) {
        OFR_TRY(ofr_gpt2_split_next(&bpe->split, scratch->match, text, &at, &word, err));
        if (word.n == 0) break;
        OFR_TRY(encode_word(bpe, scratch, word, err));
    }
    return OFR_OK;
}
