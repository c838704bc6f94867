/*
 * tok_settings.h - what the files of a tokenizer say besides its vocabulary: private to
 * tok/.
 *
 * tokenizer.json, tokenizer_config.json and added_tokens.json each say a part; whatever
 * they say that would lead to other tokens than ours is refused.
 */
#ifndef OFR_TOK_TOK_SETTINGS_H
#define OFR_TOK_TOK_SETTINGS_H

#include "io/json.h"
#include "tok/tok_parts.h"

typedef struct ofr_tok_settings {
    const char *name;     /* file that errors speak of; all paths are tok->files */
    const json_t *config; /* tokenizer_config.json, or NULL; then its path is, too */
    const char *config_path;
    const json_t *added;  /* added_tokens.json, or NULL */
    const char *added_path;
    const json_t *map;    /* special_tokens_map.json, or NULL */
    const char *map_path;
    const json_t *model;  /* config.json of the model beside them, or NULL */
    const char *model_path;
    const json_t *listed; /* added_tokens of tokenizer.json, or NULL */
    bool stated;          /* "tokenizer_class" says what a bare vocabulary is */
    bool surrounds;       /* tokenizer.json says what stands around texts */
    int lower, strip;     /* 1, 0, -1: not said */
    bool chinese, prefix_space, quotes, blanks, runs; /* see ofr_normalize */
} ofr_tok_settings;

/* A file that holds no keys; keys_of: "tokenizer" or "model". */
ofr_status ofr_tok_no_object(const char *path, const char *keys_of, ofr_error *err);
/* "a": true, false or absent; *out stays when it is absent or null. */
ofr_status ofr_tok_read_tri(const json_t *object, const char *key, int *out,
                            const char *name, ofr_error *err);
/* Refuse another value of a key than the one that we can do; absent is that one. */
ofr_status ofr_tok_only_bool(const json_t *object, const char *key, bool only,
                             const char *name, ofr_error *err);
ofr_status ofr_tok_only_text(const json_t *object, const char *key, const char *only,
                             const char *name, ofr_error *err);

/* tokenizer_config.json over what tokenizer.json said. */
ofr_status ofr_tok_read_config(ofr_tok_settings *s, ofr_error *err);

/* Refuse a vocabulary by itself whose "tokenizer_class" is not of this kind; s->stated:
 * it is, by name. */
ofr_status ofr_tok_check_class(ofr_tok_settings *s, ofr_tok_model kind,
                               ofr_error *err);

/* Special and added tokens of all files, for tok->how and tok->model. */
ofr_status ofr_tok_find_specials(ofr_tok *tok, const ofr_tok_settings *s, ofr_error *err);

/* The last step: tok->vocab is there. */
ofr_status ofr_tok_finish_wordpiece(ofr_tok *tok, const ofr_tok_settings *s,
                                    const char *prefix, ofr_tok_options options,
                                    ofr_error *err);
/* scores: [n_scores] of the pieces, owned from now on, also on failure; unk: -1 when only
 * the name tells. */
ofr_status ofr_tok_finish_unigram(ofr_tok *tok, const ofr_tok_settings *s, double *scores,
                                  int n_scores, int unk, ofr_tok_options options,
                                  ofr_error *err);

/* "post_processor" of tokenizer.json: tok->cls and tok->sep; refused when it puts texts
 * together otherwise than tok.c does. */
ofr_status ofr_tok_take_post(ofr_tok *tok, const json_t *post, const char *name,
                             ofr_error *err);

/* tokenizer.json. */
ofr_status ofr_tok_open_json(ofr_tok *tok, ofr_tok_settings *s, const char *path,
                             ofr_tok_options options, ofr_error *err);

#endif
