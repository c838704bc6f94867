/*
 * cmd.h - the verbs of the command line.
 *
 * A verb is a row: its name, one line of help, its option table and a function.
 * cli/ is the only place that prints, and main.c the only one that exits.
 */
#ifndef OFR_CLI_CMD_H
#define OFR_CLI_CMD_H

#include <stdio.h>

#include "base/opt.h"
#include "base/status.h"

/* Exit codes of the program. */
enum {
    OFR_EXIT_OK = 0, OFR_EXIT_FAILED = 1, OFR_EXIT_USAGE = 2, OFR_EXIT_NOT_FOUND = 3,
    OFR_EXIT_DAMAGED = 4, OFR_EXIT_NETWORK = 5, OFR_EXIT_SIGINT = 130
};

/* A mistake in how the program was called is OFR_INVALID and exits with 2. */
int ofr_cmd_exit_code(ofr_status status);

typedef struct ofr_cmd {
    const char *name;
    const char *summary;  /* one line for the list of verbs                     */
    const char *usage;    /* arguments, as shown behind "offramp NAME"          */
    const char *example;  /* lines shown before the options                     */
    const char *notes;    /* paragraphs shown behind the options; may be NULL   */
    const ofr_opt *options;
    size_t options_bytes; /* sizeof of the struct that the offsets point into;
                             its first member must be ofr_cmd_common            */
    /* values: the parsed options struct; args[n_args]: positional arguments. */
    ofr_status (*run)(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err);
} ofr_cmd;

/* Options that every verb has; rows by the macro, first in each table. */
typedef struct ofr_cmd_common {
    bool help, quiet, json, no_color;
    int threads;
} ofr_cmd_common;

extern const ofr_cmd ofr_cmd_init, ofr_cmd_train, ofr_cmd_eval, ofr_cmd_predict,
    ofr_cmd_features, ofr_cmd_tokenize, ofr_cmd_info, ofr_cmd_doctor, ofr_cmd_demo;

#endif
