/*
 * Verdict on hand-made journals: each is written so that one sentence of the rule
 * decides, and a neighbour of it so that the sentence does not.
 */
#include "support/support.h"

#include <math.h>

#include "base/str.h"
#include "eval/verdict.h"

enum { L = 10, N = 10000 }; /* so many texts that half a point is the tolerance */

typedef struct look {
    double score, mean_exit, reward, changed; /* NAN: leave the key out */
} look;

static void real(ofr_buf *out, const char *key, double value)
{
    if (!isnan(value)) ofr_buf_addf(out, ",\"%s\":%.17g", key, value);
}

static void line(ofr_buf *out, const char *event, const char *phase, int iteration,
                 int epoch, const look *at)
{
    ofr_buf_addf(out,
                 "{\"event\":\"%s\",\"phase\":\"%s\",\"iteration\":%d,\"epoch\":%d,"
                 "\"step\":%d,\"metric\":\"accuracy\",\"score_full\":0.9,"
                 "\"layer_accuracy\":[0,0,0,0,0,0,0,0,0,0.5]",
                 event, phase, iteration, epoch, 10 * epoch);
    real(out, "score", at->score);
    real(out, "mean_exit_layer", at->mean_exit);
    if (!isnan(at->mean_exit))
        ofr_buf_addf(out, ",\"exit_histogram\":[%d,0,0,0,0,0,0,0,0,0]", N);
    real(out, "reward", at->reward);
    real(out, "changed_exits", at->changed);
    ofr_buf_adds(out, "}\n");
}

/* Verdict on a journal whose last phase has these epochs. */
static ofr_run_verdict judge(const look *looks, int n)
{
    ofr_run_verdict verdict;
    ofr_error err;
    ofr_buf out;

    ofr_buf_init(&out);
    ofr_buf_adds(&out, "{\"event\":\"step\",\"phase\":\"joint\",\"loss\":1}\n");
    for (int i = 0; i < n; i++)
        line(&out, "evaluation", "policy", 0, i + 1, &looks[i]);
    assert_ok(
        ofr_verdict_of_journal(&verdict, support_write("journal.jsonl", out.p), &err),
        err);
    ofr_buf_free(&out);
    return verdict;
}

static void expect(ofr_verdict_kind want, const look *looks, int n)
{
    const ofr_run_verdict v = judge(looks, n);

    if (v.run.kind != want)
        fail_msg("%s, expected %s: %s", ofr_verdict_name(v.run.kind),
                 ofr_verdict_name(want), v.run.why);
    assert_int_equal(v.epochs.kind, want);
    assert_int_equal(v.epochs.n, n);
    assert_string_equal(v.phase, n ? "policy" : "");
    assert_int_equal(v.iterations.kind, OFR_VERDICT_UNKNOWN);
    assert_true(v.run.why[0] != 0);
}

#define EXPECT(want, ...)                                                                \
    do {                                                                                 \
        const look looks[] = {__VA_ARGS__};                                              \
        expect(want, looks, (int)(sizeof looks / sizeof *looks));                        \
    } while (0)
#define X (double)NAN

static void converged_or_moving(void **state)
{
    (void)state;
    EXPECT(OFR_VERDICT_UNKNOWN, {0.9, 5, X, X});
    EXPECT(OFR_VERDICT_CONVERGED, {0.900, 5, X, X}, {0.904, 5.1, X, X});
    EXPECT(OFR_VERDICT_CONVERGED, {0.5, 9, X, X}, {0.900, 5, X, X}, {0.904, 5.1, X, 0.09},
           {0.908, 5.2, X, 0.09});
    /* one of the last two moves is too long; too many texts left elsewhere */
    EXPECT(OFR_VERDICT_MOVING, {0.5, 9, X, X}, {0.898, 5, X, X}, {0.904, 5.1, X, X},
           {0.908, 5.2, X, X});
    EXPECT(OFR_VERDICT_MOVING, {0.5, 9, X, X}, {0.900, 5.3, X, X}, {0.904, 5.05, X, X},
           {0.908, 5.0, X, X});
    EXPECT(OFR_VERDICT_MOVING, {0.900, 5, X, X}, {0.904, 5.1, X, X},
           {0.904, 5.1, X, 0.11});
    /* without an exit rule: score_full alone, 0.9 each time */
    EXPECT(OFR_VERDICT_CONVERGED, {X, X, X, X}, {X, X, X, X});
}

