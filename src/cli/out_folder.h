/*
 * out_folder.h - what stands already in the folder that a model is to go into.
 */
#ifndef OFR_CLI_OUT_FOLDER_H
#define OFR_CLI_OUT_FOLDER_H

#include <stdbool.h>

#include "base/status.h"

/* A run that has not left its model yet: its train.json without config.json. */
bool ofr_out_folder_unfinished(const char *dir);

/* OFR_INVALID when `out` holds a run, or a file that training would replace.  A run that
 * was ended before its first checkpoint has nothing to lose and is no reason. */
ofr_status ofr_out_folder_check(const char *out, ofr_error *err);

/* Remove what a model or a run has left in `out`, so that nothing of it stands beside
 * what comes next: first what `ablate` and `compare` have measured, then config.json,
 * without which no reader takes the rest for a model.  The tokenizer stays for
 * ofr_copy_tokenizer(), which may read it; train.json stays for the caller to replace or
 * remove; files of other names stay, and without the train.json of a run those whose
 * names others may use.  A call that is cut short leaves the old model, or the old run to
 * be resumed, or none; one that meets a directory in the place of a file leaves all. */
ofr_status ofr_out_folder_clear(const char *out, ofr_error *err);

#endif
