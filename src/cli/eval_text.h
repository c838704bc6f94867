/* eval_text.h - an evaluation as a page for people. */
#ifndef OFR_CLI_EVAL_TEXT_H
#define OFR_CLI_EVAL_TEXT_H

#include "base/str.h"
#include "report/record.h"

void ofr_eval_text(ofr_buf *out, const ofr_eval *eval, const ofr_record_about *about);

#endif
