/* The worked example of docs/ADDING-A-METHOD.md: the page shows the file as it is,
 * and the method does what the page says. */
#include "method/toy.h"

#include "eval/evaluate.h"
#include "method/example_method.c"

enum { L = 4 };

static char *read_file(const char *name)
{
    char path[OFR_PATH_MAX];
    const char *text;
    char *copy;

    snprintf(path, sizeof path, "%s/%s", OFR_SOURCE_DIR, name);
    text = support_read(path);
    copy = malloc(strlen(text) + 1);
    return strcpy(copy, text);
}

static void test_page(void **state)
{
    char *page = read_file("docs/ADDING-A-METHOD.md");
    char *file = read_file("tests/method/example_method.c");

    (void)state;
    if (!strstr(page, file))
        fail_msg("docs/ADDING-A-METHOD.md does not show tests/method/example_method.c as "
                 "it is");
    free(page);
    free(file);
}

/* (1 - 1/4) / (1 + 1/4 + 1/4) = 1/2. */
static void test_rule(void **state)
{
    const ofr_real z[2][3] = {{OFR_R(log)(4), 0, 0}, {0, 0, 0}};

    (void)state;
    assert_int_equal(ofr_rule_replay(&ofr_rule_margin, 0.49, z[0], NULL, 2, 3), 1);
    assert_int_equal(ofr_rule_replay(&ofr_rule_margin, 0.51, z[0], NULL, 2, 3), 2);
}

/* Known texts leave at once, coins at the end. */
static void test_method(void **state)
{
    ofr_method_options o;
    const ofr_method_job job = {0};
    ofr_eval_options how;
    ofr_encoder encoder;
    ofr_error err;
    ofr_eval eval;
    int early = 0, late = 0;
    toy t;

    (void)state;
    ofr_method_options_init(&o);
    o.joint_epochs = 12;
    o.batch = 16;
    o.lr = 3e-3;
    o.dropout = o.attention_dropout = o.head_dropout = 0;
    toy_open_task(&t, TOY_COIN, 400, L, 1);
    toy_encoder(&t, &encoder, &o);
    assert_ok(ofr_method_train(&ofr_method_even, &encoder, t.dev, &t.data, &o, &job, NULL,
                               &err),
              err);
    assert_string_equal(encoder.config.rule, "margin");
    ofr_eval_options_init(&how);
    how.rule = &ofr_rule_margin;
    how.threshold = encoder.config.threshold;
    how.timed_runs = 0;
    assert_ok(ofr_eval_open(&eval, &encoder, t.dev, &t.dev_data, &how, &err), err);
    for (int i = 0; i < eval.n; i++) {
        early += !toy_is_coin(&t, i) && eval.exit_layer[i] == 1 && eval.right[i];
        late += toy_is_coin(&t, i) && eval.exit_layer[i] == L;
    }
    assert_true(early >= 49);
    assert_int_equal(late, 50);
    assert_int_equal(eval.mismatches, 0);
    ofr_eval_close(&eval);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_method),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
