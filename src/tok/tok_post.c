/*
 * tok_post.c - the last step of tokenizer.json, which puts special tokens around texts.
 *
 * tok.c knows one form for each kind.  Several types of steps describe it, and each can
 * describe others as well; those are refused, for a model would read [CLS] and [SEP]
 * where it never met them, or not at all.  Which tokens these are the step alone says.
 */
#include <string.h>

#include "tok/tok_settings.h"

#define DEPTH_MAX 4 /* of sequences in sequences */

/* Of one text and of two.  One letter and one type for each place: c is [CLS], s is
 * [SEP], A and B the texts. */
typedef struct shape {
    const char *places, *shown;
} shape;

static const shape bert_forms[2] = {{"c0A0s0", "[CLS] a [SEP] with types 0 0 0"},
                                   {"c0A0s0B1s1",
                                    "[CLS] a [SEP] b [SEP] with types 0 0 0 1 1"}};
static const shape roberta_forms[2] = {{"c0A0s0", "<s> a </s> with types 0"},
                                      {"c0A0s0s0B0s0",
                                       "<s> a </s></s> b </s> with types 0"}};
static const char *const form_keys[2] = {"single", "pair"};

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
static const json_t *named(const json_t *post, const char *key)
{
    return json_array_get(json_object_get(post, key), 1);
}

/* The id at a place of "single". */
static const json_t *placed(const json_t *post, size_t i)
{
    const json_t *place = json_array_get(json_object_get(post, "single"), i);
    const char *token = json_string_value(
        json_object_get(json_object_get(place, "SpecialToken"), "id"));
    const json_t *special = json_object_get(post, "special_tokens");
    return token ? json_array_get(json_object_get(json_object_get(special, token), "ids"),
                                  0)
                 : NULL;
}

/* The id, or -1 when it is none of the vocabulary's. */
static int id_of(const ofr_tok *tok, const json_t *value)
{
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    return id >= 0 && id < tok->vocab.n && tok->vocab.tokens[id].p ? (int)id : -1;
}

/* [CLS] and [SEP] are what this step puts around a text, whatever other files call
 * them. */
static ofr_status take_ends(ofr_tok *tok, const json_t *cls, const json_t *sep,
                            const char *name, ofr_error *err)
{
    tok->cls = id_of(tok, cls);
    tok->sep = id_of(tok, sep);
    if (tok->cls < 0 || tok->sep < 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"post_processor\" puts tokens around a text that are not "
                        "in the vocabulary; restore the file",
                        name);
    const char *text = tok->vocab.tokens[tok->cls].p;
    if (tok->model != OFR_TOK_UNIGRAM || strcmp(text, "[CLS]") == 0) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"post_processor\" begins a text with \"%.64s\", of unigram "
                    "tokenizers only ALBERT's with \"[CLS]\" is supported; choose "
                    "another model",
                    name, text);
}

static ofr_status take_template(ofr_tok *tok, const json_t *post, const char *name,
                                ofr_error *err)
{
    const shape *forms = tok->model == OFR_TOK_BPE ? roberta_forms : bert_forms;
    const json_t *cls = placed(post, 0), *sep = placed(post, 2);
    const bool ends = cls && sep;
    if (ends) OFR_TRY(take_ends(tok, cls, sep, name, err));
    for (int i = 0; i < 2; i++)
        if (!ends || !is_form(tok, post, form_keys[i], forms[i].places))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"%s\" of \"post_processor\" is something else than %s; "
                            "choose another model",
                            name, form_keys[i], forms[i].shown);
    return OFR_OK;
}

/* *n: steps that add special tokens. */
static ofr_status take_step(ofr_tok *tok, const json_t *post, int depth, int *n,
                            const char *name, ofr_error *err)
{
    const char *ours = tok->model == OFR_TOK_BPE ? "RobertaProcessing" : "BertProcessing";
    const json_t *steps = json_object_get(post, "processors");
    const char *type = "";
    json_t *inner;
    size_t i;
    OFR_TRY(ofr_json_text(post, "type", &type, name, err));
    if (strcmp(type, "ByteLevel") == 0) return OFR_OK; /* moves offsets, not tokens */
    if (strcmp(type, "Sequence") == 0 && depth < DEPTH_MAX) {
        json_array_foreach(steps, i, inner)
        {
            OFR_TRY(take_step(tok, inner, depth + 1, n, name, err));
        }
        return OFR_OK;
    }
    bool first = ++*n == 1;
    if (first && strcmp(type, "TemplateProcessing") == 0)
        return take_template(tok, post, name, err);
    if (first && strcmp(type, ours) == 0)
        return take_ends(tok, named(post, "cls"), named(post, "sep"), name, err);
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"post_processor\" has a%s step \"%.40s\", expected one, "
                    "TemplateProcessing or %s; choose another model",
                    name, first ? "" : " second", type, ours);
}

ofr_status ofr_tok_take_post(ofr_tok *tok, const json_t *post, const char *name,
                             ofr_error *err)
{
    int n = 0;
    if (post && !json_is_null(post)) OFR_TRY(take_step(tok, post, 0, &n, name, err));
    if (n > 0) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"post_processor\" has no step that puts special tokens around "
                    "a text, which is not supported; take tokenizer.json of the original "
                    "model",
                    name);
}
