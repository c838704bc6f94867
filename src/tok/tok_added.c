/*
 * tok_added.c - the tokens that are found in a text before its words are.
 *
 * Besides [CLS] and the like there are those that somebody added behind the vocabulary.
 * The first file that speaks of a token says what its neighbours and its case do.
 */
#include <string.h>

#include "tok/tok_settings.h"

static const char *const default_names[3][5] = {
    [OFR_TOK_WORDPIECE] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"},
    [OFR_TOK_BPE] = {"<unk>", "<s>", "</s>", "<pad>", "<mask>"},
    [OFR_TOK_UNIGRAM] = {"<unk>", "[CLS]", "[SEP]", "<pad>", "[MASK]"},
};

static const char *const name_keys[5] = {"unk_token", "cls_token", "sep_token",
                                         "pad_token", "mask_token"};

/* What a special token is called. */
typedef struct given_name {
    const char *text, *path; /* the file that says so, or NULL */
} given_name;

/* "cls_token": "[CLS]" or {"content": "[CLS]"}; otherwise *text stays. */
static ofr_status read_name(const char **text, const json_t *object, const char *key,
                            const char *path, ofr_error *err)
{
    const json_t *value = json_object_get(object, key);
    const char *content = NULL;
    if (!json_is_object(value)) return ofr_json_text(object, key, text, path, err);
    OFR_TRY(ofr_json_text(value, "content", &content, path, err));
    if (!content)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" is an object without \"content\", expected the text "
                        "of a token; restore the file",
                        path, key);
    *text = content;
    return OFR_OK;
}

/* The token as it comes out of normalisation. */
static ofr_status normal_form(ofr_tok *tok, ofr_str *out, ofr_str text, ofr_error *err)
{
    ofr_buf bytes;
    char *kept = NULL;
    ofr_buf_init(&bytes);
    for (size_t at = 0, used; at < text.n; at += used) {
        int32_t parts[OFR_NORMALIZE_MAX];
        int32_t c = ofr_utf8_next(text.p + at, text.n - at, &used);
        int n = c < 0 ? 0 : ofr_normalize_char(&tok->how, c, parts);
        for (int i = 0; i < n; i++) {
            char one[4];
            ofr_buf_add(&bytes, one, (size_t)ofr_utf8_put(one, parts[i]));
        }
    }
    if (!bytes.failed)
        kept = ofr_arena_strdup(&tok->vocab.arena, bytes.p ? bytes.p : "", bytes.n);
    *out = (ofr_str){kept, bytes.n};
    ofr_buf_free(&bytes);
    return kept ? OFR_OK : ofr_fail_nomem(err, text.n, "a token");
}

/* first[c]: may a text that begins with byte c begin with the token? */
static void mark_first(bool first[256], const ofr_normalize *how, ofr_str normal)
{
    for (int c = 0; c < 128 && normal.n; c++) {
        int32_t parts[OFR_NORMALIZE_MAX];
        int n = ofr_normalize_char(how, c, parts);
        if (n > 0 && parts[0] == (unsigned char)normal.p[0]) first[c] = true;
    }
    for (int c = 128; c < 256; c++) /* other letters may lose their accents */
        first[c] = true;
}

static ofr_status add_special(ofr_tok *tok, ofr_tok_special special, bool normalized,
                              ofr_error *err)
{
    const ofr_normalize *how = &tok->how;
    for (int i = 0; i < tok->n_specials; i++)
        if (tok->specials[i].id == special.id) return OFR_OK;
    special.text = tok->vocab.tokens[special.id];
    if (normalized && (how->lower || how->strip || how->compat)) {
        OFR_TRY(normal_form(tok, &special.normal, special.text, err));
        mark_first(tok->special_first, how, special.normal);
    } else {
        tok->special_first[(unsigned char)special.text.p[0]] = true;
    }
    tok->specials[tok->n_specials++] = special;
    return OFR_OK;
}

/* An added token has its place in the vocabulary, or gets it. */
static ofr_status place_token(ofr_tok *tok, const char *content, int id, const char *name,
                              ofr_error *err)
{
    int old = ofr_vocab_id(&tok->vocab, content, strlen(content));
    if (old >= 0 && old != id)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the added token \"%.64s\" has id %d, in the vocabulary %d; "
                        "restore the file",
                        name, content, id, old);
    if (old < 0 && id < tok->vocab.n && tok->vocab.tokens[id].p)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the added token \"%.64s\" has id %d, which the vocabulary "
                        "gives to \"%.64s\"; restore the file",
                        name, content, id, tok->vocab.tokens[id].p);
    if (id >= tok->vocab.n) tok->last_added = name;
    return ofr_vocab_add(&tok->vocab, content, strlen(content), id, NULL, err);
}

