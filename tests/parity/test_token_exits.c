/*
 * test_token_exits.c - tokens that leave one by one, against plain loops.
 *
 * The reference computes every layer on all rows, from the definition, in double,
 * and then puts back the rows that had left.  The walk of inference, which sorts
 * rows and computes the live ones alone, and that of training must agree with it.
 */
#include "support/support.h"

#include <math.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/dev.h"
#include "model/encoder.h"

enum { L = 4, C = 24, H = 3, F = 40, V = 50, B = 6, MAX_T = 14, MAX_N = B * MAX_T };

static const int lengths[B] = {9, 1, 14, 2, 5, 11};

typedef struct bed {
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_walk walk;
    int offsets[B + 1], ids[MAX_N], types[MAX_N], exits[MAX_N];
    ofr_tokens tokens;
} bed;

static void bed_open(bed *t, const ofr_ops *ops, int threads)
{
    ofr_error err;
    ofr_config config;
    *t = (bed){.offsets = {0}};
    assert_ok(ofr_config_shape(&config, OFR_FAMILY_BERT, "tiny", V, &err), err);
    config.L = L;
    config.C = config.E = C;
    config.H = H;
    config.F = F;
    config.initializer_range = 0.3;
    config.token_exits = true;
    assert_ok(ofr_config_set_labels(&config, 2, NULL, false, &err), err);
    assert_ok(ofr_encoder_new(&t->encoder, &config, 4, &err), err);
    ofr_config_free(&config);
    for (size_t v = 0; v < V; v++)
        t->encoder.w[t->encoder.params.token_exits + v] =
            (ofr_real)(1 + ofr_rng_below(6, 1, v, L));
    assert_ok(ofr_dev_open(&t->dev, ops, threads, MAX_T, &err), err);
    assert_ok(ofr_encoder_pack(&t->encoder, t->dev, OFR_PRECISION_F32, &err), err);
    assert_ok(ofr_walk_open(&t->walk, &t->encoder, t->dev, B, MAX_N, &err), err);
    for (int b = 0; b < B; b++)
        t->offsets[b + 1] = t->offsets[b] + lengths[b];
    for (int n = 0; n < t->offsets[B]; n++) {
        t->ids[n] = (int)ofr_rng_below(6, 2, (uint64_t)n, V);
        t->types[n] = (int)ofr_rng_below(6, 3, (uint64_t)n, 2);
    }
    t->tokens = (ofr_tokens){B, t->offsets, t->ids, t->types};
    ofr_encoder_token_exits(&t->encoder, t->exits, &t->tokens, 0);
}

static void bed_close(bed *t)
{
    ofr_walk_close(&t->walk);
    ofr_dev_close(t->dev);
    ofr_encoder_close(&t->encoder);
}

/* ---- the definition ----------------------------------------------------------- */

static void product(double *y, const double *x, const ofr_real *w, const ofr_real *b,
                    int in, int out)
{
    for (int o = 0; o < out; o++) {
        y[o] = (double)b[o];
        for (int i = 0; i < in; i++)
            y[o] += (double)w[o * in + i] * x[i];
    }
}

static void norm(double *x, const ofr_real *g, const ofr_real *b, double eps)
{
    double mean = 0, var = 0;
    for (int c = 0; c < C; c++)
        mean += x[c] / C;
    for (int c = 0; c < C; c++)
        var += (x[c] - mean) * (x[c] - mean) / C;
    for (int c = 0; c < C; c++)
        x[c] = (x[c] - mean) / sqrt(var + eps) * (double)g[c] + (double)b[c];
}

static void attend(double *o, const double *q, double (*kv)[3 * C], int T, int head)
{
    double p[MAX_T], sum = 0;
    const int D = C / H, at = head * D;
    for (int j = 0; j < T; j++) {
        double s = 0;
        for (int d = 0; d < D; d++)
            s += q[at + d] * kv[j][C + at + d];
        sum += p[j] = exp(s / sqrt((double)D));
    }
    for (int d = 0; d < D; d++) {
        o[at + d] = 0;
        for (int j = 0; j < T; j++)
            o[at + d] += p[j] / sum * kv[j][2 * C + at + d];
    }
}

