/*
 * weights.h - files <-> the flat block of parameters.
 *
 * Reading accepts the family's names with or without their prefix ("bert.") and
 * LayerNorm.gamma/beta, F64, F32, F16, BF16 and I8 with its scales, one file or
 * shards, finite numbers alone.
 * A missing backbone tensor is OFR_FORMAT and names the tensor, the file and the
 * families supported; a wrong shape names both shapes.
 */
#ifndef OFR_MODEL_WEIGHTS_H
#define OFR_MODEL_WEIGHTS_H

#include "io/safetensors.h"
#include "model/params.h"

/* In found beside the groups: the classifier of layer L was in the files, with the
 * pooler that it asks; that pooler was. */
#define OFR_FOUND_CLASSIFIER 16u
#define OFR_FOUND_POOLER 32u

/* The tensors of a directory, found and checked, one for each row of a table. */
typedef struct ofr_weights {
    ofr_safetensors files;      /* mapped */
    const ofr_tensor **tensors; /* [n] NULL: absent                            */
    const ofr_tensor **scales;  /* [n] of an I8 tensor, F32; NULL: it has none */
    unsigned found;             /* groups that are complete, see ofr_weights_open() */
} ofr_weights;

/* `weights` is zeroed by the caller, who closes it in any case.  The pooler, heads and
 * policies may be absent: the caller initialises those before ofr_weights_load().  A
 * family head without exits (plain Hugging Face classifier) has the pooler and the head
 * of layer L and counts as neither group complete; config->has_exits and has_policies
 * make what they promise obligatory. */
ofr_status ofr_weights_open(ofr_weights *weights, const ofr_params *params,
                            const ofr_config *config, const char *dir, ofr_error *err);
void ofr_weights_close(ofr_weights *weights);
/* w[n] = numbers begin .. begin + n - 1 of the tensor of row `row`, which is
 * there; whole rows of a matrix. */
void ofr_weights_read(const ofr_weights *weights, const ofr_params *params, ofr_real *w,
                      int row, size_t begin, size_t n);

/* Are numbers begin .. begin + n - 1 of row `row`, which is there, finite, and
 * whole ones within ofr_param_top()?  Otherwise OFR_FORMAT with file, tensor, place and
 * value.  Whole rows of a matrix. */
ofr_status ofr_weights_check(const ofr_weights *weights, const ofr_params *params,
                             int row, size_t begin, size_t n, ofr_error *err);

/* The same for every number of the files, a slow look for whom to blame; OFR_OK: all
 * are finite. */
ofr_status ofr_weights_search(const ofr_weights *weights, ofr_error *err);

/* Fill w[params->total]: the rows that have a place there and are in the files. */
ofr_status ofr_weights_load(const ofr_weights *weights, const ofr_params *params,
                            ofr_real *w, ofr_error *err);

/* For those who write: the content of the tensors gets a name, in config->weights. */
void ofr_weights_name(ofr_config *config, const ofr_tensor *tensors, int n);

/* Write model.safetensors: backbone, pooler and the head of layer L under the
 * family's own names (so that other tools read them), the other internal
 * classifiers (if config->has_exits) and the policies (if config->has_policies)
 * as "offramp.exits.{l}.*".  dtype F32, F64 or F16; a finite value that F16
 * cannot hold is OFR_INVALID and names the tensor.  The file and `config` get the
 * same name for its content, so save the config behind it: a directory that holds
 * one of an older and one of a newer save is refused. */
ofr_status ofr_weights_save(const ofr_params *params, ofr_config *config,
                            const char *path, const ofr_real *w, ofr_dtype dtype,
                            ofr_error *err);

/* The same at config->precision, which is not F32: see docs/FORMATS.md.  pooler: false
 * leaves it out. */
ofr_status ofr_weights_quantise(const ofr_params *params, ofr_config *config, bool pooler,
                                const char *path, const ofr_real *w, ofr_error *err);

/* Does this row of the table go into the file? */
bool ofr_weights_is_saved(const ofr_param *row, const ofr_config *config);

#endif
