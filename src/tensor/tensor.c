/* tensor.c - sizes and shapes of stored arrays. */
#include "tensor/tensor.h"

#include <stdio.h>

size_t ofr_tensor_count(const ofr_tensor *tensor)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= (size_t)tensor->shape[i];
    return count;
}

char *ofr_shape_text(char out[128], const int64_t *shape, int rank)
{
    int n = snprintf(out, 128, "[");
    for (int i = 0; i < rank && n < 100; i++)
        n += snprintf(out + n, 128 - (size_t)n, "%s%lld", i > 0 ? "," : "",
                      (long long)shape[i]);
    snprintf(out + n, 128 - (size_t)n, "]");
    return out;
}
