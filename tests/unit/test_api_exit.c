/*
 * test_api_exit.c - rules that change between calls, rules of the caller's own, and
 * the features of a text, each against what the other functions say.
 */
#include "support/support.h"

#include <math.h>
#include <offramp.h>

#include "base/mem.h"
#include "exit/outputs.h"
#include "exit/rule.h"
#include "model/encoder.h"
#include "support/tiny_model.h"

#define K TINY_CLASSES
#define L TINY_LAYERS
#define C TINY_CHANNELS
#define N_TEXTS 60

static char storage[N_TEXTS][128];
static ofr_text texts[N_TEXTS];

static int setup(void **state)
{
    for (int i = 0; i < N_TEXTS; i++) {
        texts[i].text = support_tiny_text(storage[i], (uint64_t)i);
        texts[i].text_len = strlen(storage[i]);
    }
    return support_tiny_setup(state);
}

typedef struct opened {
    ofr_model *model;
    ofr_session *session;
} opened;

static opened open_all(const ofr_session_options *options)
{
    opened o;
    ofr_error err;
    assert_ok(ofr_model_open(&o.model, support_tiny_dir(), &err), err);
    assert_ok(ofr_session_open(&o.session, o.model, options, &err), err);
    return o;
}

static void close_all(opened o)
{
    ofr_session_close(o.session);
    ofr_model_close(o.model);
}

/* Answers of a call, kept. */
typedef struct answers {
    int label[N_TEXTS], layer[N_TEXTS];
    float probs[N_TEXTS][K];
} answers;

static void classify(answers *out, ofr_session *session)
{
    ofr_error err;
    ofr_result results[N_TEXTS];
    assert_ok(ofr_classify(session, results, texts, N_TEXTS, &err), err);
    for (int i = 0; i < N_TEXTS; i++) {
        out->label[i] = results[i].label;
        out->layer[i] = results[i].exit_layer;
        memcpy(out->probs[i], results[i].probs, sizeof out->probs[i]);
    }
}

static void classify_by(answers *out, const ofr_exit_options *exit)
{
    ofr_session_options options = {.max_batch = N_TEXTS, .exit = *exit};
    opened o = open_all(&options);
    classify(out, o.session);
    close_all(o);
}

/* ---- rules that change ---------------------------------------------------- */

/* A session that changes its mind answers as one that was opened that way. */
static void test_set_exit(void **state)
{
    (void)state;
    static const ofr_exit_options rows[] = {
        {.rule = "fixed", .threshold = 2},   {.rule = "policy", .threshold = 0.3},
        {.rule = "patience", .threshold = 1}, {.rule = "entropy", .threshold = 0.5},
        {.rule = "never"},                   {.rule = "pcee", .threshold = 2.9},
        {.threshold = NAN},                  {.rule = "confidence", .threshold = 0.6},
    };
    static answers want, got;
    ofr_session_options options = {.max_batch = N_TEXTS};
    if (!support_same_bits("another session")) return;
    opened o = open_all(&options);
    ofr_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        classify_by(&want, &rows[i]);
        assert_ok(ofr_session_set_exit(o.session, &rows[i], &err), err);
        size_t count = ofr_mem_count();
        classify(&got, o.session);
        assert_memory_equal(&got, &want, sizeof want);
        assert_int_equal(ofr_mem_count(), count);
    }
    /* What is refused changes nothing. */
    const ofr_exit_options wrong = {.rule = "policy", .threshold = 7};
    const ofr_exit_options unknown = {.rule = "sometimes"};
    assert_fails(ofr_session_set_exit(o.session, &wrong, &err), OFR_INVALID, err, "7");
    assert_fails(ofr_session_set_exit(o.session, &unknown, &err), OFR_INVALID, err,
                 "sometimes");
    assert_fails(ofr_session_set_exit(NULL, &wrong, &err), OFR_INVALID, err, "NULL");
    classify(&got, o.session);
    assert_memory_equal(&got, &want, sizeof want);
    const ofr_exit_options stored = {0};
    classify_by(&want, &stored);
    assert_ok(ofr_session_set_exit(o.session, NULL, &err), err);
    classify(&got, o.session);
    assert_memory_equal(&got, &want, sizeof want);
    close_all(o);
}

