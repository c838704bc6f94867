/* out_folder.c - old models and runs in the place of a new one. */
#include "cli/out_folder.h"

#include "base/file.h"
#include "tok/tok.h"
#include "train/run_folder.h"

#define CONFIG  "config.json"
#define WEIGHTS "model.safetensors"
#define CARD    "README.md"
#define OPTIONS "train.json"

/* Both in the order in which they go. */
static const char *const of_model[] = {
    CONFIG,        WEIGHTS, "model.safetensors.index.json", "predictions.dev.tsv",
    "origin.json", NULL};
static const char *const of_run[] = {OFR_RUN_LATEST, OFR_RUN_AFTER_FIRST, "timings.jsonl",
                                     "journal.jsonl", NULL};

static bool holds(const char *dir, const char *name)
{
    char path[OFR_PATH_MAX];

    return !ofr_file_join(path, dir, name, NULL) && ofr_file_exists(path);
}

static ofr_status forget(const char *dir, const char *name, ofr_error *err)
{
    char path[OFR_PATH_MAX];

    OFR_TRY(ofr_file_join(path, dir, name, err));
    return ofr_file_remove(path, err);
}

bool ofr_out_folder_unfinished(const char *dir)
{
    return holds(dir, OPTIONS) && !holds(dir, CONFIG);
}

/* A file that training replaces or removes; NULL: none is there. */
static const char *find_model(const char *dir)
{
    for (int i = 0; of_model[i]; i++)
        if (holds(dir, of_model[i])) return of_model[i];
    for (int i = 0; i < OFR_TOK_FILES; i++)
        if (holds(dir, ofr_tok_file_name(i))) return ofr_tok_file_name(i);
    return holds(dir, CARD) ? CARD : NULL;
}

ofr_status ofr_out_folder_check(const char *out, ofr_error *err)
{
    const bool unfinished = ofr_out_folder_unfinished(out);
    const char *found = find_model(out);
    bool exists, complete;

    OFR_TRY(ofr_trainer_peek(out, &exists, &complete, err));
    if (exists && (unfinished || !complete))
        return ofr_fail(err, OFR_INVALID,
                        "%s: holds an unfinished run; add --resume to continue it or "
                        "--overwrite to start again",
                        out);
    if (unfinished || !found) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: holds %s already, which training would replace; choose another "
                    "--out, or give it up with --overwrite",
                    out, found);
}

ofr_status ofr_out_folder_clear(const char *out, ofr_error *err)
{
    char path[OFR_PATH_MAX];

    /* A folder that takes no new files keeps those it has. */
    OFR_TRY(ofr_file_join(path, out, WEIGHTS, err));
    OFR_TRY(ofr_file_check_own(path, err));
    for (int i = 0; of_model[i]; i++)
        OFR_TRY(forget(out, of_model[i], err));
    if (holds(out, OPTIONS)) OFR_TRY(forget(out, CARD, err)); /* the run's */
    for (int i = 0; of_run[i]; i++)
        OFR_TRY(forget(out, of_run[i], err));
    return OFR_OK;
}
