/* html_origin.c - where the numbers come from, so that they can be made again. */
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "report/html_parts.h"

ofr_page_table *ofr_part_origin(ofr_page *page)
{
    ofr_page_table *t;

    ofr_page_section_begin(page, "provenance-section", "Where this comes from");
    t = ofr_page_table_begin(page, "provenance", NULL, OFR_LOOK_TABLE);
    ofr_page_column(t, "name", "", false);
    ofr_page_column(t, "value", "", false);
    return t;
}

void ofr_part_origin_text(ofr_page *page, ofr_page_table *t, const char *name,
                          const char *value)
{
    if (!value || !value[0]) return;
    ofr_page_row_begin(page, t);
    ofr_page_text(page, t, ofr_str_of(name));
    ofr_page_text(page, t, ofr_str_of(value));
}

static void add_value(ofr_page *page, ofr_page_table *t, const char *key,
                      const json_t *value)
{
    ofr_buf text;

    ofr_buf_init(&text);
    if (json_is_integer(value))
        ofr_buf_addf(&text, "%lld", (long long)json_integer_value(value));
    else if (json_is_number(value))
        ofr_buf_add_double(&text, json_number_value(value));
    else if (json_is_boolean(value))
        ofr_buf_adds(&text, json_is_true(value) ? "yes" : "no");
    else if (json_is_string(value))
        ofr_buf_adds(&text, json_string_value(value));
    if (text.failed)
        page->failed = true;
    else if (text.n)
        ofr_part_origin_text(page, t, key, text.p);
    ofr_buf_free(&text);
}

void ofr_part_origin_json(ofr_page *page, ofr_page_table *t, const json_t *object,
                          const char *const *keys)
{
    const char *key;
    json_t *value;
    char name[64];

    for (; keys && *keys; keys++) {
        size_t n = 0;

        for (; n + 1 < sizeof name && (*keys)[n]; n++)
            name[n] = (char)((*keys)[n] == '_' ? ' ' : (*keys)[n]);
        name[n] = '\0';
        add_value(page, t, name, json_object_get(object, *keys));
    }
    if (keys) return;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
        add_value(page, t, key, value);
}

ofr_status ofr_part_origin_file(ofr_page *page, ofr_page_table *t, const char *name,
                                const char *path, ofr_error *err)
{
    char hex[OFR_SHA256_HEX];

    if (!path) return OFR_OK;
    if (strcmp(path, "-") == 0) { /* is gone */
        ofr_part_origin_text(page, t, name, ofr_file_input_name(path));
        return OFR_OK;
    }
    OFR_TRY(ofr_sha256_file(hex, path, err));
    ofr_part_origin_text(page, t, name,
                         ofr_page_format(page, "%s (SHA-256 %s)", path, hex));
    return OFR_OK;
}
