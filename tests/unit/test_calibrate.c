/*
 * Learn-then-Test: p-values against exact ones, and the guarantee by simulation,
 * with a population whose true risk is known at every threshold.
 */
#include "support/support.h"

#include <math.h>

#include "base/rng.h"
#include "eval/calibrate.h"

/* Computed with rational numbers and 50 digits (Python's fractions, decimal):
 * hoeffding exp(-2 n (delta - r)^2); the kl form; e times the sum of the terms
 * C(n, i) delta^i (1 - delta)^(n - i), i <= ceil(sum). */
static const struct {
    double sum;
    int n;
    double delta, hoeffding, kl, bentkus;
} exact[] = {
    {0, 299, 0.01, 9.419529053275120e-1, 4.953625663766248e-2, 1.346535062680417e-1},
    {3, 100, 0.1, 3.753110988513995e-1, 2.590009920915660e-2, 2.130178054046889e-2},
    {4, 2000, 0.01, 7.741419687922484e-1, 6.594289727811132e-5, 4.314683903169385e-5},
    {15, 2000, 0.01, 9.753099120283327e-1, 5.010362941277655e-1, 4.219231064196379e-1},
    {9, 50, 0.3, 2.369277586821218e-1, 1.511090375290341e-1, 1.093609200097837e-1},
    {21, 50, 0.5, 5.272924240430486e-1, 5.258396196270555e-1, 4.379645670487136e-1},
    {10, 100, 0.1, 1, 1, 1.585181032159731},
    {995, 2000, 0.51, 5.352614285189902e-1, 5.352042664131391e-1, 3.712288261291760e-1},
    {40, 20000, 0.0025, 9.900498337491681e-1, 3.406963067885320e-1, 2.332315899748899e-1},
    {0.5, 10, 0.3, 2.865047968601901e-1, 1.346271819366698e-1, 4.058621634972476e-1},
};

static void p_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        const double hb = fmin(1, fmin(exact[i].kl, exact[i].bentkus));
        const double p = ofr_calibrate_p(OFR_BOUND_HOEFFDING, exact[i].sum, exact[i].n,
                                         exact[i].delta);
        const double q =
            ofr_calibrate_p(OFR_BOUND_HB, exact[i].sum, exact[i].n, exact[i].delta);

        support_close_one("hoeffding", p, exact[i].hoeffding, 1e-12);
        support_close_one("hb", q, hb, 1e-10 * hb);
    }
    /* a risk at or above delta proves nothing */
    support_close_one("above", ofr_calibrate_p(OFR_BOUND_HOEFFDING, 20, 100, 0.1), 1, 0);
    support_close_one("above", ofr_calibrate_p(OFR_BOUND_HB, 20, 100, 0.1), 1, 0);
}

/* Losses of -1, 0, 1 have a range of 2: Hoeffding is exp(-n (delta - r)^2 / 2), not
 * exp(-2 n (delta - r)^2).  sum -10 of 100, delta 0.2: exp(-100 * 0.09 / 2). */
static void net_p_values(void **state)
{
    (void)state;
    support_close_one("net", ofr_calibrate_p_net(OFR_BOUND_HOEFFDING, -10, 100, 0.2),
                      exp(-4.5), 1e-15);
    support_close_one("net", ofr_calibrate_p_net(OFR_BOUND_HB, -10, 2000, 0.02),
                      ofr_calibrate_p(OFR_BOUND_HB, 995, 2000, 0.51), 1e-15);
}

/* 299: ln 0.05 / ln 0.99; 14,979: ln 20 / (2 * 0.01^2); for a range of 2 four times
 * that. */
static void least_texts(void **state)
{
    ofr_calibrate_options o = {.delta = 0.01, .confidence = 0.95, .bound = OFR_BOUND_HB};

    (void)state;
    for (int net = 0; net < 2; net++)
        for (int bound = 0; bound < 2; bound++) {
            o.risk = net ? OFR_RISK_NET : OFR_RISK_ACCURACY;
            o.bound = (ofr_bound)bound;
            const int n = ofr_calibrate_least_texts(&o);

            if (!net || !bound) assert_int_equal(n, bound ? 299 : net ? 59915 : 14979);

            for (int d = -1; d <= 0; d++) {
                const double p = net ? ofr_calibrate_p_net(o.bound, 0, n + d, 0.01)
                                     : ofr_calibrate_p(o.bound, 0, n + d, 0.01);

                assert_int_equal(p <= 0.05, d == 0);
            }
        }
}

