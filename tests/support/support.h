/*
 * support.h - what the tests share on top of cmocka.
 *
 * Include it first: it brings cmocka with the headers that cmocka wants.
 */
#ifndef OFR_TESTS_SUPPORT_H
#define OFR_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "tensor/real.h"

/* ---- files ----------------------------------------------------------- */

/* A fresh folder under $TMPDIR (else /tmp), removed with its content when the
 * program ends.  The same one for every call within a program. */
const char *support_folder(void);

/* "FOLDER/name" in the temporary folder; borrowed until the 16th call after. */
const char *support_path(const char *name);

/* Write `text` to support_path(name) and return that path. */
const char *support_write(const char *name, const char *text);
const char *support_write_bytes(const char *name, const void *p, size_t n);

/* Whole file as a text with a NUL; fails the test when it cannot be read.
 * Borrowed until the next call. */
const char *support_read(const char *path);

/* Path of a shared reference file: kind "oracle", "data" or "vocab" looks at
 * $OFFRAMP_ORACLE, $OFFRAMP_DATA, $OFFRAMP_VOCAB, then at ../shared beside the
 * source tree.  false, and one line "skip PATH: not found", when it is absent. */
bool support_shared_path(char out[OFR_PATH_MAX], const char *kind, const char *relative);

/* ---- numbers --------------------------------------------------------- */

/* |got - want| <= absolute + relative * |want| for all n, NaN equal to NaN;
 * otherwise the test fails and prints name, index, both values and the count. */
void support_close(const char *name, const ofr_real *got, const ofr_real *want, size_t n,
                   double absolute, double relative);
void support_close_double(const char *name, const double *got, const double *want,
                          size_t n, double absolute, double relative);
/* Reals against reference doubles. */
void support_close_mixed(const char *name, const ofr_real *got, const double *want,
                         size_t n, double absolute, double relative);
void support_close_one(const char *name, double got, double want, double absolute);

/* out[n] = uniform in [-scale, scale), a function of seed. */
void support_random(ofr_real *out, size_t n, uint64_t seed, double scale);

/* ---- kernels --------------------------------------------------------- */

/* Are a text's bits the same whatever travels with it?  With every table but that of
 * a BLAS (kernels/ops.h); with that one, false and a line "skip WHAT: ...". */
bool support_same_bits(const char *what);

/* ---- errors ---------------------------------------------------------- */

/* The call must have succeeded; prints err.text otherwise. */
#define assert_ok(call, err)                                                          \
    do {                                                                              \
        ofr_status support_status_ = (call);                                          \
        if (support_status_ != OFR_OK)                                                \
            fail_msg("%s: %s: %s", #call, ofr_status_text(support_status_),           \
                     (err).text);                                                     \
    } while (0)

/* The call must have failed with `want` and a line that contains `part`. */
#define assert_fails(call, want, err, part)                                           \
    do {                                                                              \
        memset(&(err), 0, sizeof(err));                                               \
        ofr_status support_status_ = (call);                                          \
        support_failure(#call, support_status_, (want), &(err), (part));              \
    } while (0)

void support_failure(const char *call, ofr_status got, ofr_status want,
                     const ofr_error *err, const char *part);

#endif
