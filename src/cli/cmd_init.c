/* cmd_init.c - `offramp init`: a new model directory with random weights. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/copy.h"
#include "cli/out_folder.h"
#include "io/json.h"
#include "model/encoder.h"
#include "model/weights.h"
#include "report/jsonline.h"
#include "tok/tok.h"

typedef struct options {
    ofr_cmd_common common;
    const char *shape, *config, *vocab, *out;
    int family;
    uint64_t seed;
    bool cased, force;
} options;

static const ofr_opt rows[] = {
    {"shape", 0, OFR_OPT_TEXT, offsetof(options, shape), NULL, "NAME", NULL, 0, 0,
     "tiny, mini, small, medium, base or large, see the table", "Model"},
    {"config", 0, OFR_OPT_TEXT, offsetof(options, config), NULL, "FILE", NULL, 0, 0,
     "take the shape from this config.json instead", NULL},
    {"family", 0, OFR_OPT_CHOICE, offsetof(options, family), "bert", "NAME",
     "bert|electra|roberta|distilbert|albert", 0, 0,
     "architecture that goes with --shape", NULL},
    {"vocab", 0, OFR_OPT_TEXT, offsetof(options, vocab), NULL, "FILE", NULL, 0, 0,
     "vocab.txt, tokenizer.json, spiece.model or a directory with a tokenizer", NULL},
    {"cased", 0, OFR_OPT_FLAG, offsetof(options, cased), NULL, NULL, NULL, 0, 0,
     "the tokenizer keeps case and accents", NULL},
    {"seed", 's', OFR_OPT_U64, offsetof(options, seed), "1", "N", NULL, 0, 0,
     "of the random weights; the same seed gives the same bytes", NULL},
    {"out", 'o', OFR_OPT_TEXT, offsetof(options, out), NULL, "DIR", NULL, 0, 0,
     "directory to make", "Output"},
    {"force", 'f', OFR_OPT_FLAG, offsetof(options, force), NULL, NULL, NULL, 0, 0,
     "write into a directory that is not empty; a model or a run there is replaced",
     NULL},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

static ofr_status check_out(const options *o, ofr_error *err)
{
    if (o->force && ofr_file_is_dir(o->out)) return OFR_OK;
    return ofr_cmd_new_dir(o->out, "choose another --out or add --force", err);
}

/* The shape alone: method, rule, guarantee and precision belong to the weights that the
 * file came with, not to random ones. */
static ofr_status load_config(ofr_config *config, const char *path, ofr_error *err)
{
    json_t *json = NULL;
    OFR_TRY(ofr_json_load_input(&json, path, err));
    (void)json_object_del(json, "offramp");
    ofr_status status = ofr_config_parse(config, json, ofr_file_input_name(path), err);
    json_decref(json);
    return status;
}

/* The shape, with the vocabulary's size. */
static ofr_status make_config(ofr_config *config, const options *o, const ofr_tok *tok,
                              ofr_error *err)
{
    int V = ofr_tok_size(tok);
    if (!o->config) {
        OFR_TRY(ofr_config_shape(config, (ofr_family)o->family, o->shape, V, err));
        return OFR_OK;
    }
    OFR_TRY(load_config(config, o->config, err));
    if (config->V < V) {
        int had = config->V;
        ofr_config_free(config);
        return ofr_fail(err, OFR_INVALID,
                        "%s: \"vocab_size\" is %d, but %s has %d entries", o->config, had,
                        o->vocab, V);
    }
    /* The weights that follow hold every exit when there are classes at all. */
    config->has_exits = config->has_policies = config->K > 0;
    return OFR_OK;
}

/* Is a file of this name among those of the tokenizer? */
static bool has_file(const ofr_tok *tok, const char *name)
{
    for (int i = 0; i < OFR_TOK_FILES; i++)
        if (strcmp(ofr_tok_file_name(i), name) == 0) return ofr_tok_file(tok, i) != NULL;
    return false;
}

/* What Hugging Face calls it. */
static const char *tokenizer_class(const ofr_tok *tok, const ofr_config *config)
{
    if (strcmp(ofr_tok_kind(tok), "bpe") == 0) return "RobertaTokenizer";
    if (strcmp(ofr_tok_kind(tok), "unigram") == 0) return "AlbertTokenizer";
    return config->family == OFR_FAMILY_ELECTRA ? "ElectraTokenizer" : "BertTokenizer";
}

/* Nothing beside ALBERT's tokenizer.json can say what becomes of case. */
static ofr_status check_case(const options *o, const ofr_tok *tok, ofr_error *err)
{
    if (!o->cased || strcmp(ofr_tok_kind(tok), "unigram") != 0 ||
        !has_file(tok, "tokenizer.json"))
        return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: tokenizer.json of ALBERT says itself what becomes of case and "
                    "accents; leave out --cased, or give its spiece.model",
                    o->vocab);
}

/* tokenizer_config.json, unless the tokenizer brought its own or tokenizer.json, which
 * says it all. */
