/* test_opt.c - option tables: parsing, ranges, suggestions, help. */
#include "support/support.h"

#include <math.h>

#include "base/mem.h"
#include "base/opt.h"

typedef struct values {
    bool color, no_cache, quiet;
    int epochs, gradient, level;
    uint64_t seed;
    double rate, threshold;
    const char *out;
} values;

#define AT(member) offsetof(values, member)

static const ofr_opt table[] = {
    {"epochs", 'e', OFR_OPT_INT, AT(epochs), "3", "N", NULL, 1, 1000,
     "Passes over the training set.", "Training"},
    {"gradient", 0, OFR_OPT_CHOICE, AT(gradient), "exact", NULL, "exact|reinforce", 0, 0,
     "Policy gradient.", NULL},
    {"learning-rate", 0, OFR_OPT_REAL, AT(rate), "1e-5", "X", NULL, 0, 1,
     "Step size of the optimizer; a sentence that is long enough to be wrapped over "
     "more than one line of the help page.",
     NULL},
    {"threshold", 't', OFR_OPT_REAL, AT(threshold), NULL, "X", NULL, 0, 0, "Of the rule.",
     NULL},
    {"seed", 0, OFR_OPT_U64, AT(seed), "42", "N", NULL, 0, 0, "Fixes everything.", NULL},
    {"color", 0, OFR_OPT_FLAG, AT(color), "true", NULL, NULL, 0, 0, "Use colours.",
     "Output"},
    {"no-cache", 0, OFR_OPT_FLAG, AT(no_cache), NULL, NULL, NULL, 0, 0, "Read again.",
     NULL},
    {"quiet", 'q', OFR_OPT_FLAG, AT(quiet), NULL, NULL, NULL, 0, 0, "Say less.", NULL},
    {"out", 'o', OFR_OPT_TEXT, AT(out), NULL, "DIR", NULL, 0, 0, "Where to write.", NULL},
    {"", 'l', OFR_OPT_INT, AT(level), "0", "N", NULL, -5, 5, "Only a letter.", NULL},
    {NULL, 0, OFR_OPT_FLAG, 0, NULL, NULL, NULL, 0, 0, NULL, NULL},
};

/* Parse words that end with NULL. */
static ofr_status parse(values *v, bool *is_set, char ***args, int *n_args,
                        ofr_error *err, const char *first, ...)
{
    static char storage[20][64];
    static char *argv[20];
    int argc = 0;
    va_list list;
    va_start(list, first);
    for (const char *p = first; p != NULL; p = va_arg(list, const char *)) {
        if (argc == 0) argv[argc++] = strcpy(storage[0], "prog");
        snprintf(storage[argc], sizeof(storage[argc]), "%s", p);
        argv[argc] = storage[argc];
        argc++;
    }
    va_end(list);
    argv[argc] = NULL;
    ofr_opt_defaults(table, v);
    return ofr_opt_parse(table, v, is_set, argc, argv, args, n_args, err);
}

static void test_defaults(void **state)
{
    (void)state;
    values v;
    memset(&v, 0xff, sizeof(v));
    ofr_opt_defaults(table, &v);
    assert_int_equal(v.epochs, 3);
    assert_int_equal(v.gradient, 0);
    assert_true(v.rate == 1e-5);
    assert_true(isnan(v.threshold));
    assert_int_equal(v.seed, 42);
    assert_true(v.color && !v.no_cache && !v.quiet);
    assert_null(v.out);
    assert_int_equal(ofr_opt_count(table), 10);
}

