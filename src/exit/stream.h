/*
 * stream.h - a stream of texts through the runner, deep layers kept full.
 *
 * Batches go in one after another.  When so few of a batch are left that a layer
 * would be mostly waiting for its weights, they are set aside, and go on with
 * those whom a later batch brings to the same depth.  What a text is told does
 * not depend on whom it travels with, bit for bit; only when it is told does.
 * Answers come out in the order in which the texts went in.
 */
#ifndef OFR_EXIT_STREAM_H
#define OFR_EXIT_STREAM_H

#include "exit/run.h"
#include "model/park.h"

typedef struct ofr_stream_answer {
    long long number;       /* of the text in the stream, from 0 */
    int exit_layer;
    bool halfway;           /* as in ofr_runner */
    const ofr_real *logits; /* [K] borrowed, as in ofr_runner */
    const ofr_real *pi;     /* [L-1] */
} ofr_stream_answer;

typedef void (*ofr_stream_sink)(void *user, const ofr_stream_answer *answer);

typedef struct ofr_stream_options {
    int max_B, max_N; /* texts and tokens of one batch at most              */
    int low;          /* fewer tokens than this wait for company; 0: nobody */
    int window;       /* texts under way at most, at least max_B            */
    ofr_stream_sink sink;
    void *user;
} ofr_stream_options;

typedef struct ofr_stream {
    ofr_stream_options options;
    ofr_runner runner;    /* results of text n: slot n % window             */
    ofr_park park;
    unsigned char *state; /* [window] of the rule, while a text waits       */
    int *slots;           /* [max_B] of the batch that begins               */
    long long in, out;    /* texts given, texts answered                    */
    ofr_slots memory;
} ofr_stream;

ofr_status ofr_stream_open(ofr_stream *stream, const ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_rule *rule, double threshold,
                           const ofr_stream_options *options, ofr_error *err);
void ofr_stream_close(ofr_stream *stream); /* NULL is allowed */

/* The next texts; tokens as for ofr_walk_begin().  Calls the sink for whatever is
 * answered by then.  Never allocates. */
void ofr_stream_run(ofr_stream *stream, const ofr_tokens *tokens);
/* Everybody who waits goes on to an answer. */
void ofr_stream_finish(ofr_stream *stream);

#endif
