/*
 * command.h - options as the command line that gives them.
 */
#ifndef OFR_CLI_COMMAND_H
#define OFR_CLI_COMMAND_H

#include "base/opt.h"

/* out += " --name value" for every option whose value is not its default, quoted for
 * a shell; without[]: names to leave out, NULL at the end. */
void ofr_command_options(ofr_buf *out, const ofr_opt *table, const void *values,
                         const char *const *without);

/* Is it what it would be if nobody had said anything? */
bool ofr_command_is_default(const ofr_opt *row, const void *values);

#endif
