/*
 * encoder.h - the encoder, advanced one layer at a time.
 *
 *   inference:  begin, layer, [read class rows], [keep], layer, ...
 *               or, where many are expected to leave, a layer in two halves:
 *               class rows, [read them], [keep], rest for whoever stays
 *   training:   one forward walk that keeps activations, one backward walk that
 *               accepts a gradient at the class row of every layer.
 *
 * No padding: the rows of all texts stand one after another.
 */
#ifndef OFR_MODEL_ENCODER_H
#define OFR_MODEL_ENCODER_H

#include "kernels/dev.h"
#include "model/params.h"
#include "tensor/slots.h"

typedef struct ofr_later ofr_later; /* private to model/ */

/* Texts as tokens, one after another; borrowed arrays. */
typedef struct ofr_tokens {
    int B;              /* texts                                   */
    const int *offsets; /* [B+1]; offsets[0] == 0                  */
    const int *ids;     /* [N] with N = offsets[B]                 */
    const int *types;   /* [N]; NULL: all 0.  Ignored by a model with one type or
                           none (RoBERTa, DistilBERT)              */
} ofr_tokens;

/* Config, parameters and (for inference) packed weights.  Immutable but for what is
 * packed later, which is atomic: share it. */
typedef struct ofr_encoder {
    ofr_config config;
    ofr_params params;
    ofr_real *w;        /* [params.total]; owned */
    ofr_precision precision; /* of the packed matrices */
    ofr_packed *packed; /* [L][4] qkv, out, up, down; then [L] poolers, then the
                           projection; NULL until packed: private to model/ */
    ofr_lookup word;     /* word embeddings as inference reads them; NULL until
                           packed */
    unsigned char *storage; /* [storage_bytes] what the two point to; owned    */
    size_t storage_bytes;
    ofr_later *later;    /* matrices that are still to be packed; NULL: none   */
    struct ofr_weights *files; /* opened for inference alone: the mapped files;
                           then w has no matrices of products and no word
                           embeddings, and their offsets are OFR_PARAM_NONE    */
    unsigned found;     /* groups that the files held; OFR_FOUND_CLASSIFIER */
} ofr_encoder;

/* Read a model directory: config.json and weights.  Groups absent from the
 * files are initialised from `seed`.  Caller closes. */
ofr_status ofr_encoder_open(ofr_encoder *encoder, const char *dir, uint64_t seed,
                            ofr_error *err);
/* From a config (copied) with random weights. */
ofr_status ofr_encoder_new(ofr_encoder *encoder, const ofr_config *config, uint64_t seed,
                           ofr_error *err);
/* Give the model K classes (labels as in ofr_config_set_labels) and the pooler
 * kind; keeps the backbone, the pooler, and heads and policies only if K is
 * unchanged.  Sets has_exits and has_policies: a method that trains no policies
 * clears has_policies before it saves.  Internal classifiers are pooled ones and
 * tokens have no exits of their own. */
ofr_status ofr_encoder_set_task(ofr_encoder *encoder, int K, const char *const *labels,
                                bool regression, ofr_pooler_kind pooler,
                                int policy_hidden, uint64_t seed, ofr_error *err);
/* What a method may ask of a model that has its classes. */
typedef struct ofr_encoder_parts {
    int layers;          /* the first ones are kept                            */
    ofr_gate_kind gate;
    ofr_head_kind heads; /* of the layers below the last                       */
    bool token_exits;
} ofr_encoder_parts;

/* The same model made of these parts: what both have is kept, what is new begins as
 * `seed` says. */
ofr_status ofr_encoder_reshape(ofr_encoder *encoder, const ofr_encoder_parts *parts,
                               uint64_t seed, ofr_error *err);
/* Pack (again) for `dev`'s table; needed before inference, repeated after the
 * weights changed.  w stays, for training. */
ofr_status ofr_encoder_pack(ofr_encoder *encoder, ofr_dev *dev, ofr_precision precision,
                            ofr_error *err);
