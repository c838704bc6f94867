/*
 * HashEE: the table by hand, the toy task, and what evaluation says about depth and
 * cost, from one batch size to another.
 */
#include "method/toy.h"

#include "eval/evaluate.h"
#include "exit/cost.h"

enum { L = 4, N_TRAIN = 240 };

static ofr_method_options toy_options(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = 8;
    o.batch = 16;
    o.lr = 3e-3;
    o.dropout = o.attention_dropout = o.head_dropout = 0.1;
    return o;
}

static void train(const toy *t, ofr_encoder *encoder, const ofr_method_data *data,
                  const ofr_method_options *o, ofr_method_result *result)
{
    const ofr_method_job job = {0};
    ofr_error err;

    toy_encoder(t, encoder, o);
    assert_ok(ofr_method_train(&ofr_method_hashee, encoder, t->dev, data, o, &job, result,
                               &err),
              err);
}

/* Occurrences, first tokens left out: waa 3, [SEP] 2, good 2, wab 1, wac 1; the
 * middles of their ranges among 9 are 1.5, 4, 6, 7.5, 8.5. */
static void test_table(void **state)
{
    static const char *const names[] = {"bad", "good"};
    static const struct {
        int buckets, first, want[6]; /* of waa, [SEP], good, wab, wac, [CLS] */
    } rows[] = {{0, 0, {1, 2, 3, 4, 4, 4}}, /* four buckets of 2.25: layers 1 to 4 */
                {2, 2, {2, 2, 4, 4, 4, 4}}, /* two of 4.5 */
                {3, 0, {1, 3, 4, 4, 4, 4}}, /* three of 3; 2.5 is rounded up */
                {1, 0, {4, 4, 4, 4, 4, 4}},
                {9, 4, {4, 4, 4, 4, 4, 4}}};
    /* [CLS] good waa waa wab [SEP]; its tokens in the order of `want`: */
    const ofr_str texts[2] = {OFR_STR("good waa waa wab"), OFR_STR("waa good wac")};
    static const int at[6] = {2, 5, 1, 4, 9, 0};
    const int labels[2] = {0, 1};
    ofr_dataset data;
    ofr_error err;
    toy t;

    (void)state;
    toy_open(&t, 10, L, 1);
    assert_ok(ofr_dataset_from_texts(&data, texts, NULL, labels, 2, 2, names, t.tok, 16,
                                     &err),
              err);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const ofr_method_data both = {&data, &data, OFR_METRIC_ACCURACY};
        ofr_method_options o = toy_options();
        ofr_encoder encoder;

        o.joint_epochs = 0;
        o.hash_buckets = rows[r].buckets;
        o.hash_first = rows[r].first;
        train(&t, &encoder, &both, &o, NULL);
        for (int i = 0; i < 6; i++)
            assert_int_equal((int)encoder.w[encoder.params.token_exits +
                                            (size_t)data.ids[at[i]]],
                             rows[r].want[i]);
        ofr_encoder_close(&encoder);
    }
    ofr_dataset_close(&data);
    toy_close(&t);
}

/* FLOPs of one text, written out: a token that takes part in a layer costs its
 * products and its queries, one that does not its keys, values and idle query. */
static double flops_of(const ofr_config *c, const int *exits, int T)
{
    const double C = c->C, F = c->F, K = c->K;
    double sum = 2 * (C * C + C * K);

    for (int l = 1; l <= c->L; l++)
        for (int i = 0; i < T; i++)
            sum += exits[i] >= l ? 2 * (4 * C * C + 2 * C * F) + 4 * T * C : 6 * C * C;
    return sum;
}

/* Mean depth and FLOPs of the dev set from the table alone. */
static void by_hand(const toy *t, const ofr_encoder *encoder, double *depth,
                    double *flops)
{
    const ofr_dataset *data = &t->dev_data;
    const ofr_real *table = encoder->w + encoder->params.token_exits;
    double own = 0, full = 0;

    *depth = 0;
    for (int i = 0; i < data->n; i++) {
        const int first = data->offsets[i], T = data->offsets[i + 1] - first;
        int exits[16], sum = 0;

        for (int k = 0; k < T; k++)
            sum += exits[k] = k ? (int)table[data->ids[first + k]] : L;
        *depth += (double)sum / T / data->n;
        own += flops_of(&encoder->config, exits, T);
        full += ofr_cost_full(&encoder->config, T);
    }
    *flops = own / full;
}

static void test_toy(void **state)
{
    static const int batches[] = {1, 7, 64};
    const ofr_method_options o = toy_options();
    ofr_method_result result;
    ofr_encoder encoder;
    ofr_error err;
    double depth, flops;
    int answers[100];
    toy t;

    (void)state;
    toy_open(&t, N_TRAIN, L, 2);
    train(&t, &encoder, &t.data, &o, &result);
    assert_true(result.score > 0.96);
    by_hand(&t, &encoder, &depth, &flops);
    assert_true(depth < L - 0.5 && flops < 0.95);
    support_close_one("mean exit", result.mean_exit, depth, 1e-12);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        ofr_eval_options how;
        ofr_eval eval;

        ofr_eval_options_init(&how);
        how.rule = &ofr_rule_hash;
        how.batch = batches[b];
        how.timed_runs = 0;
        assert_ok(ofr_eval_open(&eval, &encoder, t.dev, &t.dev_data, &how, &err), err);
        support_close_one("score", eval.score, result.score, 0);
        support_close_one("mean exit", eval.mean_exit, depth, 1e-12);
        support_close_one("flops", eval.flops_ratio, flops, 1e-12);
        assert_true(isnan(eval.random_score) && isnan(eval.fixed_score));
        if (b == 0) memcpy(answers, eval.prediction, sizeof answers);
        assert_memory_equal(eval.prediction, answers, sizeof answers);
        ofr_eval_close(&eval);
    }
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

/* The threshold moves the table: with L - 1 more layers nobody leaves early, and
 * the answers are those of the full model. */
static void test_threshold(void **state)
{
    ofr_method_options o = toy_options();
    ofr_eval_options how;
    ofr_encoder encoder;
    ofr_error err;
    double before = L + 1;
    toy t;

    (void)state;
    toy_open(&t, 60, L, 1);
    o.joint_epochs = 2;
    train(&t, &encoder, &t.data, &o, NULL);
    ofr_eval_options_init(&how);
    how.rule = &ofr_rule_hash;
    how.timed_runs = 0;
    for (int shift = L - 1; shift > -L; shift--) {
        ofr_eval eval;

        how.threshold = shift;
        assert_ok(ofr_eval_open(&eval, &encoder, t.dev, &t.dev_data, &how, &err), err);
        assert_true(eval.mean_exit <= before);
        before = eval.mean_exit;
        if (shift == L - 1) {
            assert_true(eval.mean_exit == L);
            assert_memory_equal(eval.prediction, eval.full_prediction,
                                100 * sizeof *eval.prediction);
        }
        ofr_eval_close(&eval);
    }
    assert_true(before < 2.0);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void test_threads(void **state)
{
    ofr_method_options o = toy_options();

    (void)state;
    o.joint_epochs = 2;
    toy_threads(&ofr_method_hashee, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_toy),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
