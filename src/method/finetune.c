/*
 * finetune.c - plain fine-tuning: the last exit alone, or all exits jointly.
 *
 * A model trained at layer L alone is saved without other exits: they learn nothing, and
 * decay where --weight-decay asks for it.  Its rule is "never".  With --layers K this is
 * the short model that a fixed exit at layer K has to be compared with.
 */
#include "method/exits.h"

static const ofr_phase last[] = {
    {"train", ofr_exits_plan, NULL, ofr_exits_step_last, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static const ofr_phase all[] = {
    {"train", ofr_exits_plan, NULL, ofr_exits_step_joint, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static ofr_status open_finetune(ofr_recipe *recipe, const ofr_method *method,
                                ofr_trainer *trainer, const ofr_method_data *data,
                                const ofr_method_options *options, ofr_error *err)
{
    OFR_TRY(ofr_exits_open(recipe, method, trainer, data, options, err));
    if (options->all_exits) recipe->phases = all;
    return OFR_OK;
}

const ofr_method ofr_method_finetune = {
    .name = "finetune",
    .summary = "plain fine-tuning of the last exit (--all-exits: of all jointly)",
    .rule = &ofr_rule_never,
    .options = "joint-epochs all-exits",
    .open = open_finetune,
    .result = ofr_exits_result,
    .close = ofr_exits_close,
    .phases = last,
};
