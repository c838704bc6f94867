/* session.c - texts to tokens, passes through the runner, answers. */
#include "engine/session.h"

#include <string.h>

#include "exit/answer.h"
#include "kernels/dev.h"

#define DEFAULT_BATCH 32
#define MAX_BATCH 65536
#define PASS_ROWS 4096 /* rows of one pass, unless a single text has more */

static void layout(ofr_slots *slots, void *owner)
{
    ofr_session *s = owner;
    size_t B = (size_t)s->max_batch, N = (size_t)s->max_rows;
    size_t K = (size_t)s->model->encoder.config.K;
    s->offsets = ofr_slots_take(slots, B + 1, sizeof(int));
    s->waiting = ofr_slots_take(slots, B, sizeof(int));
    s->ids = ofr_slots_take(slots, N, sizeof(int));
    s->types = ofr_slots_take(slots, N, sizeof(int));
    s->results = ofr_slots_take(slots, B, sizeof(ofr_result));
    s->probs = ofr_slots_take(slots, B * K, sizeof(float));
    s->p = ofr_slots_take(slots, K, sizeof(ofr_real));
    s->own_logits = ofr_slots_take(slots, K, sizeof(float));
    s->own_probs = ofr_slots_take(slots, K, sizeof(float));
}

static ofr_status check_range(const char *name, int value, int min, int max,
                              ofr_error *err)
{
    if (value == 0 || (value >= min && value <= max)) return OFR_OK;
    return ofr_fail(err, OFR_INVALID, "%s is %d, expected 0 or %d to %d", name, value,
                    min, max);
}

static ofr_status settle_sizes(ofr_session *s, const ofr_session_options *options,
                               ofr_error *err)
{
    int most = ofr_config_max_tokens(&s->model->encoder.config);
    OFR_TRY(check_range("max_batch", options->max_batch, 1, MAX_BATCH, err));
    OFR_TRY(check_range("max_tokens", options->max_tokens, OFR_TOKENS_MIN, most, err));
    OFR_TRY(check_range("n_threads", options->n_threads, 1, OFR_THREADS_MAX, err));
    s->max_batch = options->max_batch > 0 ? options->max_batch : DEFAULT_BATCH;
    s->max_tokens = options->max_tokens > 0 ? options->max_tokens : s->model->max_tokens;
    size_t rows = (size_t)s->max_batch * (size_t)s->max_tokens;
    if (rows > PASS_ROWS) rows = PASS_ROWS;
    s->max_rows = rows < (size_t)s->max_tokens ? s->max_tokens : (int)rows;
    return OFR_OK;
}

/* `part`, again and again, 8 bytes for each token. */
static ofr_status warm_by(ofr_session *s, const char *part, ofr_error *err)
{
    ofr_buf text;
    ofr_buf_init(&text);
    while (text.n < 8 * (size_t)s->max_tokens && !text.failed)
        ofr_buf_adds(&text, part);
    ofr_buf_adds(&text, "\xff"); /* which is left out of a copy of the text */
    ofr_status status = text.failed ? ofr_fail_nomem(err, text.n, "a text") : OFR_OK;
    ofr_str whole = {text.p, text.n};
    if (status == OFR_OK)
        status = ofr_tok_encode(s->model->tok, &s->scratch, whole, whole, s->max_tokens,
                                err);
    ofr_buf_free(&text);
    return status;
}

/* Let the tokenizer's scratch grow now to what texts of the planned length need, so
 * that calls do not allocate unless a text has more than eight bytes per token, in one
 * word or in many.  How many pieces a vocabulary makes of these says nothing about
 * others: room for the most is reserved. */
static ofr_status warm_tokenizer(ofr_session *s, ofr_error *err)
{
    OFR_TRY(ofr_tok_reserve(&s->scratch, s->max_tokens, 8 * (size_t)s->max_tokens, err));
    OFR_TRY(warm_by(s, "abcdefg ", err));
    OFR_TRY(warm_by(s, "abcdefgh", err));
    if (strcmp(ofr_tok_kind(s->model->tok), "unigram") != 0) return OFR_OK;
    /* The signs that stand for most characters of a word: six, which stay, and seven,
     * which come together again. */
    OFR_TRY(warm_by(s, "\xe3\x8c\x96", err));
    return warm_by(s, "\xe3\x88\x9d", err);
}

