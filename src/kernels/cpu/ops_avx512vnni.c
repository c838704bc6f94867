/* ops_avx512vnni.c - AVX-512 with sums of byte products in one instruction. */
#include "kernels/ops.h"
#include "kernels/cpu/vec_avx512.h"
#include "kernels/cpu/dot_vnni.h"
#include "kernels/cpu/body_table.h"

const ofr_ops ofr_ops_avx512vnni = {.name = "avx512vnni", BODY_TABLE};
