/* family.c - the list of families, and names of activations. */
#include "model/family.h"

#include <string.h>

const ofr_family_info *ofr_family_of(ofr_family family)
{
    static const ofr_family_info *const all[OFR_FAMILY_COUNT] = {
        [OFR_FAMILY_BERT] = &ofr_family_bert,
        [OFR_FAMILY_ELECTRA] = &ofr_family_electra,
        [OFR_FAMILY_ROBERTA] = &ofr_family_roberta,
        [OFR_FAMILY_DISTILBERT] = &ofr_family_distilbert,
        [OFR_FAMILY_ALBERT] = &ofr_family_albert,
    };
    OFR_ASSERT(family >= 0 && family < OFR_FAMILY_COUNT);
    return all[family];
}

const char *ofr_family_name(ofr_family family)
{
    return ofr_family_of(family)->name;
}

int ofr_family_parse(const char *name)
{
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        const ofr_family_info *info = ofr_family_of((ofr_family)f);
        if (strcmp(name, info->name) == 0) return f;
        for (int i = 0; i < 4 && info->other_types[i]; i++) {
            if (strcmp(name, info->other_types[i]) == 0) return f;
        }
    }
    return -1;
}

/* The first name of an activation is the one that is written. */
static const struct {
    const char *name;
    ofr_act act;
} acts[] = {
    {"gelu", OFR_ACT_GELU},          {"gelu_python", OFR_ACT_GELU},
    {"gelu_new", OFR_ACT_GELU_TANH}, {"gelu_pytorch_tanh", OFR_ACT_GELU_TANH},
    {"gelu_fast", OFR_ACT_GELU_TANH}, {"relu", OFR_ACT_RELU},
    {"silu", OFR_ACT_SILU},          {"swish", OFR_ACT_SILU},
    {"tanh", OFR_ACT_TANH},
};

int ofr_act_parse(const char *name)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(name, acts[i].name) == 0) return (int)acts[i].act;
    }
    return -1;
}

const char *ofr_act_name(ofr_act act)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (acts[i].act == act) return acts[i].name;
    }
    return "linear";
}
