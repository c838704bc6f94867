/*
 * tok_dir.h - a small tokenizer's directory, file by file, and what it makes of texts.
 */
#ifndef OFR_TESTS_TOK_DIR_H
#define OFR_TESTS_TOK_DIR_H

#include "support/support.h"

#include <sys/stat.h>

#include "tok/tok.h"

static const char small_vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\nA\n"
                                  "\xc3\xa1\n";

static inline void same(const ofr_tok_scratch *s, const int *want, int n)
{
    assert_int_equal(s->n, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(s->ids[i], want[i]);
}

/* A folder with these files; NULL for none. */
static inline ofr_tok *open_dir(const char *vocab, const char *config, const char *json,
                         int lower)
{
    char dir[OFR_PATH_MAX];
    ofr_error err;
    ofr_tok *tok = NULL;
    snprintf(dir, sizeof dir, "%s/model", support_folder());
    mkdir(dir, 0777);
    assert_ok(ofr_file_remove(support_path("model/vocab.txt"), &err), err);
    assert_ok(ofr_file_remove(support_path("model/tokenizer_config.json"), &err), err);
    assert_ok(ofr_file_remove(support_path("model/tokenizer.json"), &err), err);
    assert_ok(ofr_file_remove(support_path("model/added_tokens.json"), &err), err);
    if (vocab) support_write("model/vocab.txt", vocab);
    if (config) support_write("model/tokenizer_config.json", config);
    if (json) support_write("model/tokenizer.json", json);
    assert_ok(ofr_tok_open(&tok, dir, (ofr_tok_options){lower}, &err), err);
    return tok;
}

static inline int id_of(const ofr_tok *tok, const char *text)
{
    ofr_tok_scratch s;
    ofr_error err;
    int id;
    ofr_tok_scratch_init(&s);
    assert_ok(ofr_tok_encode(tok, &s, ofr_str_of(text), (ofr_str){0}, 0, &err), err);
    assert_int_equal(s.n, 3);
    id = s.ids[1];
    ofr_tok_scratch_free(&s);
    return id;
}

/* The file of that name, or NULL. */
static inline const char *file_of(const ofr_tok *tok, const char *name)
{
    for (int i = 0; i < OFR_TOK_FILES; i++)
        if (strcmp(ofr_tok_file_name(i), name) == 0) return ofr_tok_file(tok, i);
    fail_msg("no file is called %s", name);
    return NULL;
}

#endif
