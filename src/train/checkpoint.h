/*
 * checkpoint.h - everything needed to continue bit for bit, in one file.
 *
 * A checkpoint is a list of named arrays in a safetensors file: weights, moments,
 * counters, and what the method remembers.  The file replaces its predecessor
 * only when it is whole.
 */
#ifndef OFR_TRAIN_CHECKPOINT_H
#define OFR_TRAIN_CHECKPOINT_H

#include "io/safetensors.h"

typedef struct ofr_checkpoint_item {
    char name[48];
    ofr_dtype dtype;
    size_t count;
    void *data; /* [count]; saved from here, read into here */
    bool bounded;      /* whole numbers that are read must be in low..high */
    int64_t low, high;
} ofr_checkpoint_item;

typedef struct ofr_checkpoint {
    ofr_safetensors file;
    char path[OFR_PATH_MAX];
} ofr_checkpoint;

ofr_checkpoint_item ofr_checkpoint_item_of(const char *name, ofr_dtype dtype,
                                           size_t count, void *data);
/* The same item, of whole numbers from low to high: places in other arrays, say. */
ofr_checkpoint_item ofr_checkpoint_item_within(ofr_checkpoint_item item, int64_t low,
                                               int64_t high);
/* F32 or F64: how this build stores ofr_real. */
ofr_dtype ofr_checkpoint_real(void);

/* Make the folder of `path` if needed and write the file, with a checksum of the
 * arrays. */
ofr_status ofr_checkpoint_save(const char *path, const ofr_checkpoint_item *items, int n,
                               ofr_error *err);

/* OFR_FORMAT: damaged; a checksum that is not that of the arrays. */
ofr_status ofr_checkpoint_open(ofr_checkpoint *checkpoint, const char *path,
                               ofr_error *err);
/* Fill items[n]; an item that is absent, of another type or size, or with a number
 * outside its bounds is OFR_FORMAT, and none is filled then. */
ofr_status ofr_checkpoint_read(const ofr_checkpoint *checkpoint,
                               const ofr_checkpoint_item *items, int n, ofr_error *err);
void ofr_checkpoint_close(ofr_checkpoint *checkpoint);

#endif
