/*
 * family_roberta.c - RoBERTa (Liu et al. 2019), XLM-R and CamemBERT.
 *
 * Positions are counted from pad_id + 1, so the table of 514 rows holds texts of
 * 512 tokens.  The pretrained pooler of the backbone is not used by the family's
 * own classifier: its dense layer takes the pooler's place.
 */
#include "model/family.h"

static const ofr_key keys[] = {
    OFR_ROW_SIZE("vocab_size", V, 50265),
    OFR_ROW_SIZE("hidden_size", C, 768),
    OFR_ROW_INT("num_hidden_layers", L, 1, 512, 12),
    OFR_ROW_SIZE("num_attention_heads", H, 12),
    OFR_ROW_SIZE("intermediate_size", F, 3072),
    OFR_ROW_ACT("hidden_act", OFR_ACT_GELU),
    OFR_ROW_RATE("hidden_dropout_prob", hidden_dropout, 0.1),
    OFR_ROW_RATE("attention_probs_dropout_prob", attention_dropout, 0.1),
    OFR_ROW_SIZE("max_position_embeddings", n_positions, 512),
    OFR_ROW_SIZE("type_vocab_size", n_types, 2),
    OFR_ROW_RANGE(initializer_range, 0.02),
    OFR_ROW_EPS(1e-12),
    OFR_ROW_INT("pad_token_id", pad_id, 0, OFR_SIZE_MAX, 1),
    OFR_ROW_END,
};

const ofr_family_info ofr_family_roberta = {
    .name = "roberta",
    .other_types = {"xlm-roberta", "camembert"},
    .architecture = "Roberta",
    .keys = keys,
    .head_dropout_key = "classifier_dropout",
    .names = {
        .prefix = "roberta.",
        .word = "embeddings.word_embeddings",
        .position = "embeddings.position_embeddings",
        .type = "embeddings.token_type_embeddings",
        .embed_ln = "embeddings.LayerNorm",
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
    .pooler_act = OFR_ACT_TANH,
    .positions_after_pad = true,
    .drop_attention_out = true,
    .drop_mlp_out = true,
};
