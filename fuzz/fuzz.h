/*
 * fuzz.h - what the harnesses share.
 *
 * A harness is one function over bytes.  With clang and -fsanitize=fuzzer it
 * searches; with replay.c the same function runs the files of a corpus, in the
 * ordinary tests.  A failed OFR_FUZZ_CHECK is a finding, as a crash is.
 *
 * A harness goes on where the parser ends: what was accepted is read to its last
 * byte and used, what was refused must say so in one line that names the file.
 */
#ifndef OFR_FUZZ_FUZZ_H
#define OFR_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OFR_FUZZ_CHECK(cond)                                            \
    do {                                                                \
        if (!(cond)) {                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                    \
        }                                                               \
    } while (0)

/* ---- bytes as files, because the readers take paths ------------------------ */

/* The folder of this process, removed with its content at the end. */
const char *ofr_fuzz_folder(void);

/* A file of that name with these bytes in the folder; borrowed until the next
 * call with the same name. */
const char *ofr_fuzz_file(const char *name, const uint8_t *data, size_t size);

/* An input that is several files: parts with the bytes ff ff between them.  Part i
 * becomes the file names[i]; where there is no part, there is no file. */
#define OFR_FUZZ_FILES_MAX 12
void ofr_fuzz_files(const char *const *names, int n, const uint8_t *data, size_t size);

/* The input as a text that ends in NUL; the caller frees it. */
char *ofr_fuzz_text(const uint8_t *data, size_t size);

/* ---- what came out ----------------------------------------------------------- */

/* A refusal: one line, a status that says whose fault it was, and `part` in it
 * (NULL: anything). */
void ofr_fuzz_refused(ofr_status status, const ofr_error *err, const char *part);

/* Every byte and every number of every tensor; the same for equal content. */
unsigned ofr_fuzz_read(const ofr_tensor *tensor);

#endif