ofr_status ofr_session_prepare(ofr_session *session, const ofr_model *model,
                               const ofr_session_options *options, ofr_error *err)
{
    session->model = model;
    ofr_tok_scratch_init(&session->scratch);
    OFR_TRY(settle_sizes(session, options, err));
    OFR_TRY(ofr_slots_open(&session->slots, layout, session, "a session", err));
    OFR_TRY(ofr_dev_open(&session->dev, &model->ops, options->n_threads,
                         session->max_tokens, err));
    OFR_TRY(ofr_runner_open(&session->runner, &model->encoder, session->dev,
                            &ofr_rule_never, 0, session->max_batch, session->max_rows,
                            err));
    OFR_TRY(ofr_session_choose_exit(session, &options->exit, err));
    return warm_tokenizer(session, err);
}

void ofr_session_release(ofr_session *session)
{
    ofr_tok_scratch_free(&session->scratch);
    ofr_runner_close(&session->runner);
    ofr_dev_close(session->dev);
    ofr_slots_close(&session->room.slots);
    ofr_slots_close(&session->slots);
}

void ofr_session_probs(ofr_session *session, float *probs, const ofr_real *z)
{
    const ofr_config *config = &session->model->encoder.config;
    size_t K = (size_t)config->K;
    if (config->regression)
        memcpy(session->p, z, K * sizeof(*z));
    else
        ofr_softmax(session->p, z, config->K);
    for (size_t k = 0; k < K; k++)
        probs[k] = (float)session->p[k];
}

/* The result of text b of the pass. */
static void answer(ofr_session *s, int b)
{
    size_t K = (size_t)s->model->encoder.config.K, place = (size_t)s->waiting[b];
    const ofr_real *z = s->runner.logits + (size_t)b * K;
    ofr_result *result = &s->results[place];
    float *probs = s->probs + place * K;
    ofr_session_probs(s, probs, z);
    result->label = ofr_argmax(z, (int)K);
    result->exit_layer = s->runner.exit_layer[b];
    result->probs = probs;
}

/* Run what waits. */
static ofr_status flush(ofr_session *s, ofr_error *err)
{
    const ofr_encoder *encoder = &s->model->encoder;
    size_t K = (size_t)encoder->config.K;
    if (s->B == 0) return OFR_OK;
    ofr_tokens tokens = {s->B, s->offsets, s->ids, s->types};
    ofr_runner_run(&s->runner, &tokens);
    for (int b = 0; b < s->B; b++) {
        OFR_TRY(ofr_answer_check(encoder, s->runner.logits + (size_t)b * K, K,
                                 s->waiting[b], err));
        answer(s, b);
    }
    s->B = 0;
    return OFR_OK;
}

ofr_status ofr_session_run(ofr_session *session, const ofr_text *texts, int n,
                           ofr_error *err)
{
    ofr_session *s = session;
    ofr_tok_scratch *scratch = &s->scratch;
    s->B = 0;
    s->offsets[0] = 0;
    for (int i = 0; i < n; i++) {
        ofr_str text = {texts[i].text, texts[i].text_len};
        ofr_str pair = {texts[i].pair, texts[i].pair_len};
        OFR_TRY(ofr_tok_encode(s->model->tok, scratch, text, pair, s->max_tokens, err));
        OFR_ASSERT(scratch->n >= 1 && scratch->n <= s->max_tokens);
        if (s->offsets[s->B] + scratch->n > s->max_rows) OFR_TRY(flush(s, err));
        size_t at = (size_t)s->offsets[s->B], bytes = (size_t)scratch->n * sizeof(int);
        memcpy(s->ids + at, scratch->ids, bytes);
        memcpy(s->types + at, scratch->types, bytes);
        s->results[i] =
            (ofr_result){.n_tokens = scratch->n, .truncated = scratch->truncated};
        s->waiting[s->B] = i;
        s->offsets[++s->B] = (int)at + scratch->n;
    }
    return flush(s, err);
}
