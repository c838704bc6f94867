/*
 * Sweeps: every point is what an evaluation with the real runner gives, the texts
 * are run once, and the knobs are spread.
 */
#include "method/tiny_encoder.h"

#include <math.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "eval/sweep.h"

enum { N = 300, L = 5, C = 32, K = 3, F = 64, MAX_T = 24 };

typedef struct fixture {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_dataset data, part; /* part: the first 120 texts */
    int offsets[N + 1], labels[N];
    int ids[N * MAX_T], types[N * MAX_T];
} fixture;

/* What the wrapped kernel saw; a kernel has no other way to tell. */
static struct {
    void (*attention)(ofr_dev *dev, ofr_real *o, ofr_real *p, const ofr_real *qkv,
                      ofr_attn_shape shape, ofr_drop drop);
    long long texts;
} counted;

static void counting_attention(ofr_dev *dev, ofr_real *o, ofr_real *p,
                               const ofr_real *qkv, ofr_attn_shape shape, ofr_drop drop)
{
    counted.texts += shape.B;
    counted.attention(dev, o, p, qkv, shape, drop);
}

static int open_fixture(void **state)
{
    const tiny_shape shape = {.L = L, .C = C, .H = 4, .F = F, .K = K, .policy_hidden = 8};
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    fixture *f = test_calloc(1, sizeof *f);
    ofr_error err;

    counted.attention = ops.attention;
    ops.attention = counting_attention;
    tiny_encoder(&f->encoder, &shape, 5);
    f->encoder.found = OFR_GROUP_ALL;
    assert_ok(ofr_dev_open(&f->dev, &ops, 1, MAX_T, &err), err);
    assert_ok(ofr_encoder_pack(&f->encoder, f->dev, OFR_PRECISION_F32, &err), err);
    for (int i = 0; i < N; i++) {
        const int T = 1 + (int)ofr_rng_below(1, 2, (uint64_t)i, MAX_T);

        f->offsets[i + 1] = f->offsets[i] + T;
        f->labels[i] = (int)ofr_rng_below(1, 3, (uint64_t)i, K);
    }
    for (int n = 0; n < f->offsets[N]; n++)
        f->ids[n] = (int)ofr_rng_below(1, 4, (uint64_t)n, TINY_V);
    f->data = (ofr_dataset){.n = N, .K = K, .offsets = f->offsets, .ids = f->ids,
                            .types = f->types, .labels = f->labels, .max_T = MAX_T};
    f->part = f->data;
    f->part.n = 120;
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

static void open_sweep(fixture *f, ofr_sweep *s, const ofr_dataset *tune, bool features)
{
    ofr_sweep_options o;
    ofr_error err;

    ofr_sweep_options_init(&o);
    o.features = features;
    assert_ok(ofr_sweep_open(s, &f->encoder, f->dev, tune, &f->data, &o, &err), err);
}

static void same_as_runner(fixture *f, const ofr_sweep_curve *curve,
                           const ofr_sweep_point *point)
{
    ofr_eval_options o;
    ofr_eval e;
    ofr_error err;

    ofr_eval_options_init(&o);
    o.rule = isnan(point->knob) ? &ofr_rule_never : curve->rule;
    o.threshold = isnan(point->knob) ? 0 : point->knob;
    o.batch = 16;
    o.timed_runs = 0;
    assert_ok(ofr_eval_open(&e, &f->encoder, f->dev, &f->data, &o, &err), err);
    support_close_one("score", point->report.score, e.score, 1e-12);
    support_close_one("mean exit", point->report.mean_exit, e.mean_exit, 1e-12);
    support_close_one("saved", point->report.saved_layers, e.saved_layers, 1e-12);
    support_close_one("FLOPs", point->report.flops_ratio, e.flops_ratio, 1e-12);
    support_close_one("random", point->random_score, e.random_score, 1e-12);
    support_close_one("deviation", point->random_deviation, e.random_deviation, 1e-12);
    for (int l = 0; l < L; l++) {
        assert_int_equal(point->histogram[l], e.histogram[l]);
        if (e.histogram[l])
            support_close_one("right", (double)point->right[l] / e.histogram[l],
                              e.exit_accuracy[l], 1e-12);
    }
    ofr_eval_close(&e);
}

/* Five rules, twenty values each: every point against the runner. */
static void points(void **state)
{
    static const ofr_rule *const rules[] = {&ofr_rule_policy, &ofr_rule_entropy,
                                            &ofr_rule_confidence, &ofr_rule_patience,
                                            &ofr_rule_pcee};
    fixture *f = *state;
    ofr_sweep s;
    ofr_error err;

    open_sweep(f, &s, NULL, false);
    for (int r = 0; r < 5; r++)
        assert_ok(ofr_sweep_add(&s, rules[r], r ? (double)NAN : 0.5, &err), err);
    assert_ok(ofr_sweep_fronts(&s, &err), err);
    for (int r = 0; r < 5; r++) {
        const ofr_sweep_curve *curve = &s.curves[r];
        int n_stored = 0, n_front = 0;

        assert_ptr_equal(curve->rule, rules[r]);
        assert_true(isnan(curve->points[0].knob));
        support_close_one("full", curve->points[0].report.score, s.report->score_full, 0);
        for (int i = 0; i < curve->n; i++) {
            if (i % 3 == 0 || curve->points[i].stored)
                same_as_runner(f, curve, &curve->points[i]);
            n_stored += curve->points[i].stored;
            n_front += curve->points[i].front;
        }
        assert_int_equal(n_stored, r == 0);
        assert_true(n_front >= 1 && n_front < curve->n);
    }
    ofr_sweep_close(&s);
}

/* A sweep of any size is one pass: N texts through L layers, and with tuning texts
 * those as well. */
static void one_pass(void **state)
{
    fixture *f = *state;
    ofr_sweep s;
    ofr_error err;

    for (int tuned = 0; tuned < 2; tuned++) {
        const long long before = counted.texts;

        open_sweep(f, &s, tuned ? &f->part : NULL, false);
        for (int i = 0; ofr_rules[i]; i++)
            if (!ofr_rule_fits(ofr_rules[i], &f->encoder.config, NULL))
                assert_ok(ofr_sweep_add(&s, ofr_rules[i], NAN, &err), err);
        assert_true(ofr_sweep_count(&s) > 5 * 15);
        assert_ok(ofr_sweep_fronts(&s, &err), err);
        assert_int_equal(counted.texts - before, (N + (tuned ? 120 : 0)) * L);
        assert_int_equal(s.texts_run, N + (tuned ? 120 : 0));
        ofr_sweep_close(&s);
    }
}

/* Real knobs: as many as asked for, and no gap in mean exit much wider than an even
 * spread has; patience and fixed: every whole number. */
static void knobs(void **state)
{
    fixture *f = *state;
    ofr_sweep s;
    ofr_error err;

    open_sweep(f, &s, NULL, false);
    assert_ok(ofr_sweep_add(&s, &ofr_rule_policy, NAN, &err), err);
    assert_ok(ofr_sweep_add(&s, &ofr_rule_entropy, NAN, &err), err);
    assert_ok(ofr_sweep_add(&s, &ofr_rule_patience, NAN, &err), err);
    assert_ok(ofr_sweep_add(&s, &ofr_rule_fixed, NAN, &err), err);
    for (int r = 0; r < 2; r++) {
        const ofr_sweep_curve *curve = &s.curves[r];
        double widest = 0;

        assert_int_equal(curve->n, 21);
        for (int i = 2; i < curve->n; i++) {
            const double step = curve->points[i].report.mean_exit -
                                curve->points[i - 1].report.mean_exit;

            assert_true(step <= 1e-12); /* from the safest to the fastest */
            if (-step > widest) widest = -step;
        }
        support_close_one("fastest", curve->points[20].report.mean_exit, 1, 0.2);
        assert_true(widest < 4.0 * (L - 1) / 19);
    }
    for (int r = 2; r < 4; r++)
        for (int i = 1; i < s.curves[r].n; i++)
            for (int j = 1; j < i; j++) {
                const double knob = s.curves[r].points[i].knob;

                assert_true(knob == floor(knob) && knob <= L);
                assert_true(knob != s.curves[r].points[j].knob);
            }
    assert_true(s.curves[2].n >= L - 1);
    assert_int_equal(s.curves[3].n, 1 + L);
    double all[OFR_SWEEP_KNOBS_MAX]; /* also where fewer are asked for */
    assert_int_equal(ofr_sweep_knobs(&s, &ofr_rule_fixed, s.tune->outputs.pi, all, 3), L);
    ofr_sweep_close(&s);
}

/* The knob is looked for on the tuning texts: fronts follow them, whatever the
 * reported texts say. */
static void tuned(void **state)
{
    fixture *f = *state;
    ofr_sweep s;
    ofr_error err;
    int differs = 0;

    open_sweep(f, &s, &f->part, false);
    assert_ok(ofr_sweep_add(&s, &ofr_rule_confidence, NAN, &err), err);
    assert_ok(ofr_sweep_fronts(&s, &err), err);
    const ofr_sweep_curve *curve = &s.curves[0];
    for (int i = 0; i < curve->n; i++) {
        const ofr_sweep_figures *a = &curve->points[i].tune;
        bool beaten = false;

        for (int j = 0; j < curve->n; j++) {
            const ofr_sweep_figures *b = &curve->points[j].tune;

            beaten = beaten || (b->saved_layers >= a->saved_layers &&
                                b->score >= a->score &&
                                (b->saved_layers > a->saved_layers ||
                                 b->score > a->score || j < i));
        }
        assert_int_equal(curve->points[i].front, !beaten);
        differs += a->score != curve->points[i].report.score;
    }
    assert_true(s.tuned && differs > curve->n / 2);
    ofr_sweep_close(&s);
}

/* Oracles, once more from the stored outputs. */
static void oracles(void **state)
{
    fixture *f = *state;
    ofr_sweep s;
    int n_ever = 0, histogram[2][L] = {{0}};

    open_sweep(f, &s, NULL, false);
    for (int i = 0; i < N; i++) {
        const ofr_real *z = s.report->outputs.logits + (size_t)i * L * K;
        const int last = ofr_argmax(z + (L - 1) * K, K);
        int first_right = 0, first_same = 0;

        for (int l = L; l >= 1; l--) {
            const int answer = ofr_argmax(z + (l - 1) * K, K);

            if (answer == f->labels[i]) first_right = l;
            if (answer == last) first_same = l;
        }
        n_ever += first_right > 0;
        histogram[0][(first_right ? first_right : L) - 1]++;
        histogram[1][first_same - 1]++;
    }
    support_close_one("first right", s.oracles[0].report.accuracy, (double)n_ever / N,
                      1e-12);
    support_close_one("agreeing", s.oracles[1].report.score, s.report->score_full, 0);
    for (int l = 0; l < L; l++) {
        assert_int_equal(s.oracles[0].histogram[l], histogram[0][l]);
        assert_int_equal(s.oracles[1].histogram[l], histogram[1][l]);
    }
    ofr_sweep_close(&s);
}

static size_t copy_policies(const ofr_encoder *encoder, ofr_real *w)
{
    size_t n = 0;

    for (int i = 0; i < encoder->params.n; i++) {
        const ofr_param *param = &encoder->params.rows[i];

        if (!(param->group & OFR_GROUP_POLICIES)) continue;
        if (w) memcpy(w + n, encoder->w + param->offset, param->count * sizeof *w);
        n += param->count;
    }
    return n;
}

/* The model's own policies as those of a price give the same curve but for the
 * rounding of the cache; policies of zeros say 1/2 everywhere. */
static void prices(void **state)
{
    fixture *f = *state;
    const size_t n = copy_policies(&f->encoder, NULL);
    ofr_real *w = test_calloc(n, sizeof *w), *before = test_calloc(n, sizeof *before);
    ofr_sweep s;
    ofr_error err;

    copy_policies(&f->encoder, before);
    copy_policies(&f->encoder, w);
    open_sweep(f, &s, &f->part, true);
    assert_ok(ofr_sweep_policies(&s, &f->encoder, 0.25, w, &err), err);
    support_close_one("price", s.curves[0].alpha, 0.25, 0);
    for (size_t i = 0; i < (size_t)N * (L - 1); i++)
        support_close_one("pi", (double)s.curves[0].pi_report[i],
                          (double)s.report->outputs.pi[i], 4e-3);
    assert_true(s.curves[0].pi_tune != s.curves[0].pi_report);
    memset(w, 0, n * sizeof *w);
    assert_ok(ofr_sweep_policies(&s, &f->encoder, 1, w, &err), err);
    for (int i = 1; i < s.curves[1].n; i++) {
        const ofr_sweep_point *point = &s.curves[1].points[i];

        support_close_one("at once or never", point->report.mean_exit,
                          point->knob < 0.5 ? 1 : L, 0);
    }
    copy_policies(&f->encoder, w);
    assert_memory_equal(w, before, n * sizeof *w);
    ofr_sweep_close(&s);
    test_free(w);
    test_free(before);
}

static void failures(void **state)
{
    fixture *f = *state;
    ofr_sweep_options o;
    ofr_dataset bare = f->data;
    ofr_sweep s;
    ofr_error err;
    ofr_status status = OFR_NOMEM;

    ofr_sweep_options_init(&o);
    bare.labels = NULL;
    assert_fails(ofr_sweep_open(&s, &f->encoder, f->dev, NULL, &bare, &o, &err),
                 OFR_INVALID, err, "right answers");
    assert_fails(ofr_sweep_open(&s, &f->encoder, f->dev, &bare, &f->data, &o, &err),
                 OFR_INVALID, err, "right answers");
    o.metric = OFR_METRIC_F1;
    assert_fails(ofr_sweep_open(&s, &f->encoder, f->dev, NULL, &f->data, &o, &err),
                 OFR_INVALID, err, "2 classes");
    o.metric = OFR_METRIC_ACCURACY;
    o.features = true;
    for (size_t n = 1; status != OFR_OK; n++) {
        const size_t live = ofr_mem_live();

        assert_true(n < 200);
        ofr_mem_fail_at(n, n % 2 == 0);
        status = ofr_sweep_open(&s, &f->encoder, f->dev, &f->part, &f->data, &o, &err);
        if (!status) {
            status = ofr_sweep_add(&s, &ofr_rule_entropy, NAN, &err);
            if (!status) status = ofr_sweep_fronts(&s, &err);
            ofr_sweep_close(&s);
        }
        ofr_mem_fail_at(0, false);
        assert_true(status == OFR_OK || status == OFR_NOMEM);
        assert_int_equal(live, ofr_mem_live());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points), cmocka_unit_test(one_pass), cmocka_unit_test(knobs),
        cmocka_unit_test(tuned),  cmocka_unit_test(oracles),  cmocka_unit_test(prices),
        cmocka_unit_test(failures),
    };

    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
