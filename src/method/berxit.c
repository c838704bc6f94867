/*
 * berxit.c - BERxiT (EACL 2021): last exit and all exits in turn, and a module that
 * learns to exit.
 *
 *   even steps  CE_L                       odd steps  sum_l CE_l
 *   both        + mean over l < L of (u_l - t_l)^2,  u_l = sigmoid(v . c_l + a)
 *
 * t_l is 1 where exit l is wrong, or |tanh(y_l - y)| of a regression.  v and a
 * only read the pooled vectors: no gradient of theirs reaches the network.
 */
#include "method/exits.h"

#include <math.h>

#include "nn/loss.h"

typedef struct berxit {
    ofr_exits exits;
    ofr_real *du; /* [L-1,batch] */
} berxit;

/* How wrong exit l (1..L) is about the b-th text: 0 right, 1 wrong. */
static double wrong(const ofr_exits *e, int l, int b)
{
    const ofr_dataset *data = e->data->train;
    const size_t at = (size_t)(l - 1) * (size_t)e->net.B + (size_t)b;
    const ofr_real *z = e->net.heads.z + at * (size_t)e->K;
    const int item = e->net.items[b];

    if (data->targets) return fabs(tanh((double)z[0] - (double)data->targets[item]));
    return ofr_argmax(z, e->K) != data->labels[item];
}

static void lte(berxit *x, ofr_trainer *trainer, ofr_step *step)
{
    ofr_exits *e = &x->exits;
    const double weight = 1.0 / (e->L - 1) / step->B_all;

    ofr_policies_forward(&e->gates, e->net.heads.c, step->B);
    for (int l = 1; l < e->L; l++) {
        for (int b = 0; b < step->B; b++) {
            const size_t at = (size_t)(l - 1) * (size_t)step->B + (size_t)b;
            const double u = exp(ofr_log_sigmoid((double)e->gates.u[at]));
            const double error = u - wrong(e, l, b);

            step->loss += weight * error * error;
            x->du[at] = (ofr_real)(weight * 2 * error * u * (1 - u));
        }
    }
    ofr_policies_backward(&e->gates, trainer->grads, x->du);
}

static void alternate(ofr_trainer *trainer, void *self, ofr_step *step)
{
    berxit *x = self;
    ofr_exits *e = &x->exits;

    if (step->B == 0) return;
    ofr_exits_forward(e, trainer, step);
    for (int l = step->number % 2 ? 1 : e->L; l <= e->L; l++)
        ofr_exits_add(e, step, l, 1);
    lte(x, trainer, step);
    ofr_trainer_backward(trainer, &e->net);
}

static const ofr_phase phases[] = {
    {"alternate", ofr_exits_plan, NULL, alternate, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static void layout(ofr_slots *slots, void *self)
{
    berxit *x = self;

    x->du = ofr_slots_take(slots, (size_t)(x->exits.L - 1) * (size_t)x->exits.o->batch,
                           sizeof(ofr_real));
}

const ofr_method ofr_method_berxit = {
    .name = "berxit",
    .source = "Xin et al. 2021, BERxiT, EACL",
    .summary = "the last exit and all exits in turn, and a learned estimate of being "
               "wrong; leave when that is low",
    .rule = &ofr_rule_lte,
    .all_exits = true,
    .has_policies = true,
    .gate = OFR_GATE_LTE,
    .options = "joint-epochs",
    .open = ofr_exits_open,
    .result = ofr_exits_result,
    .close = ofr_exits_close,
    .phases = phases,
    .memory = sizeof(berxit),
    .layout = layout,
};
