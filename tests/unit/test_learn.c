/*
 * test_learn.c - vocabularies computed by hand, and by the plainest possible
 * learner, against the one with heaps and lists.
 */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "tok/learn.h"
#include "tok/learn_count.h"

static const ofr_learn_options plain = {.n_entries = 1000, .alphabet = 1000,
                                        .min_count = 1, .max_words = 100000,
                                        .n_threads = 1};

static ofr_status learn_lines(const ofr_learn_options *options, const char *const *lines,
                              size_t n, ofr_buf *out, ofr_learn_stats *stats,
                              ofr_error *err)
{
    ofr_learn *learn;
    ofr_status status;
    OFR_TRY(ofr_learn_open(&learn, options, err));
    status = OFR_OK;
    for (size_t i = 0; i < n && status == OFR_OK; i++)
        status = ofr_learn_add(learn, ofr_str_of(lines[i]), err);
    if (status == OFR_OK) status = ofr_learn_finish(learn, out, stats, err);
    ofr_learn_close(learn);
    return status;
}

/* The vocabulary of `text`, its entries behind the special tokens joined by
 * spaces, is `want`. */
static ofr_learn_stats check(const ofr_learn_options *options, const char *text,
                             const char *want)
{
    static const char special[] = "[PAD] [UNK] [CLS] [SEP] [MASK] ";
    ofr_learn_stats stats;
    ofr_buf out;
    ofr_error err;
    ofr_buf_init(&out);
    assert_ok(learn_lines(options, &text, 1, &out, &stats, &err), err);
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i] == '\n') out.p[i] = ' ';
    assert_true(out.n > sizeof special);
    assert_memory_equal(out.p, special, sizeof special - 1);
    out.p[out.n - 1] = 0;
    assert_string_equal(out.p + sizeof special - 1, want);
    ofr_buf_free(&out);
    return stats;
}

/*
 * By hand.  Characters: e 17, w 16, s 9, t 9, l 7, o 7, n 6, d 3, i 3, r 2.
 * Pairs at first: ##e##s 9, ##s##t 9, ##w##e 8, l##o 7, ##o##w 7, n##e 6, ##e##w 6,
 * w##i 3, ##i##d 3, ##d##e 3, ##e##r 2.  ##e##s before ##s##t because ##e has the
 * lower id; then ##es##t 9, as ##w##e falls to 2; l##o before ##o##w; lo##w; and
 * so on down to the pairs of "lower".
 */
#define LOW "low low low low low lower lower newest newest newest newest newest newest " \
            "widest widest widest"
#define LETTERS "e w s t l o n d i r ##e ##w ##s ##t ##l ##o ##n ##d ##i ##r"

static void test_by_hand(void **state)
{
    (void)state;
    ofr_learn_options o = plain;
    ofr_learn_stats s = check(&o, LOW, LETTERS " ##es ##est lo low ne ##west newest wi "
                                       "##dest widest ##er lower");
    assert_int_equal(s.n_words, 16);
    assert_int_equal(s.n_distinct, 4);
    assert_int_equal(s.n_entries, 37);
    assert_int_equal(s.n_chars, 10);
    assert_int_equal(s.n_alphabet, 10);
    assert_int_equal(s.n_dropped + s.n_too_long + s.n_strange, 0);
    o.n_entries = 28;
    s = check(&o, LOW, LETTERS " ##es ##est lo");
    assert_int_equal(s.n_entries, 28);
    o.n_entries = 25;
    check(&o, LOW, LETTERS);
    /* "lower" is too rare to merge, but its letters count. */
    o.n_entries = 1000;
    o.min_count = 3;
    check(&o, LOW, LETTERS " ##es ##est ne ##west newest lo low wi ##dest widest");
    o.min_count = 7;
    check(&o, LOW, LETTERS);
    /* a ##a ##a ##a: overlapping pairs count twice, merge from the left */
    check(&plain, "aaaa", "a ##a ##aa aaa aaaa");
    check(&plain, "b a", "a b ##a ##b");
}

