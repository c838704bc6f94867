/* ops_avx2.c - the kernel bodies for this instruction set. */
#include "kernels/ops.h"
#include "kernels/cpu/vec_avx2.h"
#include "kernels/cpu/body_table.h"

const ofr_ops ofr_ops_avx2 = {.name = "avx2", BODY_TABLE};
