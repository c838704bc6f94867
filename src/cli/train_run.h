/*
 * train_run.h - one training run, from checked options to a model directory.
 */
#ifndef OFR_CLI_TRAIN_RUN_H
#define OFR_CLI_TRAIN_RUN_H

#include "cli/train_data.h"
#include "eval/evaluate.h"
#include "method/method.h"

/* What came out; all of it is gone after the call. */
typedef struct ofr_train_report {
    const ofr_train_values *values;
    const ofr_train_source *source;
    const ofr_eval *eval; /* of the dev set */
    const ofr_method_result *result;
} ofr_train_report;

typedef ofr_status (*ofr_train_reporter)(void *user, const ofr_train_report *report,
                                         ofr_error *err);

/* Train values->model by `method` and save it in values->out.  OFR_INTERRUPTED when
 * the flag of stop.h rose.  reporter may be NULL. */
ofr_status ofr_train_run(const ofr_train_values *values, const ofr_method *method,
                         ofr_train_reporter reporter, void *user, ofr_error *err);

#endif
