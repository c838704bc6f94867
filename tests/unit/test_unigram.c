/* test_unigram.c - Viterbi cuts by hand, from tokenizer.json and spiece.model. */
#include "support/bare_ids.h"

#include "base/mem.h"

#define SP "\xe2\x96\x81" /* the visible space */

static const struct {
    const char *text;
    float score;
    int type; /* of sentencepiece */
} pieces[] = {
    {"<pad>", 0, 3},    {"<unk>", 0, 2},        {"[CLS]", 0, 3},  {"[SEP]", 0, 3},
    {"[MASK]", 0, 4},   {SP, -2, 1},            {"a", -3, 1},     {"b", -3, 1},
    {"ab", -4, 1},      {SP "a", -2.5f, 1},     {SP "ab", -5.25f, 1}, {"aa", -7, 1},
    {"\"", -4, 1},      {"\xed\x95\x98", -3, 1}, {SP "c", -3, 1}, {"cd", -4, 1},
    {"d", -3, 1},       {"de", -2, 1},          {"1", -3, 1},     {",", -4, 1},
    {"1,", -1, 1},      {"b,", -1, 1},
};
enum { N_PIECES = sizeof pieces / sizeof *pieces };

/* tokenizer.json; its texts begin with the piece cls. */
static const char *write_json_with(const char *head, int cls)
{
    char text[4096];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{%s\"post_processor\": {\"type\": \"BertProcessing\", "
                                "\"sep\": [\"\", 3], \"cls\": [\"\", %d]}, \"model\": "
                                "{\"type\": \"Unigram\", \"unk_id\": 1, \"vocab\": [",
                                head, cls);
    for (int i = 0; i < N_PIECES; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s[\"%s%s\", %g]", i ? "," : "",
                              pieces[i].text[0] == '"' ? "\\" : "", pieces[i].text,
                              (double)pieces[i].score);
    snprintf(text + n, sizeof text - n, "]}}");
    return support_write("tokenizer.json", text);
}

static const char *write_json(const char *head)
{
    return write_json_with(head, 2);
}

static const char albert[] =
    "\"added_tokens\": [{\"id\": 4, \"content\": \"[MASK]\", \"lstrip\": true},"
    "{\"id\": 2, \"content\": \"[CLS]\"}, {\"id\": 22, \"content\": \"<new>\"}],"
    "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": ["
    "{\"type\": \"Replace\", \"pattern\": {\"String\": \"``\"}, \"content\": \"\\\"\"},"
    "{\"type\": \"Replace\", \"pattern\": {\"String\": \"''\"}, \"content\": \"\\\"\"},"
    "{\"type\": \"NFKD\"}, {\"type\": \"StripAccents\"}, {\"type\": \"Lowercase\"},"
    "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Precompiled\"},"
    "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, "
    "\"content\": \" \"}]}]},"
    "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": "
    "\"WhitespaceSplit\"}, {\"type\": \"Metaspace\", \"replacement\": \"" SP "\", "
    "\"add_prefix_space\": true, \"prepend_scheme\": \"always\"}]},";

#define METASPACE "\"pre_tokenizer\": {\"type\": \"Metaspace\"},"

static const char *write_model(void)
{
    unsigned char bytes[2048];
    size_t n = 0;
    for (int i = 0; i < N_PIECES; i++) {
        size_t len = strlen(pieces[i].text);
        bytes[n++] = 1 << 3 | 2;
        bytes[n++] = (unsigned char)(2 + len + 5 + 2);
        bytes[n++] = 1 << 3 | 2;
        bytes[n++] = (unsigned char)len;
        memcpy(bytes + n, pieces[i].text, len);
        n += len;
        bytes[n++] = 2 << 3 | 5;
        memcpy(bytes + n, &pieces[i].score, 4);
        n += 4;
        bytes[n++] = 3 << 3 | 0;
        bytes[n++] = (unsigned char)pieces[i].type;
    }
    memcpy(bytes + n, "\x12\x02\x08\x01", 4); /* a trainer_spec, to be skipped */
    return support_write_bytes("spiece.model", bytes, n + 4);
}

static ofr_tok *open_tok(const char *path)
{
    ofr_tok *tok = NULL;
    ofr_error err;
    assert_ok(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err), err);
    return tok;
}

/* The same for both files. */
static void check_cuts(const ofr_tok *tok)
{
    assert_string_equal(ofr_tok_kind(tok), "unigram");
    CHECK(tok, "", -1);
    CHECK(tok, " \t\xe3\x80\x80", -1);
    CHECK(tok, "ab", 10, -1);            /* -5.25 beats -2.5-3 and -2-4 */
    CHECK(tok, "aab", 9, 8, -1);         /* -2.5-4 beats -2.5-3-3 and -2-7-3 */
    CHECK(tok, "ba", 5, 7, 6, -1);
    CHECK(tok, "cd", 5, 15, -1);         /* -2-4 ties with -3-3: the first found */
    CHECK(tok, "axy b", 9, 1, 5, 7, -1); /* two unknown characters are one token */
    CHECK(tok, "acde", 9, 1, 17, -1);    /* -17-2 beats -4-17, though c begins cd */
    CHECK(tok, "xay", 5, 1, 6, 1, -1);
    CHECK(tok, "x", 5, 1, -1);
    CHECK(tok, "a  ab\n", 9, 10, -1);
    CHECK(tok, "\xc3\x81" "B", 10, -1);  /* accents and case */
    CHECK(tok, "\xef\xbc\xa1", 9, -1);   /* full width */
    CHECK(tok, "``a''", 5, 12, 6, 12, -1);
    CHECK(tok, "\xed\x95\x98", 5, 13, -1); /* Hangul comes together again */
    CHECK(tok, "a\xc2\xa0" "a\xe2\x80\x8b" "a", 9, 9, 9, -1);
    CHECK(tok, "a\x01" "b\xff", 10, -1);
    CHECK(tok, SP "a", 9, -1);           /* a visible space in the text is a space */
    CHECK(tok, "a [MASK] a", 9, 4, 9, -1);
    CHECK(tok, "<unk>", 1, -1);
}

static void test_json(void **state)
{
    (void)state;
    ofr_tok *tok = open_tok(write_json(albert));
    ofr_tok_scratch s;
    ofr_error err;
    check_cuts(tok);
    assert_true(tok->unigram.unk_score == -17); /* least score, -7, minus 10 */
    assert_int_equal(ofr_tok_size(tok), 23);
    CHECK(tok, "a<new>", 9, 22, -1);
    CHECK(tok, "1, b,", 5, 20, 5, 21, -1); /* scores as they stand */
    ofr_tok_scratch_init(&s);
    assert_ok(ofr_tok_encode(tok, &s, OFR_STR("a ab"), OFR_STR("b"), 0, &err), err);
    static const int ids[] = {2, 9, 10, 3, 5, 7, 3}, types[] = {0, 0, 0, 0, 1, 1, 1};
    assert_int_equal(s.n, 7);
    assert_memory_equal(s.ids, ids, sizeof ids);
    assert_memory_equal(s.types, types, sizeof types);
    ofr_tok_scratch_free(&s);
    ofr_tok_close(tok);
    /* a normalizer without these steps keeps case and accents */
    static const char *const bare[] = {
        "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": "
        "\"Precompiled\"}]}," METASPACE,
        "\"normalizer\": {\"type\": \"Precompiled\"}," METASPACE,
    };
    for (size_t i = 0; i < 2; i++) {
        tok = open_tok(write_json(bare[i]));
        CHECK(tok, "AB", 5, 1, -1);
        CHECK(tok, "\xc3\xa1", 5, 1, -1);
        CHECK(tok, "\xef\xbd\x81", 9, -1);
        CHECK(tok, "``", 5, 1, -1); /* and quotes */
        ofr_tok_close(tok);
    }
}

/* Metaspace without WhitespaceSplit: no space gets lost, unless Replace makes one of
 * several.  The ids are those of Hugging Face's tokenizers 0.23.2. */
static void test_blanks(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": "
        "\"Precompiled\"}, {\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, "
        "\"content\": \" \"}]}," METASPACE,
        "\"normalizer\": {\"type\": \"Precompiled\"}," METASPACE,
    };
    for (size_t i = 0; i < 2; i++) {
        ofr_tok *tok = open_tok(write_json(heads[i]));
        CHECK(tok, "", -1);
        CHECK(tok, " ", 5, -1);
        CHECK(tok, "a ", 9, 5, -1);
        CHECK(tok, " a ab", 9, 10, -1);
        CHECK(tok, "a [SEP] a", 9, 5, 3, 9, -1);
        CHECK(tok, "a [MASK] ", 9, 4, 5, -1); /* it eats what is on its left */
        if (i == 0) CHECK(tok, "  a  b  ", 9, 5, 7, 5, -1);
        else CHECK(tok, "  a  b  ", 5, 9, 5, 5, 7, 5, 5, -1);
        ofr_tok_close(tok);
    }
}

