/* fuzz_json.c - what parses is written and read back unchanged. */
#include "fuzz.h"

#include "io/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ofr_error err;
    json_t *json = NULL, *again = NULL;
    const char *path;
    if (ofr_json_parse(&json, (const char *)data, size, "input", &err) != OFR_OK) {
        OFR_FUZZ_CHECK(err.text[0]);
        return 0;
    }
    path = ofr_fuzz_file("out.json", data, 0);
    OFR_FUZZ_CHECK(ofr_json_save(json, path, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_json_load(&again, path, &err) == OFR_OK);
    OFR_FUZZ_CHECK(json_equal(json, again));
    json_decref(json);
    json_decref(again);
    return 0;
}
