/*
 * Evaluation: every number is computed again here from the stored outputs in the
 * plainest way, and planted labels make the right answers known in advance.
 */
#include "method/tiny_encoder.h"

#include <math.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "eval/evaluate.h"
#include "report/record.h"

enum { N = 400, L = 5, C = 32, K = 3, F = 64, MAX_T = 24 };

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_dataset data;
    int offsets[N + 1], labels[N];
    int ids[N * MAX_T], types[N * MAX_T];
} fixture;

static int open_fixture(void **state)
{
    const tiny_shape shape = {.L = L, .C = C, .H = 4, .F = F, .K = K, .policy_hidden = 8};
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    fixture *f = test_calloc(1, sizeof *f);
    ofr_error err;
    tiny_encoder(&f->encoder, &shape, 5);
    f->encoder.found = OFR_GROUP_ALL;
    assert_ok(ofr_dev_open(&f->dev, &ops, 1, MAX_T, &err), err);
    assert_ok(ofr_encoder_pack(&f->encoder, f->dev, OFR_PRECISION_F32, &err), err);
    for (int i = 0; i < N; i++) {
        int T = 1 + (int)ofr_rng_below(1, 2, (uint64_t)i, MAX_T);
        f->offsets[i + 1] = f->offsets[i] + T;
        f->labels[i] = (int)ofr_rng_below(1, 3, (uint64_t)i, K);
        if (T > f->data.max_T) f->data.max_T = T;
    }
    for (int n = 0; n < f->offsets[N]; n++)
        f->ids[n] = (int)ofr_rng_below(1, 4, (uint64_t)n, TINY_V);
    f->data.n = N;
    f->data.K = K;
    f->data.offsets = f->offsets;
    f->data.ids = f->ids;
    f->data.types = f->types;
    f->data.labels = f->labels;
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    ofr_dev_close(f->dev);
    ofr_encoder_close(&f->encoder);
    test_free(f);
    return 0;
}

static ofr_eval_options untimed(const ofr_rule *rule, double threshold, int batch)
{
    ofr_eval_options o;
    ofr_eval_options_init(&o);
    o.rule = rule;
    o.threshold = threshold;
    o.batch = batch;
    o.timed_runs = 0;
    return o;
}

static void open_eval(fixture *f, ofr_eval *e, const ofr_eval_options *o)
{
    ofr_error err;
    assert_ok(ofr_eval_open(e, &f->encoder, f->dev, &f->data, o, &err), err);
    assert_int_equal(e->mismatches, 0);
}

/* Class of classifier l (1..L) for text i, from the stored logits. */
static int answer(const ofr_eval *e, int i, int l)
{
    const ofr_real *z = e->outputs.logits + (i * L + l - 1) * K;
    return z[1] > z[0] ? (z[2] > z[1] ? 2 : 1) : (z[2] > z[0] ? 2 : 0);
}

/* First layer whose policy says stop, read off the stored outputs. */
static int policy_exit(const ofr_eval *e, int i, double threshold)
{
    for (int l = 1; l < L; l++)
        if ((double)e->outputs.pi[i * (L - 1) + l - 1] > threshold) return l;
    return L;
}

static void sums(void **state)
{
    fixture *f = *state;
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 7);
    ofr_eval e;
    int n_right = 0, n_full = 0, n_over = 0, n_ever = 0, histogram[L] = {0};
    int layer_right[L] = {0}, exit_right[L] = {0};
    double exits = 0, first_sum = 0;
    open_eval(f, &e, &o);
    for (int i = 0; i < N; i++) {
        int l = policy_exit(&e, i, 0.5), m = L, first = 0;
        bool right_now = answer(&e, i, l) == f->labels[i];
        assert_int_equal(e.exit_layer[i], l);
        assert_int_equal(e.prediction[i], answer(&e, i, l));
        assert_int_equal(e.full_prediction[i], answer(&e, i, L));
        histogram[l - 1]++;
        exits += l;
        n_right += right_now;
        exit_right[l - 1] += right_now;
        for (int j = 1; j <= L; j++) {
            bool right = answer(&e, i, j) == f->labels[i], stays = true;
            layer_right[j - 1] += right;
            if (right && !first) first = j;
            for (int k = j; k <= L; k++)
                stays = stays && answer(&e, i, k) == f->labels[i];
            if (stays && j < m) m = j;
        }
        assert_int_equal(e.memorized[i], m);
        n_full += answer(&e, i, L) == f->labels[i];
        n_ever += first > 0;
        n_over += first > 0 && answer(&e, i, L) != f->labels[i];
        first_sum += first ? first : L;
    }
    support_close_one("score", e.score, (double)n_right / N, 1e-12);
    support_close_one("full", e.score_full, (double)n_full / N, 1e-12);
    support_close_one("mean exit", e.mean_exit, exits / N, 1e-12);
    support_close_one("saved", e.saved_layers, 1 - exits / N / L, 1e-12);
    support_close_one("speed-up", e.layer_speedup, L * N / exits, 1e-12);
    support_close_one("overthinking", e.overthinking, (double)n_over / N, 1e-12);
    support_close_one("oracle", e.oracle_accuracy, (double)n_ever / N, 1e-12);
    support_close_one("oracle exit", e.oracle_mean_exit, first_sum / N, 1e-12);
    int used = 0;
    for (int l = 0; l < L; l++) {
        used += histogram[l] > 0;
        assert_int_equal(e.histogram[l], histogram[l]);
        support_close_one("layer", e.layer_accuracy[l], (double)layer_right[l] / N,
                          1e-12);
        if (histogram[l])
            support_close_one("exit", e.exit_accuracy[l],
                              (double)exit_right[l] / histogram[l], 1e-12);
        else
            assert_true(isnan(e.exit_accuracy[l]));
    }
    assert_true(used >= 3); /* otherwise this test proves little */
    ofr_eval_close(&e);
}