/* id: -1 when it stands in the entry, which is called list[i] then. */
static ofr_status add_listed(ofr_tok *tok, const json_t *entry, int id, const char *list,
                             size_t i, const char *name, ofr_error *err)
{
    const char *content = NULL;
    bool left = false, right = false, normalized = false;
    if (id < 0)
        OFR_TRY(ofr_json_int(entry, "id", 0, ofr_vocab_most((size_t)tok->vocab.n), &id,
                             name, err));
    OFR_TRY(ofr_json_text(entry, "content", &content, name, err));
    OFR_TRY(ofr_json_bool(entry, "lstrip", &left, name, err));
    OFR_TRY(ofr_json_bool(entry, "rstrip", &right, name, err));
    OFR_TRY(ofr_json_bool(entry, "normalized", &normalized, name, err));
    OFR_TRY(ofr_tok_only_bool(entry, "single_word", false, name, err));
    if (!content || !content[0] || id < 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: %s[%zu]: an added token has no \"content\" or no \"id\"; "
                        "restore the file",
                        name, list, i);
    ofr_tok_special special = {.id = id, .strip_left = left, .strip_right = right};
    OFR_TRY(place_token(tok, content, id, name, err));
    return add_special(tok, special, normalized, err);
}

static ofr_status check_id(const ofr_tok *tok, long long id, const char *token,
                           const char *name, ofr_error *err)
{
    int most = ofr_vocab_most((size_t)tok->vocab.n);
    if (id >= 0 && id <= most) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the id of the added token \"%.64s\" is %lld, expected 0..%d; "
                    "restore the file",
                    name, token, id, most);
}

/* added_tokens_decoder of tokenizer_config.json: {"30522": {"content": "[E1]"}}. */
static ofr_status add_decoded(ofr_tok *tok, const json_t *decoder, const char *name,
                              ofr_error *err)
{
    const char *key;
    json_t *entry;
    size_t i = 0;
    json_object_foreach((json_t *)(uintptr_t)decoder, key, entry)
    {
        long long id = -1;
        if (!ofr_str_to_int(ofr_str_of(key), &id)) id = -1;
        OFR_TRY(check_id(tok, id, key, name, err));
        OFR_TRY(add_listed(tok, entry, (int)id, "added_tokens_decoder", i++, name, err));
    }
    return OFR_OK;
}

/* Is the text in this list of tokens, "[E1]" or {"content": "[E1]"}? */
static bool is_among(const json_t *list, const char *text)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const json_t *content = json_object_get(entry, "content");
        const char *other = json_string_value(content ? content : entry);
        if (other && strcmp(other, text) == 0) return true;
    }
    return false;
}

/* Is the text one of the other special tokens?  transformers 5 renamed the key. */
static bool is_more(const ofr_tok_settings *s, const char *text)
{
    return is_among(json_object_get(s->config, "additional_special_tokens"), text) ||
           is_among(json_object_get(s->config, "extra_special_tokens"), text) ||
           is_among(json_object_get(s->map, "additional_special_tokens"), text);
}

/* added_tokens.json: {"[E1]": 30522}.  [CLS] and its like are left to the caller, who
 * knows more of them; other special ones are not normalised. */
static ofr_status add_plain(ofr_tok *tok, const ofr_tok_settings *s,
                            const given_name names[5], ofr_error *err)
{
    const char *content;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)s->added, content, value)
    {
        long long id = json_is_integer(value) ? json_integer_value(value) : -1;
        bool named = !content[0]; /* nothing is in every text */
        OFR_TRY(check_id(tok, id, content, s->added_path, err));
        OFR_TRY(place_token(tok, content, (int)id, s->added_path, err));
        for (int k = 0; k < 5; k++)
            named = named || strcmp(content, names[k].text) == 0;
        if (!named)
            OFR_TRY(add_special(tok, (ofr_tok_special){.id = (int)id},
                                !is_more(s, content), err));
    }
    return OFR_OK;
}

