/*
 * toy.h - a small model and a task of few words, to train in a second.
 *
 * A text is 3 to 8 filler words, one of which is replaced by "good" or "bad";
 * that word is the label, so the first layer can know it.
 */
#ifndef OFR_TESTS_TOY_H
#define OFR_TESTS_TOY_H

#include "support/support.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "base/rng.h"
#include "io/json.h"
#include "method/method.h"

enum { TOY_FILLERS = 40 };

typedef struct toy {
    ofr_tok *tok;
    ofr_dev *dev;
    ofr_dataset train, dev_data;
    ofr_method_data data;
    ofr_config config;
} toy;

static void toy_tok(toy *t)
{
    const ofr_tok_options how = {-1};
    ofr_error err;
    ofr_buf vocab;

    ofr_buf_init(&vocab);
    ofr_buf_adds(&vocab, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\n");
    for (int i = 0; i < TOY_FILLERS; i++)
        ofr_buf_addf(&vocab, "w%c%c\n", 'a' + i / 26, 'a' + i % 26);
    assert_ok(ofr_tok_open(&t->tok, support_write("toy-vocab.txt", vocab.p), how, &err),
              err);
    ofr_buf_free(&vocab);
}

static void toy_texts(const toy *t, ofr_dataset *data, int n, uint64_t seed)
{
    static const char *const names[] = {"bad", "good"};
    char (*text)[64] = malloc((size_t)n * sizeof *text);
    ofr_str *strs = malloc((size_t)n * sizeof *strs);
    int *labels = malloc((size_t)n * sizeof *labels);
    ofr_error err;

    for (int i = 0; i < n; i++) {
        const uint64_t at = (uint64_t)i * 16;
        const int words = 3 + (int)ofr_rng_below(seed, 1, at, 6);
        const int where = (int)ofr_rng_below(seed, 1, at + 1, (uint32_t)words);

        labels[i] = (int)ofr_rng_below(seed, 1, at + 2, 2);
        text[i][0] = 0;
        for (int w = 0; w < words; w++) {
            const int f = (int)ofr_rng_below(seed, 1, at + 3 + (uint64_t)w, TOY_FILLERS);
            char word[8];

            snprintf(word, sizeof word, "w%c%c ", 'a' + f / 26, 'a' + f % 26);
            strcat(text[i], w == where ? (labels[i] ? "good " : "bad ") : word);
        }
        strs[i] = (ofr_str){text[i], strlen(text[i])};
    }
    assert_ok(ofr_dataset_from_texts(data, strs, NULL, labels, n, 2, names, t->tok, 16,
                                     &err),
              err);
    free(text);
    free(strs);
    free(labels);
}

static void toy_config(toy *t, int L)
{
    char text[600];
    ofr_error err;
    json_t *json = NULL;
    const int n = snprintf(
        text, sizeof text,
        "{\"model_type\":\"bert\",\"num_hidden_layers\":%d,\"hidden_size\":32,"
        "\"num_attention_heads\":2,\"intermediate_size\":48,\"vocab_size\":%d,"
        "\"max_position_embeddings\":32,\"type_vocab_size\":2,\"pad_token_id\":0,"
        "\"initializer_range\":0.08}",
        L, 7 + TOY_FILLERS);

    assert_ok(ofr_json_parse(&json, text, (size_t)n, "toy", &err), err);
    assert_ok(ofr_config_parse(&t->config, json, "toy", &err), err);
    json_decref(json);
}

static void toy_open(toy *t, int n_train, int L, int threads)
{
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_error err;

    toy_tok(t);
    toy_texts(t, &t->train, n_train, 11);
    toy_texts(t, &t->dev_data, 100, 12);
    t->data = (ofr_method_data){&t->train, &t->dev_data, OFR_METRIC_ACCURACY};
    toy_config(t, L);
    assert_ok(ofr_dev_open(&t->dev, &ops, threads, 32, &err), err);
}

static void toy_close(toy *t)
{
    ofr_dataset_close(&t->train);
    ofr_dataset_close(&t->dev_data);
    ofr_config_free(&t->config);
    ofr_tok_close(t->tok);
    ofr_dev_close(t->dev);
}

/* The untrained model: the same bits every time. */
static void toy_encoder(const toy *t, ofr_encoder *encoder, const ofr_method_options *o)
{
    ofr_error err;

    assert_ok(ofr_encoder_new(encoder, &t->config, 5, &err), err);
    assert_ok(ofr_encoder_set_task(encoder, 2, t->train.label_names, false,
                                   (ofr_pooler_kind)o->pooler, o->policy_hidden, 5, &err),
              err);
}

#endif
