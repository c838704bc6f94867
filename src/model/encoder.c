/*
 * encoder.c - an encoder as a thing: read it, make it, give it a task, pack it.
 *
 * In the flat block the backbone comes first, then poolers, heads and policies.
 * So a change of task leaves the front of the block as it is.
 */
#include "model/encoder.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/encoder_inner.h"
#include "model/weights.h"

#define EXIT_GROUPS \
    (OFR_GROUP_POOLER | OFR_GROUP_HEADS | OFR_GROUP_POLICIES | OFR_GROUP_TOKENS)

/* What an untrained policy says: seldom, so that training sees all layers. */
#define POLICY_START 0.1

/* ---- open and close ----------------------------------------------------- */

static ofr_status make_block(ofr_encoder *encoder, ofr_error *err)
{
    OFR_TRY(ofr_params_open(&encoder->params, &encoder->config, err));
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

static ofr_status read_dir(ofr_encoder *encoder, const char *dir, uint64_t seed,
                           ofr_error *err)
{
    char path[OFR_PATH_MAX];
    OFR_TRY(ofr_file_join(path, dir, "config.json", err));
    OFR_TRY(ofr_config_load(&encoder->config, path, err));
    OFR_TRY(make_block(encoder, err));
    ofr_params_init(&encoder->params, &encoder->config, encoder->w, EXIT_GROUPS, seed,
                    POLICY_START);
    OFR_TRY(ofr_weights_load(&encoder->params, &encoder->config, dir, encoder->w,
                             &encoder->found, err));
    unsigned heads = OFR_GROUP_HEADS | OFR_GROUP_POOLER;
    encoder->config.has_exits = (encoder->found & heads) == heads;
    encoder->config.has_policies = (encoder->found & OFR_GROUP_POLICIES) != 0;
    if (encoder->config.K > 0 && !(encoder->found & OFR_FOUND_CLASSIFIER)) {
        return forget_classifier(encoder, err);
    }
    return OFR_OK;
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
    ofr_mem_free(encoder->packed_at);
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
    ofr_encoder_close(encoder);
    *encoder = made;
    return OFR_OK;
}

/* ---- packing ------------------------------------------------------------ */

typedef struct packing {
    ofr_encoder *encoder;
    ofr_dev *dev;
    size_t total;
    bool measuring;
} packing;

/* Measures, or packs w[O,I] at offset `from`; returns where it starts. */
static size_t pack_one(packing *p, size_t from, int O, int I)
{
    size_t start = p->total;
    if (!p->measuring) {
        p->dev->ops.pack(p->dev, p->encoder->packed + start, p->encoder->w + from, O, I);
    }
    p->total += (p->dev->ops.pack_size(O, I) + 15) / 16 * 16;
    return start;
}

static void pack_all(packing *p)
{
    ofr_encoder *encoder = p->encoder;
    const ofr_config *c = &encoder->config;
    size_t *at = encoder->packed_at, *pool_at = at + (size_t)c->L * OFR_PACKED_LAYER;
    p->total = 0;
    for (int l = 0; l < c->L; l++) {
        const ofr_layer_at *layer = &encoder->params.layers[l];
        size_t *mine = at + (size_t)l * OFR_PACKED_LAYER;
        if (l > 0 && c->shared_layers) {
            memcpy(mine, at, OFR_PACKED_LAYER * sizeof *at);
            continue;
        }
        mine[OFR_PACKED_QKV] = pack_one(p, layer->qkv_w, 3 * c->C, c->C);
        mine[OFR_PACKED_OUT] = pack_one(p, layer->out_w, c->C, c->C);
        mine[OFR_PACKED_UP] = pack_one(p, layer->up_w, c->F, c->C);
        mine[OFR_PACKED_DOWN] = pack_one(p, layer->down_w, c->C, c->F);
    }
    for (int l = 0; l < c->L; l++) {
        bool again = l > 0 && c->pooler == OFR_POOLER_SHARED;
        pool_at[l] = again ? pool_at[0]
                           : pack_one(p, encoder->params.exits[l].pool_w, c->C, c->C);
    }
    pool_at[c->L] = 0;
    if (ofr_config_projects(c)) {
        pool_at[c->L] = pack_one(p, encoder->params.project_w, c->C, c->E);
    }
}

ofr_status ofr_encoder_pack(ofr_encoder *encoder, ofr_dev *dev, ofr_precision precision,
                            ofr_error *err)
{
    if (precision != OFR_PRECISION_F32)
        return ofr_fail(err, OFR_INVALID, "precision %s: only f32 runs in this build",
                        ofr_precision_name(precision));
    packing p = {.encoder = encoder, .dev = dev, .measuring = true};
    if (!encoder->packed_at) {
        size_t n = (size_t)encoder->config.L * (OFR_PACKED_LAYER + 1) + 1;
        encoder->packed_at = ofr_mem_array(n, sizeof *encoder->packed_at);
        if (!encoder->packed_at) {
            return ofr_fail_nomem(err, n * sizeof *encoder->packed_at, "packed weights");
        }
    }
    pack_all(&p);
    if (!encoder->packed || p.total != encoder->packed_total) {
        ofr_mem_free(encoder->packed);
        encoder->packed_total = p.total;
        encoder->packed = ofr_mem_array(p.total, sizeof *encoder->packed);
        if (!encoder->packed) {
            return ofr_fail_nomem(err, p.total * sizeof(ofr_real), "packed weights");
        }
    }
    p.measuring = false;
    pack_all(&p);
    return OFR_OK;
}

ofr_status ofr_encoder_open_packed(ofr_encoder *encoder, const char *dir,
                                   const ofr_ops *ops, int n_threads, int precision,
                                   ofr_error *err)
{
    ofr_encoder made;
    ofr_dev *dev;
    ofr_precision wanted =
        precision == OFR_AS_STORED ? OFR_PRECISION_F32 : (ofr_precision)precision;
    OFR_TRY(ofr_encoder_open(&made, dir, 0, err));
    ofr_status status = ofr_dev_open(&dev, ops, n_threads, 1, err);
    if (status == OFR_OK) {
        status = ofr_encoder_pack(&made, dev, wanted, err);
        ofr_dev_close(dev);
    }
    if (status != OFR_OK) {
        ofr_encoder_close(&made);
        return status;
    }
    *encoder = made;
    return OFR_OK;
}

/* ---- for the walks ------------------------------------------------------ */

const ofr_real *ofr_encoder_packed(const ofr_encoder *encoder, int l, int which)
{
    return encoder->packed + encoder->packed_at[l * OFR_PACKED_LAYER + which];
}

const ofr_real *ofr_encoder_packed_pooler(const ofr_encoder *encoder, int layer)
{
    if (!encoder->packed) return NULL;
    int L = encoder->config.L;
    return encoder->packed + encoder->packed_at[L * OFR_PACKED_LAYER + layer - 1];
}

const ofr_real *ofr_encoder_packed_project(const ofr_encoder *encoder)
{
    int L = encoder->config.L;
    return encoder->packed + encoder->packed_at[L * OFR_PACKED_LAYER + L];
}

void ofr_encoder_positions(const ofr_config *config, int *positions,
                           const ofr_tokens *tokens)
{
    for (int b = 0; b < tokens->B; b++) {
        int first = tokens->offsets[b];
        for (int n = first; n < tokens->offsets[b + 1]; n++) {
            positions[n] = config->position_offset + n - first;
        }
    }
}

const int *ofr_encoder_types(const ofr_config *config, const ofr_tokens *tokens,
                             const int *zeros)
{
    if (config->n_types == 0) return NULL;
    return config->n_types == 1 || !tokens->types ? zeros : tokens->types;
}