/* METHOD: 2T(4C^2 + 2CF) + 4T^2 C a layer, 2C^2 + 2CK a head, 2(PC + P) a policy. */
static void flops(void **state)
{
    fixture *f = *state;
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 16);
    ofr_eval e;
    double own = 0, full = 0, P = 8;
    open_eval(f, &e, &o);
    for (int i = 0; i < N; i++) {
        double T = f->offsets[i + 1] - f->offsets[i];
        double layer = 2 * T * (4.0 * C * C + 2.0 * C * F) + 4 * T * T * C;
        int asked = e.exit_layer[i] < L ? e.exit_layer[i] : L - 1;
        own += e.exit_layer[i] * (layer + 2.0 * C * C) + 2.0 * C * K +
               asked * 2 * (P * C + P);
        full += L * layer + 2.0 * C * C + 2.0 * C * K;
    }
    support_close_one("flops", e.flops_ratio, own / full, 1e-12);
    ofr_eval_close(&e);
}

/* A fixed exit is its own comparison: the same score, no spread. */
static void fixed_is_fixed(void **state)
{
    fixture *f = *state;
    for (int l = 1; l <= L; l++) {
        ofr_eval_options o = untimed(&ofr_rule_fixed, l, 9);
        ofr_eval e;
        open_eval(f, &e, &o);
        assert_int_equal(e.histogram[l - 1], N);
        support_close_one("score", e.score, e.layer_score[l - 1], 1e-12);
        support_close_one("fixed layer", e.fixed_layer, l, 1e-9);
        support_close_one("fixed score", e.fixed_score, e.score, 1e-9);
        support_close_one("random", e.random_score, e.score, 1e-12);
        support_close_one("spread", e.random_deviation, 0, 1e-12);
        ofr_eval_close(&e);
    }
    ofr_eval_options o = untimed(&ofr_rule_never, 0, 9);
    ofr_eval e;
    open_eval(f, &e, &o);
    support_close_one("saved", e.saved_layers, 0, 0);
    support_close_one("flops", e.flops_ratio, 1, 1e-12);
    ofr_eval_close(&e);
}

/* Labels that make the rule right everywhere: it must stand above both policies
 * that know nothing.  Labels that make the last layer right: easy and hard
 * texts are where the classifiers say. */