/* One layer on one text x[T][C], rows that have left untouched. */
static void plain_layer(const ofr_encoder *e, int l, double (*x)[C], const int *exits,
                        int T)
{
    const ofr_layer_at *at = &e->params.layers[l - 1];
    const ofr_real *w = e->w;
    double qkv[MAX_T][3 * C], eps = (double)e->config.ln_eps;
    for (int t = 0; t < T; t++)
        product(qkv[t], x[t], w + at->qkv_w, w + at->qkv_b, C, 3 * C);
    for (int t = 0; t < T; t++) {
        double o[C], y[C], mid[F], z[C];
        if (exits[t] < l) continue;
        for (int h = 0; h < H; h++)
            attend(o, qkv[t], qkv, T, h);
        product(y, o, w + at->out_w, w + at->out_b, C, C);
        for (int c = 0; c < C; c++)
            y[c] += x[t][c];
        norm(y, w + at->ln1_g, w + at->ln1_b, eps);
        product(mid, y, w + at->up_w, w + at->up_b, C, F);
        for (int f = 0; f < F; f++)
            mid[f] *= 0.5 * (1 + erf(mid[f] / sqrt(2.0)));
        product(z, mid, w + at->down_w, w + at->down_b, F, C);
        for (int c = 0; c < C; c++)
            x[t][c] = y[c] + z[c];
        norm(x[t], w + at->ln2_g, w + at->ln2_b, eps);
    }
}

/* ---- tests ------------------------------------------------------------------------ */

#define LIMIT (sizeof(ofr_real) == sizeof(float) ? 2e-5 : 1e-11)

/* Row n of the walk, in the order of the text, is at place[n]. */
static void check_rows(const bed *t, double (*want)[C], int l)
{
    for (int n = 0; n < t->offsets[B]; n++)
        for (int c = 0; c < C; c++) {
            const size_t row = (size_t)t->walk.place[n] * C + (size_t)c;
            support_close_one("walk", (double)t->walk.x[row], want[n][c], LIMIT * l);
        }
}

static void check_against_plain(const ofr_ops *ops)
{
    bed t;
    ofr_error err;
    ofr_trace trace;
    ofr_real cls[L * B * C];
    double x[MAX_N][C];
    int left[L + 1] = {0};
    bed_open(&t, ops, 2);
    assert_ok(ofr_trace_open(&trace, &t.encoder, t.dev, B, MAX_T, MAX_N, &err), err);
    ofr_trace_forward(&trace, &t.tokens, cls, false, 0);
    ofr_walk_begin(&t.walk, &t.tokens);
    for (int n = 0; n < t.offsets[B]; n++) {
        for (int c = 0; c < C; c++)
            x[n][c] = (double)ofr_trace_hidden(&trace, 0)[n * C + c];
        left[t.exits[n]]++;
    }
    for (int l = 1; l <= L; l++)
        assert_true(left[l] > 3); /* every layer loses somebody */
    ofr_walk_leave_by_token(&t.walk, t.exits);
    for (int l = 1; l <= L; l++) {
        const ofr_real *hidden = ofr_trace_hidden(&trace, l);
        for (int b = 0; b < B; b++)
            plain_layer(&t.encoder, l, x + t.offsets[b], t.exits + t.offsets[b],
                        lengths[b]);
        ofr_walk_layer(&t.walk);
        check_rows(&t, x, l);
        for (int n = 0; n < t.offsets[B] * C; n++)
            support_close_one("trace", (double)hidden[n], x[n / C][n % C], LIMIT * l);
    }
    ofr_trace_close(&trace);
    bed_close(&t);
}

static void test_against_plain(void **state)
{
    const ofr_ops best = ofr_ops_select(ofr_cpu_features());
    (void)state;
    check_against_plain(&ofr_ops_scalar);
    check_against_plain(&best);
}

/* cls[B,C] after the last layer of the texts first..first+n. */
static void run(bed *t, ofr_real *cls, int first, int n, int shift)
{
    int offsets[B + 1], exits[MAX_N], start = t->offsets[first];
    for (int b = 0; b <= n; b++)
        offsets[b] = t->offsets[first + b] - start;
    ofr_tokens tokens = {n, offsets, t->ids + start, t->types + start};
    ofr_encoder_token_exits(&t->encoder, exits, &tokens, shift);
    ofr_walk_begin(&t->walk, &tokens);
    ofr_walk_leave_by_token(&t->walk, exits);
    for (int l = 1; l <= L; l++)
        ofr_walk_layer(&t->walk);
    ofr_walk_class_rows(&t->walk, cls);
}

