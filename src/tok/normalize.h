/*
 * normalize.h - what happens to a character before words are looked up.
 *
 * One character in, a few out: decomposition, accents, case.  The BERT rules
 * are those of Hugging Face; the ALBERT rules use compatibility
 * decomposition.
 */
#ifndef OFR_TOK_NORMALIZE_H
#define OFR_TOK_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ofr_normalize {
    bool lower;    /* lower case                                        */
    bool strip;    /* decompose and drop the marks (accents)            */
    bool compat;   /* compatibility decomposition; drop all of category M */
    bool chinese;  /* spaces around CJK ideographs                      */
    bool quotes;   /* unigram: `` and '' become "                       */
    bool blanks;   /* unigram: spaces at the end are a word             */
    bool runs;     /* with blanks: of several spaces each one counts    */
} ofr_normalize;

/* Next character of s[n], n > 0: its length goes to *used (at least 1).
 * -1 when the bytes are not valid UTF-8; the caller drops them. */
int32_t ofr_utf8_next(const char *s, size_t n, size_t *used);
/* Writes 1..4 bytes. */
int ofr_utf8_put(char *out, int32_t c);

/* Character classes, as BERT's reference tokenizer defines them. */
bool ofr_char_is_space(int32_t c);       /* Zs, Zl, Zp, tab, LF, CR          */
bool ofr_char_is_dropped(int32_t c);     /* NUL, U+FFFD, category C but those */
bool ofr_char_is_punctuation(int32_t c); /* ASCII symbols and category P     */
bool ofr_char_is_chinese(int32_t c);

#define OFR_NORMALIZE_MAX 64

/* The characters that replace c; returns how many (0..OFR_NORMALIZE_MAX).
 * A character of combining class 0 < ccc and not dropped still has to be put
 * into canonical order: see ofr_marks. */
int ofr_normalize_char(const ofr_normalize *how, int32_t c,
                       int32_t out[OFR_NORMALIZE_MAX]);

/* Canonical order of the marks behind one base character.  Longer runs than the
 * array come out as they are: such a word is [UNK] in any order. */
#define OFR_MARKS_MAX 128
typedef struct ofr_marks {
    int n;
    int32_t chars[OFR_MARKS_MAX];
    uint8_t classes[OFR_MARKS_MAX];
} ofr_marks;

/* 0 for a character that begins a new run, and for all plain letters. */
int ofr_char_combining(int32_t c);
/* false when the run is full: flush first. */
bool ofr_marks_add(ofr_marks *marks, int32_t c, int combining);

#endif
