/*
 * family_distilbert.c - DistilBERT (Sanh et al. 2019): keys, defaults and names.
 *
 * No token types, no pooler (pre_classifier with relu takes its place), no
 * dropout between attention and its LayerNorm, and keys of its own.
 */
#include "model/family.h"

static const ofr_key keys[] = {
    OFR_ROW_SIZE("vocab_size", V, 30522),
    OFR_ROW_SIZE("dim", C, 768),
    OFR_ROW_INT("n_layers", L, 1, 512, 6),
    OFR_ROW_SIZE("n_heads", H, 12),
    OFR_ROW_OTHER("hidden_size", C, OFR_SIZE_MAX), /* transformers reads these, too */
    OFR_ROW_OTHER("num_hidden_layers", L, 512),
    OFR_ROW_OTHER("num_attention_heads", H, OFR_SIZE_MAX),
    OFR_ROW_SIZE("hidden_dim", F, 3072),
    OFR_ROW_ACT("activation", OFR_ACT_GELU),
    OFR_ROW_RATE("dropout", hidden_dropout, 0.1),
    OFR_ROW_RATE("attention_dropout", attention_dropout, 0.1),
    OFR_ROW_RATE("seq_classif_dropout", head_dropout, 0.2),
    OFR_ROW_SIZE("max_position_embeddings", n_positions, 512),
    OFR_ROW_RANGE(initializer_range, 0.02),
    OFR_ROW_EPS(1e-12),
    OFR_ROW_INT("pad_token_id", pad_id, 0, OFR_SIZE_MAX, 0),
    OFR_ROW_END,
};

const ofr_family_info ofr_family_distilbert = {
    .name = "distilbert",
    .architecture = "DistilBert",
    .keys = keys,
    .names = {
        .prefix = "distilbert.",
        .word = "embeddings.word_embeddings",
        .position = "embeddings.position_embeddings",
        .embed_ln = "embeddings.LayerNorm",
        .layer = "transformer.layer.%d.",
        .q = "attention.q_lin",
        .k = "attention.k_lin",
        .v = "attention.v_lin",
        .out = "attention.out_lin",
        .ln1 = "sa_layer_norm",
        .up = "ffn.lin1",
        .down = "ffn.lin2",
        .ln2 = "output_layer_norm",
        .pooler = "pre_classifier",
        .head = "classifier",
    },
    .pooler_act = OFR_ACT_RELU,
    .drop_mlp_out = true,
};
