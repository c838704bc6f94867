/* test_tok.c - whole texts and pairs against Hugging Face's ids, and cutting. */
#include "unit/tok_dir.h"

#include <jansson.h>

#include "base/mem.h"
#include "tok/tok_parts.h"

/* Calls fn for every line of a JSONL file; returns how many there were. */
static int each_row(const char *path, void (*fn)(void *user, const json_t *row, int line),
                    void *user)
{
    ofr_buf bytes;
    ofr_error err;
    int line = 0;
    ofr_buf_init(&bytes);
    assert_ok(ofr_file_read(&bytes, path, 0, &err), err);
    for (char *p = bytes.p; *p;) {
        char *end = strchr(p, '\n');
        json_t *row;
        if (!end) end = p + strlen(p);
        row = json_loadb(p, (size_t)(end - p), JSON_ALLOW_NUL, NULL);
        assert_non_null(row);
        fn(user, row, ++line);
        json_decref(row);
        p = *end ? end + 1 : end;
    }
    ofr_buf_free(&bytes);
    return line;
}

static ofr_str text_of(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    if (!value) return (ofr_str){0};
    return (ofr_str){json_string_value(value), json_string_length(value)};
}

static void same_ids(const char *what, int line, const int *got, int n,
                     const json_t *want)
{
    size_t n_want = json_array_size(want);
    if ((size_t)n != n_want) fail_msg("line %d: %d %s, want %zu", line, n, what, n_want);
    for (int i = 0; i < n; i++) {
        int id = (int)json_integer_value(json_array_get(want, (size_t)i));
        if (got[i] != id)
            fail_msg("line %d: %s[%d] is %d, want %d", line, what, i, got[i], id);
    }
}

typedef struct pair_of_toks {
    ofr_tok *lower, *cased;
    ofr_tok_scratch scratch;
    int n_cased, n_cut;
} pair_of_toks;

static void check_wordpiece(void *user, const json_t *row, int line)
{
    pair_of_toks *t = user;
    ofr_error err;
    ofr_str text = text_of(row, "text"), pair = text_of(row, "pair");
    const json_t *limit = json_object_get(row, "max_length");
    int max = limit ? (int)json_integer_value(limit) : 0;
    assert_ok(ofr_tok_encode(t->lower, &t->scratch, text, pair, max, &err), err);
    same_ids("ids", line, t->scratch.ids, t->scratch.n, json_object_get(row, "ids"));
    same_ids("type_ids", line, t->scratch.types, t->scratch.n,
             json_object_get(row, "type_ids"));
    if (max > 0) t->n_cut += t->scratch.truncated;
    else assert_false(t->scratch.truncated);
    if (!json_object_get(row, "ids_cased")) return;
    t->n_cased++;
    assert_ok(ofr_tok_encode(t->cased, &t->scratch, text, pair, max, &err), err);
    same_ids("ids_cased", line, t->scratch.ids, t->scratch.n,
             json_object_get(row, "ids_cased"));
}

static void test_wordpiece_oracle(void **state)
{
    (void)state;
    char vocab[OFR_PATH_MAX], rows[OFR_PATH_MAX];
    ofr_error err;
    pair_of_toks t = {0};
    if (!support_shared_path(vocab, "vocab", "bert-base-uncased.txt") ||
        !support_shared_path(rows, "oracle", "tokenizers/wordpiece.jsonl"))
        return;
    assert_ok(ofr_tok_open(&t.lower, vocab, (ofr_tok_options){-1}, &err), err);
    assert_ok(ofr_tok_open(&t.cased, vocab, (ofr_tok_options){0}, &err), err);
    ofr_tok_scratch_init(&t.scratch);
    assert_string_equal(ofr_tok_kind(t.lower), "wordpiece");
    assert_int_equal(ofr_tok_size(t.lower), 30522);
    assert_int_equal(ofr_tok_id(t.lower, OFR_STR("[MASK]")), 103);
    assert_int_equal(each_row(rows, check_wordpiece, &t), 1553);
    assert_int_equal(t.n_cased, 1253);
    assert_true(t.n_cut > 0);
    ofr_tok_scratch_free(&t.scratch);
    ofr_tok_close(t.lower);
    ofr_tok_close(t.cased);
}

typedef struct gpt2 {
    ofr_tok tok; /* built by hand: this vocabulary has no <s> and </s> */
    ofr_tok_scratch scratch;
} gpt2;

