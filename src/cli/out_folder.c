/* out_folder.c - old models and runs in the place of a new one. */
#include "cli/out_folder.h"

#include "base/file.h"
#include "io/json.h"
#include "tok/tok.h"
#include "train/run_folder.h"

#define CONFIG  "config.json"
#define WEIGHTS "model.safetensors"
#define OPTIONS "train.json"

/* Each in the order in which they go: first what tells that a model was measured, then
 * the model, config.json before the rest of it. */
static const char *const of_model[] = {
    CONFIG,        WEIGHTS, "model.safetensors.index.json", "predictions.dev.tsv",
    "origin.json", NULL};
static const char *const of_checkpoint[] = {OFR_RUN_LATEST, OFR_RUN_AFTER_FIRST, NULL};
/* Names that others may use as well: of a run where its train.json stands. */
static const char *const of_measurement[] = {
    "unit.json",   "records.jsonl", "points.csv", "sweep.safetensors",
    "report.html", "report.json",   "report.csv", NULL};
static const char *const of_run[] = {"README.md", "timings.jsonl", "journal.jsonl", NULL};

static bool holds(const char *dir, const char *name)
{
    char path[OFR_PATH_MAX];

    return !ofr_file_join(path, dir, name, NULL) && ofr_file_exists(path);
}

/* Is there the train.json of a run, not of somebody who calls his texts so? */
static ofr_status find_run(bool *found, const char *dir, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    json_t *json = NULL;
    ofr_status status;

    *found = false;
    OFR_TRY(ofr_file_join(path, dir, OPTIONS, err));
    if (!ofr_file_exists(path)) return OFR_OK;
    status = ofr_json_load(&json, path, err);
    if (status) return status == OFR_FORMAT ? OFR_OK : status;
    *found = json_is_string(json_object_get(json, "out")) &&
             json_is_string(json_object_get(json, "method"));
    json_decref(json);
    return OFR_OK;
}

bool ofr_out_folder_unfinished(const char *dir)
{
    bool is_run;

    return !find_run(&is_run, dir, NULL) && is_run && !holds(dir, CONFIG);
}

/* ---- what would be lost ------------------------------------------------------ */

static const char *find_of(const char *dir, const char *const *names)
{
    for (; *names; names++)
        if (holds(dir, *names)) return *names;
    return NULL;
}

/* A file that training replaces or removes; NULL: none is there.  Where a run has left
 * no model, its journal and the tokenizer of what it replaced are no loss. */
static const char *find_lost(const char *dir, bool is_run)
{
    const char *found = find_of(dir, of_model);

    if (found || is_run) return found;
    for (int i = 0; i < OFR_TOK_FILES; i++)
        if (holds(dir, ofr_tok_file_name(i))) return ofr_tok_file_name(i);
    return holds(dir, OPTIONS) ? OPTIONS : find_of(dir, of_run);
}

ofr_status ofr_out_folder_check(const char *out, ofr_error *err)
{
    const char *found;
    bool exists, complete, is_run;

    OFR_TRY(ofr_trainer_peek(out, &exists, &complete, err));
    OFR_TRY(find_run(&is_run, out, err));
    if (exists && (!complete || (is_run && !holds(out, CONFIG))))
        return ofr_fail(err, OFR_INVALID,
                        "%s: holds an unfinished run; add --resume to continue it or "
                        "--overwrite to start again",
                        out);
    found = find_lost(out, is_run);
    if (!found) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: holds %s already, which training would replace; choose another "
                    "--out, or give it up with --overwrite",
                    out, found);
}

/* ---- giving it up ------------------------------------------------------------- */

typedef ofr_status (*path_act)(const char *path, ofr_error *err);

static ofr_status check_file(const char *path, ofr_error *err)
{
    if (!ofr_file_is_dir(path)) return OFR_OK;
    return ofr_fail(err, OFR_IO,
                    "%s: is a directory in the place of a file; remove it, or choose "
                    "another --out",
                    path);
}

static ofr_status each_of(const char *dir, const char *const *names, path_act act,
                          ofr_error *err)
{
    char path[OFR_PATH_MAX];

    for (; *names; names++) {
        OFR_TRY(ofr_file_join(path, dir, *names, err));
        OFR_TRY(act(path, err));
    }
    return OFR_OK;
}

static ofr_status each(const char *dir, bool is_run, path_act act, ofr_error *err)
{
    if (is_run) OFR_TRY(each_of(dir, of_measurement, act, err));
    OFR_TRY(each_of(dir, of_model, act, err));
    OFR_TRY(each_of(dir, of_checkpoint, act, err));
    return is_run ? each_of(dir, of_run, act, err) : OFR_OK;
}

ofr_status ofr_out_folder_clear(const char *out, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    bool is_run;

    /* A folder that takes no new files keeps those it has. */
    OFR_TRY(ofr_file_join(path, out, WEIGHTS, err));
    OFR_TRY(ofr_file_check_own(path, err));
    OFR_TRY(find_run(&is_run, out, err));
    OFR_TRY(each(out, is_run, check_file, err));
    return each(out, is_run, ofr_file_remove, err);
}
