/*
 * test_checkkernel_rows.c - element and row kernels of every table against
 * plain loops: activations, dropout, layer norm, embeddings, AdamW, sums.
 */
#include "check.h"

#include "kernels/ref/ref.h"

static const size_t lengths[] = {1,  2,  7,  8,  15,  16,   17,
                                 31, 63, 64, 70, 129, 1000, 40003};
enum { N_LENGTHS = sizeof lengths / sizeof lengths[0] };

/* Run `body` for every table with one and with several threads; `first` is
 * true for the run that the next one must equal bit for bit. */
#define FOR_EACH_DEV(check, dev)                                                         \
    for (int t_ = 0; t_ < 2 * CHECK_TABLES; t_++)                                        \
        for (ofr_dev *dev = t_ % 2 ? (check)->two[t_ / 2] : (check)->one[t_ / 2]; dev;   \
             dev = NULL)

/* ---- activations ------------------------------------------------------------- */

/* From -20 to 20 in fine steps, and the edges of the formulas. */
static ofr_real *act_inputs(size_t n)
{
    static const float edges[] = {0.0f,    -0.0f,  0.625f, -0.625f, 0.62499994f, 1e-30f,
                                  -1e-30f, 1e-45f, 88.7f,  -88.7f,  104.5f,      -104.5f,
                                  1e4f,    -1e4f,  14.5f,  -14.5f,  1e-8f,       -5.5f};
    ofr_real *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (ofr_real)(-20 + 40 * (double)i / (double)n);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0] && i < n; i++)
        x[(i * 2311) % n] = edges[i];
    return x;
}

static void act_near(const char *what, const ofr_real *got, const ofr_real *x,
                     const ofr_real *dy, size_t n, ofr_act act)
{
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i];
        double want =
            dy ? (double)dy[i] * ofr_ref_act_slope(v, act) : ofr_ref_act(v, act);
        /* Functions of x: relative.  Slopes cancel near their zeros: absolute;
         * e^-(x^2) far out loses x^2 eps. */
        double unit = dy ? fabs((double)dy[i]) : fabs(want);
        double limit = 6 * (double)OFR_REAL_EPS * unit + 1e-36;
        /* What ops.h promises of x Phi(x): relative to x, not to the tail. */
        if (act == OFR_ACT_GELU && !dy && strcmp(what, "scalar") != 0)
            limit = fabs(v) * (double)OFR_REAL_EPS + 2e-8;
        if (fabs(v) > 2) limit += fabs(want) * v * v * 2 * (double)OFR_REAL_EPS;
        if (!(fabs((double)got[i] - want) <= limit))
            fail_msg("%s act %d of %.9g: got %.9g, want %.9g, limit %.3g", what, (int)act,
                     v, (double)got[i], want, limit);
    }
}

static void test_act(void **state)
{
    struct check *check = *state;
    for (int act = OFR_ACT_NONE; act <= OFR_ACT_SILU; act++)
        for (int l = 0; l < N_LENGTHS; l++) {
            size_t n = lengths[l];
            ofr_real *x = act_inputs(n), *dy = check_random(n, 3, 1);
            FOR_EACH_DEV (check, dev) {
                struct guarded y = check_guarded(n), dx = check_guarded(n);
                check_unset(&y);
                check_unset(&dx);
                dev->ops.act(dev, y.p, x, n, (ofr_act)act);
                dev->ops.act_bwd(dev, dx.p, dy, x, n, (ofr_act)act);
                act_near(dev->ops.name, y.p, x, NULL, n, (ofr_act)act);
                act_near("backward", dx.p, x, dy, n, (ofr_act)act);
                check_guards("act", &y);
                check_guards("act_bwd", &dx);
                /* In place, and one element alone: the same bits. */
                check_fill(&dx, x);
                dev->ops.act(dev, dx.p, dx.p, n, (ofr_act)act);
                check_same("act in place", dx.p, y.p, n);
                dev->ops.act(dev, dx.p, x + n / 2, 1, (ofr_act)act);
                check_same("act alone", dx.p, y.p + n / 2, 1);
                free(y.raw);
                free(dx.raw);
            }
            free(x);
            free(dy);
        }
}

