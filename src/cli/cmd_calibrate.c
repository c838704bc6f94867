/* cmd_calibrate.c - `offramp calibrate`: a threshold with a guarantee. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "cli/calibration.h"
#include "cli/cmd.h"
#include "cli/eval_data.h"
#include "cli/load.h"
#include "cli/origin.h"
#include "report/jsonline.h"

typedef struct options {
    ofr_cmd_common common;
    const char *model, *rule;
    ofr_eval_data data;
    double max_drop, confidence, error_limit;
    int risk, bound, steps;
    bool dry_run;
} options;

#define AT(member) offsetof(options, data.member)

static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, offsetof(options, model), NULL, "DIR", NULL, 0, 0,
     "model directory; its config.json takes the threshold", "Model and data"},
    OFR_EVAL_DATA_ROWS(AT),
    {"max-drop", 0, OFR_OPT_REAL, offsetof(options, max_drop), NULL, "POINTS", NULL,
     0.001, 99.999, "the risk allowed, in points of 100", "Guarantee"},
    {"confidence", 0, OFR_OPT_REAL, offsetof(options, confidence), "0.95", "X", NULL,
     0.01, 0.999999, "how sure to be, before looking at the data", NULL},
    {"risk", 0, OFR_OPT_CHOICE, offsetof(options, risk), "accuracy", "NAME",
     "accuracy|disagreement|net", 0, 0,
     "accuracy: answers that leaving early makes wrong, an upper bound of the loss of "
     "accuracy; disagreement: answers that differ from the full model's, needs no "
     "labels; net: the loss of accuracy itself, which needs many more texts",
     NULL},
    {"bound", 0, OFR_OPT_CHOICE, offsetof(options, bound), "hb", "NAME", "hoeffding|hb",
     0, 0, "Hoeffding's inequality, or the tighter one of Hoeffding and Bentkus", NULL},
    {"rule", 0, OFR_OPT_TEXT, offsetof(options, rule), NULL, "NAME", NULL, 0, 0,
     "exit rule; default: as stored", NULL},
    {"steps", 0, OFR_OPT_INT, offsetof(options, steps), "200", "N", NULL, 2, 10000,
     "thresholds to try at most, from the safest on", NULL},
    {"error-limit", 0, OFR_OPT_REAL, offsetof(options, error_limit), NULL, "X", NULL, 0,
     1e9, "regression: an answer this close counts as right, and as the same; default: "
     "as in training", NULL},
    {"dry-run", 0, OFR_OPT_FLAG, offsetof(options, dry_run), NULL, NULL, NULL, 0, 0,
     "print the threshold and leave config.json as it is", NULL},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

static bool show_progress(void *user, int done, int total)
{
    ofr_term_progress(user, "calibrate", done, total, NULL);
    return true;
}

/* ---- results -------------------------------------------------------------------- */

static void add_json(ofr_buf *out, const options *o, const ofr_calibration *c,
                     const ofr_calibration_about *about)
{
    const ofr_calibrate_options *how = about->options;

    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "model", o->model);
    ofr_jsonline_text(out, "rule", how->rule->name);
    ofr_jsonline_real(out, "threshold", c->threshold);
    ofr_jsonline_text(out, "risk", ofr_risk_name(how->risk));
    ofr_jsonline_real(out, "max_drop", o->max_drop);
    ofr_jsonline_real(out, "confidence", o->confidence);
    ofr_jsonline_text(out, "bound", ofr_bound_name(how->bound));
    ofr_jsonline_real(out, "error_limit", about->error_limit);
    ofr_jsonline_real(out, "p", c->p);
    ofr_jsonline_int(out, "texts", c->n);
    ofr_jsonline_text(out, "data", about->data);
    ofr_jsonline_text(out, "data_hash", about->data_hash);
    ofr_jsonline_real(out, "measured_risk", c->risk);
    ofr_jsonline_real(out, "measured_drop", c->drop);
    ofr_jsonline_real(out, "measured_disagreement", c->disagreement);
    ofr_jsonline_real(out, "mean_exit_layer", c->mean_exit);
    ofr_jsonline_int(out, "n_layers", c->L);
    ofr_jsonline_real(out, "saved_layers", 1 - c->mean_exit / c->L);
    ofr_jsonline_int(out, "thresholds_accepted", c->accepted);
    ofr_jsonline_bool(out, "stored", !o->dry_run);
    ofr_jsonline_end(out);
}

