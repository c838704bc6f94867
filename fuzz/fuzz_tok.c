/*
 * fuzz_tok.c - damaged vocabularies and hostile text.
 *
 * The first byte says what the rest is: a vocab.txt, a tokenizer.json, a
 * spiece.model, or a text and a pair (apart by a NUL) for a small vocabulary.  With
 * bit 64: the files of a directory.
 */
#include "fuzz.h"

#include <string.h>

#include "tok/tok_parts.h"

static const char small[] =
    "[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nab\n,\n\xc3\xa9\n";

/* Ids of a cut pair are those of the whole pair without some ends. */
static void check_encode(const ofr_tok *tok, ofr_str text, ofr_str pair)
{
    ofr_tok_scratch whole, cut;
    ofr_error err;
    int at = 0;
    ofr_tok_scratch_init(&whole);
    ofr_tok_scratch_init(&cut);
    OFR_FUZZ_CHECK(ofr_tok_encode(tok, &whole, text, pair, 0, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_tok_encode(tok, &cut, text, pair, 12, &err) == OFR_OK);
    OFR_FUZZ_CHECK(whole.n >= 2 && cut.n <= 12 && !whole.truncated);
    OFR_FUZZ_CHECK(cut.truncated == (whole.n > 12));
    OFR_FUZZ_CHECK(cut.truncated || cut.n == whole.n);
    for (int i = 0; i < whole.n; i++)
        OFR_FUZZ_CHECK(whole.ids[i] >= 0 && whole.ids[i] < ofr_tok_size(tok));
    for (int i = 0; i < cut.n; i++, at++) {
        while (at < whole.n && whole.ids[at] != cut.ids[i])
            at++;
        OFR_FUZZ_CHECK(at < whole.n);
    }
    ofr_tok_scratch_free(&whole);
    ofr_tok_scratch_free(&cut);
}

static void check_tokens(const ofr_tok *tok)
{
    for (int id = 0; id < ofr_tok_size(tok); id++) {
        ofr_str token = tok->vocab.tokens[id];
        OFR_FUZZ_CHECK(!token.p || !token.n || ofr_tok_id(tok, token) == id);
    }
}

/* Opens what stands at `path` and encodes with it.  false: it was refused. */
static bool open_and_use(const char *path, int lower_case, ofr_str text, ofr_str pair)
{
    ofr_tok *tok = NULL;
    ofr_error err;
    ofr_status status = ofr_tok_open(&tok, path, (ofr_tok_options){lower_case}, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, path);
        return false;
    }
    check_tokens(tok);
    check_encode(tok, text, pair);
    ofr_tok_close(tok);
    return true;
}

/* A directory with the files that the parts are. */
static void open_directory(const uint8_t *data, size_t size, int lower_case, ofr_str text)
{
    static const char *const names[] = {
        "dir/vocab.txt",      "dir/vocab.json",   "dir/merges.txt",
        "dir/tokenizer.json", "dir/spiece.model", "dir/tokenizer_config.json",
        "dir/special_tokens_map.json", "dir/added_tokens.json", "dir/config.json"};
    char path[96];
    ofr_error err;
    snprintf(path, sizeof path, "%s/dir", ofr_fuzz_folder());
    OFR_FUZZ_CHECK(ofr_file_make_dirs(path, &err) == OFR_OK);
    ofr_fuzz_files(names, 9, data, size);
    open_and_use(path, lower_case, text, OFR_STR("b a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"vocab.txt", "tokenizer.json", "spiece.model",
                                        "small.txt"};
    ofr_str text = OFR_STR("Ab, [MASK] \xc3\xa9 \xe4\xb8\xad\xf0\x9f\x98\x80"),
            pair = {0};
    const char *path;
    int kind, lower_case;
    if (size == 0) return 0;
    kind = data[0] % 4;
    lower_case = data[0] & 4 ? 0 : -1;
    if (data[0] & 64) {
        open_directory(data + 1, size - 1, lower_case, text);
        return 0;
    }
    path = kind < 3 ? ofr_fuzz_file(names[kind], data + 1, size - 1)
                    : ofr_fuzz_file(names[3], (const uint8_t *)small, sizeof small - 1);
    if (kind == 3) {
        const uint8_t *nul = memchr(data + 1, 0, size - 1);
        text =
            (ofr_str){(const char *)data + 1, nul ? (size_t)(nul - data - 1) : size - 1};
        if (nul)
            pair = (ofr_str){(const char *)nul + 1, (size_t)(data + size - nul - 1)};
    }
    OFR_FUZZ_CHECK(open_and_use(path, lower_case, text, pair) || kind < 3);
    return 0;
}
