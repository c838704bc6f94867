/*
 * palbert.c - PALBERT (arXiv 2204.03276): the exit is a random variable, and all of
 * the network learns its distribution.
 *
 *   q_l = pi_l prod_{j<l} (1 - pi_j), q_L the rest, pi_l from the policy networks
 *   loss = sum_l q_l CE_l + beta KL(q || geometric)
 *
 * The prior leaves each layer with probability p: g_l = p (1-p)^(l-1), g_L the rest.
 * Unlike ConsistentEE's policies these shape the backbone, and there is no price of
 * a layer but the prior's.  At inference the Q-exit: the median of q, see
 * exit/rule_ponder.c.  p: --prior, beta: --prior-weight.
 */
#include "method/exits.h"

#include <math.h>
#include <string.h>

#include "method/consistentee_math.h"
#include "method/palbert.h"

double ofr_ponder_loss(double *q, double *du, const double *u, const double *ce, int L,
                       double prior, double beta, double *work)
{
    double *log_q = work, *R = work + L;
    double rest = 0; /* ln of what the prior has not spent yet */

    ofr_exit_distribution(q, log_q, u, L);
    for (int l = 0; l < L; l++) {
        const double log_g = rest + (l < L - 1 ? log(prior) : 0);

        /* The derivative of q ln q has a further q, whose sum is constant. */
        R[l] = ce[l] + beta * (log_q[l] - log_g);
        rest += log1p(-prior);
    }
    return ofr_policy_exact(du, u, R, L);
}

typedef struct palbert {
    ofr_exits exits;
    ofr_real *du, *dc;                   /* [L-1,batch], [L,batch,C] */
    double *u, *ce, *q, *du_text, *work; /* [L]; work [2L] */
} palbert;

static double add_text(palbert *p, const ofr_step *step, int b)
{
    ofr_exits *e = &p->exits;
    double loss;

    for (int l = 1; l <= e->L; l++) {
        p->ce[l - 1] = ofr_net_loss(&e->net, l, b);
        if (l < e->L)
            p->u[l - 1] = (double)e->gates.u[(size_t)(l - 1) * (size_t)step->B +
                                             (size_t)b];
    }
    loss = ofr_ponder_loss(p->q, p->du_text, p->u, p->ce, e->L, e->o->prior,
                           e->o->prior_weight, p->work);
    for (int l = 1; l <= e->L; l++) {
        ofr_net_loss_bwd(&e->net, l, b, p->q[l - 1] / step->B_all);
        if (l < e->L)
            p->du[(size_t)(l - 1) * (size_t)step->B + (size_t)b] =
                (ofr_real)(p->du_text[l - 1] / step->B_all);
    }
    return loss;
}

static void ponder(ofr_trainer *trainer, void *self, ofr_step *step)
{
    palbert *p = self;
    ofr_exits *e = &p->exits;
    const size_t n = (size_t)e->L * (size_t)step->B * (size_t)e->C;

    if (step->B == 0) return;
    ofr_exits_forward(e, trainer, step);
    ofr_policies_forward(&e->gates, e->net.heads.c, step->B);
    for (int b = 0; b < step->B; b++)
        step->loss += add_text(p, step, b) / step->B_all;
    memset(p->dc, 0, n * sizeof *p->dc);
    ofr_policies_backward_into(&e->gates, trainer->grads, p->dc, p->du);
    e->net.heads.dc_more = p->dc;
    ofr_trainer_backward(trainer, &e->net);
}

static const ofr_phase phases[] = {
    {"ponder", ofr_exits_plan, NULL, ponder, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static void layout(ofr_slots *slots, void *self)
{
    palbert *p = self;
    const size_t L = (size_t)p->exits.L, B = (size_t)p->exits.o->batch;
    const size_t C = (size_t)p->exits.C;
    double **texts[] = {&p->u, &p->ce, &p->q, &p->du_text};

    p->du = ofr_slots_take(slots, (L - 1) * B, sizeof(ofr_real));
    p->dc = ofr_slots_take(slots, L * B * C, sizeof(ofr_real));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = ofr_slots_take(slots, L, sizeof(double));
    p->work = ofr_slots_take(slots, 2 * L, sizeof(double));
}

const ofr_method ofr_method_palbert = {
    .name = "palbert",
    .source = "Balagansky, Gavrilov 2022, arXiv 2204.03276",
    .summary = "all of the network learns a distribution of exits near a geometric one; "
               "leave at its median",
    .rule = &ofr_rule_ponder,
    .all_exits = true,
    .has_policies = true,
    .options = "joint-epochs prior prior-weight policy-hidden",
    .open = ofr_exits_open,
    .result = ofr_exits_result,
    .close = ofr_exits_close,
    .phases = phases,
    .memory = sizeof(palbert),
    .layout = layout,
};
