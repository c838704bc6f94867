/*
 * Which texts teach whom.  With --policy-data dev the backbone learns from every
 * training text, as that of other methods does, and the labels of the dev texts reach
 * the policies and nothing else; with held-out lessons they reach nothing.
 */
#include "method/toy.h"

enum { N_TRAIN = 60, L = 3 };

static ofr_method_options options_of(ofr_policy_data lessons)
{
    ofr_method_options o = toy_short_options();

    o.policy_data = lessons;
    o.iterations = 0;
    return o;
}

static void train(const toy *t, const ofr_method *method, const ofr_method_options *o,
                  ofr_encoder *encoder)
{
    const ofr_method_job job = {0};
    ofr_error err;

    toy_encoder(t, encoder, o);
    assert_ok(ofr_method_train(method, encoder, t->dev, &t->data, o, &job, NULL, &err),
              err);
}

/* Do two models have the same bits in all parameters of these groups? */
static bool equal(const ofr_encoder *a, const ofr_encoder *b, unsigned groups)
{
    size_t compared = 0;
    bool same = true;

    assert_int_equal(a->params.n, b->params.n);
    for (int i = 0; i < a->params.n; i++) {
        const ofr_param *p = &a->params.rows[i], *q = &b->params.rows[i];

        assert_int_equal(p->count, q->count);
        if (!(p->group & groups)) continue;
        compared += p->count;
        same = same && memcmp(a->w + p->offset, b->w + q->offset,
                              p->count * sizeof *a->w) == 0;
    }
    assert_true(compared > 0);
    return same;
}

static const unsigned network = OFR_GROUP_BACKBONE | OFR_GROUP_POOLER | OFR_GROUP_HEADS;

static bool as_static(ofr_policy_data lessons)
{
    const ofr_method_options o = options_of(lessons);
    ofr_encoder one, other;
    toy t;

    toy_open(&t, N_TRAIN, L, 1);
    train(&t, &ofr_method_consistentee, &o, &one);
    train(&t, &ofr_method_static, &o, &other);
    const bool same = equal(&one, &other, network);
    ofr_encoder_close(&one);
    ofr_encoder_close(&other);
    toy_close(&t);
    return same;
}

static void test_backbone_has_all(void **state)
{
    (void)state;
    assert_true(as_static(OFR_POLICY_DEV));
    assert_false(as_static(OFR_POLICY_HELD));
}

/* Trained twice, with the dev texts' labels as they are and the other way round. */
static void turn_labels(ofr_policy_data lessons, bool *same_network, bool *same_policies)
{
    const ofr_method_options o = options_of(lessons);
    ofr_encoder one, other;
    toy t;

    toy_open(&t, N_TRAIN, L, 1);
    train(&t, &ofr_method_consistentee, &o, &one);
    for (int i = 0; i < t.dev_data.n; i++)
        t.dev_data.labels[i] = 1 - t.dev_data.labels[i];
    train(&t, &ofr_method_consistentee, &o, &other);
    *same_network = equal(&one, &other, network);
    *same_policies = equal(&one, &other, OFR_GROUP_POLICIES);
    ofr_encoder_close(&one);
    ofr_encoder_close(&other);
    toy_close(&t);
}

static void test_whom_dev_labels_reach(void **state)
{
    bool network_same, policies_same;

    (void)state;
    turn_labels(OFR_POLICY_DEV, &network_same, &policies_same);
    assert_true(network_same);
    assert_false(policies_same);
    turn_labels(OFR_POLICY_HELD, &network_same, &policies_same);
    assert_true(network_same);
    assert_true(policies_same);
}

/* More dev texts than training texts, and every measure of hardness: it is theirs. */
static void test_hardness_of_dev(void **state)
{
    (void)state;
    for (int h = OFR_HARDNESS_MEMORIZED; h <= OFR_HARDNESS_NONE; h++) {
        ofr_method_options o = options_of(OFR_POLICY_DEV);
        ofr_encoder encoder;
        toy t;

        o.hardness = h;
        toy_open(&t, N_TRAIN, L, 1);
        assert_true(t.dev_data.n > t.train.n);
        train(&t, &ofr_method_consistentee, &o, &encoder);
        ofr_encoder_close(&encoder);
        toy_close(&t);
    }
}

static void test_refused(void **state)
{
    const ofr_method_job job = {0};
    ofr_method_options o = options_of(OFR_POLICY_DEV);
    ofr_encoder encoder;
    ofr_error err;
    toy t;

    (void)state;
    o.task_updates_policy = true;
    toy_open(&t, N_TRAIN, L, 1);
    toy_encoder(&t, &encoder, &o);
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_INVALID, err, "--policy-data dev");
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backbone_has_all),
        cmocka_unit_test(test_whom_dev_labels_reach),
        cmocka_unit_test(test_hardness_of_dev),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
