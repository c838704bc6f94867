/* data_hash.c - digests of the files of texts, in the JSON files of runs. */
#include "cli/data_hash.h"

#include <string.h>

static const char *const keys[OFR_DATA_FILES] = {"train_hash", "dev_hash"};

ofr_status ofr_data_hash_of(ofr_data_hash *out, const char *train, const char *dev,
                            ofr_error *err)
{
    *out = (ofr_data_hash){{train, dev}, {"", ""}};
    for (int i = 0; i < OFR_DATA_FILES; i++)
        if (out->path[i]) OFR_TRY(ofr_file_hash(out->hash[i], out->path[i], err));
    return OFR_OK;
}

bool ofr_data_hash_write(json_t *json, const ofr_data_hash *data)
{
    for (int i = 0; i < OFR_DATA_FILES; i++)
        if (data->path[i] &&
            json_object_set_new(json, keys[i], json_string(data->hash[i])))
            return false;
    return true;
}

ofr_status ofr_data_hash_check(const json_t *json, const ofr_data_hash *data,
                               const char *path, const char *advice, ofr_error *err)
{
    for (int i = 0; i < OFR_DATA_FILES; i++) {
        const char *before = NULL;

        OFR_TRY(ofr_json_text(json, keys[i], &before, path, err));
        if (!before || !data->path[i] || strcmp(before, data->hash[i]) == 0) continue;
        return ofr_fail(err, OFR_INVALID,
                        "%s: was made with another %s (\"%s\" is %.40s, now it is %s); "
                        "restore that file, or %s",
                        path, data->path[i], keys[i], before, data->hash[i], advice);
    }
    return OFR_OK;
}
