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

#endif
