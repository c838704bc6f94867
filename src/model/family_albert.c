/*
 * family_albert.c - ALBERT (Lan et al. 2020): keys, defaults and names.
 *
 * One layer, used L times; narrow embeddings that are always mapped to C.  The
 * class defaults are those of the xxlarge model.
 */
#include "model/family.h"

static const ofr_key keys[] = {
    OFR_ROW_SIZE("vocab_size", V, 30000),
    OFR_ROW_SIZE("embedding_size", E, 128),
    OFR_ROW_SIZE("hidden_size", C, 4096),
    OFR_ROW_INT("num_hidden_layers", L, 1, 512, 12),
    OFR_ROW_FIXED("num_hidden_groups", 1),
    OFR_ROW_FIXED("inner_group_num", 1),
    OFR_ROW_SIZE("num_attention_heads", H, 64),
    OFR_ROW_SIZE("intermediate_size", F, 16384),
    OFR_ROW_ACT("hidden_act", OFR_ACT_GELU_TANH),
    OFR_ROW_RATE("hidden_dropout_prob", hidden_dropout, 0),
    OFR_ROW_RATE("attention_probs_dropout_prob", attention_dropout, 0),
    OFR_ROW_RATE("classifier_dropout_prob", head_dropout, 0.1),
    OFR_ROW_SIZE("max_position_embeddings", n_positions, 512),
    OFR_ROW_SIZE("type_vocab_size", n_types, 2),
    OFR_ROW_RANGE(initializer_range, 0.02),
    OFR_ROW_EPS(1e-12),
    OFR_ROW_INT("pad_token_id", pad_id, 0, OFR_SIZE_MAX, 0),
    OFR_ROW_END,
};

const ofr_family_info ofr_family_albert = {
    .name = "albert",
    .architecture = "Albert",
    .keys = keys,
    .names = {
        .prefix = "albert.",
        .word = "embeddings.word_embeddings",
        .position = "embeddings.position_embeddings",
        .type = "embeddings.token_type_embeddings",
        .embed_ln = "embeddings.LayerNorm",
        .project = "encoder.embedding_hidden_mapping_in",
        .layer = "encoder.albert_layer_groups.0.albert_layers.0.",
        .q = "attention.query",
        .k = "attention.key",
        .v = "attention.value",
        .out = "attention.dense",
        .ln1 = "attention.LayerNorm",
        .up = "ffn",
        .down = "ffn_output",
        .ln2 = "full_layer_layer_norm",
        .pooler = "pooler",
        .head = "classifier",
        .pooler_inside = true,
    },
    .pooler_act = OFR_ACT_TANH,
    .shared_layers = true,
    .always_projects = true,
    .drop_attention_out = true,
};
