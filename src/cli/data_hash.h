/*
 * data_hash.h - which files of texts a folder of runs was made with.
 *
 * Commands that go on where an earlier call stopped put runs of both side by side:
 * those of files that changed in between have nothing in common but a name.
 */
#ifndef OFR_CLI_DATA_HASH_H
#define OFR_CLI_DATA_HASH_H

#include "base/file.h"
#include "io/json.h"

enum { OFR_DATA_TRAIN, OFR_DATA_DEV, OFR_DATA_FILES };

typedef struct ofr_data_hash {
    const char *path[OFR_DATA_FILES]; /* borrowed; NULL: there is no such file */
    char hash[OFR_DATA_FILES][OFR_FILE_HASH];
} ofr_data_hash;

/* Of the training file, and of that whose figures are reported (NULL: none of its
 * own).  OFR_NOT_FOUND, OFR_IO. */
ofr_status ofr_data_hash_of(ofr_data_hash *out, const char *train, const char *dev,
                            ofr_error *err);
/* "train_hash" and "dev_hash" of `json`; false: no memory. */
bool ofr_data_hash_write(json_t *json, const ofr_data_hash *data);
/* Are those in `json`, read from `path`, the same?  A key that an earlier version did
 * not write counts as equal.  OFR_INVALID: other files, with `advice` how to go on;
 * OFR_FORMAT: no text. */
ofr_status ofr_data_hash_check(const json_t *json, const ofr_data_hash *data,
                               const char *path, const char *advice, ofr_error *err);

#endif