static void test_act_nan(void **state)
{
    struct check *check = *state;
    FOR_EACH_DEV (check, dev) {
        ofr_real x[20], y[20];
        for (int act = OFR_ACT_NONE; act <= OFR_ACT_SILU; act++) {
            for (int i = 0; i < 20; i++)
                x[i] = i % 7 == 3 ? (ofr_real)NAN : (ofr_real)i;
            dev->ops.act(dev, y, x, 20, (ofr_act)act);
            for (int i = 0; i < 20; i++)
                assert_true((isnan(y[i]) != 0) == (i % 7 == 3));
        }
        x[0] = (ofr_real)INFINITY;
        dev->ops.act(dev, y, x, 1, OFR_ACT_GELU);
        assert_true(isinf(y[0]) && y[0] > 0);
    }
}

/* ---- dropout, add, scale, squares ----------------------------------------------- */

static void test_dropout(void **state)
{
    struct check *check = *state;
    const ofr_drop drops[] = {{0x12345678u, 0, 1, 5},
                              {0x9abcdef0u, 0x1999999au, (ofr_real)(1 / 0.9), 0},
                              {7u, 0xc0000000u, 4, 0xfffffff0u}};
    for (int k = 0; k < 3; k++)
        for (int l = 0; l < N_LENGTHS; l++) {
            size_t n = lengths[l];
            ofr_real *x = check_random(n, 8, 1), *want = check_random(n, 9, 1);
            ofr_ops_ref.dropout(NULL, want, x, n, drops[k]);
            FOR_EACH_DEV (check, dev) {
                struct guarded y = check_guarded(n);
                check_unset(&y);
                dev->ops.dropout(dev, y.p, x, n, drops[k]);
                check_guards("dropout", &y);
                check_near("dropout", y.p, want, NULL, n, 1);
                check_fill(&y, x);
                dev->ops.dropout(dev, y.p, y.p, n, drops[k]);
                check_near("dropout in place", y.p, want, NULL, n, 1);
                free(y.raw);
            }
            free(x);
            free(want);
        }
}

static void test_add_scale_squares(void **state)
{
    struct check *check = *state;
    for (int l = 0; l < N_LENGTHS; l++) {
        size_t n = lengths[l];
        ofr_real *x = check_random(n, 1, 1), *start = check_random(n, 2, 1);
        ofr_real *sum = check_random(n, 2, 1), *product = check_random(n, 2, 1);
        ofr_ops_ref.add(NULL, sum, x, n);
        ofr_ops_ref.scale(NULL, product, (ofr_real)-1.7, n);
        double squares = ofr_ops_ref.sum_squares(NULL, x, n), first = -1;
        FOR_EACH_DEV (check, dev) {
            struct guarded y = check_guarded(n);
            check_fill(&y, start);
            dev->ops.add(dev, y.p, x, n);
            check_same("add", y.p, sum, n);
            check_guards("add", &y);
            check_fill(&y, start);
            dev->ops.scale(dev, y.p, (ofr_real)-1.7, n);
            check_same("scale", y.p, product, n);
            check_guards("scale", &y);
            double got = dev->ops.sum_squares(dev, x, n);
            assert_true(fabs(got - squares) <= 1e-13 * squares);
            if (t_ % 2) assert_true(got == first); /* any number of threads */
            first = got;
            free(y.raw);
        }
        free(x);
        free(start);
        free(sum);
        free(product);
    }
}

/* ---- layer norm -------------------------------------------------------------------- */

struct norm_case {
    int R, C;
    ofr_real *a, *res, *g, *b, *dy;
    ofr_drop drop;
};

