/* exits.c - memory, plans, steps and figures that methods of exits share. */
#include "method/exits.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "method/consistentee_math.h"

#define NETWORK (OFR_GROUP_BACKBONE | OFR_GROUP_POOLER | OFR_GROUP_HEADS)

/* ---- plans ------------------------------------------------------------------ */

void ofr_exits_plan(const ofr_trainer *trainer, const void *self, ofr_phase_plan *plan)
{
    const ofr_exits *e = self;

    (void)trainer;
    *plan = (ofr_phase_plan){
        .groups = NETWORK | (e->method->has_policies ? OFR_GROUP_POLICIES : 0),
        .n_items = e->data->train->n, .epochs = e->o->joint_epochs, .batch = e->o->batch,
        .lr = e->o->lr};
}

void ofr_exits_plan_lower(const ofr_trainer *trainer, const void *self,
                          ofr_phase_plan *plan)
{
    const ofr_exits *e = self;
    const bool own = trainer->encoder->config.pooler == OFR_POOLER_PER_LAYER;

    *plan = (ofr_phase_plan){
        .groups = OFR_GROUP_HEADS | (own ? OFR_GROUP_POOLER : 0) | OFR_GROUP_NOT_LAST,
        .n_items = e->data->train->n,
        .epochs = e->o->exit_epochs ? e->o->exit_epochs : e->o->joint_epochs,
        .batch = e->o->batch, .lr = e->o->exit_lr > 0 ? e->o->exit_lr : e->o->lr};
}

ofr_status ofr_exits_thaw(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_exits *e = self;

    (void)trainer;
    (void)err;
    e->net.frozen = false;
    return OFR_OK;
}

ofr_status ofr_exits_freeze(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_exits *e = self;

    (void)trainer;
    (void)err;
    e->net.frozen = true;
    return OFR_OK;
}

/* ---- steps ------------------------------------------------------------------ */

void ofr_exits_forward(ofr_exits *e, const ofr_trainer *trainer, const ofr_step *step)
{
    ofr_net_forward(&e->net, step->items - step->first, step->first, step->B,
                    trainer->options->seed, step->number);
}

void ofr_exits_add(ofr_exits *e, ofr_step *step, int l, double weight)
{
    const double share = weight / step->B_all;

    for (int b = 0; b < step->B; b++) {
        step->loss += share * ofr_net_loss(&e->net, l, b);
        ofr_net_loss_bwd(&e->net, l, b, share);
    }
}

void ofr_exits_step_joint(ofr_trainer *trainer, void *self, ofr_step *step)
{
    ofr_exits *e = self;

    if (step->B == 0) return;
    ofr_exits_forward(e, trainer, step);
    for (int l = 1; l <= e->L; l++)
        ofr_exits_add(e, step, l, e->weight[l - 1]);
    ofr_trainer_backward(trainer, &e->net);
}

void ofr_exits_step_last(ofr_trainer *trainer, void *self, ofr_step *step)
{
    ofr_exits *e = self;

    if (step->B == 0) return;
    ofr_exits_forward(e, trainer, step);
    ofr_exits_add(e, step, e->L, 1);
    ofr_trainer_backward(trainer, &e->net);
}

void ofr_exits_step_lower(ofr_trainer *trainer, void *self, ofr_step *step)
{
    ofr_exits *e = self;

    if (step->B == 0) return;
    ofr_exits_forward(e, trainer, step);
    for (int l = 1; l < e->L; l++)
        ofr_exits_add(e, step, l, 1);
    ofr_trainer_backward(trainer, &e->net);
}

ofr_status ofr_exits_look(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_exits *e = self;

    OFR_TRY(ofr_watch_look(&e->watch, trainer, e->method->has_policies, err));
    ofr_trainer_journal(trainer, "evaluation");
    ofr_watch_journal(&e->watch, &trainer->journal);
    return ofr_journal_end(&trainer->journal, err);
}

/* ---- the recipe --------------------------------------------------------------- */

static int next(ofr_trainer *trainer, void *self)
{
    const int row = (int)trainer->at.phase + 1;

    (void)self;
    return trainer->recipe->phases[row].name ? row : -1;
}

static int state(void *self, ofr_checkpoint_item items[OFR_RECIPE_ITEMS_MAX])
{
    ofr_watch *watch = &((ofr_exits *)self)->watch;

    items[0] = ofr_checkpoint_item_within(
        ofr_checkpoint_item_of("dev.exits", OFR_I32, (size_t)watch->n, watch->exits), 0,
        watch->L);
    items[1] = ofr_checkpoint_item_of("dev.score", OFR_F64, 1, &watch->score);
    items[2] = ofr_checkpoint_item_of("dev.score_full", OFR_F64, 1, &watch->score_full);
    items[3] = ofr_checkpoint_item_of("dev.mean_exit", OFR_F64, 1, &watch->mean_exit);
    return 4;
}

static void layout(ofr_slots *slots, void *owner)
{
    ofr_exits *e = owner;

    e->weight = ofr_slots_take(slots, (size_t)e->L, sizeof(double));
    if (e->method->layout) e->method->layout(slots, e);
}

static ofr_status open_parts(ofr_exits *e, ofr_trainer *trainer, ofr_error *err)
{
    ofr_encoder *encoder = trainer->encoder;
    const ofr_method *method = e->method;

    OFR_TRY(ofr_slots_open(&e->slots, layout, e, "a method", err));
    ofr_joint_weights(e->weight, e->L);
    OFR_TRY(ofr_watch_open(&e->watch, e->data->dev, e->data->metric, e->L, e->K, e->o,
                           err));
    e->watch.rule = method->rule;
    e->watch.threshold = ofr_rule_default(method->rule, e->K);
    e->watch.last_alone = !ofr_method_trains_exits(method, e->o);
    OFR_TRY(ofr_net_open(&e->net, encoder, trainer->dev, e->data->train, e->o->batch,
                         err));
    if (!method->has_policies) return OFR_OK;
    return ofr_policies_open(&e->gates, encoder, trainer->dev, e->o->batch, err);
}

ofr_status ofr_exits_open(ofr_recipe *recipe, const ofr_method *method,
                          ofr_trainer *trainer, const ofr_method_data *data,
                          const ofr_method_options *options, ofr_error *err)
{
    const ofr_config *config = &trainer->encoder->config;
    const size_t bytes = method->memory ? method->memory : sizeof(ofr_exits);
    ofr_exits *e;
    ofr_status status;

    e = ofr_mem_zalloc(bytes);
    if (!e) return ofr_fail_nomem(err, bytes, "a method");
    e->method = method;
    e->o = options;
    e->data = data;
    e->encoder = trainer->encoder;
    e->L = config->L;
    e->K = config->K;
    e->C = config->C;
    *recipe = (ofr_recipe){.self = e, .phases = method->phases, .next = next,
                           .state = state};
    status = open_parts(e, trainer, err);
    if (status) ofr_exits_close(recipe);
    return status;
}

void ofr_exits_result(const ofr_recipe *recipe, ofr_method_result *out)
{
    const ofr_exits *e = recipe->self;

    out->score = e->watch.score;
    out->score_full = e->watch.score_full;
    out->mean_exit = e->watch.mean_exit;
    out->threshold = e->watch.threshold;
}

void ofr_exits_close(ofr_recipe *recipe)
{
    ofr_exits *e = recipe->self;

    if (!e) return;
    ofr_policies_close(&e->gates);
    ofr_net_close(&e->net);
    ofr_watch_close(&e->watch);
    ofr_slots_close(&e->slots);
    ofr_mem_free(e);
    *recipe = (ofr_recipe){0};
}
