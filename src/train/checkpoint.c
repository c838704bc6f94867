/* checkpoint.c - named arrays to a safetensors file and back, checked. */
#include "train/checkpoint.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

static const char checksum_name[] = "checksum";

ofr_checkpoint_item ofr_checkpoint_item_of(const char *name, ofr_dtype dtype,
                                           size_t count, void *data)
{
    ofr_checkpoint_item item = {.dtype = dtype, .count = count, .data = data};

    OFR_ASSERT(strlen(name) < sizeof item.name);
    memcpy(item.name, name, strlen(name) + 1);
    return item;
}

ofr_checkpoint_item ofr_checkpoint_item_within(ofr_checkpoint_item item, int64_t low,
                                               int64_t high)
{
    item.bounded = true;
    item.low = low;
    item.high = high;
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

/* Of all arrays but itself; a sum, so that their order does not count. */
static int64_t checksum(const ofr_tensor *tensors, int n)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++) {
        const char *name = tensors[i].name;

        if (strcmp(name, checksum_name) == 0) continue;
        sum += ofr_hash_bytes(ofr_hash_bytes(1, name, strlen(name)), tensors[i].data,
                              tensors[i].bytes);
    }
    return (int64_t)sum;
}

ofr_status ofr_checkpoint_save(const char *path, const ofr_checkpoint_item *items, int n,
                               ofr_error *err)
{
    static const char *const metadata[] = {"offramp", "checkpoint 1"};
    ofr_tensor *tensors = ofr_mem_array((size_t)n + 1, sizeof *tensors);
    int64_t sum;
    ofr_status status;

    if (!tensors) return ofr_fail_nomem(err, (size_t)n * sizeof *tensors, "a checkpoint");
    for (int i = 0; i < n; i++) {
        tensors[i] = (ofr_tensor){.name = items[i].name, .dtype = items[i].dtype,
                                  .rank = 1, .data = items[i].data};
        tensors[i].shape[0] = (int64_t)items[i].count;
        tensors[i].bytes = items[i].count * ofr_dtype_bytes(items[i].dtype);
    }
    sum = checksum(tensors, n);
    tensors[n] = (ofr_tensor){.name = checksum_name, .dtype = OFR_I64, .rank = 1,
                              .shape = {1}, .data = &sum, .bytes = sizeof sum};
    status = make_folder(path, err);
    if (!status) status = ofr_safetensors_write(path, tensors, n + 1, metadata, 1, err);
    ofr_mem_free(tensors);
    return status;
}

/* Files of earlier versions have no checksum. */
static ofr_status verify(const ofr_checkpoint *checkpoint, ofr_error *err)
{
    const ofr_safetensors *file = &checkpoint->file;
    const ofr_tensor *stored = ofr_safetensors_find(file, checksum_name);
    const int64_t found = checksum(file->tensors, file->n_tensors);
    int64_t expected = 0;

    if (!stored) return OFR_OK;
    if (stored->dtype == OFR_I64 && ofr_tensor_count(stored) == 1)
        memcpy(&expected, stored->data, sizeof expected);
    if (found == expected) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: tensor \"%s\": the numbers have %016llx, expected %016llx; the "
                    "file is damaged, restore it, or remove it to start again",
                    checkpoint->path, checksum_name, (unsigned long long)found,
                    (unsigned long long)expected);
}

ofr_status ofr_checkpoint_open(ofr_checkpoint *checkpoint, const char *path,
                               ofr_error *err)
{
    ofr_status status;

    if (strlen(path) >= sizeof checkpoint->path)
        return ofr_fail(err, OFR_INVALID, "path too long: %.100s...", path);
    memcpy(checkpoint->path, path, strlen(path) + 1);
    status = ofr_safetensors_open(&checkpoint->file, path, err);
    if (status == OFR_FORMAT)
        return ofr_fail(err, status, "%s, or remove it to start again", err->text);
    OFR_TRY(status);
    status = verify(checkpoint, err);
    if (status) ofr_safetensors_close(&checkpoint->file);
    return status;
}

void ofr_checkpoint_close(ofr_checkpoint *checkpoint)
{
    ofr_safetensors_close(&checkpoint->file);
}

static ofr_status check_bounds(const ofr_checkpoint *checkpoint,
                               const ofr_checkpoint_item *item, const ofr_tensor *tensor,
                               ofr_error *err)
{
    const unsigned char *p = tensor->data;

    for (size_t i = 0; item->bounded && i < item->count; i++) {
        int64_t number;

        ofr_dtype_to_i64(&number, p + i * ofr_dtype_bytes(item->dtype), item->dtype, 1);
        if (number < item->low || number > item->high)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: '%s'[%zu] is %lld, expected %lld..%lld; the file is "
                            "damaged, remove it to start again",
                            checkpoint->path, item->name, i, (long long)number,
                            (long long)item->low, (long long)item->high);
    }
    return OFR_OK;
}

ofr_status ofr_checkpoint_read(const ofr_checkpoint *checkpoint,
                               const ofr_checkpoint_item *items, int n, ofr_error *err)
{
    for (int i = 0; i < n; i++) {
        const ofr_checkpoint_item *item = &items[i];
        const ofr_tensor *tensor = ofr_safetensors_find(&checkpoint->file, item->name);

        if (!tensor)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: holds no '%s'; it belongs to a run with other "
                            "settings, give those, or remove it to start again",
                            checkpoint->path, item->name);
        if (tensor->dtype != item->dtype || ofr_tensor_count(tensor) != item->count)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: '%s' has %zu numbers of type %s, expected %zu of %s; it "
                            "belongs to a run with another model or data, give those, "
                            "or remove it to start again",
                            checkpoint->path, item->name, ofr_tensor_count(tensor),
                            ofr_dtype_name(tensor->dtype), item->count,
                            ofr_dtype_name(item->dtype));
        OFR_TRY(check_bounds(checkpoint, item, tensor, err));
    }
    for (int i = 0; i < n; i++) {
        const ofr_tensor *tensor = ofr_safetensors_find(&checkpoint->file, items[i].name);

        if (tensor->bytes) memcpy(items[i].data, tensor->data, tensor->bytes);
    }
    return OFR_OK;
}
