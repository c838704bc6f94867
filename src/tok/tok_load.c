/*
 * tok_load.c - finds out which tokenizer a directory holds and opens it.
 *
 * tokenizer.json says itself what it is and comes first, as in Hugging Face: it alone
 * says everything; vocab.txt is WordPiece; vocab.json with merges.txt is byte-level BPE;
 * spiece.model is unigram.  tokenizer_config.json refines all of them.
 */
#include <string.h>

#include "tok/tok_settings.h"

#define MERGES_MAX ((size_t)256 << 20)

/* ----------------------------------------------- vocabularies by themselves -- */

static ofr_status open_vocab_txt(ofr_tok *tok, ofr_tok_settings *s, const char *path,
                                 ofr_tok_options options, ofr_error *err)
{
    s->name = path;
    tok->model = OFR_TOK_WORDPIECE;
    OFR_TRY(ofr_tok_check_class(s, tok->model, err));
    OFR_TRY(ofr_vocab_read_text(&tok->vocab, path, err));
    return ofr_tok_finish_wordpiece(tok, s, "##", options, err);
}

static ofr_status open_bpe_files(ofr_tok *tok, ofr_tok_settings *s,
                                 const char *vocab_path, const char *merges_path,
                                 ofr_error *err)
{
    json_t *json = NULL;
    ofr_buf merges;
    size_t n_lines = 1;
    ofr_status status;
    s->name = vocab_path;
    tok->model = OFR_TOK_BPE;
    OFR_TRY(ofr_tok_check_class(s, tok->model, err));
    OFR_TRY(ofr_json_load(&json, vocab_path, err));
    status = ofr_vocab_read_json(&tok->vocab, json, vocab_path, err);
    json_decref(json);
    OFR_TRY(status);
    OFR_TRY(ofr_tok_find_specials(tok, s, err));

    ofr_buf_init(&merges);
    status = ofr_file_read(&merges, merges_path, MERGES_MAX, err);
    for (size_t i = 0; i < merges.n; i++)
        n_lines += merges.p[i] == '\n';
    if (status == OFR_OK)
        status = ofr_bpe_open(&tok->bpe, &tok->vocab, tok->unk, n_lines, s->prefix_space,
                              vocab_path, err);
    if (status == OFR_OK && !s->stated)
        status = ofr_bpe_check_bytes(&tok->bpe, vocab_path, err);
    if (status == OFR_OK)
        status = ofr_bpe_read_merges(&tok->bpe, &merges, merges_path, err);
    ofr_buf_free(&merges);
    return status;
}

static ofr_status open_spiece(ofr_tok *tok, ofr_tok_settings *s, const char *path,
                              ofr_tok_options options, ofr_error *err)
{
    double *scores = NULL;
    int unk = -1;
    bool keep = s->strip == 0;
    s->name = path;
    tok->model = OFR_TOK_UNIGRAM;
    OFR_TRY(ofr_tok_check_class(s, tok->model, err));
    /* Accents have nothing to do with case, but for those who ask for both. */
    OFR_TRY(ofr_json_bool(s->config, "keep_accents", &keep, s->config_path, err));
    s->strip = !keep;
    OFR_TRY(ofr_unigram_read_model(&tok->vocab, &scores, &unk, path, err));
    return ofr_tok_finish_unigram(tok, s, scores, tok->vocab.n, unk, options, err);
}

/* ----------------------------------------------------------------- files -- */

/* What says most first: that is the file that errors name. */
enum { TOKENIZER_JSON, VOCAB, VOCAB_JSON, MERGES, SPIECE, CONFIG, ADDED, MAP };
static const char *const file_names[OFR_TOK_FILES] = {
    [TOKENIZER_JSON] = "tokenizer.json",
    [VOCAB] = "vocab.txt",
    [VOCAB_JSON] = "vocab.json",
    [MERGES] = "merges.txt",
    [SPIECE] = "spiece.model",
    [CONFIG] = "tokenizer_config.json",
    [ADDED] = "added_tokens.json",
    [MAP] = "special_tokens_map.json",
};

const char *ofr_tok_file_name(int i)
{
    OFR_ASSERT(i >= 0 && i < OFR_TOK_FILES);
    return file_names[i];
}

/* files[i] of the tokenizer is the one at `path`. */
static ofr_status keep_file(ofr_tok *tok, int i, const char *path, ofr_error *err)
{
    tok->files[i] = ofr_mem_strdup(path, strlen(path));
    return tok->files[i] ? OFR_OK : ofr_fail_nomem(err, strlen(path), "a path");
}

/* XLM-R's and CamemBERT's file. */
static ofr_status refuse_sentencepiece(const char *dir, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    OFR_TRY(ofr_file_join(path, dir, "sentencepiece.bpe.model", err));
    if (!ofr_file_exists(path)) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the tokenizers of XLM-R and CamemBERT are not supported, of "
                    "unigram tokenizers only ALBERT's is; choose another model",
                    path);
}

