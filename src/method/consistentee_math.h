/*
 * consistentee_math.h - the formulas of ConsistentEE (arXiv 2312.11882) on plain
 * arrays, apart from any network, so that they can be checked to 1e-9.
 *
 * Layers are numbered 1..L; arrays over layers start with layer 1.  All in
 * double: the arrays are small.  For one text at a time.
 */
#ifndef OFR_METHOD_CONSISTENTEE_MATH_H
#define OFR_METHOD_CONSISTENTEE_MATH_H

/* q[L] from the policies' logits u[L-1]:
 * q_l = pi_l prod_{j<l} (1 - pi_j), q_L the rest; computed in logs.  log_q may
 * be NULL. */
void ofr_exit_distribution(double *q, double *log_q, const double *u, int L);

/* First layer from which all classifiers stay right; L when layer L is wrong.
 * right[L]: argmax z_l == y. */
int ofr_memorized_layer(const unsigned char *right, int L);

/* R_l = -CE_l - alpha * (1 - hardness) * l.  hardness = m/L for the paper's
 * reward, 0 for the plain one. */
void ofr_reward(double *R, const double *ce, int L, double alpha, double hardness);

/* E_q[R] and its exact gradient dE/du[L-1] through pi = sigmoid(u):
 *   V_L = R_L, V_l = pi_l R_l + (1 - pi_l) V_{l+1}
 *   dE/dpi_l = prod_{j<l}(1 - pi_j) (R_l - V_{l+1}). */
double ofr_policy_exact(double *du, const double *u, const double *R, int L);

/* REINFORCE: loss = -mean_s (R_{e_s} - b) ln q_{e_s}, b = mean_s R_{e_s}, and its
 * gradient du[L-1] (R constant).  exits[S] in 1..L. */
double ofr_policy_reinforce(double *du, const double *u, const double *R,
                            const int *exits, int S, int L);

/* Entropy of the policies weighted by reaching their layer, sum_{l<L} P(reach l)
 * H(pi_l), and its gradient (P(reach) differentiated too).  By the chain rule of
 * entropy this is H(q), between 0 and ln L. */
double ofr_policy_entropy(double *du, const double *u, int L);

/* Exits sampled from q by inverse distribution: uniform[S] in [0,1). */
void ofr_sample_exits(int *exits, const double *q, int L, const double *uniform, int S);

/* Weights of CE_l in the joint loss: weight[L], weight_l = l / (1 + ... + L). */
void ofr_joint_weights(double *weight, int L);

/* Weights of CE_l in the task loss: expected: weight_l = q_l;
 * sampled: weight_l = (number of exits == l) / S. */
void ofr_sampled_weights(double *weight, const int *exits, int S, int L);

#endif
