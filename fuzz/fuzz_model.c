/*
 * fuzz_model.c - a whole model directory through the public interface: what opens
 * classifies a text, a pair and nothing at all.
 *
 * Parts of the input: config.json, model.safetensors, vocab.txt,
 * tokenizer_config.json, tokenizer.json.  A letter before the first, which no JSON
 * text begins with, names the precision to open at; without it the model opens at
 * that of its config.json.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "model/config.h"

/* Would this model's fresh parts be small?  A harness has little memory. */
static bool is_small(const char *folder)
{
    char path[200];
    ofr_config c;
    ofr_error err;
    bool small;
    snprintf(path, sizeof path, "%s/config.json", folder);
    if (ofr_config_load(&c, path, &err) != OFR_OK) return true;
    small = c.L <= 16 && c.C <= 64 && c.F <= 256 && c.K <= 64 && c.policy_hidden <= 64 &&
            c.student_width <= 128 && c.n_positions <= 4096;
    ofr_config_free(&c);
    return small;
}

/* NULL: as stored. */
static const char *precision_of(char letter)
{
    switch (letter) {
    case 's': return "f32";
    case 'h': return "f16";
    case 'b': return "bf16";
    case 'i': return "int8";
    default: return NULL;
    }
}

enum { TEXTS = 3 };

static void check(const ofr_model *model, const ofr_result *results)
{
    const int L = ofr_model_n_layers(model), K = ofr_model_n_classes(model);
    for (int i = 0; i < TEXTS; i++) {
        OFR_FUZZ_CHECK(results[i].label >= 0 && results[i].label < K);
        OFR_FUZZ_CHECK(results[i].exit_layer >= 1 && results[i].exit_layer <= L);
        OFR_FUZZ_CHECK(ofr_model_label(model, results[i].label));
        for (int k = 0; k < K; k++)
            OFR_FUZZ_CHECK(isfinite(results[i].probs[k]) &&
                           (K == 1 ||
                            (results[i].probs[k] >= 0 && results[i].probs[k] <= 1)));
    }
}

/* Twice: the second pass packs what the first read in the file. */
static void classify(const ofr_model *model)
{
    static const ofr_text texts[TEXTS] = {
        {"ab a, b!", 8, NULL, 0}, {"a", 1, "b [SEP]", 7}, {"", 0, NULL, 0}};
    const ofr_session_options options = {.max_batch = TEXTS, .n_threads = 1};
    ofr_session *session;
    ofr_result first[TEXTS], second[TEXTS];
    float prob = 0;
    ofr_error err;
    ofr_status status = ofr_session_open(&session, model, &options, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, NULL);
        return;
    }
    status = ofr_classify(session, first, texts, TEXTS, &err);
    if (status == OFR_OK) {
        check(model, first);
        prob = first[0].probs[0]; /* borrowed until the next call */
    }
    OFR_FUZZ_CHECK(ofr_classify(session, second, texts, TEXTS, &err) == status);
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "finite");
    if (status == OFR_OK) {
        check(model, second);
        OFR_FUZZ_CHECK(!memcmp(&prob, second[0].probs, sizeof prob));
        for (int i = 0; i < TEXTS; i++)
            OFR_FUZZ_CHECK(first[i].label == second[i].label &&
                           first[i].exit_layer == second[i].exit_layer);
    }
    ofr_session_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"config.json", "model.safetensors", "vocab.txt",
                                        "tokenizer_config.json", "tokenizer.json"};
    const char *folder = ofr_fuzz_folder();
    ofr_model_options options = {.n_threads = 1};
    ofr_model *model;
    ofr_error err;
    ofr_status status;
    options.precision = size > 0 ? precision_of((char)data[0]) : NULL;
    if (options.precision) {
        data++;
        size--;
    }
    ofr_fuzz_files(names, 5, data, size);
    if (!is_small(folder)) return 0;
    status = ofr_model_open_as(&model, folder, &options, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, folder);
        return 0;
    }
    classify(model);
    ofr_model_close(model);
    return 0;
}
