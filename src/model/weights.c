/*
 * weights.c - fills the flat block of parameters from safetensors files.
 *
 * A tensor is looked for under the family's own name, without its prefix, and
 * with gamma and beta for a LayerNorm's weight and bias (the first BERT
 * checkpoints).  Whatever else a file holds (language-model heads, position ids)
 * is left alone.
 */
#include "model/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/family.h"

#define FAMILIES "bert, electra, roberta, distilbert, albert"

/* Renames "...LayerNorm.weight" to gamma, "...bias" to beta; false: no LayerNorm. */
static bool old_name(char out[160], const char *name)
{
    const char *weight = strstr(name, "LayerNorm.weight");
    const char *bias = strstr(name, "LayerNorm.bias");
    const char *at = weight ? weight : bias;
    if (!at) return false;
    (void)snprintf(out, 160, "%.*sLayerNorm.%s", (int)(at - name), name,
                   weight ? "gamma" : "beta");
    return true;
}

static const ofr_tensor *find(const ofr_safetensors *st, const char *name,
                              const char *prefix)
{
    char old[160];
    size_t n = strlen(prefix);
    bool inside = strncmp(name, prefix, n) == 0;
    const ofr_tensor *tensor = ofr_safetensors_find(st, name);
    if (!tensor && inside) tensor = ofr_safetensors_find(st, name + n);
    if (!tensor && old_name(old, name)) {
        tensor = ofr_safetensors_find(st, old);
        if (!tensor && inside) tensor = ofr_safetensors_find(st, old + n);
    }
    return tensor;
}

/* A tensor of this name behind something that DataParallel, a trainer or an outer module
 * put in front ("module.bert..."), or NULL. */
static const ofr_tensor *find_behind(const ofr_safetensors *st, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < st->n_tensors; i++) {
        const char *found = st->tensors[i].name;
        size_t len = strlen(found);
        if (len > n && found[len - n - 1] == '.' && strcmp(found + len - n, name) == 0)
            return &st->tensors[i];
    }
    return NULL;
}

static ofr_status missing(const ofr_param *row, const ofr_config *config,
                          const ofr_safetensors *st, const char *dir, ofr_error *err)
{
    const char *prefix = ofr_family_of(config->family)->names.prefix;
    size_t n = strlen(prefix);
    const char *bare =
        strncmp(row->file_name, prefix, n) == 0 ? row->file_name + n : NULL;
    char where[300];
    if (st->n_tensors > 0 && strcmp(st->files[0], st->files[st->n_tensors - 1]) == 0) {
        (void)snprintf(where, sizeof where, "%.280s", st->files[0]);
    } else {
        (void)snprintf(where, sizeof where, "%.280s", dir);
    }
    const ofr_tensor *behind = bare ? find_behind(st, row->file_name) : NULL;
    if (behind)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" is missing, but there is \"%.200s\"; save the "
                        "model again without what stands in front of its names",
                        where, row->file_name, behind->name);
    return ofr_fail(err, OFR_FORMAT,
                    "%s: tensor \"%s\"%s%s%s is missing, a model of family %s needs it; "
                    "supported families: " FAMILIES "; restore the file or correct "
                    "\"model_type\"",
                    where, row->file_name, bare ? " (or \"" : "", bare ? bare : "",
                    bare ? "\")" : "", ofr_family_name(config->family));
}

static ofr_status check_tensor(const ofr_param *row, const ofr_tensor *tensor,
                               const char *file, ofr_error *err)
{
    bool same = tensor->rank == row->rank;
    for (int i = 0; same && i < row->rank; i++) {
        same = tensor->shape[i] == row->shape[i];
    }
    if (!same) {
        char found[128], expected[128];
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" has shape %s, expected %s; restore the files "
                        "that belong together",
                        file, tensor->name,
                        ofr_shape_text(found, tensor->shape, tensor->rank),
                        ofr_shape_text(expected, row->shape, row->rank));
    }
    if (tensor->dtype > OFR_BF16 && !(tensor->dtype == OFR_I8 && row->rank == 2)) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" has type %s, expected F32, F16, BF16 or F64; "
                        "convert the file",
                        file, tensor->name, ofr_dtype_name(tensor->dtype));
    }
    return OFR_OK;
}

/* The scales of the rows of an I8 matrix: NAME_scale, F32 [rows]. */
static ofr_status find_scale(const ofr_tensor **scale, const ofr_safetensors *st,
                             const ofr_tensor *tensor, ofr_error *err)
{
    char name[200];
    const char *file = ofr_safetensors_file(st, tensor);
    (void)snprintf(name, sizeof name, "%.180s_scale", tensor->name);
    *scale = ofr_safetensors_find(st, name);
    if (!*scale)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" is I8 and \"%s\" is missing; quantise the "
                        "model again",
                        file, tensor->name, name);
    if ((*scale)->dtype == OFR_F32 && (*scale)->rank == 1 &&
        (*scale)->shape[0] == tensor->shape[0])
        return OFR_OK;
    char found[128];
    return ofr_fail(err, OFR_FORMAT,
                    "%s: tensor \"%s\" is %s %s, expected F32 [%lld]; quantise the model "
                    "again",
                    file, name, ofr_dtype_name((*scale)->dtype),
                    ofr_shape_text(found, (*scale)->shape, (*scale)->rank),
                    (long long)tensor->shape[0]);
}

