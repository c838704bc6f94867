/* ops_ref.c - the table of reference kernels; tests only. */
#include "kernels/ref/ref.h"

const ofr_ops ofr_ops_ref = {
    .name = "ref",
    .linear = ofr_ref_linear,
    .gemm = ofr_ref_gemm,
    .col_sum = ofr_ref_col_sum,
    .act = ofr_ref_act_all,
    .act_bwd = ofr_ref_act_bwd,
    .dropout = ofr_ref_dropout,
    .add_layernorm = ofr_ref_add_layernorm,
    .layernorm_bwd = ofr_ref_layernorm_bwd,
    .attention = ofr_ref_attention,
    .attention_bwd = ofr_ref_attention_bwd,
    .embed = ofr_ref_embed,
    .embed_bwd = ofr_ref_embed_bwd,
    .add = ofr_ref_add,
    .scale = ofr_ref_scale,
    .sum_squares = ofr_ref_sum_squares,
    .adamw = ofr_ref_adamw,
};
