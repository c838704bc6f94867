/*
 * compare_run.h - one run of a comparison: train, sweep, write what is left.
 */
#ifndef OFR_CLI_COMPARE_RUN_H
#define OFR_CLI_COMPARE_RUN_H

#include "cli/compare_options.h"
#include "cli/compare_result.h"

/* Do run (method, seed), or nothing when it is done already.  Its directory then holds
 * the model, records.jsonl, points.csv and sweep.safetensors.  Methods of one recipe
 * share what the first of them trained.  OFR_INTERRUPTED: to be continued. */
ofr_status ofr_compare_run(const ofr_compare_plan *plan, int method, int seed,
                           ofr_error *err);
bool ofr_compare_is_done(const ofr_compare_plan *plan, int method, int seed);
/* Checkpoints of a seed's finished runs are not needed any more. */
ofr_status ofr_compare_clean(const ofr_compare_plan *plan, int seed, ofr_error *err);

#endif
