/*
 * learn.c - from lines of text to a vocabulary: counting, alphabet, merging.
 *
 * Lines are collected into blocks; a block is cut into strips that threads count
 * into tables of their own.  Sums do not depend on who counted what, and words
 * are dropped between blocks only, whose borders the text alone decides.
 */
#include "tok/learn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "tok/learn_count.h"
#include "tok/learn_merge.h"
#include "tok/normalize.h"
#include "tok/pretok.h"

#define BLOCK_BYTES ((size_t)8 << 20)
#define STRIP_BYTES ((size_t)128 << 10)
#define N_CODES 0x110000 /* code points of Unicode */

static const char *const special_tokens[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                             "[MASK]"};
#define N_SPECIAL ((int)(sizeof special_tokens / sizeof *special_tokens))

/* What one thread counts. */
typedef struct part {
    ofr_counter counter;
    long long n_words, n_too_long;
    ofr_status status;
    ofr_error err;
} part;

/* A character of the words. */
typedef struct letter {
    int32_t code;
    long long count;
} letter;

struct ofr_learn {
    ofr_learn_options options;
    ofr_bert_split split;
    ofr_buf block;
    ofr_counter total;
    part *parts; /* [n_threads] */
    ofr_pool *pool;
    ofr_learn_stats stats;
};

ofr_status ofr_learn_open(ofr_learn **out, const ofr_learn_options *options,
                          ofr_error *err)
{
    const ofr_normalize how = {.lower = !options->cased, .strip = !options->cased,
                               .chinese = true};
    ofr_learn *learn = ofr_mem_zalloc(sizeof *learn);
    ofr_status status;
    if (!learn) return ofr_fail_nomem(err, sizeof *learn, "learning a vocabulary");
    OFR_ASSERT(options->n_threads > 0 && options->min_count > 0);
    learn->options = *options;
    ofr_bert_split_init(&learn->split, how);
    ofr_buf_init(&learn->block);
    learn->parts = ofr_mem_array((size_t)options->n_threads, sizeof *learn->parts);
    if (!learn->parts)
        status = ofr_fail_nomem(err, sizeof *learn->parts, "learning a vocabulary");
    else
        status = ofr_counter_init(&learn->total, err);
    for (int t = 0; t < options->n_threads && status == OFR_OK; t++)
        status = ofr_counter_init(&learn->parts[t].counter, err);
    if (status == OFR_OK)
        status = ofr_pool_open(&learn->pool, options->n_threads, err);
    if (status != OFR_OK) {
        ofr_learn_close(learn);
        return status;
    }
    *out = learn;
    return OFR_OK;
}

void ofr_learn_close(ofr_learn *learn)
{
    if (!learn) return;
    ofr_pool_close(learn->pool);
    for (int t = 0; learn->parts && t < learn->options.n_threads; t++)
        ofr_counter_free(&learn->parts[t].counter);
    ofr_mem_free(learn->parts);
    ofr_counter_free(&learn->total);
    ofr_buf_free(&learn->block);
    ofr_mem_free(learn);
}

/* ---- counting ------------------------------------------------------------ */

static bool take_word(void *user, const char *word, size_t len, int n_chars)
{
    part *p = user;
    p->n_words++;
    if (n_chars > OFR_WORD_CHARS)
        p->n_too_long++;
    else
        p->status = ofr_counter_add(&p->counter, (ofr_str){word, len}, 1, &p->err);
    return p->status == OFR_OK;
}

/* Thread t of n counts every nth strip of the block; strips end with a line. */
static void count_strips(void *user, int t, int n)
{
    ofr_learn *learn = user;
    const char *p = learn->block.p, *end = p + learn->block.n;
    part *mine = &learn->parts[t];
    for (int i = 0; p < end && mine->status == OFR_OK; i++) {
        const char *stop = end;
        if ((size_t)(end - p) > STRIP_BYTES) {
            stop = memchr(p + STRIP_BYTES, '\n', (size_t)(end - p) - STRIP_BYTES);
            stop = stop ? stop + 1 : end;
        }
        if (i % n == t)
            ofr_bert_split_run(&learn->split, (ofr_str){p, (size_t)(stop - p)}, take_word,
                               mine);
        p = stop;
    }
}