static void test_characters(void **state)
{
    (void)state;
    ofr_learn_options o = plain;
    ofr_learn_stats s;
    char text[302];
    /* Accents and case go; comma and ideograph stand alone and have one form. */
    check(&o, "\xc3\x89,\xc3\xa9 \xe4\xb8\xad"
              "e", "e , \xe4\xb8\xad ##e");
    o.cased = true;
    check(&o, "E,\xc3\xa9 e E", "E , e \xc3\xa9 ##E ##e ##\xc3\xa9");
    o.cased = false;
    /* Words with characters outside the alphabet teach nothing. */
    o.alphabet = 2;
    s = check(&o, "ab ab ab cb ca", "a b ##a ##b ab");
    assert_int_equal(s.n_strange, 2);
    assert_int_equal(s.n_chars, 3);
    assert_int_equal(s.n_alphabet, 2);
    /* 101 letters are more than any tokenizer looks at; bad bytes vanish. */
    memset(text, 'x', 101);
    strcpy(text + 101, " a\xff"
                       "b");
    s = check(&plain, text, "a b ##a ##b ab");
    assert_int_equal(s.n_too_long, 1);
    assert_int_equal(s.n_words, 2);
}

/* ---- the plainest learner ------------------------------------------------ */

#define MAX_ENTRIES 400
#define MAX_WORDS 300
#define MAX_LENGTH 12

typedef struct naive {
    char entries[MAX_ENTRIES][MAX_LENGTH + 3];
    int n_entries;
    int words[MAX_WORDS][MAX_LENGTH], lengths[MAX_WORDS], n_words;
} naive;

static int naive_id(naive *v, const char *text)
{
    for (int i = 0; i < v->n_entries; i++)
        if (strcmp(v->entries[i], text) == 0) return i;
    strcpy(v->entries[v->n_entries], text);
    return v->n_entries++;
}

/* The best pair by counting everything again. */
static int naive_best(const naive *v, int *left, int *right)
{
    static int counts[MAX_ENTRIES][MAX_ENTRIES];
    int best = 0;
    memset(counts, 0, sizeof counts);
    for (int w = 0; w < v->n_words; w++)
        for (int i = 0; i + 1 < v->lengths[w]; i++)
            counts[v->words[w][i]][v->words[w][i + 1]]++;
    for (int a = 0; a < v->n_entries; a++)
        for (int b = 0; b < v->n_entries; b++)
            if (counts[a][b] > best) {
                best = counts[a][b];
                *left = a;
                *right = b;
            }
    return best;
}

static void naive_merge(naive *v, int left, int right, int id)
{
    for (int w = 0; w < v->n_words; w++) {
        int *p = v->words[w], n = 0;
        for (int i = 0; i < v->lengths[w]; i++, n++) {
            bool hit = i + 1 < v->lengths[w] && p[i] == left && p[i + 1] == right;
            p[n] = hit ? id : p[i];
            i += hit;
        }
        v->lengths[w] = n;
    }
}

/* words: each repeated as often as it occurs, letters a.. by count already. */
static void naive_learn(naive *v, ofr_buf *out, int n_wanted)
{
    int left = 0, right = 0;
    while (v->n_entries < n_wanted && naive_best(v, &left, &right) > 0) {
        char text[2 * MAX_LENGTH + 8];
        snprintf(text, sizeof text, "%s%s", v->entries[left], v->entries[right] + 2);
        naive_merge(v, left, right, naive_id(v, text));
    }
    for (int i = 0; i < v->n_entries; i++) {
        ofr_buf_adds(out, v->entries[i]);
        ofr_buf_addc(out, '\n');
    }
}

