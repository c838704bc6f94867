/*
 * safetensors.c - maps model files and checks every number in their headers.
 *
 * Nothing of a file is used before all of its header is proved consistent, so
 * that a tensor's pointer and size can be trusted everywhere else.
 */
#include "io/safetensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "io/json.h"

#define HEADER_MAX 100000000u

/* What the tensors of an ofr_safetensors point into. */
typedef struct st_owner {
    ofr_arena arena;    /* names of tensors, paths of files */
    ofr_file_map *maps; /* [n_maps] */
    int n_maps;
    int cap_tensors;
} st_owner;

#define DAMAGED "the file is damaged, download or save it again"

/* ------------------------------------------------------------- one entry -- */

static ofr_status bad_entry(ofr_error *err, const char *path, const char *name,
                            const char *what)
{
    return ofr_fail(err, OFR_FORMAT, "%s: tensor \"%s\": %s; " DAMAGED, path, name, what);
}

static ofr_status read_shape(ofr_tensor *t, const json_t *shape, const char *path,
                             ofr_error *err)
{
    size_t rank;
    if (!json_is_array(shape))
        return bad_entry(err, path, t->name, "\"shape\" is missing or no array");
    rank = json_array_size(shape);
    if (rank > OFR_RANK_MAX)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" has rank %zu, at most %d is supported; store "
                        "it with fewer dimensions",
                        path, t->name, rank, OFR_RANK_MAX);
    t->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad_entry(
                err, path, t->name,
                "\"shape\" holds something else than integers of at least 0");
        t->shape[i] = json_integer_value(dim);
    }
    return OFR_OK;
}

/* *bytes = product(shape) * width, or false when that does not fit. */
static bool shape_bytes(const ofr_tensor *t, size_t *bytes)
{
    size_t n = ofr_dtype_bytes(t->dtype);
    for (int i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(n, (size_t)t->shape[i], &n)) return false;
    *bytes = n;
    return true;
}

/* Everything about one entry that can be checked alone.  `begin` is where its
 * data starts in the data part of `data_bytes` bytes. */
static ofr_status read_entry(ofr_tensor *t, size_t *begin, const json_t *entry,
                             size_t data_bytes, const char *path, ofr_error *err)
{
    const json_t *dtype = json_object_get(entry, "dtype");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *from, *to;
    size_t bytes;
    char text[128];
    int code;

    if (!json_is_object(entry)) return bad_entry(err, path, t->name, "is no JSON object");
    if (!json_is_string(dtype))
        return bad_entry(err, path, t->name, "\"dtype\" is missing or no string");
    code = ofr_dtype_parse(json_string_value(dtype), json_string_length(dtype));
    if (code < 0)
        return ofr_fail(
            err, OFR_FORMAT,
            "%s: tensor \"%s\" has the unknown dtype \"%.32s\", expected F64, "
            "F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL; convert it",
            path, t->name, json_string_value(dtype));
    t->dtype = (ofr_dtype)code;
    OFR_TRY(read_shape(t, json_object_get(entry, "shape"), path, err));

    from = json_array_get(offsets, 0);
    to = json_array_get(offsets, 1);
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !json_is_integer(from) || !json_is_integer(to))
        return bad_entry(err, path, t->name,
                         "\"data_offsets\" is missing or no pair of integers");
    if (json_integer_value(from) < 0 ||
        json_integer_value(to) < json_integer_value(from) ||
        (uint64_t)json_integer_value(to) > data_bytes)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" has data_offsets [%lld,%lld], outside of the "
                        "%zu bytes of data; " DAMAGED,
                        path, t->name, (long long)json_integer_value(from),
                        (long long)json_integer_value(to), data_bytes);
    *begin = (size_t)json_integer_value(from);
    t->bytes = (size_t)json_integer_value(to) - *begin;
    if (!shape_bytes(t, &bytes))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" of shape %s is larger than memory can be; "
                        DAMAGED,
                        path, t->name, ofr_shape_text(text, t->shape, t->rank));
    if (bytes != t->bytes)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" of shape %s and dtype %s needs %zu bytes, its "
                        "data_offsets span %zu; " DAMAGED,
                        path, t->name, ofr_shape_text(text, t->shape, t->rank),
                        ofr_dtype_name(t->dtype), bytes, t->bytes);
    return OFR_OK;
}

