/*
 * fastbert.c - FastBERT (arXiv 2004.02178): students that learn the teacher's answer.
 *
 *   train     backbone and teacher              CE_L
 *   distill   students of the layers below L    sum_{l<L} KL(p_L || p_l)
 *
 * The students learn nothing in the first phase, but decay where --weight-decay asks for
 * it: they begin the second a little smaller than they were made.  In the second phase
 * backbone and teacher stand still and are read without dropout; the labels are not
 * looked at.  Students: exit/student.h.
 */
#include "method/exits.h"

#include <string.h>

#include "exit/student.h"
#include "nn/loss.h"

#define FASTER 10 /* the students' learning rate over the teacher's */

typedef struct fastbert {
    ofr_exits exits;
    ofr_student student;
    ofr_real *z, *dz; /* [batch,K] of one student */
} fastbert;

static void plan_distill(const ofr_trainer *trainer, const void *self,
                         ofr_phase_plan *plan)
{
    const ofr_exits *e = self;

    ofr_exits_plan_lower(trainer, self, plan);
    if (e->o->exit_lr == 0) plan->lr = FASTER * e->o->lr;
}

/* The student of layer l on the batch of the last forward. */
static void learn(fastbert *f, ofr_trainer *trainer, ofr_step *step, int l,
                  const ofr_real *teacher)
{
    const ofr_net *net = &f->exits.net;
    const size_t K = (size_t)f->exits.K, n = (size_t)step->B * K;
    const double share = 1.0 / step->B_all;

    ofr_student_forward(&f->student, l, f->z, ofr_trace_hidden(&net->trace, l),
                        net->offsets, step->B);
    memset(f->dz, 0, n * sizeof *f->dz);
    for (size_t at = 0; at < n; at += K) {
        step->loss += share * ofr_loss_kl(teacher + at, f->z + at, (int)K, 1);
        ofr_loss_kl_bwd(f->dz + at, teacher + at, f->z + at, (int)K, 1, share);
    }
    ofr_student_backward(&f->student, trainer->grads, f->dz);
}

static void step_distill(ofr_trainer *trainer, void *self, ofr_step *step)
{
    fastbert *f = self;
    ofr_net *net = &f->exits.net;
    const int L = f->exits.L;

    if (step->B == 0) return;
    ofr_exits_forward(&f->exits, trainer, step);
    ofr_heads_forward(&net->heads, net->cls, step->B, false, 0);
    const ofr_real *teacher =
        net->heads.z + (size_t)(L - 1) * (size_t)step->B * (size_t)f->exits.K;
    for (int l = 1; l < L; l++)
        learn(f, trainer, step, l, teacher);
}

static const ofr_phase phases[] = {
    {"train", ofr_exits_plan, ofr_exits_thaw, ofr_exits_step_last, ofr_exits_look, NULL},
    {"distill", plan_distill, ofr_exits_freeze, step_distill, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static void layout(ofr_slots *slots, void *self)
{
    fastbert *f = self;
    const size_t n = (size_t)f->exits.o->batch * (size_t)f->exits.K;

    f->z = ofr_slots_take(slots, n, sizeof(ofr_real));
    f->dz = ofr_slots_take(slots, n, sizeof(ofr_real));
}

static void close_fastbert(ofr_recipe *recipe)
{
    fastbert *f = recipe->self;

    if (f) ofr_student_close(&f->student);
    ofr_exits_close(recipe);
}

static ofr_status open_fastbert(ofr_recipe *recipe, const ofr_method *method,
                                ofr_trainer *trainer, const ofr_method_data *data,
                                const ofr_method_options *options, ofr_error *err)
{
    fastbert *f;
    ofr_status status;

    OFR_TRY(ofr_exits_open(recipe, method, trainer, data, options, err));
    f = recipe->self;
    status = ofr_student_open(&f->student, trainer->encoder, trainer->dev,
                              f->exits.net.max_B, data->train->max_T,
                              f->exits.net.max_N, true, err);
    if (status) close_fastbert(recipe);
    return status;
}

const ofr_method ofr_method_fastbert = {
    .name = "fastbert",
    .source = "Liu et al. 2020, arXiv 2004.02178",
    .summary = "the last exit first, then students with attention of their own that "
               "learn its answer; leave when the normalised entropy is low",
    .rule = &ofr_rule_speed,
    .all_exits = true,
    .heads = OFR_HEAD_STUDENT,
    .options = "joint-epochs exit-epochs exit-lr",
    .open = open_fastbert,
    .result = ofr_exits_result,
    .close = close_fastbert,
    .phases = phases,
    .memory = sizeof(fastbert),
    .layout = layout,
};
