/*
 * learn.h - learns a WordPiece vocabulary from text.
 *
 * Text is cut into words as the tokenizer does it, the words are counted, and the
 * pair of neighbouring pieces that is most frequent, words weighted by their
 * counts, becomes a piece of its own until the vocabulary is full.  The result
 * depends on text and options alone: not on threads, nor on how the text was
 * handed over in parts.
 */
#ifndef OFR_TOK_LEARN_H
#define OFR_TOK_LEARN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

typedef struct ofr_learn_options {
    int n_entries;       /* of the vocabulary, special tokens included            */
    int alphabet;        /* at most this many different characters, the most
                            frequent ones; words with others are left out         */
    long long min_count; /* rarer words and pairs are left out; at least 1        */
    size_t max_words;    /* different words kept while counting.  Beyond it, the
                            rarest quarter is dropped (of equally rare ones the
                            last in the order of bytes) and begins from 0 when
                            seen again; about 100 bytes a word                    */
    bool cased;          /* keep case and accents                                 */
    int n_threads;
} ofr_learn_options;

typedef struct ofr_learn_stats {
    long long n_words;    /* running words of the text                            */
    long long n_dropped;  /* of these, forgotten because of max_words             */
    long long n_too_long; /* of these, longer than any tokenizer looks at         */
    long long n_strange;  /* of these, with a character outside the alphabet      */
    size_t n_distinct;    /* different words at the end                           */
    int n_chars;          /* different characters                                 */
    int n_alphabet;       /* of these, in the alphabet                            */
    int n_entries;        /* of the vocabulary; fewer than asked for when no pair
                             is left                                              */
} ofr_learn_stats;

typedef struct ofr_learn ofr_learn;

/* OFR_NOMEM.  Caller closes. */
ofr_status ofr_learn_open(ofr_learn **out, const ofr_learn_options *options,
                          ofr_error *err);
void ofr_learn_close(ofr_learn *learn); /* NULL is allowed */

/* Count the words of one line (or paragraph; a word ends with it). */
ofr_status ofr_learn_add(ofr_learn *learn, ofr_str line, ofr_error *err);

/* The vocabulary, one entry a line, appended to `out`: [PAD] [UNK] [CLS] [SEP]
 * [MASK]; the characters by count; those that may stand inside of words with ##,
 * in the same order; then pieces as they were merged.  Of equally frequent
 * characters the one of lower code comes first; of pairs the one whose left,
 * then right piece has the lower id.  Once only.
 * OFR_INVALID: n_entries do not hold the characters, or there was no word. */
ofr_status ofr_learn_finish(ofr_learn *learn, ofr_buf *out, ofr_learn_stats *stats,
                            ofr_error *err);

#endif