/* ---- rules of one's own ---------------------------------------------------- */

static int more_than_half(void *user, const ofr_exit_point *point)
{
    (void)user;
    return (double)point->policy > 0.5;
}

static int low_entropy(void *user, const ofr_exit_point *point)
{
    ofr_real z[K];
    for (int k = 0; k < K; k++)
        z[k] = (ofr_real)point->logits[k];
    return ofr_entropy(z, point->n_classes) < *(const double *)user;
}

/* The policy and entropy rules written by a stranger. */
static void test_own_rules(void **state)
{
    (void)state;
    static answers want, got;
    double limit = 0.5;
    const ofr_exit_options rows[][2] = {
        {{.rule = "policy", .threshold = 0.5}, {.decide = more_than_half}},
        {{.rule = "entropy", .threshold = 0.5}, {.decide = low_entropy, .user = &limit}},
    };
    for (size_t i = 0; i < 2 && support_same_bits("own rules"); i++) {
        int layers[L + 1] = {0};
        classify_by(&want, &rows[i][0]);
        classify_by(&got, &rows[i][1]);
        assert_memory_equal(&got, &want, sizeof want);
        for (int t = 0; t < N_TEXTS; t++)
            layers[got.layer[t]]++;
        assert_true(layers[1] > 0 && layers[L] > 0); /* a test with a point */
    }
}

/* What a rule sees, checked against the features of the text. */
typedef struct witness {
    float logits[N_TEXTS][L][K], probs[N_TEXTS][L][K], policy[N_TEXTS][L];
    int next[N_TEXTS]; /* layer that is due */
    int stop_at;
} witness;

static int watch(void *user, const ofr_exit_point *point)
{
    witness *w = user;
    int t = point->text, l = point->layer;
    assert_in_range(t, 0, N_TEXTS - 1);
    assert_int_equal(l, ++w->next[t]);
    assert_int_equal(point->n_layers, L);
    assert_int_equal(point->n_classes, K);
    memcpy(w->logits[t][l - 1], point->logits, K * sizeof(float));
    memcpy(w->probs[t][l - 1], point->probs, K * sizeof(float));
    w->policy[t][l - 1] = point->policy;
    return (t + l) % 5 == w->stop_at ? -1 : 0; /* anything but 0 */
}

static void check_witness(const witness *w, const answers *got, ofr_session *session,
                          int t)
{
    ofr_error err;
    ofr_features f;
    int exit = L;
    assert_ok(ofr_session_features(session, &f, &texts[t], &err), err);
    for (int l = L - 1; l >= 1; l--)
        if ((t + l) % 5 == w->stop_at) exit = l;
    assert_int_equal(got->layer[t], exit);
    assert_int_equal(w->next[t], exit < L ? exit : L - 1);
    for (int l = 0; l < w->next[t]; l++) {
        assert_memory_equal(w->logits[t][l], f.logits + l * K, K * sizeof(float));
        assert_true(memcmp(&w->policy[t][l], &f.policy[l], sizeof(float)) == 0);
    }
    if (exit < L)
        assert_memory_equal(w->probs[t][exit - 1], got->probs[t], K * sizeof(float));
    int best = 0;
    for (int k = 1; k < K; k++)
        if (f.logits[(exit - 1) * K + k] > f.logits[(exit - 1) * K + best]) best = k;
    assert_int_equal(got->label[t], best);
}

static void test_what_a_rule_sees(void **state)
{
    (void)state;
    static witness w;
    static answers got;
    ofr_error err;
    ofr_session_options options = {.max_batch = N_TEXTS, .max_tokens = 64};
    opened o = open_all(&options);
    for (int stop_at = 0; stop_at < 5 && support_same_bits("a rule's view"); stop_at++) {
        ofr_exit_options exit = {.decide = watch, .user = &w};
        memset(&w, 0, sizeof w);
        w.stop_at = stop_at;
        assert_ok(ofr_session_set_exit(o.session, &exit, &err), err);
        ofr_mem_forbid(true);
        classify(&got, o.session);
        ofr_mem_forbid(false);
        for (int t = 0; t < N_TEXTS; t++)
            check_witness(&w, &got, o.session, t);
    }
    close_all(o);
}

