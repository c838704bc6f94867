/* test_bpe.c - byte pairs by hand, GPT-2's splitting, RoBERTa's special tokens. */
#include "support/bare_ids.h"

#include <sys/stat.h>

#include "base/mem.h"

/* The 256 byte tokens are ids 0..255 in byte order, then 256.. as below. */
static const char *const more[] = {"ab", "abc", "bc", "aa", "\xc4\xa0\x61", "<s>", "</s>",
                                   "<unk>", "<pad>", "<mask>", "aab"};
static const char merges[] = "#version: 0.2\na b\nb c\nab c\na a\n\xc4\xa0 a\na ab\n";

/* GPT-2's character for a byte, written as its four ranges. */
static int32_t byte_char(int b)
{
    if (b <= 32) return 256 + b;
    if (b >= 127 && b <= 160) return 256 + 33 + b - 127;
    return b == 173 ? 256 + 67 : b;
}

static void write_vocab(const char *name, int n_more)
{
    char text[8192];
    size_t n = 0;
    text[n++] = '{';
    for (int b = 0; b < 256; b++) {
        char c[5] = {0};
        ofr_utf8_put(c, byte_char(b));
        n += (size_t)snprintf(text + n, sizeof text - n, "\"%s%s\": %d,",
                              c[0] == '"' || c[0] == '\\' ? "\\" : "", c, b);
    }
    for (int i = 0; i < n_more; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "\"%s\": %d,", more[i], 256 + i);
    text[n - 1] = '}';
    support_write_bytes(name, text, n);
}

static const char *model_dir(void)
{
    static char dir[OFR_PATH_MAX];
    snprintf(dir, sizeof dir, "%s/roberta", support_folder());
    mkdir(dir, 0777);
    write_vocab("roberta/vocab.json", 11);
    support_write("roberta/merges.txt", merges);
    support_write("roberta/tokenizer_config.json", "{}");
    return dir;
}

static ofr_tok *open_model(void)
{
    ofr_tok *tok;
    ofr_error err;
    assert_ok(ofr_tok_open(&tok, model_dir(), (ofr_tok_options){-1}, &err), err);
    return tok;
}

static void test_merges(void **state)
{
    (void)state;
    ofr_tok *tok = open_model();
    assert_string_equal(ofr_tok_kind(tok), "bpe");
    CHECK(tok, "a", 'a', -1);
    CHECK(tok, "ab", 256, -1);
    CHECK(tok, "abc", 257, -1);      /* a b first (rank 0), then ab c, never b c */
    CHECK(tok, "bc", 258, -1);
    CHECK(tok, "bbc", 'b', 258, -1);
    CHECK(tok, "aaa", 259, 'a', -1); /* from the left */
    CHECK(tok, "aaab", 259, 256, -1);
    CHECK(tok, "aab", 266, -1);      /* rank 0 before rank 3 */
    CHECK(tok, " aab", 260, 256, -1); /* the pair a a is gone when its turn comes */
    CHECK(tok, "a a", 'a', 260, -1);
    CHECK(tok, "z\xc3\xa9", 'z', 0xc3, 0xa9, -1);
    CHECK(tok, "\n\x01\xc2\xad", '\n', 1, 0xc2, 0xad, -1);
    ofr_tok_close(tok);
}

/* A merges.txt with a byte-order mark, with and without a version. */
static void test_mark(void **state)
{
    (void)state;
    static const char *const files[] = {"\xef\xbb\xbf#version: 0.2\na b\n",
                                        "\xef\xbb\xbf" "a b\n"};
    char dir[OFR_PATH_MAX];
    snprintf(dir, sizeof dir, "%s", model_dir());
    for (size_t i = 0; i < 2; i++) {
        ofr_tok *tok = NULL;
        ofr_error err;
        support_write("roberta/merges.txt", files[i]);
        assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), err);
        CHECK(tok, "ab", 256, -1);
        ofr_tok_close(tok);
    }
}

#define POST                                                                             \
    "\"post_processor\": {\"type\": \"RobertaProcessing\", " \
    "\"sep\": [\"</s>\", 262], \"cls\": [\"<s>\", 261]}, "