static void degrading(void **state)
{
    (void)state;
    /* the second look was more right by more than a point, and no deeper */
    EXPECT(OFR_VERDICT_DEGRADING, {0.8, 5, X, X}, {0.92, 5, X, X}, {0.905, 5, X, X});
    EXPECT(OFR_VERDICT_CONVERGED, {0.908, 5, X, X}, {0.904, 5, X, X}, {0.9, 5, X, X});
    /* speed has paid for it; a deeper exit has not */
    EXPECT(OFR_VERDICT_MOVING, {0.8, 5, X, X}, {0.92, 5, X, X}, {0.9, 4, X, X});
    EXPECT(OFR_VERDICT_DEGRADING, {0.8, 5, X, X}, {0.92, 5, X, X}, {0.9, 6, X, X});
    /* deeper for nothing, unless the reward rose */
    EXPECT(OFR_VERDICT_DEGRADING, {0.9, 4, -1, X}, {0.9, 5, -1.1, X});
    EXPECT(OFR_VERDICT_MOVING, {0.9, 4, -1, X}, {0.9, 5, -0.9, X});
    /* of four looks the end is the last two, whose reward fell although the last rose */
    EXPECT(OFR_VERDICT_DEGRADING, {0.9, 4, -1, X}, {0.9, 4, -1, X}, {0.9, 5, -1.2, X},
           {0.9, 5, -0.95, X});
    EXPECT(OFR_VERDICT_MOVING, {0.9, 4, -1, X}, {0.9, 4, -1, X}, {0.9, 5, -1, X},
           {0.9, 5, -0.95, X});
    /* one unlucky look at the end of many does not decide, two do */
    EXPECT(OFR_VERDICT_MOVING, {0.9, 5, X, X}, {0.9, 5, X, X}, {0.9, 5, X, X},
           {0.9, 5, X, X}, {0.883, 5, X, X});
    EXPECT(OFR_VERDICT_DEGRADING, {0.9, 5, X, X}, {0.9, 5, X, X}, {0.9, 5, X, X},
           {0.885, 5, X, X}, {0.883, 5, X, X});
}

static void oscillating(void **state)
{
    (void)state;
    EXPECT(OFR_VERDICT_OSCILLATING, {0.90, 5, X, X}, {0.88, 5, X, X}, {0.90, 5, X, X},
           {0.88, 5, X, X});
    EXPECT(OFR_VERDICT_OSCILLATING, {0.9, 5, X, X}, {0.9, 6, X, X}, {0.9, 5, X, X},
           {0.9, 6, X, X});
    /* a zigzag that makes its way is none */
    EXPECT(OFR_VERDICT_MOVING, {0.70, 5, X, X}, {0.75, 5, X, X}, {0.74, 5, X, X},
           {0.79, 5, X, X}, {0.78, 5, X, X}, {0.83, 5, X, X});
    /* swings that ended long ago are forgiven */
    EXPECT(OFR_VERDICT_CONVERGED, {0.90, 5, X, X}, {0.88, 5, X, X}, {0.90, 5, X, X},
           {0.88, 5, X, X}, {0.90, 5, X, X}, {0.90, 5, X, X}, {0.90, 5, X, X},
           {0.90, 5, X, X}, {0.90, 5, X, X});
}

/* On 100 texts at 0.8 a standard error is 0.04: moves of two texts are noise. */
static void few_texts(void **state)
{
    ofr_history_point p[3] = {{.score = 0.80}, {.score = 0.82}, {.score = 0.80}};
    ofr_verdict v;

    (void)state;
    for (int i = 0; i < 3; i++) {
        p[i].n = 100;
        p[i].mean_exit = p[i].reward = p[i].changed = NAN;
    }
    ofr_verdict_of(&v, p, 3, L);
    assert_int_equal(v.kind, OFR_VERDICT_CONVERGED);
    p[1].score = 0.83;
    ofr_verdict_of(&v, p, 3, L);
    assert_int_equal(v.kind, OFR_VERDICT_MOVING);
    p[1].score = 0.85;
    ofr_verdict_of(&v, p, 3, L);
    assert_int_equal(v.kind, OFR_VERDICT_DEGRADING);
}

