/* bench_lists.h - lists of `offramp bench`: "1,8,32" on its command line, and files. */
#ifndef OFR_CLI_BENCH_LISTS_H
#define OFR_CLI_BENCH_LISTS_H

#include "base/str.h"

enum { OFR_BENCH_LIST = 64 }; /* entries at most */

/* Whole numbers from min to max into out[OFR_BENCH_LIST]; text NULL: none.
 * OFR_INVALID names --option and the entry. */
ofr_status ofr_bench_ints(int *out, int *n, const char *option, const char *text, int min,
                          int max, ofr_error *err);

/* Non-negative weights with a sum above 0, exactly n of them. */
ofr_status ofr_bench_weights(double *out, int n, const char *option, const char *text,
                             ofr_error *err);

/* Names of precisions, as ofr_precision; text NULL: the single entry
 * OFR_AS_STORED. */
ofr_status ofr_bench_precisions(int *out, int *n, const char *option, const char *text,
                                ofr_error *err);

/* The whole numbers of a file, one a line: tokens of texts.  OFR_FORMAT names the
 * line.  Caller frees *out. */
ofr_status ofr_bench_lengths(int **out, int *n, const char *path, ofr_error *err);

/* cmd_bench.c: KEY=VALUE words of a line of --settings into the values of the verb,
 * whose texts then point into the line.  `where` is what an error begins with. */
ofr_status ofr_bench_apply_line(void *values, ofr_buf *line, const char *where,
                                ofr_error *err);

#endif
