/* fuzz_safetensors.c - what opens lies inside the file and survives a copy. */
#include "fuzz.h"

#include <string.h>

#include "io/safetensors.h"

static unsigned sum_of(const ofr_tensor *t)
{
    unsigned sum = 0;
    for (size_t i = 0; i < t->bytes; i++)
        sum = sum * 31 + ((const unsigned char *)t->data)[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ofr_error err;
    ofr_safetensors a, b;
    const char *copy;
    if (ofr_safetensors_open(&a, ofr_fuzz_file("in", data, size), &err) != OFR_OK) {
        OFR_FUZZ_CHECK(err.status == OFR_FORMAT && !strchr(err.text, '\n'));
        return 0;
    }
    copy = ofr_fuzz_file("out", data, 0);
    OFR_FUZZ_CHECK(ofr_safetensors_write(copy, a.tensors, a.n_tensors, NULL, 0, &err) ==
                   OFR_OK);
    OFR_FUZZ_CHECK(ofr_safetensors_open(&b, copy, &err) == OFR_OK);
    OFR_FUZZ_CHECK(a.n_tensors == b.n_tensors);
    for (int i = 0; i < a.n_tensors; i++) {
        const ofr_tensor *x = &a.tensors[i], *y = ofr_safetensors_find(&b, x->name);
        OFR_FUZZ_CHECK(y && x->dtype == y->dtype && x->rank == y->rank);
        OFR_FUZZ_CHECK(memcmp(x->shape, y->shape, sizeof x->shape) == 0);
        OFR_FUZZ_CHECK(x->bytes == y->bytes && sum_of(x) == sum_of(y));
    }
    ofr_safetensors_close(&a);
    ofr_safetensors_close(&b);
    return 0;
}