/* tokenizer.json: byte-level or not at all. */
static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *parts, *wrong; /* NULL: it opens */
    } cases[] = {
        {"\"pre_tokenizer\": {\"type\": \"ByteLevel\"}", NULL},
        {"\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"Sequence\", "
         "\"pretokenizers\": [{\"type\": \"ByteLevel\", \"add_prefix_space\": true}]}",
         NULL},
        {"\"pre_tokenizer\": null", "\"pre_tokenizer\" has no step \"ByteLevel\""},
        {"\"normalizer\": null", "\"pre_tokenizer\" has no step \"ByteLevel\""},
        {"\"pre_tokenizer\": {\"type\": \"Whitespace\"}",
         "\"pre_tokenizer\" has a step \"Whitespace\", expected ByteLevel; choose"},
        {"\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": "
         "\"Digits\"}, {\"type\": \"ByteLevel\"}]}",
         "has a step \"Digits\""},
        {"\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"use_regex\": false}",
         "\"use_regex\" is false, only true is supported"},
        {"\"pre_tokenizer\": {\"type\": \"ByteLevel\"}, \"post_processor\": {\"type\": "
         "\"BertProcessing\", \"sep\": [\"</s>\", 262], \"cls\": [\"<s>\", 261]}",
         "has a step \"BertProcessing\", expected one, TemplateProcessing or Roberta"},
        {"\"normalizer\": {\"type\": \"Lowercase\"}, \"pre_tokenizer\": {\"type\": "
         "\"ByteLevel\"}",
         "\"normalizer\" has a step \"Lowercase\", expected none; choose"},
    };
    ofr_buf vocab, text;
    ofr_error err;
    ofr_tok *tok = NULL;
    write_vocab("vocab.json", 11);
    ofr_buf_init(&vocab);
    ofr_buf_init(&text);
    assert_ok(ofr_file_read(&vocab, support_path("vocab.json"), 0, &err), err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ofr_buf_clear(&text);
        ofr_buf_addf(&text, "{%s, %s\"model\": {\"merges\": [\"a b\"], \"vocab\": ",
                     cases[i].parts, strstr(cases[i].parts, "post_") ? "" : POST);
        ofr_buf_add(&text, vocab.p, vocab.n);
        ofr_buf_adds(&text, "}}");
        const char *path = support_write("tokenizer.json", text.p);
        if (cases[i].wrong) {
            assert_fails(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err),
                         OFR_FORMAT, err, cases[i].wrong);
            continue;
        }
        assert_ok(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err), err);
        if (i == 0) CHECK(tok, "ab", 256, -1);
        else CHECK(tok, "ab", 32, 256, -1); /* the space in front */
        ofr_tok_close(tok);
    }
    ofr_buf_free(&vocab);
    ofr_buf_free(&text);
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words; /* joined by | */
    } cases[] = {
        {"I'm he'll they've we'd it's don't I're", "I|'m| he|'ll| they|'ve| we|'d| it|'s|"
                                                   " don|'t| I|'re"},
        {"I'M", "I|'|M"},
        {"a  b", "a| | b"},
        {"a \n b ", "a| \n| b| "},
        {"a1 22!? x", "a|1| 22|!?| x"},
        {"  ", "  "},
        {"\xc3\xa9t\xc3\xa9 \xd9\xa3\xc2\xb2", "\xc3\xa9t\xc3\xa9| \xd9\xa3\xc2\xb2"},
        {"a\xe3\x80\x80 b", "a|\xe3\x80\x80| b"},
        {"a\xe1\xa0\x8e\x62", "a|\xe1\xa0\x8e|b"}, /* U+180E is no space */
    };
    ofr_error err;
    ofr_gpt2_split split;
    assert_ok(ofr_gpt2_split_open(&split, &err), err);
    void *match = ofr_gpt2_match_open(&split);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ofr_str text = ofr_str_of(cases[i].text), word;
        ofr_buf got;
        ofr_buf_init(&got);
        for (size_t at = 0;;) {
            assert_ok(ofr_gpt2_split_next(&split, match, text, &at, &word, &err), err);
            if (word.n == 0) break;
            if (got.n) ofr_buf_addc(&got, '|');
            ofr_buf_add(&got, word.p, word.n);
        }
        assert_string_equal(got.p, cases[i].words);
        ofr_buf_free(&got);
    }
    ofr_gpt2_match_close(match);
    ofr_gpt2_split_close(&split);
}

