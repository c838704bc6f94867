/*
 * test_checkkernel_attn.c - attention and its backward of every table against
 * plain loops: lengths from 1 to beyond one block, heads narrow and wider than
 * a block, dropout, large scores; alone, in a batch, with threads: same bits.
 */
#include "check.h"

#include "kernels/ref/ref.h"

enum { MAX_TEXTS = 8 };

struct attn_case {
    ofr_attn_shape s;
    int offsets[MAX_TEXTS + 1];
    size_t p_offsets[MAX_TEXTS + 1];
    size_t C, N, P; /* channels, rows, probabilities */
    ofr_real *qkv, *d_o, *o, *p, *dqkv, *scale;
    ofr_drop drop;
    double growth; /* how much an error of the scores grows: max |s| terms */
};

static const struct {
    int B, H, D, T[MAX_TEXTS];
    double size;
    bool drop;
} cases[] = {
    {1, 1, 1, {1}, 1, false},
    {3, 2, 8, {1, 5, 17}, 1, true},
    {4, 3, 16, {16, 33, 2, 64}, 1, false},
    {5, 4, 64, {7, 48, 49, 31, 96}, 1, true},
    {2, 2, 32, {257, 100}, 1, true},
    {1, 1, 64, {512}, 1, true},
    {1, 2, 64, {601}, 2, false},
    {3, 2, 24, {13, 65, 31}, 6, true},
    {2, 1, 24, {30, 17}, 400, false}, /* e^s overflows without the exact maximum */
    {2, 1, 100, {29, 3}, 1, true},
    {2, 2, 128, {50, 97}, 1, false},
    {2, 1, 200, {60, 11}, 1, true}, /* wider than OFR_DC */
    {8, 4, 13, {3, 3, 3, 1, 9, 27, 12, 2}, 0, false},
    {4, 4, 64, {97, 7, 200, 40}, 1, false}, /* more than a cache holds: fetched ahead */
    {3, 1, 1, {2, 3, 40}, 60, true},        /* weights down to e^-120 */
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static void attn_case_open(struct attn_case *k, int number)
{
    *k = (struct attn_case){.growth = 1};
    k->s = (ofr_attn_shape){cases[number].B, cases[number].H, cases[number].D, k->offsets,
                            k->p_offsets, NULL};
    k->C = (size_t)k->s.H * (size_t)k->s.D;
    k->p_offsets[0] = 5; /* a place in a larger array */
    for (int b = 0; b < k->s.B; b++) {
        int T = cases[number].T[b];
        k->offsets[b + 1] = k->offsets[b] + T;
        k->p_offsets[b + 1] = k->p_offsets[b] + (size_t)k->s.H * T * T;
    }
    k->N = (size_t)k->offsets[k->s.B];
    k->P = k->p_offsets[k->s.B];
    if (cases[number].drop)
        k->drop = (ofr_drop){91u + (unsigned)number, 0x30000000u, (ofr_real)(16 / 13.0),
                             (unsigned)number * 37u};
    k->qkv = check_random(k->N * 3 * k->C, 10u + (unsigned)number, 1);
    for (size_t i = 0; i < k->N * 3 * k->C; i++) /* size 0: all scores equal */
        if (i % (3 * k->C) < k->C) k->qkv[i] *= (ofr_real)cases[number].size;
    k->d_o = check_random(k->N * k->C, 50u + (unsigned)number, 1);
    k->o = check_random(k->N * k->C, 0, 1);
    k->p = check_random(k->P, 0, 1);
    k->dqkv = check_random(k->N * 3 * k->C, 0, 1);
    k->scale = check_random(k->N * 3 * k->C, 0, 1);
    ofr_ops_ref.attention(NULL, k->o, k->p, k->qkv, k->s, k->drop);
    ofr_ops_ref.attention_bwd(NULL, k->dqkv, k->d_o, k->qkv, k->p, k->s, k->drop);
    /* A score is a chain of D products below size; p = e^s passes an absolute
     * error of s on as a relative one. */
    k->growth = 4 + k->s.D * sqrt((double)k->s.D) * cases[number].size;
}

static void attn_case_close(struct attn_case *k)
{
    free(k->qkv);
    free(k->d_o);
    free(k->o);
    free(k->p);
    free(k->dqkv);
    free(k->scale);
}

static int longest(const struct attn_case *k)
{
    int T = 0;
    for (int b = 0; b < k->s.B; b++)
        if (k->offsets[b + 1] - k->offsets[b] > T) T = k->offsets[b + 1] - k->offsets[b];
    return T;
}

/* Worst difference of x and want over n. */
static double worst(const ofr_real *x, const ofr_real *want, size_t n)
{
    double top = 0;
    for (size_t i = 0; i < n; i++) {
        double off = fabs((double)x[i] - (double)want[i]);
        if (!(off <= top)) top = off; /* NaN stays */
    }
    return top;
}

static void forward_on(ofr_dev *dev, const struct attn_case *k, struct guarded *o,
                       struct guarded *p)
{
    check_unset(o);
    check_unset(p);
    dev->ops.attention(dev, o->p, p->p, k->qkv, k->s, k->drop);
    check_guards("attention o", o);
    check_guards("attention p", p);
    double eps = (double)OFR_REAL_EPS, T = longest(k);
    for (size_t i = k->p_offsets[0]; i < k->P; i++) {
        double limit = eps * (k->growth + T) * (double)k->p[i] + 1e-37;
        if (!(fabs((double)p->p[i] - (double)k->p[i]) <= limit))
            fail_msg("%s p[%zu] = %.9g, want %.9g, limit %.3g", dev->ops.name, i,
                     (double)p->p[i], (double)k->p[i], limit);
    }
    /* sum of |drop(p) v| <= scale */
    double limit = eps * (k->growth + 2 * T) * 1.3;
    double off = worst(o->p, k->o, k->N * k->C);
    if (!(off <= limit))
        fail_msg("%s [B%d H%d D%d] o off by %.3g, limit %.3g", dev->ops.name, k->s.B,
                 k->s.H, k->s.D, off, limit);
}

static void test_attention(void **state)
{
    struct check *check = *state;
    for (int number = 0; number < N_CASES; number++) {
        struct attn_case k;
        attn_case_open(&k, number);
        for (int t = 0; t < CHECK_TABLES; t++) {
            ofr_dev *one = check->one[t], *two = check->two[t];
            struct guarded o = check_guarded(k.N * k.C), p = check_guarded(k.P);
            struct guarded o2 = check_guarded(k.N * k.C), p2 = check_guarded(k.P);
            if (one) {
                forward_on(one, &k, &o, &p);
                forward_on(two, &k, &o2, &p2);
                check_same("attention threads o", o2.p, o.p, k.N * k.C);
                check_same("attention threads p", p2.p + 5, p.p + 5, k.P - 5);
            }
            if (one && !k.drop.threshold) { /* inference: no p, no offsets of p */
                ofr_attn_shape bare = k.s;
                bare.p_offsets = NULL;
                two->ops.attention(two, o2.p, NULL, k.qkv, bare, k.drop);
                check_same("attention without p", o2.p, o.p, k.N * k.C);
                for (int b = 0; b < k.s.B; b++) { /* a text alone */
                    int alone[2] = {0, k.offsets[b + 1] - k.offsets[b]};
                    size_t row = (size_t)k.offsets[b];
                    ofr_attn_shape s = {1, k.s.H, k.s.D, alone, NULL, NULL};
                    one->ops.attention(one, o2.p, NULL, k.qkv + row * 3 * k.C, s, k.drop);
                    check_same("text alone", o2.p, o.p + row * k.C,
                               (size_t)alone[1] * k.C);
                }
            }
            free(o.raw);
            free(p.raw);
            free(o2.raw);
            free(p2.raw);
        }
        attn_case_close(&k);
    }
}

/* Only the first rows of each text ask: those rows as if all did, the others are
 * not touched. */
static void test_queries(void **state)
{
    struct check *check = *state;
    for (int number = 0; number < N_CASES; number++) {
        struct attn_case k;
        int queries[MAX_TEXTS];
        attn_case_open(&k, number);
        for (int b = 0; b < k.s.B; b++) {
            int T = k.offsets[b + 1] - k.offsets[b];
            queries[b] = T / (1 + b % 3);
        }
        for (int t = 0; t < CHECK_TABLES; t++) {
            ofr_dev *dev = check->two[t];
            struct guarded all = check_guarded(k.N * k.C), o = check_guarded(k.N * k.C);
            struct guarded p = check_guarded(k.P);
            ofr_attn_shape some = k.s;
            some.queries = queries;
            for (size_t i = 0; i < k.N * k.C; i++)
                o.p[i] = (ofr_real)7.5;
            if (dev) {
                dev->ops.attention(dev, all.p, p.p, k.qkv, k.s, k.drop);
                dev->ops.attention(dev, o.p, p.p, k.qkv, some, k.drop);
                check_guards("attention o", &o);
            }
            for (int b = 0; b < k.s.B && dev; b++) {
                size_t first = (size_t)k.offsets[b] * k.C, n = (size_t)queries[b] * k.C;
                check_same("asking rows", o.p + first, all.p + first, n);
                for (size_t i = first + n; i < (size_t)k.offsets[b + 1] * k.C; i++)
                    assert_true(o.p[i] == (ofr_real)7.5);
            }
            free(all.raw);
            free(o.raw);
            free(p.raw);
        }
        attn_case_close(&k);
    }
}

/* Per row of dqkv: bounds from the terms of the sums, all below
 * |ds| <= 2 p |d_o| |v| D / sqrt(D). */
static void test_attention_bwd(void **state)
{
    struct check *check = *state;
    for (int number = 0; number < N_CASES; number++) {
        struct attn_case k;
        attn_case_open(&k, number);
        size_t n = k.N * 3 * k.C;
        double D = k.s.D, T = longest(&k), eps = (double)OFR_REAL_EPS;
        double size = cases[number].size > 1 ? cases[number].size : 1;
        for (int t = 0; t < CHECK_TABLES; t++) {
            ofr_dev *dev[2] = {check->one[t], check->two[t]};
            struct guarded d[2] = {check_guarded(n), check_guarded(n)};
            for (int j = 0; j < 2 && dev[j]; j++) {
                check_unset(&d[j]);
                dev[j]->ops.attention_bwd(dev[j], d[j].p, k.d_o, k.qkv, k.p, k.s, k.drop);
                check_guards("attention_bwd", &d[j]);
                check_same("attention_bwd threads", d[j].p, d[0].p, n);
            }
            for (size_t i = 0; i < n && dev[0]; i++) {
                /* dq: sum_j p (..) k: p sums to 1.  dk, dv: a key may gather the
                 * whole weight of every query. */
                size_t row = i / (3 * k.C), part = i / k.C % 3;
                double gather = part == 0 ? 1 : T, chain = D + 2 * T + 8;
                double terms = part == 2 ? 1.3 * T : 2 * 1.6 * sqrt(D) * gather * size;
                double off = fabs((double)d[0].p[i] - (double)k.dqkv[i]);
                /* the bound is linear in the depth of the chains; sqrt is what
                 * rounding gives, so a wrong factor or index cannot hide */
                double limit = 2 * eps * sqrt(chain) * terms;
                if (!(off <= limit))
                    fail_msg("%s case %d row %zu part %zu: off by %.3g, limit %.3g",
                             dev[0]->ops.name, number, row, part, off, limit);
            }
            free(d[0].raw);
            free(d[1].raw);
        }
        attn_case_close(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_attention_bwd),
    };
    return cmocka_run_group_tests(tests, check_open, check_close);
}