/* Several passes in one call: texts are still numbered within the call. */
static int count_texts(void *user, const ofr_exit_point *point)
{
    int *seen = user;
    seen[point->text]++;
    return point->layer == 2;
}

static void test_many_passes(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static ofr_text many[MANY];
    static ofr_result results[MANY];
    static int seen[MANY];
    static char words[600];
    ofr_error err;
    for (int i = 0; i < 150; i++)
        memcpy(words + 4 * i, "waa ", 4);
    for (int i = 0; i < MANY; i++)
        many[i] = (ofr_text){words, sizeof words, NULL, 0};
    ofr_session_options options = {
        .max_batch = MANY, .max_tokens = 64,
        .exit = {.decide = count_texts, .user = seen},
    };
    opened o = open_all(&options);
    assert_ok(ofr_classify(o.session, results, many, MANY, &err), err);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(results[i].exit_layer, 2);
        assert_int_equal(seen[i], 2);
    }
    close_all(o);
}

static void test_refused_rules(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model;
    ofr_session *session = NULL;
    ofr_session_options both = {.exit = {.rule = "never", .decide = more_than_half}};
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_fails(ofr_session_open(&session, model, &both, &err), OFR_INVALID, err,
                 "one of them");
    assert_null(session);
    ofr_model_close(model);
}

/* ---- features --------------------------------------------------------------- */

/* Against the table of all exits that evaluation uses. */
static void test_features(void **state)
{
    (void)state;
    ofr_error err;
    ofr_session_options options = {.max_batch = 1, .n_threads = 2};
    opened o = open_all(&options);
    ofr_encoder encoder;
    ofr_ops ops = ofr_ops_select(0);
    ofr_dev *dev;
    assert_ok(ofr_dev_open(&dev, &ops, 1, 64, &err), err);
    assert_ok(ofr_encoder_open(&encoder, support_tiny_dir(), 0, &err), err);
    assert_ok(ofr_encoder_pack(&encoder, dev, OFR_PRECISION_F32, &err), err);
    for (int t = 0; t < 12; t++) {
        ofr_features f;
        ofr_outputs outputs;
        assert_ok(ofr_session_features(o.session, &f, &texts[t], &err), err);
        assert_int_equal(f.n_tokens, t % 12 + 2);
        assert_int_equal(f.hidden_size, C);
        assert_int_equal(f.n_layers, L);
        assert_int_equal(f.n_classes, K);
        assert_int_equal(f.truncated, 0);
        assert_int_equal(f.ids[0], 2); /* [CLS] */
        assert_int_equal(f.ids[f.n_tokens - 1], 3);
        const int offsets[2] = {0, f.n_tokens};
        ofr_tokens tokens = {1, offsets, f.ids, NULL};
        int types[64] = {0};
        tokens.types = types;
        assert_ok(ofr_outputs_open(&outputs, &encoder, dev, &tokens, 1, false, NULL, NULL,
                                   &err),
                  err);
        for (int i = 0; i < L * K; i++)
            support_close_one("logits", f.logits[i], outputs.logits[i], 1e-4);
        for (int l = 0; l < L - 1; l++)
            support_close_one("policy", f.policy[l], outputs.pi[l], 1e-4);
        ofr_outputs_close(&outputs);
    }
    ofr_dev_close(dev);
    ofr_encoder_close(&encoder);
    close_all(o);
}

/* Hidden states lead to what is pooled from them; the last layer's logits are the
 * answer of the full model. */
