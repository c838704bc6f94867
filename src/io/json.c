/*
 * json.c - parsing, typed getters and a writer for JSON.
 *
 * The writer is our own so that numbers come out in their shortest form:
 * layer_norm_eps reads 1e-12, not 9.9999999999999998e-13.
 */
#include "io/json.h"

#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "io/json_memory.h"

/* Larger than any tokenizer.json or index we know of. */
#define JSON_MAX_BYTES ((size_t)512 << 20)

json_t *ofr_json_copy(const json_t *json)
{
    json_t *copy;

    if (!ofr_json_memory_begin(0)) return NULL;
    copy = json_deep_copy(json);
    if (ofr_json_memory_short()) {
        json_decref(copy);
        copy = NULL;
    }
    ofr_json_memory_end();
    return copy;
}

/* ---- reading ------------------------------------------------------------------- */

typedef struct source {
    const char *text;
    size_t left;
} source;

/* The next characters, a few at a time; none when memory is short. */
static size_t next_part(void *buffer, size_t room, void *user)
{
    source *from = user;
    size_t n = room < 256 ? room : 256;

    if (n > from->left) n = from->left;
    if (ofr_json_memory_short()) n = 0;
    if (n > 0) memcpy(buffer, from->text, n);
    from->text += n;
    from->left -= n;
    return n;
}

/* As ofr_json_try(), with more of jansson's flags. */
static json_t *parse(const char *text, size_t len, size_t flags, json_error_t *why)
{
    source from = {text, len};
    json_t *json = NULL;

    /* jansson doubles the memory of the word that it is reading. */
    if (len < SIZE_MAX / 4 && ofr_json_memory_begin(2 * len + 65536))
        json = json_load_callback(next_part, &from, JSON_REJECT_DUPLICATES | flags, why);
    else
        why->text[0] = '\0';
    if (ofr_json_memory_short()) {
        json_decref(json);
        json = NULL;
        why->text[0] = '\0';
    }
    ofr_json_memory_end();
    for (char *p = why->text; !json && *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) *p = ' ';
    return json;
}

json_t *ofr_json_try(const char *text, size_t len, json_error_t *why)
{
    return parse(text, len, 0, why);
}

/* Where in `name` the text begins to be wrong. */
typedef enum place { LINE_AND_COLUMN, COLUMN } place;

static ofr_status parse_named(json_t **out, const char *text, size_t len, size_t flags,
                              const char *name, place where, ofr_error *err)
{
    json_error_t why;
    json_t *json;
    char line[16] = "";
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    json = parse(text, len, flags, &why);
    if (!json && !why.text[0]) return ofr_fail_nomem(err, len, name);
    if (!json) {
        if (where == LINE_AND_COLUMN) snprintf(line, sizeof line, "%d:", why.line);
        return ofr_fail(err, OFR_FORMAT, "%s:%s%d: not valid JSON: %s; restore the file",
                        name, line, why.column, why.text);
    }
    *out = json;
    return OFR_OK;
}

ofr_status ofr_json_parse(json_t **out, const char *text, size_t len, const char *name,
                          ofr_error *err)
{
    return parse_named(out, text, len, 0, name, LINE_AND_COLUMN, err);
}

ofr_status ofr_json_parse_line(json_t **out, const char *text, size_t len,
                               const char *name, ofr_error *err)
{
    return parse_named(out, text, len, 0, name, COLUMN, err);
}

static ofr_status load(json_t **out, const char *path, bool input, size_t flags,
                       ofr_error *err)
{
    const char *name = input ? ofr_file_input_name(path) : path;
    ofr_buf bytes;
    ofr_status status;
    ofr_buf_init(&bytes);
    status = input ? ofr_file_read_input(&bytes, path, JSON_MAX_BYTES, err)
                   : ofr_file_read(&bytes, path, JSON_MAX_BYTES, err);
    if (status == OFR_OK)
        status = parse_named(out, bytes.p, bytes.n, flags, name, LINE_AND_COLUMN, err);
    ofr_buf_free(&bytes);
    return status;
}

ofr_status ofr_json_load_input(json_t **out, const char *path, ofr_error *err)
{
    return load(out, path, true, 0, err);
}

ofr_status ofr_json_load(json_t **out, const char *path, ofr_error *err)
{
    return load(out, path, false, 0, err);
}

ofr_status ofr_json_load_reals(json_t **out, const char *path, ofr_error *err)
{
    return load(out, path, false, JSON_DECODE_INT_AS_REAL, err);
}

/* ---- writing -------------------------------------------------------------------- */

static void add_indent(ofr_buf *out, int depth)
{
    ofr_buf_addc(out, '\n');
    for (int i = 0; i < depth; i++)
        ofr_buf_adds(out, "  ");
}

