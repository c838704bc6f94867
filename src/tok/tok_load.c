/*
 * tok_load.c - finds out which tokenizer a directory holds and opens it.
 *
 * vocab.txt is WordPiece; vocab.json with merges.txt is byte-level BPE;
 * tokenizer.json says itself what it is; spiece.model is unigram.
 * tokenizer_config.json refines all of them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/json.h"
#include "tok/tok_parts.h"

#define MERGES_MAX ((size_t)256 << 20)

/* What the files say besides the vocabulary. */
typedef struct settings {
    const char *name;     /* file that errors speak of */
    const json_t *config; /* tokenizer_config.json, or NULL */
    const char *config_path;
    const json_t *added;  /* added_tokens of tokenizer.json, or NULL */
    int lower, strip;     /* 1, 0, -1: not said */
    bool chinese, prefix_space;
} settings;

static const char *const default_names[3][5] = {
    [OFR_TOK_WORDPIECE] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"},
    [OFR_TOK_BPE] = {"<unk>", "<s>", "</s>", "<pad>", "<mask>"},
    [OFR_TOK_UNIGRAM] = {"<unk>", "[CLS]", "[SEP]", "<pad>", "[MASK]"},
};

/* -------------------------------------------------------------- settings -- */

static ofr_status read_tri(const json_t *object, const char *key, int *out,
                           const char *name, ofr_error *err)
{
    bool value = *out == 1;
    if (!json_is_object(object) || !json_object_get(object, key) ||
        json_is_null(json_object_get(object, key)))
        return OFR_OK;
    OFR_TRY(ofr_json_bool(object, key, &value, name, err));
    *out = value;
    return OFR_OK;
}

/* tokenizer_config.json over what tokenizer.json said. */
static ofr_status read_config(settings *s, ofr_error *err)
{
    const char *name = s->config_path;
    if (!s->config) return OFR_OK;
    OFR_TRY(read_tri(s->config, "do_lower_case", &s->lower, name, err));
    OFR_TRY(read_tri(s->config, "strip_accents", &s->strip, name, err));
    OFR_TRY(ofr_json_bool(s->config, "tokenize_chinese_chars", &s->chinese, name, err));
    return ofr_json_bool(s->config, "add_prefix_space", &s->prefix_space, name, err);
}

/* One step of tokenizer.json's normalizer, or a sequence of them. */
static ofr_status read_normalizer(settings *s, const json_t *step, int depth,
                                  ofr_error *err)
{
    const char *type = "";
    const json_t *steps = json_object_get(step, "normalizers");
    size_t i;
    json_t *inner;
    if (!json_is_object(step) || depth > 4) return OFR_OK;
    OFR_TRY(ofr_json_text(step, "type", &type, s->name, err));
    if (strcmp(type, "BertNormalizer") == 0) {
        OFR_TRY(read_tri(step, "lowercase", &s->lower, s->name, err));
        OFR_TRY(read_tri(step, "strip_accents", &s->strip, s->name, err));
        return ofr_json_bool(step, "handle_chinese_chars", &s->chinese, s->name, err);
    }
    if (strcmp(type, "Lowercase") == 0) s->lower = 1;
    if (strcmp(type, "StripAccents") == 0) s->strip = 1;
    if (strcmp(type, "Sequence") == 0 && json_is_array(steps)) {
        s->lower = s->strip = 0; /* unless a step says otherwise */
        json_array_foreach(steps, i, inner)
        {
            OFR_TRY(read_normalizer(s, inner, depth + 1, err));
        }
    }
    return OFR_OK;
}

static ofr_normalize normalize_rules(const settings *s, ofr_tok_options options)
{
    ofr_normalize how = {.chinese = s->chinese};
    how.lower = options.lower_case >= 0 ? options.lower_case : s->lower != 0;
    how.strip = s->strip >= 0 && options.lower_case < 0 ? s->strip : how.lower;
    return how;
}

/* -------------------------------------------------------- special tokens -- */

