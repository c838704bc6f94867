/* checkpoint.c - named arrays to a safetensors file and back, checked. */
#include "train/checkpoint.h"

#include <string.h>

#include "base/mem.h"

ofr_checkpoint_item ofr_checkpoint_item_of(const char *name, ofr_dtype dtype,
                                           size_t count, void *data)
{
    ofr_checkpoint_item item = {.dtype = dtype, .count = count, .data = data};

    OFR_ASSERT(strlen(name) < sizeof item.name);
    memcpy(item.name, name, strlen(name) + 1);
    return item;
}

ofr_dtype ofr_checkpoint_real(void)
{
    return sizeof(ofr_real) == 8 ? OFR_F64 : OFR_F32;
}

static ofr_status make_folder(const char *path, ofr_error *err)
{
    char folder[OFR_PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path) return OFR_OK;
    if ((size_t)(slash - path) >= sizeof folder)
        return ofr_fail(err, OFR_INVALID, "path too long: %.100s...", path);
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    return ofr_file_make_dirs(folder, err);
}

ofr_status ofr_checkpoint_save(const char *path, const ofr_checkpoint_item *items, int n,
                               ofr_error *err)
{
    static const char *const metadata[] = {"offramp", "checkpoint 1"};
    ofr_tensor *tensors = ofr_mem_array((size_t)n, sizeof *tensors);
    ofr_status status;

    if (!tensors) return ofr_fail_nomem(err, (size_t)n * sizeof *tensors, "a checkpoint");
    for (int i = 0; i < n; i++) {
        tensors[i] = (ofr_tensor){.name = items[i].name, .dtype = items[i].dtype,
                                  .rank = 1, .data = items[i].data};
        tensors[i].shape[0] = (int64_t)items[i].count;
        tensors[i].bytes = items[i].count * ofr_dtype_bytes(items[i].dtype);
    }
    status = make_folder(path, err);
    if (!status) status = ofr_safetensors_write(path, tensors, n, metadata, 1, err);
    ofr_mem_free(tensors);
    return status;
}

ofr_status ofr_checkpoint_open(ofr_checkpoint *checkpoint, const char *path,
                               ofr_error *err)
{
    if (strlen(path) >= sizeof checkpoint->path)
        return ofr_fail(err, OFR_INVALID, "path too long: %.100s...", path);
    memcpy(checkpoint->path, path, strlen(path) + 1);
    return ofr_safetensors_open(&checkpoint->file, path, err);
}

void ofr_checkpoint_close(ofr_checkpoint *checkpoint)
{
    ofr_safetensors_close(&checkpoint->file);
}

ofr_status ofr_checkpoint_read(const ofr_checkpoint *checkpoint,
                               const ofr_checkpoint_item *items, int n, ofr_error *err)
{
    for (int i = 0; i < n; i++) {
        const ofr_checkpoint_item *item = &items[i];
        const ofr_tensor *tensor = ofr_safetensors_find(&checkpoint->file, item->name);

        if (!tensor)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: holds no '%s'; it belongs to a run with other settings",
                            checkpoint->path, item->name);
        if (tensor->dtype != item->dtype || ofr_tensor_count(tensor) != item->count)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: '%s' has %zu numbers of type %s, expected %zu of %s; it "
                            "belongs to a run with another model or data",
                            checkpoint->path, item->name, ofr_tensor_count(tensor),
                            ofr_dtype_name(tensor->dtype), item->count,
                            ofr_dtype_name(item->dtype));
    }
    for (int i = 0; i < n; i++) {
        const ofr_tensor *tensor = ofr_safetensors_find(&checkpoint->file, items[i].name);

        if (tensor->bytes) memcpy(items[i].data, tensor->data, tensor->bytes);
    }
    return OFR_OK;
}