static ofr_status count_block(ofr_learn *learn, ofr_error *err)
{
    size_t most = learn->options.max_words;
    ofr_pool_run(learn->pool, learn->options.n_threads, count_strips, learn);
    ofr_buf_clear(&learn->block);
    for (int t = 0; t < learn->options.n_threads; t++) {
        part *p = &learn->parts[t];
        if (p->status != OFR_OK) return ofr_fail(err, p->status, "%s", p->err.text);
        learn->stats.n_words += p->n_words;
        learn->stats.n_too_long += p->n_too_long;
        p->n_words = p->n_too_long = 0;
        OFR_TRY(ofr_counter_move(&learn->total, &p->counter, err));
    }
    if (learn->total.n <= most) return OFR_OK;
    return ofr_counter_prune(&learn->total, most - most / 4, &learn->stats.n_dropped,
                             err);
}

ofr_status ofr_learn_add(ofr_learn *learn, ofr_str line, ofr_error *err)
{
    ofr_buf_add(&learn->block, line.p, line.n);
    ofr_buf_addc(&learn->block, '\n');
    if (learn->block.failed) return ofr_fail_nomem(err, line.n, "a block of text");
    return learn->block.n < BLOCK_BYTES ? OFR_OK : count_block(learn, err);
}

/* ---- alphabet ------------------------------------------------------------ */

static int frequent_letter_first(const void *a, const void *b)
{
    const letter *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return (x->code > y->code) - (x->code < y->code);
}

/* All characters of the words by count; caller frees *letters. */
static ofr_status list_letters(const ofr_learn *learn, letter **letters, int *n,
                               ofr_error *err)
{
    long long *counts = ofr_mem_array(N_CODES, sizeof *counts);
    letter *list = NULL;
    int found = 0;
    if (!counts) return ofr_fail_nomem(err, N_CODES * sizeof *counts, "the alphabet");
    for (size_t i = 0; i < learn->total.n; i++) {
        ofr_str word = learn->total.words[i].word;
        for (size_t at = 0, used; at < word.n; at += used) {
            int32_t c = ofr_utf8_next(word.p + at, word.n - at, &used);
            if (c < 0) continue;
            found += counts[c] == 0;
            counts[c] += learn->total.words[i].count;
        }
    }
    list = ofr_mem_array((size_t)found + 1, sizeof *list);
    if (list) {
        *n = 0;
        for (int32_t c = 0; c < N_CODES; c++)
            if (counts[c]) list[(*n)++] = (letter){c, counts[c]};
        qsort(list, (size_t)*n, sizeof *list, frequent_letter_first);
        *letters = list;
    }
    ofr_mem_free(counts);
    return list ? OFR_OK : ofr_fail_nomem(err, (size_t)found * sizeof *list, "letters");
}

/* A character that the splitting always leaves on its own has no form with ##. */
static bool stands_alone(int32_t c)
{
    return ofr_char_is_punctuation(c) || ofr_char_is_chinese(c);
}

static ofr_status add_letter(ofr_merge *merge, int32_t code, bool inside, ofr_error *err)
{
    char text[8] = "##";
    size_t skip = inside ? 2 : 0;
    size_t n = skip + (size_t)ofr_utf8_put(text + skip, code);
    return ofr_merge_entry(merge, (ofr_str){text, n}, err);
}

