/*
 * params.h - the table of parameters, and one flat block that holds them.
 *
 * Weights, gradients and optimizer moments all have the same layout, so that
 * AdamW, clipping, checkpoints and all-reduce walk one array.  Q, K and V of a
 * layer stand one after another, so their product is one [3C,C] matrix.
 */
#ifndef OFR_MODEL_PARAMS_H
#define OFR_MODEL_PARAMS_H

#include <stdint.h>

#include "model/config.h"

/* Offset of a tensor that this model does not have. */
#define OFR_PARAM_NONE ((size_t)-1)

/* Groups that a phase of training moves; bit masks. */
enum {
    OFR_GROUP_BACKBONE = 1, /* embeddings, layers                              */
    OFR_GROUP_POOLER = 2,
    OFR_GROUP_HEADS = 4,    /* internal classifiers 1..L                       */
    OFR_GROUP_POLICIES = 8, /* the gates, of whatever kind                     */
    OFR_GROUP_ALL = 15,
    OFR_GROUP_TOKENS = 64,  /* the table of token exits, which no phase moves  */
    OFR_GROUP_NOT_LAST = 256 /* with others: but nothing that is layer L's own */
};

typedef struct ofr_param {
    char name[96];     /* ours: "layer.3.attn.qkv.q.weight", see params.c      */
    char file_name[128]; /* the family's name in Hugging Face files            */
    unsigned group;
    bool whole;        /* a small table: never packed                          */
    int decay;         /* 1: a matrix, subject to weight decay                 */
    int layer;         /* 1..L, 0 for embeddings and shared things             */
    int rank;
    int64_t shape[2];
    size_t offset;     /* into the flat block; a multiple of 16 reals, except that
                          K and V follow Q without a gap                      */
    size_t count;
} ofr_param;

/* Offsets of one layer's tensors in the flat block. */
typedef struct ofr_layer_at {
    size_t qkv_w, qkv_b;     /* [3C,C], [3C]  */
    size_t out_w, out_b;     /* [C,C], [C]    */
    size_t ln1_g, ln1_b;     /* [C]           */
    size_t up_w, up_b;       /* [F,C], [F]    */
    size_t down_w, down_b;   /* [C,F], [C]    */
    size_t ln2_g, ln2_b;     /* [C]           */
} ofr_layer_at;

/* A student of width S, see exit/student.h. */
typedef struct ofr_student_at {
    size_t in_w, in_b;       /* [S,C], [S]    */
    size_t qkv_w, qkv_b;     /* [3S,S], [3S]  */
    size_t out_w, out_b;     /* [S,S], [S]    */
    size_t top_w, top_b;     /* [S,S], [S]    */
} ofr_student_at;

typedef struct ofr_exit_at {
    size_t pool_w, pool_b;   /* [C,C], [C]; equal for all layers when shared  */
    size_t head_w, head_b;   /* [K,C], [K]; of a student [K,S], [K]           */
    ofr_student_at student;
    size_t policy_w1, policy_b1, policy_w2, policy_b2; /* [P,C] [P] [1,P] [1];
                                                          not for layer L.  LTE:
                                                          w2 [1,C] and b2 alone,
                                                          the same everywhere */
} ofr_exit_at;

typedef struct ofr_params {
    int n, L;
    ofr_param *rows;         /* [n]; owned */
    size_t total;            /* reals in the flat block */
    size_t word, position, type;          /* embeddings; no type if n_types == 0 */
    size_t embed_ln_g, embed_ln_b;
    size_t project_w, project_b;          /* [C,E], [C]; see ofr_config_projects() */
    size_t token_exits;      /* [V] 1..L as reals; OFR_PARAM_NONE without     */
    ofr_layer_at *layers;    /* [L]; ALBERT: all equal */
    ofr_exit_at *exits;      /* [L]; layer l is exits[l-1]; what is absent is
                                OFR_PARAM_NONE */
} ofr_params;

/* Lay out all parameters of `config` (K > 0: with heads and policies; K == 0:
 * backbone and pooler only).  OFR_NOMEM. */
ofr_status ofr_params_open(ofr_params *params, const ofr_config *config, ofr_error *err);
/* The same rows, without room for what inference holds packed: the matrices of
 * products in backbone and poolers, and the word embeddings; their offsets are
 * OFR_PARAM_NONE. */
ofr_status ofr_params_open_rest(ofr_params *params, const ofr_config *config,
                                ofr_error *err);
void ofr_params_close(ofr_params *params);

/* What a row is held and stored in when the model is at `precision`: f32 for
 * all but those that ofr_params_open_rest() leaves out, and F16 for poolers at INT8. */
ofr_precision ofr_param_precision(const ofr_param *row, ofr_precision precision);
/* Largest whole number of it at INT8, see tensor/quant.h. */
int ofr_param_top(const ofr_param *row);

/* Random initial values of the groups in `groups`: N(0, initializer_range) for
 * matrices and embeddings (padding row 0), 1 and 0 for LayerNorm, 0 for biases;
 * policies as torch.nn.Linear would with b2 chosen so that pi starts at
 * `policy_start`; matrices of students as torch.nn.Linear would; every token exit
 * L.  Function of (seed, name of the parameter) only. */
void ofr_params_init(const ofr_params *params, const ofr_config *config, ofr_real *w,
                     unsigned groups, uint64_t seed, double policy_start);

#endif