/* Chains that are not ALBERT's. */
static void test_other_chains(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {METASPACE, "\"normalizer\" has no step \"Precompiled\""},
        {"\"normalizer\": null," METASPACE, "\"normalizer\" has no step \"Precompiled\""},
        {"\"normalizer\": {\"type\": \"Precompiled\"},",
         "\"pre_tokenizer\" has no step \"Metaspace\""},
        {"\"normalizer\": {\"type\": \"NFC\"}," METASPACE,
         "\"normalizer\" has a step \"NFC\", expected Precompiled"},
        {"\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \"x\"}, "
         "\"content\": \"y\"}," METASPACE,
         "replaces \"x\" by \"y\", only quotes and spaces"},
        {"\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"_\"},",
         "\"replacement\" is \"_\", only"},
        {"\"pre_tokenizer\": {\"type\": \"Metaspace\", \"add_prefix_space\": false},",
         "\"add_prefix_space\" is false, only true"},
        {"\"pre_tokenizer\": {\"type\": \"Metaspace\", \"prepend_scheme\": \"first\"},",
         "\"prepend_scheme\" is \"first\", only \"always\""},
    };
    ofr_error err;
    ofr_tok *tok = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(
            ofr_tok_open(&tok, write_json(bad[i][0]), (ofr_tok_options){-1}, &err),
            OFR_FORMAT, err, bad[i][1]);
    /* XLM-R: other special tokens mean another way to put texts together */
    assert_fails(ofr_tok_open(&tok, write_json_with(albert, 0), (ofr_tok_options){-1},
                              &err),
                 OFR_FORMAT, err,
                 "begins a text with \"<pad>\", of unigram tokenizers only ALBERT's");
}

