/*
 * cmd.h - the verbs of the command line.
 *
 * A verb is a row: its name, one line of help, its option table and a function.
 * cli/ is the only place that prints, and main.c the only one that exits.
 */
#ifndef OFR_CLI_CMD_H
#define OFR_CLI_CMD_H

#include <stddef.h>
#include <stdio.h>

#include "base/opt.h"
#include "base/status.h"
#include "cli/term.h"
#include "train/comm.h"

/* Exit codes of the program; OFR_EXIT_NETWORK is reserved, nothing returns it yet. */
enum {
    OFR_EXIT_OK = 0, OFR_EXIT_FAILED = 1, OFR_EXIT_USAGE = 2, OFR_EXIT_NOT_FOUND = 3,
    OFR_EXIT_DAMAGED = 4, OFR_EXIT_NETWORK = 5, OFR_EXIT_SIGINT = 130
};

/* Version of the objects that --json prints; raised when a key changes its
 * meaning or goes, not when one is added. */
#define OFR_SCHEMA_VERSION 1

/* A mistake in how the program was called is OFR_INVALID and exits with 2. */
int ofr_cmd_exit_code(ofr_status status);

/* What the codes mean, for help and manual; text NULL at the end. */
typedef struct ofr_cmd_exit {
    int code;
    const char *text;
} ofr_cmd_exit;

extern const ofr_cmd_exit ofr_cmd_exits[];

typedef struct ofr_cmd {
    const char *name;
    const char *summary;  /* one line for the list of verbs                     */
    const char *usage;    /* arguments, as shown behind "offramp NAME"          */
    const char *example;  /* lines shown before the options                     */
    const char *notes;    /* paragraphs shown behind the options; may be NULL   */
    const char *arguments; /* what is no option: "FILE", "DIR", or the words
                             "a|b"; NULL: nothing.  For completion              */
    bool can_share;       /* several ranks may run it together, see cli/launch.h */
    const ofr_opt *options;
    size_t options_bytes; /* sizeof of the struct that the offsets point into;
                             its first member must be ofr_cmd_common            */
    /* values: the parsed options struct; args[n_args]: positional arguments. */
    ofr_status (*run)(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err);
} ofr_cmd;

/* Options that every verb has. */
typedef struct ofr_cmd_common {
    bool help, quiet, json, no_color;
    int threads;          /* 0: the processors this process may use */
    ofr_term *term;       /* set by main.c before run(); borrowed   */
    const ofr_comm *comm; /* likewise: the ranks of this run        */
    int signal_number;    /* set by a verb that a signal interrupted */
} ofr_cmd_common;

/* Rows for the table of a verb whose options struct is `type`, which begins
 * with `ofr_cmd_common common;`.  They read best at the end of the table.  TALK:
 * for a verb with its own idea of threads. */
#define OFR_CMD_COMMON_ROWS(type)                                                     \
    {"threads", 't', OFR_OPT_INT, offsetof(type, common.threads), "0", "N", NULL, 0,  \
     64, "threads; 0: the processors this process may use", "Common options"},        \
    OFR_CMD_TALK_ROWS(type, NULL)

#define OFR_CMD_TALK_ROWS(type, heading)                                              \
    {"json", 0, OFR_OPT_FLAG, offsetof(type, common.json), NULL, NULL, NULL, 0, 0,    \
     "print JSON, one object per line", heading},                                     \
    {"quiet", 'q', OFR_OPT_FLAG, offsetof(type, common.quiet), NULL, NULL, NULL, 0,   \
     0, "no progress and no remarks on standard error", NULL},                        \
    {"no-color", 0, OFR_OPT_FLAG, offsetof(type, common.no_color), NULL, NULL, NULL,  \
     0, 0, "never use colours", NULL},                                                \
    {"help", 'h', OFR_OPT_FLAG, offsetof(type, common.help), NULL, NULL, NULL, 0, 0,  \
     "print this page", NULL}

/* The row that ends a table. */
#define OFR_CMD_END                                                                   \
    {NULL, 0, OFR_OPT_FLAG, 0, NULL, NULL, NULL, 0, 0, NULL, NULL}

/* `value` is NULL although the verb needs it: OFR_INVALID "needs --name ...". */
ofr_status ofr_cmd_need(const char *value, const char *name, ofr_error *err);

/* More positional arguments than `most`: OFR_INVALID names the first of them. */
ofr_status ofr_cmd_args(char **args, int n_args, int most, ofr_error *err);

/* Before the work: does `dir` not exist, or is it empty?  OFR_INVALID says what to do
 * instead (`advice`). */
ofr_status ofr_cmd_new_dir(const char *dir, const char *advice, ofr_error *err);

/* Before the work: can `path`, which was given as `what` ("--out"), be written, and is
 * it none of the files that the verb reads?  OFR_INVALID names both; OFR_IO. */
typedef struct ofr_cmd_input {
    const char *what; /* "--input", "the text file" */
    const char *path; /* NULL: not given            */
} ofr_cmd_input;
ofr_status ofr_cmd_output(const char *what, const char *path, const ofr_cmd_input *inputs,
                          int n_inputs, const char *model, ofr_error *err);

/* Write what is in `buf` to standard output and empty it.  A reader that went
 * away is OFR_IO with an empty text: main.c then ends quietly. */
ofr_status ofr_cmd_print(ofr_buf *buf, ofr_error *err);

/* All verbs, NULL at the end; the order of the list that is shown. */
extern const ofr_cmd *const ofr_cmds[];
const ofr_cmd *ofr_cmd_find(const char *name); /* NULL: no such verb */

extern const ofr_cmd ofr_cmd_init, ofr_cmd_train, ofr_cmd_eval, ofr_cmd_predict,
    ofr_cmd_features, ofr_cmd_bench, ofr_cmd_tokenize, ofr_cmd_vocab, ofr_cmd_info,
    ofr_cmd_doctor, ofr_cmd_quantize, ofr_cmd_demo, ofr_cmd_ablate, ofr_cmd_calibrate,
    ofr_cmd_sweep, ofr_cmd_compare, ofr_cmd_report;

#endif