static ofr_status check_token_exits(const ofr_real *exits, const ofr_param *row, int L,
                                    const char *file, ofr_error *err)
{
    for (size_t v = 0; v < row->count; v++) {
        double layer = (double)exits[v];
        if (!(layer >= 1 && layer <= L && layer == floor(layer)))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: tensor \"%s\" lets entry %zu leave at layer %g, "
                            "expected a whole number from 1 to %d; train the model again",
                            file, row->file_name, v, layer, L);
    }
    return OFR_OK;
}

/* Must this tensor be in the files? */
static bool obligatory(const ofr_param *row, const ofr_config *config,
                       const ofr_param *weight, bool weight_found)
{
    if (row->group == OFR_GROUP_BACKBONE || row->group == OFR_GROUP_TOKENS) return true;
    if (row->group == OFR_GROUP_POLICIES && config->has_policies) return true;
    if (row->group != OFR_GROUP_POLICIES && config->has_exits) return true;
    return weight && weight_found; /* a bias whose weight is there */
}

static bool is_bias_of(const ofr_param *row, const ofr_param *before)
{
    return before && row->rank == 1 && before->rank == 2 && row->group == before->group &&
           row->layer == before->layer;
}

/* The numbers of row i as they will be read. */
static ofr_status check_tokens(const ofr_weights *weights, const ofr_params *params,
                               int i, int L, ofr_error *err)
{
    const ofr_param *row = &params->rows[i];
    const char *file = ofr_safetensors_file(&weights->files, weights->tensors[i]);
    ofr_real *w = ofr_mem_array(row->count, sizeof *w);
    if (!w) return ofr_fail_nomem(err, row->count * sizeof *w, file);
    ofr_weights_read(weights, params, w, i, 0, row->count);
    ofr_status status = check_token_exits(w, row, L, file, err);
    ofr_mem_free(w);
    return status;
}

static ofr_status find_rows(ofr_weights *weights, const ofr_params *params,
                            const ofr_config *config, const char *dir, ofr_error *err)
{
    const ofr_safetensors *st = &weights->files;
    const ofr_family_info *info = ofr_family_of(config->family);
    unsigned complete = OFR_GROUP_ALL;
    if (config->token_exits) complete |= OFR_GROUP_TOKENS;
    bool before_found = false, pooler = true;
    if (config->K == 0) complete = OFR_GROUP_BACKBONE | OFR_GROUP_POOLER;
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        const ofr_param *before = i > 0 ? row - 1 : NULL;
        const ofr_tensor *tensor = find(st, row->file_name, info->names.prefix);
        if (!tensor) {
            if (obligatory(row, config, is_bias_of(row, before) ? before : NULL,
                           before_found)) {
                return missing(row, config, st, dir, err);
            }
            complete &= ~row->group;
            if (row->group == OFR_GROUP_POOLER &&
                (row->layer == 0 || row->layer == config->L))
                pooler = false;
            before_found = false;
            continue;
        }
        OFR_TRY(check_tensor(row, tensor, ofr_safetensors_file(st, tensor), err));
        weights->tensors[i] = tensor;
        if (tensor->dtype == OFR_I8)
            OFR_TRY(find_scale(&weights->scales[i], st, tensor, err));
        if (row->group == OFR_GROUP_TOKENS)
            OFR_TRY(check_tokens(weights, params, i, config->L, err));
        before_found = true;
        if (row->group == OFR_GROUP_HEADS && row->layer == config->L) {
            complete |= OFR_FOUND_CLASSIFIER;
        }
    }
    if (pooler)
        complete |= OFR_FOUND_POOLER;
    else /* of tokens, perhaps: it would give all texts one answer */
        complete &= ~OFR_FOUND_CLASSIFIER;
    /* A pooler that serves one plain classifier is not yet that of all exits. */
    if (config->K > 0 && !(complete & OFR_GROUP_HEADS)) complete &= ~OFR_GROUP_POOLER;
    weights->found = complete;
    return OFR_OK;
}

/* A save writes the weights, then config.json: was it cut short between the two? */
static ofr_status check_pair(const ofr_safetensors *st, const ofr_config *config,
                             const char *dir, ofr_error *err)
{
    if (!st->content[0] || strcmp(st->content, config->weights) == 0) return OFR_OK;
    ofr_buf word;
    ofr_buf_init(&word);
    ofr_buf_add_word(&word, dir);
    ofr_status status =
        ofr_fail(err, OFR_FORMAT,
                 "%s: model.safetensors has the content %s, config.json is of %s: "
                 "they are of different runs; finish the run that was cut short with "
                 "`offramp train --resume --out %s`, or restore the files that "
                 "belong together",
                 dir, st->content, config->weights[0] ? config->weights : "none",
                 word.failed ? dir : word.p);
    ofr_buf_free(&word);
    return status;
}

