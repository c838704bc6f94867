/* copy.c - files that go with a model. */
#include "cli/copy.h"

#include "base/file.h"

ofr_status ofr_copy_file(const char *from, const char *to, ofr_error *err)
{
    ofr_buf bytes;
    ofr_status status;

    ofr_buf_init(&bytes);
    status = ofr_file_read(&bytes, from, 0, err);
    if (!status) status = ofr_file_write(to, bytes.p, bytes.n, err);
    ofr_buf_free(&bytes);
    return status;
}

/* What an older model left there goes last, when all of the new one has its place. */
ofr_status ofr_copy_tokenizer(const ofr_tok *tok, const char *out, ofr_error *err)
{
    char path[OFR_PATH_MAX];

    for (int i = 0; i < OFR_TOK_FILES; i++) {
        OFR_TRY(ofr_file_join(path, out, ofr_tok_file_name(i), err));
        if (ofr_tok_file(tok, i)) OFR_TRY(ofr_copy_file(ofr_tok_file(tok, i), path, err));
    }
    for (int i = 0; i < OFR_TOK_FILES; i++) {
        OFR_TRY(ofr_file_join(path, out, ofr_tok_file_name(i), err));
        if (!ofr_tok_file(tok, i)) OFR_TRY(ofr_file_remove(path, err));
    }
    return OFR_OK;
}
