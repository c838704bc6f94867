/*
 * test_grammar.c - the demo's sentences: labels against an evaluator of the words,
 * balance, what words alone can tell, sets that do not overlap.
 */
#include "support/support.h"

#include <math.h>

#include "base/map.h"
#include "cli/demo_data.h"

enum { MAX_WORDS = OFR_SENTENCE_WORDS, MAX_VOCABULARY = 1024 };

typedef struct words {
    char text[OFR_SENTENCE_BYTES];
    const char *w[MAX_WORDS + 1];
    int n;
} words;

static void split(words *out, const ofr_sentence *s)
{
    memcpy(out->text, s->text, sizeof out->text);
    out->n = 0;
    for (char *p = strtok(out->text, " "); p; p = strtok(NULL, " ")) {
        assert_true(out->n < MAX_WORDS);
        out->w[out->n++] = p;
    }
}

static bool is(const char *word, const char *list)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0)) return true;
    return false;
}

/* ---- an evaluator that reads the words and knows nothing of the trees -------- */

/* The list that holds an adjective, by what English says. */
static int polarity(const char *word)
{
    static const char good[] =
        "good great superb splendid wonderful lovely charming brilliant pleasant "
        "excellent enjoyable delightful clever funny impressive moving perfect fresh "
        "fine elegant";
    static const char bad[] =
        "bad dull awful dreadful boring terrible poor silly tedious weak horrible ugly "
        "annoying painful clumsy bland dreary hopeless feeble dismal";
    return is(word, good) ? 1 : is(word, bad) ? 0 : -1;
}

/* Words [from, to) with one adjective.  Between the thing and the adjective a
 * negative word negates the opinion; before the thing the attitudes stand. */
static bool clause_value(const words *x, int from, int to)
{
    int adjective = from, thing;
    while (adjective < to && polarity(x->w[adjective]) < 0) adjective++;
    assert_true(adjective < to);
    for (int i = adjective + 1; i < to; i++) assert_int_equal(polarity(x->w[i]), -1);
    for (thing = adjective; thing > from && strcmp(x->w[thing], "the") != 0;) thing--;
    bool value = polarity(x->w[adjective]);
    for (int i = thing; i < adjective; i++)
        if (is(x->w[i], "not never hardly far anything")) value = !value;
    for (int i = from; i < thing; i++)
        if (is(x->w[i], "nobody no false wrong doubt")) value = !value;
    return value;
}

static int find(const words *x, const char *word, int from)
{
    while (from < x->n && strcmp(x->w[from], word) != 0) from++;
    return from;
}

static int person(const char *reference)
{
    static const char *const names[] = {"first", "second", "third", "fourth", "fifth"};
    for (int i = 0; i < 5; i++)
        if (strcmp(reference, names[i]) == 0) return i;
    fail_msg("'%s' is no person", reference);
    return 0;
}

static bool talk_value(const words *x)
{
    bool value[8];
    int n = 0, from = 0;
    while (strcmp(x->w[from], "and") != 0) {
        int comma = find(x, ",", from), joins = find(x, "joins", from);
        int opposes = find(x, "opposes", from);
        assert_true(comma < x->n && n < 8);
        if (joins < comma || opposes < comma) {
            int target = person(x->w[comma - 1]);
            assert_true(target < n);
            value[n] = value[target] != (opposes < comma);
        } else {
            value[n] = polarity(x->w[comma - 1]);
            for (int i = from; i < comma; i++)
                if (is(x->w[i], "not never hardly far anything")) value[n] = !value[n];
        }
        n++;
        from = comma + 1;
    }
    assert_string_equal(x->w[from + 2], "join");
    int target = person(x->w[from + 4]);
    assert_true(target < n);
    return value[target];
}

static bool sentence_value(const words *x)
{
    int end = x->n - 1, comma = find(x, ",", 0), from = 0;
    assert_string_equal(x->w[end], ".");
    if (strcmp(x->w[0], "one") == 0) return talk_value(x);
    if (comma < x->n && is(x->w[0], "to in on last after not hardly with")) {
        from = comma + 1; /* behind an opening */
        comma = find(x, ",", from);
    }
    if (comma == x->n) return clause_value(x, from, end);
    if (is(x->w[from], "although even")) return clause_value(x, comma + 1, end);
    if (is(x->w[comma + 1], "although even though")) return clause_value(x, from, comma);
    assert_string_equal(x->w[comma + 1], "but");
    return clause_value(x, comma + 1, end);
}

