/*
 * grammar.h - English-like opinions of known difficulty, for the demo.
 *
 * Each sentence is said from a derivation tree and its label is the value of
 * that tree: what the writer thinks of the thing, good (1) or bad (0).  The
 * level says which construction the tree needs:
 *
 *   1 plain      to be honest , the film was really superb .
 *   2 negation   not long ago , the film was far from superb .
 *   3 contrast   the film was dull , although i found the ending not bad .
 *   4 scope      although the plot was not dull , nobody agrees that the film was
 *                great .
 *   5 reference  one critic called the film dull , another superb , a third joins
 *                the second , a fourth opposes the third , and i join the fourth .
 *
 * From level 2 on no word, and no weighted vote of words, says anything about the
 * label: it takes order and structure.  "join" means to share, "oppose" to have
 * the other opinion.
 */
#ifndef OFR_DATA_GRAMMAR_H
#define OFR_DATA_GRAMMAR_H

#include <stddef.h>
#include <stdint.h>

enum {
    OFR_GRAMMAR_LEVELS = 5,
    OFR_GRAMMAR_CHAIN = 3, /* people of level 5 who join or oppose others, at most */
    OFR_SENTENCE_BYTES = 400,
    OFR_SENTENCE_WORDS = 40
};

typedef struct ofr_sentence {
    char text[OFR_SENTENCE_BYTES]; /* lower case, one space between words and marks */
    size_t len;
    int n_words; /* punctuation included; 4..OFR_SENTENCE_WORDS */
    int level;   /* 1..OFR_GRAMMAR_LEVELS */
    int label;   /* 1: the writer thinks well of it */
} ofr_sentence;

/* Sentence number `index` of `stream`: a function of the arguments alone.  chain:
 * OFR_GRAMMAR_CHAIN is level 5 in full (two or three steps back); less makes easier
 * ones for the first lessons, with at most `chain` people who join or oppose. */
void ofr_grammar_sentence(ofr_sentence *out, int level, int chain, uint64_t seed,
                          uint64_t stream, uint64_t index);

/* One word about a level, for tables: "plain", "negation"... */
const char *ofr_grammar_level_name(int level);

/* The closed vocabulary in the order of its ids, [PAD] [UNK] [CLS] [SEP] [MASK]
 * first; NULL behind the last. */
const char *ofr_grammar_word(int id);

#endif
