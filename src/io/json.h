/*
 * json.h - thin typed getters on jansson with errors that name file and key.
 *
 * jansson rejects duplicate keys (JSON_REJECT_DUPLICATES), bad UTF-8, overflow,
 * trailing junk and deep nesting; errors read "file:line:column: ...".
 */
#ifndef OFR_IO_JSON_H
#define OFR_IO_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"

/* `name` is how errors call the text.  Caller json_decref()s *out. */
ofr_status ofr_json_parse(json_t **out, const char *text, size_t len, const char *name,
                          ofr_error *err);
/* One line of a file; `name` is "FILE:LINE". */
ofr_status ofr_json_parse_line(json_t **out, const char *text, size_t len,
                               const char *name, ofr_error *err);
ofr_status ofr_json_load(json_t **out, const char *path, ofr_error *err);
/* The same for a file that a user names, which may come through a pipe; "-" is standard
 * input. */
ofr_status ofr_json_load_input(json_t **out, const char *path, ofr_error *err);
/* Whole numbers become reals: for files where one may be beyond 64 bits. */
ofr_status ofr_json_load_reals(json_t **out, const char *path, ofr_error *err);
/* For those who say themselves what is wrong: NULL, and *why, whose text is empty when
 * memory was short. */
json_t *ofr_json_try(const char *text, size_t len, json_error_t *why);
/* A deep copy; NULL when memory is short. */
json_t *ofr_json_copy(const json_t *json);
/* Pretty, keys in insertion order, atomic. */
ofr_status ofr_json_save(const json_t *json, const char *path, ofr_error *err);

/* Getters: absent key leaves *out as it is (the default) and returns OFR_OK; a
 * wrong type or a value outside [min, max] is OFR_FORMAT. null counts as absent.
 * Key "a.b" is "b" of the object "a"; an "a" that is no object has no "b". */
ofr_status ofr_json_int(const json_t *object, const char *key, int min, int max, int *out,
                        const char *name, ofr_error *err);
ofr_status ofr_json_real(const json_t *object, const char *key, double min, double max,
                         double *out, const char *name, ofr_error *err);
ofr_status ofr_json_bool(const json_t *object, const char *key, bool *out,
                         const char *name, ofr_error *err);
/* Borrowed from the object. */
ofr_status ofr_json_text(const json_t *object, const char *key, const char **out,
                         const char *name, ofr_error *err);

#endif
