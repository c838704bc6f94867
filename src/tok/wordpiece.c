/* wordpiece.c - words to pieces. */
#include "tok/wordpiece.h"

#include <string.h>

#include "tok/tok_parts.h"

ofr_status ofr_wordpiece_open(ofr_wordpiece *wp, const ofr_vocab *vocab, int unk,
                              const char *prefix, ofr_normalize how, ofr_error *err)
{
    size_t skip = strlen(prefix);
    memset(wp, 0, sizeof *wp);
    wp->vocab = vocab;
    wp->longest = vocab->longest;
    wp->unk = unk;
    ofr_bert_split_init(&wp->split, how);
    OFR_TRY(ofr_map_init(&wp->inner, (size_t)vocab->n / 4, err));
    for (int id = 0; id < vocab->n; id++) {
        ofr_str token = vocab->tokens[id];
        if (token.n > skip && memcmp(token.p, prefix, skip) == 0)
            OFR_TRY(
                ofr_map_put(&wp->inner, token.p + skip, token.n - skip, id, NULL, err));
    }
    return OFR_OK;
}

void ofr_wordpiece_close(ofr_wordpiece *wp)
{
    ofr_map_free(&wp->inner);
}

typedef struct job {
    const ofr_wordpiece *wp;
    ofr_tok_scratch *scratch;
    int limit;
    ofr_error *err;
    ofr_status status;
} job;

/* The longest entry of `map` that word[from..] begins with: its end, or `from`
 * when there is none. */
static size_t longest_match(const ofr_map *map, const char *word, size_t from, size_t len,
                            size_t longest, int *id)
{
    size_t to = len - from > longest ? from + longest : len;
    for (; to > from; to--) {
        if (to < len && ((unsigned char)word[to] & 0xc0) == 0x80) continue;
        *id = ofr_map_get(map, word + from, to - from);
        if (*id >= 0) return to;
    }
    return from;
}

static bool take_word(void *user, const char *word, size_t len, int n_chars)
{
    job *j = user;
    const ofr_wordpiece *wp = j->wp;
    int first = j->scratch->n_work;
    size_t at = 0;

    if (n_chars > OFR_WORD_CHARS) at = len + 1;
    while (at < len) {
        int id = -1;
        size_t to = longest_match(at ? &wp->inner : &wp->vocab->by_token, word, at, len,
                                  wp->longest, &id);
        if (to == at) break;
        j->status = ofr_tok_push(j->scratch, id, j->err);
        if (j->status != OFR_OK) return false;
        at = to;
    }
    if (at != len) { /* one piece is missing: the whole word is unknown */
        j->scratch->n_work = first;
        j->status = ofr_tok_push(j->scratch, wp->unk, j->err);
        if (j->status != OFR_OK) return false;
    }
    return j->scratch->n_work < j->limit;
}

ofr_status ofr_wordpiece_encode(const ofr_wordpiece *wp, ofr_tok_scratch *scratch,
                                ofr_str text, int limit, ofr_error *err)
{
    job j = {wp, scratch, limit, err, OFR_OK};
    ofr_bert_split_run(&wp->split, text, take_word, &j);
    return j.status;
}
