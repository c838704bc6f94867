/*
 * consistentee_math.c - the formulas of ConsistentEE on plain arrays.
 *
 * Everything that could overflow is kept in logarithms: ln pi = -softplus(-u),
 * ln(1 - pi) = -softplus(u).  Nothing divides by pi or 1 - pi, so saturated
 * policies give zeros, not NaN.
 */
#include "method/consistentee_math.h"

#include <math.h>
#include <stddef.h>

#include "base/status.h"
#include "nn/loss.h"

static double sigmoid(double u)
{
    return exp(ofr_log_sigmoid(u));
}

/* d sigmoid / du = pi (1 - pi) */
static double sigmoid_slope(double u)
{
    return exp(ofr_log_sigmoid(u) + ofr_log_sigmoid(-u));
}

void ofr_exit_distribution(double *q, double *log_q, const double *u, int L)
{
    double log_reach = 0;
    for (int l = 0; l < L; l++) {
        double log_ql = log_reach;
        if (l < L - 1) {
            log_ql += ofr_log_sigmoid(u[l]);
            log_reach += ofr_log_sigmoid(-u[l]);
        }
        q[l] = exp(log_ql);
        if (log_q != NULL) log_q[l] = log_ql;
    }
}

int ofr_memorized_layer(const unsigned char *right, int L)
{
    int m = L;
    if (!right[L - 1]) return L;
    while (m > 1 && right[m - 2])
        m--;
    return m;
}

void ofr_reward(double *R, const double *ce, int L, double alpha, double hardness)
{
    for (int l = 1; l <= L; l++)
        R[l - 1] = -ce[l - 1] - alpha * (1 - hardness) * l;
}

double ofr_policy_exact(double *du, const double *u, const double *R, int L)
{
    /* Downwards: du[l] holds the value of going on, V of the layer above. */
    double V = R[L - 1];
    for (int l = L - 2; l >= 0; l--) {
        du[l] = V;
        V = sigmoid(u[l]) * R[l] + sigmoid(-u[l]) * V;
    }
    /* Upwards: the probability of getting here. */
    double log_reach = 0;
    for (int l = 0; l < L - 1; l++) {
        du[l] = exp(log_reach) * (R[l] - du[l]) * sigmoid_slope(u[l]);
        log_reach += ofr_log_sigmoid(-u[l]);
    }
    return V;
}

double ofr_policy_reinforce(double *du, const double *u, const double *R,
                            const int *exits, int S, int L)
{
    for (int l = 0; l < L - 1; l++)
        du[l] = 0;
    double baseline = 0;
    for (int s = 0; s < S; s++)
        baseline += R[exits[s] - 1];
    baseline /= S;

    double loss = 0;
    for (int s = 0; s < S; s++) {
        int e = exits[s];
        OFR_ASSERT(e >= 1 && e <= L);
        double weight = -(R[e - 1] - baseline) / S;
        double log_q = 0;
        for (int l = 0; l < e - 1; l++) { /* d ln(1 - pi) / du = -pi */
            log_q += ofr_log_sigmoid(-u[l]);
            du[l] -= weight * sigmoid(u[l]);
        }
        if (e < L) { /* d ln pi / du = 1 - pi */
            log_q += ofr_log_sigmoid(u[e - 1]);
            du[e - 1] += weight * sigmoid(-u[e - 1]);
        }
        loss += weight * log_q;
    }
    return loss;
}

double ofr_policy_entropy(double *du, const double *u, int L)
{
    /* H_l = H(pi_l), V_l = H_l + (1 - pi_l) V_{l+1}, V_L = 0; dH_l/du = -u pi (1-pi). */
    double V = 0;
    for (int l = L - 2; l >= 0; l--) {
        double stop = sigmoid(u[l]), go = sigmoid(-u[l]);
        double H = -stop * ofr_log_sigmoid(u[l]) - go * ofr_log_sigmoid(-u[l]);
        du[l] = V;
        V = H + go * V;
    }
    double log_reach = 0;
    for (int l = 0; l < L - 1; l++) {
        du[l] = exp(log_reach) * (-u[l] - du[l]) * sigmoid_slope(u[l]);
        log_reach += ofr_log_sigmoid(-u[l]);
    }
    return V;
}

void ofr_sample_exits(int *exits, const double *q, int L, const double *uniform, int S)
{
    /* Rounding can leave sum q just below 1: then the last possible layer. */
    int last = L;
    while (last > 1 && !(q[last - 1] > 0))
        last--;
    for (int s = 0; s < S; s++) {
        double below = 0;
        int l = 1;
        for (; l < last; l++) {
            below += q[l - 1];
            if (uniform[s] < below) break;
        }
        exits[s] = l;
    }
}

void ofr_joint_weights(double *weight, int L)
{
    double sum = 0.5 * L * (L + 1.0);
    for (int l = 1; l <= L; l++)
        weight[l - 1] = l / sum;
}

void ofr_sampled_weights(double *weight, const int *exits, int S, int L)
{
    for (int l = 0; l < L; l++)
        weight[l] = 0;
    for (int s = 0; s < S; s++)
        weight[exits[s] - 1] += 1.0 / S;
}
