/* ablate_file.c - what a finished unit leaves: unit.json, and its checkpoint. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "cli/ablate.h"
#include "io/json.h"
#include "train/checkpoint.h"

static ofr_status nomem(ofr_error *err)
{
    return ofr_fail_nomem(err, 4096, "a unit");
}

/* ---- writing -------------------------------------------------------------------- */

static json_t *right_rows(const ofr_eval *eval)
{
    json_t *rows = json_array();
    char row[513];

    for (int i = 0; rows && i < eval->n; i++) {
        for (int l = 0; l < eval->L; l++)
            row[l] = ofr_eval_right(eval, i, l + 1) ? '1' : '0';
        if (json_array_append_new(rows, json_stringn(row, (size_t)eval->L))) {
            json_decref(rows);
            rows = NULL;
        }
    }
    return rows;
}

static json_t *ints(const int *x, int n)
{
    json_t *array = json_array();

    for (int i = 0; array && i < n; i++)
        if (json_array_append_new(array, json_integer(x[i]))) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

ofr_status ofr_ablate_unit_write(const char *path, const ofr_ablate_origin *origin,
                                 const ofr_eval *eval, ofr_error *err)
{
    json_t *json = json_pack("{s:i, s:s, s:f, s:f, s:f, s:i}", "schema_version",
                             OFR_SCHEMA_VERSION, "command", origin->command, "score",
                             eval->score, "score_full", eval->score_full,
                             "mean_exit_layer", eval->mean_exit, "n_layers", eval->L);
    ofr_status status;

    if (!json) return nomem(err);
    if (!ofr_data_hash_write(json, origin->data) ||
        json_object_set_new(json, "exit_layer", ints(eval->exit_layer, eval->n)) ||
        json_object_set_new(json, "memorized", ints(eval->memorized, eval->n)) ||
        json_object_set_new(json, "right", right_rows(eval)))
        status = nomem(err);
    else
        status = ofr_json_save(json, path, err);
    json_decref(json);
    return status;
}

/* ---- reading -------------------------------------------------------------------- */

/* A file that is being read into a unit. */
typedef struct reader {
    const json_t *json;
    const char *path;
    ofr_arena *arena;
    ofr_ablate_unit *unit;
} reader;

#define AGAIN "; measure again with --overwrite, or restore the file"

/* The array `key`, one entry for each of n texts. */
static ofr_status array_of(const json_t **out, const reader *r, const char *key, int n,
                           ofr_error *err)
{
    *out = json_object_get(r->json, key);
    if (json_is_array(*out) && json_array_size(*out) == (size_t)n) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT, "%s: \"%s\" has %zu entries, expected %d" AGAIN,
                    r->path, key, json_array_size(*out), n);
}

static ofr_status read_layers(const reader *r, int **out, const char *key, ofr_error *err)
{
    const int n = r->unit->n, L = r->unit->L;
    const json_t *array;

    OFR_TRY(array_of(&array, r, key, n, err));
    *out = ofr_arena_alloc(r->arena, (size_t)n * sizeof **out);
    if (!*out) return nomem(err);
    for (int i = 0; i < n; i++) {
        const json_int_t layer = json_integer_value(json_array_get(array, (size_t)i));

        if (layer < 1 || layer > L)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"%s\"[%d] is %lld, expected a layer from 1 to %d" AGAIN,
                            r->path, key, i, (long long)layer, L);
        (*out)[i] = (int)layer;
    }
    return OFR_OK;
}

static ofr_status read_right(const reader *r, ofr_error *err)
{
    ofr_ablate_unit *unit = r->unit;
    const size_t L = (size_t)unit->L, n = (size_t)unit->n;
    const json_t *rows;

    OFR_TRY(array_of(&rows, r, "right", unit->n, err));
    unit->right = ofr_arena_alloc(r->arena, n * L);
    if (!unit->right) return nomem(err);
    for (size_t i = 0; i < n; i++) {
        const char *row = json_string_value(json_array_get(rows, i));

        if (!row || strlen(row) != L || strspn(row, "01") != L)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"right\"[%zu] is %.80s, expected 0 or 1 for each of "
                            "%zu layers" AGAIN,
                            r->path, i, row ? row : "no text", L);
        for (size_t l = 0; l < L; l++)
            unit->right[i * L + l] = row[l] == '1';
    }
    return OFR_OK;
}

static ofr_status read_number(const reader *r, double *out, const char *key, double max,
                              ofr_error *err)
{
    if (!json_is_number(json_object_get(r->json, key)))
        return ofr_fail(err, OFR_FORMAT, "%s: \"%s\" is no number" AGAIN, r->path, key);
    return ofr_json_real(r->json, key, -1, max, out, r->path, err);
}

