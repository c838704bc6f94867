/* fuzz_safetensors.c - what opens lies inside the file and survives a copy. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ofr_error err;
    ofr_safetensors a, b;
    const char *copy;
    ofr_status status = ofr_safetensors_open(&a, ofr_fuzz_file("in", data, size), &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, "/in");
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
        OFR_FUZZ_CHECK(x->bytes == y->bytes && ofr_fuzz_read(x) == ofr_fuzz_read(y));
    }
    ofr_safetensors_close(&a);
    ofr_safetensors_close(&b);
    return 0;
}
