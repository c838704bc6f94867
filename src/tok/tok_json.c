/*
 * tok_json.c - tokenizer.json.
 *
 * It describes a tokenizer as a chain of steps of many types.  Each kind of ours is one
 * such chain; a file with another is refused, for its tokens would be others than ours.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tok/tok_settings.h"

#define DEPTH_MAX 4 /* of sequences in sequences */

/* ----------------------------------------------------------------- steps -- */

typedef ofr_status (*step_fn)(ofr_tok_settings *s, const json_t *step, const char *type,
                              ofr_error *err);

/* One stage of the chain: a step, or a Sequence of them. */
typedef struct stage {
    const char *key, *list;  /* the list of a Sequence */
    const char *types[3][6]; /* of each kind; without the first it is another one */
    step_fn take;
} stage;

static ofr_status take_bert(ofr_tok_settings *s, const json_t *step, ofr_error *err)
{
    OFR_TRY(ofr_tok_only_bool(step, "clean_text", true, s->name, err));
    OFR_TRY(ofr_tok_read_tri(step, "lowercase", &s->lower, s->name, err));
    OFR_TRY(ofr_tok_read_tri(step, "strip_accents", &s->strip, s->name, err));
    return ofr_json_bool(step, "handle_chinese_chars", &s->chinese, s->name, err);
}

/* ALBERT's: `` and '' to ", and several spaces to one. */
static ofr_status take_replace(ofr_tok_settings *s, const json_t *step, ofr_error *err)
{
    const char *from = "", *to = "", *regex = "";
    OFR_TRY(ofr_json_text(step, "pattern.String", &from, s->name, err));
    OFR_TRY(ofr_json_text(step, "pattern.Regex", &regex, s->name, err));
    OFR_TRY(ofr_json_text(step, "content", &to, s->name, err));
    if (strcmp(regex, " {2,}") == 0 && strcmp(to, " ") == 0) {
        s->runs = false;
        return OFR_OK;
    }
    if ((strcmp(from, "``") == 0 || strcmp(from, "''") == 0) && strcmp(to, "\"") == 0) {
        s->quotes = true;
        return OFR_OK;
    }
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the normalizer replaces \"%.40s\" by \"%.40s\", only quotes and "
                    "spaces are supported; choose another model",
                    s->name, from[0] ? from : regex, to);
}

static ofr_status take_normalizer(ofr_tok_settings *s, const json_t *step,
                                  const char *type, ofr_error *err)
{
    if (strcmp(type, "BertNormalizer") == 0) return take_bert(s, step, err);
    if (strcmp(type, "Replace") == 0) return take_replace(s, step, err);
    if (strcmp(type, "Lowercase") == 0) s->lower = 1;
    if (strcmp(type, "StripAccents") == 0) s->strip = 1;
    return OFR_OK;
}

static ofr_status take_pre_tokenizer(ofr_tok_settings *s, const json_t *step,
                                     const char *type, ofr_error *err)
{
    if (strcmp(type, "ByteLevel") == 0) {
        OFR_TRY(ofr_tok_only_bool(step, "use_regex", true, s->name, err));
        return ofr_json_bool(step, "add_prefix_space", &s->prefix_space, s->name, err);
    }
    if (strcmp(type, "WhitespaceSplit") == 0) s->blanks = false;
    if (strcmp(type, "Metaspace") != 0) return OFR_OK;
    OFR_TRY(ofr_tok_only_text(step, "replacement", "\xe2\x96\x81", s->name, err));
    OFR_TRY(ofr_tok_only_text(step, "prepend_scheme", "always", s->name, err));
    OFR_TRY(ofr_tok_only_bool(step, "add_prefix_space", true, s->name, err));
    return ofr_tok_only_bool(step, "split", true, s->name, err);
}

static const stage stages[] = {
    {"normalizer",
     "normalizers",
     {[OFR_TOK_WORDPIECE] = {"BertNormalizer"},
      [OFR_TOK_UNIGRAM] = {"Precompiled", "NFKD", "StripAccents", "Lowercase",
                           "Replace"}},
     take_normalizer},
    {"pre_tokenizer",
     "pretokenizers",
     {[OFR_TOK_WORDPIECE] = {"BertPreTokenizer"},
      [OFR_TOK_BPE] = {"ByteLevel"},
      [OFR_TOK_UNIGRAM] = {"Metaspace", "WhitespaceSplit"}},
     take_pre_tokenizer},
};
enum { N_STAGES = sizeof stages / sizeof *stages };