static void planted(void **state)
{
    fixture *f = *state;
    int kept[N];
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 32);
    ofr_eval e;
    memcpy(kept, f->labels, sizeof kept);
    open_eval(f, &e, &o);
    memcpy(f->labels, e.prediction, sizeof kept);
    ofr_eval_close(&e);
    open_eval(f, &e, &o);
    support_close_one("score", e.score, 1, 0);
    for (int l = 0; l < L; l++)
        if (e.histogram[l]) support_close_one("exit", e.exit_accuracy[l], 1, 0);
    assert_true(e.random_score < 0.95);
    assert_true(e.random_deviation > 0);
    assert_true(e.fixed_score < 0.95);
    memcpy(f->labels, e.full_prediction, sizeof kept);
    ofr_eval_close(&e);

    open_eval(f, &e, &o);
    support_close_one("full", e.score_full, 1, 0);
    const ofr_eval_group *easy = &e.groups[OFR_EVAL_EASY],
                         *hard = &e.groups[OFR_EVAL_HARD];
    assert_int_equal(easy->n + hard->n, N);
    assert_true(easy->n > 0 && hard->n > 0 && easy->high < hard->low);
    assert_int_equal(e.groups[OFR_EVAL_TERCILE1].n + e.groups[OFR_EVAL_TERCILE2].n +
                         e.groups[OFR_EVAL_TERCILE3].n, N);
    support_close_one("full", easy->score_full, 1, 0);
    support_close_one("parts", easy->score * easy->n + hard->score * hard->n, e.score * N,
                      1e-9);
    support_close_one("parts", easy->mean_exit * easy->n + hard->mean_exit * hard->n,
                      e.mean_exit * N, 1e-9);
    ofr_eval_close(&e);
    memcpy(f->labels, kept, sizeof kept);
}

/* Classifiers that all say class 0 from layer 3 on, and often before: memorized
 * layers are 1 to 3, so the median is inside, and easy means up to it. */
static void median_splits(void **state)
{
    fixture *f = *state;
    int kept[N], median = 0, up_to = 0;
    ofr_real biases[L][K];
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 32);
    ofr_eval e;
    ofr_error err;
    memcpy(kept, f->labels, sizeof kept);
    memset(f->labels, 0, sizeof kept);
    for (int l = 0; l < L; l++) {
        ofr_real *bias = f->encoder.w + f->encoder.params.exits[l].head_b;
        memcpy(biases[l], bias, sizeof biases[l]);
        bias[0] += l >= 2 ? (ofr_real)100 : (ofr_real)3;
    }
    assert_ok(ofr_encoder_pack(&f->encoder, f->dev, OFR_PRECISION_F32, &err), err);
    open_eval(f, &e, &o);
    for (int m = 1; m <= L && 2 * up_to < N; m++) {
        median = m;
        for (int i = 0; i < N; i++)
            up_to += e.memorized[i] == m;
    }
    const ofr_eval_group *easy = &e.groups[OFR_EVAL_EASY],
                         *hard = &e.groups[OFR_EVAL_HARD];
    assert_true(median < 3 && up_to < N);
    assert_int_equal(easy->n, up_to);
    assert_int_equal(easy->high, median);
    assert_true(hard->low > median);
    assert_int_equal(hard->high, 3);
    ofr_eval_close(&e);
    memcpy(f->labels, kept, sizeof kept);
    for (int l = 0; l < L; l++)
        memcpy(f->encoder.w + f->encoder.params.exits[l].head_b, biases[l],
               sizeof biases[l]);
    assert_ok(ofr_encoder_pack(&f->encoder, f->dev, OFR_PRECISION_F32, &err), err);
}

static void batch_does_not_matter(void **state)
{
    fixture *f = *state;
    ofr_eval_options o = untimed(&ofr_rule_entropy, 0.8, 1);
    ofr_eval one, many;
    open_eval(f, &one, &o);
    o.batch = 50;
    open_eval(f, &many, &o);
    assert_memory_equal(one.exit_layer, many.exit_layer, N * sizeof(int));
    assert_memory_equal(one.prediction, many.prediction, N * sizeof(int));
    support_close_one("random", one.random_score, many.random_score, 0);
    ofr_eval_close(&one);
    ofr_eval_close(&many);
}

static void regression(void **state)
{
    const tiny_shape shape = {.L = L, .C = C, .H = 4, .F = F, .K = 1, .policy_hidden = 8};
    fixture *f = *state;
    ofr_dataset data = f->data;
    ofr_encoder encoder;
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 8);
    ofr_eval e;
    ofr_error err;
    float *targets = test_calloc(N, sizeof *targets);
    tiny_encoder(&encoder, &shape, 6);
    assert_true(encoder.config.regression);
    assert_ok(ofr_encoder_pack(&encoder, f->dev, OFR_PRECISION_F32, &err), err);
    data.labels = NULL;
    data.targets = targets;
    assert_fails(ofr_eval_open(&e, &encoder, f->dev, &data, &o, &err), OFR_INVALID, err,
                 "accuracy");
    o.metric = o.metric2 = OFR_METRIC_PEARSON;
    assert_ok(ofr_eval_open(&e, &encoder, f->dev, &data, &o, &err), err);
    for (int i = 0; i < N; i++)
        targets[i] = 3 * (float)e.outputs.logits[i * L + L - 1] + 1;
    ofr_eval_close(&e);
    assert_ok(ofr_eval_open(&e, &encoder, f->dev, &data, &o, &err), err);
    support_close_one("full", e.score_full, 1, 1e-6);
    for (int i = 0; i < N && support_same_bits("values"); i++)
        support_close_one("value", (double)e.value[i],
                          (double)e.outputs.logits[i * L + e.exit_layer[i] - 1], 0);
    assert_int_equal(e.mismatches, 0);
    ofr_eval_close(&e);
    ofr_encoder_close(&encoder);
    test_free(targets);
}