static struct norm_case norm_case_open(unsigned i, unsigned *seed)
{
    static const int big[][2] = {{3, 768}, {1, 1}, {70, 256}, {41, 1025}, {130, 130}};
    struct norm_case k = {.R = 1 + (int)check_next(seed, 70),
                          .C = 1 + (int)check_next(seed, 70)};
    if (i < 5) {
        k.R = big[i][0];
        k.C = big[i][1];
    }
    size_t n = (size_t)k.R * k.C;
    k.a = check_random(n, i, 1);
    k.res = i % 3 ? check_random(n, i + 1, 2) : NULL;
    k.g = check_random((size_t)k.C, i + 2, 2);
    k.b = check_random((size_t)k.C, i + 3, 1);
    k.dy = check_random(n, i + 4, 1);
    if (i % 2)
        k.drop = (ofr_drop){i * 7919u, 0x20000000u, (ofr_real)(8 / 7.0), i * 1013u};
    for (size_t j = 0; i % 4 == 3 && j < n; j++)
        k.a[j] += 100; /* a mean far from zero */
    return k;
}

static void norm_case_close(struct norm_case *k)
{
    free(k->a);
    free(k->res);
    free(k->g);
    free(k->b);
    free(k->dy);
}

/* What a kernel makes of a case: rows, what was normalised, their statistics. */
struct norm_row {
    const ofr_real *y, *s, *mean, *rstd; /* [R,C] [R,C] [R] [R] */
};

static void norm_row_close(const char *name, const struct norm_case *k, int r,
                           const struct norm_row *got, const struct norm_row *want)
{
    const int C = k->C;
    const ofr_real *s = got->s + (size_t)r * C;
    const double mean = (double)want->mean[r], rstd = (double)want->rstd[r];
    double top = 0, root = sqrt((double)C) + 4;
    for (int c = 0; c < C; c++)
        top = fmax(top, fabs((double)s[c]));
    /* error of the mean, and of the variance it shifts */
    double shift = root * (double)OFR_REAL_EPS * top;
    double relative =
        root * (double)OFR_REAL_EPS + pow(shift * rstd, 2) + (C == 1 ? 1e9 : 0);
    assert_true(fabs((double)got->mean[r] - mean) <= shift);
    assert_true(fabs((double)got->rstd[r] / rstd - 1) <= relative);
    for (int c = 0; c < C && C > 1; c++) {
        size_t at = (size_t)r * C + c;
        double g = fabs((double)k->g[c]), b = fabs((double)k->b[c]);
        double h = fabs((double)s[c] - mean) * rstd;
        double limit = g * (shift * rstd + h * relative) +
                       4 * (double)OFR_REAL_EPS * (g * h + b);
        if (!(fabs((double)got->y[at] - (double)want->y[at]) <= limit))
            fail_msg("layernorm %s [%d,%d] at %zu: %.9g, want %.9g, limit %.3g", name,
                     k->R, C, at, (double)got->y[at], (double)want->y[at], limit);
    }
}

static void norm_on(ofr_dev *dev, const struct norm_case *k)
{
    int R = k->R, C = k->C;
    size_t n = (size_t)R * C;
    const ofr_real eps = (ofr_real)1e-12;
    struct guarded y = check_guarded(n), s = check_guarded(n), y2 = check_guarded(n);
    struct guarded mean = check_guarded((size_t)R), rstd = check_guarded((size_t)R);
    ofr_real *want = check_random(n, 0, 1), *sum = check_random(n, 0, 1);
    ofr_real *mu = check_random((size_t)R, 0, 1),
             *inverse = check_random((size_t)R, 0, 1);
    dev->ops.add_layernorm(dev, y.p, s.p, mean.p, rstd.p, k->a, k->res, k->g, k->b, R, C,
                           eps, k->drop);
    ofr_ops_ref.add_layernorm(NULL, want, sum, mu, inverse, k->a, k->res, k->g, k->b, R,
                              C, eps, k->drop);
    for (size_t i = 0; i < n; i++) {
        double term =
            fabs((double)k->a[i]) * 1.2 + (k->res ? fabs((double)k->res[i]) : 0);
        assert_true(fabs((double)s.p[i] - (double)sum[i]) <=
                    3 * (double)OFR_REAL_EPS * term);
    }
    /* From here on the reference starts from the same s. */
    ofr_ops_ref.add_layernorm(NULL, want, sum, mu, inverse, s.p, NULL, k->g, k->b, R, C,
                              eps, (ofr_drop){0});
    const struct norm_row got = {y.p, s.p, mean.p, rstd.p},
                          right = {want, s.p, mu, inverse};
    for (int r = 0; r < R; r++)
        norm_row_close(dev->ops.name, k, r, &got, &right);
    check_guards("layernorm y", &y);
    check_guards("layernorm s", &s);
    check_guards("layernorm mean", &mean);
    check_guards("layernorm rstd", &rstd);
    /* In place, no statistics; and the last row alone. */
    memcpy(y2.p, k->a, n * sizeof *y2.p);
    dev->ops.add_layernorm(dev, y2.p, y2.p, NULL, NULL, y2.p, k->res, k->g, k->b, R, C,
                           eps, k->drop);
    check_same("layernorm in place", y2.p, y.p, n);
    size_t last = (size_t)(R - 1) * C;
    dev->ops.add_layernorm(dev, y2.p, y2.p, NULL, NULL, s.p + last, NULL, k->g, k->b, 1,
                           C, eps, (ofr_drop){0});
    check_same("row alone", y2.p, y.p + last, (size_t)C);
    free(y.raw);
    free(s.raw);
    free(y2.raw);
    free(mean.raw);
    free(rstd.raw);
    free(want);
    free(sum);
    free(mu);
    free(inverse);
}