/* *complete: the type that this kind cannot be without was met. */
static ofr_status take_step(ofr_tok_settings *s, ofr_tok_model kind, const stage *part,
                            const json_t *step, int depth, bool *complete, ofr_error *err)
{
    const char *const *types = part->types[kind], *type = NULL;
    const json_t *steps = json_object_get(step, part->list);
    size_t i;
    json_t *inner;
    OFR_TRY(ofr_json_text(step, "type", &type, s->name, err));
    if (!type || depth > DEPTH_MAX)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" holds %s, expected an object with its \"type\"; "
                        "restore the file",
                        s->name, part->key,
                        type ? "sequences in each other" : "something without a type");
    if (strcmp(type, "Sequence") == 0 && json_is_array(steps)) {
        json_array_foreach(steps, i, inner)
        {
            OFR_TRY(take_step(s, kind, part, inner, depth + 1, complete, err));
        }
        return OFR_OK;
    }
    for (i = 0; types[i]; i++) {
        if (strcmp(type, types[i]) != 0) continue;
        *complete = *complete || i == 0;
        return part->take(s, step, type, err);
    }
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"%s\" has a step \"%.40s\", expected %s; choose another model",
                    s->name, part->key, type, types[0] ? types[0] : "none");
}

static ofr_status take_stage(ofr_tok_settings *s, ofr_tok_model kind, const stage *part,
                             const json_t *json, bool *complete, ofr_error *err)
{
    const json_t *step = json_object_get(json, part->key);
    *complete = !part->types[kind][0];
    if (!step || json_is_null(step)) return OFR_OK;
    return take_step(s, kind, part, step, 0, complete, err);
}

/* ------------------------------------------------------- the three kinds -- */

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

static ofr_status json_bpe(ofr_tok *tok, ofr_tok_settings *s, const json_t *model,
                           ofr_error *err)
{
    const json_t *merges = json_object_get(model, "merges");
    const char *unk = NULL;
    char where[OFR_PATH_MAX + 40];
    size_t i;
    json_t *merge;
    OFR_TRY(ofr_tok_only_text(model, "continuing_subword_prefix", "", s->name, err));
    OFR_TRY(ofr_tok_only_text(model, "end_of_word_suffix", "", s->name, err));
    OFR_TRY(ofr_tok_only_bool(model, "ignore_merges", false, s->name, err));
    OFR_TRY(
        ofr_vocab_read_json(&tok->vocab, json_object_get(model, "vocab"), s->name, err));
    OFR_TRY(ofr_tok_find_specials(tok, s, err));
    if (!json_is_array(merges))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"merges\" is missing or no array; restore the file",
                        s->name);
    OFR_TRY(ofr_bpe_open(&tok->bpe, &tok->vocab, tok->unk, json_array_size(merges) + 1,
                         s->prefix_space, s->name, err));
    OFR_TRY(ofr_json_text(model, "unk_token", &unk, s->name, err));
    tok->bpe.unk = unk ? ofr_vocab_id(&tok->vocab, unk, strlen(unk)) : -1;
    json_array_foreach(merges, i, merge)
    {
        snprintf(where, sizeof where, "%s: merges[%zu]", s->name, i);
        OFR_TRY(add_json_merge(&tok->bpe, merge, where, err));
    }
    return OFR_OK;
}

static ofr_status json_wordpiece(ofr_tok *tok, ofr_tok_settings *s, const json_t *model,
                                 ofr_tok_options options, ofr_error *err)
{
    const char *prefix = "##";
    int longest = OFR_WORD_CHARS;
    OFR_TRY(ofr_json_text(model, "continuing_subword_prefix", &prefix, s->name, err));
    OFR_TRY(ofr_json_int(model, "max_input_chars_per_word", 0, INT_MAX, &longest, s->name,
                         err));
    if (longest != OFR_WORD_CHARS)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"max_input_chars_per_word\" is %d, only %d is supported; "
                        "choose another model",
                        s->name, longest, OFR_WORD_CHARS);
    OFR_TRY(
        ofr_vocab_read_json(&tok->vocab, json_object_get(model, "vocab"), s->name, err));
    return ofr_tok_finish_wordpiece(tok, s, prefix, options, err);
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

