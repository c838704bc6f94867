/* api.c - include/offramp.h: checks arguments, calls below. */
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/session.h"

static ofr_status fail_null(ofr_error *err, const char *function)
{
    return ofr_fail(err, OFR_INVALID, "%s: a pointer that is needed is NULL", function);
}

ofr_status ofr_model_open(ofr_model **out, const char *dir, ofr_error *err)
{
    return ofr_model_open_as(out, dir, NULL, err);
}

ofr_status ofr_model_open_as(ofr_model **out, const char *dir,
                             const ofr_model_options *options, ofr_error *err)
{
    static const ofr_model_options defaults = {0};
    if (out == NULL || dir == NULL) return fail_null(err, "ofr_model_open");
    if (options == NULL) options = &defaults;
    if (options->n_threads < 0 || options->n_threads > OFR_THREADS_MAX)
        return ofr_fail(err, OFR_INVALID, "n_threads is %d, expected 0 to %d",
                        options->n_threads, OFR_THREADS_MAX);
    ofr_model *model = ofr_mem_zalloc(sizeof(*model));
    if (model == NULL) return ofr_fail_nomem(err, sizeof(*model), dir);
    ofr_status status = ofr_engine_open(model, dir, options, err);
    if (status != OFR_OK) {
        ofr_model_close(model);
        return status;
    }
    *out = model;
    return OFR_OK;
}

void ofr_model_close(ofr_model *model)
{
    if (model == NULL) return;
    ofr_engine_close(model);
    ofr_mem_free(model);
}

const char *ofr_model_precision(const ofr_model *model)
{
    return ofr_precision_name(model->encoder.precision);
}

int ofr_model_n_layers(const ofr_model *model)
{
    return model->encoder.config.L;
}

int ofr_model_n_classes(const ofr_model *model)
{
    return model->encoder.config.K;
}

int ofr_model_hidden_size(const ofr_model *model)
{
    return model->encoder.config.C;
}

int ofr_model_is_regression(const ofr_model *model)
{
    return model->encoder.config.regression;
}

const char *ofr_model_rule(const ofr_model *model)
{
    return ofr_rule_stored(&model->encoder.config);
}

const char *ofr_model_label(const ofr_model *model, int label)
{
    const ofr_config *config = &model->encoder.config;
    return label >= 0 && label < config->K ? config->labels[label] : NULL;
}

ofr_status ofr_session_open(ofr_session **out, const ofr_model *model,
                            const ofr_session_options *options, ofr_error *err)
{
    static const ofr_session_options defaults = {0};
    if (out == NULL || model == NULL) return fail_null(err, "ofr_session_open");
    ofr_session *session = ofr_mem_zalloc(sizeof(*session));
    if (session == NULL) return ofr_fail_nomem(err, sizeof(*session), "a session");
    ofr_status status =
        ofr_session_prepare(session, model, options != NULL ? options : &defaults, err);
    if (status != OFR_OK) {
        ofr_session_close(session);
        return status;
    }
    *out = session;
    return OFR_OK;
}

void ofr_session_close(ofr_session *session)
{
    if (session == NULL) return;
    ofr_session_release(session);
    ofr_mem_free(session);
}

ofr_status ofr_session_set_exit(ofr_session *session, const ofr_exit_options *options,
                                ofr_error *err)
{
    static const ofr_exit_options stored = {0};
    if (session == NULL) return fail_null(err, "ofr_session_set_exit");
    return ofr_session_choose_exit(session, options != NULL ? options : &stored, err);
}

/* Are the pointers of text i of a call what they seem? */
static ofr_status check_text(const ofr_text *text, int i, ofr_error *err)
{
    if ((text->text != NULL || text->text_len == 0) &&
        (text->pair != NULL || text->pair_len == 0))
        return OFR_OK;
    return ofr_fail(err, OFR_INVALID, "text %d of the call: NULL with a length", i);
}

ofr_status ofr_classify(ofr_session *session, ofr_result *results, const ofr_text *texts,
                        int n, ofr_error *err)
{
    if (session == NULL) return fail_null(err, "ofr_classify");
    if (n < 0 || n > session->max_batch)
        return ofr_fail(err, OFR_INVALID,
                        "%d texts in one call, this session takes 0 to %d", n,
                        session->max_batch);
    if (n > 0 && (results == NULL || texts == NULL))
        return fail_null(err, "ofr_classify");
    for (int i = 0; i < n; i++)
        OFR_TRY(check_text(&texts[i], i, err));
    OFR_TRY(ofr_session_run(session, texts, n, err));
    if (n > 0) memcpy(results, session->results, (size_t)n * sizeof(*results));
    return OFR_OK;
}

ofr_status ofr_session_features(ofr_session *session, ofr_features *features,
                                const ofr_text *text, ofr_error *err)
{
    if (session == NULL || features == NULL || text == NULL)
        return fail_null(err, "ofr_session_features");
    OFR_TRY(check_text(text, 0, err));
    return ofr_session_inspect(session, features, text, err);
}
