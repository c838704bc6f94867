/* body_table.h - the entries of a complete table made of the bodies. */
#ifndef OFR_KERNELS_BODY_TABLE_H
#define OFR_KERNELS_BODY_TABLE_H

#include "kernels/cpu/body_elem.h"
#include "kernels/cpu/body_rows.h"
#include "kernels/cpu/body_micro.h"
#include "kernels/cpu/body_int8.h"
#include "kernels/cpu/body_gemm.h"
#include "kernels/cpu/body_attn_fwd.h"
#include "kernels/cpu/body_attn_bwd.h"

#define BODY_TABLE                                                                       \
    .pack_size = pack_size, .pack = pack, .pack_int8 = pack_int8,                      \
    .linear = linear, .gemm = gemm,                \
    .col_sum = col_sum, .act = act_all, .act_bwd = act_bwd, .dropout = dropout,          \
    .add_layernorm = add_layernorm, .layernorm_bwd = layernorm_bwd,                      \
    .attention = attention, .attention_bwd = attention_bwd, .embed = embed,              \
    .embed_bwd = embed_bwd, .add = add, .scale = scale, .sum_squares = sum_squares,      \
    .adamw = adamw

#endif