/* The gradients that are sums over rows: of gain and of bias. */
static void norm_sums_close(const struct norm_case *k, const struct norm_row *forward,
                            const ofr_real *dg, const ofr_real *db, const ofr_real *wg,
                            const ofr_real *wb)
{
    const int R = k->R, C = k->C;
    for (int c = 0; c < C; c++) {
        double tg = 1, tb = 1;
        for (int r = 0; r < R; r++) {
            double dy = fabs((double)k->dy[(size_t)r * C + c]);
            double top = fabs((double)forward->s[(size_t)r * C + c]) +
                         fabs((double)forward->mean[r]);
            tg += dy * top * (double)forward->rstd[r];
            tb += dy;
        }
        double unit = (R + 4) * (double)OFR_REAL_EPS;
        assert_true(fabs((double)dg[c] - (double)wg[c]) <= unit * tg);
        assert_true(fabs((double)db[c] - (double)wb[c]) <= unit * tb);
    }
}

static void norm_dx_close(const struct norm_case *k, const struct norm_row *forward,
                          const ofr_real *dx, const ofr_real *want)
{
    const int C = k->C;
    for (int r = 0; r < k->R; r++) {
        const double mean = (double)forward->mean[r], rstd = (double)forward->rstd[r];
        double q = 0, h = 0;
        for (int c = 0; c < C; c++) {
            size_t at = (size_t)r * C + c;
            q = fmax(q, fabs((double)k->dy[at] * (double)k->g[c]));
            h = fmax(h, (fabs((double)forward->s[at]) + fabs(mean)) * rstd);
        }
        double limit =
            (sqrt((double)C) + 8) * (double)OFR_REAL_EPS * rstd * q * (2 + h * h);
        for (int c = 0; c < C; c++)
            assert_true(fabs((double)dx[(size_t)r * C + c] -
                             (double)want[(size_t)r * C + c]) <= limit);
    }
}