/* ofr_encoder_open() and ofr_encoder_pack() for inference alone, on `n_threads`
 * threads (0: all allowed): matrices go from the file into their packed form
 * and are kept once.  precision: an ofr_precision, or OFR_AS_STORED.
 * later: f32 matrices of layers go there in the second pass; the first reads them
 * from the file, so that the first answer comes sooner. */
#define OFR_AS_STORED (-1)
ofr_status ofr_encoder_open_packed(ofr_encoder *encoder, const char *dir,
                                   const ofr_ops *ops, int n_threads, int precision,
                                   bool later, ofr_error *err);
/* Bytes of all weights as inference holds them: matrices and word embeddings at
 * the precision, the rest in f32. */
double ofr_encoder_weight_bytes(const ofr_encoder *encoder);
void ofr_encoder_close(ofr_encoder *encoder);

/* The packed pooler of layer l (1..L); all layers give the same pointer when it
 * is shared; NULL while nothing is packed.  Borrowed until the next pack. */
const ofr_packed *ofr_encoder_packed_pooler(const ofr_encoder *encoder, int layer);

/* Where each token leaves: exits[N] = the layer of its entry in the table moved by
 * `shift`, within 1..L; the first token of a text, which the classifier reads,
 * always takes part in all L. */
void ofr_encoder_token_exits(const ofr_encoder *encoder, int *exits,
                             const ofr_tokens *tokens, int shift);

/* ---- inference ------------------------------------------------------- */

typedef struct ofr_walk {
    const ofr_encoder *encoder;
    ofr_dev *dev;
    int max_B, max_N;
    int B, N;           /* texts and rows still in */
    int layer;          /* layers done: 0 after begin */
    bool first_pass;    /* of the encoder: matrices may be in the file */
    int *offsets;       /* [max_B+1] of the texts still in */
    int *text;          /* [max_B] index of each in the tokens given to begin */
    ofr_real *x;        /* [N,C] hidden states after `layer` layers */
    ofr_real *qkv, *att, *mid; /* scratch: [N,max(3C,E)], [N,C], [N,max(F,E)] */
    /* Between the halves of a layer: x is still its input, qkv holds its keys. */
    bool halfway;
    ofr_real *cls, *cls_sum;   /* [B,C] class rows behind the layer; scratch */
    int *ones;                 /* [B] of the value 1 */
    int *positions, *zeros;    /* [N] */
    /* Of a model with token exits, see ofr_walk_leave_by_token(). */
    bool by_token;
    int *exits;         /* [N] last layer of each row        */
    int *live;          /* [B] rows of each text still in    */
    int *place;         /* [N] scratch                       */
    ofr_real *rows;     /* [N,C] the live ones, side by side */
    ofr_slots slots;
} ofr_walk;

/* Buffers for at most max_B texts of max_N tokens in all. */
ofr_status ofr_walk_open(ofr_walk *walk, const ofr_encoder *encoder, ofr_dev *dev,
                         int max_B, int max_N, ofr_error *err);
void ofr_walk_close(ofr_walk *walk);

/* Embeddings.  tokens->B <= max_B, N <= max_N, every text 1..max tokens long,
 * ids within the vocabulary (the caller checked). */
void ofr_walk_begin(ofr_walk *walk, const ofr_tokens *tokens);
/* Layer walk->layer + 1 on everything still in. */
void ofr_walk_layer(ofr_walk *walk);
/* The same in two halves, the same to the last bit.  First the class rows, the only
 * ones that policy and classifier look at: keys and values of all rows, but query,
 * attention and MLP of one row per text.  Then, for the texts that were kept, the
 * other rows.  A text of T tokens that leaves in between saves (1 - 1/T) (18C^2 + 4TC)
 * of the layer's 24C^2 + 4TC operations per row (with F = 4C), about three quarters.
 * After the last layer nobody needs the second half.  Not with token exits. */
