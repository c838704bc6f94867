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

#endif
