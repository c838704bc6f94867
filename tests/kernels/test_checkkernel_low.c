/*
 * test_checkkernel_low.c - products and embeddings in fewer bits than f32.
 *
 * f16 and bf16: the bits of our own f32 product of rounded weights.  int8: an exact
 * reference in 64-bit whole numbers, the same bits from every table; worst cases
 * of the 16-bit and 32-bit sums.  All of it with guards, odd sizes, threads, and
 * rows alone.
 */
#include "check.h"

#include "kernels/ref/ref.h"
#include "tensor/quant.h"

struct shape {
    int R, I, O;
};

static const struct shape shapes[] = {
    {1, 1, 1},    {1, 3, 70},    {2, 64, 33},   {3, 257, 97}, {4, 70, 300},
    {5, 129, 31}, {7, 256, 64},  {11, 31, 65},  {12, 512, 33}, {13, 255, 130},
    {25, 64, 96}, {37, 100, 64}, {97, 129, 34}, {9, 3072, 40}, {260, 768, 50},
    {16000, 1, 3},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* On one thread, on several, and each third row alone: always want[R,O]. */
static void linear_is(ofr_dev *one, ofr_dev *more, const ofr_packed *w,
                      const ofr_real *x, const ofr_real *b, struct shape s,
                      const ofr_real *want)
{
    size_t n = (size_t)s.R * s.O;
    struct guarded y = check_guarded(n);
    for (int turn = 0; turn < 2; turn++) {
        ofr_dev *dev = turn ? more : one;
        check_unset(&y);
        dev->ops.linear(dev, y.p, NULL, x, NULL, w, b, s.R, s.I, s.O, OFR_ACT_NONE);
        check_guards(dev->ops.name, &y);
        check_same(dev->ops.name, y.p, want, n);
    }
    for (int r = 0; r < s.R; r += 3) {
        check_unset(&y);
        more->ops.linear(more, y.p, NULL, x + (size_t)r * s.I, NULL, w, b, 1, s.I, s.O,
                         OFR_ACT_NONE);
        check_same("row alone", y.p, want + (size_t)r * s.O, (size_t)s.O);
    }
    free(y.raw);
}

/* Packed between guards. */
static struct guarded packed_of(ofr_dev *dev, ofr_precision precision, const ofr_real *w,
                                struct shape s)
{
    size_t bytes = dev->ops.pack_size(precision, s.O, s.I), width = sizeof(ofr_real);
    struct guarded packed = check_guarded((bytes + width - 1) / width);
    dev->ops.pack(dev, packed.p, precision, w, s.O, s.I);
    check_guards("pack", &packed);
    return packed;
}

/* ---- half precision ---------------------------------------------------------- */

static ofr_real rounded(ofr_real x, ofr_precision precision)
{
    return precision == OFR_PRECISION_F16 ? ofr_f16_to_f32(ofr_f32_to_f16(x))
                                          : ofr_bf16_to_f32(ofr_f32_to_bf16(x));
}

static void half_on(struct check *check, int t, ofr_precision precision, struct shape s,
                    unsigned seed)
{
    ofr_dev *one = check->one[t], *more = check->two[t];
    size_t nw = (size_t)s.O * s.I, ny = (size_t)s.R * s.O;
    ofr_real *x = check_random((size_t)s.R * s.I, seed, 1);
    ofr_real *w = check_random(nw, seed + 1, 1), *low = malloc(nw * sizeof *low);
    ofr_real *b = seed % 3 ? check_random((size_t)s.O, seed + 2, 1) : NULL;
    ofr_real *want = malloc(ny * sizeof *want);
    assert_true(low && want);
    for (size_t i = 0; i < nw; i++)
        low[i] = rounded(w[i], precision);
    /* A BLAS multiplies in f32 only; the scalar table has the rest. */
    const ofr_ops *own = check_rows_alone(one) ? &one->ops : &ofr_ops_scalar;
    own->linear(one, want, NULL, x, low, NULL, b, s.R, s.I, s.O, OFR_ACT_NONE);
    struct guarded packed = packed_of(more, precision, w, s);
    const ofr_packed held = {precision, packed.p};
    linear_is(one, more, &held, x, b, s, want);
    free(packed.raw);
    free(x);
    free(w);
    free(low);
    free(b);
    free(want);
}

static void test_half(void **state)
{
    struct check *check = *state;
    for (int t = 0; t < CHECK_TABLES; t++)
        for (int i = 0; check->one[t] && i < SHAPES; i++) {
            half_on(check, t, OFR_PRECISION_F16, shapes[i], (unsigned)i);
            half_on(check, t, OFR_PRECISION_BF16, shapes[i], (unsigned)i + 50);
        }
}

/* Every kind of number: halfway cases, subnormals, the ends, infinity, NaN. */
static void test_half_rounding(void **state)
{
    struct check *check = *state;
    enum { O = 4000 };
    ofr_real *w = check_random(O, 7, 1), x = 1, y[O];
    uint32_t bits = 0x12345u;
    for (int i = 0; i < O; i++) {
        uint32_t some = bits;
        if (i % 3 == 0) some &= 0xffffe000u | 0x1000u; /* halfway between two f16 */
        if (i % 5 == 0) some = (some & 0x80ffffffu) | 0x38000000u >> (i % 7);
        memcpy(&w[i], &some, sizeof some);
        bits = bits * 2654435761u + 12345u;
    }
    w[0] = INFINITY, w[1] = -INFINITY, w[2] = NAN, w[3] = 65504, w[4] = 65520;
    w[5] = -0.0f, w[6] = 6e-8f, w[7] = 2e-8f;
    const struct shape s = {1, 1, O};
    for (int t = 0; t < CHECK_TABLES; t++)
        for (int p = OFR_PRECISION_F16; p <= OFR_PRECISION_BF16 && check->one[t]; p++) {
            ofr_dev *dev = check->one[t];
            struct guarded packed = packed_of(dev, (ofr_precision)p, w, s);
            const ofr_packed held = {(ofr_precision)p, packed.p};
            dev->ops.linear(dev, y, NULL, &x, NULL, &held, NULL, 1, 1, O, OFR_ACT_NONE);
            for (int i = 0; i < O; i++) {
                ofr_real want = rounded(w[i], (ofr_precision)p) + 0.0f;
                if (isnan(want) ? !isnan(y[i]) : y[i] != want)
                    fail_msg("%s %s: %.9g became %.9g, want %.9g", dev->ops.name,
                             ofr_precision_name((ofr_precision)p), (double)w[i],
                             (double)y[i], (double)want);
            }
            free(packed.raw);
        }
    free(w);
}

/* ---- int8 --------------------------------------------------------------------- */

/* Row r of the activations as kernels/cpu/body_int8.h defines them. */
static ofr_real round_row(int *a, int *zero, const ofr_real *x, int n)
{
    ofr_real low = 0, high = 0;
    for (int i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    ofr_real scale = (high - low) / 255, inverse = 1 / scale;
    *zero = 0;
    for (int i = 0; i < n; i++)
        a[i] = 0;
    if (scale == 0) return 0;
    *zero = (int)rintf(-128 - low * inverse);
    for (int i = 0; i < n; i++) {
        long v = lrintf(x[i] * inverse) + *zero;
        a[i] = (int)(v < -128 ? -128 : v > 127 ? 127 : v);
    }
    return scale;
}

static void reference(ofr_real *y, const ofr_real *x, const ofr_real *w,
                      const ofr_real *b, struct shape s)
{
    int *a = malloc((size_t)s.I * sizeof *a), zero;
    int8_t *q = malloc((size_t)s.O * s.I);
    float *scale = malloc((size_t)s.O * sizeof *scale);
    assert_true(a && q && scale);
    ofr_quant_rows(q, scale, w, s.O, s.I, OFR_INT8_WEIGHT);
    for (int r = 0; r < s.R; r++) {
        ofr_real step = round_row(a, &zero, x + (size_t)r * s.I, s.I);
        for (int o = 0; o < s.O; o++) {
            long long sum = 0;
            for (int i = 0; i < s.I; i++)
                sum += (long long)(a[i] - zero) * q[(size_t)o * s.I + i];
            assert_true(sum < INT32_MAX && sum > INT32_MIN);
            ofr_real by = step * scale[o], v = (ofr_real)(int32_t)sum * by;
            y[(size_t)r * s.O + o] = b ? v + b[o] : v;
        }
    }
    free(a);
    free(q);
    free(scale);
}

static void int8_on(struct check *check, const ofr_real *x, const ofr_real *w,
                    const ofr_real *b, struct shape s)
{
    ofr_real *want = check_random((size_t)s.R * s.O, 1, 1);
    reference(want, x, w, b, s);
    for (int t = 0; t < CHECK_TABLES; t++) {
        ofr_dev *one = check->one[t], *more = check->two[t];
        if (!one) continue;
        struct guarded packed = packed_of(more, OFR_PRECISION_INT8, w, s);
        const ofr_packed held = {OFR_PRECISION_INT8, packed.p};
        linear_is(one, more, &held, x, b, s, want);
        free(packed.raw);
    }
    free(want);
}

static void test_int8(void **state)
{
    for (int i = 0; i < SHAPES; i++) {
        struct shape s = shapes[i];
        unsigned seed = (unsigned)i;
        ofr_real *x = check_random((size_t)s.R * s.I, seed, 2);
        ofr_real *w = check_random((size_t)s.O * s.I, seed + 1, 1);
        ofr_real *b = i % 3 ? check_random((size_t)s.O, seed + 2, 1) : NULL;
        for (int j = 0; j < s.I && i % 4 == 3; j++) { /* one-sided and empty rows */
            x[j] = x[j] < 0 ? -x[j] : x[j];
            x[(size_t)(s.R - 1) * s.I + j] = 0;
            w[j] = 0;
        }
        int8_on(*state, x, w, b, s);
        free(x);
        free(w);
        free(b);
    }
}

/* Largest products of either sign side by side: pairs that would saturate 16
 * bits if they were a step larger, and sums of the deepest product. */
static void test_int8_worst(void **state)
{
    static const struct shape worst[] = {{5, 512, 37}, {1, OFR_INT8_DEPTH, 3}};
    static const ofr_real pattern[4][2] = {{1, 1}, {-1, -1}, {1, -1}, {-0.004f, 1}};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 16; k++) {
            struct shape s = worst[i];
            ofr_real *x = check_random((size_t)s.R * s.I, 3, 1);
            ofr_real *w = check_random((size_t)s.O * s.I, 4, 1);
            for (size_t j = 0; j < (size_t)s.R * s.I; j++)
                x[j] = pattern[k / 4][j % 2];
            for (size_t j = 0; j < (size_t)s.O * s.I; j++)
                w[j] = pattern[k % 4][j % 2];
            int8_on(*state, x, w, NULL, s);
            free(x);
            free(w);
        }
}

/* Whole numbers as a file brings them give what rounding gives; activations as
 * the table's own; a row that is not finite spoils no other. */
static void test_int8_rest(void **state)
{
    struct check *check = *state;
    enum { R = 14, I = 77, O = 45 };
    const struct shape s = {R, I, O};
    ofr_real *x = check_random(R * I, 1, 1), *w = check_random(O * I, 2, 1);
    ofr_real *pre = check_random(R * O, 3, 1), want[R * O];
    int8_t q[O * I];
    float scale[O];
    ofr_quant_rows(q, scale, w, O, I, OFR_INT8_WEIGHT);
    reference(pre, x, w, NULL, s);
    for (int t = 0; t < CHECK_TABLES; t++) {
        ofr_dev *dev = check->one[t];
        if (!dev) continue;
        struct guarded packed = packed_of(dev, OFR_PRECISION_INT8, w, s);
        struct guarded again = check_guarded(packed.n), y = check_guarded(R * O);
        const ofr_packed held = {OFR_PRECISION_INT8, again.p};
        memcpy(again.p, packed.p, again.n * sizeof *again.p);
        memset(again.p, 0x55, dev->ops.pack_size(OFR_PRECISION_INT8, O, I));
        dev->ops.pack_int8(dev, again.p, q, scale, O, I);
        check_guards("pack_int8", &again);
        assert_memory_equal(again.p, packed.p,
                            dev->ops.pack_size(OFR_PRECISION_INT8, O, I));
        for (int act = OFR_ACT_NONE; act <= OFR_ACT_SILU; act++) {
            dev->ops.act(dev, want, pre, R * O, (ofr_act)act);
            dev->ops.linear(dev, y.p, NULL, x, NULL, &held, NULL, R, I, O, (ofr_act)act);
            check_guards("int8 act", &y);
            check_same("int8 act", y.p, want, R * O);
        }
        const ofr_real bad[] = {(ofr_real)NAN, (ofr_real)INFINITY, -(ofr_real)INFINITY};
        for (int k = 0; k < 3; k++) {
            ofr_real kept = x[5 * I + 7 * k];
            x[5 * I + 7 * k] = bad[k];
            dev->ops.linear(dev, y.p, NULL, x, NULL, &held, NULL, R, I, O, OFR_ACT_NONE);
            for (int i = 0; i < R * O; i++)
                assert_true(i / O == 5 ? isnan(y.p[i]) : y.p[i] == pre[i]);
            x[5 * I + 7 * k] = kept;
        }
        free(packed.raw);
        free(again.raw);
        free(y.raw);
    }
    free(x);
    free(w);
    free(pre);
}

/* ---- embeddings ------------------------------------------------------------------ */

static void test_embed(void **state)
{
    struct check *check = *state;
    enum { V = 19, C = 77, N = 40 };
    ofr_real *word = check_random(V * C, 1, 1), *pos = check_random(N * C, 2, 1);
    ofr_real *type = check_random(2 * C, 3, 1), want[N * C];
    uint16_t half[2][V * C];
    int8_t q[V * C];
    float scale[V];
    int ids[N], positions[N], types[N];
    for (int n = 0; n < N; n++)
        ids[n] = n * 7 % V, positions[n] = n, types[n] = n % 2;
    for (int i = 0; i < V * C; i++) {
        half[0][i] = ofr_f32_to_f16(word[i]);
        half[1][i] = ofr_f32_to_bf16(word[i]);
    }
    ofr_quant_rows(q, scale, word, V, C, OFR_INT8_TABLE);
    const ofr_lookup tables[] = {{OFR_PRECISION_F16, half[0], NULL},
                                 {OFR_PRECISION_BF16, half[1], NULL},
                                 {OFR_PRECISION_INT8, q, scale}};
    for (int k = 0; k < 3; k++) {
        ofr_ops_ref.embed(NULL, want, tables[k], pos, type, ids, positions, types, N, C);
        for (int t = 0; t < CHECK_TABLES; t++) {
            struct guarded y = check_guarded(N * C);
            ofr_dev *dev = check->two[t];
            if (dev) {
                dev->ops.embed(dev, y.p, tables[k], pos, type, ids, positions, types, N,
                               C);
                check_guards("embed", &y);
                for (int i = 0; i < N * C; i++)
                    assert_true(fabs((double)y.p[i] - (double)want[i]) <= 3e-7);
            }
            free(y.raw);
        }
    }
    free(word);
    free(pos);
    free(type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half),       cmocka_unit_test(test_half_rounding),
        cmocka_unit_test(test_int8),       cmocka_unit_test(test_int8_worst),
        cmocka_unit_test(test_int8_rest),  cmocka_unit_test(test_embed),
    };
    return cmocka_run_group_tests(tests, check_open, check_close);
}