static void test_forms(void **state)
{
    (void)state;
    values v;
    bool set[10];
    char **args;
    int n;
    ofr_error err;
    assert_ok(parse(&v, set, &args, &n, &err, "a", "--epochs", "5", "-t", "-0.5", "b",
                    "--learning-rate=1e-3", "--gradient=reinforce", "--no-color", "-qo",
                    "dir", "-", "--seed=9007199254740991", "--", "--epochs", NULL),
              err);
    assert_int_equal(v.epochs, 5);
    assert_true(v.threshold == -0.5); /* a negative number is a value */
    assert_true(v.rate == 1e-3);
    assert_int_equal(v.gradient, 1);
    assert_true(v.quiet && !v.color);
    assert_string_equal(v.out, "dir");
    assert_true(v.seed == 9007199254740991u);
    assert_int_equal(n, 4);
    static const char *const want[] = {"a", "b", "-", "--epochs"};
    for (int i = 0; i < 4; i++)
        assert_string_equal(args[i], want[i]);
    static const bool want_set[] = {1, 1, 1, 1, 1, 1, 0, 1, 1, 0};
    assert_memory_equal(set, want_set, sizeof(set));
    assert_ok(parse(&v, NULL, &args, &n, &err, "-e7", "-l-3", "--out=", "--no-no-cache",
                    NULL),
              err);
    assert_int_equal(v.epochs, 7);
    assert_int_equal(v.level, -3);
    assert_string_equal(v.out, "");
    assert_int_equal(n, 0);
    assert_ok(parse(&v, NULL, &args, &n, &err, "--no-cache", "--color=off", NULL), err);
    assert_true(v.no_cache && !v.color);
    assert_ok(parse(&v, NULL, &args, &n, &err, "--epochs=1", "--epochs=2", NULL), err);
    assert_int_equal(v.epochs, 2); /* the last one counts */
}

static void expect_line(const char *word, const char *value, const char *line)
{
    values v;
    char **args;
    int n;
    ofr_error err;
    assert_fails(parse(&v, NULL, &args, &n, &err, word, value, NULL), OFR_INVALID, err,
                 "");
    assert_string_equal(err.text, line);
}

static void test_errors(void **state)
{
    (void)state;
    size_t live = ofr_mem_live();
    expect_line("--epoch", "3", "unknown option '--epoch'; did you mean '--epochs'?");
    expect_line("--epoch=3", NULL, "unknown option '--epoch'; did you mean '--epochs'?");
    expect_line("--epoch", NULL, "unknown option '--epoch'; did you mean '--epochs'?");
    expect_line("--thresh", "1",
                "unknown option '--thresh'; did you mean '--threshold'?");
    expect_line("--no-colour", NULL,
                "unknown option '--no-colour'; did you mean '--no-color'?");
    expect_line("--qiuet", NULL, "unknown option '--qiuet'; did you mean '--quiet'?");
    expect_line("--zebra", NULL, "unknown option '--zebra'; try --help");
    expect_line("--no-epochs", NULL,
                "unknown option '--no-epochs'; did you mean '--epochs'?");
    expect_line("-z", NULL, "unknown option '-z'; try --help");
    expect_line("-qz", NULL, "unknown option '-z'; try --help");
    expect_line("--epochs", NULL, "--epochs: a value is missing");
    expect_line("-e", NULL, "-e: a value is missing");
    expect_line("--epochs", "0", "--epochs: got '0', expected an integer from 1 to 1000");
    expect_line("--epochs", "5x",
                "--epochs: got '5x', expected an integer from 1 to 1000");
    expect_line("--epochs", "", "--epochs: got '', expected an integer from 1 to 1000");
    expect_line("-l", "6", "-l: got '6', expected an integer from -5 to 5");
    expect_line("--learning-rate", "nan",
                "--learning-rate: got 'nan', expected a number from 0 to 1");
    expect_line("--gradient", "ex",
                "--gradient: got 'ex', expected one of exact|reinforce");
    expect_line("--seed", "-1",
                "--seed: got '-1', expected an integer from 0 to 9007199254740991");
    expect_line("--seed", "9007199254740992",
                "--seed: got '9007199254740992', expected an integer from 0 to "
                "9007199254740991");
    expect_line("--seed", "18446744073709551616",
                "--seed: got '18446744073709551616', expected an integer from 0 to "
                "9007199254740991");
    expect_line("--color=maybe", NULL, "--color: got 'maybe', expected true or false");
    expect_line("--no-color=1", NULL, "--no-color=1: takes no value");
    assert_int_equal(ofr_mem_live(), live);
}

