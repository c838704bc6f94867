/*
 * deebert.c - DeeBERT (arXiv 2004.12993): the model first, its lower exits after.
 *
 *   train   everything                     CE_L
 *   exits   heads below layer L            sum_{l<L} CE_l
 *
 * In the second phase backbone and last head stand still, and the backbone is
 * read without dropout.
 */
#include "method/exits.h"

static const ofr_phase phases[] = {
    {"train", ofr_exits_plan, ofr_exits_thaw, ofr_exits_step_last, ofr_exits_look, NULL},
    {"exits", ofr_exits_plan_lower, ofr_exits_freeze, ofr_exits_step_lower,
     ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const ofr_method ofr_method_deebert = {
    .name = "deebert",
    .source = "Xin et al. 2020, arXiv 2004.12993",
    .summary = "the last exit first, then the others on the frozen backbone; leave when "
               "the entropy is low",
    .rule = &ofr_rule_entropy,
    .all_exits = true,
    .options = "joint-epochs exit-epochs exit-lr",
    .open = ofr_exits_open,
    .result = ofr_exits_result,
    .close = ofr_exits_close,
    .phases = phases,
};