static bool stop_at(void *user, int done, int total)
{
    int *left = user;
    assert_true(done >= 0 && done <= total);
    return --*left > 0;
}

static void timing(void **state)
{
    fixture *f = *state;
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 5);
    ofr_eval e;
    o.timed_runs = 30; /* more than one pass: 11 runs of 7 calls */
    o.timed_seconds = 1e9;
    open_eval(f, &e, &o);
    assert_int_equal(e.early.runs, 30);
    assert_int_equal(e.early.calls, 30 * 7);
    assert_true(e.early.median > 0 && e.early.p95 > 0 && e.full.mean > 0);
    ofr_eval_close(&e);
    o.timed_seconds = 0; /* a hundred calls are enough then */
    open_eval(f, &e, &o);
    assert_int_equal(e.full.calls, 105);
    ofr_eval_close(&e);
}

/* The first texts: what is done again and again is done with these. */
static ofr_dataset few_texts(const fixture *f)
{
    ofr_dataset data = f->data;
    data.n = 40;
    return data;
}

/* At every question whether to go on: in both passes and while timing. */
static void stopping(void **state)
{
    fixture *f = *state;
    const ofr_dataset data = few_texts(f);
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 5);
    ofr_eval e;
    ofr_error err;
    ofr_status status = OFR_INTERRUPTED;
    int after = 0, timed = 0;
    o.timed_runs = 5;
    o.progress = stop_at;
    while (status != OFR_OK) {
        int left = ++after;
        size_t live = ofr_mem_live();
        o.user = &left;
        status = ofr_eval_open(&e, &f->encoder, f->dev, &data, &o, &err);
        if (status == OFR_OK) ofr_eval_close(&e);
        assert_true(status == OFR_OK || status == OFR_INTERRUPTED);
        timed += status != OFR_OK && strstr(err.text, "during timing") != NULL;
        assert_int_equal(live, ofr_mem_live());
    }
    assert_true(after > 10);
    assert_int_equal(timed, o.timed_runs);
}

static void failures(void **state)
{
    fixture *f = *state;
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 5);
    ofr_dataset data = few_texts(f);
    ofr_eval e;
    ofr_error err;
    data.labels = NULL;
    assert_fails(ofr_eval_open(&e, &f->encoder, f->dev, &data, &o, &err), OFR_INVALID,
                 err, "right answers");
    data.labels = f->labels;
    o.metric = OFR_METRIC_F1;
    assert_fails(ofr_eval_open(&e, &f->encoder, f->dev, &data, &o, &err), OFR_INVALID,
                 err, "2 classes");
    o.metric = OFR_METRIC_ACCURACY;
    o.timed_runs = 2;
    ofr_status status = OFR_NOMEM;
    for (size_t n = 1; status != OFR_OK; n++) {
        size_t live = ofr_mem_live();
        assert_true(n < 200);
        ofr_mem_fail_at(n, n % 2 == 0);
        status = ofr_eval_open(&e, &f->encoder, f->dev, &data, &o, &err);
        ofr_mem_fail_at(0, false);
        if (status == OFR_OK) ofr_eval_close(&e);
        assert_true(status == OFR_OK || status == OFR_NOMEM);
        assert_int_equal(live, ofr_mem_live());
    }
}

