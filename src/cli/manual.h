/*
 * manual.h - the manual and the completions of shells, from the tables of verbs and
 * options: `offramp help --man [VERB]`, `offramp help --completion SHELL`.
 *
 * The build calls these and installs what they print.
 */
#ifndef OFR_CLI_MANUAL_H
#define OFR_CLI_MANUAL_H

#include "cli/cmd.h"

/* What `offramp help` followed by args[n_args >= 1] prints, where the first of them
 * begins with '-'.  OFR_INVALID says what there is. */
ofr_status ofr_manual(ofr_buf *out, char **args, int n_args, ofr_error *err);

/* offramp-VERB(1) as roff with the macros of man(7); cmd NULL: offramp(1). */
void ofr_man_page(ofr_buf *out, const ofr_cmd *cmd);

void ofr_complete_bash(ofr_buf *out);
void ofr_complete_zsh(ofr_buf *out);
void ofr_complete_fish(ofr_buf *out);

#endif
