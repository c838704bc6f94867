/*
 * loss.c - losses per text and their gradients.
 *
 * A text has few classes, so everything is summed in double whatever ofr_real
 * is; the gradient is rounded once, when it is added.
 */
#include "nn/loss.h"

#include "base/status.h"

/* *max = m = max z;  returns S = sum e^(z-m). */
static double exp_sum(const ofr_real *z, int K, double *max)
{
    double m = (double)z[0];
    for (int k = 1; k < K; k++)
        if ((double)z[k] > m) m = (double)z[k];
    double S = 0;
    for (int k = 0; k < K; k++)
        S += exp((double)z[k] - m);
    *max = m;
    return S;
}

double ofr_loss_ce(const ofr_real *z, int K, int y)
{
    OFR_ASSERT(y >= 0 && y < K);
    double m;
    double S = exp_sum(z, K, &m);
    return log(S) - ((double)z[y] - m);
}

void ofr_loss_ce_bwd(ofr_real *dz, const ofr_real *z, int K, int y, double weight)
{
    OFR_ASSERT(y >= 0 && y < K);
    double m;
    double S = exp_sum(z, K, &m);
    for (int k = 0; k < K; k++) {
        double p = exp((double)z[k] - m) / S;
        dz[k] += (ofr_real)(weight * (k == y ? p - 1 : p));
    }
}

double ofr_loss_mse(ofr_real z, double y)
{
    double error = (double)z - y;
    return error * error;
}

void ofr_loss_mse_bwd(ofr_real *dz, ofr_real z, double y, double weight)
{
    *dz += (ofr_real)(weight * 2 * ((double)z - y));
}

/* ln sum e^(z/T), less max z / T, which goes to *max. */
static double log_sum(const ofr_real *z, int K, double T, double *max)
{
    double m = (double)z[0], S = 0;
    for (int k = 1; k < K; k++)
        if ((double)z[k] > m) m = (double)z[k];
    for (int k = 0; k < K; k++)
        S += exp(((double)z[k] - m) / T);
    *max = m / T;
    return log(S);
}

double ofr_loss_ce_at(const ofr_real *z, int K, int y, double T)
{
    double max, log_S = log_sum(z, K, T, &max);
    return log_S - ((double)z[y] / T - max);
}

double ofr_loss_kl(const ofr_real *t, const ofr_real *z, int K, double T)
{
    double t_max, z_max, sum = 0;
    double t_log = log_sum(t, K, T, &t_max), z_log = log_sum(z, K, T, &z_max);
    for (int k = 0; k < K; k++) {
        double log_p = (double)t[k] / T - t_max - t_log;
        double log_q = (double)z[k] / T - z_max - z_log;
        sum += exp(log_p) * (log_p - log_q);
    }
    return T * T * sum;
}

void ofr_loss_kl_bwd(ofr_real *dz, const ofr_real *t, const ofr_real *z, int K, double T,
                     double weight)
{
    double t_max, z_max;
    double t_log = log_sum(t, K, T, &t_max), z_log = log_sum(z, K, T, &z_max);
    for (int k = 0; k < K; k++) {
        double p = exp((double)t[k] / T - t_max - t_log);
        double q = exp((double)z[k] / T - z_max - z_log);
        dz[k] += (ofr_real)(weight * T * (q - p));
    }
}

void ofr_loss_project(ofr_real *a, const ofr_real *b, size_t n)
{
    double ab = 0, aa = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
    }
    double along = aa > 0 && ab < 0 ? ab / aa : 0;
    for (size_t i = 0; i < n; i++)
        a[i] = (ofr_real)((double)a[i] + (double)b[i] - along * (double)a[i]);
}

double ofr_log_sigmoid(double u)
{
    /* -softplus(-u), with the exponential of a number that is never positive. */
    return u >= 0 ? -log1p(exp(-u)) : u - log1p(exp(u));
}
