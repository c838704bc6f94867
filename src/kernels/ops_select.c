/* ops_select.c - the best table for a processor: scalar, overlaid by faster ones. */
#include "base/cpu.h"
#include "kernels/ops.h"

#if defined(OFR_X86) && !defined(OFR_REAL_DOUBLE)

/* linear() reads what pack() wrote, so the four come from one table. */
static void overlay(ofr_ops *ops, const ofr_ops *fast)
{
#define OVERLAY(entry) \
    if (fast->entry) ops->entry = fast->entry
    ops->name = fast->name;
    if (fast->linear && fast->pack && fast->pack_int8 && fast->pack_size) {
        ops->pack_size = fast->pack_size;
        ops->pack = fast->pack;
        ops->pack_int8 = fast->pack_int8;
        ops->linear = fast->linear;
    }
    OVERLAY(gemm);
    OVERLAY(col_sum);
    OVERLAY(act);
    OVERLAY(act_bwd);
    OVERLAY(dropout);
    OVERLAY(add_layernorm);
    OVERLAY(layernorm_bwd);
    OVERLAY(attention);
    OVERLAY(attention_bwd);
    OVERLAY(embed);
    OVERLAY(embed_bwd);
    OVERLAY(add);
    OVERLAY(scale);
    OVERLAY(sum_squares);
    OVERLAY(adamw);
#undef OVERLAY
}

ofr_ops ofr_ops_select(unsigned features)
{
    ofr_ops ops = ofr_ops_scalar;
    if (features & OFR_CPU_AVX2) overlay(&ops, &ofr_ops_avx2);
    if (features & OFR_CPU_AVX512) overlay(&ops, &ofr_ops_avx512);
    if (features & OFR_CPU_AVX512VNNI) overlay(&ops, &ofr_ops_avx512vnni);
    return ops;
}

#else

ofr_ops ofr_ops_select(unsigned features)
{
    (void)features;
    return ofr_ops_scalar;
}

#endif
