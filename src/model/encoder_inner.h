/* encoder_inner.h - what the walks of the encoder share; private to model/. */
#ifndef OFR_MODEL_ENCODER_INNER_H
#define OFR_MODEL_ENCODER_INNER_H

#include "model/encoder.h"
#include "model/weights.h"

/* Packed matrices of one layer in encoder->packed. */
enum { OFR_PACKED_QKV, OFR_PACKED_OUT, OFR_PACKED_UP, OFR_PACKED_DOWN, OFR_PACKED_LAYER };

/* The packed matrix `which` of layer l (0-based); of one that waits, its place. */
const ofr_packed *ofr_encoder_packed(const ofr_encoder *encoder, int l, int which);
const ofr_packed *ofr_encoder_packed_project(const ofr_encoder *encoder);

/* ofr_encoder_pack() from files; params: the whole table, as `files` was opened.
 * later: matrices of layers that can stay in the file until the second pass do. */
ofr_status ofr_encoder_pack_files(ofr_encoder *encoder, ofr_dev *dev,
                                  const ofr_params *params, const ofr_weights *files,
                                  ofr_precision precision, bool later, ofr_error *err);

/* Matrices that wait in the file, see encoder_later.c; all may be called by several
 * sessions at once, but for open, add and close. */
enum { OFR_PIECES_MAX = 3 }; /* q, k and v are one product */

/* None of n matrices waits yet; stage_reals: the largest one of several pieces.
 * Caller closes. */
ofr_status ofr_later_open(ofr_later **out, size_t n, size_t stage_reals, ofr_error *err);
void ofr_later_close(ofr_later *later); /* NULL is allowed */
/* Matrix `at`, w[O,I], waits: `pieces` blocks of O / pieces rows, borrowed. */
void ofr_later_add(ofr_later *later, size_t at, const ofr_real *const *w, int pieces,
                   int O, int I);
/* Before the first pass: does any?  NULL is allowed. */
bool ofr_later_waits(const ofr_later *later);
/* A pass begins; true: it is the first one, and something waits.  NULL is allowed. */
bool ofr_later_begin(ofr_later *later);
/* The pieces of matrix `at` if it still waits; NULL: read `packed`, into which it was
 * packed now or before.  Never allocates.  later: NULL is allowed. */
const ofr_real *const *ofr_later_pieces(ofr_later *later, size_t at, ofr_dev *dev,
                                        const ofr_packed *packed, bool first_pass);

/* positions[N]: counted from the family's first position within every text. */
void ofr_encoder_positions(const ofr_config *config, int *positions,
                           const ofr_tokens *tokens);

/* Row numbers in the table of token types; NULL for a model without; `zeros` when
 * it has a single type or the tokens carry none. */
const int *ofr_encoder_types(const ofr_config *config, const ofr_tokens *tokens,
                             const int *zeros);

/* y[N,O] = x[N,I] w[O,I]^T + b on the way back: dw += dy^T x, db += the sum of
 * dy's rows, and dx[N,I] = or += dy w. */
typedef struct ofr_product {
    int N, I, O;
    const ofr_real *w, *x;
    ofr_real *dw, *db;
} ofr_product;

void ofr_product_bwd(ofr_dev *dev, ofr_real *dx, const ofr_real *dy, ofr_product product,
                     bool accumulate);

/* Attention and the product that made q, k and v: given d_att[N,C] in trace->dmid,
 * trace->dx[N,C] += the gradient of the layer's input. */
void ofr_trace_attention_bwd(ofr_trace *trace, ofr_real *grads, int layer);

/* A whole layer of which only the class rows have a gradient, own[B,C]; afterwards
 * trace->dx[N,C] = the gradient of its input.  false: not worth it for these
 * texts, nothing was done. */
bool ofr_trace_top_bwd(ofr_trace *trace, ofr_real *grads, const ofr_real *own, int layer);

/* Token exits, inference: walk->live for the next layer; rows out of and back into
 * their places, [n,C] with n = the sum of walk->live. */
void ofr_walk_count_live(ofr_walk *walk);
int ofr_walk_gather_live(const ofr_walk *walk, ofr_real *out, const ofr_real *x);
void ofr_walk_spread_live(const ofr_walk *walk, ofr_real *x, const ofr_real *rows);

/* Token exits, training: rows of y that have left become those of x.  On the way
 * back trace->dx of such rows is set aside, so that nothing of the layer but their
 * keys and values has a gradient, and is added again below the layer. */
void ofr_trace_hold(const ofr_trace *trace, ofr_real *y, const ofr_real *x, int layer,
                    int N);
void ofr_trace_hold_bwd(ofr_trace *trace, int layer, int N);
void ofr_trace_pass_bwd(ofr_trace *trace, int layer, int N);

static inline const ofr_real *ofr_encoder_at(const ofr_encoder *encoder, size_t offset)
{
    return offset == OFR_PARAM_NONE ? NULL : encoder->w + offset;
}

/* Places of dropout; every (step, layer, place) has masks of its own. */
typedef enum ofr_drop_place {
    OFR_DROP_EMBED,         /* layer 0: after the embeddings' LayerNorm */
    OFR_DROP_ATTENTION,     /* on the probabilities                     */
    OFR_DROP_ATTENTION_OUT, /* before the first residual sum            */
    OFR_DROP_MLP_OUT        /* before the second                        */
} ofr_drop_place;

/* As the last forward walk used it; layer 1..L. */
ofr_drop ofr_trace_drop(const ofr_trace *trace, int layer, ofr_drop_place place);
ofr_attn_shape ofr_trace_shape(const ofr_trace *trace);

static inline int ofr_larger(int a, int b)
{
    return a > b ? a : b;
}

#endif