/* -------------------------------------------------------------- one file -- */

static ofr_status read_metadata(ofr_safetensors *st, const json_t *header,
                                const char *path, ofr_error *err)
{
    const json_t *metadata = json_object_get(header, "__metadata__");
    const char *key;
    json_t *value;
    if (!metadata) return OFR_OK;
    if (!json_is_object(metadata))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"__metadata__\" is no JSON object; " DAMAGED, path);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"__metadata__\" holds a value that is no string for "
                            "\"%.64s\"; " DAMAGED,
                            path, key);
        if (strcmp(key, OFR_SAFETENSORS_KEY) == 0)
            (void)snprintf(st->content, sizeof st->content, "%s",
                           json_string_value(value));
    }
    return OFR_OK;
}

/* The tensors of one file are sorted while their data points into the map. */
static int by_offset(const void *a, const void *b)
{
    const ofr_tensor *x = a, *y = b;
    const unsigned char *p = x->data, *q = y->data;
    if (p != q) return p < q ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Sorted tensors must follow one another from the first byte to the last. */
static ofr_status check_cover(const ofr_tensor *t, int n, const unsigned char *data,
                              size_t data_bytes, const char *path, ofr_error *err)
{
    size_t end = 0;
    for (int i = 0; i < n; i++) {
        size_t begin = (size_t)((const unsigned char *)t[i].data - data);
        if (begin > end)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: tensor \"%s\" begins at byte %zu of the data, expected "
                            "%zu: a gap of %zu bytes; " DAMAGED,
                            path, t[i].name, begin, end, begin - end);
        if (begin < end)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: tensor \"%s\" begins at byte %zu of the data and "
                            "overlaps \"%s\", which ends at %zu; " DAMAGED,
                            path, t[i].name, begin, t[i - 1].name, end);
        end = begin + t[i].bytes;
    }
    if (end != data_bytes)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the tensors end at byte %zu of the data, the file at %zu; "
                        DAMAGED,
                        path, end, data_bytes);
    return OFR_OK;
}

static ofr_status check_frame(const ofr_file_map *map, size_t *header_bytes,
                              const char *path, ofr_error *err)
{
    uint64_t n = 0;
    if (map->size < 8)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: %zu bytes, a safetensors file has at least 8; " DAMAGED,
                        path, map->size);
    for (int i = 7; i >= 0; i--)
        n = n << 8 | map->p[i];
    if (n > HEADER_MAX)
        return ofr_fail(
            err, OFR_FORMAT,
            "%s: the header claims %llu bytes, at most %u are allowed; this is "
            "no safetensors file or it is damaged, download it again",
            path, (unsigned long long)n, HEADER_MAX);
    if (n > map->size - 8)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the header claims %llu bytes, the file has %zu; " DAMAGED,
                        path, (unsigned long long)n, map->size - 8);
    if (n == 0 || map->p[8] != '{')
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the header does not begin with '{'; this is no safetensors "
                        "file or it is damaged, download it again",
                        path);
    *header_bytes = (size_t)n;
    return OFR_OK;
}

/* Room for `n_more` tensors, and never none: the list is there even when it is
 * empty. */
static ofr_status reserve(ofr_safetensors *st, size_t n_more, const char *path,
                          ofr_error *err)
{
    st_owner *owner = st->owner;
    size_t old = (size_t)owner->cap_tensors, need = (size_t)st->n_tensors + n_more, cap;
    ofr_tensor *tensors;
    const char **files;
    if (need > INT32_MAX / 2)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: %zu tensors are too many, expected at most %d; split the "
                        "file",
                        path, need, INT32_MAX / 2);
    if (need < old) return OFR_OK;
    cap = need >= 2 * old ? need + 1 : 2 * old;
    tensors = ofr_mem_resize(st->tensors, old * sizeof *tensors, cap * sizeof *tensors);
    if (!tensors) return ofr_fail_nomem(err, cap * sizeof *tensors, "the tensor list");
    st->tensors = tensors;
    files = ofr_mem_resize(st->files, old * sizeof *files, cap * sizeof *files);
    if (!files) return ofr_fail_nomem(err, cap * sizeof *files, "the tensor list");
    st->files = files;
    owner->cap_tensors = (int)cap;
    return OFR_OK;
}