static void add_real(ofr_buf *out, double x)
{
    size_t from = out->n;
    ofr_buf_add_double(out, x);
    if (!out->failed && !memchr(out->p + from, '.', out->n - from) &&
        !memchr(out->p + from, 'e', out->n - from))
        ofr_buf_adds(out, ".0"); /* stays a real when it is read again */
}

/* Arrays of numbers stay on one line; the depth is bounded by the parser. */
static void add_value(ofr_buf *out, const json_t *value, int depth)
{
    const char *key;
    json_t *item;
    size_t i, n = 0;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        ofr_buf_addc(out, '{');
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            if (n++) ofr_buf_addc(out, ',');
            add_indent(out, depth + 1);
            ofr_buf_add_json(out, key, strlen(key));
            ofr_buf_adds(out, ": ");
            add_value(out, item, depth + 1);
        }
        if (n) add_indent(out, depth);
        ofr_buf_addc(out, '}');
        break;
    case JSON_ARRAY:
        ofr_buf_addc(out, '[');
        json_array_foreach(value, i, item)
        {
            if (i) ofr_buf_addc(out, ',');
            if (json_is_number(item)) {
                if (i) ofr_buf_addc(out, ' ');
            } else {
                add_indent(out, depth + 1);
                n++;
            }
            add_value(out, item, depth + 1);
        }
        if (n) add_indent(out, depth);
        ofr_buf_addc(out, ']');
        break;
    case JSON_STRING:
        ofr_buf_add_json(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        ofr_buf_addf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL: add_real(out, json_real_value(value)); break;
    case JSON_TRUE: ofr_buf_adds(out, "true"); break;
    case JSON_FALSE: ofr_buf_adds(out, "false"); break;
    case JSON_NULL: ofr_buf_adds(out, "null"); break;
    default: OFR_ASSERT(false); break;
    }
}

ofr_status ofr_json_save(const json_t *json, const char *path, ofr_error *err)
{
    ofr_buf out;
    ofr_status status;
    ofr_buf_init(&out);
    add_value(&out, json, 0);
    ofr_buf_addc(&out, '\n');
    if (out.failed)
        status = ofr_fail_nomem(err, out.n, path);
    else
        status = ofr_file_write(path, out.p, out.n, err);
    ofr_buf_free(&out);
    return status;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a number"; /* whole ones, too: see ofr_json_load_reals() */
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    default: return "null";
    }
}

/* The value of `key`, or NULL when it is absent or null. */
static const json_t *lookup(const json_t *object, const char *key)
{
    const json_t *value;
    const char *dot;

    while ((dot = strchr(key, '.')) != NULL) {
        char outer[32];
        const size_t n = (size_t)(dot - key);
        OFR_ASSERT(n < sizeof outer);
        memcpy(outer, key, n);
        outer[n] = 0;
        object = json_object_get(object, outer);
        key = dot + 1;
    }
    value = json_object_get(object, key);
    return value && !json_is_null(value) ? value : NULL;
}

static ofr_status wrong_type(const json_t *value, const char *key, const char *expected,
                             const char *name, ofr_error *err)
{
    return ofr_fail(err, OFR_FORMAT, "%s: \"%s\" is %s, expected %s; correct the file",
                    name, key, type_name(value), expected);
}

ofr_status ofr_json_int(const json_t *object, const char *key, int min, int max, int *out,
                        const char *name, ofr_error *err)
{
    const json_t *value = lookup(object, key);
    json_int_t n;
    if (!value) return OFR_OK;
    if (!json_is_integer(value)) return wrong_type(value, key, "an integer", name, err);
    n = json_integer_value(value);
    if (n < min || n > max)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" is %lld, expected %d..%d; correct the file", name,
                        key, (long long)n, min, max);
    *out = (int)n;
    return OFR_OK;
}

ofr_status ofr_json_real(const json_t *object, const char *key, double min, double max,
                         double *out, const char *name, ofr_error *err)
{
    const json_t *value = lookup(object, key);
    double x;
    if (!value) return OFR_OK;
    if (!json_is_number(value)) return wrong_type(value, key, "a number", name, err);
    x = json_number_value(value);
    if (!(x >= min && x <= max))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" is %g, expected %g..%g; correct the file", name, key,
                        x, min, max);
    *out = x;
    return OFR_OK;
}

ofr_status ofr_json_bool(const json_t *object, const char *key, bool *out,
                         const char *name, ofr_error *err)
{
    const json_t *value = lookup(object, key);
    if (!value) return OFR_OK;
    if (!json_is_boolean(value))
        return wrong_type(value, key, "true or false", name, err);
    *out = json_is_true(value);
    return OFR_OK;
}

ofr_status ofr_json_text(const json_t *object, const char *key, const char **out,
                         const char *name, ofr_error *err)
{
    const json_t *value = lookup(object, key);
    if (!value) return OFR_OK;
    if (!json_is_string(value)) return wrong_type(value, key, "a string", name, err);
    *out = json_string_value(value);
    return OFR_OK;
}
