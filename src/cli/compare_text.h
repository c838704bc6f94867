/* compare_text.h - a comparison as tables for people and lines for programs. */
#ifndef OFR_CLI_COMPARE_TEXT_H
#define OFR_CLI_COMPARE_TEXT_H

#include "cli/compare_summary.h"

void ofr_compare_text(ofr_buf *out, const ofr_compare_runs *runs,
                      const ofr_compare_whole *whole);
/* The commands that make each run again, one after another. */
void ofr_compare_commands(ofr_buf *out, const ofr_compare_runs *runs);
/* Lines of kind "compare", and of kind "run" for runs that failed. */
void ofr_compare_records(ofr_buf *out, ofr_buf *failures, const ofr_compare_runs *runs,
                         const ofr_compare_whole *whole);

#endif
