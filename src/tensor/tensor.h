/* tensor.h - a named, dense, row-major array as files hold it. */
#ifndef OFR_TENSOR_TENSOR_H
#define OFR_TENSOR_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/dtype.h"

#define OFR_RANK_MAX 8

typedef struct ofr_tensor {
    const char *name;  /* borrowed */
    ofr_dtype dtype;
    int rank;
    int64_t shape[OFR_RANK_MAX];
    const void *data;  /* borrowed; may be unaligned inside a mapped file */
    size_t bytes;
} ofr_tensor;

size_t ofr_tensor_count(const ofr_tensor *tensor);     /* product of the shape */
/* "[2,768]" into out[128]; returns out. */
char *ofr_shape_text(char out[128], const int64_t *shape, int rank);

#endif
