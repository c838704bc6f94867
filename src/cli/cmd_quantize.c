/*
 * cmd_quantize.c - `offramp quantize`: a model directory in fewer bits.
 */
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/calibration.h"
#include "cli/cmd.h"
#include "cli/copy.h"
#include "cli/load.h"
#include "cli/origin.h"
#include "model/weights.h"
#include "report/jsonline.h"

typedef struct options {
    ofr_cmd_common common;
    const char *model, *out;
    int precision;
} options;

static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, offsetof(options, model), NULL, "DIR", NULL, 0, 0,
     "model directory", "Model"},
    {"out", 'o', OFR_OPT_TEXT, offsetof(options, out), NULL, "DIR", NULL, 0, 0,
     "directory to write", NULL},
    {"precision", 0, OFR_OPT_CHOICE, offsetof(options, precision), "int8", "NAME",
     "f16|bf16|int8", 0, 0, "of matrices and word embeddings", NULL},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

static const ofr_precision precisions[] = {OFR_PRECISION_F16, OFR_PRECISION_BF16,
                                           OFR_PRECISION_INT8};

static ofr_status check_out(const options *o, ofr_error *err)
{
    static const char *const files[][2] = {{"config.json", "model"},
                                           {"train.json", "run"}};
    char path[OFR_PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        OFR_TRY(ofr_file_join(path, o->out, files[i][0], err));
        if (ofr_file_exists(path))
            return ofr_fail(err, OFR_INVALID,
                            "--out %s: holds a %s already; name another directory",
                            o->out, files[i][1]);
    }
    return OFR_OK;
}

static ofr_status write_all(const options *o, ofr_encoder *encoder, const ofr_tok *tok,
                            ofr_error *err)
{
    char path[OFR_PATH_MAX];
    encoder->config.precision = precisions[o->precision];
    ofr_calibration_forget(&encoder->config); /* other weights, other answers */
    OFR_TRY(ofr_file_make_dirs(o->out, err));
    OFR_TRY(ofr_file_join(path, o->out, "model.safetensors", err));
    /* A backbone may have come without a pooler, and the one made for it says nothing. */
    const bool pooler = encoder->config.K > 0 || encoder->found & OFR_FOUND_POOLER;
    const ofr_status status = ofr_weights_quantise(
        &encoder->params, &encoder->config, pooler, path, encoder->w, err);
    if (status == OFR_INVALID) return ofr_fail_prefix(err, status, o->model);
    OFR_TRY(status);
    OFR_TRY(ofr_copy_tokenizer(tok, o->out, err));
    OFR_TRY(ofr_origin_copy(o->model, o->out, err));
    OFR_TRY(ofr_file_join(path, o->out, "config.json", err));
    return ofr_config_save(&encoder->config, path, err);
}

static ofr_status report(const options *o, const ofr_encoder *encoder, ofr_error *err)
{
    const char *name = ofr_precision_name(encoder->config.precision);
    double full = 4.0 * (double)encoder->params.total;
    char path[OFR_PATH_MAX];
    ofr_file_map map;
    OFR_TRY(ofr_file_join(path, o->out, "model.safetensors", err));
    OFR_TRY(ofr_file_map_open(&map, path, err));
    double bytes = (double)map.size;
    ofr_file_map_close(&map);
    ofr_log(OFR_LOG_INFO, "%s: %s, %.1f MB, %.1f %% of f32", o->out, name, bytes / 1e6,
            100 * bytes / full);
    if (!o->common.json) return OFR_OK;
    ofr_buf out;
    ofr_buf_init(&out);
    ofr_jsonline_open(&out, NULL);
    ofr_jsonline_int(&out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(&out, "model", o->out);
    ofr_jsonline_text(&out, "precision", name);
    ofr_jsonline_real(&out, "bytes", bytes);
    ofr_jsonline_real(&out, "bytes_f32", full);
    ofr_jsonline_end(&out);
    ofr_status status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_tok *tok = NULL;
    ofr_encoder encoder;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(ofr_cmd_need(o->model, "model", err));
    OFR_TRY(ofr_cmd_need(o->out, "out", err));
    OFR_TRY(check_out(o, err));
    OFR_TRY(ofr_load_check_dir(o->model, err));
    OFR_TRY(ofr_tok_open(&tok, o->model, (ofr_tok_options){-1}, err));
    ofr_status status = ofr_load_whole(&encoder, o->model, "quantise", err);
    if (status == OFR_OK) {
        status = write_all(o, &encoder, tok, err);
        if (status == OFR_OK) status = report(o, &encoder, err);
        ofr_encoder_close(&encoder);
    }
    ofr_tok_close(tok);
    return status;
}

const ofr_cmd ofr_cmd_quantize = {
    .name = "quantize",
    .summary = "Write a model in fewer bits, to run it with less memory",
    .usage = "--model DIR --out DIR [--precision f16|bf16|int8]",
    .example = "  offramp quantize --model my-model --out my-model-int8\n"
               "  offramp eval --model my-model-int8 --data dev.tsv",
    .notes = "The new directory stands alone: every verb that runs a model opens it.\n"
             "It is not for training. int8 needs about a quarter of the memory and may\n"
             "change an answer here and there: compare `offramp eval` on both.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
