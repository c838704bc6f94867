/* train_options.c - one table for flags, config keys, defaults and help. */
#include "cli/train_options.h"

#include <string.h>

#include "base/file.h"
#include "cli/command.h"
#include "method/method.h"

#define V(member) offsetof(ofr_train_values, member)
#define AT(member) offsetof(ofr_train_values, method.member)

const ofr_opt ofr_train_rows[] = {
    {"model", 'm', OFR_OPT_TEXT, V(model), NULL, "DIR", NULL, 0, 0,
     "model directory to start from: a Hugging Face checkpoint, or made by init; "
     "default: offramp-small where it is installed",
     "Model and data"},
    {"out", 'o', OFR_OPT_TEXT, V(out), NULL, "DIR", NULL, 0, 0,
     "directory for the trained model, its journal and checkpoints", NULL},
    {"method", 0, OFR_OPT_TEXT, V(method_name), "consistentee", "NAME", NULL, 0, 0,
     "one of" OFR_METHOD_LIST(OFR_METHOD_NAME) "; docs/METHODS.md explains them", NULL},
    OFR_TRAIN_TASK_ROWS(V),
    {"dev", 0, OFR_OPT_TEXT, V(dev), NULL, "FILE", NULL, 0, 0,
     "texts to follow the training on", NULL},
    {"dev-split", 0, OFR_OPT_REAL, V(dev_split), "0", "X", NULL, 0, 0.9,
     "without a dev file: take this share of the training texts instead", NULL},
    OFR_TRAIN_COLUMN_ROWS(V),
    OFR_METHOD_ROWS(AT),
    {"tensorboard", 0, OFR_OPT_TEXT, V(tensorboard), NULL, "DIR", NULL, 0, 0,
     "write every number of the journal to an event file for TensorBoard in DIR", NULL},
    {"config", 'c', OFR_OPT_TEXT, V(config), NULL, "FILE", NULL, 0, 0,
     "JSON object with any of these options; the command line wins; with --resume they "
     "must be those of the run, but for what only says how a call behaves",
     NULL},
    {"resume", 0, OFR_OPT_FLAG, V(resume), NULL, NULL, NULL, 0, 0,
     "continue the run in --out with the options it was started with", NULL},
    {"overwrite", 0, OFR_OPT_FLAG, V(overwrite), NULL, NULL, NULL, 0, 0,
     "start again although --out holds a run or a model, which is given up when training "
     "begins", NULL},
    OFR_CMD_COMMON_ROWS(ofr_train_values),
    OFR_CMD_END,
};

/* Options that say how this call behaves, not what the run is. */
static const char *const call_names[] = {"config",       "resume",     "overwrite",
                                         "json",         "threads",    "quiet",
                                         "no-color",     "help",       "save-minutes",
                                         "save-steps",   NULL};

static bool of_the_call(const char *name)
{
    for (size_t i = 0; call_names[i]; i++)
        if (strcmp(call_names[i], name) == 0) return true;
    return false;
}

void ofr_train_command(ofr_buf *out, const ofr_train_values *values)
{
    ofr_buf_adds(out, "offramp train");
    ofr_command_options(out, ofr_train_rows, values, call_names);
}

/* A JSON value as the text that the command line would have. */
static ofr_status value_text(const char **text, char number[64], const json_t *value,
                             const char *path, const char *key, ofr_error *err)
{
    ofr_buf buf;

    if (json_is_string(value)) {
        *text = json_string_value(value);
        return OFR_OK;
    }
    ofr_buf_init(&buf);
    if (json_is_integer(value))
        ofr_buf_addf(&buf, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        ofr_buf_add_double(&buf, json_real_value(value));
    else if (json_is_boolean(value))
        ofr_buf_adds(&buf, json_is_true(value) ? "true" : "false");
    *text = NULL;
    if (buf.n && buf.n < 64) {
        memcpy(number, buf.p, buf.n + 1);
        *text = number;
    }
    ofr_buf_free(&buf);
    if (*text) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: \"%s\" is no text, number, true or false, as options are", path,
                    key);
}

/* The option's text in the object itself, where it was a number. */
static ofr_status keep_text(const char **text, json_t *object, const char *key,
                            const char *path, ofr_error *err)
{
    json_t *kept = json_string(*text);
    if (json_object_set_new(object, key, kept))
        return ofr_fail_nomem(err, strlen(*text), path);
    *text = json_string_value(kept);
    return OFR_OK;
}

ofr_status ofr_train_read_config(ofr_train_values *values, const bool *is_set,
                                 json_t *object, const char *path, ofr_error *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return ofr_fail(err, OFR_INVALID, "%s: expected an object of options", path);
    json_object_foreach(object, key, value) {
        const ofr_opt *row = ofr_opt_find(ofr_train_rows, key, strlen(key));
        const char *text;
        char number[64], where[300];

        if (!row) {
            const ofr_opt *near = ofr_opt_nearest(ofr_train_rows, key);
            return near ? ofr_fail(err, OFR_INVALID,
                                   "%s: unknown option \"%s\"; did you mean \"%s\"?",
                                   path, key, near->name)
                        : ofr_fail(err, OFR_INVALID, "%s: unknown option \"%s\"", path,
                                   key);
        }
        if (is_set[row - ofr_train_rows] || json_is_null(value)) continue;
        OFR_TRY(value_text(&text, number, value, path, key, err));
        if (row->kind == OFR_OPT_TEXT && text == number)
            OFR_TRY(keep_text(&text, object, key, path, err));
        snprintf(where, sizeof where, "%.200s: ", path);
        OFR_TRY(ofr_opt_set(row, values, text, where, err));
    }
    return OFR_OK;
}

ofr_status ofr_train_write_config(const ofr_train_values *values, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    ofr_buf out, text;
    ofr_status status;

    ofr_buf_init(&out);
    ofr_buf_init(&text);
    ofr_buf_adds(&out, "{");
    for (const ofr_opt *row = ofr_train_rows; row->name; row++) {
        const void *at = (const char *)values + row->offset;

        if (of_the_call(row->name)) continue;
        if (row->kind == OFR_OPT_TEXT && !*(const char *const *)at) continue;
        ofr_buf_clear(&text);
        ofr_opt_format(row, values, &text);
        out.failed = out.failed || text.failed;
        ofr_buf_addf(&out, "%s\n  \"%s\": ", out.n > 1 ? "," : "", row->name);
        if (row->kind == OFR_OPT_FLAG || row->kind == OFR_OPT_INT ||
            row->kind == OFR_OPT_REAL)
            ofr_buf_add(&out, text.p, text.n);
        else
            ofr_buf_add_json(&out, text.p ? text.p : "", text.n);
    }
    ofr_buf_adds(&out, "\n}\n");
    if (out.failed)
        status = ofr_fail_nomem(err, out.n, "train.json");
    else
        status = ofr_file_join(path, values->out, "train.json", err);
    if (!status) status = ofr_file_write(path, out.p, out.n, err);
    ofr_buf_free(&text);
    ofr_buf_free(&out);
    return status;
}
