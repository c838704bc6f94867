/*
 * family_electra.c - ELECTRA (Clark et al. 2020): keys, defaults and names.
 *
 * BERT with narrower embeddings and a projection; no pooler, so that the dense
 * layer of its classification head serves as the pooler, with gelu.
 */
#include "model/family.h"

static const ofr_key keys[] = {
    OFR_ROW_SIZE("vocab_size", V, 30522),
    OFR_ROW_SIZE("embedding_size", E, 128),
    OFR_ROW_SIZE("hidden_size", C, 256),
    OFR_ROW_INT("num_hidden_layers", L, 1, 512, 12),
    OFR_ROW_SIZE("num_attention_heads", H, 4),
    OFR_ROW_SIZE("intermediate_size", F, 1024),
    OFR_ROW_ACT("hidden_act", OFR_ACT_GELU),
    OFR_ROW_RATE("hidden_dropout_prob", hidden_dropout, 0.1),
    OFR_ROW_RATE("attention_probs_dropout_prob", attention_dropout, 0.1),
    OFR_ROW_SIZE("max_position_embeddings", n_positions, 512),
    OFR_ROW_SIZE("type_vocab_size", n_types, 2),
    OFR_ROW_RANGE(initializer_range, 0.02),
    OFR_ROW_EPS(1e-12),
    OFR_ROW_INT("pad_token_id", pad_id, 0, OFR_SIZE_MAX, 0),
    OFR_ROW_END,
};

const ofr_family_info ofr_family_electra = {
    .name = "electra",
    .architecture = "Electra",
    .keys = keys,
    .head_dropout_key = "classifier_dropout",
    .names = {
        .prefix = "electra.",
        .word = "embeddings.word_embeddings",
        .position = "embeddings.position_embeddings",
        .type = "embeddings.token_type_embeddings",
        .embed_ln = "embeddings.LayerNorm",
        .project = "embeddings_project",
        .layer = "encoder.layer.%d.",
        .q = "attention.self.query",
        .k = "attention.self.key",
        .v = "attention.self.value",
        .out = "attention.output.dense",
        .ln1 = "attention.output.LayerNorm",
        .up = "intermediate.dense",
        .down = "output.dense",
        .ln2 = "output.LayerNorm",
        .pooler = "classifier.dense",
        .head = "classifier.out_proj",
    },
    .pooler_act = OFR_ACT_GELU,
    .drop_attention_out = true,
    .drop_mlp_out = true,
};