/* Iterations are judged by their ends, epochs by those of the last phase alone,
 * and the worse of the two counts. */
static void two_views(void **state)
{
    static const look good = {0.9, 5, X, X}, better = {0.95, 5, X, X};
    ofr_run_verdict v;
    ofr_error err;
    ofr_buf out;

    (void)state;
    ofr_buf_init(&out);
    line(&out, "evaluation", "joint", 0, 1, &good);
    line(&out, "evaluation", "policy", 0, 1, &better);
    line(&out, "iteration", "policy", 0, 1, &better);
    line(&out, "evaluation", "policy", 1, 1, &good);
    line(&out, "evaluation", "policy", 1, 2, &good);
    line(&out, "iteration", "policy", 1, 2, &good);
    line(&out, "sweep", "sweep", 1, 1, &better);
    assert_ok(ofr_verdict_of_journal(&v, support_write("two.jsonl", out.p), &err), err);
    assert_int_equal(v.epochs.kind, OFR_VERDICT_CONVERGED);
    assert_int_equal(v.epochs.n, 2);
    assert_int_equal(v.iterations.kind, OFR_VERDICT_DEGRADING);
    assert_int_equal(v.iterations.n, 2);
    assert_int_equal(v.run.kind, OFR_VERDICT_DEGRADING);
    assert_string_equal(v.run.why, v.iterations.why);
    ofr_buf_free(&out);
}

static void history(void **state)
{
    static const char text[] =
        "{\"event\":\"step\",\"loss\":2}\n"
        "{\"event\":\"evaluation\",\"phase\":\"policy\",\"iteration\":2,\"epoch\":3,"
        "\"step\":77,\"metric\":\"f1\",\"score_full\":0.5,\"layer_accuracy\":[0.25,0.75],"
        "\"score\":0.625,\"mean_exit_layer\":1.5,\"exit_histogram\":[3,4],"
        "\"policy_entropy\":0.125,\"changed_exits\":null,\"reward\":-2}";
    ofr_history h;
    ofr_error err;

    (void)state;
    assert_ok(ofr_history_open(&h, support_write("h.jsonl", text), &err), err);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.L, 2);
    assert_string_equal(h.metric, "f1");
    const ofr_history_point *p = h.points;
    assert_string_equal(p->phase, "policy");
    assert_int_equal(p->iteration, 2);
    assert_int_equal(p->epoch, 3);
    assert_int_equal(p->step, 77);
    assert_int_equal(p->n, 7);
    assert_int_equal(p->histogram[1], 4);
    support_close_one("accuracy", p->accuracy[1], 0.75, 0);
    support_close_one("score", p->score, 0.625, 0);
    support_close_one("full", p->score_full, 0.5, 0);
    support_close_one("exit", p->mean_exit, 1.5, 0);
    support_close_one("entropy", p->entropy, 0.125, 0);
    support_close_one("reward", p->reward, -2, 0);
    assert_true(isnan(p->changed));
    ofr_history_close(&h);
    assert_fails(ofr_history_open(&h, support_path("none.jsonl"), &err), OFR_NOT_FOUND,
                 err, "none.jsonl");
    assert_fails(
        ofr_history_open(&h, support_write("bad.jsonl", "{}\n{\"event\":"), &err),
        OFR_FORMAT, err, "bad.jsonl:2");
    assert_fails(
        ofr_history_open(&h,
                         support_write("depth.jsonl", "{\"event\":\"evaluation\","
                                                      "\"layer_accuracy\":[1,1]}\n"
                                                      "{\"event\":\"evaluation\","
                                                      "\"layer_accuracy\":[1]}\n"),
                         &err),
        OFR_FORMAT, err, "depth.jsonl:2: \"layer_accuracy\" has 1 layers");
    /* Together more than an int holds. */
    assert_fails(
        ofr_history_open(&h,
                         support_write("many.jsonl",
                                       "{\"event\":\"evaluation\","
                                       "\"exit_histogram\":[1e9,1e9,1e9]}\n"),
                         &err),
        OFR_FORMAT, err, "many.jsonl:1: \"exit_histogram\" holds 2e+09 texts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converged_or_moving), cmocka_unit_test(degrading),
        cmocka_unit_test(oscillating),         cmocka_unit_test(few_texts),
        cmocka_unit_test(two_views),           cmocka_unit_test(history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