static void norm_bwd_on(ofr_dev *dev, ofr_dev *threads, const struct norm_case *k)
{
    int R = k->R, C = k->C;
    size_t n = (size_t)R * C, c1 = (size_t)C;
    struct guarded dx = check_guarded(n), dg = check_guarded(c1), db = check_guarded(c1);
    struct guarded dx2 = check_guarded(n), dg2 = check_guarded(c1),
                   db2 = check_guarded(c1);
    ofr_real *s = check_random(n, 0, 1), *y = check_random(n, 0, 1);
    ofr_real *mean = check_random((size_t)R, 0, 1), *rstd = check_random((size_t)R, 0, 1);
    ofr_real *want = check_random(n, 0, 1), *wg = check_random(c1, 4, 1);
    ofr_real *wb = check_random(c1, 5, 1);
    ofr_ops_ref.add_layernorm(NULL, y, s, mean, rstd, k->a, k->res, k->g, k->b, R, C,
                              (ofr_real)1e-3, k->drop);
    check_fill(&dg, wg);
    check_fill(&db, wb);
    check_fill(&dg2, wg);
    check_fill(&db2, wb);
    dev->ops.layernorm_bwd(dev, dx.p, dg.p, db.p, k->dy, s, mean, rstd, k->g, R, C);
    memcpy(dx2.p, k->dy, n * sizeof *dx2.p); /* dx may be dy */
    threads->ops.layernorm_bwd(threads, dx2.p, dg2.p, db2.p, dx2.p, s, mean, rstd, k->g,
                               R, C);
    check_same("norm_bwd threads dx", dx2.p, dx.p, n);
    check_same("norm_bwd threads dg", dg2.p, dg.p, c1);
    check_same("norm_bwd threads db", db2.p, db.p, c1);
    ofr_ops_ref.layernorm_bwd(NULL, want, wg, wb, k->dy, s, mean, rstd, k->g, R, C);
    const struct norm_row forward = {y, s, mean, rstd};
    norm_sums_close(k, &forward, dg.p, db.p, wg, wb);
    norm_dx_close(k, &forward, dx.p, want);
    check_guards("norm_bwd dx", &dx);
    check_guards("norm_bwd dg", &dg);
    check_guards("norm_bwd db", &db);
    free(dx.raw);
    free(dg.raw);
    free(db.raw);
    free(dx2.raw);
    free(dg2.raw);
    free(db2.raw);
    free(s);
    free(y);
    free(mean);
    free(rstd);
    free(want);
    free(wg);
    free(wb);
}

static void test_layernorm(void **state)
{
    struct check *check = *state;
    unsigned seed = 11;
    for (unsigned i = 0; i < 60; i++) {
        struct norm_case k = norm_case_open(i, &seed);
        FOR_EACH_DEV (check, dev)
            norm_on(dev, &k);
        for (int t = 0; t < CHECK_TABLES; t++)
            if (check->one[t]) norm_bwd_on(check->one[t], check->two[t], &k);
        norm_case_close(&k);
    }
}

/* ---- embeddings ----------------------------------------------------------------- */

static void test_embed(void **state)
{
    struct check *check = *state;
    enum { V = 23, P = 40, Y = 2 };
    static const int channels[] = {1, 7, 16, 64, 70, 333};
    for (unsigned i = 0; i < 12; i++) {
        int C = channels[i % 6], N = 1 + (int)i * 37, ids[512], positions[512],
            types[512];
        unsigned seed = i;
        for (int n = 0; n < N; n++) {
            ids[n] = (int)check_next(&seed, V);
            positions[n] = n % P;
            types[n] = (int)check_next(&seed, Y);
        }
        size_t c = (size_t)C, n = (size_t)N * c;
        ofr_real *word = check_random(V * c, 1, 1), *pos = check_random(P * c, 2, 1);
        ofr_real *type = i % 4 ? check_random(Y * c, 3, 1) : NULL;
        ofr_real *want = check_random(n, 4, 1), *dy = check_random(n, 5, 1);
        ofr_real *dw = check_random(V * c, 6, 1), *dp = check_random(P * c, 7, 1);
        ofr_real *dt = check_random(Y * c, 8, 1);
        const ofr_lookup table = {OFR_PRECISION_F32, word, NULL};
        ofr_ops_ref.embed(NULL, want, table, pos, type, ids, positions, types, N, C);
        ofr_ops_ref.embed_bwd(NULL, dw, dp, type ? dt : NULL, dy, ids, positions, types,
                              N, C);
        FOR_EACH_DEV (check, dev) {
            struct guarded y = check_guarded(n), gw = check_guarded(V * c);
            struct guarded gp = check_guarded(P * c), gt = check_guarded(Y * c);
            support_random(gw.p, V * c, 6, 1);
            support_random(gp.p, P * c, 7, 1);
            support_random(gt.p, Y * c, 8, 1);
            dev->ops.embed(dev, y.p, table, pos, type, ids, positions, types, N, C);
            dev->ops.embed_bwd(dev, gw.p, gp.p, type ? gt.p : NULL, dy, ids, positions,
                               types, N, C);
            for (size_t j = 0; j < n; j++) /* three terms below 1, two roundings */
                assert_true(fabs((double)y.p[j] - (double)want[j]) <=
                            4 * (double)OFR_REAL_EPS);
            check_same("dword", gw.p, dw, V * c); /* the order of n is a promise */
            check_same("dpos", gp.p, dp, P * c);
            check_same("dtype", gt.p, dt, Y * c);
            check_guards("embed", &y);
            check_guards("dword", &gw);
            check_guards("dpos", &gp);
            check_guards("dtype", &gt);
            free(y.raw);
            free(gw.raw);
            free(gp.raw);
            free(gt.raw);
        }
        free(word);
        free(pos);
        free(type);
        free(want);
        free(dy);
        free(dw);
        free(dp);
        free(dt);
    }
}

