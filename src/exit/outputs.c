/*
 * outputs.c - all exits of many texts in one pass, in batches.
 *
 * Uses the same functions as the runner, layer by layer, so that a rule replayed
 * on these numbers leaves where the runner leaves, bit for bit.
 */
#include "exit/outputs.h"

#include <string.h>

#include "base/mem.h"
#include "exit/answer.h"
#include "exit/head.h"
#include "exit/policy.h"
#include "exit/student.h"
#include "tensor/dtype.h"

/* Scratch of one batch. */
typedef struct pass {
    const ofr_encoder *encoder;
    ofr_dev *dev;
    int max_B;
    int *offsets;      /* [max_B+1] */
    ofr_real *cls, *c; /* [B,C] */
    ofr_real *z, *pi;  /* [B,K], [B] */
    ofr_real *hidden;  /* [B,P] */
    ofr_walk walk;
    ofr_student student;
    ofr_slots slots;
} pass;

static void layout(ofr_slots *slots, void *owner)
{
    pass *p = owner;
    const ofr_config *config = &p->encoder->config;
    size_t B = (size_t)p->max_B;
    p->offsets = ofr_slots_take(slots, B + 1, sizeof(int));
    p->cls = ofr_slots_take(slots, B * (size_t)config->C, sizeof(ofr_real));
    p->c = ofr_slots_take(slots, B * (size_t)config->C, sizeof(ofr_real));
    p->z = ofr_slots_take(slots, B * (size_t)config->K, sizeof(ofr_real));
    p->pi = ofr_slots_take(slots, B, sizeof(ofr_real));
    p->hidden =
        ofr_slots_take(slots, B * (size_t)config->policy_hidden, sizeof(ofr_real));
}

/* What layer `layer` says about the batch that starts at text `first`. */
static void keep_layer(ofr_outputs *outputs, pass *p, int layer, int first)
{
    size_t L = (size_t)outputs->L, K = (size_t)outputs->K, C = (size_t)outputs->C;
    size_t l = (size_t)layer - 1;
    int B = p->walk.B;
    ofr_walk_class_rows(&p->walk, p->cls);
    ofr_head_pool(p->encoder, p->dev, layer, p->c, p->cls, B);
    if (ofr_student_answers(p->encoder, layer))
        ofr_student_forward(&p->student, layer, p->z, p->walk.x, p->walk.offsets, B);
    else
        ofr_head_logits(p->encoder, p->dev, layer, p->z, p->c, B);
    if (l + 1 < L) ofr_policy_stop(p->encoder, p->dev, layer, p->pi, p->hidden, p->c, B);
    for (int b = 0; b < B; b++) {
        size_t text = (size_t)(first + b);
        memcpy(outputs->logits + (text * L + l) * K, p->z + b * K, K * sizeof(ofr_real));
        if (l + 1 < L) outputs->pi[text * (L - 1) + l] = p->pi[b];
        if (outputs->features == NULL) continue;
        uint16_t *features = outputs->features + (text * L + l) * C;
        for (size_t i = 0; i < C; i++)
            features[i] = ofr_f32_to_f16((float)p->c[b * C + i]);
    }
}

static void run_batch(ofr_outputs *outputs, pass *p, const ofr_tokens *tokens, int first,
                      int B)
{
    const int *offsets = tokens->offsets + first;
    for (int b = 0; b <= B; b++)
        p->offsets[b] = offsets[b] - offsets[0];
    ofr_tokens batch = {.B = B,
                        .offsets = p->offsets,
                        .ids = tokens->ids + offsets[0],
                        .types = tokens->types ? tokens->types + offsets[0] : NULL};
    ofr_walk_begin(&p->walk, &batch);
    for (int layer = 1; layer <= outputs->L; layer++) {
        ofr_walk_layer(&p->walk);
        keep_layer(outputs, p, layer, first);
    }
}

/* The answers at layer L, where whatever is not finite has come. */
static ofr_status check_batch(const ofr_outputs *outputs, const ofr_encoder *encoder,
                              int first, int B, ofr_error *err)
{
    const size_t L = (size_t)outputs->L, K = (size_t)outputs->K;
    for (int i = first; i < first + B; i++)
        OFR_TRY(ofr_answer_check(encoder, outputs->logits + ((size_t)i * L + L - 1) * K,
                                 K, i + 1, err));
    return OFR_OK;
}

