/*
 * vec_math.h - exp, tanh and the normal distribution in float vectors.
 *
 * Written over the vocabulary of the instruction set that includes it.  The
 * polynomials are minimax fits of our own (Remez, 40 digits); their errors are
 * bounded by tests/kernels/test_checkkernel.c.  NaN comes out as NaN.
 */
#ifndef OFR_KERNELS_VEC_MATH_H
#define OFR_KERNELS_VEC_MATH_H

/* e^a = 2^n e^r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 q(r), q within 3e-9. */
static inline vec vec_exp(vec a)
{
    a = vec_min(vec_set1(88.8f), vec_max(vec_set1(-104.0f), a));
    vec n = vec_round(vec_mul(a, vec_set1(1.44269504f)));
    vec r = vec_fma(n, vec_set1(-0.693145752f), a); /* ln 2 in two parts */
    r = vec_fma(n, vec_set1(-1.42860682e-6f), r);
    vec q = vec_set1(0.0013814602457f);
    q = vec_fma(q, r, vec_set1(0.00836871715698f));
    q = vec_fma(q, r, vec_set1(0.041668387991f));
    q = vec_fma(q, r, vec_set1(0.166665206287f));
    q = vec_fma(q, r, vec_set1(0.499999934479f));
    q = vec_fma(vec_mul(r, r), q, r);
    return vec_scale2(vec_add(q, vec_set1(1.0f)), n);
}

/* 2^a for a <= 127, within 1.7e-7 of it; below a = -126 that of -126. */
static inline vec vec_exp2(vec a)
{
    a = vec_max(vec_set1(-126.0f), a);
    vec n = vec_round(a), r = vec_sub(a, n);
    vec q = vec_set1(0.00132647273f);
    q = vec_fma(q, r, vec_set1(0.00967151299f));
    q = vec_fma(q, r, vec_set1(0.0555073358f));
    q = vec_fma(q, r, vec_set1(0.240222424f));
    q = vec_fma(q, r, vec_set1(0.693147004f));
    return vec_scale2(vec_fma(q, r, vec_set1(1.0f)), n);
}

/* Near zero x + x^3 p(x^2), within 4e-9; else 1 - 2 / (e^2|x| + 1). */
static inline vec vec_tanh(vec a)
{
    vec x = vec_abs(a), one = vec_set1(1.0f), z = vec_mul(a, a);
    vec p = vec_set1(-0.00570498453542f);
    p = vec_fma(p, z, vec_set1(0.0206390849501f));
    p = vec_fma(p, z, vec_set1(-0.0537397143211f));
    p = vec_fma(p, z, vec_set1(0.133314421872f));
    p = vec_fma(p, z, vec_set1(-0.333332819414f));
    vec near = vec_fma(vec_mul(p, z), a, a);
    vec e = vec_exp(vec_add(x, x));
    vec far = vec_sub(one, vec_div(vec_set1(2.0f), vec_add(e, one)));
    return vec_if_less(x, vec_set1(0.625f), near, vec_copy_sign(far, a));
}

/* The normal distribution function Phi(a), and *e = exp(-a^2 / 2).
 * Phi(-x) = e u Q(u), u = 1 / (1 + 0.3 x) for x >= 0, Q within 4e-9: relative
 * accuracy holds far into the tail. */
static inline vec vec_phi(vec a, vec *e)
{
    vec x = vec_min(vec_set1(14.5f), vec_abs(a)), one = vec_set1(1.0f);
    vec square = vec_mul(x, x), lost = vec_fma(x, x, vec_neg(square));
    vec y = vec_exp(vec_mul(square, vec_set1(-0.5f)));
    y = vec_fma(y, vec_mul(lost, vec_set1(-0.5f)), y);
    *e = y;
    vec u = vec_div(one, vec_fma(x, vec_set1(0.3f), one));
    vec q = vec_set1(-0.0205846500871f);
    q = vec_fma(q, u, vec_set1(0.112217097964f));
    q = vec_fma(q, u, vec_set1(-0.227679512401f));
    q = vec_fma(q, u, vec_set1(0.191042013281f));
    q = vec_fma(q, u, vec_set1(-0.0787777104264f));
    q = vec_fma(q, u, vec_set1(0.0957932493129f));
    q = vec_fma(q, u, vec_set1(0.0785218719725f));
    q = vec_fma(q, u, vec_set1(0.110205541043f));
    q = vec_fma(q, u, vec_set1(0.119575614696f));
    q = vec_fma(q, u, vec_set1(0.119686482937f));
    vec tail = vec_mul(y, vec_mul(u, q));
    return vec_if_less(a, vec_zero(), tail, vec_sub(one, tail));
}