/* ---- AdamW ---------------------------------------------------------------------- */

static void test_adamw(void **state)
{
    struct check *check = *state;
    const ofr_adamw_step step = {1e-2, 0.9, 0.999, 1e-8, 0.01, 0.271, 2.997e-3, 0.5};
    for (int l = 0; l < N_LENGTHS; l++) {
        size_t n = lengths[l];
        ofr_real *w = check_random(n, 1, 1), *g = check_random(n, 2, 1);
        ofr_real *m = check_random(n, 3, 0.1), *v = check_random(n, 4, 0.01);
        ofr_real *mag = check_random(n, 5, 1), *one = check_random(n, 6, 1);
        for (size_t i = 0; i < n; i++) {
            v[i] = i % 5 ? OFR_R(fabs)(v[i]) : 0;
            g[i] = i % 11 ? g[i] : 0;
        }
        ofr_real *w0 = malloc(n * sizeof *w0), *m0 = malloc(n * sizeof *m0);
        ofr_real *v0 = malloc(n * sizeof *v0);
        assert_true(w0 && m0 && v0);
        memcpy(w0, w, n * sizeof *w);
        memcpy(m0, m, n * sizeof *m);
        memcpy(v0, v, n * sizeof *v);
        ofr_ops_ref.adamw(NULL, w, g, m, v, n, step);
        for (size_t i = 0; i < n; i++) { /* terms: m and g may cancel */
            mag[i] = OFR_R(fabs)(m0[i]) + OFR_R(fabs)(g[i]);
            double below = sqrt((double)v[i] / step.correct2) + 1e-8;
            one[i] = (ofr_real)(fabs((double)w0[i]) +
                                1e-2 * (double)mag[i] / 0.271 / below);
        }
        FOR_EACH_DEV (check, dev) {
            struct guarded gw = check_guarded(n), gm = check_guarded(n);
            struct guarded gv = check_guarded(n);
            check_fill(&gw, w0);
            check_fill(&gm, m0);
            check_fill(&gv, v0);
            dev->ops.adamw(dev, gw.p, g, gm.p, gv.p, n, step);
            check_near("adamw m", gm.p, m, mag, n, 3);
            check_near("adamw v", gv.p, v, NULL, n, 4);
            check_near("adamw w", gw.p, w, one, n, 8);
            check_guards("adamw w", &gw);
            check_guards("adamw m", &gm);
            check_guards("adamw v", &gv);
            free(gw.raw);
            free(gm.raw);
            free(gv.raw);
        }
        free(w);
        free(g);
        free(m);
        free(v);
        free(mag);
        free(one);
        free(w0);
        free(m0);
        free(v0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_act),       cmocka_unit_test(test_act_nan),
        cmocka_unit_test(test_dropout),   cmocka_unit_test(test_add_scale_squares),
        cmocka_unit_test(test_layernorm), cmocka_unit_test(test_embed),
        cmocka_unit_test(test_adamw),
    };
    return cmocka_run_group_tests(tests, check_open, check_close);
}