/* "cls_token": "[CLS]" or {"content": "[CLS]"}; otherwise *text stays. */
static ofr_status config_name(const char **text, const settings *s, const char *key,
                              ofr_error *err)
{
    const json_t *value = json_object_get(s->config, key);
    if (json_is_object(value))
        return ofr_json_text(value, "content", text, s->config_path, err);
    return ofr_json_text(s->config, key, text, s->config_path, err);
}

static void add_special(ofr_tok *tok, int id, bool strip_left, bool strip_right)
{
    ofr_str text = tok->vocab.tokens[id];
    for (int i = 0; i < tok->n_specials; i++)
        if (tok->specials[i].id == id) return;
    tok->specials[tok->n_specials++] =
        (ofr_tok_special){text, id, strip_left, strip_right};
    tok->special_first[(unsigned char)text.p[0]] = true;
}

static ofr_status add_listed(ofr_tok *tok, const json_t *entry, size_t i,
                             const char *name, ofr_error *err)
{
    const char *content = NULL;
    bool left = false, right = false;
    int id = -1, old;
    OFR_TRY(ofr_json_text(entry, "content", &content, name, err));
    OFR_TRY(ofr_json_int(entry, "id", 0, ofr_vocab_most((size_t)tok->vocab.n),
                         &id, name, err));
    OFR_TRY(ofr_json_bool(entry, "lstrip", &left, name, err));
    OFR_TRY(ofr_json_bool(entry, "rstrip", &right, name, err));
    if (!content || !content[0] || id < 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: added_tokens[%zu]: an added token has no \"content\" or no "
                        "\"id\"; restore the file",
                        name, i);
    old = ofr_vocab_id(&tok->vocab, content, strlen(content));
    if ((old >= 0 && old != id) ||
        (old < 0 && id < tok->vocab.n && tok->vocab.tokens[id].p))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the added token \"%.64s\" has id %d, which the vocabulary "
                        "gives to \"%.64s\"; restore the file",
                        name, content, id, ofr_tok_token(tok, id).p);
    if (old < 0)
        OFR_TRY(ofr_vocab_add(&tok->vocab, content, strlen(content), id, NULL, err));
    add_special(tok, id, left, right);
    return OFR_OK;
}

static ofr_status find_specials(ofr_tok *tok, const settings *s, ofr_error *err)
{
    static const char *const keys[5] = {"unk_token", "cls_token", "sep_token",
                                        "pad_token", "mask_token"};
    size_t n_added = json_array_size(s->added), i;
    int ids[5];
    json_t *entry;
    tok->specials = ofr_mem_array(n_added + 5, sizeof *tok->specials);
    if (!tok->specials) return ofr_fail_nomem(err, 0, "the special tokens");
    json_array_foreach(s->added, i, entry)
    {
        OFR_TRY(add_listed(tok, entry, i, s->name, err));
    }
    for (int k = 0; k < 5; k++) {
        const char *text = default_names[tok->model][k];
        OFR_TRY(config_name(&text, s, keys[k], err));
        bool needed = k == 1 || k == 2 || (k == 0 && tok->model == OFR_TOK_WORDPIECE);
        ids[k] = text[0] ? ofr_vocab_id(&tok->vocab, text, strlen(text)) : -1;
        if (ids[k] < 0 && needed)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: the vocabulary of %d tokens has no \"%.64s\" (%s); give "
                            "the vocabulary of a BERT-like encoder",
                            s->name, tok->vocab.n, text, keys[k]);
        if (ids[k] >= 0)
            add_special(tok, ids[k], k == 4 && tok->model != OFR_TOK_WORDPIECE, false);
    }
    tok->unk = ids[0];
    tok->cls = ids[1];
    tok->sep = ids[2];
    tok->pad = ids[3];
    return OFR_OK;
}

/* ---------------------------------------------------------- the three kinds -- */

static ofr_status finish_wordpiece(ofr_tok *tok, settings *s, const char *prefix,
                                   ofr_tok_options options, ofr_error *err)
{
    tok->model = OFR_TOK_WORDPIECE;
    OFR_TRY(find_specials(tok, s, err));
    return ofr_wordpiece_open(&tok->wordpiece, &tok->vocab, tok->unk, prefix,
                              normalize_rules(s, options), err);
}

