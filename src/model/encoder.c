/*
 * encoder.c - an encoder as a thing: read it, make it, give it a task.
 *
 * In the flat block the backbone comes first, then poolers, heads and policies.
 * So a change of task leaves the front of the block as it is.
 */
#include "model/encoder.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/encoder_inner.h"
#include "model/family.h"
#include "model/weights.h"

#define EXIT_GROUPS \
    (OFR_GROUP_POOLER | OFR_GROUP_HEADS | OFR_GROUP_POLICIES | OFR_GROUP_TOKENS)

/* What an untrained policy says: seldom, so that training sees all layers. */
#define POLICY_START 0.1

/* ---- open and close ----------------------------------------------------- */

/* Room for what the table lists. */
static ofr_status make_block(ofr_encoder *encoder, ofr_error *err)
{
    encoder->w = ofr_mem_array(encoder->params.total, sizeof *encoder->w);
    if (encoder->w) return OFR_OK;
    return ofr_fail_nomem(err, encoder->params.total * sizeof *encoder->w, "weights");
}

/* The configuration promised a classifier that the files do not hold: it stays a
 * backbone.  The heads stood behind everything else, so the block fits. */
static ofr_status forget_classifier(ofr_encoder *encoder, ofr_error *err)
{
    ofr_params params;
    OFR_TRY(ofr_config_set_labels(&encoder->config, 0, NULL, false, err));
    OFR_TRY(ofr_params_open(&params, &encoder->config, err));
    ofr_params_close(&encoder->params);
    encoder->params = params;
    return OFR_OK;
}

/* What the files held is what the model has. */
static void settle_groups(ofr_encoder *encoder)
{
    unsigned heads = OFR_GROUP_HEADS | OFR_GROUP_POOLER;
    encoder->config.has_exits = (encoder->found & heads) == heads;
    encoder->config.has_policies = (encoder->found & OFR_GROUP_POLICIES) != 0;
}

/* The configuration of a model whose texts have room for special tokens. */
static ofr_status read_config(ofr_config *config, const char *dir, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    OFR_TRY(ofr_file_join(path, dir, "config.json", err));
    OFR_TRY(ofr_config_load(config, path, err));
    if (config->max_tokens > 0 && config->max_tokens < OFR_TOKENS_MIN)
        config->max_tokens = OFR_TOKENS_MIN;
    return OFR_OK;
}

/* The files are open, so what the configuration claims is there. */
static ofr_status read_weights(ofr_encoder *encoder, const ofr_weights *files,
                               uint64_t seed, ofr_error *err)
{
    OFR_TRY(make_block(encoder, err));
    ofr_params_init(&encoder->params, &encoder->config, encoder->w, EXIT_GROUPS, seed,
                    POLICY_START);
    OFR_TRY(ofr_weights_load(files, &encoder->params, encoder->w, err));
    encoder->found = files->found;
    settle_groups(encoder);
    if (encoder->config.K > 0 && !(encoder->found & OFR_FOUND_CLASSIFIER)) {
        return forget_classifier(encoder, err);
    }
    return OFR_OK;
}

static ofr_status read_dir(ofr_encoder *encoder, const char *dir, uint64_t seed,
                           ofr_error *err)
{
    ofr_weights files = {0};
    OFR_TRY(read_config(&encoder->config, dir, err));
    OFR_TRY(ofr_params_open(&encoder->params, &encoder->config, err));
    ofr_status status =
        ofr_weights_open(&files, &encoder->params, &encoder->config, dir, err);
    if (status == OFR_OK) status = read_weights(encoder, &files, seed, err);
    ofr_weights_close(&files);
    return status;
}

ofr_status ofr_encoder_open(ofr_encoder *encoder, const char *dir, uint64_t seed,
                            ofr_error *err)
{
    ofr_encoder made = {0};
    ofr_status status = read_dir(&made, dir, seed, err);
    if (status != OFR_OK) {
        ofr_encoder_close(&made);
        return status;
    }
    *encoder = made;
    return OFR_OK;
}

