/*
 * fuzz_features.c - token ids from a file, checked against a model, then run.
 *
 * First byte: a safetensors file or lines; one text or pairs.
 */
#include "fuzz.h"

#include <string.h>

#include "base/cpu.h"
#include "cli/features_input.h"
#include "io/json.h"

static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##a\n##b\n";
static const char shape[] =
    "{\"model_type\":\"bert\",\"num_hidden_layers\":1,\"hidden_size\":4,"
    "\"num_attention_heads\":1,\"intermediate_size\":4,\"vocab_size\":8,"
    "\"max_position_embeddings\":12,\"type_vocab_size\":2}";

static const ofr_loaded *model(void)
{
    static ofr_loaded m;
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    json_t *json;
    ofr_config config;
    ofr_error err;
    const char *path;
    if (m.tok) return &m;
    path = ofr_fuzz_file("vocab.txt", (const uint8_t *)vocabulary, sizeof vocabulary - 1);
    OFR_FUZZ_CHECK(ofr_tok_open(&m.tok, path, (ofr_tok_options){-1}, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_json_parse(&json, shape, sizeof shape - 1, "shape", &err) ==
                   OFR_OK);
    OFR_FUZZ_CHECK(ofr_config_parse(&config, json, "shape", &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_encoder_new(&m.encoder, &config, 1, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_dev_open(&m.dev, &ops, 1, 12, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_encoder_pack(&m.encoder, m.dev, OFR_PRECISION_F32, &err) ==
                   OFR_OK);
    ofr_config_free(&config);
    json_decref(json);
    m.max_tokens = 12;
    return &m;
}

/* Each text alone through embeddings and layer. */
static void run(const ofr_features_input *in, const ofr_loaded *m)
{
    static ofr_walk walk;
    ofr_error err;
    if (!walk.encoder)
        OFR_FUZZ_CHECK(ofr_walk_open(&walk, &m->encoder, m->dev, 1, 12, &err) == OFR_OK);
    for (int b = 0; b < in->B && b < 16; b++) {
        const int from = in->offsets[b], offsets[2] = {0, in->offsets[b + 1] - from};
        const ofr_tokens tokens = {1, offsets, in->ids + from, in->types + from};
        ofr_walk_begin(&walk, &tokens);
        ofr_walk_layer(&walk);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {"in.safetensors", "in.txt"};
    const ofr_loaded *m = model();
    ofr_features_input in;
    ofr_error err;
    ofr_status status;
    const char *path;
    int kind;
    if (size < 1) return 0;
    kind = data[0] & 1;
    path = ofr_fuzz_file(files[kind], data + 1, size - 1);
    status = ofr_features_input_open(&in, path, m, data[0] & 2, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, files[kind]);
        return 0;
    }
    OFR_FUZZ_CHECK(in.B >= 1 && in.T >= 1 && in.offsets[0] == 0);
    for (int b = 0; b < in.B; b++) {
        OFR_FUZZ_CHECK(in.offsets[b + 1] > in.offsets[b]);
        OFR_FUZZ_CHECK(in.offsets[b + 1] - in.offsets[b] <= 12);
        for (int i = in.offsets[b]; i < in.offsets[b + 1]; i++)
            OFR_FUZZ_CHECK(in.ids[i] >= 0 && in.ids[i] < 8 && in.types[i] >= 0 &&
                           in.types[i] < 2 && in.columns[i] < in.T);
    }
    run(&in, m);
    ofr_features_input_close(&in);
    return 0;
}