static ofr_status open_vocab_txt(ofr_tok *tok, settings *s, const char *path,
                                 ofr_tok_options options, ofr_error *err)
{
    s->name = path;
    OFR_TRY(ofr_vocab_read_text(&tok->vocab, path, err));
    return finish_wordpiece(tok, s, "##", options, err);
}

static ofr_status open_bpe_files(ofr_tok *tok, settings *s, const char *vocab_path,
                                 const char *merges_path, ofr_error *err)
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
    OFR_TRY(find_specials(tok, s, err));

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

/* A merge of tokenizer.json: "left right" or ["left", "right"]. */
static ofr_status add_json_merge(ofr_bpe *bpe, const json_t *merge, const char *where,
                                 ofr_error *err)
{
    const char *left = json_string_value(json_array_get(merge, 0));
    const char *right = json_string_value(json_array_get(merge, 1));
    const char *both = json_string_value(merge), *space;
    if (left && right)
        return ofr_bpe_add_merge(bpe, ofr_str_of(left), ofr_str_of(right), where, err);
    space = both ? strchr(both, ' ') : NULL;
    if (!space)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: a merge is no pair of symbols; restore the file", where);
    return ofr_bpe_add_merge(bpe, (ofr_str){both, (size_t)(space - both)},
                             ofr_str_of(space + 1), where, err);
}

static ofr_status json_bpe(ofr_tok *tok, settings *s, const json_t *model, ofr_error *err)
{
    const json_t *merges = json_object_get(model, "merges");
    char where[OFR_PATH_MAX + 40];
    size_t i;
    json_t *merge;
    tok->model = OFR_TOK_BPE;
    OFR_TRY(
        ofr_vocab_read_json(&tok->vocab, json_object_get(model, "vocab"), s->name, err));
    OFR_TRY(find_specials(tok, s, err));
    if (!json_is_array(merges))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"merges\" is missing or no array; restore the file",
                        s->name);
    OFR_TRY(ofr_bpe_open(&tok->bpe, &tok->vocab, tok->unk, json_array_size(merges) + 1,
                         s->prefix_space, s->name, err));
    json_array_foreach(merges, i, merge)
    {
        snprintf(where, sizeof where, "%s: merges[%zu]", s->name, i);
        OFR_TRY(add_json_merge(&tok->bpe, merge, where, err));
    }
    return OFR_OK;
}

static ofr_status json_wordpiece(ofr_tok *tok, settings *s, const json_t *model,
                                 ofr_tok_options options, ofr_error *err)
{
    const char *prefix = "##";
    int longest = OFR_WORD_CHARS;
    OFR_TRY(ofr_json_text(model, "continuing_subword_prefix", &prefix, s->name, err));
    OFR_TRY(ofr_json_int(model, "max_input_chars_per_word", OFR_WORD_CHARS,
                         OFR_WORD_CHARS, &longest, s->name, err));
    OFR_TRY(
        ofr_vocab_read_json(&tok->vocab, json_object_get(model, "vocab"), s->name, err));
    return finish_wordpiece(tok, s, prefix, options, err);
}

static ofr_status json_pieces(ofr_tok *tok, double *scores, const json_t *pieces,
                              const char *name, ofr_error *err)
{
    size_t i;
    json_t *entry;
    json_array_foreach(pieces, i, entry)
    {
        const char *text = json_string_value(json_array_get(entry, 0));
        const json_t *score = json_array_get(entry, 1);
        int old;
        if (!text || !text[0] || !json_is_number(score))
            return ofr_fail(
                err, OFR_FORMAT,
                "%s: piece %zu is no pair of text and score; restore the file", name, i);
        OFR_TRY(ofr_vocab_add(&tok->vocab, text, strlen(text), (int)i, &old, err));
        if (old >= 0)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: pieces %d and %zu are both \"%.64s\"; restore the file",
                            name, old, i, text);
        scores[i] = json_number_value(score);
    }
    return OFR_OK;
}

