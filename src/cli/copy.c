/* copy.c - files that are taken over from one model directory to another. */
#include "cli/copy.h"

#include <string.h>

#include "base/file.h"

static ofr_status copy_file(const char *from, const char *dir, ofr_error *err)
{
    const char *slash = strrchr(from, '/');
    char to[OFR_PATH_MAX];
    ofr_buf bytes;
    ofr_status status;

    OFR_TRY(ofr_file_join(to, dir, slash ? slash + 1 : from, err));
    ofr_buf_init(&bytes);
    status = ofr_file_read(&bytes, from, 0, err);
    if (!status) status = ofr_file_write(to, bytes.p, bytes.n, err);
    ofr_buf_free(&bytes);
    return status;
}

ofr_status ofr_copy_tokenizer(const ofr_tok *tok, const char *model, const char *out,
                              ofr_error *err)
{
    static const char *const beside[] = {"tokenizer_config.json",
                                         "special_tokens_map.json", "added_tokens.json"};
    const char *paths[8];
    const int n = ofr_tok_files(tok, paths);
    char path[OFR_PATH_MAX];

    for (int i = 0; i < n; i++)
        OFR_TRY(copy_file(paths[i], out, err));
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        OFR_TRY(ofr_file_join(path, model, beside[i], err));
        if (ofr_file_exists(path)) OFR_TRY(copy_file(path, out, err));
    }
    return OFR_OK;
}
