/*
 * romebert.c - RomeBERT (arXiv 2101.09755): exits that learn from the last one, and
 * a gradient that never works against the last one's.
 *
 *   anchor  CE_L
 *   other   sum_{l<L} (1-g) CE_l + g T^2 KL(softmax(z_L/T) || softmax(z_l/T))
 *
 * z_L is constant in `other`.  For each weight matrix of the layers below L, with a
 * and b the gradients of anchor and other, it moves by a + b - min(0, <a,b>/<a,a>) a;
 * everything else by a + b.  g: --distill, T: --temperature, --no-grad-reg: always
 * a + b.
 */
#include "method/exits.h"

#include <string.h>

#include "nn/loss.h"

typedef struct romebert {
    ofr_exits exits;
    ofr_real *other; /* [params.total] gradient of the lower exits' loss */
} romebert;

static const ofr_real *logits(const ofr_exits *e, int l, int b)
{
    const size_t at = (size_t)(l - 1) * (size_t)e->net.B + (size_t)b;

    return e->net.heads.z + at * (size_t)e->K;
}

/* What exit l learns from layer L's answers. */
static void add_distillation(ofr_exits *e, ofr_step *step, int l)
{
    const double T = e->o->temperature, weight = e->o->distill / step->B_all;

    for (int b = 0; b < step->B; b++) {
        const ofr_real *z = logits(e, l, b), *teacher = logits(e, e->L, b);
        ofr_real *dz = e->net.dz + (z - e->net.heads.z);

        step->loss += weight * ofr_loss_kl(teacher, z, e->K, T);
        ofr_loss_kl_bwd(dz, teacher, z, e->K, T, weight);
    }
}

static void add_lower(ofr_exits *e, ofr_step *step)
{
    for (int l = 1; l < e->L; l++) {
        ofr_exits_add(e, step, l, 1 - e->o->distill);
        add_distillation(e, step, l);
    }
}

/* A weight matrix of a layer below L (or of ALBERT's one layer)? */
static bool is_regularised(const ofr_param *row, int L)
{
    return row->group == OFR_GROUP_BACKBONE && row->rank == 2 && row->layer < L &&
           strncmp(row->name, "layer.", 6) == 0;
}

static void merge(const romebert *r, ofr_trainer *trainer)
{
    const ofr_params *params = &trainer->encoder->params;

    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        ofr_real *anchor = trainer->grads + row->offset;
        const ofr_real *other = r->other + row->offset;

        if (is_regularised(row, params->L))
            ofr_loss_project(anchor, other, row->count);
        else
            trainer->dev->ops.add(trainer->dev, anchor, other, row->count);
    }
}

/* Both gradients of this rank's texts; nothing without texts. */
static void both(romebert *r, ofr_trainer *trainer, ofr_step *step)
{
    ofr_exits *e = &r->exits;

    if (step->B == 0) return;
    ofr_exits_forward(e, trainer, step);
    ofr_exits_add(e, step, e->L, 1);
    ofr_net_backward(&e->net, trainer->grads);
    ofr_net_clear(&e->net);
    add_lower(e, step);
    ofr_net_backward(&e->net, r->other);
}

/* The projection is of gradients of the whole batch: it is no sum over texts. */
static void step_projected(ofr_trainer *trainer, void *self, ofr_step *step)
{
    romebert *r = self;

    memset(r->other, 0, trainer->encoder->params.total * sizeof *r->other);
    both(r, trainer, step);
    ofr_trainer_sum(trainer, trainer->grads);
    ofr_trainer_sum(trainer, r->other);
    step->summed = true;
    merge(r, trainer);
}

/* Without the projection. */
static void step_sum(ofr_trainer *trainer, void *self, ofr_step *step)
{
    romebert *r = self;
    ofr_exits *e = &r->exits;

    if (step->B == 0) return;
    ofr_exits_forward(e, trainer, step);
    ofr_exits_add(e, step, e->L, 1);
    add_lower(e, step);
    ofr_trainer_backward(trainer, &e->net);
}

static void step_rome(ofr_trainer *trainer, void *self, ofr_step *step)
{
    const romebert *r = self;

    if (r->exits.o->grad_reg)
        step_projected(trainer, self, step);
    else
        step_sum(trainer, self, step);
}

static const ofr_phase phases[] = {
    {"distill", ofr_exits_plan, NULL, step_rome, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static void layout(ofr_slots *slots, void *self)
{
    romebert *r = self;
    const ofr_exits *e = &r->exits;

    r->other = ofr_slots_take(slots, e->o->grad_reg ? e->encoder->params.total : 0,
                              sizeof(ofr_real));
}

const ofr_method ofr_method_romebert = {
    .name = "romebert",
    .source = "Geng et al. 2021, arXiv 2101.09755",
    .summary = "lower exits learn from the last one, whose gradient they may not work "
               "against; leave when the entropy is low",
    .rule = &ofr_rule_entropy,
    .all_exits = true,
    .options = "joint-epochs distill temperature grad-reg",
    .open = ofr_exits_open,
    .result = ofr_exits_result,
    .close = ofr_exits_close,
    .phases = phases,
    .memory = sizeof(romebert),
    .layout = layout,
};
