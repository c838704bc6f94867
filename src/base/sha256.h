/* sha256.h - SHA-256 (FIPS 180-4): names for the bytes of a data file. */
#ifndef OFR_BASE_SHA256_H
#define OFR_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { OFR_SHA256_HEX = 65 }; /* characters of a digest in hexadecimal, with NUL */

typedef struct ofr_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
} ofr_sha256;

void ofr_sha256_init(ofr_sha256 *hash);
void ofr_sha256_add(ofr_sha256 *hash, const void *p, size_t n);
void ofr_sha256_end(ofr_sha256 *hash, char hex[OFR_SHA256_HEX]);

/* Of a whole regular file.  OFR_NOT_FOUND, OFR_IO. */
ofr_status ofr_sha256_file(char hex[OFR_SHA256_HEX], const char *path, ofr_error *err);

#endif