/* Append the checked tensors of one header to `st`; names are not yet in the
 * map. */
static ofr_status add_tensors(ofr_safetensors *st, const json_t *header,
                              const ofr_file_map *map, size_t header_bytes,
                              const char *path, ofr_error *err)
{
    st_owner *owner = st->owner;
    const unsigned char *data = map->p + 8 + header_bytes;
    size_t data_bytes = map->size - 8 - header_bytes;
    int first = st->n_tensors;
    const char *key;
    json_t *entry;

    OFR_TRY(read_metadata(st, header, path, err));
    OFR_TRY(reserve(st, json_object_size(header), path, err));
    json_object_foreach((json_t *)(uintptr_t)header, key, entry)
    {
        ofr_tensor *t = &st->tensors[st->n_tensors];
        size_t begin = 0;
        if (strcmp(key, "__metadata__") == 0) continue;
        memset(t, 0, sizeof *t);
        t->name = ofr_arena_strdup(&owner->arena, key, strlen(key));
        if (!t->name) return ofr_fail_nomem(err, strlen(key), "a tensor's name");
        OFR_TRY(read_entry(t, &begin, entry, data_bytes, path, err));
        t->data = data + begin;
        st->files[st->n_tensors++] = path;
    }
    if (st->n_tensors > first)
        qsort(st->tensors + first, (size_t)(st->n_tensors - first), sizeof *st->tensors,
              by_offset);
    return check_cover(st->tensors + first, st->n_tensors - first, data, data_bytes, path,
                       err);
}

/* Map `path` (which lives in the arena) and append its tensors. */
static ofr_status add_file(ofr_safetensors *st, const char *path, ofr_error *err)
{
    st_owner *owner = st->owner;
    size_t n = (size_t)owner->n_maps, header_bytes = 0;
    int first = st->n_tensors;
    ofr_file_map *maps;
    json_t *header = NULL;
    ofr_status status;

    maps = ofr_mem_resize(owner->maps, n * sizeof *maps, (n + 1) * sizeof *maps);
    if (!maps) return ofr_fail_nomem(err, (n + 1) * sizeof *maps, "the list of files");
    owner->maps = maps;
    OFR_TRY(ofr_file_map_open(&maps[n], path, err));
    owner->n_maps++;
    OFR_TRY(check_frame(&maps[n], &header_bytes, path, err));
    OFR_TRY(
        ofr_json_parse(&header, (const char *)maps[n].p + 8, header_bytes, path, err));
    status = add_tensors(st, header, &maps[n], header_bytes, path, err);
    json_decref(header);
    OFR_TRY(status);

    for (int i = first; i < st->n_tensors; i++) {
        const char *name = st->tensors[i].name;
        int old;
        OFR_TRY(ofr_map_put(&st->by_name, name, strlen(name), i, &old, err));
        if (old >= 0)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: tensor \"%s\" is also in %s; remove one of the two",
                            path, name, st->files[old]);
    }
    return OFR_OK;
}

static ofr_status open_empty(ofr_safetensors *st, ofr_error *err)
{
    st_owner *owner;
    memset(st, 0, sizeof *st);
    owner = ofr_mem_zalloc(sizeof *owner);
    if (!owner) return ofr_fail_nomem(err, sizeof *owner, "a safetensors file");
    ofr_arena_init(&owner->arena);
    st->owner = owner;
    return ofr_map_init(&st->by_name, 256, err);
}

static const char *keep_path(ofr_safetensors *st, const char *path)
{
    st_owner *owner = st->owner;
    return ofr_arena_strdup(&owner->arena, path, strlen(path));
}