/* Special tokens and characters, in both forms. */
static ofr_status add_alphabet(ofr_learn *learn, ofr_merge *merge, ofr_error *err)
{
    letter *letters = NULL;
    int n = 0, n_first = 0, n_inside = 0, most = learn->options.alphabet;
    ofr_status status = list_letters(learn, &letters, &n, err);
    if (status != OFR_OK) return status;
    n_first = n < most ? n : most;
    for (int i = 0; i < n_first; i++)
        n_inside += !stands_alone(letters[i].code);
    learn->stats.n_chars = n;
    learn->stats.n_alphabet = n_first;
    if (n == 0)
        status = ofr_fail(err, OFR_INVALID, "the text holds no words, nothing to learn");
    else if (N_SPECIAL + n_first + n_inside > learn->options.n_entries)
        status = ofr_fail(err, OFR_INVALID,
                          "%d entries do not hold %d special tokens and %d characters in "
                          "%d forms; ask for more entries or a smaller alphabet",
                          learn->options.n_entries, N_SPECIAL, n_first,
                          n_first + n_inside);
    for (int i = 0; i < N_SPECIAL && status == OFR_OK; i++)
        status = ofr_merge_entry(merge, ofr_str_of(special_tokens[i]), err);
    for (int inside = 0; inside < 2; inside++)
        for (int i = 0; i < n_first && status == OFR_OK; i++)
            if (!inside || !stands_alone(letters[i].code))
                status = add_letter(merge, letters[i].code, inside, err);
    ofr_mem_free(letters);
    return status;
}

/* ---- words as pieces ----------------------------------------------------- */

/* Ids of the word's characters; -1 when one is not in the alphabet. */
static int spell(const ofr_merge *merge, ofr_str word, int ids[OFR_WORD_CHARS])
{
    int n = 0;
    for (size_t at = 0, used; at < word.n && n < OFR_WORD_CHARS; at += used) {
        char text[8] = "##";
        (void)ofr_utf8_next(word.p + at, word.n - at, &used);
        memcpy(text + 2, word.p + at, used);
        ids[n] = ofr_merge_id(merge, at ? (ofr_str){text, used + 2}
                                        : (ofr_str){text + 2, used});
        if (ids[n++] < 0) return -1;
    }
    return n;
}

static ofr_status add_words(ofr_learn *learn, ofr_merge *merge, ofr_error *err)
{
    int ids[OFR_WORD_CHARS];
    for (size_t i = 0; i < learn->total.n; i++) {
        const ofr_counted *word = &learn->total.words[i];
        int n = spell(merge, word->word, ids);
        if (n < 0) learn->stats.n_strange += word->count;
        if (n < 2 || word->count < learn->options.min_count) continue;
        OFR_TRY(ofr_merge_add(merge, ids, n, word->count, err));
    }
    return OFR_OK;
}

ofr_status ofr_learn_finish(ofr_learn *learn, ofr_buf *out, ofr_learn_stats *stats,
                            ofr_error *err)
{
    const ofr_learn_options *o = &learn->options;
    ofr_merge merge;
    ofr_status status = OFR_OK;
    if (learn->block.n) OFR_TRY(count_block(learn, err));
    learn->stats.n_distinct = learn->total.n;
    status = ofr_merge_init(&merge, err);
    if (status == OFR_OK) status = add_alphabet(learn, &merge, err);
    if (status == OFR_OK) status = add_words(learn, &merge, err);
    ofr_counter_free(&learn->total);
    if (status == OFR_OK) status = ofr_merge_run(&merge, o->n_entries, o->min_count, err);
    learn->stats.n_entries = ofr_merge_n(&merge);
    for (int i = 0; i < ofr_merge_n(&merge) && status == OFR_OK; i++) {
        ofr_str text = ofr_merge_text(&merge, i);
        ofr_buf_add(out, text.p, text.n);
        ofr_buf_addc(out, '\n');
    }
    ofr_merge_free(&merge);
    if (status == OFR_OK && out->failed)
        status = ofr_fail_nomem(err, out->n, "the vocabulary");
    if (status == OFR_OK) *stats = learn->stats;
    return status;
}
