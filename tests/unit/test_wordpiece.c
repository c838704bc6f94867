/* test_wordpiece.c - BERT's rules on vocabularies small enough to check by hand. */
#include "support/support.h"

#include "base/mem.h"
#include "tok/tok_parts.h"

/* ids:                     0      1      2      3      4       5   6    7   8    9  */
static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##a\n##b\nab\n##ab\n"
    /* 10 11  12   13  14        15     16        17       18 */
    "a\n,\n\xe4\xb8\x80\n##c\n##\xc3\xa9\n\xc3\xa9\nA\ni\xcc\x87\n"
    "\xe1\x84\x92\n##\xe1\x85\xa1\n";

static ofr_tok *open_small(int lower)
{
    ofr_tok *tok;
    ofr_error err;
    assert_ok(ofr_tok_open(&tok, support_write("v.txt", vocab), (ofr_tok_options){lower},
                           &err),
              err);
    return tok;
}

/* want: ids of the bare text, ended by -1. */
static void check(const ofr_tok *tok, const char *text, size_t n, const int *want)
{
    ofr_tok_scratch scratch;
    ofr_error err;
    int n_want = 0;
    ofr_tok_scratch_init(&scratch);
    assert_ok(ofr_tok_encode_bare(tok, &scratch, (ofr_str){text, n}, INT32_MAX, &err),
              err);
    while (want[n_want] >= 0)
        n_want++;
    if (scratch.n_work != n_want ||
        (n_want && memcmp(scratch.work, want, (size_t)n_want * sizeof *want))) {
        for (int i = 0; i < scratch.n_work; i++)
            print_error("%d ", scratch.work[i]);
        fail_msg("\"%s\": %d ids, want %d", text, scratch.n_work, n_want);
    }
    ofr_tok_scratch_free(&scratch);
}

#define CHECK(tok, text, ...) \
    check(tok, text, sizeof text - 1, (const int[]){__VA_ARGS__})

static void test_pieces(void **state)
{
    (void)state;
    ofr_tok *tok = open_small(1);
    CHECK(tok, "", -1);
    CHECK(tok, "a", 10, -1);
    CHECK(tok, "ab", 8, -1);
    CHECK(tok, "aba", 8, 6, -1);
    CHECK(tok, "aab", 10, 9, -1);
    CHECK(tok, "unab", 5, 9, -1);
    CHECK(tok, "unac", 5, 6, 13, -1);
    CHECK(tok, "unax", 1, -1);     /* one piece is missing: the word is unknown */
    CHECK(tok, "b a", 1, 10, -1);  /* b only exists inside of words */
    CHECK(tok, "##a", 1, 1, 10, -1);
    CHECK(tok, "A,AB", 10, 11, 8, -1);
    CHECK(tok, " a\t,\n\r", 10, 11, -1);
    ofr_tok_close(tok);
}

static void test_characters(void **state)
{
    (void)state;
    ofr_tok *lower = open_small(1), *cased = open_small(0);
    CHECK(lower, "\xc3\xa1\xc3\x81", 10, 6, -1);            /* á Á lose their accents */
    CHECK(cased, "\xc3\xa1", 1, -1);
    CHECK(cased, "A a", 16, 10, -1);
    CHECK(cased, "a\xc3\xa9", 10, 14, -1);
    CHECK(lower, "a\xe2\x80\x8b"
                 "b\xef\xbf\xbd", 8, -1);                   /* Cf and U+FFFD vanish */
    CHECK(lower, "a\0b", 8, -1);
    CHECK(lower, "a\xff\xc3"
                 "b", 8, -1);                               /* bad bytes vanish */
    CHECK(lower, "a\xe4\xb8\x80"
                 "a", 10, 12, 10, -1);                      /* CJK stands alone */
    CHECK(lower, "a\xe3\x80\x80"
                 "a\xc2\xa0"
                 "a\xe2\x80\xa8"
                 "a", 10, 10, 10, 10, -1);                  /* spaces of Unicode */
    CHECK(lower, "a\xe2\x80\x94"
                 "a", 10, 1, 10, -1);                       /* a dash, not in the list */
    CHECK(lower, "\xe2\x84\xab", 10, -1);                   /* angstrom sign -> a */
    CHECK(lower, "\xed\x95\x98", 18, 19, -1);               /* Hangul comes apart */
    CHECK(lower, "\xcc\x81", -1);                           /* a lone accent */
    CHECK(lower, "\xcd\xbe", 1, -1);                        /* Greek ? is ; */
    ofr_tok_close(lower);
    ofr_tok_close(cased);
}