static void add_text(ofr_buf *out, const options *o, const ofr_calibration *c,
                     const ofr_calibration_about *about)
{
    const ofr_calibrate_options *how = about->options;

    ofr_buf_addf(out, "%s\trule %s, threshold ", o->model, how->rule->name);
    ofr_buf_add_double(out, c->threshold);
    if (how->risk == OFR_RISK_DISAGREEMENT)
        ofr_buf_addf(out, ": at most %g %% of answers differ from the full model's",
                     o->max_drop);
    else
        ofr_buf_addf(out, ": accuracy at most %g points below the full model's",
                     o->max_drop);
    ofr_buf_addf(out, ", %g %% sure", 100 * o->confidence);
    ofr_calibration_say_limit(out, how->risk == OFR_RISK_DISAGREEMENT,
                              about->error_limit);
    ofr_buf_addf(out, " (%d texts, bound %s, p %.2g); ", c->n, ofr_bound_name(how->bound),
                 c->p);
    if (!isnan(c->drop)) ofr_buf_addf(out, "measured %.2f points lost, ", 100 * c->drop);
    ofr_buf_addf(out,
                 "%.2f %% other answers, mean exit layer %.2f of %d, saved layers "
                 "%.1f %%\n",
                 100 * c->disagreement, c->mean_exit, c->L,
                 100 * (1 - c->mean_exit / c->L));
}

static ofr_status print(const options *o, const ofr_calibration *c,
                        const ofr_calibration_about *about, ofr_error *err)
{
    ofr_buf out;
    ofr_status status;

    ofr_buf_init(&out);
    if (o->common.json)
        add_json(&out, o, c, about);
    else
        add_text(&out, o, c, about);
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

/* ---- the run ---------------------------------------------------------------------- */

static ofr_status not_possible(const options *o, const ofr_calibration *c,
                               const ofr_calibrate_options *how, ofr_error *err)
{
    const int least = ofr_calibrate_least_texts(how);

    if (least > c->n)
        return ofr_fail(err, OFR_UNPROVEN,
                        "not possible with this data: %d texts, and %d are needed to "
                        "be %g %% sure of %g points even without a single loss; give "
                        "more texts, a larger --max-drop or a lower --confidence",
                        c->n, least, 100 * o->confidence, o->max_drop);
    return ofr_fail(err, OFR_UNPROVEN,
                    "not possible with this data: of the thresholds of rule '%s' that "
                    "were tried none lets a text leave early and has at most %g points "
                    "of risk, %g %% sure (at %g the risk is %.2f points and p %.2g); "
                    "config.json is as it was",
                    how->rule->name, o->max_drop, 100 * o->confidence, c->threshold,
                    100 * c->risk, c->p);
}

static ofr_status calibrate(const options *o, const ofr_loaded *m,
                            const ofr_dataset *data, const ofr_eval_source *source,
                            const char *hash, ofr_error *err)
{
    const ofr_tokens tokens = {data->n, data->offsets, data->ids, data->types};
    const double limit = m->encoder.config.error_limit;
    const ofr_calibrate_options how = {
        m->rule,       (ofr_risk)o->risk, (ofr_bound)o->bound, o->max_drop / 100,
        o->confidence, o->steps,          isnan(o->error_limit) ? limit : o->error_limit};
    const char *slash = strrchr(source->path, '/');
    const char *name = slash ? slash + 1 : ofr_file_input_name(source->path);
    const ofr_calibration_about about = {&how, o->max_drop, name, hash,
                                         m->max_tokens,
                                         m->encoder.config.regression ? how.error_limit
                                                                      : (double)NAN};
    ofr_calibration found;
    ofr_outputs outputs;
    ofr_status status;

    OFR_TRY(ofr_outputs_open(&outputs, &m->encoder, m->dev, &tokens, 32, false,
                             show_progress, o->common.term, err));
    ofr_term_progress_end(o->common.term);
    status = ofr_calibrate(&found, &outputs, data->labels, data->targets, &how, err);
    ofr_outputs_close(&outputs);
    if (status) return status;
    if (!found.possible) return not_possible(o, &found, &how, err);
    if (!o->dry_run) OFR_TRY(ofr_calibration_store(o->model, &found, &about, err));
    return print(o, &found, &about, err);
}

/* A promise about new texts is not proved by texts that made the model.  *known: the
 * model says which those are. */
static ofr_status check_unseen(bool *known, const char *model, const char *path,
                               ofr_error *err)
{
    ofr_train_source from = {0};
    ofr_origin origin;
    const char *seen = NULL;
    bool relative = false;

    OFR_TRY(ofr_origin_try(&origin, model, err));
    *known = origin.known;
    if (origin.known && !ofr_train_find(&from, &origin.values, NULL)) {
        if (ofr_file_same(from.train, path)) {
            seen = "has learned from";
            relative = from.train[0] != '/';
        } else if (from.has_dev && ofr_file_same(from.dev, path)) {
            seen = "was followed on";
            relative = from.dev[0] != '/';
        }
    }
    ofr_origin_close(&origin);
    if (!seen) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: the training of %s %s these texts, so they prove nothing about "
                    "new ones; give a file that was kept aside%s",
                    path, model, seen,
                    relative ? " (if only its name is the same, as train.json has it "
                               "relative to another folder: call this elsewhere)" : "");
}

