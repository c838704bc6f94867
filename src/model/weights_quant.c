/*
 * weights_quant.c - writes the flat block in fewer bits.
 *
 * What is packed for inference is written as it will be held, so that opening
 * the file only moves bytes: F16 or BF16, or I8 beside the scales of its rows.
 * The rest stays F32.  One tensor at a time is converted into one block.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/weights.h"
#include "tensor/quant.h"

typedef struct quantised {
    ofr_tensor *tensors; /* [n]; room for two per row            */
    char (*names)[160];  /* [rows] "NAME_scale"                  */
    unsigned char *data; /* all tensors, each at a multiple of 8 */
    size_t used;
    int n;
} quantised;

static void *place(quantised *out, const char *name, ofr_dtype dtype,
                   const ofr_param *row, int rank)
{
    ofr_tensor *tensor = &out->tensors[out->n++];
    void *at = out->data + out->used;
    *tensor = (ofr_tensor){.name = name, .dtype = dtype, .rank = rank, .data = at};
    tensor->bytes = ofr_dtype_bytes(dtype);
    for (int d = 0; d < rank; d++) {
        tensor->shape[d] = row->shape[d];
        tensor->bytes *= (size_t)row->shape[d];
    }
    out->used += (tensor->bytes + 7) / 8 * 8;
    return at;
}

static void add_reals(quantised *out, const ofr_param *row, const ofr_real *w)
{
    float *to = place(out, row->file_name, OFR_F32, row, row->rank);
    for (size_t i = 0; i < row->count; i++)
        to[i] = (float)w[i];
}

static ofr_status add_half(quantised *out, const ofr_param *row, const ofr_real *w,
                           bool f16, ofr_error *err)
{
    float highest = ofr_quant_highest(w, row->count);
    if (highest >= (f16 ? OFR_F16_END : OFR_BF16_END))
        return ofr_fail(err, OFR_INVALID,
                        "tensor \"%s\" holds %g, %s; use %s", row->file_name,
                        (double)highest, f16 ? "f16 ends at 65504" : "bf16 at 3.3895e38",
                        f16 ? "bf16 or int8" : "int8");
    uint16_t *to = place(out, row->file_name, f16 ? OFR_F16 : OFR_BF16, row, row->rank);
    if (f16)
        ofr_f16_of_reals(to, w, row->count);
    else
        ofr_bf16_of_reals(to, w, row->count);
    return OFR_OK;
}

static void add_whole(quantised *out, const ofr_param *row, const ofr_real *w, char *name)
{
    (void)snprintf(name, 160, "%s_scale", row->file_name);
    float *scale = place(out, name, OFR_F32, row, 1);
    int8_t *q = place(out, row->file_name, OFR_I8, row, row->rank);
    ofr_quant_rows(q, scale, w, (int)row->shape[0], (int)row->shape[1],
                   ofr_param_top(row));
}

static ofr_status add_rows(quantised *out, const ofr_params *params,
                           const ofr_config *config, bool pooler, const ofr_real *w,
                           ofr_error *err)
{
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        ofr_precision precision = ofr_param_precision(row, config->precision);
        if (!ofr_weights_is_saved(row, config)) continue;
        if (!pooler && row->group == OFR_GROUP_POOLER) continue;
        if (precision == OFR_PRECISION_F32)
            add_reals(out, row, w + row->offset);
        else if (precision == OFR_PRECISION_INT8)
            add_whole(out, row, w + row->offset, out->names[i]);
        else
            OFR_TRY(add_half(out, row, w + row->offset, precision == OFR_PRECISION_F16,
                             err));
    }
    return OFR_OK;
}

/* At most this many bytes: every number, every scale, and gaps. */
static size_t bytes_of(const ofr_params *params, const ofr_config *config)
{
    static const size_t width[OFR_PRECISION_COUNT] = {4, 2, 2, 1};
    size_t bytes = 0;
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        bytes += row->count * width[ofr_param_precision(row, config->precision)];
        bytes += (size_t)row->shape[0] * sizeof(float) + 16;
    }
    return bytes;
}

ofr_status ofr_weights_quantise(const ofr_params *params, ofr_config *config, bool pooler,
                                const char *path, const ofr_real *w, ofr_error *err)
{
    const char *metadata[] = {"offramp.precision", ofr_precision_name(config->precision),
                              OFR_SAFETENSORS_KEY, config->weights};
    size_t bytes = bytes_of(params, config);
    quantised out = {.tensors = ofr_mem_array(2 * (size_t)params->n, sizeof *out.tensors),
                     .names = ofr_mem_array((size_t)params->n, sizeof *out.names),
                     .data = ofr_mem_zalloc(bytes)};
    ofr_status status = OFR_OK;
    if (!out.tensors || !out.names || !out.data)
        status = ofr_fail_nomem(err, bytes, path);
    if (status == OFR_OK) status = add_rows(&out, params, config, pooler, w, err);
    if (status == OFR_OK) {
        ofr_weights_name(config, out.tensors, out.n);
        status = ofr_safetensors_write(path, out.tensors, out.n, metadata, 2, err);
    }
    ofr_mem_free(out.tensors);
    ofr_mem_free(out.names);
    ofr_mem_free(out.data);
    return status;
}