/* Scores for tokens that were added behind the pieces: never found in words. */
static ofr_status finish_unigram(ofr_tok *tok, const settings *s, double *scores,
                                 int n_scores, int unk, ofr_tok_options options,
                                 ofr_error *err)
{
    size_t n = (size_t)n_scores;
    ofr_status status = find_specials(tok, s, err);
    double *all = NULL;
    if (status == OFR_OK) {
        all = ofr_mem_array((size_t)tok->vocab.n, sizeof *all);
        if (!all) status = ofr_fail_nomem(err, n * sizeof *all, "the scores of pieces");
    }
    if (status != OFR_OK) {
        ofr_mem_free(scores);
        return status;
    }
    for (int id = 0; id < tok->vocab.n; id++)
        all[id] = id < n_scores ? scores[id] : NAN;
    ofr_mem_free(scores);
    if (unk >= 0) tok->unk = unk;
    return ofr_unigram_open(&tok->unigram, &tok->vocab, all, tok->unk,
                            normalize_rules(s, options), s->name, err);
}

static ofr_status json_unigram(ofr_tok *tok, settings *s, const json_t *model,
                               ofr_tok_options options, ofr_error *err)
{
    const json_t *pieces = json_object_get(model, "vocab");
    size_t n = json_array_size(pieces);
    int unk = -1;
    double *scores;
    ofr_status status;
    tok->model = OFR_TOK_UNIGRAM;
    if (n == 0 || n > OFR_VOCAB_MAX)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"vocab\" has %zu pieces, expected 1..%d; restore the file",
                        s->name, n, OFR_VOCAB_MAX);
    OFR_TRY(ofr_json_int(model, "unk_id", 0, (int)n - 1, &unk, s->name, err));
    scores = ofr_mem_array(n, sizeof *scores);
    if (!scores) return ofr_fail_nomem(err, n * sizeof *scores, "the scores of pieces");
    status = json_pieces(tok, scores, pieces, s->name, err);
    if (status != OFR_OK) {
        ofr_mem_free(scores);
        return status;
    }
    return finish_unigram(tok, s, scores, (int)n, unk, options, err);
}

static ofr_status load_object(json_t **out, const char *path, ofr_error *err)
{
    json_t *json = NULL;
    OFR_TRY(ofr_json_load(&json, path, err));
    if (json_is_object(json)) {
        *out = json;
        return OFR_OK;
    }
    json_decref(json);
    return ofr_fail(err, OFR_FORMAT,
                    "%s: not a JSON object, expected the keys of a tokenizer; restore "
                    "the file",
                    path);
}

static ofr_status open_tokenizer_json(ofr_tok *tok, settings *s, const char *path,
                                      ofr_tok_options options, ofr_error *err)
{
    json_t *json = NULL;
    const json_t *model;
    const char *type = NULL;
    ofr_status status;
    OFR_TRY(load_object(&json, path, err));
    s->name = path;
    s->added = json_object_get(json, "added_tokens");
    model = json_object_get(json, "model");
    status = ofr_json_text(model, "type", &type, path, err);
    if (status == OFR_OK)
        status = read_normalizer(s, json_object_get(json, "normalizer"), 0, err);
    if (status == OFR_OK)
        status = ofr_json_bool(json_object_get(json, "pre_tokenizer"), "add_prefix_space",
                               &s->prefix_space, path, err);
    if (status == OFR_OK) status = read_config(s, err);
    if (!type) /* older files do not say it */
        type = json_object_get(model, "merges")                  ? "BPE"
               : json_is_array(json_object_get(model, "vocab")) ? "Unigram"
                                                                 : "WordPiece";
    if (status != OFR_OK)
        ;
    else if (strcmp(type, "WordPiece") == 0)
        status = json_wordpiece(tok, s, model, options, err);
    else if (strcmp(type, "BPE") == 0)
        status = json_bpe(tok, s, model, err);
    else if (strcmp(type, "Unigram") == 0)
        status = json_unigram(tok, s, model, options, err);
    else
        status =
            ofr_fail(err, OFR_FORMAT,
                     "%s: model type \"%.32s\" is not supported, expected WordPiece, "
                     "BPE or Unigram; choose another model",
                     path, type);
    s->added = NULL;
    json_decref(json);
    return status;
}

