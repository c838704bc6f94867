/*
 * opt.h - option tables: one row gives flag, config key, default and help.
 *
 * Parsing is glibc's getopt_long() without its abbreviations; this file adds
 * typed values, ranges, help text from the same rows, "did you mean", and
 * setting the same options by name, as a JSON config file does (keys are the
 * flag names; '-' and '_' are the same).  Not thread-safe: for main().
 */
#ifndef OFR_BASE_OPT_H
#define OFR_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

typedef enum ofr_opt_kind {
    OFR_OPT_FLAG,   /* bool     --flag, --no-flag, --flag=false              */
    OFR_OPT_INT,    /* int                                                   */
    OFR_OPT_U64,    /* uint64_t up to OFR_OPT_U64_MAX (seeds)                */
    OFR_OPT_REAL,   /* double                                                */
    OFR_OPT_TEXT,   /* const char *, borrowed from argv or the config        */
    OFR_OPT_CHOICE  /* int: index into `choices`                             */
} ofr_opt_kind;

/* 2^53 - 1: the records are JSON, whose readers keep no larger number apart from the
 * next one (RFC 8259, section 6). */
#define OFR_OPT_U64_MAX 9007199254740991u

typedef struct ofr_opt {
    const char *name;     /* long flag without dashes; "": only the letter;
                             NULL ends the table                             */
    char letter;          /* short flag or 0                                 */
    ofr_opt_kind kind;
    size_t offset;        /* of the value inside the options struct          */
    const char *value;    /* default, as the user would write it; NULL: unset
                             (TEXT NULL, REAL NaN, others 0)                 */
    const char *argument; /* "N", "DIR"... for the help; NULL for flags      */
    const char *choices;  /* CHOICE: "exact|reinforce"                       */
    double min, max;      /* INT and REAL; both 0: no limits                 */
    const char *help;     /* one sentence                                    */
    const char *group;    /* heading in the help; NULL: the one before       */
} ofr_opt;

/* Write every default into `values` (a struct that the offsets point into). */
void ofr_opt_defaults(const ofr_opt *table, void *values);

/* Parse argv[1..].  Positional arguments are moved to argv[*n_args ...]: on
 * return `args` points at the first and *n_args counts them.  OFR_INVALID with
 * a suggestion for an unknown or malformed option.  --help is not special
 * here: put a FLAG row for it.  is_set (may be NULL): one bool per row, true
 * when the command line gave it. */
ofr_status ofr_opt_parse(const ofr_opt *table, void *values, bool *is_set, int argc,
                         char **argv, char ***args, int *n_args, ofr_error *err);

/* Set one option from text, as a config file or a test does.  `where` begins
 * the error line ("config.json: "). */
ofr_status ofr_opt_set(const ofr_opt *row, void *values, const char *text,
                       const char *where, ofr_error *err);
const ofr_opt *ofr_opt_find(const ofr_opt *table, const char *name, size_t len);
const ofr_opt *ofr_opt_nearest(const ofr_opt *table, const char *name);
int ofr_opt_count(const ofr_opt *table);

/* Current value as text, as ofr_opt_set() would accept it. */
void ofr_opt_format(const ofr_opt *row, const void *values, ofr_buf *out);

/* Is this a flag that is on unless --no-NAME is given? */
bool ofr_opt_is_on(const ofr_opt *row);

/* The sentence about a row, with its choices and its default. */
void ofr_opt_help_text(const ofr_opt *row, ofr_buf *out);

/* The option part of a help page, with defaults. */
void ofr_opt_help(const ofr_opt *table, ofr_buf *out);

/* strcmp-nearest of names[n] within edit distance 3, or NULL. */
const char *ofr_opt_suggest(const char *const *names, int n, const char *wrong);

#endif