/* A word over few letters, so that the same piece arises in several ways. */
static int random_word(char word[MAX_LENGTH + 1], uint64_t seed, uint64_t index,
                       int n_letters)
{
    int n = 1 + (int)(ofr_rng_u64(seed, 1, index * 16) % MAX_LENGTH);
    for (int i = 0; i < n; i++) {
        uint64_t x = ofr_rng_u64(seed, 1, index * 16 + 1 + (uint64_t)i);
        word[i] = (char)('a' + (x % 7 < 4 ? 0 : x % (uint64_t)n_letters));
    }
    word[n] = 0;
    return n;
}

static void test_against_naive(void **state)
{
    (void)state;
    naive *v = malloc(sizeof *v);
    assert_non_null(v);
    for (int round = 0; round < 20; round++) {
        static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                              "[MASK]"};
        int n_letters = 1 + round % 3, counts[3] = {0};
        ofr_learn_options o = plain;
        ofr_learn_stats stats;
        ofr_buf text, want, got;
        ofr_error err;
        ofr_buf_init(&text);
        ofr_buf_init(&want);
        ofr_buf_init(&got);
        memset(v, 0, sizeof *v);
        for (int w = 0; w < MAX_WORDS; w++) {
            char word[MAX_LENGTH + 1];
            int n = random_word(word, (uint64_t)round, (uint64_t)w, n_letters);
            ofr_buf_addf(&text, "%s ", word);
            for (int i = 0; i < n; i++)
                counts[word[i] - 'a']++;
        }
        for (int i = 0; i < 5; i++)
            naive_id(v, special[i]);
        for (int inside = 0; inside < 2; inside++)
            for (int most = 1 << 20, k = 0; k < n_letters; k++) {
                int next = -1;
                char letter[4];
                for (int c = 0; c < n_letters; c++)
                    if (counts[c] < most && (next < 0 || counts[c] > counts[next]))
                        next = c;
                assert_true(next >= 0); /* no two letters are equally frequent */
                most = counts[next];
                snprintf(letter, sizeof letter, "%s%c", inside ? "##" : "", 'a' + next);
                naive_id(v, letter);
            }
        v->n_words = MAX_WORDS;
        for (int w = 0; w < MAX_WORDS; w++) {
            char word[MAX_LENGTH + 1];
            v->lengths[w] = random_word(word, (uint64_t)round, (uint64_t)w, n_letters);
            for (int i = 0; i < v->lengths[w]; i++) {
                char letter[4];
                snprintf(letter, sizeof letter, "%s%c", i ? "##" : "", word[i]);
                v->words[w][i] = naive_id(v, letter);
            }
        }
        o.n_entries = 150 + round;
        naive_learn(v, &want, o.n_entries);
        assert_ok(learn_lines(&o, (const char *const *)&text.p, 1, &got, &stats, &err),
                  err);
        assert_string_equal(got.p, want.p);
        ofr_buf_free(&text);
        ofr_buf_free(&want);
        ofr_buf_free(&got);
    }
    free(v);
}

/* ---- forgetting, threads ------------------------------------------------- */

static void test_prune(void **state)
{
    (void)state;
    ofr_counter c, other;
    ofr_error err;
    long long dropped = 100;
    assert_ok(ofr_counter_init(&c, &err), err);
    assert_ok(ofr_counter_init(&other, &err), err);
    assert_ok(ofr_counter_add(&c, OFR_STR("d"), 1, &err), err);
    assert_ok(ofr_counter_add(&c, OFR_STR("ca"), 3, &err), err);
    assert_ok(ofr_counter_add(&c, OFR_STR("a"), 2, &err), err);
    assert_ok(ofr_counter_add(&other, OFR_STR("c"), 3, &err), err);
    assert_ok(ofr_counter_add(&other, OFR_STR("a"), 3, &err), err);
    assert_ok(ofr_counter_move(&c, &other, &err), err);
    assert_int_equal(other.n, 0);
    assert_int_equal(c.n, 4);
    assert_ok(ofr_counter_prune(&c, 4, &dropped, &err), err);
    assert_int_equal(dropped, 100);
    assert_ok(ofr_counter_prune(&c, 2, &dropped, &err), err); /* a 5, c 3 | ca 3, d 1 */
    assert_int_equal(dropped, 104);
    assert_int_equal(c.n, 2);
    assert_true(ofr_str_eq_c(c.words[0].word, "a") && c.words[0].count == 5);
    assert_true(ofr_str_eq_c(c.words[1].word, "c") && c.words[1].count == 3);
    assert_ok(ofr_counter_add(&c, OFR_STR("c"), 1, &err), err);
    assert_int_equal(c.words[1].count, 4);
    ofr_counter_free(&c);
    ofr_counter_free(&other);
}