static ofr_status write_tokenizer_config(const options *o, const ofr_tok *tok,
                                         const ofr_config *config, ofr_error *err)
{
    bool brought = has_file(tok, "tokenizer_config.json") ||
                   has_file(tok, "tokenizer.json");
    char path[OFR_PATH_MAX];
    ofr_status status;
    json_t *json = NULL;
    if (brought && !o->cased) return OFR_OK;
    OFR_TRY(ofr_file_join(path, o->out, "tokenizer_config.json", err));
    if (has_file(tok, "tokenizer_config.json")) { /* it is there, and to be cased */
        status = ofr_json_load(&json, path, err);
        if (status == OFR_FORMAT) /* a number beyond 64 bits */
            status = ofr_json_load_reals(&json, path, err);
        if (status) return status;
    } else {
        json = json_pack("{s:s, s:i}", "tokenizer_class", tokenizer_class(tok, config),
                         "model_max_length", ofr_config_max_tokens(config));
    }
    bool albert = o->cased && strcmp(ofr_tok_kind(tok), "unigram") == 0;
    if (!json || json_object_set_new(json, "do_lower_case", json_boolean(!o->cased)) ||
        (albert && json_object_set_new(json, "keep_accents", json_true()))) {
        json_decref(json);
        return ofr_fail_nomem(err, 64, "tokenizer_config.json");
    }
    status = ofr_json_save(json, path, err);
    json_decref(json);
    return status;
}

/* What belongs to a model or a run that --force gives up; a train.json that now looks
 * like that of an unfinished run is the run's. */
static ofr_status clear(const options *o, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    if (!o->force) return OFR_OK;
    OFR_TRY(ofr_out_folder_clear(o->out, err));
    if (!ofr_out_folder_unfinished(o->out)) return OFR_OK;
    OFR_TRY(ofr_file_join(path, o->out, "train.json", err));
    return ofr_file_remove(path, err);
}

static ofr_status write_files(const options *o, ofr_encoder *encoder, const ofr_tok *tok,
                              ofr_error *err)
{
    char path[OFR_PATH_MAX];
    OFR_TRY(clear(o, err));
    OFR_TRY(ofr_file_join(path, o->out, "model.safetensors", err));
    OFR_TRY(ofr_weights_save(&encoder->params, &encoder->config, path, encoder->w,
                             OFR_F32, err));
    OFR_TRY(ofr_copy_tokenizer(tok, o->out, err));
    OFR_TRY(write_tokenizer_config(o, tok, &encoder->config, err));
    OFR_TRY(ofr_file_join(path, o->out, "config.json", err));
    return ofr_config_save(&encoder->config, path, err);
}

static ofr_status write_all(const options *o, ofr_encoder *encoder, const ofr_tok *tok,
                            ofr_error *err)
{
    ofr_lock lock = {.fd = -1};
    ofr_status status;
    OFR_TRY(ofr_file_make_dirs(o->out, err));
    if (o->force) OFR_TRY(ofr_lock_open(&lock, o->out, err)); /* a run may be going on */
    status = write_files(o, encoder, tok, err);
    ofr_lock_close(&lock);
    return status;
}

static ofr_status report(const options *o, const ofr_encoder *encoder, ofr_error *err)
{
    const ofr_config *c = &encoder->config;
    size_t parameters = 0;
    ofr_buf out;
    ofr_status status = OFR_OK;
    for (int i = 0; i < encoder->params.n; i++)
        parameters += encoder->params.rows[i].count;
    ofr_log(OFR_LOG_INFO, "%s: %s, %d layers of %d, %.2f million parameters, seed %llu",
            o->out, ofr_family_name(c->family), c->L, c->C, (double)parameters / 1e6,
            (unsigned long long)o->seed);
    if (!o->common.json) return OFR_OK;
    ofr_buf_init(&out);
    ofr_jsonline_open(&out, NULL);
    ofr_jsonline_int(&out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(&out, "model", o->out);
    ofr_jsonline_text(&out, "family", ofr_family_name(c->family));
    ofr_jsonline_int(&out, "n_layers", c->L);
    ofr_jsonline_int(&out, "hidden_size", c->C);
    ofr_jsonline_int(&out, "vocab_size", c->V);
    ofr_jsonline_int(&out, "parameters", (long long)parameters);
    ofr_jsonline_end(&out);
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_tok_options how = {o->cased ? 0 : -1};
    ofr_tok *tok = NULL;
    ofr_config config;
    ofr_encoder encoder;
    ofr_status status;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    if (!o->shape == !o->config)
        return ofr_fail(err, OFR_INVALID, "needs one of --shape NAME and --config FILE");
    if (o->config && is_set[ofr_opt_find(rows, "family", strlen("family")) - rows])
        return ofr_fail(err, OFR_INVALID,
                        "--family goes with --shape; with --config it is "
                        "\"model_type\" of that file");
    OFR_TRY(ofr_cmd_need(o->vocab, "vocab", err));
    OFR_TRY(ofr_cmd_need(o->out, "out", err));
    OFR_TRY(check_out(o, err));
    OFR_TRY(ofr_tok_open(&tok, o->vocab, how, err));
    if ((status = check_case(o, tok, err)) != OFR_OK) goto close_tok;
    if ((status = make_config(&config, o, tok, err)) != OFR_OK) goto close_tok;
    status = ofr_encoder_new(&encoder, &config, o->seed, err);
    ofr_config_free(&config);
    if (status != OFR_OK) goto close_tok;
    status = write_all(o, &encoder, tok, err);
    if (status == OFR_OK) status = report(o, &encoder, err);
    ofr_encoder_close(&encoder);
close_tok:
    ofr_tok_close(tok);
    return status;
}

const ofr_cmd ofr_cmd_init = {
    .name = "init",
    .summary = "Make a new model directory with random weights",
    .usage = "--shape NAME | --config FILE  --vocab FILE --out DIR",
    .example = "  offramp init --shape small --vocab vocab.txt --out my-model",
    .notes = "shapes (layers x width, heads, inner width; all read 512 tokens):\n"
             "  tiny     6 x 128,   2,  512     medium  12 x 512,   8, 2048\n"
             "  mini    12 x 128,   4,  512     base    12 x 768,  12, 3072\n"
             "  small   12 x 256,   4, 1024     large   24 x 1024, 16, 4096\n"
             "With --family electra, small has embeddings of width 128.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