static ofr_status check_limit(const options *o, const ofr_config *config, ofr_error *err)
{
    if (isnan(o->error_limit) || config->regression) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "--error-limit is for regressions, and %s answers with classes; "
                    "leave it out",
                    o->model);
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    options *o = values;
    const ofr_load_options how = {
        .rule = o->rule,
        .threshold = NAN,
        .max_tokens = o->data.max_length,
        .threads = o->common.threads,
        .tokenizer = true,
        .classifier = true,
    };
    ofr_eval_source source;
    ofr_dataset data;
    ofr_loaded m;
    char path[OFR_PATH_MAX], hash[OFR_FILE_HASH];
    bool known = false, is_file = false;
    ofr_status status;

    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(ofr_cmd_need(o->model, "model", err));
    if (isnan(o->max_drop)) return ofr_cmd_need(NULL, "max-drop", err);
    o->data.unlabelled = o->risk == OFR_RISK_DISAGREEMENT;
    OFR_TRY(ofr_load_open(&m, o->model, &how, err));
    status = check_limit(o, &m.encoder.config, err);
    if (!status) status = ofr_file_join(path, o->model, "config.json", err);
    if (!status && !o->dry_run) status = ofr_file_check(path, err);
    if (!status) status = ofr_eval_data_find(&source, &o->data, &m.encoder.config, err);
    if (!status) {
        const char *name = source.path; /* standard input and pipes have no digest */
        is_file = strcmp(name, "-") != 0 && !ofr_file_hash(hash, name, NULL);
        if (is_file) status = check_unseen(&known, o->model, name, err);
    }
    if (!status) status = ofr_eval_data_open(&data, &source, &m, err);
    if (!status) {
        status = calibrate(o, &m, &data, &source, is_file ? hash : NULL, err);
        ofr_dataset_close(&data);
    }
    if (!status && !is_file)
        ofr_log(OFR_LOG_INFO,
                "%s is no file to compare with those of the training: it was taken for "
                "texts that %s has never seen",
                ofr_file_input_name(source.path), o->model);
    else if (!status && !known)
        ofr_log(OFR_LOG_INFO,
                "%s does not say what it was trained on: %s was taken for texts that it "
                "has never seen",
                o->model, source.path);
    ofr_load_close(&m);
    return status;
}

const ofr_cmd ofr_cmd_calibrate = {
    .name = "calibrate",
    .summary = "Find the fastest threshold that keeps a promise about accuracy",
    .usage = "--model DIR --data FILE --max-drop POINTS",
    .example =
        "  offramp calibrate --model sst2-early --data held-out.tsv --max-drop 1\n"
        "  offramp calibrate --model my-model --data texts.tsv --text review \\\n"
        "      --risk disagreement --max-drop 2 --confidence 0.9",
    .notes =
        "The promise: on new texts like these, early exit costs at most --max-drop\n"
        "points of accuracy against the same model at full depth.  It is wrong with a\n"
        "chance of 1 - confidence at most.  The texts must be ones that neither\n"
        "training nor the choice of the model has seen.  The threshold goes into\n"
        "config.json; predict and eval then use it.  Exit code 1 and an unchanged\n"
        "config.json when no threshold that saves anything can be shown to keep the\n"
        "promise.  docs/CALIBRATION.md explains.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