static void test_model(void **state)
{
    (void)state;
    ofr_tok *tok = open_tok(write_model());
    check_cuts(tok);
    assert_int_equal(ofr_tok_size(tok), 22);
    assert_true(tok->unigram.unk_score == -111);
    CHECK(tok, "1, b,", 5, 18, 19, 5, 21, -1); /* a number loses its comma */
    CHECK(tok, "a ", 9, -1);
    ofr_tok_close(tok);
}

/* ALBERT's accents go unless they are to be kept, whatever case does. */
static void test_accents(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        int lower, capital, accent; /* the option; are A and a with an accent a? */
    } cases[] = {
        {"{}", -1, 1, 1},
        {"{}", 0, 0, 0}, /* who asks for case asks for accents */
        {"{\"do_lower_case\": false}", -1, 0, 1},
        {"{\"keep_accents\": true}", -1, 1, 0},
        {"{\"keep_accents\": true}", 1, 1, 1},
        {"{\"keep_accents\": false, \"do_lower_case\": false}", -1, 0, 1},
    };
    const char *json = support_path("tokenizer.json");
    ofr_error err;
    write_model();
    assert_ok(ofr_file_remove(json, &err), err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ofr_tok *tok = NULL;
        support_write("tokenizer_config.json", cases[i].config);
        assert_ok(ofr_tok_open(&tok, support_folder(),
                               (ofr_tok_options){cases[i].lower}, &err),
                  err);
        if (cases[i].capital) CHECK(tok, "A", 9, -1);
        else CHECK(tok, "A", 5, 1, -1);
        if (cases[i].accent) CHECK(tok, "\xc3\xa1", 9, -1);
        else CHECK(tok, "\xc3\xa1", 5, 1, -1);
        ofr_tok_close(tok);
    }
    /* tokenizer.json alone says what becomes of both */
    ofr_tok *tok = NULL;
    write_json(albert);
    support_write("tokenizer_config.json",
                  "{\"keep_accents\": true, \"do_lower_case\": false}");
    assert_ok(ofr_tok_open(&tok, support_folder(), (ofr_tok_options){-1}, &err), err);
    check_cuts(tok);
    ofr_tok_close(tok);
    assert_ok(ofr_file_remove(json, &err), err);
    support_write("tokenizer_config.json", "{\"cls_token\": \"<pad>\"}");
    assert_fails(ofr_tok_open(&tok, support_folder(), (ofr_tok_options){-1}, &err),
                 OFR_FORMAT, err,
                 "\"cls_token\" is \"<pad>\", of unigram tokenizers only");
    assert_ok(ofr_file_remove(support_path("tokenizer_config.json"), &err), err);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": []}}", "\"vocab\" has 0 pieces"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}}",
         "piece 0 is no pair"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 0], [\"a\", 1]]}}",
         "pieces 0 and 1 are both \"a\""},
        {"{\"model\": {\"vocab\": [[\"a\", 0]]}}", "has no \"[CLS]\""},
        {"{\"model\": {\"vocab\": [[\"[CLS]\", 0], [\"[SEP]\", 0]]}}",
         "no unknown token"},
        {"{\"model\": {\"type\": \"Unigram\", \"unk_id\": 3, \"vocab\": [[\"a\", 0]]}}",
         "\"unk_id\" is 3, expected 0..0"},
        {"{\"model\": {\"type\": \"Magic\"}}", "model type \"Magic\" is not supported"},
        {"{\"model\": 3}", "\"model\" is missing or no object"},
        {"{\"model\": {}}", "the vocabulary is missing or empty"},
        {"{\"added_tokens\": {\"a\": 0}, \"model\": {\"vocab\": [[\"a\", 0]]}}",
         "\"added_tokens\" is no array"},
        {"{\"added_tokens\": [{\"id\": 0}], \"model\": {\"vocab\": [[\"a\", 0]]}}",
         "an added token has no \"content\""},
        {"{\"added_tokens\": [{\"id\": 0, \"content\": \"b\"}], \"model\": {\"vocab\": "
         "[[\"a\", 0]]}}",
         "the added token \"b\" has id 0, which the vocabulary gives to \"a\""},
    };
    ofr_error err;
    ofr_tok *tok = NULL;
    size_t live = ofr_mem_live();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(ofr_tok_open(&tok, support_write("bad.json", bad[i][0]),
                                  (ofr_tok_options){-1}, &err),
                     OFR_FORMAT, err, bad[i][1]);
    /* a model cut at every byte, and with every byte changed, never crashes */
    ofr_buf model;
    ofr_buf_init(&model);
    assert_ok(ofr_file_read(&model, write_model(), 0, &err), err);
    for (size_t n = 0; n < model.n; n++) {
        const char *path = support_write_bytes("cut.model", model.p, n);
        if (ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err) == OFR_OK)
            ofr_tok_close(tok);
        else
            assert_int_equal(err.status, OFR_FORMAT);
        model.p[n] = (char)~model.p[n];
        path = support_write_bytes("changed.model", model.p, model.n);
        model.p[n] = (char)~model.p[n];
        if (ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err) == OFR_OK)
            ofr_tok_close(tok);
        else
            assert_int_equal(err.status, OFR_FORMAT);
    }
    ofr_buf_free(&model);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_memory(void **state)
{
    (void)state;
    const char *paths[2] = {write_json(albert), write_model()};
    for (int kind = 0; kind < 2; kind++) {
        for (size_t n = 1;; n++) {
            ofr_error err;
            ofr_tok *tok = NULL;
            ofr_tok_scratch s;
            size_t live = ofr_mem_live();
            ofr_tok_scratch_init(&s);
            ofr_mem_fail_at(n, false);
            ofr_status status =
                ofr_tok_open(&tok, paths[kind], (ofr_tok_options){-1}, &err);
            if (status == OFR_OK)
                status = ofr_tok_encode(tok, &s, OFR_STR("ab [MASK] b"), OFR_STR("c\xff"),
                                        0, &err);
            ofr_mem_fail_at(0, false);
            ofr_tok_scratch_free(&s);
            ofr_tok_close(tok);
            assert_int_equal(ofr_mem_live(), live);
            if (status == OFR_OK) break;
            assert_int_equal(status, OFR_NOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),      cmocka_unit_test(test_model),
        cmocka_unit_test(test_bad_files), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_other_chains), cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_accents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
