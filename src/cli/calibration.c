/* calibration.c - "offramp": {"calibration": {...}} in config.json. */
#include "cli/calibration.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "io/json.h"
#include "report/jsonline.h"

static json_t *real_or_null(double x)
{
    return isnan(x) ? json_null() : json_real(x);
}

/* NULL when memory is short. */
static json_t *record(const ofr_calibration *c, const ofr_calibration_about *about)
{
    const ofr_calibrate_options *o = about->options;
    json_t *json = json_pack(
        "{s:s, s:f, s:s, s:f, s:f, s:s, s:f, s:i, s:s, s:s?}", "rule", o->rule->name,
        "threshold", c->threshold, "risk", ofr_risk_name(o->risk), "max_drop",
        about->max_drop, "confidence", o->confidence, "bound", ofr_bound_name(o->bound),
        "p", c->p, "texts", c->n, "data", about->data, "data_hash", about->data_hash);
    int failed = !json;

    if (failed) return NULL;
    failed |= json_object_set_new(json, "max_tokens", json_integer(about->max_tokens));
    failed |= json_object_set_new(json, "error_limit", real_or_null(about->error_limit));
    failed |= json_object_set_new(json, "measured_risk", json_real(c->risk));
    failed |= json_object_set_new(json, "measured_drop", real_or_null(c->drop));
    failed |=
        json_object_set_new(json, "measured_disagreement", json_real(c->disagreement));
    failed |= json_object_set_new(json, "mean_exit_layer", json_real(c->mean_exit));
    failed |=
        json_object_set_new(json, "saved_layers", json_real(1 - c->mean_exit / c->L));
    if (failed) json_decref(json);
    return failed ? NULL : json;
}

ofr_status ofr_calibration_store(const char *dir, const ofr_calibration *found,
                                 const ofr_calibration_about *about, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    json_t *json = NULL, *own;
    ofr_status status = OFR_OK;
    int failed = 0;

    OFR_TRY(ofr_file_join(path, dir, "config.json", err));
    OFR_TRY(ofr_json_load(&json, path, err));
    own = json_object_get(json, "offramp");
    if (!json_is_object(own)) {
        own = json_object();
        failed |= json_object_set_new(json, "offramp", own);
    }
    failed |= json_object_set_new(own, "rule", json_string(about->options->rule->name));
    failed |= json_object_set_new(own, "threshold", json_real(found->threshold));
    failed |= json_object_set_new(own, "calibration", record(found, about));
    status = failed ? ofr_fail_nomem(err, 1024, "a calibration")
                    : ofr_json_save(json, path, err);
    json_decref(json);
    return status;
}

static json_t *stored(const ofr_config *config)
{
    return json_object_get(json_object_get(config->json, "offramp"), "calibration");
}

void ofr_calibration_forget(ofr_config *config)
{
    json_t *own = json_object_get(config->json, "offramp");

    if (!stored(config)) return;
    (void)json_object_del(own, "calibration");
    ofr_log(OFR_LOG_INFO, "the calibration of the model it starts from does not hold for "
                          "the new one and is left out");
}

void ofr_calibration_say_limit(ofr_buf *out, bool answers, double limit)
{
    if (isnan(limit)) return;
    ofr_buf_addf(out, ", %s below %g counted as %s", answers ? "differences" : "errors",
                 limit, answers ? "none" : "right");
}

bool ofr_calibration_say(ofr_buf *out, const ofr_config *config)
{
    const json_t *c = stored(config);
    const char *name = json_string_value(json_object_get(c, "rule"));
    const char *risk = json_string_value(json_object_get(c, "risk"));
    const bool answers = risk && strcmp(risk, "disagreement") == 0;
    const json_t *limit = json_object_get(c, "error_limit"); /* of a regression */

    if (!name || !risk) return false;
    ofr_buf_addf(out,
                 "threshold %g of rule '%s' was calibrated: %s at most %g points %s the "
                 "full model, %g %% sure",
                 json_number_value(json_object_get(c, "threshold")), name,
                 answers ? "answers" : "accuracy",
                 json_number_value(json_object_get(c, "max_drop")),
                 answers ? "other than those of" : "below that of",
                 100 * json_number_value(json_object_get(c, "confidence")));
    if (!json_is_number(limit)) return true;
    ofr_calibration_say_limit(out, answers, json_number_value(limit));
    if (json_number_value(limit) != config->error_limit)
        ofr_buf_addf(out, "; no guarantee for the error limit of the model, %g",
                     config->error_limit);
    return true;
}

static int take(const char *p, size_t n, void *out)
{
    ofr_buf_add(out, p, n);
    return 0;
}

void ofr_calibration_json(ofr_buf *out, const ofr_config *config)
{
    const json_t *c = stored(config);

    if (!c) {
        ofr_jsonline_text(out, "calibration", NULL);
        return;
    }
    ofr_jsonline_key(out, "calibration");
    if (json_dump_callback(c, take, out, 0)) out->failed = true; /* no memory */
}

/* What of the model as it was opened is not as it was calibrated; false: nothing. */
static bool say_other(ofr_buf *out, const ofr_loaded *m, const json_t *c)
{
    const char *name = json_string_value(json_object_get(c, "rule"));
    const double at = json_number_value(json_object_get(c, "threshold"));
    /* 0: calibrated by a version that did not write it down */
    const int cut = (int)json_integer_value(json_object_get(c, "max_tokens"));
    const ofr_precision held = m->encoder.config.precision;

    if (strcmp(name, m->rule->name) != 0 || at != m->threshold)
        ofr_buf_addf(out, "rule '%s' at %g is not the calibrated one ('%s' at %g)",
                     m->rule->name, m->threshold, name, at);
    else if (m->encoder.precision != held)
        ofr_buf_addf(out, "precision %s is not the calibrated one (%s)",
                     ofr_precision_name(m->encoder.precision), ofr_precision_name(held));
    else if (cut && m->max_tokens != cut)
        ofr_buf_addf(out,
                     "texts cut to %d tokens are not the calibrated ones (cut to %d)",
                     m->max_tokens, cut);
    return out->n > 0;
}

void ofr_calibration_remark(const ofr_loaded *model)
{
    const ofr_config *config = &model->encoder.config;
    ofr_buf said, other;

    ofr_buf_init(&said);
    ofr_buf_init(&other);
    if (ofr_calibration_say(&said, config)) {
        if (say_other(&other, model, stored(config)))
            ofr_log(OFR_LOG_INFO, "%s: no guarantee", other.p);
        else if (said.p)
            ofr_log(OFR_LOG_INFO, "%s", said.p);
    }
    ofr_buf_free(&other);
    ofr_buf_free(&said);
}