static void test_special_tokens(void **state)
{
    (void)state;
    ofr_tok *tok = open_model();
    ofr_tok_scratch s;
    ofr_error err;
    CHECK(tok, "a <mask> a", 'a', 265, 260, -1); /* <mask> eats the space before it */
    CHECK(tok, "a</s> a", 'a', 262, 260, -1);
    CHECK(tok, " \t\xc2\xa0", -1);               /* blank: nothing, as in transformers */
    CHECK(tok, "a\xff" "b", 256, -1);            /* bad bytes vanish */
    CHECK(tok, "<mas", '<', 'm', 'a', 's', -1);
    ofr_tok_scratch_init(&s);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("ab"), OFR_STR("bc a"), 0, &err), err);
    static const int want[] = {261, 256, 262, 262, 258, 260, 262};
    assert_int_equal(s.n, 7);
    assert_memory_equal(s.ids, want, sizeof want);
    for (int i = 0; i < s.n; i++)
        assert_int_equal(s.types[i], 0);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("ab"), OFR_STR("bc a"), 6, &err), err);
    assert_int_equal(s.n, 6);
    assert_true(s.truncated);
    assert_int_equal(s.ids[4], 258);
    ofr_tok_scratch_free(&s);
    ofr_tok_close(tok);

    support_write("roberta/tokenizer_config.json",
                  "{\"add_prefix_space\": true, "
                  "\"sep_token\": {\"content\": \"abc\"}}");
    char dir[OFR_PATH_MAX];
    snprintf(dir, sizeof dir, "%s/roberta", support_folder());
    assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), err);
    CHECK(tok, "a", 260, -1);
    CHECK(tok, " a", 260, -1);
    assert_int_equal(tok->sep, 257);
    ofr_tok_close(tok);
}

/* One word of a megabyte: the heap keeps it from being quadratic. */
static void test_long_word(void **state)
{
    (void)state;
    ofr_tok *tok = open_model();
    ofr_tok_scratch s;
    ofr_error err;
    size_t n = 1 << 20;
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = "abc"[i % 3];
    ofr_tok_scratch_init(&s);
    assert_ok(ofr_tok_encode_bare(tok, &s, (ofr_str){text, n - 1}, INT32_MAX, &err), err);
    assert_int_equal(s.n_work, (int)(n / 3));
    for (int i = 0; i < s.n_work; i++)
        assert_int_equal(s.work[i], 257);
    /* what such a word needs is given back, after a failure, too */
    assert_true(s.lattice.cap > OFR_TOK_KEPT);
    ofr_mem_fail_at(1, false);
    ofr_status status = ofr_tok_encode(tok, &s, OFR_STR("ab"), (ofr_str){0}, 0, &err);
    ofr_mem_fail_at(0, false);
    assert_int_equal(status, OFR_NOMEM);
    assert_int_equal(s.lattice.cap, 0);
    assert_ok(ofr_tok_encode(tok, &s, (ofr_str){text, n - 1}, (ofr_str){0}, 0, &err),
              err);
    assert_int_equal(s.n, (int)(n / 3) + 2);
    assert_int_equal(s.lattice.cap, 0);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("ab"), (ofr_str){0}, 0, &err), err);
    assert_true(s.lattice.cap > 0); /* small ones stay */
    free(text);
    ofr_tok_scratch_free(&s);
    ofr_tok_close(tok);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"a b\na b\n", "merges.txt:2: \"a b\" is already merge 1"},
        {"a b\nxx b\n", "merges.txt:2: \"xx\" is not in the vocabulary"},
        {"a xx\n", "merges.txt:1: \"xx\" is not in the vocabulary"},
        {"a b c\n", "merges.txt:1: expected two symbols"},
        {"ab\n", "merges.txt:1: expected two symbols"},
        {" b\n", "merges.txt:1: expected two symbols"},
    };
    static const char *const bad_json[][2] = {
        {"{}", "vocab.json: the vocabulary is missing or empty"},
        {"[1]", "vocab.json: the vocabulary is missing or empty"},
        {"{\"a\": -1}", "the id of \"a\" is -1, expected 0..65536"},
        {"{\"a\": 99999999}", "the id of \"a\" is 99999999"},
        {"{\"a\": \"b\"}", "the id of \"a\" is no integer, expected 0..65536"},
        {"{\"a\": 1, \"b\": 1}", "\"a\" and \"b\" have the same id 1"},
        {"{\"<s>\": 0, \"</s>\": 1}", "no token \"\xc4\x80\" for byte 0x00"},
        {"{\"<s>\": 0, \"</s>\": 1, \"<unk>\": 2, \"a\": 3}",
         "tokens for 1 of the 256 bytes, not for the space, and nothing says that"},
        {"{\"<s>\": 0, \"</s>\": 1, \"<unk>\": 2, \"\xc4\xa0\": 3}",
         "tokens for 1 of the 256 bytes, and nothing says that it is a byte-level"},
        {"{\"a\": 0", "vocab.json:1:"},
    };
    ofr_error err;
    ofr_tok *tok = NULL;
    const char *dir = model_dir();
    size_t live = ofr_mem_live();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        support_write("roberta/merges.txt", bad[i][0]);
        assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT,
                     err, bad[i][1]);
    }
    support_write("roberta/merges.txt", merges);
    write_vocab("roberta/vocab.json", 5);
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "has no \"<s>\" (cls_token)");
    for (size_t i = 0; i < sizeof bad_json / sizeof *bad_json; i++) {
        support_write("roberta/vocab.json", bad_json[i][0]);
        assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT,
                     err, bad_json[i][1]);
    }
    assert_null(tok);
    assert_int_equal(ofr_mem_live(), live);
}