void ofr_walk_class_half(ofr_walk *walk);
void ofr_walk_other_half(ofr_walk *walk);
/* Right after begin: row n takes part in layers 1..exits[n] and keeps its state
 * from then on; it still gives keys and values to the others.  A layer computes
 * queries, attention and MLP of the rows that take part alone: within each text the
 * rows are put in the order of their exits, the longest-lived first, and the first
 * row of a text must have the most layers.  Texts may not be dropped. */
void ofr_walk_leave_by_token(ofr_walk *walk, const int *exits);
/* cls[B,C] = first row of every text still in. */
void ofr_walk_class_rows(const ofr_walk *walk, ofr_real *cls);
/* Drop the texts with keep[b] == 0 (b counts texts still in) and close the gap. */
void ofr_walk_keep(ofr_walk *walk, const unsigned char *keep);

/* ---- training -------------------------------------------------------- */

typedef struct ofr_layer_acts {
    ofr_real *x_in;              /* [N,C] borrowed: output of the layer below  */
    ofr_real *qkv;               /* [N,3C]   */
    ofr_real *p;                 /* sum over texts of H*T*T, before dropout    */
    ofr_real *att;               /* [N,C]    */
    ofr_real *s1, *mean1, *rstd1, *y1; /* sum before ln1, its statistics, output */
    ofr_real *pre, *mid;         /* [N,F] before and after the activation      */
    ofr_real *s2, *mean2, *rstd2, *y2;
} ofr_layer_acts;

typedef struct ofr_trace {
    ofr_encoder *encoder;
    ofr_dev *dev;
    int max_B, max_N, max_T;
    ofr_layer_acts *acts;        /* [L] */
    ofr_real *emb_s, *emb_mean, *emb_rstd, *emb_y; /* embeddings around their LN */
    ofr_real *x0;                /* [N,C] input of layer 1 */
    ofr_real *dx, *dy, *dqkv, *dmid; /* scratch of the walks: [N,max(C,E)] twice,
                                        [N,3C], [N,max(F,C)] */
    int *positions, *zeros;      /* [N] */
    int *exits;                  /* [N] last layer of each token; NULL: all L  */
    ofr_real *kept;              /* [N,C] scratch of the way back, with exits  */
    size_t *p_offsets;           /* [B+1] */
    ofr_tokens tokens;           /* of the last forward; borrowed */
    uint32_t drop_key;
    double hidden_dropout, attention_dropout;
    bool training;
    /* Of a batch that several ranks share, what lies before this rank's texts: masks
     * count elements of the whole batch.  0 after open. */
    size_t rows_before, p_before;
    /* NULL after open, or told on the way back that grads[from ..], as far as the
     * backbone is concerned, are final. */
    void (*final)(void *user, size_t from);
    void *final_user;
    ofr_slots slots;
} ofr_trace;

/* Attention probabilities of a text of T tokens in one layer. */
size_t ofr_trace_probabilities(const ofr_trace *trace, int T);

/* Everything one step needs, planned for max_B texts of at most max_T tokens and
 * max_N in all. */
ofr_status ofr_trace_open(ofr_trace *trace, ofr_encoder *encoder, ofr_dev *dev, int max_B,
                          int max_T, int max_N, ofr_error *err);
void ofr_trace_close(ofr_trace *trace);

/* All layers; cls[L,B,C] = class row after every layer (index l-1).  With token
 * exits, a token above its last layer is a copy of what it was there.
 * training: dropout with the config's rates, masks a function of drop_key. */
void ofr_trace_forward(ofr_trace *trace, const ofr_tokens *tokens, ofr_real *cls,
                       bool training, uint32_t drop_key);
/* grads[params.total] +=, given dcls[L,B,C]: dLoss / d(class row after layer l).
 * Layers above the last one with a non-zero gradient are skipped when
 * top_layer < L says so. */
void ofr_trace_backward(ofr_trace *trace, ofr_real *grads, const ofr_real *dcls,
                        int top_layer);

/* Hidden states after layer l (0 = embeddings) of the last forward: [N,C]. */
const ofr_real *ofr_trace_hidden(const ofr_trace *trace, int l);

#endif
