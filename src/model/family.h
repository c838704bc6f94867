/*
 * family.h - what distinguishes one encoder family from another, as data.
 *
 * All five families are the same post-LN encoder.  They differ in the keys of
 * config.json, in their class defaults, in the names of tensors, in the shape of
 * the classification head, and in two places of dropout.  family_*.c hold one
 * table each; config.c, params.c and weights.c walk the tables.
 */
#ifndef OFR_MODEL_FAMILY_H
#define OFR_MODEL_FAMILY_H

#include <stddef.h>

#include "model/config.h"

typedef enum ofr_key_kind {
    OFR_KEY_INT,   /* int in ofr_config                                        */
    OFR_KEY_OTHER, /* another name for an earlier row: wins where it is there  */
    OFR_KEY_REAL,  /* double                                                   */
    OFR_KEY_EPS,   /* ofr_real                                                 */
    OFR_KEY_ACT,   /* ofr_act by name                                          */
    OFR_KEY_FIXED  /* must have this int value; nowhere stored                 */
} ofr_key_kind;

/* One key of config.json.  NULL ends a table. */
typedef struct ofr_key {
    const char *name;
    ofr_key_kind kind;
    size_t offset;     /* into ofr_config */
    double min, max;   /* INT, REAL and EPS */
    double value;      /* the family's class default; ACT: an ofr_act */
} ofr_key;

/* Base names of tensors, without ".weight" and ".bias".  Everything but the
 * head stands behind `prefix`, which files may leave out. */
typedef struct ofr_family_names {
    const char *prefix;                     /* "bert."                            */
    const char *word, *position, *type;     /* type: NULL without token types     */
    const char *embed_ln, *project;         /* project: NULL when never used      */
    const char *layer;                      /* "encoder.layer.%d."; ALBERT has
                                               one layer and no number            */
    const char *q, *k, *v, *out, *ln1, *up, *down, *ln2; /* behind `layer`        */
    const char *pooler, *head;              /* pooler of layer L, classifier      */
    bool pooler_inside;                     /* the pooler stands behind `prefix`  */
} ofr_family_names;

typedef struct ofr_family_info {
    const char *name;               /* "bert", also model_type in config.json     */
    const char *other_types[4];     /* further model_types read as this family    */
    const char *architecture;       /* "Bert": ...Model, ...ForSequenceClassification */
    const ofr_key *keys;
    const char *head_dropout_key;   /* may be null: then hidden dropout           */
    ofr_family_names names;
    ofr_act pooler_act;
    bool positions_after_pad;       /* RoBERTa: the first position is pad_id + 1  */
    bool shared_layers;
    bool always_projects;           /* ALBERT maps E -> C even when E == C        */
    bool drop_attention_out;        /* dropout between attention and its LN       */
    bool drop_mlp_out;
} ofr_family_info;

const ofr_family_info *ofr_family_of(ofr_family family);

/* "gelu_new" -> OFR_ACT_GELU_TANH; -1: unknown.  And the name to write. */
int ofr_act_parse(const char *name);
const char *ofr_act_name(ofr_act act);

extern const ofr_family_info ofr_family_bert;
extern const ofr_family_info ofr_family_electra;
extern const ofr_family_info ofr_family_roberta;
extern const ofr_family_info ofr_family_distilbert;
extern const ofr_family_info ofr_family_albert;

/* Rows of the tables. */
#define OFR_SIZE_MAX 16777215.0 /* sizes stay below 2^24 */
#define OFR_ROW_INT(key, field, low, high, value) \
    {key, OFR_KEY_INT, offsetof(ofr_config, field), low, high, value}
#define OFR_ROW_SIZE(key, field, value) OFR_ROW_INT(key, field, 1, OFR_SIZE_MAX, value)
#define OFR_ROW_OTHER(key, field, high) \
    {key, OFR_KEY_OTHER, offsetof(ofr_config, field), 1, high, 0}
#define OFR_ROW_RATE(key, field, value) \
    {key, OFR_KEY_REAL, offsetof(ofr_config, field), 0, 0.999, value}
#define OFR_ROW_RANGE(field, value) \
    {"initializer_range", OFR_KEY_REAL, offsetof(ofr_config, field), 0, 10, value}
#define OFR_ROW_EPS(value) \
    {"layer_norm_eps", OFR_KEY_EPS, offsetof(ofr_config, ln_eps), 0, 1, value}
#define OFR_ROW_ACT(key, value) {key, OFR_KEY_ACT, offsetof(ofr_config, act), 0, 0, value}
#define OFR_ROW_FIXED(key, value) {key, OFR_KEY_FIXED, 0, value, value, value}
#define OFR_ROW_END {NULL, OFR_KEY_INT, 0, 0, 0, 0}

#endif