static void check_gpt2(void *user, const json_t *row, int line)
{
    gpt2 *g = user;
    ofr_error err;
    g->scratch.n_work = 0;
    assert_ok(ofr_tok_encode_bare(&g->tok, &g->scratch, text_of(row, "text"), INT32_MAX,
                                  &err),
              err);
    same_ids("ids", line, g->scratch.work, g->scratch.n_work,
             json_object_get(row, "ids"));
}

static void test_gpt2_oracle(void **state)
{
    (void)state;
    char vocab[OFR_PATH_MAX], merges[OFR_PATH_MAX], rows[OFR_PATH_MAX];
    ofr_error err;
    ofr_buf text;
    json_t *json;
    gpt2 *g = calloc(1, sizeof *g);
    assert_non_null(g);
    if (!support_shared_path(vocab, "vocab", "gpt2/vocab.json") ||
        !support_shared_path(merges, "vocab", "gpt2/merges.txt") ||
        !support_shared_path(rows, "oracle", "tokenizers/gpt2_bpe.jsonl")) {
        free(g);
        return;
    }
    g->tok.model = OFR_TOK_BPE;
    ofr_tok_scratch_init(&g->scratch);
    assert_ok(ofr_vocab_init(&g->tok.vocab, 50257, &err), err);
    json = json_load_file(vocab, 0, NULL);
    assert_ok(ofr_vocab_read_json(&g->tok.vocab, json, vocab, &err), err);
    json_decref(json);
    ofr_buf_init(&text);
    assert_ok(ofr_file_read(&text, merges, 0, &err), err);
    assert_ok(ofr_bpe_open(&g->tok.bpe, &g->tok.vocab, -1, 60000, false, "vocab",
                           &err),
              err);
    assert_ok(ofr_bpe_read_merges(&g->tok.bpe, &text, merges, &err), err);
    ofr_buf_free(&text);
    assert_int_equal(g->tok.bpe.n_merges, 50000);
    assert_int_equal(each_row(rows, check_gpt2, g), 853);
    ofr_tok_scratch_free(&g->scratch);
    ofr_bpe_close(&g->tok.bpe);
    ofr_vocab_free(&g->tok.vocab);
    free(g);
}

/* Special tokens inside of texts, next to letters and twice in a row. */
static void test_special_tokens(void **state)
{
    (void)state;
    ofr_tok *tok = open_dir(small_vocab, NULL, NULL, -1);
    ofr_tok_scratch s;
    ofr_error err;
    ofr_tok_scratch_init(&s);
    assert_ok(
        ofr_tok_encode(tok, &s, OFR_STR("a[MASK]b [SEP][SEP]"), (ofr_str){0}, 0, &err),
        err);
    same(&s, (const int[]){2, 5, 4, 6, 3, 3, 3}, 7);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("[mask]"), (ofr_str){0}, 0, &err), err);
    same(&s, (const int[]){2, 1, 1, 1, 3}, 5); /* lower case is plain text */
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("[MASK"), (ofr_str){0}, 0, &err), err);
    same(&s, (const int[]){2, 1, 1, 3}, 4);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR(""), OFR_STR(""), 0, &err), err);
    same(&s, (const int[]){2, 3, 3}, 3);
    assert_int_equal(s.types[2], 1);
    assert_ok(ofr_tok_encode(tok, &s, (ofr_str){0}, (ofr_str){0}, 0, &err), err);
    same(&s, (const int[]){2, 3}, 2);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("\xf0\x9f\x98\x80"), (ofr_str){0}, 0, &err),
              err);
    same(&s, (const int[]){2, 1, 3}, 3);
    ofr_tok_scratch_free(&s);
    ofr_tok_close(tok);
}

/* Cutting must give what dropping tokens one by one from everything gives,
 * although a long text is not read to its end. */