static ofr_status check_origin(const reader *r, const ofr_ablate_origin *origin,
                               ofr_error *err)
{
    const char *theirs = json_string_value(json_object_get(r->json, "command"));

    if (!theirs)
        return ofr_fail(err, OFR_FORMAT, "%s: has no \"command\" as text" AGAIN, r->path);
    if (strcmp(theirs, origin->command) != 0)
        return ofr_fail(err, OFR_INVALID,
                        "%s: was made with other options; give the same ones, another "
                        "--out, or --overwrite",
                        r->path);
    return ofr_data_hash_check(r->json, origin->data, r->path,
                               "give another --out, or --overwrite", err);
}

/* The origin first: a unit of other options may be whole, but is none of ours. */
static ofr_status read_fields(const reader *r, const ofr_ablate_origin *origin,
                              ofr_error *err)
{
    const json_t *exits = json_object_get(r->json, "exit_layer");
    ofr_ablate_unit *unit = r->unit;

    OFR_TRY(check_origin(r, origin, err));
    unit->L = 0;
    OFR_TRY(ofr_json_int(r->json, "n_layers", 1, 512, &unit->L, r->path, err));
    if (unit->L == 0 || json_array_size(exits) == 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: has %d layers and %zu texts, expected some" AGAIN, r->path,
                        unit->L, json_array_size(exits));
    unit->n = (int)json_array_size(exits);
    OFR_TRY(read_number(r, &unit->score, "score", 1, err));
    OFR_TRY(read_number(r, &unit->score_full, "score_full", 1, err));
    OFR_TRY(read_number(r, &unit->mean_exit, "mean_exit_layer", unit->L, err));
    OFR_TRY(read_layers(r, &unit->exit, "exit_layer", err));
    OFR_TRY(read_layers(r, &unit->memorized, "memorized", err));
    return read_right(r, err);
}

ofr_status ofr_ablate_unit_read(ofr_arena *arena, ofr_ablate_unit *unit, const char *path,
                                const ofr_ablate_origin *origin, ofr_error *err)
{
    json_t *json;
    ofr_status status;

    OFR_TRY(ofr_json_load(&json, path, err));
    status = read_fields(&(const reader){json, path, arena, unit}, origin, err);
    json_decref(json);
    return status;
}

/* ---- hardness --------------------------------------------------------------------- */

/* Room in an entropy for the rounding of logits. */
#define ROUNDING 1e-6

static ofr_status check_hardness(const double *hardness, int n, const char *path,
                                 ofr_error *err)
{
    for (int i = 0; i < n; i++)
        if (!(hardness[i] >= 0 && hardness[i] <= 1 + ROUNDING))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: 'hardness'[%d] is %g, expected 0..1" AGAIN, path, i,
                            hardness[i]);
    return OFR_OK;
}

/* As ofr_ablate_hardness_read(). */
static ofr_status read_hardness(double **out, int *n, const ofr_checkpoint *checkpoint,
                                ofr_error *err)
{
    const ofr_tensor *tensor = ofr_safetensors_find(&checkpoint->file, "hardness");
    const size_t found = tensor ? ofr_tensor_count(tensor) : 0;

    if (found == 0 || found > INT_MAX)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: has the hardness of %zu texts, expected 1..%d" AGAIN,
                        checkpoint->path, found, INT_MAX);
    if (*n && found != (size_t)*n)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: has the hardness of %zu texts, the measure before it of "
                        "%d" AGAIN,
                        checkpoint->path, found, *n);
    *out = ofr_mem_array(found, sizeof **out);
    if (!*out) return ofr_fail_nomem(err, found * sizeof **out, "hardness");
    *n = (int)found;
    const ofr_checkpoint_item item =
        ofr_checkpoint_item_of("hardness", OFR_F64, found, *out);
    OFR_TRY(ofr_checkpoint_read(checkpoint, &item, 1, err));
    return check_hardness(*out, *n, checkpoint->path, err);
}

ofr_status ofr_ablate_hardness_read(double **out, int *n, const char *path,
                                    ofr_error *err)
{
    ofr_checkpoint checkpoint;
    ofr_status status;

    *out = NULL;
    OFR_TRY(ofr_checkpoint_open(&checkpoint, path, err));
    status = read_hardness(out, n, &checkpoint, err);
    ofr_checkpoint_close(&checkpoint);
    return status;
}
