/*
 * config.h - config.json of a model directory as checked numbers.
 *
 * Keys are the families' own (Hugging Face); early-exit settings stand under
 * the single key "offramp", which other readers ignore.
 */
#ifndef OFR_MODEL_CONFIG_H
#define OFR_MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"
#include "kernels/ops.h"

typedef enum ofr_family {
    OFR_FAMILY_BERT, OFR_FAMILY_ELECTRA, OFR_FAMILY_ROBERTA, OFR_FAMILY_DISTILBERT,
    OFR_FAMILY_ALBERT, OFR_FAMILY_COUNT
} ofr_family;

typedef enum ofr_pooler_kind { OFR_POOLER_SHARED, OFR_POOLER_PER_LAYER } ofr_pooler_kind;

/* What stands beside the classifier of each layer 1..L-1 and speaks about leaving. */
typedef enum ofr_gate_kind {
    OFR_GATE_POLICY, /* a small network per layer: probability of stopping here */
    OFR_GATE_LTE     /* one linear unit for all layers: probability of being wrong */
} ofr_gate_kind;

#define OFR_STUDENT_HEADS 2 /* attention heads of a student */

/* The internal classifiers of layers 1..L-1.  Layer L always has a pooler and one
 * matrix. */
typedef enum ofr_head_kind {
    OFR_HEAD_POOLED, /* as layer L                                        */
    OFR_HEAD_STUDENT /* attention over the tokens: exit/student.h         */
} ofr_head_kind;

typedef struct ofr_config {
    ofr_family family;
    int L, C, H, F;        /* layers, channels, heads, inner width            */
    int E;                 /* embedding width; != C: a projection follows     */
    int V;                 /* vocabulary                                      */
    int n_positions;       /* rows of the position table                      */
    int position_offset;   /* RoBERTa: pad id + 1                             */
    int n_types;           /* token types; 0: none (DistilBERT)               */
    int pad_id;
    bool shared_layers;    /* ALBERT: one set of layer parameters             */
    ofr_real ln_eps;
    ofr_act act;           /* of the MLP                                      */
    ofr_act pooler_act;    /* BERT, ALBERT, RoBERTa tanh; ELECTRA gelu; DistilBERT relu */
    double initializer_range;
    double hidden_dropout, attention_dropout, head_dropout;

    int K;                 /* classes; 0: the directory has no classifier yet */
    bool regression;       /* K == 1 and problem_type == "regression"         */
    bool multi_label;      /* its classifier gives several labels to a text, which
                              cannot be run: K is 0                           */
    char **labels;         /* [K] id2label; owned                             */

    /* The "offramp" key. */
    bool has_exits;        /* internal classifiers are stored in the weights  */
    bool has_policies;     /* and the gates, of either kind                   */
    ofr_gate_kind gate;
    ofr_pooler_kind pooler;
    int policy_hidden;     /* 32 */
    ofr_head_kind heads;
    int student_width;     /* 128 */
    bool token_exits;      /* the weights hold the layer where each entry of the
                              vocabulary leaves                               */
    char rule[16];         /* stored exit rule, "never" when absent           */
    double threshold;
    char task[64];         /* name of the task it was trained on, or ""       */
    char method[32];
    int max_tokens;        /* truncation used in training; 0: n_positions     */
    double error_limit;    /* regression: an answer closer than this is right, 0.5 */
    ofr_precision precision; /* of the weights in the files; not F32: quantised,
                              not for training                                */
    char weights[17];      /* what the weights' file says of its content; "" in
                              files of others                                 */

    json_t *json;          /* everything as read; owned; kept when saving     */
} ofr_config;

/* OFR_FORMAT names file, key, both values.  Limits: 1 <= L <= 512, C a multiple
 * of H, sizes below 2^24, products that fit. */
ofr_status ofr_config_load(ofr_config *config, const char *path, ofr_error *err);
ofr_status ofr_config_parse(ofr_config *config, const json_t *json, const char *name,
                            ofr_error *err);

/* tiny 6x128, mini 12x128, small 12x256, medium 12x512, base 12x768, large 24x1024;
 * E = C but for ALBERT and ELECTRA's small, which have 128; see docs/MODELS.md.
 * OFR_INVALID for an unknown shape. */
ofr_status ofr_config_shape(ofr_config *config, ofr_family family, const char *shape,
                            int V, ofr_error *err);
/* Name of shape i = 0, 1, ...; NULL: there are no more. */
const char *ofr_config_shape_name(int i);

/* Set K, labels and problem type.  names: [K] or NULL ("LABEL_0"...). */
ofr_status ofr_config_set_labels(ofr_config *config, int K, const char *const *names,
                                 bool regression, ofr_error *err);

/* Update config->json from the fields and write it. */
ofr_status ofr_config_save(ofr_config *config, const char *path, ofr_error *err);

ofr_status ofr_config_copy(ofr_config *dst, const ofr_config *src, ofr_error *err);
void ofr_config_free(ofr_config *config);

const char *ofr_family_name(ofr_family family);   /* "bert" */
int ofr_family_parse(const char *name);           /* -1: unknown */
const char *ofr_gate_name(ofr_gate_kind gate);    /* "policy", "lte" */
/* "BertForTokenClassification": what config.json says that the model is for, where it is
 * something else than to classify texts; otherwise NULL. */
const char *ofr_config_other_use(const json_t *json);
bool ofr_config_projects(const ofr_config *config);  /* a matrix [C,E] follows the
                                                        embeddings */
int ofr_config_max_tokens(const ofr_config *config); /* longest text it can read */

/* No text is shorter, however it is cut: the special tokens of two. */
enum { OFR_TOKENS_MIN = 4 };

#endif
