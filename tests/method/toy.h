/*
 * toy.h - a small model and a task of few words, to train in a second.
 *
 * A text is 3 to 8 filler words, one of which is replaced by "good" or "bad";
 * that word is the label, so the first layer can know it.  Other tasks add texts
 * of the one word "coin", whose label is thrown: no layer can know it, and they
 * are all alike, so that none can be learned by heart.
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

typedef enum toy_task {
    TOY_WORD,   /* the word decides                                              */
    TOY_COIN,   /* every other text is a coin                                    */
    TOY_VALUE,  /* as TOY_COIN, a regression: good 4, bad 1                      */
    TOY_THREE,  /* three classes: "fair" is the third word                       */
    TOY_RARE    /* one text in eight is good                                     */
} toy_task;

typedef struct toy {
    toy_task task;
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
    ofr_buf_adds(&vocab, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nfair\ncoin\n");
    for (int i = 0; i < TOY_FILLERS; i++)
        ofr_buf_addf(&vocab, "w%c%c\n", 'a' + i / 26, 'a' + i % 26);
    assert_ok(ofr_tok_open(&t->tok, support_write("toy-vocab.txt", vocab.p), how, &err),
              err);
    ofr_buf_free(&vocab);
}

static int toy_classes(const toy *t)
{
    return t->task == TOY_THREE ? 3 : 2;
}

static int toy_label(const toy *t, uint64_t seed, uint64_t at)
{
    if (t->task == TOY_RARE) return ofr_rng_below(seed, 1, at, 8) == 0;
    return (int)ofr_rng_below(seed, 1, at, (uint32_t)toy_classes(t));
}

static bool toy_is_coin(const toy *t, int i)
{
    return (t->task == TOY_COIN || t->task == TOY_VALUE) && i % 2;
}

static void toy_text(char text[64], int label, uint64_t seed, uint64_t at)
{
    static const char *const words[] = {"bad ", "good ", "fair "};
    const int n = 3 + (int)ofr_rng_below(seed, 1, at, 6);
    const int where = (int)ofr_rng_below(seed, 1, at + 1, (uint32_t)n);

    text[0] = 0;
    for (int w = 0; w < n; w++) {
        const int f = (int)ofr_rng_below(seed, 1, at + 3 + (uint64_t)w, TOY_FILLERS);
        char word[8];

        snprintf(word, sizeof word, "w%c%c ", 'a' + f / 26, 'a' + f % 26);
        strcat(text, w == where ? words[label] : word);
    }
}

/* Numbers in place of classes. */
static void toy_values(ofr_dataset *data)
{
    data->targets = ofr_mem_array((size_t)data->n, sizeof *data->targets);
    assert_non_null(data->targets);
    for (int i = 0; i < data->n; i++)
        data->targets[i] = data->labels[i] ? 4 : 1;
    ofr_mem_free(data->labels);
    data->labels = NULL;
    data->label_names = NULL;
    data->K = 1;
}

static void toy_texts(const toy *t, ofr_dataset *data, int n, uint64_t seed)
{
    static const char *const names[] = {"bad", "good", "fair"};
    char (*text)[64] = malloc((size_t)n * sizeof *text);
    ofr_str *strs = malloc((size_t)n * sizeof *strs);
    int *labels = malloc((size_t)n * sizeof *labels);
    ofr_error err;

    for (int i = 0; i < n; i++) {
        const uint64_t at = (uint64_t)i * 16;

        labels[i] = toy_label(t, seed, at + 2);
        toy_text(text[i], labels[i], seed, at);
        if (toy_is_coin(t, i)) strcpy(text[i], "coin");
        strs[i] = (ofr_str){text[i], strlen(text[i])};
    }
    assert_ok(ofr_dataset_from_texts(data, strs, NULL, labels, n, toy_classes(t), names,
                                     t->tok, 16, &err),
              err);
    if (t->task == TOY_VALUE) toy_values(data);
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
        L, 9 + TOY_FILLERS);

    assert_ok(ofr_json_parse(&json, text, (size_t)n, "toy", &err), err);
    assert_ok(ofr_config_parse(&t->config, json, "toy", &err), err);
    json_decref(json);
}

static ofr_metric toy_metric(toy_task task)
{
    return task == TOY_VALUE  ? OFR_METRIC_PEARSON
           : task == TOY_RARE ? OFR_METRIC_MATTHEWS
                              : OFR_METRIC_ACCURACY;
}

static void toy_open_task(toy *t, toy_task task, int n_train, int L, int threads)
{
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_error err;

    t->task = task;
    toy_tok(t);
    toy_texts(t, &t->train, n_train, 11);
    toy_texts(t, &t->dev_data, 100, 12);
    t->data = (ofr_method_data){&t->train, &t->dev_data, toy_metric(task)};
    toy_config(t, L);
    assert_ok(ofr_dev_open(&t->dev, &ops, threads, 32, &err), err);
}

static inline void toy_open(toy *t, int n_train, int L, int threads)
{
    toy_open_task(t, TOY_WORD, n_train, L, threads);
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
    assert_ok(ofr_encoder_set_task(encoder, t->train.K, t->train.label_names,
                                   t->train.targets != NULL, (ofr_pooler_kind)o->pooler,
                                   o->policy_hidden, 5, &err),
              err);
}

/* Short phases of every kind, with dropout. */
static inline ofr_method_options toy_short_options(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = o.policy_epochs = o.iterations = 2;
    o.task_epochs = 1;
    o.tolerance = 0;
    o.batch = 16;
    o.policy_batch = 8;
    o.lr = 3e-3;
    o.policy_hidden = 6;
    o.dropout = o.attention_dropout = o.head_dropout = 0.1;
    o.policy_holdout = 0.3;
    return o;
}

/* And everything that has randomness or memory switched on. */
static inline ofr_method_options toy_hard_options(void)
{
    ofr_method_options o = toy_short_options();

    o.gradient = OFR_GRADIENT_REINFORCE;
    o.task_loss = OFR_TASK_SAMPLED;
    o.task_updates_policy = true;
    o.hardness = OFR_HARDNESS_FORGETTING;
    o.entropy_bonus = 0.01;
    o.weight_decay = 0.01;
    o.warmup = 0.1;
    o.save_steps = 3;
    o.pooler = OFR_POOLER_PER_LAYER;
    o.alphas = "0.01,0.1";
    o.max_loss = 5;
    return o;
}

/* A copy of folder/journal.jsonl below the temporary folder; the caller frees it. */
static inline char *toy_journal(const char *folder)
{
    char name[100];
    const char *text;

    snprintf(name, sizeof name, "%s/journal.jsonl", folder);
    text = support_read(support_path(name));
    return strcpy(malloc(strlen(text) + 1), text);
}

/* One thread or two: the same weights. */
static inline void toy_threads(const ofr_method *method, const ofr_method_options *o)
{
    const ofr_method_job job = {0};
    ofr_real *weights[2];
    size_t bytes = 0;

    for (int i = 0; i < 2; i++) {
        ofr_encoder encoder;
        ofr_error err;
        toy t;

        toy_open(&t, 60, 4, 1 + i);
        toy_encoder(&t, &encoder, o);
        assert_ok(ofr_method_train(method, &encoder, t.dev, &t.data, o, &job, NULL, &err),
                  err);
        bytes = encoder.params.total * sizeof *encoder.w;
        weights[i] = test_malloc(bytes);
        memcpy(weights[i], encoder.w, bytes);
        ofr_encoder_close(&encoder);
        toy_close(&t);
    }
    assert_memory_equal(weights[0], weights[1], bytes);
    test_free(weights[0]);
    test_free(weights[1]);
}

#endif