/* Molecules, say: few characters are enough where a file says that these are bytes.  The
 * others are <unk> to a RobertaTokenizer; to a tokenizer.json they are what that says, or
 * nothing, and their neighbours meet. */
static void test_few_bytes(void **state)
{
    (void)state;
    static const char few[] = "{\"<s>\": 0, \"</s>\": 1, \"<unk>\": 2, \"C\": 3, "
                              "\"O\": 4, \"CO\": 5}";
    char text[1024];
    ofr_error err;
    ofr_tok *tok = NULL;
    const char *dir = model_dir();
    support_write("roberta/vocab.json", few);
    support_write("roberta/merges.txt", "C O\n");
    const char *config = support_write("roberta/tokenizer_config.json",
                                       "{\"tokenizer_class\": \"RobertaTokenizer\"}");
    assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), err);
    CHECK(tok, "COC=O", 5, 3, 2, 4, -1);
    ofr_tok_close(tok);
    assert_ok(ofr_file_remove(config, &err), err);
    for (int named = 0; named < 2; named++) {
        snprintf(text, sizeof text,
                 "{\"pre_tokenizer\": {\"type\": \"ByteLevel\"}, \"post_processor\": "
                 "{\"type\": \"RobertaProcessing\", \"sep\": [\"</s>\", 1], \"cls\": "
                 "[\"<s>\", 0]}, \"model\": {\"unk_token\": %s, \"merges\": [\"C O\"], "
                 "\"vocab\": %s}}",
                 named ? "\"<unk>\"" : "null", few);
        assert_ok(ofr_tok_open(&tok, support_write("t.json", text),
                               (ofr_tok_options){-1}, &err),
                  err);
        if (named) CHECK(tok, "C\xc2\xb5O", 3, 2, 2, 4, -1);
        else CHECK(tok, "C\xc2\xb5O", 5, -1);
        if (!named) CHECK(tok, "\xc2\xb5", -1);
        ofr_tok_close(tok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges),         cmocka_unit_test(test_mark),
        cmocka_unit_test(test_json),           cmocka_unit_test(test_split),
        cmocka_unit_test(test_special_tokens), cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_bad_files),      cmocka_unit_test(test_few_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
