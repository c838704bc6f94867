/* ops_avx512.c - the kernel bodies for this instruction set. */
#include "kernels/ops.h"

const ofr_ops ofr_ops_avx512 = {.name = "avx512"};
