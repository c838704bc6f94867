/*
 * finetune.c - plain fine-tuning: the last exit alone, or all exits jointly.
 *
 * One phase.  The other exits of a model trained at layer L alone keep what they
 * had; its rule is "never".
 */
#include <math.h>

#include "base/mem.h"
#include "method/method.h"
#include "method/watch.h"
#include "train/net.h"

typedef struct finetune {
    const ofr_method_options *o;
    const ofr_method_data *data;
    ofr_net net;
    ofr_watch watch;
} finetune;

static void plan(const ofr_trainer *trainer, const void *self, ofr_phase_plan *plan_out)
{
    const finetune *f = self;

    (void)trainer;
    *plan_out = (ofr_phase_plan){OFR_GROUP_BACKBONE | OFR_GROUP_POOLER | OFR_GROUP_HEADS,
                                 f->data->train->n, f->o->joint_epochs, f->o->batch,
                                 f->o->lr};
}

/* loss = CE_L, or sum_l l CE_l / sum_l l. */
static void step(ofr_trainer *trainer, void *self, ofr_step *s)
{
    finetune *f = self;
    const int L = trainer->encoder->config.L;
    const double all = 0.5 * L * (L + 1);

    if (s->B == 0) return;
    ofr_net_forward(&f->net, s->items, s->B, trainer->options->seed, s->number,
                    trainer->comm->rank);
    for (int l = f->o->all_exits ? 1 : L; l <= L; l++) {
        const double weight = (f->o->all_exits ? l / all : 1) / s->B_all;

        for (int b = 0; b < s->B; b++) {
            s->loss += weight * ofr_net_loss(&f->net, l, b);
            ofr_net_loss_bwd(&f->net, l, b, weight);
        }
    }
    ofr_net_backward(&f->net, trainer->grads);
}

static ofr_status epoch_end(ofr_trainer *trainer, void *self, ofr_error *err)
{
    finetune *f = self;

    OFR_TRY(ofr_watch_look(&f->watch, trainer, false, err));
    ofr_trainer_journal(trainer, "evaluation");
    ofr_watch_journal(&f->watch, &trainer->journal);
    return ofr_journal_end(&trainer->journal, err);
}

static const ofr_phase phases[] = {
    {"train", plan, NULL, step, epoch_end, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static int next(ofr_trainer *trainer, void *self)
{
    (void)trainer;
    (void)self;
    return -1;
}

static int state(void *self, ofr_checkpoint_item items[OFR_RECIPE_ITEMS_MAX])
{
    finetune *f = self;

    items[0] = ofr_checkpoint_item_of("watch.score_full", OFR_F64, 1,
                                      &f->watch.score_full);
    return 1;
}

static void close_finetune(ofr_recipe *recipe)
{
    finetune *f = recipe->self;

    if (!f) return;
    ofr_net_close(&f->net);
    ofr_watch_close(&f->watch);
    ofr_mem_free(f);
    *recipe = (ofr_recipe){0};
}

static ofr_status open_finetune(ofr_recipe *recipe, ofr_trainer *trainer,
                                const ofr_method_data *data,
                                const ofr_method_options *options, ofr_error *err)
{
    const ofr_config *config = &trainer->encoder->config;
    finetune *f = ofr_mem_zalloc(sizeof *f);
    ofr_status status;

    if (!f) return ofr_fail_nomem(err, sizeof *f, "a method");
    f->o = options;
    f->data = data;
    *recipe = (ofr_recipe){.self = f, .phases = phases, .next = next, .state = state};
    status = ofr_net_open(&f->net, trainer->encoder, trainer->dev, data->train,
                          options->batch, err);
    if (!status)
        status = ofr_watch_open(&f->watch, data->dev, data->metric, config->L, config->K,
                                options, err);
    if (status) close_finetune(recipe);
    return status;
}

static void result(const ofr_recipe *recipe, ofr_method_result *out)
{
    const finetune *f = recipe->self;

    out->score = out->score_full = f->watch.score_full;
    out->mean_exit = f->watch.L;
}

const ofr_method ofr_method_finetune = {
    .name = "finetune",
    .rule = "never",
    .threshold = 0,
    .has_policies = false,
    .summary = "plain fine-tuning of the last exit (--all-exits: of all jointly)",
    .open = open_finetune,
    .result = result,
    .close = close_finetune,
};
