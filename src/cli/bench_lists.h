/* bench_lists.h - lists on the command line of `offramp bench`: "1,8,32". */
#ifndef OFR_CLI_BENCH_LISTS_H
#define OFR_CLI_BENCH_LISTS_H

#include "base/status.h"

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

#endif