static void test_labels(void **state)
{
    (void)state;
    for (int level = 1; level <= OFR_GRAMMAR_LEVELS; level++)
        for (uint64_t i = 0; i < 20000; i++) {
            ofr_sentence s;
            words x;
            ofr_grammar_sentence(&s, level, OFR_GRAMMAR_CHAIN, 11, 3, i);
            split(&x, &s);
            assert_int_equal(s.level, level);
            assert_int_equal(s.n_words, x.n);
            assert_int_equal(s.len, strlen(s.text));
            assert_in_range(x.n, 4, OFR_SENTENCE_WORDS);
            if (sentence_value(&x) != (s.label == 1))
                fail_msg("label %d: %s", s.label, s.text);
        }
}

static void test_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool value;
    } known[] = {
        {"not long ago , the film was far from superb .", false},
        {"the film was dull , although i found the ending not bad .", false},
        {"it is false that nobody agrees that the film was not great .", false},
        {"one critic called the film dull , another superb , a third joins the second , "
         "a fourth opposes the third , and i join the fourth .", false},
        {"although i doubt that the film was great , the plot was not dull .", true},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ofr_sentence s = {0};
        words x;
        snprintf(s.text, sizeof s.text, "%s", known[i].text);
        split(&x, &s);
        if (sentence_value(&x) != known[i].value) fail_msg("%s", known[i].text);
    }
}

/* ---- determinism, balance, vocabulary ------------------------------------------ */

static void test_determinism(void **state)
{
    (void)state;
    int same = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        ofr_sentence a, b, other;
        int level = 1 + (int)(i % OFR_GRAMMAR_LEVELS);
        ofr_grammar_sentence(&a, level, OFR_GRAMMAR_CHAIN, 5, 1, i);
        ofr_grammar_sentence(&b, level, OFR_GRAMMAR_CHAIN, 5, 1, i);
        assert_memory_equal(&a, &b, sizeof a);
        ofr_grammar_sentence(&other, level, OFR_GRAMMAR_CHAIN, i % 2 ? 6 : 5,
                             i % 2 ? 1 : 2, i);
        same += strcmp(a.text, other.text) == 0;
    }
    assert_true(same < 20);
}

static void test_balance(void **state)
{
    (void)state;
    enum { N = 20000 };
    for (int level = 1; level <= OFR_GRAMMAR_LEVELS; level++) {
        int positive = 0;
        for (uint64_t i = 0; i < N; i++) {
            ofr_sentence s;
            ofr_grammar_sentence(&s, level, OFR_GRAMMAR_CHAIN, 17, 0, i);
            positive += s.label;
        }
        /* Standard deviation 0.0035. */
        support_close_one("share of positive", (double)positive / N, 0.5, 0.016);
    }
}

static int open_vocabulary(ofr_map *map)
{
    ofr_error err;
    int n = 0, old;
    assert_ok(ofr_map_init(map, MAX_VOCABULARY, &err), err);
    for (const char *word; (word = ofr_grammar_word(n)) != NULL; n++) {
        assert_ok(ofr_map_put(map, word, strlen(word), n, &old, &err), err);
        if (old >= 0) fail_msg("'%s' twice", word);
    }
    assert_true(n < MAX_VOCABULARY);
    return n;
}

/* Every word has an id, and every id but the special ones a word. */
static void test_vocabulary(void **state)
{
    (void)state;
    static bool used[MAX_VOCABULARY];
    ofr_map map;
    int n = open_vocabulary(&map);
    for (uint64_t i = 0; i < 50000; i++) {
        ofr_sentence s;
        words x;
        ofr_grammar_sentence(&s, 1 + (int)(i % OFR_GRAMMAR_LEVELS), OFR_GRAMMAR_CHAIN, 3,
                             0, i);
        split(&x, &s);
        for (int k = 0; k < x.n; k++) {
            int id = ofr_map_get(&map, x.w[k], strlen(x.w[k]));
            if (id < 5) fail_msg("'%s' has no id", x.w[k]);
            used[id] = true;
        }
    }
    for (int id = 5; id < n; id++)
        if (!used[id]) fail_msg("'%s' is never said", ofr_grammar_word(id));
    ofr_map_free(&map);
}

