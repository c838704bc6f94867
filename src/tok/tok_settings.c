/* tok_settings.c - tokenizer_config.json, and what follows from all settings. */
#include "tok/tok_settings.h"

#include <math.h>
#include <string.h>

ofr_status ofr_tok_no_object(const char *path, const char *keys_of, ofr_error *err)
{
    return ofr_fail(err, OFR_FORMAT,
                    "%s: not a JSON object, expected the keys of a %s; restore the file",
                    path, keys_of);
}

ofr_status ofr_tok_read_tri(const json_t *object, const char *key, int *out,
                            const char *name, ofr_error *err)
{
    bool value = *out == 1;
    if (!json_object_get(object, key) || json_is_null(json_object_get(object, key)))
        return OFR_OK;
    OFR_TRY(ofr_json_bool(object, key, &value, name, err));
    *out = value;
    return OFR_OK;
}

ofr_status ofr_tok_only_bool(const json_t *object, const char *key, bool only,
                             const char *name, ofr_error *err)
{
    bool value = only;
    OFR_TRY(ofr_json_bool(object, key, &value, name, err));
    if (value == only) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"%s\" is %s, only %s is supported; choose another model", name,
                    key, value ? "true" : "false", only ? "true" : "false");
}

ofr_status ofr_tok_only_text(const json_t *object, const char *key, const char *only,
                             const char *name, ofr_error *err)
{
    const char *text = only;
    OFR_TRY(ofr_json_text(object, key, &text, name, err));
    if (strcmp(text, only) == 0) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"%s\" is \"%.40s\", only \"%s\" is supported; choose another "
                    "model",
                    name, key, text, only);
}

/* "Name" or "NameFast". */
static bool is_class(const char *text, const char *name)
{
    size_t n = strlen(name);
    return strncmp(text, name, n) == 0 && (!text[n] || strcmp(text + n, "Fast") == 0);
}

/* A bare vocabulary does not say how texts are cut: HerBERT's vocab.json, T5's
 * spiece.model and the vocab.txt of Japanese BERT are not read as ours are.  GPT-2's own
 * class puts nothing around a text. */
ofr_status ofr_tok_check_class(ofr_tok_settings *s, ofr_tok_model kind,
                               ofr_error *err)
{
    static const char *const known[3][6] = {
        [OFR_TOK_WORDPIECE] = {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer",
                               "MobileBertTokenizer", "ConvBertTokenizer"},
        [OFR_TOK_BPE] = {"RobertaTokenizer", "LongformerTokenizer", "BartTokenizer"},
        [OFR_TOK_UNIGRAM] = {"AlbertTokenizer"},
    };
    static const char *const any[] = {"PreTrainedTokenizer", "TokenizersBackend"};
    const char *path = s->config_path, *made_by = NULL;
    OFR_TRY(ofr_json_text(s->config, "tokenizer_class", &made_by, path, err));
    if (!made_by) { /* transformers looks there, too */
        path = s->model_path;
        OFR_TRY(ofr_json_text(s->model, "tokenizer_class", &made_by, path, err));
    }
    if (!made_by) return OFR_OK;
    for (size_t i = 0; i < sizeof any / sizeof *any; i++)
        if (is_class(made_by, any[i])) return OFR_OK;
    for (int i = 0; known[kind][i] && !s->stated; i++)
        s->stated = is_class(made_by, known[kind][i]);
    if (s->stated) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"tokenizer_class\" is \"%.40s\", which cuts texts in a way "
                    "that is not supported, unlike %s; choose another model",
                    path, made_by, known[kind][0]);
}

ofr_status ofr_tok_read_config(ofr_tok_settings *s, ofr_error *err)
{
    const json_t *config = s->config;
    const char *name = s->config_path;
    if (!config) return OFR_OK;
    OFR_TRY(ofr_tok_only_text(config, "word_tokenizer_type", "basic", name, err));
    OFR_TRY(ofr_tok_only_text(config, "subword_tokenizer_type", "wordpiece", name, err));
    OFR_TRY(ofr_tok_only_bool(config, "do_basic_tokenize", true, name, err));
    OFR_TRY(ofr_tok_read_tri(config, "do_lower_case", &s->lower, name, err));
    OFR_TRY(ofr_tok_read_tri(config, "strip_accents", &s->strip, name, err));
    OFR_TRY(ofr_json_bool(config, "tokenize_chinese_chars", &s->chinese, name, err));
    return ofr_json_bool(config, "add_prefix_space", &s->prefix_space, name, err);
}

/* WordPiece: accents go where case goes, unless somebody says otherwise. */
static ofr_normalize normalize_rules(const ofr_tok_settings *s, ofr_tok_options options)
{
    ofr_normalize how = {.chinese = s->chinese,
                         .quotes = s->quotes,
                         .blanks = s->blanks,
                         .runs = s->runs};
    how.lower = options.lower_case >= 0 ? options.lower_case : s->lower != 0;
    how.strip = s->strip >= 0 && options.lower_case < 0 ? s->strip : how.lower;
    return how;
}

ofr_status ofr_tok_finish_wordpiece(ofr_tok *tok, const ofr_tok_settings *s,
                                    const char *prefix, ofr_tok_options options,
                                    ofr_error *err)
{
    tok->how = normalize_rules(s, options);
    OFR_TRY(ofr_tok_find_specials(tok, s, err));
    return ofr_wordpiece_open(&tok->wordpiece, &tok->vocab, tok->unk, prefix, tok->how,
                              err);
}

/* Scores for tokens that were added behind the pieces: never found in words. */
ofr_status ofr_tok_finish_unigram(ofr_tok *tok, const ofr_tok_settings *s, double *scores,
                                  int n_scores, int unk, ofr_tok_options options,
                                  ofr_error *err)
{
    size_t n = (size_t)n_scores;
    double *all = NULL;
    ofr_status status;
    tok->how = normalize_rules(s, options);
    tok->how.compat = true;
    status = ofr_tok_find_specials(tok, s, err);
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
    return ofr_unigram_open(&tok->unigram, &tok->vocab, all, tok->unk, tok->how, s->name,
                            err);
}