/* Alone, in company, on one thread or two: the same bits.  When nobody leaves early
 * it is the plain walk, bit for bit. */
static void test_batches(void **state)
{
    const ofr_ops best = ofr_ops_select(ofr_cpu_features());
    ofr_real together[B * C], again[B * C], alone[C], plain[B * C];
    const bool same_bits = support_same_bits("texts alone");
    bed one, two;
    (void)state;
    bed_open(&one, &best, 1);
    bed_open(&two, &best, 2);
    for (int shift = -L; shift <= L; shift++) {
        run(&one, together, 0, B, shift);
        run(&two, again, 0, B, shift);
        assert_memory_equal(together, again, sizeof together);
        for (int b = 0; b < B && same_bits; b++) {
            run(&one, alone, b, 1, shift);
            assert_memory_equal(alone, together + b * C, sizeof alone);
        }
    }
    ofr_walk_begin(&one.walk, &one.tokens);
    for (int l = 1; l <= L; l++)
        ofr_walk_layer(&one.walk);
    ofr_walk_class_rows(&one.walk, plain);
    if (same_bits) assert_memory_equal(plain, together, sizeof plain);
    run(&one, together, 0, B, 0);
    assert_memory_not_equal(plain, together, sizeof plain);
    bed_close(&one);
    bed_close(&two);
}

/* Rows that products of width F and attention were asked for, since the last look. */
static int wide_rows, asking_rows;
static ofr_ops real_ops;

static void count_linear(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                         const ofr_real *w, const ofr_packed *packed, const ofr_real *b,
                         int R, int I, int O, ofr_act act)
{
    if (O == F) wide_rows += R;
    real_ops.linear(dev, y, pre, x, w, packed, b, R, I, O, act);
}

static void count_attention(ofr_dev *dev, ofr_real *o, ofr_real *p, const ofr_real *qkv,
                            ofr_attn_shape shape, ofr_drop drop)
{
    assert_non_null(shape.queries);
    for (int b = 0; b < shape.B; b++)
        asking_rows += shape.queries[b];
    real_ops.attention(dev, o, p, qkv, shape, drop);
}

/* Attention asks for the rows that take part, and the MLP runs on them, alone. */
static void test_live_rows_alone(void **state)
{
    const ofr_ops best = ofr_ops_select(ofr_cpu_features());
    bed t;
    (void)state;
    bed_open(&t, &best, 1);
    real_ops = t.dev->ops;
    t.dev->ops.linear = count_linear;
    t.dev->ops.attention = count_attention;
    ofr_walk_begin(&t.walk, &t.tokens);
    ofr_walk_leave_by_token(&t.walk, t.exits);
    for (int l = 1; l <= L; l++) {
        int live = 0;
        for (int n = 0; n < t.offsets[B]; n++)
            live += t.exits[n] >= l;
        wide_rows = asking_rows = 0;
        ofr_walk_layer(&t.walk);
        assert_int_equal(wide_rows, live);
        assert_int_equal(asking_rows, live);
    }
    bed_close(&t);
}

/* The table, the shift, the limits, the first token. */
static void test_exits(void **state)
{
    const ofr_ops best = ofr_ops_select(ofr_cpu_features());
    int ids[5] = {7, 7, 8, 9, 7}, offsets[3] = {0, 4, 5}, exits[5];
    const ofr_tokens tokens = {2, offsets, ids, NULL};
    static const struct {
        int shift, want[5];
    } rows[] = {{0, {L, 2, 1, 4, L}}, {1, {L, 3, 2, 4, L}}, {-2, {L, 1, 1, 2, L}},
                {-9, {L, 1, 1, 1, L}}, {9, {L, 4, 4, 4, L}}};
    bed t;
    (void)state;
    bed_open(&t, &best, 1);
    ofr_real *table = t.encoder.w + t.encoder.params.token_exits;
    table[7] = 2;
    table[8] = 1;
    table[9] = 4;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ofr_encoder_token_exits(&t.encoder, exits, &tokens, rows[i].shift);
        assert_memory_equal(exits, rows[i].want, sizeof exits);
    }
    bed_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_plain),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_live_rows_alone),
        cmocka_unit_test(test_exits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
