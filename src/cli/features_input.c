/* features_input.c - padded arrays or lines become texts without padding. */
#include "cli/features_input.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "cli/lines.h"
#include "io/safetensors.h"

void ofr_features_input_close(ofr_features_input *input)
{
    ofr_mem_free(input->offsets);
    ofr_mem_free(input->ids);
    ofr_mem_free(input->types);
    ofr_mem_free(input->columns);
    memset(input, 0, sizeof *input);
}

/* ---- safetensors --------------------------------------------------------- */

/* The three arrays as int64; mask and types may be NULL. */
typedef struct arrays {
    int64_t *ids, *mask, *types;
} arrays;

static ofr_status read_array(int64_t **out, const ofr_safetensors *st, const char *path,
                             const char *name, const ofr_tensor *like, ofr_error *err)
{
    const ofr_tensor *t = ofr_safetensors_find(st, name);
    char found[128], expected[128];
    size_t n;
    *out = NULL;
    if (!t) return OFR_OK;
    if (t->dtype != OFR_I64 && t->dtype != OFR_I32)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" is %s, expected I64 or I32; convert it", path,
                        name, ofr_dtype_name(t->dtype));
    if (t->rank != 2 || t->shape[0] != like->shape[0] || t->shape[1] != like->shape[1])
        return ofr_fail(err, OFR_FORMAT,
                        "%s: tensor \"%s\" has shape %s, input_ids %s, expected [B,T] of "
                        "both; correct the file",
                        path, name, ofr_shape_text(found, t->shape, t->rank),
                        ofr_shape_text(expected, like->shape, like->rank));
    n = ofr_tensor_count(t);
    *out = ofr_mem_array(n, sizeof **out);
    if (!*out) return ofr_fail_nomem(err, n * sizeof **out, name);
    ofr_dtype_to_i64(*out, t->data, t->dtype, n);
    return OFR_OK;
}

static ofr_status read_arrays(arrays *a, ofr_features_input *in,
                              const ofr_safetensors *st, const char *path, ofr_error *err)
{
    const ofr_tensor *ids = ofr_safetensors_find(st, "input_ids");
    if (!ids)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: no tensor \"input_ids\" among %d; give a file that has it",
                        path, st->n_tensors);
    OFR_TRY(read_array(&a->ids, st, path, "input_ids", ids, err));
    if (ids->shape[0] < 1 || ids->shape[1] < 1 || ids->shape[0] > INT_MAX / ids->shape[1])
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"input_ids\" is %" PRId64 " x %" PRId64
                        ", expected 1 to %d tokens in all; split the file", path,
                        ids->shape[0], ids->shape[1], INT_MAX);
    in->B = (int)ids->shape[0];
    in->T = (int)ids->shape[1];
    OFR_TRY(read_array(&a->mask, st, path, "attention_mask", ids, err));
    return read_array(&a->types, st, path, "token_type_ids", ids, err);
}

static ofr_status check_token(const ofr_config *config, const char *path, int b, int t,
                              int64_t id, int64_t type, ofr_error *err)
{
    if (id < 0 || id >= config->V)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: input_ids[%d,%d] is %" PRId64 ", expected 0 to %d; correct "
                        "it or give the model of this vocabulary",
                        path, b, t, id, config->V - 1);
    if (config->n_types > 0 && (type < 0 || type >= config->n_types))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: token_type_ids[%d,%d] is %" PRId64
                        ", expected 0 to %d; correct it",
                        path, b, t, type, config->n_types - 1);
    return OFR_OK;
}

static ofr_status drop_padding(ofr_features_input *in, const arrays *a, const char *path,
                               const ofr_loaded *m, ofr_error *err)
{
    const ofr_config *config = &m->encoder.config;
    int most = ofr_config_max_tokens(config), N = 0;
    for (int b = 0; b < in->B; b++) {
        for (int t = 0; t < in->T; t++) {
            size_t at = (size_t)b * (size_t)in->T + (size_t)t;
            int64_t type = a->types && config->n_types > 0 ? a->types[at] : 0;
            if (a->mask && a->mask[at] == 0) continue;
            OFR_TRY(check_token(config, path, b, t, a->ids[at], type, err));
            in->ids[N] = (int)a->ids[at];
            in->types[N] = (int)type;
            in->columns[N++] = t;
        }
        in->offsets[b + 1] = N;
        if (N == in->offsets[b])
            return ofr_fail(err, OFR_FORMAT,
                            "%s: row %d has no token with mask 1; leave it out", path, b);
        if (N - in->offsets[b] > most)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: row %d has %d tokens, the model reads at most %d; "
                            "shorten it",
                            path, b, N - in->offsets[b], most);
    }
    return OFR_OK;
}

static ofr_status make_room(ofr_features_input *in, size_t N, ofr_error *err)
{
    in->offsets = ofr_mem_array((size_t)in->B + 1, sizeof *in->offsets);
    in->ids = ofr_mem_array(N, sizeof *in->ids);
    in->types = ofr_mem_array(N, sizeof *in->types);
    in->columns = ofr_mem_array(N, sizeof *in->columns);
    if (in->offsets && in->ids && in->types && in->columns) return OFR_OK;
    return ofr_fail_nomem(err, N * sizeof *in->ids, "tokens");
}

