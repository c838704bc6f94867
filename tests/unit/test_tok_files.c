/* test_tok_files.c - tokenizers from their files: settings, added tokens, refusals. */
#include "support/bare_ids.h"
#include "unit/tok_dir.h"

static void test_config(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        int lower, capital, accent; /* option; ids of A and of a with an accent */
    } cases[] = {
        {NULL, -1, 5, 5},
        {"{}", -1, 5, 5},
        {"{\"do_lower_case\": true}", -1, 5, 5},
        {"{\"do_lower_case\": false}", -1, 8, 9},
        {"{\"do_lower_case\": false}", 1, 5, 5},
        {"{\"do_lower_case\": true}", 0, 8, 9},
        {"{\"strip_accents\": false}", -1, 5, 9},
        {"{\"do_lower_case\": false, \"strip_accents\": true}", -1, 8, 5},
        {"{\"strip_accents\": null}", -1, 5, 5},
        {"{\"model_max_length\": 1000000000000000019884624838656, "
         "\"do_lower_case\": false}",
         -1, 8, 9},
        {"{\"do_basic_tokenize\": true, \"word_tokenizer_type\": \"basic\"}", -1, 5, 5},
        {"{\"tokenizer_class\": \"BertTokenizerFast\"}", -1, 5, 5},
        {"{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}", -1, 5, 5},
        {"{\"tokenizer_class\": null}", -1, 5, 5},
    };
    ofr_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ofr_tok *tok = open_dir(small_vocab, cases[i].config, NULL, cases[i].lower);
        assert_int_equal(id_of(tok, "A"), cases[i].capital);
        assert_int_equal(id_of(tok, "\xc3\xa1"), cases[i].accent);
        assert_non_null(strstr(file_of(tok, "vocab.txt"), "model/vocab.txt"));
        assert_int_equal(file_of(tok, "tokenizer_config.json") != NULL,
                         cases[i].config != NULL);
        assert_null(file_of(tok, "added_tokens.json"));
        ofr_tok_close(tok);
    }
    ofr_tok *tok = open_dir(small_vocab, "{\"cls_token\": \"[PAD]\"}", NULL, -1);
    assert_int_equal(tok->cls, 0);
    ofr_tok_close(tok);
    support_write("model/tokenizer_config.json", "{\"do_lower_case\": 3}");
    char dir[OFR_PATH_MAX];
    snprintf(dir, sizeof dir, "%s/model", support_folder());
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "tokenizer_config.json: \"do_lower_case\" is a number");
    assert_ok(ofr_file_remove(support_path("model/vocab.txt"), &err), err);
    assert_ok(ofr_file_remove(support_path("model/tokenizer_config.json"), &err), err);
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_NOT_FOUND, err,
                 "model: no tokenizer: expected vocab.txt");
}

/* What tokenizer_config.json may not say. */
static void test_refused_config(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"{\"tokenizer_class\": \"BertJapaneseTokenizer\"}",
         "\"tokenizer_class\" is \"BertJapaneseTokenizer\""},
        {"{\"tokenizer_class\": \"BertTokenizerFaster\"}",
         "which cuts texts in a way that is not supported, unlike BertTokenizer"},
        {"{\"tokenizer_class\": \"RobertaTokenizer\"}", "is \"RobertaTokenizer\""},
        {"{\"word_tokenizer_type\": \"mecab\"}",
         "\"word_tokenizer_type\" is \"mecab\", only \"basic\" is supported"},
        {"{\"subword_tokenizer_type\": \"character\"}",
         "\"subword_tokenizer_type\" is \"character\", only \"wordpiece\""},
        {"{\"do_basic_tokenize\": false}",
         "\"do_basic_tokenize\" is false, only true is supported"},
        {"{\"cls_token\": {\"lstrip\": false}}",
         "\"cls_token\" is an object without \"content\""},
        {"{\"added_tokens_decoder\": []}", "\"added_tokens_decoder\" is no object"},
        {"{\"added_tokens_decoder\": {\"x\": {\"content\": \"y\"}}}",
         "the id of the added token \"x\" is -1, expected 0..65545"},
        {"{\"added_tokens_decoder\": {\"5\": {\"content\": \"y\"}}}",
         "the added token \"y\" has id 5, which the vocabulary gives to \"a\""},
        {"{\"added_tokens_decoder\": {\"10\": {\"content\": \"a\"}}}",
         "the added token \"a\" has id 10, in the vocabulary 5; restore"},
        {"{\"added_tokens_decoder\": {\"6\": {\"content\": \"a\"}}}",
         "the added token \"a\" has id 6, in the vocabulary 5; restore"},
        {"{\"added_tokens_decoder\": {\"10\": {\"content\": \"y\", \"single_word\": "
         "true}}}",
         "\"single_word\" is true, only false is supported"},
        {"{\"added_tokens_decoder\": {\"10\": {\"special\": true}}}",
         "added_tokens_decoder[0]: an added token has no \"content\""},
    };
    char dir[OFR_PATH_MAX];
    ofr_error err;
    ofr_tok *tok = NULL;
    ofr_tok_close(open_dir(small_vocab, "{}", NULL, -1));
    snprintf(dir, sizeof dir, "%s/model", support_folder());
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        support_write("model/tokenizer_config.json", bad[i][0]);
        assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT,
                     err, bad[i][1]);
    }
    support_write("model/tokenizer_config.json", "{}");
    support_write("model/added_tokens.json", "[]");
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "added_tokens.json: not a JSON object");
    support_write("model/added_tokens.json", "{\"x\": 1.5}");
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "added_tokens.json: the id of the added token \"x\" is -1");
}

