/* palbert.h - the loss of PALBERT for one text, on plain arrays. */
#ifndef OFR_METHOD_PALBERT_H
#define OFR_METHOD_PALBERT_H

/* sum_l q_l ce_l + beta KL(q || geometric prior), with q[L] of the gates' logits
 * u[L-1], and its gradient du[L-1]; ce[L] are constants here.  work: [2L]. */
double ofr_ponder_loss(double *q, double *du, const double *u, const double *ce, int L,
                       double prior, double beta, double *work);

#endif