ofr_status ofr_safetensors_open(ofr_safetensors *st, const char *path, ofr_error *err)
{
    ofr_safetensors made;
    const char *kept;
    ofr_status status = open_empty(&made, err);
    if (status != OFR_OK) goto fail;
    kept = keep_path(&made, path);
    status = kept ? add_file(&made, kept, err)
                  : ofr_fail_nomem(err, strlen(path), "a path");
    if (status != OFR_OK) goto fail;
    *st = made;
    return OFR_OK;
fail:
    ofr_safetensors_close(&made);
    return status;
}

/* ---------------------------------------------------------------- shards -- */

static ofr_status check_shard_name(const char *name, const char *tensor,
                                   const char *index, ofr_error *err)
{
    if (name[0] == 0 || strcmp(name, ".") == 0 || strstr(name, "..") ||
        strchr(name, '/') || strchr(name, '\\'))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%.128s\": \"%.128s\" is no plain file name; put "
                        "the shards next to the index",
                        index, tensor, name);
    return OFR_OK;
}

/* Open every file the weight map names, once, in the order of first mention. */
static ofr_status add_shards(ofr_safetensors *st, ofr_map *opened, const json_t *weights,
                             const char *dir, const char *index, ofr_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)weights, key, value)
    {
        char path[OFR_PATH_MAX];
        const char *name = json_string_value(value), *kept;
        int old;
        if (!name)
            return ofr_fail(
                err, OFR_FORMAT,
                "%s: weight_map of tensor \"%s\" is no file name; restore the "
                "file",
                index, key);
        OFR_TRY(check_shard_name(name, key, index, err));
        OFR_TRY(ofr_map_put(opened, name, strlen(name), 0, &old, err));
        if (old >= 0) continue;
        OFR_TRY(ofr_file_join(path, dir, name, err));
        if (!ofr_file_exists(path))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: tensor \"%.128s\" is said to be in %s, which does not "
                            "exist; download the shards again",
                            index, key, path);
        kept = keep_path(st, path);
        if (!kept) return ofr_fail_nomem(err, strlen(path), "a path");
        OFR_TRY(add_file(st, kept, err));
    }
    return OFR_OK;
}

/* Each tensor must be in the shard that the index names. */
static ofr_status check_shards(const ofr_safetensors *st, const json_t *weights,
                               const char *index, ofr_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)weights, key, value)
    {
        const ofr_tensor *t = ofr_safetensors_find(st, key);
        const char *name = json_string_value(value), *file, *base;
        if (!t)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: tensor \"%s\" is not in %s; download the shards again",
                            index, key, name);
        file = ofr_safetensors_file(st, t);
        base = strrchr(file, '/');
        if (strcmp(base ? base + 1 : file, name) != 0)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: tensor \"%s\" is in %s, expected in %s; download the "
                            "shards again",
                            index, key, file, name);
    }
    return OFR_OK;
}

static ofr_status open_index(ofr_safetensors *st, const char *dir, const char *index,
                             ofr_error *err)
{
    json_t *json = NULL;
    const json_t *weights;
    ofr_map opened;
    ofr_status status;
    OFR_TRY(ofr_json_load(&json, index, err));
    memset(&opened, 0, sizeof opened);
    weights = json_object_get(json, "weight_map");
    if (!json_is_object(weights) || json_object_size(weights) == 0)
        status =
            ofr_fail(err, OFR_FORMAT,
                     "%s: \"weight_map\" is missing or empty; restore the file", index);
    else
        status = ofr_map_init(&opened, 16, err);
    if (status == OFR_OK) status = add_shards(st, &opened, weights, dir, index, err);
    if (status == OFR_OK) status = check_shards(st, weights, index, err);
    ofr_map_free(&opened);
    json_decref(json);
    return status;
}

static ofr_status refuse_pickle(const char *dir, ofr_error *err)
{
    return ofr_fail(err, OFR_FORMAT,
                    "%s: pytorch_model.bin is a pickle, which can run code; convert it "
                    "there: python3 -c \"import torch; from safetensors.torch import "
                    "save_file as s; s({k: v.contiguous().clone() for k, v in "
                    "torch.load('pytorch_model.bin', 'cpu', weights_only=True).items()}, "
                    "'model.safetensors')\"",
                    dir);
}