/* What other files beside a vocab.txt say: the class stands in the model's config.json
 * where tokenizer_config.json does not know it, older names in another file. */
static void test_beside(void **state)
{
    (void)state;
    char dir[OFR_PATH_MAX];
    ofr_error err;
    ofr_tok *tok = open_dir(small_vocab, "{\"sep_token\": \"A\", \"pad_token\": \"A\"}",
                            NULL, -1);
    ofr_tok_close(tok);
    snprintf(dir, sizeof dir, "%s/model", support_folder());
    const char *config = support_write("model/config.json",
                                       "{\"tokenizer_class\": \"HerbertTokenizer\"}");
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "config.json: \"tokenizer_class\" is \"HerbertTokenizer\"");
    support_write("model/config.json", "[]");
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "config.json: not a JSON object, expected the keys of a model; restore");
    assert_ok(ofr_file_remove(config, &err), err);
    const char *map = support_write("model/special_tokens_map.json",
                                    "{\"cls_token\": {\"content\": \"a\"}, "
                                    "\"sep_token\": \"b\", \"additional_special_tokens\""
                                    ": [\"[E1]\"]}");
    support_write("model/added_tokens.json", "{\"[E1]\": 10}");
    assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), err);
    assert_int_equal(tok->cls, 5);
    assert_int_equal(tok->sep, 6); /* the map has the last word */
    CHECK(tok, "[E1][e1]", 10, 1, 1, 1, -1);
    CHECK(tok, "A", 8, -1); /* special, so that its case is kept */
    ofr_tok_close(tok);
    support_write("model/tokenizer_config.json",
                  "{\"sep_token\": \"A\", \"added_tokens_decoder\": {}}");
    assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), err);
    assert_int_equal(tok->cls, 2); /* and none beside such a list */
    assert_int_equal(tok->sep, 8);
    ofr_tok_close(tok);
    support_write("model/tokenizer_config.json", "{}");
    support_write("model/special_tokens_map.json", "{\"cls_token\": \"<c>\"}");
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "special_tokens_map.json); give the vocabulary of a BERT-like encoder");
    support_write("model/special_tokens_map.json", "[]");
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "special_tokens_map.json: not a JSON object");
    assert_ok(ofr_file_remove(map, &err), err);
    support_write("model/vocab.txt", "[UNK]\n<cls>\n<sep>\n");
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "as \"cls_token\" in tokenizer_config.json");
    const char *piece = support_write("model/sentencepiece.bpe.model", "x");
    assert_ok(ofr_file_remove(support_path("model/vocab.txt"), &err), err);
    assert_fails(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "sentencepiece.bpe.model: the tokenizers of XLM-R and");
    assert_ok(ofr_file_remove(piece, &err), err);
}

/* Added tokens beside a vocab.txt: those that are normalised are met in any case, and
 * with accents. */