static ofr_status json_unigram(ofr_tok *tok, ofr_tok_settings *s, const json_t *model,
                               ofr_tok_options options, ofr_error *err)
{
    const json_t *pieces = json_object_get(model, "vocab");
    size_t n = json_array_size(pieces);
    int unk = -1;
    double *scores;
    ofr_status status;
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
    return ofr_tok_finish_unigram(tok, s, scores, (int)n, unk, options, err);
}

/* ------------------------------------------------------------- the whole -- */

static ofr_status find_kind(ofr_tok_model *kind, const json_t *model, const char *name,
                            ofr_error *err)
{
    static const char *const kinds[3] = {[OFR_TOK_WORDPIECE] = "WordPiece",
                                         [OFR_TOK_BPE] = "BPE",
                                         [OFR_TOK_UNIGRAM] = "Unigram"};
    const char *type = NULL;
    OFR_TRY(ofr_json_text(model, "type", &type, name, err));
    if (!type) /* older files do not say it */
        type = json_object_get(model, "merges")                 ? "BPE"
               : json_is_array(json_object_get(model, "vocab")) ? "Unigram"
                                                                : "WordPiece";
    for (int i = 0; i < 3; i++) {
        if (strcmp(type, kinds[i]) != 0) continue;
        *kind = (ofr_tok_model)i;
        return OFR_OK;
    }
    return ofr_fail(err, OFR_FORMAT,
                    "%s: model type \"%.32s\" is not supported, expected WordPiece, "
                    "BPE or Unigram; choose another model",
                    name, type);
}

static ofr_status open_model(ofr_tok *tok, ofr_tok_settings *s, const json_t *model,
                             ofr_tok_options options, ofr_error *err)
{
    switch (tok->model) {
    case OFR_TOK_BPE: return json_bpe(tok, s, model, err);
    case OFR_TOK_UNIGRAM: return json_unigram(tok, s, model, options, err);
    default: return json_wordpiece(tok, s, model, options, err);
    }
}

static ofr_status read_whole(ofr_tok *tok, ofr_tok_settings *s, const json_t *json,
                             ofr_tok_options options, ofr_error *err)
{
    const json_t *model = json_object_get(json, "model");
    const json_t *post = json_object_get(json, "post_processor");
    bool complete[N_STAGES];
    s->surrounds = post && !json_is_null(post);
    s->listed = json_object_get(json, "added_tokens");
    if (!json_is_object(model))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"model\" is missing or no object; restore the file",
                        s->name);
    if (s->listed && !json_is_array(s->listed) && !json_is_null(s->listed))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"added_tokens\" is no array; restore the file", s->name);
    OFR_TRY(find_kind(&tok->model, model, s->name, err));
    if (tok->model == OFR_TOK_UNIGRAM) { /* only what the steps say */
        s->lower = s->strip = 0;
        s->quotes = false;
        s->blanks = s->runs = true;
    }
    for (int i = 0; i < N_STAGES; i++)
        OFR_TRY(take_stage(s, tok->model, &stages[i], json, &complete[i], err));
    const int lower = s->lower, strip = s->strip;
    OFR_TRY(ofr_tok_read_config(s, err));
    if (tok->model == OFR_TOK_UNIGRAM) { /* ALBERT's settings are for spiece.model */
        s->lower = lower;
        s->strip = strip;
    }
    OFR_TRY(open_model(tok, s, model, options, err));
    for (int i = 0; i < N_STAGES; i++) /* at the end: damage is called damage */
        if (!complete[i])
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"%s\" has no step \"%s\", without which a text is cut "
                            "in a way that is not supported; take tokenizer.json of the "
                            "original model",
                            s->name, stages[i].key, stages[i].types[tok->model][0]);
    return ofr_tok_take_post(tok, post, s->name, err);
}

ofr_status ofr_tok_open_json(ofr_tok *tok, ofr_tok_settings *s, const char *path,
                             ofr_tok_options options, ofr_error *err)
{
    json_t *json = NULL;
    ofr_status status;
    OFR_TRY(ofr_json_load(&json, path, err));
    s->name = path;
    status = json_is_object(json) ? read_whole(tok, s, json, options, err)
                                  : ofr_tok_no_object(path, "tokenizer", err);
    s->listed = NULL;
    json_decref(json);
    return status;
}
