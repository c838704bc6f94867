/* session_exit.c - when the texts of a session stop: a rule by its name, or a
 * function that the caller brought, dressed as a rule. */
#include <math.h>

#include "engine/session.h"

/* One text after the other, as the caller's function sees them. */
static void ask_caller(double threshold, void *state, const ofr_exit_view *view,
                       unsigned char *stop)
{
    ofr_session *s = view->user;
    (void)threshold, (void)state;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * (size_t)view->K;
        for (int k = 0; k < view->K; k++)
            s->own_logits[k] = (float)z[k];
        ofr_session_probs(s, s->own_probs, z);
        ofr_exit_point point = {
            .text = s->waiting[view->slot[i]],
            .layer = view->layer,
            .n_layers = view->n_layers,
            .n_classes = view->K,
            .logits = s->own_logits,
            .probs = s->own_probs,
            .policy = view->pi != NULL ? (float)view->pi[i] : NAN,
        };
        stop[i] = s->decide(s->user, &point) != 0;
    }
}

/* It is shown all that the model has. */
static ofr_rule callers_rule(const ofr_model *model)
{
    return (ofr_rule){
        .name = "of your own",
        .knob = "not asked for",
        .needs_logits = true,
        .needs_policy = (model->encoder.found & OFR_GROUP_POLICIES) != 0,
        .gate = model->encoder.config.gate,
        .decide = ask_caller,
    };
}

ofr_status ofr_session_choose_exit(ofr_session *session, const ofr_exit_options *options,
                                   ofr_error *err)
{
    const ofr_rule *rule;
    double threshold = 0;
    if (options->decide != NULL && options->rule != NULL)
        return ofr_fail(err, OFR_INVALID,
                        "exit rule '%s' and a function that decides; give one of them",
                        options->rule);
    if (options->decide != NULL) {
        session->own = callers_rule(session->model);
        rule = &session->own;
        OFR_TRY(ofr_rule_serves(rule, &session->model->encoder, err));
    } else {
        OFR_TRY(ofr_engine_rule(session->model, &rule, &threshold, options, err));
    }
    OFR_TRY(ofr_runner_set_rule(&session->runner, rule, threshold, session, err));
    session->decide = options->decide;
    session->user = options->user;
    return OFR_OK;
}