static void test_truncation(void **state)
{
    (void)state;
    ofr_tok *tok = open_dir(small_vocab, NULL, NULL, -1);
    ofr_tok_scratch s;
    ofr_error err;
    char a[64], b[64];
    ofr_tok_scratch_init(&s);
    for (int i = 0; i < 64; i++) {
        a[i] = i % 2 ? ' ' : 'a';
        b[i] = 'b'; /* one word: its pieces come all at once */
    }
    for (int len_a = 0; len_a <= 12; len_a++) {
        for (int len_b = -1; len_b <= 12; len_b++) {
            for (int max = 3; max <= 30; max++) {
                int n_a = len_a, n_b = len_b > 0 ? len_b : 0;
                int room = max - (len_b < 0 ? 2 : 3);
                ofr_str pair = {len_b < 0 ? NULL : b, (size_t)n_b};
                bool cut = n_a + n_b > room;
                while (n_a + n_b > room) {
                    if (n_a > n_b) n_a--;
                    else n_b--;
                }
                assert_ok(ofr_tok_encode(tok, &s, (ofr_str){a, (size_t)(2 * len_a)}, pair,
                                         max, &err),
                          err);
                assert_int_equal(s.truncated, cut);
                assert_int_equal(s.n, n_a + n_b + (len_b < 0 ? 2 : 3));
                for (int i = 0; i < n_a; i++)
                    assert_int_equal(s.ids[1 + i], 5);
                assert_int_equal(s.ids[1 + n_a], 3);
                for (int i = 0; i < n_b; i++)
                    assert_int_equal(s.ids[2 + n_a + i], i ? 7 : 6);
            }
        }
    }
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("a"), OFR_STR("b"), 1, &err), err);
    same(&s, (const int[]){2, 3, 3}, 3); /* never less than the special tokens */
    ofr_tok_scratch_free(&s);
    ofr_tok_close(tok);
}

static void test_long_text(void **state)
{
    (void)state;
    ofr_tok *tok = open_dir(small_vocab, NULL, NULL, -1);
    ofr_tok_scratch s;
    ofr_error err;
    size_t n = 200000;
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = i % 2 ? ' ' : 'a';
    ofr_tok_scratch_init(&s);
    assert_ok(ofr_tok_encode(tok, &s, (ofr_str){text, n}, OFR_STR("b"), 128, &err), err);
    assert_int_equal(s.n, 128);
    assert_true(s.truncated);
    assert_int_equal(s.ids[126], 6);
    assert_true(s.cap_work < 1000); /* the rest of the text was not read */
    assert_ok(ofr_tok_encode(tok, &s, (ofr_str){text, n}, (ofr_str){0}, 0, &err), err);
    assert_int_equal(s.n, 100002);
    assert_false(s.truncated);
    size_t count = ofr_mem_count();
    assert_ok(ofr_tok_encode(tok, &s, (ofr_str){text, n}, (ofr_str){0}, 0, &err), err);
    assert_int_equal(ofr_mem_count(), count); /* the scratch is reused */
    free(text);
    ofr_tok_scratch_free(&s);
    ofr_tok_close(tok);
}

/* No memory at each place in turn. */
static void memory_with(const char *config)
{
    char dir[OFR_PATH_MAX];
    ofr_tok_close(open_dir(small_vocab, config, NULL, -1));
    support_write("model/added_tokens.json", "{\"[\xc3\x89]\": 10}");
    snprintf(dir, sizeof dir, "%s/model", support_folder());
    for (size_t n = 1;; n++) {
        ofr_error err;
        ofr_tok *tok = NULL;
        ofr_tok_scratch s;
        size_t live = ofr_mem_live();
        ofr_tok_scratch_init(&s);
        ofr_mem_fail_at(n, n % 2 == 0);
        ofr_status status = ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err);
        if (status == OFR_OK)
            status = ofr_tok_encode(tok, &s, OFR_STR("a b"), OFR_STR("b"), 0, &err);
        ofr_mem_fail_at(0, false);
        if (tok) { /* a scratch goes on working after a failure */
            assert_ok(ofr_tok_encode(tok, &s, OFR_STR("a b"), OFR_STR("b"), 0, &err),
                      err);
            same(&s, (const int[]){2, 5, 6, 3, 6, 3}, 6);
        }
        ofr_tok_scratch_free(&s);
        ofr_tok_close(tok);
        assert_int_equal(ofr_mem_live(), live);
        if (status == OFR_OK) break;
        assert_int_equal(status, OFR_NOMEM);
    }
}

static void test_memory(void **state)
{
    (void)state;
    memory_with("{\"added_tokens_decoder\": {\"10\": {\"content\": \"[\xc3\x89]\", "
                "\"normalized\": true}}}");
    memory_with("{}"); /* the older file */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wordpiece_oracle), cmocka_unit_test(test_gpt2_oracle),
        cmocka_unit_test(test_special_tokens),   cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_long_text),        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
