/* sweep_text.h - a sweep as tables for people. */
#ifndef OFR_CLI_SWEEP_TEXT_H
#define OFR_CLI_SWEEP_TEXT_H

#include "cli/sweep_run.h"

void ofr_sweep_text(ofr_buf *out, const ofr_sweep_run *run);

#endif
