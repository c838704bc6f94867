/*
 * stream.c - batches one after another, and a place to wait between layers.
 *
 * There is no schedule: a batch takes along whoever waits where it passes, and
 * stops where it and they are too few.  So fewer than `low` tokens wait at any
 * depth, and a layer is run on fewer only to make room or at the end.
 */
#include "exit/stream.h"

#include <string.h>

static void layout(ofr_slots *slots, void *owner)
{
    ofr_stream *stream = owner;
    size_t window = (size_t)stream->options.window;
    stream->state = ofr_slots_take(slots, window, OFR_RULE_STATE_MAX);
    stream->slots = ofr_slots_take(slots, (size_t)stream->options.max_B, sizeof(int));
}

ofr_status ofr_stream_open(ofr_stream *stream, const ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_rule *rule, double threshold,
                           const ofr_stream_options *options, ofr_error *err)
{
    ofr_stream made = {.options = *options};
    const ofr_stream_options *o = &made.options;
    int depths = encoder->config.L - 1;
    /* Rows of a text that leave one by one, at depths of their own, do not wait. */
    if (rule->by_token) made.options.low = 0;
    int park_N = o->low * depths > o->max_N ? o->low * depths : o->max_N;
    OFR_ASSERT(o->window >= o->max_B && o->low >= 0);
    OFR_TRY(ofr_slots_open(&made.memory, layout, &made, "a stream of texts", err));
    ofr_status status = ofr_runner_open(&made.runner, encoder, dev, rule, threshold,
                                        o->window, o->max_N, err);
    if (status == OFR_OK && o->low > 0)
        status = ofr_park_open(&made.park, encoder, o->window, park_N, err);
    if (status != OFR_OK) {
        ofr_stream_close(&made);
        return status;
    }
    *stream = made;
    return OFR_OK;
}

void ofr_stream_close(ofr_stream *stream)
{
    if (!stream) return;
    ofr_park_close(&stream->park);
    ofr_runner_close(&stream->runner);
    ofr_slots_close(&stream->memory);
    memset(stream, 0, sizeof *stream);
}

/* The rule's memory of the texts in the walk from row `first` on: kept by slot
 * while they wait, by row while they go. */
static void copy_state(ofr_stream *stream, int first, bool to_slots)
{
    const ofr_walk *walk = &stream->runner.walk;
    size_t bytes = stream->runner.rule->state_bytes;
    for (int b = first; b < walk->B; b++) {
        unsigned char *slot = stream->state + (size_t)walk->text[b] * OFR_RULE_STATE_MAX;
        unsigned char *row = stream->runner.state + (size_t)b * bytes;
        memcpy(to_slots ? slot : row, to_slots ? row : slot, bytes);
    }
}

static bool set_aside(ofr_stream *stream)
{
    copy_state(stream, 0, true);
    return ofr_park_put(&stream->park, &stream->runner.walk);
}

static void take_along(ofr_stream *stream)
{
    int before = stream->runner.walk.B;
    ofr_park_take(&stream->park, &stream->runner.walk);
    copy_state(stream, before, false);
}

/* On with the walk until nobody is left in it or too few are. */
static void advance(ofr_stream *stream)
{
    ofr_walk *walk = &stream->runner.walk;
    int L = stream->runner.encoder->config.L, low = stream->options.low;
    while (walk->B > 0 && walk->layer < L) {
        ofr_runner_layer(&stream->runner);
        if (walk->B == 0 || walk->layer == L) continue;
        int company = ofr_park_rows(&stream->park, walk->layer);
        if (walk->N + company < low && set_aside(stream)) return;
        if (company > 0) take_along(stream);
    }
}

/* One sweep over all depths. */
static void sweep(ofr_stream *stream)
{
    ofr_walk *walk = &stream->runner.walk;
    for (int layer = 1; layer < stream->runner.encoder->config.L; layer++) {
        walk->layer = layer;
        take_along(stream);
        if (walk->B > 0) ofr_runner_layer(&stream->runner);
    }
}

/* Answers of the texts at the head of the line. */
static void deliver(ofr_stream *stream)
{
    const ofr_runner *runner = &stream->runner;
    const ofr_config *config = &runner->encoder->config;
    for (; stream->out < stream->in; stream->out++) {
        size_t slot = (size_t)(stream->out % stream->options.window);
        if (runner->exit_layer[slot] == 0) return;
        ofr_stream_answer answer = {stream->out, runner->exit_layer[slot],
                                    runner->halfway[slot],
                                    runner->logits + slot * (size_t)config->K,
                                    runner->pi + slot * (size_t)(config->L - 1)};
        stream->options.sink(stream->options.user, &answer);
    }
}

void ofr_stream_finish(ofr_stream *stream)
{
    while (stream->park.B > 0)
        sweep(stream);
    deliver(stream);
    OFR_ASSERT(stream->out == stream->in);
}

void ofr_stream_run(ofr_stream *stream, const ofr_tokens *tokens)
{
    OFR_ASSERT(tokens->B <= stream->options.max_B);
    if (stream->in + tokens->B - stream->out > stream->options.window)
        ofr_stream_finish(stream);
    for (int b = 0; b < tokens->B; b++)
        stream->slots[b] = (int)((stream->in + b) % stream->options.window);
    stream->in += tokens->B;
    ofr_runner_begin(&stream->runner, tokens, stream->slots);
    advance(stream);
    deliver(stream);
}