/* ---- what the words alone can tell ------------------------------------------------ */

/* Logistic regression on word counts, trained on n sentences: share right on n
 * others. */
static double bag_of_words(const ofr_map *map, int level, int n)
{
    double weight[MAX_VOCABULARY] = {0};
    int right = 0;
    for (int epoch = 0; epoch < 6; epoch++)
        for (int i = 0; i < n; i++) {
            ofr_sentence s;
            words x;
            double z = 0;
            bool test = epoch == 5;
            ofr_grammar_sentence(&s, level, OFR_GRAMMAR_CHAIN, 23, test ? 1 : 0,
                                 (uint64_t)i);
            split(&x, &s);
            for (int k = 0; k < x.n; k++)
                z += weight[ofr_map_get(map, x.w[k], strlen(x.w[k]))];
            right += test && (z > 0) == (s.label == 1);
            double push = test ? 0 : 0.02 / (1 + epoch) * (s.label - 1 / (1 + exp(-z)));
            for (int k = 0; k < x.n; k++)
                weight[ofr_map_get(map, x.w[k], strlen(x.w[k]))] += push;
        }
    return (double)right / n;
}

static void test_bag_of_words(void **state)
{
    (void)state;
    ofr_map map;
    open_vocabulary(&map);
    for (int level = 1; level <= OFR_GRAMMAR_LEVELS; level++) {
        double right = bag_of_words(&map, level, 5000); /* deviation 0.007 at chance */
        if (level == 1 ? right < 0.99 : fabs(right - 0.5) > 0.03)
            fail_msg("level %d: %.3f right from word counts", level, right);
    }
    ofr_map_free(&map);
}

/* ---- sets ---------------------------------------------------------------------- */

static void count_levels(const ofr_demo_set *set, const int *want)
{
    int n[OFR_GRAMMAR_LEVELS] = {0};
    for (int i = 0; i < set->data.n; i++) n[set->level[i] - 1]++;
    for (int level = 0; level < OFR_GRAMMAR_LEVELS; level++)
        assert_int_equal(n[level], want[level]);
}

static void test_sets(void **state)
{
    (void)state;
    static const int n_lesson[OFR_GRAMMAR_LEVELS] = {3000, 2000, 0, 100, 300};
    static const int n_dev[OFR_GRAMMAR_LEVELS] = {30, 30, 30, 30, 30};
    static const int n_test[OFR_GRAMMAR_LEVELS] = {200, 200, 200, 200, 200};
    ofr_error err;
    ofr_tok *tok;
    ofr_demo_held held;
    ofr_demo_set lesson;
    ofr_map all;
    int old;

    const char *path = support_path("words.txt");
    assert_ok(ofr_demo_vocab_write(path, &err), err);
    assert_ok(ofr_tok_open(&tok, path, (ofr_tok_options){1}, &err), err);
    assert_ok(ofr_demo_held_open(&held, tok, 30, 200, 9, &err), err);
    count_levels(&held.dev, n_dev);
    count_levels(&held.test, n_test);
    assert_ok(ofr_map_init(&all, 2000, &err), err);
    for (int part = 0; part < 2; part++) {
        const ofr_dataset *data = part ? &held.test.data : &held.dev.data;
        for (int i = 0; i < data->n; i++) {
            assert_ok(ofr_map_put(&all, data->text[i].p, data->text[i].n, 1, &old, &err),
                      err);
            assert_int_equal(old, -1); /* all different */
        }
        assert_int_equal(data->n_truncated, 0);
        for (int k = 0; k < data->offsets[data->n]; k++) assert_true(data->ids[k] >= 2);
    }
    assert_ok(ofr_demo_lesson_open(&lesson, &held, tok, 1, n_lesson, 1, 9, &err), err);
    count_levels(&lesson, n_lesson);
    for (int i = 0; i < lesson.data.n; i++)
        assert_int_equal(
            ofr_map_get(&all, lesson.data.text[i].p, lesson.data.text[i].n), -1);
    ofr_map_free(&all);
    ofr_demo_set_close(&lesson);
    ofr_demo_held_close(&held);
    ofr_tok_close(tok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),      cmocka_unit_test(test_labels),
        cmocka_unit_test(test_determinism), cmocka_unit_test(test_balance),
        cmocka_unit_test(test_vocabulary), cmocka_unit_test(test_bag_of_words),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
