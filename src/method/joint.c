/*
 * joint.c - one way to train, and the methods that differ in when to leave.
 *
 *   loss = sum_l l CE_l / sum_l l    (squared errors for a regression)
 *
 * PABEE's weights.  PCEE, COSEE, and leaving by confidence or entropy or at one
 * layer for all, are rules on the same model.
 */
#include "method/exits.h"

static const ofr_phase phases[] = {
    {"joint", ofr_exits_plan, NULL, ofr_exits_step_joint, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

/* There is no best layer to leave at; the middle one is stored. */
static ofr_status open_static(ofr_recipe *recipe, const ofr_method *method,
                              ofr_trainer *trainer, const ofr_method_data *data,
                              const ofr_method_options *options, ofr_error *err)
{
    ofr_exits *e;

    OFR_TRY(ofr_exits_open(recipe, method, trainer, data, options, err));
    e = recipe->self;
    e->watch.threshold = (e->L + 1) / 2;
    return OFR_OK;
}

#define JOINT                                                                         \
    .all_exits = true, .recipe = "joint", .options = "joint-epochs",                  \
    .result = ofr_exits_result, .close = ofr_exits_close, .phases = phases

const ofr_method ofr_method_static = {
    .name = "static",
    .summary = "all exits jointly; every text leaves at the same layer (the truncated "
               "model; --method finetune --layers K trains a short one alone)",
    .rule = &ofr_rule_fixed,
    .open = open_static,
    JOINT,
};

const ofr_method ofr_method_entropy = {
    .name = "entropy",
    .summary = "all exits jointly; leave when the entropy is low",
    .rule = &ofr_rule_entropy,
    .open = ofr_exits_open,
    JOINT,
};

const ofr_method ofr_method_confidence = {
    .name = "confidence",
    .summary = "all exits jointly; leave when the largest probability is high",
    .rule = &ofr_rule_confidence,
    .open = ofr_exits_open,
    JOINT,
};

const ofr_method ofr_method_pabee = {
    .name = "pabee",
    .source = "Zhou et al. 2020, arXiv 2006.04152",
    .summary = "all exits jointly; leave when consecutive layers agree",
    .rule = &ofr_rule_patience,
    .open = ofr_exits_open,
    JOINT,
};

const ofr_method ofr_method_pcee = {
    .name = "pcee",
    .source = "Zhang et al. 2022, PCEE-BERT, Findings of NAACL",
    .summary = "all exits jointly; leave after a run of confident layers, with their "
               "mean",
    .rule = &ofr_rule_pcee,
    .open = ofr_exits_open,
    JOINT,
};

const ofr_method ofr_method_cosee = {
    .name = "cosee",
    .source = "COSEE, AAAI 2025",
    .summary = "all exits jointly; leave when the energy of the logits is low",
    .rule = &ofr_rule_energy,
    .open = ofr_exits_open,
    JOINT,
};