/* Q(a) = 1 - Phi(a) near a = 0.375 i: sum over k of q[k][i] t^k with
 * t = a / 0.375 - i, |t| <= 1/2; within 4e-9 of the truth. */
static const float gelu_q[6][16] = {
    {0.5f, 0.353830248f, 0.22662735f, 0.130294517f, 0.066807203f, 0.030396359f,
     0.0122244712f, 0.00433244789f, 0.00134989817f, 0.000369078713f, 8.8417466e-05f,
     1.85368226e-05f, 3.39770349e-06f, 5.44051034e-07f, 7.6051677e-08f, 9.2758059e-09f},
    {-0.149603352f, -0.139445662f, -0.112926535f, -0.079453744f, -0.0485690981f,
     -0.0257948544f, -0.0119023686f, -0.00477156788f, -0.00166194304f,
     -0.000502919604f, -0.000132223431f, -3.02027056e-05f, -5.99392024e-06f,
     -1.03348441e-06f, -1.54819247e-07f, -2.01499706e-08f},
    {0.0f, 0.00980451703f, 0.015879998f, 0.0167596471f, 0.0136601226f, 0.00906863902f,
     0.00502140867f, 0.00234853546f, 0.000934832438f, 0.000318234932f, 9.29566158e-05f,
     2.33537903e-05f, 5.05516573e-06f, 9.44032649e-07f, 1.52249513e-07f,
     2.12222773e-08f},
    {0.00350626139f, 0.00280862139f, 0.00115795748f, -0.000494598527f, -0.00142289104f,
     -0.00152086245f, -0.00113329722f, -0.000658782898f, -0.000311619166f,
     -0.000122475729f, -4.04787825e-05f, -1.13358456e-05f, -2.70372698e-06f,
     -5.51243772e-07f, -9.63322151e-08f, -1.4459097e-08f},
    {0.0f, -0.0003258051f, -0.000450454158f, -0.000339276274f, -0.000120737539f,
     5.33463608e-05f, 0.000120332144f, 0.000106763393f, 6.58448334e-05f,
     3.14945755e-05f, 1.21905841e-05f, 3.90160358e-06f, 1.04565345e-06f,
     2.36595781e-07f, 4.54513724e-08f, 7.44349959e-09f},
    {-7.34222849e-05f, -4.97041765e-05f, 9.35006938e-07f, 3.87942564e-05f,
     4.3267486e-05f, 2.43665199e-05f, 3.54449844e-06f, -7.08124799e-06f,
     -8.17775071e-06f, -5.34099945e-06f, -2.54960764e-06f, -9.5758196e-07f,
     -2.92419031e-07f, -7.39249089e-08f, -1.56451634e-08f, -2.79272339e-09f}};

/* x Phi(x) = max(x, 0) - |x| Q(|x|), within 1.3 |x| 2^-24 + 2e-8.  Q is looked up,
 * which is much cheaper than its exponential; behind 5.8 it counts as constant,
 * 3e-9.  Adding 1.5 * 2^23 leaves the nearest whole number in the last bits. */
static inline vec vec_gelu(vec x)
{
    const vec magic = vec_set1(12582912.0f), step = vec_set1(2.66666675f);
    vec a = vec_min(vec_set1(5.8f), vec_abs(x));
    vec at = vec_fma(a, step, magic);
    vec t = vec_fma(a, step, vec_sub(magic, at));
    vec q = vec_pick(gelu_q[5], at);
    q = vec_fma(q, t, vec_pick(gelu_q[4], at));
    q = vec_fma(q, t, vec_pick(gelu_q[3], at));
    q = vec_fma(q, t, vec_pick(gelu_q[2], at));
    q = vec_fma(q, t, vec_pick(gelu_q[1], at));
    q = vec_fma(q, t, vec_pick(gelu_q[0], at));
    return vec_fma(vec_neg(a), q, vec_max(vec_zero(), x));
}

#endif
