/*
 * safetensors_write.c - writes a safetensors file, whole or not at all.
 *
 * Widest dtype first keeps every tensor aligned to its own width, because the
 * header is padded to a multiple of 8.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/safetensors.h"

static int by_width_and_name(const void *a, const void *b)
{
    const ofr_tensor *x = *(const ofr_tensor *const *)a;
    const ofr_tensor *y = *(const ofr_tensor *const *)b;
    size_t p = ofr_dtype_bytes(x->dtype), q = ofr_dtype_bytes(y->dtype);
    if (p != q) return p > q ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const ofr_tensor *const *)a)->name,
                  (*(const ofr_tensor *const *)b)->name);
}

/* The reader would refuse such a file: say so before writing it. */
static ofr_status check_names(const ofr_tensor **sorted, int n,
                              const char *const *metadata, int n_metadata,
                              const char *path, ofr_error *err)
{
    qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    for (int i = 0; i < n; i++) {
        if (strcmp(sorted[i]->name, "__metadata__") == 0)
            return ofr_fail(err, OFR_INVALID,
                            "%s: no tensor can be called __metadata__; rename it", path);
        if (i && strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
            return ofr_fail(err, OFR_INVALID,
                            "%s: two tensors are called \"%s\", expected one; rename the "
                            "other",
                            path, sorted[i]->name);
    }
    for (int i = 0; i < n_metadata; i++) {
        bool twice = strcmp(metadata[2 * i], "format") == 0;
        for (int j = 0; j < i; j++)
            twice = twice || strcmp(metadata[2 * i], metadata[2 * j]) == 0;
        if (twice)
            return ofr_fail(err, OFR_INVALID,
                            "%s: two metadata entries are called \"%s\", expected one; "
                            "rename the other",
                            path, metadata[2 * i]);
    }
    return OFR_OK;
}

static void add_header(ofr_buf *out, const ofr_tensor *const *sorted, int n,
                       const char *const *metadata, int n_metadata)
{
    size_t at = 0;
    ofr_buf_adds(out, "{\"__metadata__\":{\"format\":\"pt\"");
    for (int i = 0; i < 2 * n_metadata; i++) {
        ofr_buf_addc(out, i % 2 ? ':' : ',');
        ofr_buf_add_json(out, metadata[i], strlen(metadata[i]));
    }
    ofr_buf_addc(out, '}');
    for (int i = 0; i < n; i++) {
        const ofr_tensor *t = sorted[i];
        char shape[128];
        OFR_ASSERT(t->bytes == ofr_tensor_count(t) * ofr_dtype_bytes(t->dtype));
        ofr_buf_addc(out, ',');
        ofr_buf_add_json(out, t->name, strlen(t->name));
        ofr_buf_addf(out, ":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                     ofr_dtype_name(t->dtype), ofr_shape_text(shape, t->shape, t->rank),
                     at, at + t->bytes);
        at += t->bytes;
    }
    ofr_buf_addc(out, '}');
    while (!out->failed && out->n % 8)
        ofr_buf_addc(out, ' ');
}

ofr_status ofr_safetensors_write(const char *path, const ofr_tensor *tensors,
                                 int n_tensors, const char *const *metadata,
                                 int n_metadata, ofr_error *err)
{
    const ofr_tensor **sorted = ofr_mem_array((size_t)n_tensors + 1, sizeof *sorted);
    ofr_file_writer w;
    ofr_buf header;
    unsigned char length[8];
    ofr_status status;

    ofr_buf_init(&header);
    if (!sorted) {
        status = ofr_fail_nomem(err, (size_t)n_tensors * sizeof *sorted, path);
        goto done;
    }
    for (int i = 0; i < n_tensors; i++)
        sorted[i] = &tensors[i];
    status = check_names(sorted, n_tensors, metadata, n_metadata, path, err);
    if (status != OFR_OK) goto done;
    qsort(sorted, (size_t)n_tensors, sizeof *sorted, by_width_and_name);
    add_header(&header, sorted, n_tensors, metadata, n_metadata);
    if (header.failed) {
        status = ofr_fail_nomem(err, header.n, path);
        goto done;
    }
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(header.n >> (8 * i));
    status = ofr_file_writer_begin(&w, path, err);
    if (status != OFR_OK) goto done;
    ofr_file_writer_add(&w, length, sizeof length);
    ofr_file_writer_add(&w, header.p, header.n);
    for (int i = 0; i < n_tensors; i++)
        ofr_file_writer_add(&w, sorted[i]->data, sorted[i]->bytes);
    status = ofr_file_writer_commit(&w, err);
done:
    ofr_buf_free(&header);
    ofr_mem_free(sorted);
    return status;
}
