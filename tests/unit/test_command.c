/* Options as a command line: what differs from its default, quoted, and back. */
#include "support/support.h"

#include "cli/command.h"
#include "cli/train_options.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_differs),
                                       cmocka_unit_test(there_and_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