/* ---- a population --------------------------------------------------------------
 * Two layers, two classes, label 1.  A text has s uniform in (0, 1); its policy
 * says pi = 1 - s at layer 1.  Layer 2 is right with probability 0.9; given that,
 * layer 1 is wrong with probability s^2; otherwise layer 1 is right with 0.2.
 * Leaving at threshold tau means s < 1 - tau =: x, so the true risks are
 *   accuracy      0.9 x^3 / 3
 *   disagreement  0.9 x^3 / 3 + 0.1 * 0.2 x
 *   net           0.9 x^3 / 3 - 0.1 * 0.2 x                                       */

enum { TEXTS = 600, STEPS = 60 };

typedef struct sample {
    ofr_outputs outputs;
    ofr_real logits[TEXTS * 2 * 2], pi[TEXTS];
    int labels[TEXTS];
} sample;

static void draw(sample *s, uint64_t number)
{
    s->outputs =
        (ofr_outputs){.n = TEXTS, .L = 2, .K = 2, .logits = s->logits, .pi = s->pi};
    for (int i = 0; i < TEXTS; i++) {
        const uint64_t at = (uint64_t)i * 3;
        const double u = ofr_rng_uniform(77, number, at);
        const bool late = ofr_rng_uniform(77, number, at + 1) < 0.9;
        const double luck = ofr_rng_uniform(77, number, at + 2);
        const bool early = late ? luck >= u * u : luck < 0.2;

        s->pi[i] = (ofr_real)(1 - u);
        s->labels[i] = 1;
        s->logits[4 * i + early] = s->logits[4 * i + 2 + late] = 1;
        s->logits[4 * i + !early] = s->logits[4 * i + 2 + !late] = 0;
    }
}

static double true_risk(ofr_risk risk, double tau)
{
    const double x = 1 - tau, lost = 0.3 * x * x * x, won = 0.02 * x;

    return risk == OFR_RISK_ACCURACY       ? lost
           : risk == OFR_RISK_DISAGREEMENT ? lost + won
                                           : lost - won;
}

typedef struct tally {
    double violations, possible, saved;
} tally;

static tally simulate(ofr_calibrate_options o, int samples)
{
    static sample s;
    tally t = {0};

    o.rule = &ofr_rule_policy;
    o.steps = STEPS;
    for (int k = 0; k < samples; k++) {
        ofr_calibration c;
        ofr_error err;

        draw(&s, (uint64_t)k);
        assert_ok(ofr_calibrate(&c, &s.outputs, s.labels, NULL, &o, &err), err);
        t.possible += (double)c.possible / samples;
        if (!c.possible) continue;
        t.violations += (true_risk(o.risk, c.threshold) > o.delta) / (double)samples;
        t.saved += (1 - c.mean_exit / c.L) / samples;
    }
    return t;
}

/* 1,000 draws of 600 texts at 90 %: the share of draws whose threshold is not safe
 * must not be above 0.1 by more than three standard errors, and the guarantee must
 * not be bought by doing nothing. */
static void guarantee(void **state)
{
    static const struct {
        ofr_risk risk;
        ofr_bound bound;
        double delta, least_saved;
    } cases[] = {
        {OFR_RISK_ACCURACY, OFR_BOUND_HB, 0.03, 0.15},
        {OFR_RISK_ACCURACY, OFR_BOUND_HOEFFDING, 0.08, 0.17},
        {OFR_RISK_DISAGREEMENT, OFR_BOUND_HB, 0.03, 0.13},
        {OFR_RISK_NET, OFR_BOUND_HB, 0.10, 0.18},
        {OFR_RISK_NET, OFR_BOUND_HOEFFDING, 0.15, 0.18},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ofr_calibrate_options o = {.risk = cases[i].risk,
                                         .bound = cases[i].bound,
                                         .delta = cases[i].delta,
                                         .confidence = 0.9};
        const tally t = simulate(o, 1000);

        printf("%s %s: unsafe %.3f, possible %.3f, saved layers %.3f\n",
               ofr_risk_name(o.risk), ofr_bound_name(o.bound), t.violations, t.possible,
               t.saved);
        assert_true(t.violations <= 0.1 + 3 * sqrt(0.1 * 0.9 / 1000));
        assert_true(t.possible > 0.95);
        assert_true(t.saved > cases[i].least_saved);
    }
}

/* The simulation can tell: almost without confidence many more draws are unsafe,
 * and the fastest threshold whose measured risk is below delta, which is what one
 * takes without a guarantee, is unsafe about every second time. */
