/* ops_scalar.c - the kernel bodies in portable C, in either precision. */
#include "kernels/ops.h"
#include "kernels/cpu/vec_scalar.h"
#include "kernels/cpu/body_table.h"

const ofr_ops ofr_ops_scalar = {.name = "scalar", BODY_TABLE};