static void test_features_agree(void **state)
{
    (void)state;
    ofr_error err;
    ofr_session_options options = {.max_batch = 1, .exit = {.rule = "never"}};
    opened o = open_all(&options);
    ofr_encoder encoder;
    assert_ok(ofr_encoder_open(&encoder, support_tiny_dir(), 0, &err), err);
    const ofr_exit_at *at = encoder.params.exits;
    ofr_result result;
    for (int pass = 0; pass < 2; pass++) /* until everything is packed */
        assert_ok(ofr_classify(o.session, &result, &texts[0], 1, &err), err);
    size_t live = ofr_mem_live();
    for (int t = 0; t < 20; t++) {
        ofr_features f;
        assert_ok(ofr_session_features(o.session, &f, &texts[t], &err), err);
        for (int l = 1; l <= L; l++) {
            const float *cls = f.hidden + (size_t)l * (size_t)f.n_tokens * C;
            for (int i = 0; i < C; i++) {
                double sum = (double)encoder.w[at[l - 1].pool_b + (size_t)i];
                for (int j = 0; j < C; j++)
                    sum += (double)encoder.w[at[l - 1].pool_w + (size_t)(i * C + j)] *
                           (double)cls[j];
                support_close_one("pooled", (double)f.pooled[(l - 1) * C + i], tanh(sum),
                                  1e-5);
            }
        }
        double S = 0;
        for (int k = 0; k < K; k++)
            S += exp((double)f.logits[(L - 1) * K + k]);
        float last[K];
        memcpy(last, f.logits + (L - 1) * K, sizeof last);
        assert_ok(ofr_classify(o.session, &result, &texts[t], 1, &err), err);
        for (int k = 0; k < K; k++)
            support_close_one("probability", (double)result.probs[k],
                              exp((double)last[k]) / S, 1e-6);
    }
    assert_int_equal(ofr_mem_live(), live + 1); /* one block, once */
    ofr_encoder_close(&encoder);
    close_all(o);
}

/* Policies speak where no classifier does. */
static void test_features_of_policies(void **state)
{
    (void)state;
    ofr_error err;
    const char *dir = support_path("policies");
    ofr_features f, whole;
    ofr_model *model;
    ofr_session *session;
    opened o = open_all(NULL);
    support_tiny_policies(dir);
    assert_ok(ofr_model_open(&model, dir, &err), err);
    assert_ok(ofr_session_open(&session, model, NULL, &err), err);
    for (int t = 0; t < 12; t++) {
        assert_ok(ofr_session_features(session, &f, &texts[t], &err), err);
        assert_ok(ofr_session_features(o.session, &whole, &texts[t], &err), err);
        assert_memory_equal(f.policy, whole.policy, (L - 1) * sizeof(float));
        assert_memory_equal(f.pooled, whole.pooled, L * C * sizeof(float));
        for (int i = 0; i < L * K; i++)
            assert_true(i < (L - 1) * K ? isnan(f.logits[i]) != 0
                                        : f.logits[i] == whole.logits[i]);
    }
    ofr_session_close(session);
    ofr_model_close(model);
    close_all(o);
}

static void test_features_refused(void **state)
{
    (void)state;
    ofr_error err;
    ofr_features f = {.n_tokens = -7};
    ofr_text bad = {NULL, 3, NULL, 0};
    opened o = open_all(NULL);
    assert_fails(ofr_session_features(NULL, &f, texts, &err), OFR_INVALID, err, "NULL");
    assert_fails(ofr_session_features(o.session, NULL, texts, &err), OFR_INVALID, err,
                 "NULL");
    assert_fails(ofr_session_features(o.session, &f, NULL, &err), OFR_INVALID, err,
                 "NULL");
    assert_fails(ofr_session_features(o.session, &f, &bad, &err), OFR_INVALID, err,
                 "NULL");
    size_t live = ofr_mem_live();
    ofr_mem_fail_at(1, false);
    assert_fails(ofr_session_features(o.session, &f, texts, &err), OFR_NOMEM, err,
                 "features");
    ofr_mem_fail_at(0, false);
    assert_int_equal(ofr_mem_live(), live);
    assert_int_equal(f.n_tokens, -7);
    assert_ok(ofr_session_features(o.session, &f, texts, &err), err);
    close_all(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_exit),
        cmocka_unit_test(test_own_rules),
        cmocka_unit_test(test_what_a_rule_sees),
        cmocka_unit_test(test_many_passes),
        cmocka_unit_test(test_refused_rules),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_features_agree),
        cmocka_unit_test(test_features_of_policies),
        cmocka_unit_test(test_features_refused),
    };
    return cmocka_run_group_tests_name("api_exit", tests, setup, NULL);
}
