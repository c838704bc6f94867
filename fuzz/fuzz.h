/*
 * fuzz.h - what the harnesses share.
 *
 * A harness is one function over bytes.  With clang and -fsanitize=fuzzer it
 * searches; with replay.c the same function runs the files of a corpus, in the
 * ordinary tests.  A failed OFR_FUZZ_CHECK is a finding, as a crash is.
 */
#ifndef OFR_FUZZ_FUZZ_H
#define OFR_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OFR_FUZZ_CHECK(cond)                                            \
    do {                                                                \
        if (!(cond)) {                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                    \
        }                                                               \
    } while (0)

/* A file of that name with these bytes in a folder of this process; borrowed
 * until the next call with the same name. */
const char *ofr_fuzz_file(const char *name, const uint8_t *data, size_t size);

#endif
