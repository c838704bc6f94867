/*
 * safetensors.h - reads one file or a sharded set; checks everything first.
 *
 * Format: u64 little-endian N, N bytes of JSON, data.  Refused (OFR_FORMAT): a
 * file under 8 bytes; N > 100,000,000; 8 + N > file size; a header that does not
 * begin with '{'; bad UTF-8 or JSON; duplicate keys; __metadata__ values that
 * are no strings; unknown dtype; rank > OFR_RANK_MAX; offsets that, sorted, do
 * not start at 0, leave a gap or overlap; size != product(shape) * width
 * (checked multiplication); bytes behind the last tensor.  Legal: empty dims,
 * rank 0, NaN.
 */
#ifndef OFR_IO_SAFETENSORS_H
#define OFR_IO_SAFETENSORS_H

#include "base/file.h"
#include "base/map.h"
#include "base/status.h"
#include "tensor/tensor.h"

/* The metadata key under which files of ours name what is in them. */
#define OFR_SAFETENSORS_KEY "offramp.content"
enum { OFR_SAFETENSORS_CONTENT = 17 };

typedef struct ofr_safetensors {
    int n_tensors;
    ofr_tensor *tensors;   /* [n_tensors] in file order; data inside the maps */
    const char **files;    /* [n_tensors] path of the file that holds each    */
    ofr_map by_name;
    char content[OFR_SAFETENSORS_CONTENT]; /* "offramp.content" of the metadata of a
                              single file; "": not there                      */
    void *owner;           /* maps, names: private to safetensors.c           */
} ofr_safetensors;

/* One file. */
ofr_status ofr_safetensors_open(ofr_safetensors *st, const char *path, ofr_error *err);

/* dir/model.safetensors, or the shards that dir/model.safetensors.index.json
 * names (weight_map; a name with '/' or ".." is refused; a tensor missing from
 * its shard, or found twice, is refused).  A lone pytorch_model.bin gives
 * OFR_FORMAT with the conversion command. */
ofr_status ofr_safetensors_open_dir(ofr_safetensors *st, const char *dir, ofr_error *err);
void ofr_safetensors_close(ofr_safetensors *st);

const ofr_tensor *ofr_safetensors_find(const ofr_safetensors *st, const char *name);
const char *ofr_safetensors_file(const ofr_safetensors *st, const ofr_tensor *tensor);

/* The file itself, written atomically: widest dtype first, then by name; header
 * padded with spaces to a multiple of 8; __metadata__ = {"format":"pt"} plus
 * n_metadata pairs key, value, key, value... Tensors keep their dtype. */
ofr_status ofr_safetensors_write(const char *path, const ofr_tensor *tensors,
                                 int n_tensors, const char *const *metadata,
                                 int n_metadata, ofr_error *err);

#endif
