/*
 * pretok.c - BERT's and GPT-2's ways to cut text into words.
 *
 * The BERT rules work character by character, so that text of any length needs
 * no memory.  ASCII, which is nearly all of English, takes one table look-up a
 * byte.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tok/pretok.h"

#include <pcre2.h>
#include <string.h>

#include "base/mem.h"

enum { ASCII_DROP, ASCII_SPACE, ASCII_PUNCTUATION };

void ofr_bert_split_init(ofr_bert_split *split, ofr_normalize how)
{
    split->how = how;
    for (int c = 0; c < 128; c++) {
        unsigned char to = (unsigned char)c;
        if (c >= 'A' && c <= 'Z' && how.lower) to = (unsigned char)(c + 32);
        if (ofr_char_is_punctuation(c)) to = ASCII_PUNCTUATION;
        else if (ofr_char_is_space(c)) to = ASCII_SPACE;
        else if (ofr_char_is_dropped(c)) to = ASCII_DROP;
        split->ascii[c] = to;
    }
}

/* The word being put together. */
typedef struct words {
    const ofr_bert_split *split;
    ofr_word_fn fn;
    void *user;
    bool stop;
    int n_chars;
    size_t len;
    char word[OFR_WORD_CHARS * 4 + 4];
    ofr_marks marks;
} words;

/* One character more; is there room for it?  Counting ends one above the most, or the
 * longest words would count past what an int holds. */
static bool count_char(words *w)
{
    if (w->n_chars <= OFR_WORD_CHARS) w->n_chars++;
    return w->n_chars <= OFR_WORD_CHARS;
}

static void add_char(words *w, int32_t c)
{
    if (count_char(w)) w->len += (size_t)ofr_utf8_put(w->word + w->len, c);
}

static void flush_marks(words *w)
{
    for (int i = 0; i < w->marks.n; i++)
        add_char(w, w->marks.chars[i]);
    w->marks.n = 0;
}

static void end_word(words *w)
{
    if (w->marks.n) flush_marks(w);
    if (w->n_chars && !w->stop) w->stop = !w->fn(w->user, w->word, w->len, w->n_chars);
    w->n_chars = 0;
    w->len = 0;
}

/* A character after normalisation. */
static void take(words *w, int32_t c)
{
    int combining;
    if (ofr_char_is_space(c)) {
        end_word(w);
    } else if (ofr_char_is_punctuation(c)) {
        end_word(w);
        add_char(w, c);
        end_word(w);
    } else {
        combining = w->split->how.strip ? ofr_char_combining(c) : 0;
        if (combining && ofr_marks_add(&w->marks, c, combining)) return;
        if (w->marks.n) flush_marks(w);
        add_char(w, c);
    }
}

static void take_unicode(words *w, int32_t c)
{
    int32_t parts[OFR_NORMALIZE_MAX];
    bool chinese;
    int n;
    if (ofr_char_is_dropped(c)) return;
    if (ofr_char_is_space(c)) {
        end_word(w);
        return;
    }
    chinese = w->split->how.chinese && ofr_char_is_chinese(c);
    if (chinese) end_word(w);
    n = ofr_normalize_char(&w->split->how, c, parts);
    for (int i = 0; i < n; i++)
        take(w, parts[i]);
    if (chinese) end_word(w);
}

void ofr_bert_split_run(const ofr_bert_split *split, ofr_str text, ofr_word_fn fn,
                        void *user)
{
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    words w;
    w.split = split;
    w.fn = fn;
    w.user = user;
    w.stop = false;
    w.n_chars = 0;
    w.len = 0;
    w.marks.n = 0;
    while (p < end && !w.stop) {
        if (*p < 128) {
            unsigned char to = split->ascii[*p++];
            if (to > ASCII_PUNCTUATION) {
                if (w.marks.n) flush_marks(&w);
                if (count_char(&w)) w.word[w.len++] = (char)to;
            } else if (to == ASCII_SPACE) {
                end_word(&w);
            } else if (to == ASCII_PUNCTUATION) {
                end_word(&w);
                add_char(&w, p[-1]);
                end_word(&w);
            }
        } else {
            size_t used;
            int32_t c = ofr_utf8_next((const char *)p, (size_t)(end - p), &used);
            if (c >= 0) take_unicode(&w, c);
            p += used;
        }
    }
    end_word(&w);
}

