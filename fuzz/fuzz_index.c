/*
 * fuzz_index.c - an index and two shards: only these two are opened, and every
 * tensor of the index lies in the shard that it names.
 *
 * Parts of the input: the index, shard a, shard b.
 */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"model.safetensors.index.json", "a.safetensors",
                                        "b.safetensors"};
    const char *folder = ofr_fuzz_folder();
    ofr_safetensors st;
    ofr_error err;
    ofr_status status;
    ofr_fuzz_files(names, 3, data, size);
    status = ofr_safetensors_open_dir(&st, folder, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, folder);
        return 0;
    }
    for (int i = 0; i < st.n_tensors; i++) {
        const ofr_tensor *t = &st.tensors[i];
        const char *file = ofr_safetensors_file(&st, t);
        OFR_FUZZ_CHECK(strncmp(file, folder, strlen(folder)) == 0);
        file += strlen(folder) + 1;
        OFR_FUZZ_CHECK(strcmp(file, names[1]) == 0 || strcmp(file, names[2]) == 0);
        OFR_FUZZ_CHECK(ofr_safetensors_find(&st, t->name) == t);
        ofr_fuzz_read(t);
    }
    ofr_safetensors_close(&st);
    return 0;
}
