/*
 * session.h - the scratch of one caller: worker, runner, tokens, results.
 *
 * A call may hold more rows than the runner was planned for; it then takes
 * several passes.  Results do not depend on what shares a pass, so the caller
 * can not tell.
 */
#ifndef OFR_ENGINE_SESSION_H
#define OFR_ENGINE_SESSION_H

#include "engine/engine.h"
#include "exit/run.h"

/* Where ofr_session_features() keeps what it returns; empty until it is called. */
typedef struct ofr_features_room {
    float *hidden;          /* [L+1,T,C] */
    float *pooled, *logits; /* [L,C], [L,K] */
    float *policy;          /* [L-1] */
    ofr_slots slots;
} ofr_features_room;

struct ofr_session {
    const ofr_model *model; /* borrowed */
    ofr_dev *dev;
    ofr_runner runner;
    ofr_tok_scratch scratch;
    int max_batch, max_tokens, max_rows;
    int B;              /* texts waiting for the next pass          */
    int *offsets;       /* [max_batch+1] their rows in ids          */
    int *ids, *types;   /* [max_rows]                               */
    int *waiting;       /* [max_batch] their place in the call      */
    ofr_result *results; /* [max_batch] of the call under way       */
    float *probs;       /* [max_batch,K] of the last call           */
    ofr_real *p;        /* [K]                                      */
    ofr_rule own;       /* stands for a rule of the caller's own    */
    ofr_exit_function decide; /* that rule, and what it is given    */
    void *user;
    float *own_logits, *own_probs; /* [K] what it is shown          */
    ofr_features_room room;
    ofr_slots slots;
};

/* Checked arguments; `session` is zeroed by the caller, who closes it in any
 * case.  OFR_INVALID, OFR_NOMEM. */
ofr_status ofr_session_prepare(ofr_session *session, const ofr_model *model,
                               const ofr_session_options *options, ofr_error *err);
void ofr_session_release(ofr_session *session);

/* session->results[n] of texts[n], 0 <= n <= max_batch.  OFR_NOMEM. */
ofr_status ofr_session_run(ofr_session *session, const ofr_text *texts, int n,
                           ofr_error *err);

/* ofr_session_set_exit() with checked arguments. */
ofr_status ofr_session_choose_exit(ofr_session *session, const ofr_exit_options *options,
                                   ofr_error *err);

/* ofr_session_features() with checked arguments. */
ofr_status ofr_session_inspect(ofr_session *session, ofr_features *features,
                               const ofr_text *text, ofr_error *err);

/* probs[K] = what an answer with logits z[K] says: probabilities; a regression
 * gives its value. */
void ofr_session_probs(ofr_session *session, float *probs, const ofr_real *z);

#endif
