/*
 * features.c - everything the model computes about one text.
 *
 * Between two calls the runner's walk and scratch are free; they are planned for
 * texts of max_tokens, so that only what is returned needs room of its own.
 */
#include <math.h>

#include "engine/session.h"
#include "exit/answer.h"
#include "exit/head.h"
#include "exit/policy.h"

static void layout(ofr_slots *slots, void *owner)
{
    ofr_session *s = owner;
    const ofr_config *c = &s->model->encoder.config;
    size_t L = (size_t)c->L, C = (size_t)c->C, K = (size_t)c->K;
    size_t states = (L + 1) * (size_t)s->max_tokens;
    s->room.hidden = ofr_slots_take(slots, states, C * sizeof(float));
    s->room.pooled = ofr_slots_take(slots, L, C * sizeof(float));
    s->room.logits = ofr_slots_take(slots, L, K * sizeof(float));
    s->room.policy = ofr_slots_take(slots, L - 1, sizeof(float));
}

static void copy(float *to, const ofr_real *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i];
}

/* The rows of layer l of an array over layers, `width` wide, are not there. */
static void blank(float *rows, int l, int width)
{
    for (int i = 0; i < width; i++)
        rows[(size_t)(l - 1) * (size_t)width + (size_t)i] = NAN;
}

/* What classifier and gate of layer l say. */
static void keep_exit(ofr_session *s, int l)
{
    const ofr_encoder *encoder = &s->model->encoder;
    const ofr_config *c = &encoder->config;
    ofr_runner *r = &s->runner;
    size_t at = (size_t)(l - 1), C = (size_t)c->C, K = (size_t)c->K;
    const bool classifies = l == c->L || (encoder->found & OFR_GROUP_HEADS);
    const bool has_policy = l < c->L && (encoder->found & OFR_GROUP_POLICIES);
    if (!classifies) blank(s->room.logits, l, c->K);
    if (!classifies && !has_policy) {
        blank(s->room.pooled, l, c->C);
        return;
    }
    ofr_walk_class_rows(&r->walk, r->cls);
    ofr_head_pool(encoder, s->dev, l, r->c, r->cls, 1);
    copy(s->room.pooled + at * C, r->c, C);
    if (classifies) {
        if (ofr_student_answers(encoder, l))
            ofr_student_forward(&r->student, l, r->z, r->walk.x, r->walk.offsets, 1);
        else
            ofr_head_logits(encoder, s->dev, l, r->z, r->c, 1);
        copy(s->room.logits + at * K, r->z, K);
    }
    if (has_policy) {
        ofr_policy_stop(encoder, s->dev, l, r->stop_pi, r->hidden, r->c, 1);
        copy(s->room.policy + at, r->stop_pi, 1);
    }
}

ofr_status ofr_session_inspect(ofr_session *session, ofr_features *features,
                               const ofr_text *text, ofr_error *err)
{
    ofr_session *s = session;
    const ofr_config *c = &s->model->encoder.config;
    bool has_policy = c->L > 1 && (s->model->encoder.found & OFR_GROUP_POLICIES);
    ofr_str first = {text->text, text->text_len}, second = {text->pair, text->pair_len};
    if (s->room.slots.base == NULL)
        OFR_TRY(ofr_slots_open(&s->room.slots, layout, s, "features", err));
    OFR_TRY(ofr_tok_encode(s->model->tok, &s->scratch, first, second, s->max_tokens,
                           err));
    int T = s->scratch.n;
    size_t state = (size_t)T * (size_t)c->C;
    const int offsets[2] = {0, T};
    ofr_tokens tokens = {1, offsets, s->scratch.ids, s->scratch.types};
    ofr_walk_begin(&s->runner.walk, &tokens);
    copy(s->room.hidden, s->runner.walk.x, state);
    for (int l = 1; l <= c->L; l++) {
        ofr_walk_layer(&s->runner.walk);
        copy(s->room.hidden + (size_t)l * state, s->runner.walk.x, state);
        keep_exit(s, l);
    }
    OFR_TRY(ofr_answer_check(&s->model->encoder, s->runner.walk.x, state, 0, err));
    *features = (ofr_features){
        .n_tokens = T,
        .truncated = s->scratch.truncated,
        .hidden_size = c->C,
        .n_layers = c->L,
        .n_classes = c->K,
        .ids = s->scratch.ids,
        .hidden = s->room.hidden,
        .pooled = s->room.pooled,
        .logits = s->room.logits,
        .policy = has_policy ? s->room.policy : NULL,
    };
    return OFR_OK;
}