/* The order of marks that are no accents must be canonical after NFD. */
static void test_canonical_order(void **state)
{
    (void)state;
    ofr_normalize how = {.lower = true, .strip = true, .chinese = true};
    ofr_marks marks = {0};
    int32_t out[OFR_NORMALIZE_MAX];
    assert_true(ofr_marks_add(&marks, 'x', 224));
    assert_true(ofr_marks_add(&marks, 'y', 9));
    assert_true(ofr_marks_add(&marks, 'z', 224));
    assert_true(ofr_marks_add(&marks, 'w', 9));
    assert_int_equal(marks.n, 4);
    assert_int_equal(marks.chars[0], 'y');
    assert_int_equal(marks.chars[1], 'w');
    assert_int_equal(marks.chars[2], 'x');
    assert_int_equal(marks.chars[3], 'z');
    while (ofr_marks_add(&marks, 'v', 1))
        assert_true(marks.n <= OFR_MARKS_MAX);
    assert_int_equal(marks.n, OFR_MARKS_MAX);
    /* I with a dot above: i and a dot when accents stay */
    how.strip = false;
    assert_int_equal(ofr_normalize_char(&how, 0x130, out), 2);
    assert_int_equal(out[0], 'i');
    assert_int_equal(out[1], 0x307);
    how.strip = true;
    assert_int_equal(ofr_normalize_char(&how, 0x130, out), 1);
    assert_int_equal(out[0], 'i');
}

static void test_long_words(void **state)
{
    (void)state;
    ofr_tok *tok = open_small(1);
    char text[401];
    int want[102];
    memset(text, 'a', sizeof text);
    want[0] = 10;
    for (int i = 1; i < 100; i++)
        want[i] = 6;
    want[100] = -1;
    check(tok, text, 100, want);
    check(tok, text, 101, (const int[]){1, -1});
    check(tok, text, 400, (const int[]){1, -1});
    for (int i = 0; i < 200; i++)
        memcpy(text + 2 * i, "\xc3\xa1", 2); /* á: characters count, not bytes */
    check(tok, text, 200, want);
    check(tok, text, 202, (const int[]){1, -1});
    for (int i = 0; i < 200; i++)
        memcpy(text + 2 * i, i ? "\xcc\x81" : "aa", 2); /* accents do not count */
    check(tok, text, 400, (const int[]){10, 6, -1});
    ofr_tok_close(tok);
}

static void test_bad_vocabularies(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "v.txt: the file is empty"},
        {"[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "v.txt:6: \"a\" is already on line 4"},
        {"[UNK]\n[CLS]\n[SEP]\nab\xff\n", "v.txt:4:3: byte 0xff is not valid UTF-8"},
        {"[CLS]\n[SEP]\na\n", "tokens has no \"[UNK]\""},
        {"[UNK]\n[SEP]\na\n", "tokens has no \"[CLS]\""},
        {"[UNK]\n[CLS]\na\n", "3 tokens has no \"[SEP]\""},
    };
    ofr_error err;
    ofr_tok *tok = (ofr_tok *)(void *)&err;
    size_t live = ofr_mem_live();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = support_write("v.txt", bad[i][0]);
        assert_fails(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err), OFR_FORMAT,
                     err, bad[i][1]);
        assert_ptr_equal(tok, &err); /* untouched */
    }
    assert_fails(ofr_tok_open(&tok, support_path("absent"), (ofr_tok_options){-1}, &err),
                 OFR_NOT_FOUND, err, "absent");
    assert_int_equal(ofr_mem_live(), live);

    size_t n = (size_t)OFR_VOCAB_MAX + 2;
    char *lines = malloc(n);
    assert_non_null(lines);
    memset(lines, '\n', n);
    const char *path = support_write_bytes("v.txt", lines, n);
    free(lines);
    assert_fails(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err), OFR_FORMAT, err,
                 "more than 10000000 lines");
}

/* BOM, CRLF, an empty line and no last newline are fine. */
static void test_odd_vocabulary(void **state)
{
    (void)state;
    ofr_tok *tok;
    ofr_error err;
    assert_ok(ofr_tok_open(&tok,
                           support_write("v.txt", "\xef\xbb\xbf[UNK]\r\n[CLS]\r\n\r\n"
                                                  "[SEP]\r\na"),
                           (ofr_tok_options){-1}, &err),
              err);
    assert_int_equal(ofr_tok_size(tok), 5);
    assert_int_equal(ofr_tok_id(tok, OFR_STR("[UNK]")), 0);
    assert_int_equal(ofr_tok_id(tok, OFR_STR("[SEP]")), 3);
    assert_int_equal(ofr_tok_id(tok, OFR_STR("a")), 4);
    assert_int_equal(ofr_tok_id(tok, OFR_STR("")), -1);
    ofr_tok_close(tok);
    ofr_tok_close(NULL);
}

static bool keep_count(void *user, const char *word, size_t len, int n_chars)
{
    int *most = user;
    (void)word;
    (void)len;
    if (n_chars > *most) *most = n_chars;
    return true;
}

/* The count of a word's letters stops where it says enough. */
static void test_count(void **state)
{
    (void)state;
    static const char *const letters[] = {"a", "\xc3\xa9", "\xf0\x90\x8e\x80"};
    ofr_bert_split split;
    ofr_bert_split_init(&split, (ofr_normalize){0});
    for (size_t k = 0; k < 3; k++) {
        ofr_buf text;
        int most = 0;
        ofr_buf_init(&text);
        for (int i = 0; i < 1000; i++)
            ofr_buf_adds(&text, letters[k]);
        ofr_bert_split_run(&split, (ofr_str){text.p, text.n}, keep_count, &most);
        assert_int_equal(most, OFR_WORD_CHARS + 1);
        ofr_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),           cmocka_unit_test(test_characters),
        cmocka_unit_test(test_canonical_order),  cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_bad_vocabularies), cmocka_unit_test(test_odd_vocabulary),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