ofr_status ofr_encoder_new(ofr_encoder *encoder, const ofr_config *config, uint64_t seed,
                           ofr_error *err)
{
    ofr_encoder made = {0};
    ofr_status status = ofr_config_copy(&made.config, config, err);
    if (status == OFR_OK) status = ofr_params_open(&made.params, &made.config, err);
    if (status == OFR_OK) status = make_block(&made, err);
    if (status != OFR_OK) {
        ofr_encoder_close(&made);
        return status;
    }
    ofr_params_init(&made.params, &made.config, made.w, OFR_GROUP_BACKBONE | EXIT_GROUPS,
                    seed, POLICY_START);
    made.config.has_exits = made.config.has_policies = made.config.K > 0;
    *encoder = made;
    return OFR_OK;
}

void ofr_encoder_close(ofr_encoder *encoder)
{
    if (!encoder) return;
    ofr_config_free(&encoder->config);
    ofr_params_close(&encoder->params);
    ofr_mem_free(encoder->w);
    ofr_mem_free(encoder->packed);
    ofr_mem_free(encoder->storage);
    ofr_later_close(encoder->later);
    if (encoder->files) ofr_weights_close(encoder->files);
    ofr_mem_free(encoder->files);
    *encoder = (ofr_encoder){0};
}

/* ---- a new task --------------------------------------------------------- */

static void copy_reals(ofr_real *w, size_t to, const ofr_real *old, size_t from, size_t n)
{
    if (to == OFR_PARAM_NONE || from == OFR_PARAM_NONE) return;
    memcpy(w + to, old + from, n * sizeof *w);
}

/* A pooler of its own for every layer begins as the shared one; a shared one
 * begins as that of layer L. */
static void copy_exits(ofr_encoder *made, const ofr_encoder *old)
{
    const ofr_config *c = &made->config;
    size_t C = (size_t)c->C, K = (size_t)c->K, P = (size_t)c->policy_hidden;
    bool same_K = c->K == old->config.K;
    bool pooled = old->config.heads == OFR_HEAD_POOLED;
    size_t unit = c->gate == OFR_GATE_LTE ? C : P;
    bool same_policies = same_K && c->policy_hidden == old->config.policy_hidden &&
                         c->gate == old->config.gate;
    for (int l = 0; l < c->L; l++) {
        const ofr_exit_at *to = &made->params.exits[l];
        const ofr_exit_at *from = &old->params.exits[l];
        copy_reals(made->w, to->pool_w, old->w, from->pool_w, C * C);
        copy_reals(made->w, to->pool_b, old->w, from->pool_b, C);
        if (same_K && (pooled || l == c->L - 1)) {
            copy_reals(made->w, to->head_w, old->w, from->head_w, K * C);
            copy_reals(made->w, to->head_b, old->w, from->head_b, K);
        }
        if (same_policies) {
            copy_reals(made->w, to->policy_w1, old->w, from->policy_w1, P * C);
            copy_reals(made->w, to->policy_b1, old->w, from->policy_b1, P);
            copy_reals(made->w, to->policy_w2, old->w, from->policy_w2, unit);
            copy_reals(made->w, to->policy_b2, old->w, from->policy_b2, 1);
        }
    }
}

ofr_status ofr_encoder_set_task(ofr_encoder *encoder, int K, const char *const *labels,
                                bool regression, ofr_pooler_kind pooler,
                                int policy_hidden, uint64_t seed, ofr_error *err)
{
    ofr_encoder made = {0};
    if (K < 1 || policy_hidden < 1 || policy_hidden > 65536) {
        return ofr_fail(err, OFR_INVALID,
                        "%d classes and a policy of %d units, expected at least 1 class "
                        "and 1 to 65536 units",
                        K, policy_hidden);
    }
    ofr_status status = ofr_config_copy(&made.config, &encoder->config, err);
    if (status == OFR_OK) {
        status = ofr_config_set_labels(&made.config, K, labels, regression, err);
    }
    made.config.pooler = pooler;
    made.config.policy_hidden = policy_hidden;
    made.config.has_exits = made.config.has_policies = true;
    made.config.heads = OFR_HEAD_POOLED;
    made.config.token_exits = false;
    if (status == OFR_OK) status = ofr_params_open(&made.params, &made.config, err);
    if (status == OFR_OK) status = make_block(&made, err);
    if (status != OFR_OK) {
        ofr_encoder_close(&made);
        return status;
    }
    ofr_params_init(&made.params, &made.config, made.w, EXIT_GROUPS, seed, POLICY_START);
    size_t backbone = made.params.exits[0].pool_w;
    OFR_ASSERT(backbone == encoder->params.exits[0].pool_w);
    memcpy(made.w, encoder->w, backbone * sizeof *made.w);
    copy_exits(&made, encoder);
    made.found = encoder->found;
    if (K != encoder->config.K) {
        made.found &= OFR_GROUP_BACKBONE | OFR_GROUP_POOLER;
    }
    if (policy_hidden != encoder->config.policy_hidden) {
        made.found &= ~(unsigned)OFR_GROUP_POLICIES;
    }
    ofr_encoder_close(encoder);
    *encoder = made;
    return OFR_OK;
}