/* White space spelt out: PCRE2's own \s takes U+180E for a space, which Unicode
 * no longer does. */
#define SPACES "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}" \
               "\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

static const char gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SPACES "\\p{L}\\p{N}]+"
    "|[" SPACES "]+(?![^" SPACES "])|[" SPACES "]+";

/* PCRE2's memory is ours, so that running out of it is seen and counted. */
static void *regex_alloc(PCRE2_SIZE bytes, void *user)
{
    (void)user;
    return ofr_mem_alloc(bytes);
}

static void regex_free(void *p, void *user)
{
    (void)user;
    ofr_mem_free(p);
}

static pcre2_code *compile_gpt2(int *code, PCRE2_SIZE *at)
{
    pcre2_general_context *memory =
        pcre2_general_context_create(regex_alloc, regex_free, NULL);
    pcre2_compile_context *how = memory ? pcre2_compile_context_create(memory) : NULL;
    pcre2_code *re = NULL;

    *code = PCRE2_ERROR_HEAP_FAILED;
    if (how)
        re = pcre2_compile((PCRE2_SPTR)gpt2_pattern, PCRE2_ZERO_TERMINATED,
                           PCRE2_UTF | PCRE2_UCP, code, at, how);
    pcre2_compile_context_free(how);
    pcre2_general_context_free(memory);
    return re;
}

ofr_status ofr_gpt2_split_open(ofr_gpt2_split *split, ofr_error *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *re = compile_gpt2(&code, &at);
    if (!re && code == PCRE2_ERROR_HEAP_FAILED)
        return ofr_fail_nomem(err, sizeof gpt2_pattern, "the GPT-2 expression");
    if (!re)
        return ofr_fail(
            err, OFR_INVALID,
            "PCRE2 refuses the GPT-2 expression (error %d at %zu); it must be "
            "built with Unicode support",
            code, (size_t)at);
    (void)pcre2_jit_compile(re, PCRE2_JIT_COMPLETE); /* without it: slower, the same */
    split->code = re;
    return OFR_OK;
}

void ofr_gpt2_split_close(ofr_gpt2_split *split)
{
    pcre2_code_free(split->code);
    split->code = NULL;
}

void *ofr_gpt2_match_open(const ofr_gpt2_split *split)
{
    return pcre2_match_data_create_from_pattern(split->code, NULL);
}

void ofr_gpt2_match_close(void *match)
{
    pcre2_match_data_free(match);
}

ofr_status ofr_gpt2_split_next(const ofr_gpt2_split *split, void *match, ofr_str text,
                               size_t *at, ofr_str *word, ofr_error *err)
{
    const PCRE2_SIZE *span;
    int found;
    *word = (ofr_str){text.p + *at, 0};
    if (*at >= text.n) return OFR_OK;
    found = pcre2_match(split->code, (PCRE2_SPTR)text.p, text.n, *at, PCRE2_NO_UTF_CHECK,
                        match, NULL);
    if (found < 0) /* the JIT's stack is small; the interpreter uses the heap */
        found = pcre2_match(split->code, (PCRE2_SPTR)text.p, text.n, *at,
                            PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match, NULL);
    if (found < 0) return ofr_fail_nomem(err, text.n, "the splitting of a text");
    span = pcre2_get_ovector_pointer(match);
    *word = (ofr_str){text.p + span[0], span[1] - span[0]};
    *at = span[1];
    return OFR_OK;
}