static void test_added_tokens(void **state)
{
    (void)state;
    ofr_error err;
    char dir[OFR_PATH_MAX];
    ofr_tok *tok = open_dir(
        small_vocab,
        "{\"added_tokens_decoder\": {"
        "\"3\": {\"content\": \"[SEP]\", \"normalized\": false, \"special\": true},"
        "\"10\": {\"content\": \"[E1]\", \"lstrip\": false, \"normalized\": false},"
        "\"12\": {\"content\": \"[\xc3\x89" "A]\", \"rstrip\": true, "
        "\"normalized\": true}}}",
        NULL, -1);
    assert_int_equal(ofr_tok_size(tok), 13);
    CHECK(tok, "a[E1]b", 5, 10, 6, -1);
    CHECK(tok, "[e1]", 1, 1, 1, -1);
    CHECK(tok, "a[\xc3\x89" "A] b", 5, 12, 6, -1);
    CHECK(tok, "[ea]b", 12, 6, -1);
    CHECK(tok, "[e\xcc\x81\xc3\x81]b", 12, 6, -1); /* an accent by itself */
    CHECK(tok, "[ea", 1, 1, -1);
    ofr_tok_close(tok);

    tok = open_dir(small_vocab, "{\"additional_special_tokens\": [\"[E2]\"]}", NULL, -1);
    ofr_tok_close(tok);
    support_write("model/added_tokens.json",
                  "{\"[E2]\": 11, \"[E1]\": 10, \"[MASK]\": 4, \"\": 12}");
    snprintf(dir, sizeof dir, "%s/model", support_folder());
    assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), err);
    CHECK(tok, "a[E1][E2]", 5, 10, 11, -1);
    CHECK(tok, "[e1]", 10, -1);
    CHECK(tok, "[e2]", 1, 1, 1, -1);   /* special: as it is */
    CHECK(tok, "[mask]", 1, 1, 1, -1); /* special by its name */
    assert_non_null(strstr(file_of(tok, "added_tokens.json"), "model/added_tokens.json"));
    /* a model without an embedding for them */
    assert_int_equal(ofr_tok_size(tok), 13);
    assert_ok(ofr_tok_check_size(tok, 13, &err), err);
    assert_fails(ofr_tok_check_size(tok, 11, &err), OFR_FORMAT, err,
                 "model/added_tokens.json: the added token \"\" has id 12, the model "
                 "only 11 embeddings; remove the tokens from id 11 on from the file");
    assert_fails(ofr_tok_check_size(tok, 9, &err), OFR_FORMAT, err,
                 "model/vocab.txt: the tokenizer has 10 entries, the model only 9");
    ofr_tok_close(tok);
    assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){0}, &err), err);
    CHECK(tok, "[E1]", 10, -1);
    CHECK(tok, "[e1]", 1, 1, 1, -1); /* cased: nothing is normalised */
    ofr_tok_close(tok);
}

/* The ways in which tokenizer_config.json says that an added token is special. */
static void test_special_lists(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "\"additional_special_tokens\": [\"[E2]\", \"[E1]\"]",
        "\"additional_special_tokens\": [{\"content\": \"[E1]\"}]",
        "\"extra_special_tokens\": [7, {}, \"[E1]\"]",
        "\"extra_special_tokens\": {\"a\": \"[E1]\"}", /* names, not a list */
    };
    char dir[OFR_PATH_MAX], text[128];
    ofr_error err;
    ofr_tok *tok = NULL;
    snprintf(dir, sizeof dir, "%s/model", support_folder());
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        ofr_tok_close(open_dir(small_vocab, NULL, NULL, -1));
        snprintf(text, sizeof text, "{%s}", lists[i]);
        support_write("model/tokenizer_config.json", text);
        support_write("model/added_tokens.json", "{\"[E1]\": 10}");
        assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){-1}, &err), err);
        CHECK(tok, "[E1]", 10, -1);
        if (i < 3) CHECK(tok, "[e1]", 1, 1, 1, -1); /* as it is */
        else CHECK(tok, "[e1]", 10, -1);
        ofr_tok_close(tok);
    }
}

#define JSON_VOCAB                                                                       \
    "\"vocab\": {\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, \"[MASK]\": 4," \
    " \"a\": 5, \"b\": 6, \"@b\": 7, \"A\": 8, \"\xc3\xa1\": 9}"
#define BERT_WORDS "\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},"
#define POST                                                                             \
    "\"post_processor\": {\"type\": \"BertProcessing\", " \
    "\"sep\": [\"[SEP]\", 3], \"cls\": [\"[CLS]\", 2]},"
#define IN "{\"type\": \"Sequence\", \"normalizers\": ["
#define DEEP IN IN IN IN IN IN "]}]}]}]}]}]},"

