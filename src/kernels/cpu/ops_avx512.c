/* ops_avx512.c - the kernel bodies for this instruction set. */
#include "kernels/ops.h"
#include "kernels/cpu/vec_avx512.h"
#include "kernels/cpu/dot_bw.h"
#include "kernels/cpu/body_table.h"

const ofr_ops ofr_ops_avx512 = {.name = "avx512", BODY_TABLE};