static ofr_status open_safetensors(ofr_features_input *in, const char *path,
                                   const ofr_loaded *m, ofr_error *err)
{
    ofr_safetensors st;
    arrays a = {NULL, NULL, NULL};
    ofr_status status;
    OFR_TRY(ofr_safetensors_open(&st, path, err));
    status = read_arrays(&a, in, &st, path, err);
    if (status == OFR_OK) status = make_room(in, (size_t)in->B * (size_t)in->T, err);
    if (status == OFR_OK) status = drop_padding(in, &a, path, m, err);
    ofr_mem_free(a.ids);
    ofr_mem_free(a.mask);
    ofr_mem_free(a.types);
    ofr_safetensors_close(&st);
    return status;
}

/* ---- lines ------------------------------------------------------------------ */

/* Arrays that grow; ids, types and columns share one capacity. */
typedef struct growth {
    size_t cap_texts, cap_tokens;
} growth;

static ofr_status grow(int **array, size_t used, size_t cap, ofr_error *err)
{
    int *more = ofr_mem_resize(*array, used * sizeof *more, cap * sizeof *more);
    if (!more) return ofr_fail_nomem(err, cap * sizeof *more, "tokens");
    *array = more;
    return OFR_OK;
}

static ofr_status add_text(ofr_features_input *in, growth *g, const ofr_tok_scratch *s,
                           const char *path, ofr_error *err)
{
    size_t texts = (size_t)in->B + 1, N = in->offsets ? (size_t)in->offsets[in->B] : 0;
    size_t n = (size_t)s->n;
    if (N + n > INT_MAX)
        return ofr_fail(err, OFR_FORMAT, "%s: %zu tokens, expected %d at most; split it",
                        path, N + n, INT_MAX);
    if (texts + 1 > g->cap_texts) {
        size_t cap = 2 * g->cap_texts + 64;
        OFR_TRY(grow(&in->offsets, in->offsets ? texts : 0, cap, err));
        if (in->B == 0) in->offsets[0] = 0;
        g->cap_texts = cap;
    }
    if (N + n > g->cap_tokens) {
        size_t cap = 2 * g->cap_tokens + n + 1024;
        OFR_TRY(grow(&in->ids, N, cap, err));
        OFR_TRY(grow(&in->types, N, cap, err));
        OFR_TRY(grow(&in->columns, N, cap, err));
        g->cap_tokens = cap;
    }
    for (size_t i = 0; i < n; i++) {
        in->ids[N + i] = s->ids[i];
        in->types[N + i] = s->types[i];
        in->columns[N + i] = (int)i;
    }
    in->offsets[++in->B] = (int)(N + n);
    in->n_truncated += s->truncated;
    if (s->n > in->T) in->T = s->n;
    return OFR_OK;
}

static ofr_status read_lines(ofr_features_input *in, ofr_lines *lines,
                             const ofr_loaded *m, bool pairs, ofr_tok_scratch *scratch,
                             ofr_buf *line, ofr_error *err)
{
    growth g = {0, 0};
    for (;;) {
        ofr_str text, pair = {NULL, 0};
        const char *tab;
        bool got;
        ofr_buf_clear(line);
        OFR_TRY(ofr_lines_next(lines, line, &got, err));
        if (!got) break;
        text = (ofr_str){line->n ? line->p : "", line->n};
        tab = pairs && line->n ? memchr(line->p, '\t', line->n) : NULL;
        if (tab) {
            text.n = (size_t)(tab - line->p);
            pair = (ofr_str){tab + 1, line->n - text.n - 1};
        }
        OFR_TRY(ofr_tok_encode(m->tok, scratch, text, pair, m->max_tokens, err));
        OFR_TRY(add_text(in, &g, scratch, lines->path, err));
    }
    if (in->B == 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the file is empty; give a text a line", lines->path);
    return OFR_OK;
}

static ofr_status open_lines(ofr_features_input *in, const char *path,
                             const ofr_loaded *m, bool pairs, ofr_error *err)
{
    ofr_lines lines;
    ofr_tok_scratch scratch;
    ofr_buf line;
    ofr_status status;
    OFR_TRY(ofr_lines_open(&lines, path, err));
    ofr_tok_scratch_init(&scratch);
    ofr_buf_init(&line);
    status = read_lines(in, &lines, m, pairs, &scratch, &line, err);
    ofr_buf_free(&line);
    ofr_tok_scratch_free(&scratch);
    ofr_lines_close(&lines);
    return status;
}

ofr_status ofr_features_input_open(ofr_features_input *input, const char *path,
                                   const ofr_loaded *model, bool pairs, ofr_error *err)
{
    static const char suffix[] = ".safetensors";
    size_t n = strlen(path), n_suffix = sizeof suffix - 1;
    ofr_features_input in;
    ofr_status status;
    memset(&in, 0, sizeof in);
    status = n >= n_suffix && strcmp(path + n - n_suffix, suffix) == 0
                 ? open_safetensors(&in, path, model, err)
                 : open_lines(&in, path, model, pairs, err);
    if (status != OFR_OK) {
        ofr_features_input_close(&in);
        return status;
    }
    *input = in;
    return OFR_OK;
}
