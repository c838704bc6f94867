/*
 * tiny_encoder.h - a small random model with lively exits, for tests.
 */
#ifndef OFR_TESTS_TINY_ENCODER_H
#define OFR_TESTS_TINY_ENCODER_H

#include "support/support.h"

#include "io/json.h"
#include "model/encoder.h"

typedef struct tiny_shape {
    int L, C, H, F, K;
    int policy_hidden;
    double head_dropout;
    bool per_layer; /* a pooler of its own for every layer */
} tiny_shape;

enum { TINY_V = 97, TINY_POSITIONS = 128 };

/* w[n] = uniform in [-scale, scale). */
static void tiny_fill(const ofr_encoder *encoder, size_t offset, size_t n, uint64_t seed,
                      double scale)
{
    support_random(encoder->w + offset, n, seed, scale);
}

/* BERT with these sizes.  Weights are larger than those of a fresh model, so that
 * classifiers and policies disagree about the texts. */
static void tiny_encoder(ofr_encoder *encoder, const tiny_shape *s, uint64_t seed)
{
    char text[1024];
    ofr_error err;
    json_t *json = NULL;
    ofr_config config;
    int n = snprintf(
        text, sizeof text,
        "{\"model_type\":\"bert\",\"num_hidden_layers\":%d,\"hidden_size\":%d,"
        "\"num_attention_heads\":%d,\"intermediate_size\":%d,\"vocab_size\":%d,"
        "\"max_position_embeddings\":%d,\"type_vocab_size\":2,\"pad_token_id\":0,"
        "\"initializer_range\":0.25,\"num_labels\":%d,\"offramp\":{\"pooler\":\"%s\","
        "\"policy_hidden\":%d}}",
        s->L, s->C, s->H, s->F, TINY_V, TINY_POSITIONS, s->K,
        s->per_layer ? "per-layer" : "shared", s->policy_hidden);
    assert_ok(ofr_json_parse(&json, text, (size_t)n, "tiny", &err), err);
    assert_ok(ofr_config_parse(&config, json, "tiny", &err), err);
    json_decref(json);
    config.head_dropout = s->head_dropout;
    assert_ok(ofr_encoder_new(encoder, &config, seed, &err), err);
    ofr_config_free(&config);

    size_t C = (size_t)s->C, K = (size_t)s->K, P = (size_t)s->policy_hidden;
    for (int l = 0; l < s->L; l++) {
        const ofr_exit_at *at = &encoder->params.exits[l];
        uint64_t mine = seed * 1000 + (uint64_t)l * 10;
        tiny_fill(encoder, at->pool_b, C, mine, 0.3);
        tiny_fill(encoder, at->head_w, K * C, mine + 1, 0.6);
        tiny_fill(encoder, at->head_b, K, mine + 2, 0.3);
        if (l == s->L - 1) continue;
        tiny_fill(encoder, at->policy_w1, P * C, mine + 3, 0.7);
        tiny_fill(encoder, at->policy_b1, P, mine + 4, 0.3);
        tiny_fill(encoder, at->policy_w2, P, mine + 5, 1.0);
        tiny_fill(encoder, at->policy_b2, 1, mine + 6, 0.3);
    }
}

#endif
