/* run_folder.c - the folder of a training run before and after the work. */
#include "train/run_folder.h"

#define WEIGHTS "model.safetensors"

static ofr_status forget(const char *out, const char *name, ofr_error *err)
{
    char path[OFR_PATH_MAX];

    OFR_TRY(ofr_file_join(path, out, name, err));
    return ofr_file_remove(path, err);
}

static double freed(const char *out, const char *name)
{
    char path[OFR_PATH_MAX];

    return ofr_file_join(path, out, name, NULL) ? 0 : ofr_file_freed(path);
}

/* The file that stands now is replaced only when the new one is whole, so that both
 * are there for a moment; those of an earlier run make room before. */
static double needed(const ofr_train_options *o, bool standing, double state_bytes,
                     double model_bytes)
{
    const int files = 1 + !standing + o->keep_first;
    double bytes = files * state_bytes + model_bytes;

    if (standing) return bytes;
    bytes -= freed(o->out, OFR_RUN_LATEST) + freed(o->out, OFR_RUN_AFTER_FIRST);
    return o->begin ? bytes - freed(o->out, WEIGHTS) : bytes;
}

/* The folder of the events is made, where it is to be. */
static ofr_status check_events(const char *dir, ofr_error *err)
{
    char path[OFR_PATH_MAX];

    if (!dir) return OFR_OK;
    OFR_TRY(ofr_file_make_dirs(dir, err));
    OFR_TRY(ofr_file_join(path, dir, OFR_TFEVENTS_NAME, err));
    return ofr_file_check_own(path, err);
}

ofr_status ofr_run_folder_prepare(const ofr_train_options *options, bool resumed,
                                  double state_bytes, double model_bytes, ofr_error *err)
{
    const char *out = options->out;
    char folder[OFR_PATH_MAX], path[OFR_PATH_MAX];

    OFR_TRY(ofr_file_join(folder, out, "checkpoint", err));
    OFR_TRY(ofr_file_make_dirs(folder, err));
    ofr_file_tidy(folder);
    ofr_file_tidy(out);
    OFR_TRY(ofr_file_join(path, out, OFR_RUN_LATEST, err));
    OFR_TRY(ofr_file_check_own(path, err));
    OFR_TRY(ofr_file_join(path, out, WEIGHTS, err));
    OFR_TRY(ofr_file_check_own(path, err));
    OFR_TRY(check_events(options->tensorboard, err));
    OFR_TRY(ofr_file_check_room(out, needed(options, resumed, state_bytes, model_bytes),
                                "the run", err));
    if (resumed) return OFR_OK;
    if (options->begin) OFR_TRY(options->begin(options->user, err));
    OFR_TRY(forget(out, OFR_RUN_LATEST, err));
    return forget(out, OFR_RUN_AFTER_FIRST, err);
}

ofr_status ofr_run_folder_advise(const char *out, const char *resume_command,
                                 ofr_status status, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    const bool ours = status == OFR_IO || status == OFR_NOT_FOUND || status == OFR_NOMEM;

    if (!err || !out || !(ours || status == OFR_DIVERGED)) return status;
    if (!err->text[0]) return status; /* a reader went away, nothing failed */
    if (ofr_file_join(path, out, OFR_RUN_LATEST, NULL)) return status;
    if (!ofr_file_exists(path))
        return ofr_fail(err, status, "%s; no checkpoint was written yet", err->text);
    if (status == OFR_DIVERGED)
        return ofr_fail(err, status,
                        "%s; the last good checkpoint was kept, --overwrite starts again",
                        err->text);
    return ofr_fail(err, status, "%s; then continue from the last checkpoint with: %s",
                    err->text, resume_command ? resume_command : "--resume");
}