/* All files' added tokens; the list of tokenizer_config.json stands for the older
 * added_tokens.json. */
static ofr_status add_all(ofr_tok *tok, const ofr_tok_settings *s,
                          const given_name names[5], ofr_error *err)
{
    const json_t *decoder = json_object_get(s->config, "added_tokens_decoder");
    size_t n = json_array_size(s->listed) + json_object_size(decoder) +
               json_object_size(s->added);
    size_t i;
    json_t *entry;
    if (decoder && !json_is_object(decoder) && !json_is_null(decoder))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"added_tokens_decoder\" is no object of ids and tokens; "
                        "restore the file",
                        s->config_path);
    tok->n_words = tok->vocab.n;
    tok->specials = ofr_mem_array(n + 5, sizeof *tok->specials);
    if (!tok->specials) return ofr_fail_nomem(err, 0, "the special tokens");
    json_array_foreach(s->listed, i, entry)
    {
        OFR_TRY(add_listed(tok, entry, -1, "added_tokens", i, s->name, err));
    }
    if (json_is_object(decoder)) return add_decoded(tok, decoder, s->config_path, err);
    return add_plain(tok, s, names, err);
}

/* What the files call the five.  As in transformers 4 the older special_tokens_map.json
 * has the last word, and none beside the list of added tokens that came in its place. */
static ofr_status read_names(given_name names[5], ofr_tok_model kind,
                             const ofr_tok_settings *s, ofr_error *err)
{
    bool listed = json_is_object(json_object_get(s->config, "added_tokens_decoder"));
    const json_t *const files[2] = {s->config, listed ? NULL : s->map};
    const char *const paths[2] = {s->config_path, s->map_path};
    for (int k = 0; k < 5; k++) {
        names[k] = (given_name){default_names[kind][k], NULL};
        for (int i = 0; i < 2; i++) {
            const char *old = names[k].text;
            OFR_TRY(read_name(&names[k].text, files[i], name_keys[k], paths[i], err));
            if (names[k].text != old) names[k].path = paths[i];
        }
    }
    return OFR_OK;
}

static ofr_status no_special(const ofr_tok *tok, const ofr_tok_settings *s, int k,
                             given_name given, ofr_error *err)
{
    const char *of = given.path ? " of " : "", *path = given.path ? given.path : "";
    if (tok->model == OFR_TOK_UNIGRAM)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the vocabulary of %d tokens has no \"%.64s\" (%s%s%s), and "
                        "of unigram tokenizers only ALBERT's is supported; choose "
                        "another model",
                        s->name, tok->vocab.n, given.text, name_keys[k], of, path);
    return ofr_fail(err, OFR_FORMAT,
                    "%s: the vocabulary of %d tokens has no \"%.64s\" (%s%s%s); give the "
                    "vocabulary of a BERT-like encoder, or the name that it has there as "
                    "\"%s\" in %s",
                    s->name, tok->vocab.n, given.text, name_keys[k], of, path,
                    name_keys[k], given.path ? given.path : "tokenizer_config.json");
}

ofr_status ofr_tok_find_specials(ofr_tok *tok, const ofr_tok_settings *s, ofr_error *err)
{
    given_name names[5];
    int ids[5];
    OFR_TRY(read_names(names, tok->model, s, err));
    if (tok->model == OFR_TOK_UNIGRAM && !s->surrounds &&
        strcmp(names[1].text, "[CLS]") != 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"cls_token\" is \"%.64s\", of unigram tokenizers only "
                        "ALBERT's with \"[CLS]\" is supported; choose another model",
                        names[1].path, names[1].text);
    OFR_TRY(add_all(tok, s, names, err));
    for (int k = 0; k < 5; k++) {
        const char *text = names[k].text;
        bool needed = k == 0 ? tok->model == OFR_TOK_WORDPIECE : k < 3 && !s->surrounds;
        ids[k] = text[0] ? ofr_vocab_id(&tok->vocab, text, strlen(text)) : -1;
        if (ids[k] < 0 && needed) return no_special(tok, s, k, names[k], err);
        ofr_tok_special special = {
            .id = ids[k], .strip_left = k == 4 && tok->model != OFR_TOK_WORDPIECE};
        if (ids[k] >= 0) OFR_TRY(add_special(tok, special, false, err));
    }
    tok->unk = ids[0];
    tok->cls = ids[1];
    tok->sep = ids[2];
    return OFR_OK;
}