static void simulation_can_fail(void **state)
{
    static sample s;
    const ofr_calibrate_options bold = {.risk = OFR_RISK_ACCURACY,
                                        .bound = OFR_BOUND_HB,
                                        .delta = 0.03,
                                        .confidence = 0.1};
    const double delta = 0.03;
    double unsafe = 0;

    (void)state;
    assert_true(simulate(bold, 500).violations > 0.15);
    for (int k = 0; k < 500; k++) {
        double best = 1;

        draw(&s, (uint64_t)k);
        for (int step = 0; step <= 100; step++) {
            const double tau = 1 - step / 100.0;
            int lost = 0;

            for (int i = 0; i < TEXTS; i++) {
                const ofr_real *z = s.logits + 4 * (size_t)i;
                lost += (double)s.pi[i] > tau && z[0] > z[1] && z[3] > z[2];
            }
            if (lost <= delta * TEXTS) best = tau;
        }
        unsafe += (true_risk(OFR_RISK_ACCURACY, best) > delta) / 500.0;
    }
    assert_true(unsafe > 0.3);
}

/* ---- what is measured, what is refused -------------------------------------------- */

/* Five texts by hand; tau 0.5 lets the first four leave at layer 1.
 *   text  layer 1  layer 2
 *   0     right    right
 *   1     wrong    right     lost
 *   2     right    wrong     won
 *   3     wrong    wrong     (other classes: another answer)
 *   4     wrong    right     stays                                                 */
static void by_hand(void **state)
{
    static const int answers[5][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 2}, {1, 0}};
    ofr_real logits[5 * 2 * 3] = {0}, pi[5] = {1, 1, 1, 1, 0};
    const int labels[5] = {0, 0, 0, 0, 0};
    const ofr_outputs outputs = {.n = 5, .L = 2, .K = 3, .logits = logits, .pi = pi};
    ofr_calibrate_options o = {.rule = &ofr_rule_policy,
                               .risk = OFR_RISK_ACCURACY,
                               .delta = 0.9,
                               .confidence = 0.1,
                               .steps = 3};
    ofr_calibration c;
    ofr_error err;

    (void)state;
    for (int i = 0; i < 5; i++)
        for (int l = 0; l < 2; l++)
            logits[6 * i + 3 * l + answers[i][l]] = 1;
    assert_ok(ofr_calibrate(&c, &outputs, labels, NULL, &o, &err), err);
    assert_true(c.possible);
    assert_int_equal(c.n, 5);
    support_close_one("threshold", c.threshold, 0.5, 0);
    support_close_one("risk", c.risk, 0.2, 1e-15);
    support_close_one("drop", c.drop, 0, 1e-15);
    support_close_one("disagreement", c.disagreement, 0.6, 1e-15);
    support_close_one("exit", c.mean_exit, 1.2, 1e-15);
    support_close_one("p", c.p, exp(-2 * 5 * 0.7 * 0.7), 1e-15);
    o.risk = OFR_RISK_DISAGREEMENT;
    assert_ok(ofr_calibrate(&c, &outputs, NULL, NULL, &o, &err), err);
    support_close_one("risk", c.risk, 0.6, 1e-15);
    assert_true(isnan(c.drop));

    o.confidence = 0.95;
    o.delta = 0.1;
    assert_ok(ofr_calibrate(&c, &outputs, NULL, NULL, &o, &err), err);
    assert_false(c.possible);
    assert_int_equal(c.accepted, 0);
    o.risk = OFR_RISK_ACCURACY;
    assert_fails(ofr_calibrate(&c, &outputs, NULL, NULL, &o, &err), OFR_INVALID, err,
                 "needs right answers");
    o.rule = &ofr_rule_never;
    assert_fails(ofr_calibrate(&c, &outputs, labels, NULL, &o, &err), OFR_INVALID, err,
                 "no threshold");
}

/* Regression: right and equal mean closer than the limit. */
static void regression(void **state)
{
    ofr_real logits[4] = {1.0f, 1.3f, 3.0f, 1.0f}, pi[2] = {1, 1};
    const float targets[2] = {1.2f, 1.0f};
    const ofr_outputs outputs = {.n = 2, .L = 2, .K = 1, .logits = logits, .pi = pi};
    const ofr_calibrate_options o = {.rule = &ofr_rule_policy,
                                     .risk = OFR_RISK_NET,
                                     .delta = 0.9,
                                     .confidence = 0.01,
                                     .steps = 3,
                                     .error_limit = 0.5};
    ofr_calibration c;
    ofr_error err;

    (void)state;
    assert_ok(ofr_calibrate(&c, &outputs, NULL, targets, &o, &err), err);
    support_close_one("drop", c.drop, 0.5, 1e-15);
    support_close_one("disagreement", c.disagreement, 0.5, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p_values),    cmocka_unit_test(net_p_values),
        cmocka_unit_test(least_texts), cmocka_unit_test(guarantee),
        cmocka_unit_test(by_hand),     cmocka_unit_test(simulation_can_fail),
        cmocka_unit_test(regression),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