static void test_tokenizer_json(void **state)
{
    (void)state;
    ofr_tok *tok =
        open_dir(NULL, NULL,
                 "{\"added_tokens\": [{\"id\": 10, \"content\": \"<x>\"}],"
                 "\"normalizer\": {\"type\": \"BertNormalizer\", \"lowercase\": "
                 "false, \"strip_accents\": null}," BERT_WORDS POST "\"model\": {"
                 "\"continuing_subword_prefix\": \"@\", " JSON_VOCAB "}}",
                 -1);
    ofr_tok_scratch s;
    ofr_error err;
    assert_string_equal(ofr_tok_kind(tok), "wordpiece");
    assert_int_equal(id_of(tok, "A"), 8);
    assert_int_equal(id_of(tok, "\xc3\xa1"), 9);
    assert_int_equal(ofr_tok_size(tok), 11);
    ofr_tok_scratch_init(&s);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("ab<x>"), (ofr_str){0}, 0, &err), err);
    same(&s, (const int[]){2, 5, 7, 10, 3}, 5);
    ofr_tok_scratch_free(&s);
    assert_non_null(strstr(file_of(tok, "tokenizer.json"), "model/tokenizer.json"));
    assert_null(file_of(tok, "vocab.txt"));
    ofr_tok_close(tok);
    /* tokenizer_config.json has the last word */
    tok =
        open_dir(NULL, "{\"do_lower_case\": true}",
                 "{\"normalizer\": {\"type\": \"BertNormalizer\", \"lowercase\": false},"
                 BERT_WORDS POST "\"model\": {\"type\": \"WordPiece\", " JSON_VOCAB "}}",
                 -1);
    assert_int_equal(id_of(tok, "A"), 5);
    ofr_tok_close(tok);
    /* it goes before vocab.txt, for it knows the added tokens; a Sequence changes
     * nothing */
    tok = open_dir(small_vocab, NULL,
                   "{\"added_tokens\": [{\"id\": 10, \"content\": \"[E1]\", "
                   "\"normalized\": true}],"
                   "\"normalizer\": " IN "{\"type\": \"BertNormalizer\", "
                   "\"lowercase\": true, \"strip_accents\": null}]},"
                   BERT_WORDS POST
                   "\"model\": {\"type\": \"WordPiece\", " JSON_VOCAB "}}",
                   -1);
    CHECK(tok, "A[e1]\xc3\xa1", 5, 10, 5, -1);
    ofr_tok_close(tok);
}

/* Other chains of steps than BERT's, and damage. */
static void test_refused_json(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {BERT_WORDS, "\"normalizer\" has no step \"BertNormalizer\""},
        {"\"normalizer\": null," BERT_WORDS,
         "\"normalizer\" has no step \"BertNormalizer\""},
        {"\"normalizer\": {\"type\": \"Lowercase\"}," BERT_WORDS,
         "\"normalizer\" has a step \"Lowercase\", expected BertNormalizer"},
        {"\"normalizer\": {\"type\": \"Sequence\"}," BERT_WORDS,
         "\"normalizer\" has a step \"Sequence\", expected BertNormalizer"},
        {"\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{}]}," BERT_WORDS,
         "\"normalizer\" holds something without a type"},
        {"\"normalizer\": [1]," BERT_WORDS,
         "\"normalizer\" holds something without a type"},
        {"\"normalizer\": " DEEP BERT_WORDS,
         "\"normalizer\" holds sequences in each other"},
        {"\"normalizer\": {\"type\": \"BertNormalizer\", \"clean_text\": false},"
         BERT_WORDS,
         "\"clean_text\" is false, only true is supported"},
        {"\"normalizer\": {\"type\": \"BertNormalizer\"},",
         "\"pre_tokenizer\" has no step \"BertPreTokenizer\""},
        {"\"normalizer\": {\"type\": \"BertNormalizer\"}, \"pre_tokenizer\": 3,",
         "\"pre_tokenizer\" holds something without a type"},
        {"\"normalizer\": {\"type\": \"BertNormalizer\"}, \"pre_tokenizer\": {\"type\": "
         "\"Whitespace\"},",
         "\"pre_tokenizer\" has a step \"Whitespace\", expected BertPreTokenizer"},
    };
    char text[1024];
    ofr_error err;
    ofr_tok *tok = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "{%s\"model\": {" JSON_VOCAB "}}", bad[i][0]);
        assert_fails(ofr_tok_open(&tok, support_write("t.json", text),
                                  (ofr_tok_options){-1}, &err),
                     OFR_FORMAT, err, bad[i][1]);
    }
}

#define CLS "{\"SpecialToken\": {\"id\": \"[CLS]\", \"type_id\": 0}}"
#define SEP(type) "{\"SpecialToken\": {\"id\": \"[SEP]\", \"type_id\": " #type "}}"
#define TEXT(name, type) "{\"Sequence\": {\"id\": \"" #name "\", \"type_id\": " #type "}}"
#define TEMPLATE(single, pair, cls)                                                      \
    "{\"type\": \"TemplateProcessing\", \"single\": [" single "], "                      \
    "\"pair\": [" pair "], \"special_tokens\": {\"[CLS]\": {\"ids\": [" #cls "]}, " \
    "\"[SEP]\": {\"ids\": [3]}}}"