static ofr_status open_spiece(ofr_tok *tok, settings *s, const char *path,
                              ofr_tok_options options, ofr_error *err)
{
    double *scores = NULL;
    int unk = -1;
    s->name = path;
    tok->model = OFR_TOK_UNIGRAM;
    OFR_TRY(ofr_unigram_read_model(&tok->vocab, &scores, &unk, path, err));
    return finish_unigram(tok, s, scores, tok->vocab.n, unk, options, err);
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

enum { VOCAB_TXT, VOCAB_JSON, MERGES, TOKENIZER_JSON, SPIECE, CONFIG, MAP, N_NAMES };
static const char *const file_names[N_NAMES] = {
    "vocab.txt",    "vocab.json",   "merges.txt",           "tokenizer.json",
    "spiece.model", "tokenizer_config.json", "special_tokens_map.json"};

typedef struct found_files {
    char paths[N_NAMES][OFR_PATH_MAX];
    bool here[N_NAMES];
} found_files;

static ofr_status open_found(ofr_tok *tok, settings *s, const found_files *f,
                             const char *dir, ofr_tok_options options, ofr_error *err)
{
    if (!f->here[TOKENIZER_JSON] || f->here[VOCAB_TXT] ||
        (f->here[VOCAB_JSON] && f->here[MERGES]))
        OFR_TRY(read_config(s, err));
    if (f->here[VOCAB_TXT])
        return open_vocab_txt(tok, s, f->paths[VOCAB_TXT], options, err);
    if (f->here[VOCAB_JSON] && f->here[MERGES])
        return open_bpe_files(tok, s, f->paths[VOCAB_JSON], f->paths[MERGES], err);
    if (f->here[TOKENIZER_JSON])
        return open_tokenizer_json(tok, s, f->paths[TOKENIZER_JSON], options, err);
    if (f->here[SPIECE]) return open_spiece(tok, s, f->paths[SPIECE], options, err);
    return ofr_fail(
        err, OFR_NOT_FOUND,
        "%s: no tokenizer: expected vocab.txt, tokenizer.json, vocab.json with "
        "merges.txt, or spiece.model; copy it there from the original model",
        dir);
}

static ofr_status open_dir(ofr_tok *tok, settings *s, const char *dir,
                           ofr_tok_options options, ofr_error *err)
{
    json_t *config = NULL;
    ofr_status status = OFR_OK;
    found_files *f = ofr_mem_zalloc(sizeof *f);
    if (!f) return ofr_fail_nomem(err, sizeof *f, dir);
    for (int i = 0; i < N_NAMES && status == OFR_OK; i++) {
        status = ofr_file_join(f->paths[i], dir, file_names[i], err);
        if (status != OFR_OK) break;
        f->here[i] = ofr_file_exists(f->paths[i]);
        if (f->here[i]) status = keep_file(tok, f->paths[i], err);
    }
    if (status == OFR_OK && f->here[CONFIG])
        status = load_object(&config, f->paths[CONFIG], err);
    s->config = config;
    s->config_path = f->paths[CONFIG];
    if (status == OFR_OK) status = open_found(tok, s, f, dir, options, err);
    s->config = NULL;
    json_decref(config);
    ofr_mem_free(f);
    return status;
}

static bool ends_with(const char *s, const char *ending)
{
    size_t n = strlen(s), m = strlen(ending);
    return n >= m && strcmp(s + n - m, ending) == 0;
}

static ofr_status open_file(ofr_tok *tok, settings *s, const char *path,
                            ofr_tok_options options, ofr_error *err)
{
    OFR_TRY(keep_file(tok, path, err));
    if (ends_with(path, ".json")) return open_tokenizer_json(tok, s, path, options, err);
    if (ends_with(path, ".model")) return open_spiece(tok, s, path, options, err);
    return open_vocab_txt(tok, s, path, options, err);
}

ofr_status ofr_tok_open(ofr_tok **out, const char *path, ofr_tok_options options,
                        ofr_error *err)
{
    settings s = {.name = path, .lower = -1, .strip = -1, .chinese = true};
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