/* ---- for inference alone ------------------------------------------------ */

/* The files are open: settle what they hold, then read and pack it. */
static ofr_status read_packed(ofr_encoder *encoder, ofr_params *whole, ofr_dev *dev,
                              int precision, bool later, ofr_error *err)
{
    encoder->found = encoder->files->found;
    settle_groups(encoder);
    if (encoder->config.K > 0 && !(encoder->found & OFR_FOUND_CLASSIFIER)) {
        OFR_TRY(ofr_config_set_labels(&encoder->config, 0, NULL, false, err));
    }
    OFR_TRY(ofr_params_open_rest(&encoder->params, &encoder->config, err));
    OFR_TRY(make_block(encoder, err));
    ofr_params_init(&encoder->params, &encoder->config, encoder->w, EXIT_GROUPS, 0,
                    POLICY_START);
    /* What is not packed; `whole` is row for row the same table. */
    OFR_TRY(ofr_weights_load(encoder->files, &encoder->params, encoder->w, err));
    if (precision == OFR_AS_STORED) precision = (int)encoder->config.precision;
    return ofr_encoder_pack_files(encoder, dev, whole, encoder->files,
                                  (ofr_precision)precision, later, err);
}

static ofr_status open_packed(ofr_encoder *encoder, const char *dir, ofr_dev *dev,
                              int precision, bool later, ofr_error *err)
{
    ofr_params whole = {0};
    OFR_TRY(read_config(&encoder->config, dir, err));
    encoder->files = ofr_mem_zalloc(sizeof *encoder->files);
    if (!encoder->files) return ofr_fail_nomem(err, sizeof *encoder->files, dir);
    OFR_TRY(ofr_params_open(&whole, &encoder->config, err));
    ofr_status status =
        ofr_weights_open(encoder->files, &whole, &encoder->config, dir, err);
    if (status == OFR_OK)
        status = read_packed(encoder, &whole, dev, precision, later, err);
    ofr_params_close(&whole);
    return status;
}

ofr_status ofr_encoder_open_packed(ofr_encoder *encoder, const char *dir,
                                   const ofr_ops *ops, int n_threads, int precision,
                                   bool later, ofr_error *err)
{
    ofr_encoder made = {0};
    ofr_dev *dev;
    OFR_TRY(ofr_dev_open(&dev, ops, n_threads, 1, err));
    ofr_status status = open_packed(&made, dir, dev, precision, later, err);
    ofr_dev_close(dev);
    if (status != OFR_OK) {
        ofr_encoder_close(&made);
        return status;
    }
    *encoder = made;
    return OFR_OK;
}

/* ---- for the walks ------------------------------------------------------ */

void ofr_encoder_positions(const ofr_config *config, int *positions,
                           const ofr_tokens *tokens)
{
    /* A RoBERTa does not count a <pad> that somebody wrote into a text. */
    const bool pads_apart = ofr_family_of(config->family)->positions_after_pad;
    for (int b = 0; b < tokens->B; b++) {
        int next = config->position_offset;
        for (int n = tokens->offsets[b]; n < tokens->offsets[b + 1]; n++) {
            bool pad = pads_apart && tokens->ids[n] == config->pad_id;
            positions[n] = pad ? config->pad_id : next++;
        }
    }
}

const int *ofr_encoder_types(const ofr_config *config, const ofr_tokens *tokens,
                             const int *zeros)
{
    if (config->n_types == 0) return NULL;
    return config->n_types == 1 || !tokens->types ? zeros : tokens->types;
}
