/* ops_select.c - the best table for a processor: scalar, overlaid by faster ones. */
#include "base/cpu.h"
#include "kernels/ops.h"

/* Above the scalar table, the best one last; in double there is only that one. */
static const struct {
    unsigned needs;
    const ofr_ops *table;
} ladder[] = {
#if defined(OFR_BLAS) && !defined(OFR_REAL_DOUBLE)
    {OFR_CPU_BLAS, &ofr_ops_blas},
#endif
#if defined(OFR_X86) && !defined(OFR_REAL_DOUBLE)
    {OFR_CPU_AVX2, &ofr_ops_avx2},
    {OFR_CPU_AVX512, &ofr_ops_avx512},
    {OFR_CPU_AVX512VNNI, &ofr_ops_avx512vnni},
#endif
    {0, NULL},
};

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
    for (int i = 0; ladder[i].table; i++)
        if (features & ladder[i].needs) overlay(&ops, ladder[i].table);
    return ops;
}