static ofr_status open_found(ofr_tok *tok, ofr_tok_settings *s, const char *dir,
                             ofr_tok_options options, ofr_error *err)
{
    char *const *files = tok->files;
    if (files[TOKENIZER_JSON])
        return ofr_tok_open_json(tok, s, files[TOKENIZER_JSON], options, err);
    OFR_TRY(ofr_tok_read_config(s, err));
    if (files[VOCAB]) return open_vocab_txt(tok, s, files[VOCAB], options, err);
    if (files[VOCAB_JSON] && files[MERGES])
        return open_bpe_files(tok, s, files[VOCAB_JSON], files[MERGES], err);
    if (files[SPIECE]) return open_spiece(tok, s, files[SPIECE], options, err);
    OFR_TRY(refuse_sentencepiece(dir, err));
    return ofr_fail(
        err, OFR_NOT_FOUND,
        "%s: no tokenizer: expected vocab.txt, tokenizer.json, vocab.json with "
        "merges.txt, or spiece.model; copy it there from the original model",
        dir);
}

/* The settings in one of the files beside the vocabulary.  model_max_length of
 * tokenizer_config.json is often 10^30, more than an integer holds. */
static ofr_status load_object(json_t **out, const char *path, bool reals,
                              const char *keys_of, ofr_error *err)
{
    if (!path) return OFR_OK;
    OFR_TRY(reals ? ofr_json_load_reals(out, path, err) : ofr_json_load(out, path, err));
    return json_is_object(*out) ? OFR_OK : ofr_tok_no_object(path, keys_of, err);
}

typedef struct beside {
    json_t *config, *added, *map, *model;
} beside;

static ofr_status load_settings(beside *json, ofr_tok_settings *s, char *const *files,
                                const char *model_path, ofr_error *err)
{
    s->config_path = files[CONFIG];
    s->added_path = files[ADDED];
    s->map_path = files[MAP];
    s->model_path = ofr_file_exists(model_path) ? model_path : NULL;
    OFR_TRY(load_object(&json->config, s->config_path, true, "tokenizer", err));
    OFR_TRY(load_object(&json->added, s->added_path, false, "tokenizer", err));
    OFR_TRY(load_object(&json->map, s->map_path, true, "tokenizer", err));
    OFR_TRY(load_object(&json->model, s->model_path, true, "model", err));
    s->config = json->config;
    s->added = json->added;
    s->map = json->map;
    s->model = json->model;
    return OFR_OK;
}

static ofr_status open_dir(ofr_tok *tok, ofr_tok_settings *s, const char *dir,
                           ofr_tok_options options, ofr_error *err)
{
    beside json = {0};
    char path[OFR_PATH_MAX];
    ofr_status status;
    for (int i = 0; i < OFR_TOK_FILES; i++) {
        OFR_TRY(ofr_file_join(path, dir, file_names[i], err));
        if (ofr_file_exists(path)) OFR_TRY(keep_file(tok, i, path, err));
    }
    OFR_TRY(ofr_file_join(path, dir, "config.json", err));
    status = load_settings(&json, s, tok->files, path, err);
    if (status == OFR_OK) status = open_found(tok, s, dir, options, err);
    json_decref(json.config);
    json_decref(json.added);
    json_decref(json.map);
    json_decref(json.model);
    return status;
}

static bool ends_with(const char *s, const char *ending)
{
    size_t n = strlen(s), m = strlen(ending);
    return n >= m && strcmp(s + n - m, ending) == 0;
}

static ofr_status open_file(ofr_tok *tok, ofr_tok_settings *s, const char *path,
                            ofr_tok_options options, ofr_error *err)
{
    int i = ends_with(path, ".json")    ? TOKENIZER_JSON
            : ends_with(path, ".model") ? SPIECE
                                        : VOCAB;
    OFR_TRY(keep_file(tok, i, path, err));
    return open_found(tok, s, path, options, err);
}

ofr_status ofr_tok_open(ofr_tok **out, const char *path, ofr_tok_options options,
                        ofr_error *err)
{
    ofr_tok_settings s = {
        .name = path, .lower = -1, .strip = -1, .chinese = true, .quotes = true};
    ofr_tok *tok = ofr_mem_zalloc(sizeof *tok);
    ofr_status status;
    if (!tok) return ofr_fail_nomem(err, sizeof *tok, path);
    status = ofr_vocab_init(&tok->vocab, 32768, err);
    if (status == OFR_OK)
        status = ofr_file_is_dir(path) ? open_dir(tok, &s, path, options, err)
                                       : open_file(tok, &s, path, options, err);
    if (status != OFR_OK) {
        ofr_tok_close(tok);
        return status;
    }
    *out = tok;
    return OFR_OK;
}