#define SINGLE CLS "," TEXT(A, 0) "," SEP(0)
#define PAIR SINGLE "," TEXT(B, 1) "," SEP(1)
#define BERT "{\"type\": \"BertProcessing\", \"sep\": [\"\", 3], \"cls\": [\"\", 2]}"

/* What tokenizer.json puts around texts: [CLS] a [SEP] b [SEP] or nothing that opens. */
static void test_post_processor(void **state)
{
    (void)state;
    static const struct {
        const char *post, *wrong; /* NULL: it opens */
    } cases[] = {
        {BERT, NULL},
        {TEMPLATE(SINGLE, PAIR, 2), NULL},
        {"{\"type\": \"Sequence\", \"processors\": [{\"type\": \"ByteLevel\"}, " BERT
         "]}",
         NULL},
        {"null", "has no step that puts special tokens around a text"},
        {"{\"type\": \"ByteLevel\"}", "has no step that puts"},
        {"{\"type\": \"Sequence\", \"processors\": [" BERT "," BERT "]}",
         "has a second step \"BertProcessing\""},
        {"{\"type\": \"BertProcessing\", \"sep\": [\"\", 3], \"cls\": [\"\", 10]}",
         "puts tokens around a text that are not in the vocabulary; restore"},
        {"{\"type\": \"RobertaProcessing\", \"sep\": [\"\", 3], \"cls\": [\"\", 2]}",
         "has a step \"RobertaProcessing\", expected one, TemplateProcessing or Bert"},
        {TEMPLATE(SINGLE, PAIR, -1), "not in the vocabulary"},
        {TEMPLATE(TEXT(A, 0) "," SEP(0), PAIR, 2), "\"single\" of"},
        {TEMPLATE(SINGLE "," SEP(0), PAIR, 2),
         "\"single\" of \"post_processor\" is something else than [CLS] a [SEP] with"},
        {TEMPLATE(SINGLE, SINGLE "," TEXT(B, 0) "," SEP(0), 2),
         "\"pair\" of \"post_processor\" is something else than [CLS] a [SEP] b [SEP] "
         "with types 0 0 0 1 1; choose"},
        {TEMPLATE(SINGLE, SINGLE "," SEP(0) "," TEXT(B, 1) "," SEP(1), 2), "\"pair\" of"},
        {TEMPLATE(SINGLE, SINGLE "," TEXT(A, 1) "," SEP(1), 2), "\"pair\" of"},
        {"7", "has a step \"\""},
    };
    char text[2048];
    ofr_error err;
    ofr_tok *tok = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text,
                 "{\"normalizer\": {\"type\": \"BertNormalizer\"}," BERT_WORDS
                 "\"post_processor\": %s, \"model\": {" JSON_VOCAB "}}",
                 cases[i].post);
        const char *path = support_write("t.json", text);
        if (cases[i].wrong) {
            assert_fails(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err),
                         OFR_FORMAT, err, cases[i].wrong);
            continue;
        }
        assert_ok(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err), err);
        ofr_tok_close(tok);
    }
}

/* What stands around a text is up to tokenizer.json, whatever the names beside it are. */
static void test_post_names(void **state)
{
    (void)state;
    static const char *const maps[] = {
        "{}", "{\"cls_token\": \"<s>\", \"sep_token\": \"</s>\"}",
        "{\"cls_token\": \"b\", \"sep_token\": \"[PAD]\"}"};
    static const char *const posts[] = {BERT, TEMPLATE(SINGLE, PAIR, 2)};
    char text[2048];
    for (size_t i = 0; i < 6; i++) {
        snprintf(text, sizeof text,
                 "{\"normalizer\": {\"type\": \"BertNormalizer\"}," BERT_WORDS
                 "\"post_processor\": %s, \"model\": {" JSON_VOCAB "}}",
                 posts[i / 3]);
        ofr_tok_close(open_dir(small_vocab, NULL, NULL, -1));
        const char *map = support_write("model/special_tokens_map.json", maps[i % 3]);
        ofr_tok *tok = open_dir(NULL, NULL, text, -1);
        ofr_error err;
        assert_int_equal(tok->cls, 2);
        assert_int_equal(tok->sep, 3);
        ofr_tok_close(tok);
        assert_ok(ofr_file_remove(map, &err), err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),         cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_refused_config), cmocka_unit_test(test_added_tokens),
        cmocka_unit_test(test_refused_json),   cmocka_unit_test(test_special_lists),
        cmocka_unit_test(test_beside),         cmocka_unit_test(test_post_processor),
        cmocka_unit_test(test_post_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