ofr_status ofr_weights_open(ofr_weights *weights, const ofr_params *params,
                            const ofr_config *config, const char *dir, ofr_error *err)
{
    size_t n = (size_t)params->n;
    OFR_TRY(ofr_safetensors_open_dir(&weights->files, dir, err));
    OFR_TRY(check_pair(&weights->files, config, dir, err));
    weights->tensors = ofr_mem_array(n, sizeof *weights->tensors);
    weights->scales = ofr_mem_array(n, sizeof *weights->scales);
    if (!weights->tensors || !weights->scales) return ofr_fail_nomem(err, n, dir);
    return find_rows(weights, params, config, dir, err);
}

void ofr_weights_close(ofr_weights *weights)
{
    ofr_mem_free(weights->tensors);
    ofr_mem_free(weights->scales);
    ofr_safetensors_close(&weights->files);
    *weights = (ofr_weights){0};
}

void ofr_weights_read(const ofr_weights *weights, const ofr_params *params, ofr_real *w,
                      int row, size_t begin, size_t n)
{
    const ofr_tensor *tensor = weights->tensors[row], *scale = weights->scales[row];
    size_t width = (size_t)params->rows[row].shape[1];
    ofr_dtype_to_real(w,
                      (const unsigned char *)tensor->data +
                          begin * ofr_dtype_bytes(tensor->dtype),
                      tensor->dtype, n);
    for (size_t i = 0; scale && i < n; i += width) {
        float s;
        memcpy(&s, (const unsigned char *)scale->data + (begin + i) / width * sizeof s,
               sizeof s);
        for (size_t j = i; j < i + width; j++)
            w[j] *= (ofr_real)s;
    }
}

/* The first number from `at` on that is not finite. */
static ofr_status wild(const ofr_weights *weights, const ofr_tensor *tensor, size_t at,
                       ofr_error *err)
{
    const unsigned char *data = tensor->data;
    const size_t width = ofr_dtype_bytes(tensor->dtype);
    ofr_real value;
    while (ofr_dtype_finite(data + at * width, tensor->dtype, 1))
        at++;
    ofr_dtype_to_real(&value, data + at * width, tensor->dtype, 1);
    return ofr_fail(err, OFR_FORMAT,
                    "%s: tensor \"%s\" holds %g at place %zu, expected finite numbers; "
                    "restore the file, or train or convert the model again",
                    ofr_safetensors_file(&weights->files, tensor), tensor->name,
                    (double)value, at);
}

/* Beyond `top` sums of products (ops.h) are no longer exact.  Any byte is good for a
 * table that is looked up: nobody sums those. */
static ofr_status check_whole(const ofr_weights *weights, const ofr_tensor *tensor,
                              size_t at, size_t n, int top, ofr_error *err)
{
    const int8_t *q = (const int8_t *)tensor->data + at;
    int8_t least = 0, most = 0;
    if (top >= INT8_MAX) return OFR_OK;
    for (size_t i = 0; i < n; i++) {
        least = q[i] < least ? q[i] : least;
        most = q[i] > most ? q[i] : most;
    }
    if (least >= -top && most <= top) return OFR_OK;
    while (*q >= -top && *q <= top)
        q++;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: tensor \"%s\" holds %d at place %zu, expected whole numbers "
                    "from %d to %d; restore the file, or quantise the model again",
                    ofr_safetensors_file(&weights->files, tensor), tensor->name, *q,
                    (size_t)(q - (const int8_t *)tensor->data), -top, top);
}

ofr_status ofr_weights_check(const ofr_weights *weights, const ofr_params *params,
                             int row, size_t begin, size_t n, ofr_error *err)
{
    const ofr_tensor *tensor = weights->tensors[row], *scale = weights->scales[row];
    const size_t C = (size_t)params->rows[row].shape[1];
    if (scale) { /* its whole numbers are finite */
        OFR_TRY(check_whole(weights, tensor, begin, n, ofr_param_top(&params->rows[row]),
                            err));
        tensor = scale;
        begin /= C;
        n /= C;
    }
    if (ofr_dtype_finite((const unsigned char *)tensor->data +
                             begin * ofr_dtype_bytes(tensor->dtype),
                         tensor->dtype, n))
        return OFR_OK;
    return wild(weights, tensor, begin, err);
}

ofr_status ofr_weights_search(const ofr_weights *weights, ofr_error *err)
{
    const ofr_safetensors *st = &weights->files;
    for (int i = 0; i < st->n_tensors; i++) {
        const ofr_tensor *tensor = &st->tensors[i];
        if (!ofr_dtype_finite(tensor->data, tensor->dtype, ofr_tensor_count(tensor)))
            return wild(weights, tensor, 0, err);
    }
    return OFR_OK;
}

ofr_status ofr_weights_load(const ofr_weights *weights, const ofr_params *params,
                            ofr_real *w, ofr_error *err)
{
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        if (row->offset == OFR_PARAM_NONE || !weights->tensors[i]) continue;
        OFR_TRY(ofr_weights_check(weights, params, i, 0, row->count, err));
        ofr_weights_read(weights, params, w + row->offset, i, 0, row->count);
    }
    return OFR_OK;
}