static ofr_status allocate(ofr_outputs *outputs, bool want_features, ofr_error *err)
{
    size_t n = (size_t)outputs->n, L = (size_t)outputs->L;
    size_t C = (size_t)outputs->C, K = (size_t)outputs->K;
    outputs->logits = ofr_mem_array(n * L, K * sizeof(ofr_real));
    outputs->pi = ofr_mem_array(n, (L - 1) * sizeof(ofr_real));
    if (want_features) outputs->features = ofr_mem_array(n * L, C * sizeof(uint16_t));
    if (outputs->logits == NULL || outputs->pi == NULL ||
        (want_features && outputs->features == NULL))
        return ofr_fail_nomem(err, n * L * (K * sizeof(ofr_real) + C * sizeof(uint16_t)),
                              "outputs of all exits");
    return OFR_OK;
}

ofr_status ofr_outputs_open(ofr_outputs *outputs, const ofr_encoder *encoder,
                            ofr_dev *dev, const ofr_tokens *tokens, int max_B,
                            bool want_features, ofr_outputs_progress progress, void *user,
                            ofr_error *err)
{
    return ofr_outputs_open_part(outputs, encoder, dev, tokens, 0, tokens->B, max_B,
                                 want_features, progress, user, err);
}

ofr_status ofr_outputs_open_part(ofr_outputs *outputs, const ofr_encoder *encoder,
                                 ofr_dev *dev, const ofr_tokens *tokens, int first,
                                 int count, int max_B, bool want_features,
                                 ofr_outputs_progress progress, void *user,
                                 ofr_error *err)
{
    const ofr_config *config = &encoder->config;
    ofr_outputs fresh = {.n = tokens->B, .L = config->L, .K = config->K, .C = config->C};
    pass p = {.encoder = encoder, .dev = dev, .max_B = max_B};
    const int behind = first + count;
    OFR_ASSERT(max_B > 0 && first >= 0 && count >= 0 && behind <= tokens->B);
    ofr_status status = allocate(&fresh, want_features, err);
    if (status != OFR_OK) goto fail;

    int max_N = 1;
    for (int at = first; at < behind; at += max_B) {
        int end = at + max_B < behind ? at + max_B : behind;
        int N = tokens->offsets[end] - tokens->offsets[at];
        if (N > max_N) max_N = N;
    }
    status = ofr_slots_open(&p.slots, layout, &p, "outputs of one batch", err);
    if (status != OFR_OK) goto fail;
    status = ofr_walk_open(&p.walk, encoder, dev, max_B, max_N, err);
    if (status == OFR_OK)
        status = ofr_student_open(&p.student, encoder, dev, max_B, 1, max_N, false, err);
    if (status != OFR_OK) goto fail;

    for (int at = first; at < behind; at += max_B) {
        int B = behind - at < max_B ? behind - at : max_B;
        run_batch(&fresh, &p, tokens, at, B);
        status = check_batch(&fresh, encoder, at, B, err);
        if (status != OFR_OK) goto fail;
        if (progress != NULL && !progress(user, at + B - first, count)) {
            status = ofr_fail(err, OFR_INTERRUPTED, "stopped after %d of %d texts",
                              at + B - first, count);
            goto fail;
        }
    }
    ofr_student_close(&p.student);
    ofr_walk_close(&p.walk);
    ofr_slots_close(&p.slots);
    *outputs = fresh;
    return OFR_OK;

fail:
    ofr_student_close(&p.student);
    ofr_walk_close(&p.walk);
    ofr_slots_close(&p.slots);
    ofr_outputs_close(&fresh);
    return status;
}

void ofr_outputs_close(ofr_outputs *outputs)
{
    if (outputs == NULL) return;
    ofr_mem_free(outputs->logits);
    ofr_mem_free(outputs->pi);
    ofr_mem_free(outputs->features);
    memset(outputs, 0, sizeof *outputs);
}