static void test_set_and_format(void **state)
{
    (void)state;
    values v;
    ofr_error err;
    ofr_buf buf;
    ofr_buf_init(&buf);
    ofr_opt_defaults(table, &v);
    const ofr_opt *rate = ofr_opt_find(table, "learning_rate", 13);
    assert_ptr_equal(rate, &table[2]); /* '-' and '_' are the same */
    assert_null(ofr_opt_find(table, "learning", 8));
    assert_null(ofr_opt_find(table, "", 0));
    assert_fails(ofr_opt_set(rate, &v, "2", "run.json: ", &err), OFR_INVALID, err,
                 "run.json: --learning-rate: got '2'");
    for (int i = 0; table[i].name != NULL; i++) { /* format and set are inverse */
        values w = v;
        ofr_buf_clear(&buf);
        ofr_opt_format(&table[i], &v, &buf);
        assert_ok(ofr_opt_set(&table[i], &w, buf.p, "", &err), err);
        if (table[i].kind != OFR_OPT_TEXT) assert_memory_equal(&v, &w, sizeof(v));
    }
    v.gradient = 1;
    ofr_buf_clear(&buf);
    ofr_opt_format(&table[1], &v, &buf);
    assert_string_equal(buf.p, "reinforce");
    ofr_buf_free(&buf);
    static const char *const verbs[] = {"train", "eval", "predict"};
    assert_string_equal(ofr_opt_suggest(verbs, 3, "tarin"), "train");
    assert_string_equal(ofr_opt_suggest(verbs, 3, "pre"), "predict");
    assert_null(ofr_opt_suggest(verbs, 3, "xy"));
    assert_null(ofr_opt_suggest(verbs, 3, "generate"));
}

static void test_help(void **state)
{
    (void)state;
    ofr_buf buf;
    ofr_buf_init(&buf);
    ofr_opt_help(table, &buf);
    static const char want[] =
        "Training:\n"
        "  -e, --epochs N            Passes over the training set. (default: 3)\n"
        "      --gradient exact|reinforce\n"
        "                            Policy gradient. (default: exact)\n"
        "      --learning-rate X     Step size of the optimizer; a sentence that is "
        "long\n"
        "                            enough to be wrapped over more than one line of "
        "the\n"
        "                            help page. (default: 1e-5)\n"
        "  -t, --threshold X         Of the rule.\n"
        "      --seed N              Fixes everything. (default: 42)\n"
        "\n"
        "Output:\n"
        "      --[no-]color          Use colours. (default: on)\n"
        "      --no-cache            Read again.\n"
        "  -q, --quiet               Say less.\n"
        "  -o, --out DIR             Where to write.\n"
        "  -l N                      Only a letter. (default: 0)\n";
    assert_string_equal(buf.p, want);
    ofr_buf_free(&buf);
}

static void test_shortage(void **state)
{
    (void)state;
    size_t live = ofr_mem_live();
    for (size_t n = 1; n <= 3; n++) {
        values v;
        char **args;
        int n_args;
        ofr_error err;
        ofr_opt_defaults(table, &v);
        ofr_mem_fail_at(n, false);
        assert_fails(parse(&v, NULL, &args, &n_args, &err, "--epochs=4", NULL), OFR_NOMEM,
                     err, "options");
        assert_int_equal(v.epochs, 3);
    }
    ofr_mem_fail_at(0, false);
    assert_int_equal(ofr_mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_set_and_format),
        cmocka_unit_test(test_help),     cmocka_unit_test(test_shortage),
    };
    return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
