/*
 * Every method's journal carries what convergence is judged by: score, accuracy of
 * each exit, and where texts leave; with policies their entropy and reward.
 */
#include "method/toy.h"

#include <math.h>

#include "eval/verdict.h"

enum { N_TRAIN = 120, L = 4, N_DEV = 100 };

/* Train into a folder of the method's name; its journal. */
static const char *train(const toy *t, const ofr_method *method)
{
    char out[OFR_PATH_MAX], name[64];
    ofr_method_options o;
    ofr_encoder encoder;
    ofr_error err;

    ofr_method_options_init(&o);
    o.joint_epochs = 2;
    o.policy_epochs = 2;
    o.iterations = 1;
    o.tolerance = 0;
    o.lr = 3e-3;
    o.policy_hidden = 6;
    snprintf(out, sizeof out, "%s", support_path(method->name));
    const ofr_method_job job = {.out = out};
    toy_encoder(t, &encoder, &o);
    assert_ok(ofr_method_train(method, &encoder, t->dev, &t->data, &o, &job, NULL, &err),
              err);
    ofr_encoder_close(&encoder);
    snprintf(name, sizeof name, "%s/journal.jsonl", method->name);
    return support_path(name);
}

static void check_last(const ofr_method *method, const ofr_history *h)
{
    const ofr_history_point *p = &h->points[h->n - 1];
    double sum = 0;

    assert_false(isnan(p->score_full));
    assert_false(isnan(p->score));
    assert_non_null(p->accuracy);
    if (strcmp(method->rule->name, "never") == 0) return;
    if (isnan(p->mean_exit)) fail_msg("%s: no mean exit layer", method->name);
    if (isnan(p->changed)) fail_msg("%s: no share of changed exits", method->name);
    assert_non_null(p->histogram);
    assert_int_equal(p->n, N_DEV);
    for (int l = 0; l < h->L; l++)
        sum += (l + 1) * p->histogram[l];
    /* A rule for single tokens has the mean depth of a text's tokens. */
    if (!method->rule->by_token)
        support_close_one(method->name, p->mean_exit, sum / N_DEV, 1e-12);
    if (!method->rule->needs_policy || strcmp(method->rule->name, "policy") != 0) return;
    assert_false(isnan(p->entropy));
    assert_false(isnan(p->reward));
}

static void journals(void **state)
{
    toy t;

    (void)state;
    toy_open(&t, N_TRAIN, L, 1);
    for (int i = 0; ofr_methods[i]; i++) {
        ofr_run_verdict verdict;
        ofr_history h;
        ofr_error err;

        printf("%s\n", ofr_methods[i]->name);
        assert_ok(ofr_history_open(&h, train(&t, ofr_methods[i]), &err), err);
        assert_true(h.n >= 2);
        check_last(ofr_methods[i], &h);
        assert_ok(ofr_verdict_of_run(&verdict, &h, &err), err);
        assert_int_not_equal(verdict.run.kind, OFR_VERDICT_UNKNOWN);
        ofr_history_close(&h);
    }
    toy_close(&t);
}

/* The share that left elsewhere than at the end of the iteration before: nothing
 * before the first; then what the policies' last looks differ by. */
static void iterations(void **state)
{
    ofr_history h;
    ofr_error err;
    int ends = 0;
    toy t;

    (void)state;
    toy_open(&t, N_TRAIN, L, 1);
    assert_ok(ofr_history_open(&h, train(&t, &ofr_method_consistentee), &err), err);
    for (int i = 0; i < h.n; i++) {
        const ofr_history_point *p = &h.points[i];

        if (!p->iteration_end) continue;
        assert_int_equal(isnan(p->changed), ends == 0);
        assert_int_equal(p->iteration, ends);
        ends++;
    }
    assert_int_equal(ends, 2);
    ofr_history_close(&h);
    toy_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journals),
        cmocka_unit_test(iterations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
