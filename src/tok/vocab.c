/* vocab.c - loads and checks vocabularies. */
#include "tok/vocab.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)256 << 20)
#define TOKEN_MAX 1024    /* bytes of a line; no word that is looked up has as many */
#define HOLES_MAX 65536   /* ids of a vocabulary that may be without a token */

ofr_status ofr_vocab_init(ofr_vocab *vocab, size_t n_expected, ofr_error *err)
{
    memset(vocab, 0, sizeof *vocab);
    ofr_arena_init(&vocab->arena);
    return ofr_map_init(&vocab->by_token, n_expected, err);
}

void ofr_vocab_free(ofr_vocab *vocab)
{
    ofr_map_free(&vocab->by_token);
    ofr_arena_free(&vocab->arena);
    ofr_mem_free(vocab->tokens);
    memset(vocab, 0, sizeof *vocab);
}

static ofr_status grow(ofr_vocab *vocab, int n, ofr_error *err)
{
    size_t old = (size_t)vocab->cap, cap = old ? old : 1024;
    ofr_str *tokens;
    while (cap < (size_t)n)
        cap *= 2;
    if (cap > old) {
        tokens =
            ofr_mem_resize(vocab->tokens, old * sizeof *tokens, cap * sizeof *tokens);
        if (!tokens) return ofr_fail_nomem(err, cap * sizeof *tokens, "a vocabulary");
        vocab->tokens = tokens;
        vocab->cap = (int)cap;
    }
    for (; vocab->n < n; vocab->n++)
        vocab->tokens[vocab->n] = (ofr_str){0};
    return OFR_OK;
}

ofr_status ofr_vocab_add(ofr_vocab *vocab, const char *token, size_t len, int id,
                         int *old, ofr_error *err)
{
    int before;
    char *kept;
    OFR_ASSERT(id >= 0 && id < OFR_VOCAB_MAX);
    before = ofr_vocab_id(vocab, token, len);
    if (old) *old = before;
    if (before >= 0) return OFR_OK;
    if (id >= vocab->n) OFR_TRY(grow(vocab, id + 1, err));
    kept = ofr_arena_strdup(&vocab->arena, token, len);
    if (!kept) return ofr_fail_nomem(err, len, "a token");
    OFR_TRY(ofr_map_put(&vocab->by_token, kept, len, id, NULL, err));
    vocab->tokens[id] = (ofr_str){kept, len};
    if (len > vocab->longest) vocab->longest = len;
    return OFR_OK;
}

/* Can the line be a token at all? */
static ofr_status check_line(const char *p, size_t len, int line, const char *path,
                             ofr_error *err)
{
    const char *nul = len ? memchr(p, 0, len) : NULL;
    size_t bad;
    if (!ofr_utf8_valid(p, len, &bad))
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d:%zu: byte 0x%02x is not valid UTF-8; restore the file",
                        path, line, bad + 1, (unsigned)(unsigned char)p[bad]);
    if (nul)
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d:%zu: byte 0x00, expected text; restore the file", path,
                        line, (size_t)(nul - p) + 1);
    if (len > TOKEN_MAX)
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d: the token has %zu bytes, expected at most %d; restore "
                        "the file",
                        path, line, len, TOKEN_MAX);
    return OFR_OK;
}

static ofr_status read_lines(ofr_vocab *vocab, const char *p, const char *end,
                             const char *path, ofr_error *err)
{
    for (int id = 0; p < end; id++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((stop ? stop : end) - p);
        int old = -1;
        if (id == OFR_VOCAB_MAX)
            return ofr_fail(
                err, OFR_FORMAT,
                "%s: more than %d lines, expected a vocabulary with one token "
                "a line; give another file",
                path, OFR_VOCAB_MAX);
        if (len && p[len - 1] == '\r') len--;
        OFR_TRY(check_line(p, len, id + 1, path, err));
        if (len) /* an empty line is an id that no text can reach */
            OFR_TRY(ofr_vocab_add(vocab, p, len, id, &old, err));
        if (old >= 0)
            return ofr_fail(
                err, OFR_FORMAT,
                "%s:%d: \"%.*s\" is already on line %d; empty line %d but leave it "
                "there, for lines count",
                path, id + 1, len < 64 ? (int)len : 64, p, old + 1, old + 1);
        p = stop ? stop + 1 : end;
    }
    return OFR_OK;
}

ofr_status ofr_vocab_read_text(ofr_vocab *vocab, const char *path, ofr_error *err)
{
    ofr_buf bytes;
    ofr_status status;
    const char *p;
    ofr_buf_init(&bytes);
    status = ofr_file_read(&bytes, path, FILE_MAX, err);
    if (status == OFR_OK && bytes.n == 0)
        status = ofr_fail(err, OFR_FORMAT,
                          "%s: the file is empty, expected one token a line; restore it",
                          path);
    if (status == OFR_OK) {
        p = bytes.p;
        if (bytes.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
        status = read_lines(vocab, p, bytes.p + bytes.n, path, err);
    }
    ofr_buf_free(&bytes);
    return status;
}

int ofr_vocab_most(size_t n_tokens)
{
    size_t most = n_tokens + HOLES_MAX - 1;
    return most < OFR_VOCAB_MAX ? (int)most : OFR_VOCAB_MAX - 1;
}

ofr_status ofr_vocab_read_json(ofr_vocab *vocab, const json_t *object, const char *name,
                               ofr_error *err)
{
    const int most = ofr_vocab_most(json_object_size(object));
    const char *token;
    json_t *value;
    if (!json_is_object(object) || json_object_size(object) == 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the vocabulary is missing or empty, expected an object of "
                        "tokens and ids; restore the file",
                        name);
    json_object_foreach((json_t *)(uintptr_t)object, token, value)
    {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (!json_is_integer(value))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: the id of \"%.64s\" is no integer, expected 0..%d; "
                            "restore the file",
                            name, token, most);
        if (id < 0 || id > most)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: the id of \"%.64s\" is %lld, expected 0..%d; restore "
                            "the file",
                            name, token, (long long)id, most);
        if (id < vocab->n && vocab->tokens[id].p)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"%.64s\" and \"%.64s\" have the same id %lld; restore "
                            "the file",
                            name, vocab->tokens[id].p, token, (long long)id);
        OFR_TRY(ofr_vocab_add(vocab, token, strlen(token), (int)id, NULL, err));
    }
    return OFR_OK;
}

int ofr_vocab_id(const ofr_vocab *vocab, const char *token, size_t len)
{
    return ofr_map_get(&vocab->by_token, token, len);
}
