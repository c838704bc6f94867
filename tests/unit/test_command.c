/* Options as a command line: what differs from its default, quoted, and back; and as
 * a file. */
#include "support/support.h"

#include "cli/command.h"
#include "cli/train_options.h"
#include "io/json.h"

static const char *const without[] = {"out", NULL};

static void only_what_differs(void **state)
{
    ofr_train_values values;
    ofr_buf out;

    (void)state;
    ofr_opt_defaults(ofr_train_rows, &values);
    ofr_buf_init(&out);
    ofr_command_options(&out, ofr_train_rows, &values, without);
    assert_true(out.n == 0);
    values.model = "my model's";
    values.out = "left out";
    values.method.alpha = 0.5;
    values.method.lr = 1e-5;
    values.method.reward = OFR_REWARD_PLAIN;
    values.method.seed = 7;
    values.regression = true;
    values.method.save_minutes = 10; /* the default, as a number */
    ofr_command_options(&out, ofr_train_rows, &values, without);
    assert_string_equal(out.p, " --model 'my model'\\''s' --regression --lr 1e-05"
                               " --alpha 0.5 --reward plain --seed 7");
    ofr_buf_free(&out);
}

/* What is printed parses to the same values. */
static void there_and_back(void **state)
{
    char a0[] = "train", a1[] = "--lr", a2[] = "0.003", a3[] = "--dev-split",
         a4[] = "0.1", a5[] = "--text", a6[] = "1", a7[] = "--joint-epochs", a8[] = "3";
    char *argv[] = {a0, a1, a2, a3, a4, a5, a6, a7, a8, NULL};
    char **args;
    int n_args;
    ofr_train_values values;
    ofr_buf out;
    ofr_error err;

    (void)state;
    ofr_opt_defaults(ofr_train_rows, &values);
    assert_ok(ofr_opt_parse(ofr_train_rows, &values, NULL, 9, argv, &args, &n_args, &err),
              err);
    ofr_buf_init(&out);
    ofr_train_command(&out, &values);
    assert_string_equal(out.p, "offramp train --dev-split 0.1 --text 1 --joint-epochs 3"
                               " --lr 0.003");
    ofr_buf_free(&out);
}

/* Columns may be numbers, in a file as well; each value lives as long as the object. */
static void numbers_for_texts(void **state)
{
    static const char file[] =
        "{\"text\": 3, \"label\": 12, \"task\": true, \"lr\": 0.5}";
    ofr_train_values values;
    ofr_error err;
    json_t *object;
    bool is_set[128] = {false};

    (void)state;
    assert_in_range(ofr_opt_count(ofr_train_rows), 1, 128);
    ofr_opt_defaults(ofr_train_rows, &values);
    assert_ok(ofr_json_parse(&object, file, strlen(file), "c.json", &err), err);
    assert_ok(ofr_train_read_config(&values, is_set, object, "c.json", &err), err);
    assert_string_equal(values.text, "3");
    assert_string_equal(values.label, "12");
    assert_string_equal(values.task, "true");
    assert_true(values.method.lr == 0.5);
    assert_ptr_equal(values.text,
                     json_string_value(json_object_get(object, "text")));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_differs),
                                       cmocka_unit_test(there_and_back),
                                       cmocka_unit_test(numbers_for_texts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
