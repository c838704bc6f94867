/* bare_ids.h - the ids of a text without [CLS] and [SEP], compared one by one. */
#ifndef OFR_TESTS_BARE_IDS_H
#define OFR_TESTS_BARE_IDS_H

#include "support/support.h"
#include "tok/tok_parts.h"

/* want: ended by -1. */
static inline void check_bare(const ofr_tok *tok, const char *text, const int *want)
{
    ofr_tok_scratch scratch;
    ofr_error err;
    int n = 0;
    ofr_tok_scratch_init(&scratch);
    assert_ok(ofr_tok_encode_bare(tok, &scratch, ofr_str_of(text), INT32_MAX, &err), err);
    for (; want[n] >= 0; n++)
        if (n >= scratch.n_work || scratch.work[n] != want[n])
            fail_msg("\"%s\": id %d is %d, want %d", text, n,
                     n < scratch.n_work ? scratch.work[n] : -1, want[n]);
    assert_int_equal(scratch.n_work, n);
    ofr_tok_scratch_free(&scratch);
}

#define CHECK(tok, text, ...) check_bare(tok, text, (const int[]){__VA_ARGS__})

#endif
