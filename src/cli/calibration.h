/*
 * calibration.h - the guarantee that `calibrate` leaves in config.json, and what
 * other verbs say about it.
 */
#ifndef OFR_CLI_CALIBRATION_H
#define OFR_CLI_CALIBRATION_H

#include "base/str.h"
#include "cli/load.h"
#include "eval/calibrate.h"

/* What was calibrated, beside the result; texts are borrowed. */
typedef struct ofr_calibration_about {
    const ofr_calibrate_options *options;
    double max_drop;       /* points, as the user gave them */
    const char *data;      /* name of the file */
    const char *data_hash;
    int max_tokens;        /* texts were cut to so many */
    double error_limit;    /* of a regression; NaN: of classes */
} ofr_calibration_about;

/* Rule, threshold and guarantee into dir/config.json; everything else there stays
 * as it is. */
ofr_status ofr_calibration_store(const char *dir, const ofr_calibration *found,
                                 const ofr_calibration_about *about, ofr_error *err);

/* The model changes: what was guaranteed no longer holds. */
void ofr_calibration_forget(ofr_config *config);

/* What counted as right, or as the same answer; nothing for a limit of NaN. */
void ofr_calibration_say_limit(ofr_buf *out, bool answers, double limit);

/* The stored guarantee as a sentence; false, and nothing added, for a model that was
 * never calibrated. */
bool ofr_calibration_say(ofr_buf *out, const ofr_config *config);

/* "calibration": the stored guarantee as config.json has it, or null. */
void ofr_calibration_json(ofr_buf *out, const ofr_config *config);

/* Remark on the stored guarantee, and whether the model as it was opened has it: rule,
 * threshold, precision, length of texts; nothing for one that was never calibrated. */
void ofr_calibration_remark(const ofr_loaded *model);

#endif