/* transformers' class of the model, as config.json has it, or "".  Another class would
 * leave weights out, or add a classifier of random numbers. */
static void find_class(char name[64], const char *dir)
{
    char path[OFR_PATH_MAX];
    json_t *json = NULL;
    name[0] = 0;
    if (ofr_file_join(path, dir, "config.json", NULL) != OFR_OK ||
        !ofr_file_exists(path) || ofr_json_load_reals(&json, path, NULL) != OFR_OK)
        return;
    const json_t *named = json_array_get(json_object_get(json, "architectures"), 0);
    const char *text = json_is_string(named) ? json_string_value(named) : "";
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "abcdefghijklmnopqrstuvwxyz0123456789");
    if (n > 0 && n < 64 && !text[n]) memcpy(name, text, n + 1);
    json_decref(json);
}

/* The weights of other kinds, or nothing. */
static ofr_status no_weights(const char *dir, ofr_error *err)
{
    static const char *const others[][2] = {
        {"pytorch_model.bin.index.json", ""},
        {"tf_model.h5", ", from_tf=True"},
        {"flax_model.msgpack", ", from_flax=True"},
    };
    char path[OFR_PATH_MAX], class[64];
    OFR_TRY(ofr_file_join(path, dir, "pytorch_model.bin", err));
    if (ofr_file_exists(path)) return refuse_pickle(dir, err);
    find_class(class, dir);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        OFR_TRY(ofr_file_join(path, dir, others[i][0], err));
        if (ofr_file_exists(path))
            return ofr_fail(err, OFR_FORMAT,
                            "%s: only safetensors are read; convert it in "
                            "transformers%s: %s.from_pretrained('%s'%s)"
                            ".save_pretrained('DIR', safe_serialization=True)",
                            path,
                            class[0] ? "" : ", with its own class if it has a classifier",
                            class[0] ? class : "AutoModel", dir, others[i][1]);
    }
    return ofr_fail(err, OFR_NOT_FOUND,
                    "%s: no model.safetensors and no model.safetensors.index.json; give "
                    "a model directory",
                    dir);
}

ofr_status ofr_safetensors_open_dir(ofr_safetensors *st, const char *dir, ofr_error *err)
{
    char single[OFR_PATH_MAX], index[OFR_PATH_MAX];
    ofr_safetensors made;
    ofr_status status;

    OFR_TRY(ofr_file_join(single, dir, "model.safetensors", err));
    OFR_TRY(ofr_file_join(index, dir, "model.safetensors.index.json", err));
    if (ofr_file_exists(single)) return ofr_safetensors_open(st, single, err);
    if (!ofr_file_exists(index)) return no_weights(dir, err);
    status = open_empty(&made, err);
    if (status == OFR_OK) status = open_index(&made, dir, index, err);
    made.content[0] = 0; /* that of one shard says little */
    if (status != OFR_OK) {
        ofr_safetensors_close(&made);
        return status;
    }
    *st = made;
    return OFR_OK;
}

void ofr_safetensors_close(ofr_safetensors *st)
{
    st_owner *owner;
    if (!st) return;
    owner = st->owner;
    if (owner) {
        for (int i = 0; i < owner->n_maps; i++)
            ofr_file_map_close(&owner->maps[i]);
        ofr_mem_free(owner->maps);
        ofr_arena_free(&owner->arena);
        ofr_mem_free(owner);
    }
    ofr_map_free(&st->by_name);
    ofr_mem_free(st->tensors);
    ofr_mem_free(st->files);
    memset(st, 0, sizeof *st);
}

const ofr_tensor *ofr_safetensors_find(const ofr_safetensors *st, const char *name)
{
    int i = ofr_map_get(&st->by_name, name, strlen(name));
    return i >= 0 ? &st->tensors[i] : NULL;
}

const char *ofr_safetensors_file(const ofr_safetensors *st, const ofr_tensor *tensor)
{
    return st->files[tensor - st->tensors];
}
