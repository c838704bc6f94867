/*
 * FastBERT on a task that the first layer can know: students learn the teacher's
 * answer, leave at once, and never look at a label; the teacher stands still.
 */
#include "method/toy.h"

enum { L = 4, N_TRAIN = 240 };

static ofr_method_options toy_options(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = 6;
    o.batch = 16;
    o.lr = 3e-3;
    o.dropout = o.attention_dropout = o.head_dropout = 0.1;
    return o;
}

/* One run; the encoder is the caller's. */
static void train(const toy *t, ofr_encoder *encoder, const ofr_method_options *o,
                  ofr_train_progress progress, void *user, ofr_method_result *result)
{
    const ofr_method_job job = {.progress = progress, .user = user};
    ofr_error err;

    toy_encoder(t, encoder, o);
    assert_ok(ofr_method_train(&ofr_method_fastbert, encoder, t->dev, &t->data, o, &job,
                               result, &err),
              err);
}

static void test_toy(void **state)
{
    const ofr_method_options o = toy_options();
    ofr_method_result result;
    ofr_encoder encoder;
    toy t;

    (void)state;
    toy_open(&t, N_TRAIN, L, 2);
    train(&t, &encoder, &o, NULL, NULL, &result);
    assert_true(result.score_full > 0.96);
    assert_true(result.score > 0.96);
    assert_true(result.mean_exit < 1.5); /* layer 1 knows */
    assert_string_equal(encoder.config.rule, "speed");
    assert_true(encoder.config.has_exits && !encoder.config.has_policies);
    assert_int_equal(encoder.config.heads, OFR_HEAD_STUDENT);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

/* What the second phase may move: the students. */
static bool moves(const ofr_param *row)
{
    return row->group == OFR_GROUP_HEADS && row->layer < L;
}

static void test_teacher_stands_still(void **state)
{
    ofr_method_options o = toy_options();
    ofr_encoder one, two;
    size_t n_moved = 0;
    toy t;

    (void)state;
    toy_open(&t, 60, L, 1);
    o.joint_epochs = 2;
    o.exit_epochs = 1;
    train(&t, &one, &o, NULL, NULL, NULL);
    o.exit_epochs = 3;
    train(&t, &two, &o, NULL, NULL, NULL);
    for (int i = 0; i < one.params.n; i++) {
        const ofr_param *row = &one.params.rows[i];
        const bool same = memcmp(one.w + row->offset, two.w + row->offset,
                                 row->count * sizeof *one.w) == 0;

        assert_true(same != moves(row));
        n_moved += !same;
    }
    assert_int_equal(n_moved, (L - 1) * 14);
    ofr_encoder_close(&one);
    ofr_encoder_close(&two);
    toy_close(&t);
}

/* Turns every label around as soon as the second phase shows itself. */
static void spoil_labels(void *user, const char *label, long long done, long long total,
                         const char *note)
{
    toy *t = user;

    (void)done;
    (void)total;
    (void)note;
    if (strncmp(label, "distill", 7) != 0 || t->train.labels[0] < 0) return;
    for (int i = 0; i < t->train.n; i++)
        t->train.labels[i] = -1;
}

static void test_no_labels(void **state)
{
    ofr_method_options o = toy_options();
    ofr_encoder honest, spoilt;
    toy t;

    (void)state;
    toy_open(&t, 60, L, 1);
    o.joint_epochs = 2;
    train(&t, &honest, &o, NULL, NULL, NULL);
    train(&t, &spoilt, &o, spoil_labels, &t, NULL);
    assert_int_equal(t.train.labels[0], -1);
    assert_memory_equal(honest.w, spoilt.w, honest.params.total * sizeof *honest.w);
    ofr_encoder_close(&honest);
    ofr_encoder_close(&spoilt);
    toy_close(&t);
}

/* In the second phase nothing is dropped, in the teacher or below it. */
static void test_no_dropout(void **state)
{
    ofr_method_options o = toy_options();
    ofr_encoder with, without;
    toy t;

    (void)state;
    toy_open(&t, 60, L, 1);
    o.joint_epochs = 0;
    o.exit_epochs = 2;
    train(&t, &with, &o, NULL, NULL, NULL);
    o.dropout = o.attention_dropout = o.head_dropout = 0;
    train(&t, &without, &o, NULL, NULL, NULL);
    assert_memory_equal(with.w, without.w, with.params.total * sizeof *with.w);
    ofr_encoder_close(&with);
    ofr_encoder_close(&without);
    toy_close(&t);
}

/* --exit-lr 0 is ten times --lr. */
static void test_learning_rate(void **state)
{
    ofr_method_options o = toy_options();
    ofr_encoder by_rule, given;
    toy t;

    (void)state;
    toy_open(&t, 60, L, 1);
    o.joint_epochs = 1;
    o.lr = 1.0 / 1024;
    train(&t, &by_rule, &o, NULL, NULL, NULL);
    o.exit_lr = 10.0 / 1024;
    train(&t, &given, &o, NULL, NULL, NULL);
    assert_memory_equal(by_rule.w, given.w, given.params.total * sizeof *given.w);
    ofr_encoder_close(&by_rule);
    ofr_encoder_close(&given);
    toy_close(&t);
}

static void test_regression(void **state)
{
    ofr_error err;

    (void)state;
    assert_fails(ofr_method_fits(&ofr_method_fastbert, true, &err), OFR_INVALID, err,
                 "fastbert");
}

static void test_threads(void **state)
{
    ofr_method_options o = toy_options();

    (void)state;
    o.joint_epochs = 2;
    toy_threads(&ofr_method_fastbert, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_toy),
        cmocka_unit_test(test_teacher_stands_still),
        cmocka_unit_test(test_no_labels),
        cmocka_unit_test(test_learning_rate),
        cmocka_unit_test(test_no_dropout),
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
