/* ref_elem.c - element by element, in double, from the definitions. */
#include <math.h>

#include "base/rng.h"
#include "kernels/ref/ref.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* tanh form of GELU: argument of tanh, and its derivative. */
static double gelu_argument(double x)
{
    return sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x);
}

double ofr_ref_act(double x, ofr_act act)
{
    switch (act) {
    case OFR_ACT_NONE: return x;
    case OFR_ACT_GELU: return x * 0.5 * erfc(-x / sqrt(2.0));
    case OFR_ACT_GELU_TANH: return x * sigmoid(2 * gelu_argument(x));
    case OFR_ACT_RELU: return x > 0 ? x : 0;
    case OFR_ACT_TANH: return tanh(x);
    case OFR_ACT_SILU: return x * sigmoid(x);
    }
    return x;
}

double ofr_ref_act_slope(double x, ofr_act act)
{
    double s;
    switch (act) {
    case OFR_ACT_NONE: return 1;
    case OFR_ACT_GELU:
        return 0.5 * erfc(-x / sqrt(2.0)) + x * exp(-x * x / 2) / sqrt(2 * acos(-1.0));
    case OFR_ACT_GELU_TANH:
        s = sigmoid(2 * gelu_argument(x));
        return s +
               2 * x * s * (1 - s) * sqrt(2 / acos(-1.0)) * (1 + 3 * 0.044715 * x * x);
    case OFR_ACT_RELU: return x > 0 ? 1 : 0;
    case OFR_ACT_TANH: return 1 - tanh(x) * tanh(x);
    case OFR_ACT_SILU:
        s = sigmoid(x);
        return s + x * s * (1 - s);
    }
    return 1;
}

double ofr_ref_drop(double x, size_t index, ofr_drop drop)
{
    if (!drop.threshold) return x;
    if (ofr_rng_mix32(drop.key, drop.first + (uint32_t)index) < drop.threshold) return 0;
    return x * (double)drop.scale;
}

void ofr_ref_act_all(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n, ofr_act act)
{
    (void)dev;
    for (size_t i = 0; i < n; i++)
        y[i] = (ofr_real)ofr_ref_act((double)x[i], act);
}

void ofr_ref_act_bwd(ofr_dev *dev, ofr_real *dx, const ofr_real *dy, const ofr_real *x,
                     size_t n, ofr_act act)
{
    (void)dev;
    for (size_t i = 0; i < n; i++)
        dx[i] = (ofr_real)((double)dy[i] * ofr_ref_act_slope((double)x[i], act));
}

void ofr_ref_dropout(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n,
                     ofr_drop drop)
{
    (void)dev;
    for (size_t i = 0; i < n; i++)
        y[i] = (ofr_real)ofr_ref_drop((double)x[i], i, drop);
}

void ofr_ref_add(ofr_dev *dev, ofr_real *y, const ofr_real *x, size_t n)
{
    (void)dev;
    for (size_t i = 0; i < n; i++)
        y[i] = (ofr_real)((double)y[i] + (double)x[i]);
}

void ofr_ref_scale(ofr_dev *dev, ofr_real *y, ofr_real a, size_t n)
{
    (void)dev;
    for (size_t i = 0; i < n; i++)
        y[i] = (ofr_real)((double)y[i] * (double)a);
}

double ofr_ref_sum_squares(ofr_dev *dev, const ofr_real *x, size_t n)
{
    (void)dev;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

void ofr_ref_adamw(ofr_dev *dev, ofr_real *w, const ofr_real *g, ofr_real *m, ofr_real *v,
                   size_t n, ofr_adamw_step step)
{
    (void)dev;
    double b1 = step.beta1, b2 = step.beta2, lr = step.lr;
    for (size_t i = 0; i < n; i++) {
        double gi = (double)g[i] * step.grad_scale;
        double mi = b1 * (double)m[i] + (1 - b1) * gi;
        double vi = b2 * (double)v[i] + (1 - b2) * gi * gi;
        double wi = (double)w[i] - lr * step.decay * (double)w[i];
        wi -= lr * (mi / step.correct1) / (sqrt(vi / step.correct2) + step.eps);
        m[i] = (ofr_real)mi;
        v[i] = (ofr_real)vi;
        w[i] = (ofr_real)wi;
    }
}
