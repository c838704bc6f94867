/* tiny_model.c - see tiny_model.h. */
#include "support/support.h"

#include "base/rng.h"
#include "model/encoder.h"
#include "model/weights.h"
#include "support/tiny_model.h"

static void write_vocabulary(const char *dir)
{
    char text[4096] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", path[OFR_PATH_MAX];
    size_t n = strlen(text);
    for (int i = 0; i < TINY_WORDS; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "w%c%c\n", 'a' + i / 8,
                              'a' + i % 8);
    ofr_error err;
    assert_ok(ofr_file_join(path, dir, "vocab.txt", &err), err);
    assert_ok(ofr_file_write(path, text, n, &err), err);
}

static void make_config(ofr_config *config, const char *rule, double threshold,
                        int max_tokens)
{
    static const char *const labels[TINY_CLASSES] = {"red", "green", "blue"};
    ofr_error err;
    assert_ok(ofr_config_shape(config, OFR_FAMILY_BERT, "tiny", 5 + TINY_WORDS, &err),
              err);
    config->L = TINY_LAYERS;
    config->C = config->E = TINY_CHANNELS;
    config->H = 2;
    config->F = 64;
    config->n_positions = 64;
    config->initializer_range = 0.2;
    config->max_tokens = max_tokens;
    assert_ok(ofr_config_set_labels(config, TINY_CLASSES, labels, false, &err), err);
    snprintf(config->rule, sizeof(config->rule), "%s", rule);
    config->threshold = threshold;
}

static void make_loud(ofr_encoder *encoder)
{
    const ofr_config *config = &encoder->config;
    for (int l = 0; l < config->L; l++) {
        const ofr_exit_at *at = &encoder->params.exits[l];
        for (int i = 0; i < TINY_CLASSES * config->C; i++)
            encoder->w[at->head_w + (size_t)i] *= 4;
        if (l == config->L - 1) continue;
        encoder->w[at->policy_b2] = (ofr_real)-0.5;
        for (int i = 0; i < config->policy_hidden; i++)
            encoder->w[at->policy_w2 + (size_t)i] *= 30;
    }
}

static void save(ofr_encoder *encoder, const char *dir)
{
    ofr_error err;
    char path[OFR_PATH_MAX];
    assert_ok(ofr_file_join(path, dir, "model.safetensors", &err), err);
    assert_ok(ofr_weights_save(&encoder->params, &encoder->config, path, encoder->w,
                               OFR_F32, &err),
              err);
    assert_ok(ofr_file_join(path, dir, "config.json", &err), err);
    assert_ok(ofr_config_save(&encoder->config, path, &err), err);
}

void support_tiny_model(const char *dir, const char *rule, double threshold,
                        int max_tokens)
{
    ofr_error err;
    ofr_config config = {0};
    ofr_encoder encoder;
    assert_ok(ofr_file_make_dirs(dir, &err), err);
    write_vocabulary(dir);
    make_config(&config, rule, threshold, max_tokens);
    assert_ok(ofr_encoder_new(&encoder, &config, 6, &err), err);
    make_loud(&encoder);
    save(&encoder, dir);
    ofr_encoder_close(&encoder);
    ofr_config_free(&config);
}

static void keep_last(const char *dir, bool policies)
{
    ofr_error err;
    ofr_encoder encoder;
    support_tiny_model(dir, "never", 0, 0);
    assert_ok(ofr_encoder_open(&encoder, dir, 0, &err), err);
    encoder.config.has_exits = false;
    encoder.config.has_policies = policies;
    save(&encoder, dir);
    ofr_encoder_close(&encoder);
}

void support_tiny_plain(const char *dir)
{
    keep_last(dir, false);
}

void support_tiny_policies(const char *dir)
{
    keep_last(dir, true);
}

static char stored_dir[OFR_PATH_MAX];

int support_tiny_setup(void **state)
{
    (void)state;
    strcpy(stored_dir, support_path("model"));
    support_tiny_model(stored_dir, "policy", 0.5, 16);
    return 0;
}

const char *support_tiny_dir(void)
{
    return stored_dir;
}

const char *support_tiny_text(char out[128], uint64_t i)
{
    size_t n = 0;
    out[0] = '\0';
    for (uint64_t w = 0; w < i % 12; w++) {
        uint32_t word = ofr_rng_below(77, i, w, TINY_WORDS);
        n += (size_t)snprintf(out + n, 128 - n, "w%c%c ", (int)('a' + word / 8),
                              (int)('a' + word % 8));
    }
    return out;
}