static void records(void **state)
{
    static const char *const keys[] = {
        "task", "metric", "score", "score_full", "mean_exit_layer", "n_layers",
        "saved_layers", "ms_per_text", "ms_per_text_full", "exit_histogram",
        "layer_accuracy", "schema_version"};
    char a[] = "no\tway", b[] = "b", c[] = "c";
    char *const names[] = {a, b, c};
    fixture *f = *state;
    ofr_eval_options o = untimed(&ofr_rule_policy, 0.5, 5);
    ofr_record_about about = {.schema_version = 1, .task = "a \"task\"", .model = "m",
                              .processor = "p", .kernels = "k", .threads = 1};
    ofr_eval e;
    ofr_error err;
    ofr_buf out;
    json_t *json = NULL;
    open_eval(f, &e, &o);
    ofr_buf_init(&out);
    ofr_record_json(&out, &e, &about);
    assert_ok(ofr_json_parse(&json, out.p, out.n, "record", &err), err);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(json_object_get(json, keys[i]));
    assert_string_equal(json_string_value(json_object_get(json, "task")), "a \"task\"");
    assert_int_equal(json_array_size(json_object_get(json, "layer_accuracy")), L);
    support_close_one("score", json_real_value(json_object_get(json, "score")), e.score,
                      0);
    assert_true(json_is_null(json_object_get(json, "ms_per_text")));
    json_decref(json);
    ofr_buf_free(&out);

    const char *path = support_path("predictions.tsv");
    assert_ok(ofr_record_predictions(path, &e, names, &err), err);
    const char *text = support_read(path);
    int lines = 0, tabs = 0;
    for (const char *p = text; *p; p++) {
        lines += *p == '\n';
        tabs += *p == '\t';
    }
    assert_int_equal(lines, N + 1);
    assert_int_equal(tabs, (N + 1) * (3 + L - 1 + L * K));
    assert_non_null(strstr(text, "no way"));
    assert_fails(ofr_record_predictions(support_path("nowhere/x"), &e, names, &err),
                 err.status == OFR_NOT_FOUND ? OFR_NOT_FOUND : OFR_IO, err, "nowhere");
    ofr_eval_close(&e);
}

/* Exits that a training left behind: what they say is not of the model. */
static void untrained_exits(void **state)
{
    char a[] = "a", b[] = "b", c[] = "c";
    char *const names[] = {a, b, c};
    fixture *f = *state;
    ofr_eval_options o = untimed(&ofr_rule_never, 0, 5);
    ofr_record_about about = {.schema_version = 1, .task = "t", .model = "m",
                              .processor = "p", .kernels = "k", .threads = 1};
    ofr_eval trained, e;
    ofr_error err;
    ofr_buf out;
    json_t *json = NULL;
    open_eval(f, &trained, &o);
    f->encoder.config.has_exits = false;
    open_eval(f, &e, &o);
    f->encoder.config.has_exits = true;
    for (int l = 1; l < L; l++) {
        assert_true(isfinite(trained.layer_accuracy[l - 1]));
        assert_true(isnan(e.layer_accuracy[l - 1]) && isnan(e.layer_score[l - 1]) &&
                    isnan(e.calibration[l - 1]));
    }
    support_close_one("last", e.layer_accuracy[L - 1], trained.layer_accuracy[L - 1], 0);
    support_close_one("full", e.score_full, trained.score_full, 0);
    support_close_one("random", e.random_score, trained.random_score, 0);
    support_close_one("fixed", e.fixed_score, trained.fixed_score, 0);
    assert_true(isnan(e.overthinking) && isnan(e.oracle_accuracy) &&
                isnan(e.oracle_mean_exit));
    assert_int_equal(e.groups[OFR_EVAL_EASY].n, 0);
    assert_true(isnan(e.groups[OFR_EVAL_EASY].score));

    ofr_buf_init(&out);
    ofr_record_json(&out, &e, &about);
    assert_ok(ofr_json_parse(&json, out.p, out.n, "record", &err), err);
    const json_t *easy = json_object_get(json, "easy");
    assert_true(json_is_null(json_object_get(easy, "n")));
    assert_true(json_is_null(json_object_get(easy, "mean_exit_layer")));
    json_decref(json);
    ofr_buf_free(&out);

    const char *path = support_path("untrained.tsv");
    assert_ok(ofr_record_predictions(path, &e, names, &err), err);
    const char *line = strchr(support_read(path), '\n') + 1;
    for (int tab = 0; tab < 4 + L - 1; tab++)
        line = strchr(line, '\t') + 1;
    /* K fields of each layer below the last, all of them empty. */
    for (int field = 0; field < (L - 1) * K; field++)
        assert_int_equal(line[field], '\t');
    assert_true(line[(L - 1) * K] == '0' || line[(L - 1) * K] == '1');
    ofr_eval_close(&trained);
    ofr_eval_close(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(flops),
        cmocka_unit_test(fixed_is_fixed),
        cmocka_unit_test(planted),
        cmocka_unit_test(median_splits),
        cmocka_unit_test(batch_does_not_matter),
        cmocka_unit_test(regression),
        cmocka_unit_test(timing),
        cmocka_unit_test(stopping),
        cmocka_unit_test(failures),
        cmocka_unit_test(records),
        cmocka_unit_test(untrained_exits),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
