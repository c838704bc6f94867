/*
 * tok_post.c - the last step of tokenizer.json, which puts special tokens around texts.
 *
 * tok.c knows one form for each kind.  Several types of steps describe it, and each can
 * describe others as well; those are refused, for a model would read [CLS] and [SEP]
 * where it never met them, or not at all.
 */
#include <string.h>

#include "tok/tok_settings.h"

#define DEPTH_MAX 4 /* of sequences in sequences */

/* One letter and one type for each place: c is [CLS], s is [SEP], A and B the texts. */
static const char single_form[] = "c0A0s0";
static const char *const pair_forms[3] = {[OFR_TOK_WORDPIECE] = "c0A0s0B1s1",
                                          [OFR_TOK_BPE] = "c0A0s0s0B0s0",
                                          [OFR_TOK_UNIGRAM] = "c0A0s0B1s1"};

static bool is_id(const json_t *value, int id)
{
    return json_is_integer(value) && json_integer_value(value) == id;
}

/* {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", ...}}; what
 * ids "[CLS]" stands for is in "special_tokens". */
static bool is_place(const ofr_tok *tok, const json_t *post, const json_t *place,
                     const char *want)
{
    const json_t *special = json_object_get(place, "SpecialToken");
    const json_t *text = json_object_get(place, "Sequence");
    const json_t *inner = special ? special : text, *ids;
    const char *name = json_string_value(json_object_get(inner, "id"));
    if (!name || !is_id(json_object_get(inner, "type_id"), want[1] - '0')) return false;
    if (want[0] == 'A' || want[0] == 'B') return text && name[0] == want[0] && !name[1];
    ids = json_object_get(json_object_get(json_object_get(post, "special_tokens"), name),
                          "ids");
    return special && json_array_size(ids) == 1 &&
           is_id(json_array_get(ids, 0), want[0] == 'c' ? tok->cls : tok->sep);
}

static bool is_form(const ofr_tok *tok, const json_t *post, const char *key,
                    const char *form)
{
    const json_t *places = json_object_get(post, key), *place;
    size_t i;
    if (json_array_size(places) != strlen(form) / 2) return false;
    json_array_foreach(places, i, place)
    {
        if (!is_place(tok, post, place, form + 2 * i)) return false;
    }
    return true;
}

/* "cls": ["[CLS]", 101] */
static bool is_named(const json_t *post, const char *key, int id)
{
    return is_id(json_array_get(json_object_get(post, key), 1), id);
}

static bool is_ours(const ofr_tok *tok, const json_t *post, const char *type)
{
    bool bpe = tok->model == OFR_TOK_BPE;
    if (strcmp(type, "TemplateProcessing") == 0)
        return is_form(tok, post, "single", single_form) &&
               is_form(tok, post, "pair", pair_forms[tok->model]);
    return strcmp(type, bpe ? "RobertaProcessing" : "BertProcessing") == 0 &&
           is_named(post, "cls", tok->cls) && is_named(post, "sep", tok->sep);
}

/* *n: steps that add special tokens. */
static ofr_status check_step(const ofr_tok *tok, const json_t *post, int depth, int *n,
                             const char *name, ofr_error *err)
{
    const json_t *steps = json_object_get(post, "processors");
    const ofr_str *tokens = tok->vocab.tokens;
    const char *type = "", *sep = tokens[tok->sep].p;
    json_t *inner;
    size_t i;
    OFR_TRY(ofr_json_text(post, "type", &type, name, err));
    if (strcmp(type, "ByteLevel") == 0) return OFR_OK; /* moves offsets, not tokens */
    if (strcmp(type, "Sequence") == 0 && depth < DEPTH_MAX) {
        json_array_foreach(steps, i, inner)
        {
            OFR_TRY(check_step(tok, inner, depth + 1, n, name, err));
        }
        return OFR_OK;
    }
    if (++*n == 1 && is_ours(tok, post, type)) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"post_processor\" has a step \"%.40s\" that makes of two texts "
                    "something else than %.64s a %.64s%.64s b %.64s; choose "
                    "another model",
                    name, type, tokens[tok->cls].p, sep,
                    tok->model == OFR_TOK_BPE ? sep : "", sep);
}

ofr_status ofr_tok_check_post(const ofr_tok *tok, const json_t *post, const char *name,
                              ofr_error *err)
{
    int n = 0;
    if (post && !json_is_null(post)) OFR_TRY(check_step(tok, post, 0, &n, name, err));
    if (n > 0) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"post_processor\" has no step that puts \"%.64s\" and "
                    "\"%.64s\" around a text, which is not supported; take "
                    "tokenizer.json of the original model",
                    name, tok->vocab.tokens[tok->cls].p, tok->vocab.tokens[tok->sep].p);
}
