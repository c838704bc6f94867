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
    s->name = path;
    tok->model = OFR_TOK_UNIGRAM;
    OFR_TRY(ofr_unigram_read_model(&tok->vocab, &scores, &unk, path, err));
    return ofr_tok_finish_unigram(tok, s, scores, tok->vocab.n, unk, options, err);
}

/* ----------------------------------------------------------------- files -- */

static ofr_status keep_file(ofr_tok *tok, const char *path, ofr_error *err)
{
    char *kept = ofr_mem_strdup(path, strlen(path));
    if (!kept) return ofr_fail_nomem(err, strlen(path), "a path");
    OFR_ASSERT(tok->n_files < OFR_TOK_FILES);
    tok->files[tok->n_files++] = kept;
    return OFR_OK;
}

/* What says most first: that is the file that errors name. */
enum { TOKENIZER_JSON, VOCAB, VOCAB_JSON, MERGES, SPIECE, CONFIG, ADDED, MAP, N_FILES };
static const char *const file_names[N_FILES] = {
    "tokenizer.json", "vocab.txt",
    "vocab.json",     "merges.txt",
    "spiece.model",   "tokenizer_config.json",
    "added_tokens.json", "special_tokens_map.json"};

typedef struct found_files {
    char paths[N_FILES][OFR_PATH_MAX];
    bool here[N_FILES];
} found_files;

static ofr_status open_found(ofr_tok *tok, ofr_tok_settings *s, const found_files *f,
                             const char *dir, ofr_tok_options options, ofr_error *err)
{
    if (f->here[TOKENIZER_JSON])
        return ofr_tok_open_json(tok, s, f->paths[TOKENIZER_JSON], options, err);
    OFR_TRY(ofr_tok_read_config(s, err));
    if (f->here[VOCAB])
        return open_vocab_txt(tok, s, f->paths[VOCAB], options, err);
    if (f->here[VOCAB_JSON] && f->here[MERGES])
        return open_bpe_files(tok, s, f->paths[VOCAB_JSON], f->paths[MERGES], err);
    if (f->here[SPIECE]) return open_spiece(tok, s, f->paths[SPIECE], options, err);
    return ofr_fail(
        err, OFR_NOT_FOUND,
        "%s: no tokenizer: expected vocab.txt, tokenizer.json, vocab.json with "
        "merges.txt, or spiece.model; copy it there from the original model",
        dir);
}

/* The files beside the vocabulary.  model_max_length of tokenizer_config.json is often
 * 10^30, more than an integer holds. */
static ofr_status load_settings(json_t **config, json_t **added, ofr_tok_settings *s,
                                const found_files *f, ofr_error *err)
{
    s->config_path = f->paths[CONFIG];
    s->added_path = f->paths[ADDED];
    if (f->here[CONFIG]) OFR_TRY(ofr_json_load_reals(config, s->config_path, err));
    if (f->here[ADDED]) OFR_TRY(ofr_json_load(added, s->added_path, err));
    if (*config && !json_is_object(*config))
        return ofr_tok_no_object(s->config_path, err);
    if (*added && !json_is_object(*added)) return ofr_tok_no_object(s->added_path, err);
    s->config = *config;
    s->added = *added;
    return OFR_OK;
}

static ofr_status open_dir(ofr_tok *tok, ofr_tok_settings *s, const char *dir,
                           ofr_tok_options options, ofr_error *err)
{
    json_t *config = NULL, *added = NULL;
    ofr_status status = OFR_OK;
    found_files *f = ofr_mem_zalloc(sizeof *f);
    if (!f) return ofr_fail_nomem(err, sizeof *f, dir);
    for (int i = 0; i < N_FILES && status == OFR_OK; i++) {
        status = ofr_file_join(f->paths[i], dir, file_names[i], err);
        if (status != OFR_OK) break;
        f->here[i] = ofr_file_exists(f->paths[i]);
        if (f->here[i]) status = keep_file(tok, f->paths[i], err);
    }
    if (status == OFR_OK) status = load_settings(&config, &added, s, f, err);
    if (status == OFR_OK) status = open_found(tok, s, f, dir, options, err);
    json_decref(config);
    json_decref(added);
    ofr_mem_free(f);
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
    OFR_TRY(keep_file(tok, path, err));
    if (ends_with(path, ".json")) return ofr_tok_open_json(tok, s, path, options, err);
    if (ends_with(path, ".model")) return open_spiece(tok, s, path, options, err);
    return open_vocab_txt(tok, s, path, options, err);
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
