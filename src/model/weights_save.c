/*
 * weights_save.c - writes the flat block as one safetensors file.
 *
 * Numbers of the wanted type are written from where they stand; otherwise one
 * block of converted numbers is made first.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/weights.h"

bool ofr_weights_is_saved(const ofr_param *row, const ofr_config *config)
{
    /* The family's own classifier always goes with the backbone. */
    bool own = row->layer == config->L || row->layer == 0;
    switch (row->group) {
    case OFR_GROUP_POOLER:
    case OFR_GROUP_HEADS: return own || config->has_exits;
    case OFR_GROUP_POLICIES: return config->has_policies;
    default: return true;
    }
}

static ofr_status to_f16(uint16_t *out, const ofr_real *x, const ofr_param *row,
                         ofr_error *err)
{
    for (size_t i = 0; i < row->count; i++) {
        if (isfinite(x[i]) && OFR_R(fabs)(x[i]) >= (ofr_real)OFR_F16_END) {
            return ofr_fail(err, OFR_INVALID,
                            "tensor \"%s\" holds %g, F16 ends at 65504; save it as F32",
                            row->file_name, (double)x[i]);
        }
        out[i] = ofr_f32_to_f16((float)x[i]);
    }
    return OFR_OK;
}

static ofr_status convert(void *out, const ofr_real *x, const ofr_param *row,
                          ofr_dtype dtype, ofr_error *err)
{
    if (dtype == OFR_F16) return to_f16(out, x, row, err);
    for (size_t i = 0; i < row->count; i++) {
        if (dtype == OFR_F64) {
            ((double *)out)[i] = (double)x[i];
        } else {
            ((float *)out)[i] = (float)x[i];
        }
    }
    return OFR_OK;
}

static ofr_status make_tensors(ofr_tensor *tensors, int *n, unsigned char *converted,
                               const ofr_params *params, const ofr_config *config,
                               const ofr_real *w, ofr_dtype dtype, ofr_error *err)
{
    size_t width = ofr_dtype_bytes(dtype);
    *n = 0;
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        if (!ofr_weights_is_saved(row, config)) continue;
        ofr_tensor *tensor = &tensors[(*n)++];
        *tensor = (ofr_tensor){.name = row->file_name, .dtype = dtype, .rank = row->rank};
        for (int d = 0; d < row->rank; d++) tensor->shape[d] = row->shape[d];
        tensor->bytes = row->count * width;
        tensor->data = w + row->offset;
        if (converted) {
            unsigned char *out = converted + row->offset * width;
            OFR_TRY(convert(out, w + row->offset, row, dtype, err));
            tensor->data = out;
        }
    }
    return OFR_OK;
}

void ofr_weights_name(ofr_config *config, const ofr_tensor *tensors, int n)
{
    uint64_t h = 1;
    for (int i = 0; i < n; i++) {
        h = ofr_hash_bytes(h, tensors[i].name, strlen(tensors[i].name));
        h = ofr_hash_bytes(h, tensors[i].data, tensors[i].bytes);
    }
    (void)snprintf(config->weights, sizeof config->weights, "%016llx",
                   (unsigned long long)h);
}

ofr_status ofr_weights_save(const ofr_params *params, ofr_config *config,
                            const char *path, const ofr_real *w, ofr_dtype dtype,
                            ofr_error *err)
{
    if (dtype != OFR_F32 && dtype != OFR_F64 && dtype != OFR_F16) {
        return ofr_fail(err, OFR_INVALID,
                        "%s: weights are saved as F32, F64 or F16, not %s", path,
                        ofr_dtype_name(dtype));
    }
    size_t width = ofr_dtype_bytes(dtype);
    bool as_is = dtype != OFR_F16 && width == sizeof(ofr_real);
    ofr_tensor *tensors = ofr_mem_array((size_t)params->n, sizeof *tensors);
    unsigned char *converted = as_is ? NULL : ofr_mem_array(params->total, width);
    ofr_status status = OFR_OK;
    int n = 0;
    if (!tensors || (!as_is && !converted)) {
        status = ofr_fail_nomem(err, params->total * width, path);
    }
    if (status == OFR_OK) {
        status = make_tensors(tensors, &n, converted, params, config, w, dtype, err);
    }
    if (status == OFR_OK) {
        const char *metadata[] = {OFR_SAFETENSORS_KEY, config->weights};
        ofr_weights_name(config, tensors, n);
        status = ofr_safetensors_write(path, tensors, n, metadata, 1, err);
    }
    ofr_mem_free(converted);
    ofr_mem_free(tensors);
    return status;
}
