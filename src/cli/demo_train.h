/*
 * demo_train.h - the demo's model, and its training lesson by lesson.
 *
 * A small transformer with random weights first meets plain opinions, then more
 * and more difficult sentences (all exits learning jointly); after the lessons it
 * goes through every phase of ConsistentEE on all of them together.
 */
#ifndef OFR_CLI_DEMO_TRAIN_H
#define OFR_CLI_DEMO_TRAIN_H

#include "cli/demo_data.h"
#include "cli/term.h"
#include "method/method.h"

/* A model for the grammar's vocabulary with random weights.  Caller closes. */
ofr_status ofr_demo_model_open(ofr_encoder *encoder, const ofr_tok *tok, uint64_t seed,
                               ofr_error *err);

typedef struct ofr_demo_training {
    long long n_sentences;    /* shown in lessons and phases, without repetitions */
    long long steps;
    double seconds;
    ofr_method_result result; /* of the phases of ConsistentEE */
} ofr_demo_training;

/* Train from where `encoder` stands; explains itself on `term`. */
ofr_status ofr_demo_train(ofr_demo_training *training, ofr_encoder *encoder, ofr_dev *dev,
                          const ofr_tok *tok, const ofr_demo_held *held, uint64_t seed,
                          ofr_term *term, ofr_error *err);

#endif
