/*
 * status.h - how functions say that the outside world failed.
 *
 * The world fails (files, memory, users): return an ofr_status and leave one
 * line in `err` that names the file, line, tensor or option, both values and
 * the next step.  We fail (a broken invariant): OFR_ASSERT.
 */
#ifndef OFR_BASE_STATUS_H
#define OFR_BASE_STATUS_H

#include <offramp.h>

#if defined(__GNUC__)
#define OFR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define OFR_PRINTF(fmt, first)
#endif

/* Fill `err` (may be NULL) and return `status`, so that it reads
 * `return ofr_fail(err, OFR_FORMAT, "%s: ...", path);`.  Numbers are printed
 * as the C locale has them, also in a program that has chosen another. */
ofr_status ofr_fail(ofr_error *err, ofr_status status, const char *fmt, ...)
    OFR_PRINTF(3, 4);

/* "out of memory (asked for N bytes for WHAT)". */
ofr_status ofr_fail_nomem(ofr_error *err, size_t bytes, const char *what);

/* Put "prefix: " in front of the text in `err`; returns err's status. */
ofr_status ofr_fail_prefix(ofr_error *err, ofr_status status, const char *prefix);

/* What is said is one line: control characters that came in with a file's name or
 * content would break that (and the terminal); each becomes a '?'. */
void ofr_make_one_line(char *text);

/* Return from the calling function when `expr` is not OFR_OK.  Only where
 * nothing has to be released; functions that own things `goto fail`. */
#define OFR_TRY(expr)                                   \
    do {                                                \
        ofr_status try_status_ = (expr);                \
        if (try_status_ != OFR_OK) return try_status_;  \
    } while (0)

/* On in every test and debug build, off under NDEBUG. */
#ifdef NDEBUG
#define OFR_ASSERT(cond) ((void)sizeof(!(cond)))
#else
void ofr_assert_failed(const char *cond, const char *file, int line);
#define OFR_ASSERT(cond) \
    ((cond) ? (void)0 : ofr_assert_failed(#cond, __FILE__, __LINE__))
#endif

#endif
