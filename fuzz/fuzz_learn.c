/*
 * fuzz_learn.c - a vocabulary learned from hostile text opens as one.
 *
 * First bytes: size, alphabet, least count, different words kept, cased.  The rest is
 * text.  No entry stands twice, and the text is encoded with what it taught.
 */
#include "fuzz.h"

#include <string.h>

#include "tok/learn.h"
#include "tok/tok.h"

enum { HEAD = 5 };

/* The text line by line. */
static ofr_status add_lines(ofr_learn *learn, const uint8_t *data, size_t size,
                            ofr_error *err)
{
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        const size_t n = end ? (size_t)(end - data) : size;
        ofr_status status = ofr_learn_add(learn, (ofr_str){(const char *)data, n}, err);
        if (status != OFR_OK) return status;
        data += n + (end != NULL);
        size -= n + (end != NULL);
    }
    return OFR_OK;
}

static void use(const ofr_buf *vocabulary, const ofr_learn_stats *stats, bool cased,
                const uint8_t *data, size_t size)
{
    const char *path =
        ofr_fuzz_file("learned.txt", (const uint8_t *)vocabulary->p, vocabulary->n);
    const ofr_str text = {(const char *)data, size};
    ofr_tok_scratch scratch;
    ofr_tok *tok;
    ofr_error err;
    OFR_FUZZ_CHECK(ofr_tok_open(&tok, path, (ofr_tok_options){!cased}, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_tok_size(tok) == stats->n_entries);
    ofr_tok_scratch_init(&scratch);
    OFR_FUZZ_CHECK(ofr_tok_encode(tok, &scratch, text, (ofr_str){NULL, 0}, 0, &err) ==
                   OFR_OK);
    for (int i = 0; i < scratch.n; i++)
        OFR_FUZZ_CHECK(scratch.ids[i] >= 0 && scratch.ids[i] < stats->n_entries);
    ofr_tok_scratch_free(&scratch);
    ofr_tok_close(tok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ofr_learn_options options;
    ofr_learn_stats stats;
    ofr_learn *learn;
    ofr_buf vocabulary;
    ofr_error err;
    ofr_status status;
    if (size < HEAD) return 0;
    options = (ofr_learn_options){.n_entries = 16 + data[0], .alphabet = 1 + data[1],
                                  .min_count = 1 + data[2] % 4,
                                  .max_words = 16 + data[3], .cased = data[4] & 1,
                                  .n_threads = 1};
    OFR_FUZZ_CHECK(ofr_learn_open(&learn, &options, &err) == OFR_OK);
    ofr_buf_init(&vocabulary);
    status = add_lines(learn, data + HEAD, size - HEAD, &err);
    if (status == OFR_OK) status = ofr_learn_finish(learn, &vocabulary, &stats, &err);
    if (status == OFR_OK) {
        OFR_FUZZ_CHECK(stats.n_entries <= options.n_entries && stats.n_words >= 0 &&
                       stats.n_dropped + stats.n_strange <= stats.n_words);
        use(&vocabulary, &stats, options.cased, data + HEAD, size - HEAD);
    } else {
        ofr_fuzz_refused(status, &err, NULL);
    }
    ofr_buf_free(&vocabulary);
    ofr_learn_close(learn);
    return 0;
}