/* Three blocks of text, more different words than may be remembered. */
static void test_threads(void **state)
{
    (void)state;
    ofr_learn_options o = {.n_entries = 600, .alphabet = 1000, .min_count = 2,
                           .max_words = 30000};
    ofr_buf lines[2], out[3];
    const char *parts[2];
    ofr_learn_stats stats[3];
    ofr_error err;
    ofr_buf_init(&lines[0]);
    ofr_buf_init(&lines[1]);
    for (uint64_t i = 0; lines[1].n < 9 << 20; i++) {
        ofr_buf *to = &lines[i >= 1000000];
        uint64_t x = ofr_rng_u64(5, 1, i);
        char word[16];
        snprintf(word, sizeof word, "%llu",
                 (unsigned long long)(x % (x >> 32 & 1 ? 1000 : 60000)));
        for (char *p = word; *p; p++)
            *p = (char)(*p + 'a' - '0');
        ofr_buf_adds(to, word);
        ofr_buf_addc(to, i % 10 ? ' ' : '\n');
    }
    for (int k = 0; k < 2; k++)
        parts[k] = lines[k].p;
    for (int k = 0; k < 3; k++) {
        static const int n_threads[] = {1, 2, 5};
        ofr_buf_init(&out[k]);
        o.n_threads = n_threads[k];
        assert_ok(learn_lines(&o, parts, 2, &out[k], &stats[k], &err), err);
        assert_string_equal(out[k].p, out[0].p);
        assert_memory_equal(&stats[k].n_words, &stats[0].n_words, sizeof(long long));
        assert_int_equal(stats[k].n_dropped, stats[0].n_dropped);
        assert_true(stats[k].n_dropped > 0);
        assert_true(stats[k].n_distinct <= o.max_words);
        assert_int_equal(stats[k].n_entries, 600);
    }
    for (int k = 0; k < 3; k++)
        ofr_buf_free(&out[k]);
    ofr_buf_free(&lines[0]);
    ofr_buf_free(&lines[1]);
}

static void test_failures(void **state)
{
    (void)state;
    static const char *const text[] = {LOW, "zoo"};
    ofr_learn_options o = plain;
    ofr_learn_stats stats;
    ofr_buf out;
    ofr_error err;
    size_t live;
    ofr_status status = OFR_NOMEM;
    ofr_buf_init(&out);
    o.n_entries = 24;
    assert_fails(learn_lines(&o, text, 1, &out, &stats, &err), OFR_INVALID, err,
                 "24 entries do not hold 5 special tokens and 10 characters in 20 forms");
    assert_fails(learn_lines(&plain, text, 0, &out, &stats, &err), OFR_INVALID, err,
                 "no words");
    assert_int_equal(out.n, 0);
    o = plain;
    o.n_threads = 2;
    live = ofr_mem_live();
    for (size_t fail = 1; status == OFR_NOMEM; fail++) {
        ofr_mem_fail_at(fail, true);
        status = learn_lines(&o, text, 2, &out, &stats, &err);
        ofr_mem_fail_at(0, false);
        assert_true(status == OFR_OK || status == OFR_NOMEM);
        ofr_buf_free(&out);
        ofr_buf_init(&out);
        assert_int_equal(ofr_mem_live(), live);
        assert_true(fail < 10000);
    }
    assert_int_equal(ofr_mem_live(), live);
    ofr_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),       cmocka_unit_test(test_characters),
        cmocka_unit_test(test_against_naive), cmocka_unit_test(test_prune),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
