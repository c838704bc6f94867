/*
 * cmd_features.c - `offramp features`: everything the model computes about some
 * texts, as a safetensors file that other tools compare or learn from.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/features_input.h"
#include "cli/load.h"
#include "exit/answer.h"
#include "exit/head.h"
#include "exit/policy.h"
#include "exit/student.h"
#include "io/safetensors.h"
#include "model/weights.h"
#include "report/jsonline.h"

#define BATCH_TEXTS 32
#define BATCH_TOKENS 4096
#define NAME_BYTES 32

typedef struct options {
    ofr_cmd_common common;
    const char *model, *input, *output, *precision;
    bool pairs;
    int max_length;
} options;

static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, offsetof(options, model), NULL, "DIR", NULL, 0, 0,
     "model directory", "Model, input, output"},
    {"input", 'i', OFR_OPT_TEXT, offsetof(options, input), NULL, "FILE", NULL, 0, 0,
     "NAME.safetensors with input_ids, or a file with a text per line", NULL},
    {"output", 'o', OFR_OPT_TEXT, offsetof(options, output), NULL, "FILE", NULL, 0, 0,
     "safetensors file to write", NULL},
    {"pairs", 0, OFR_OPT_FLAG, offsetof(options, pairs), NULL, NULL, NULL, 0, 0,
     "a TAB in a line separates two texts; default: if the model's task has pairs", NULL},
    {"max-length", 0, OFR_OPT_INT, offsetof(options, max_length), "0", "N", NULL, 0,
     1 << 24, "cut lines of text to N tokens; 0: as in training", NULL},
    OFR_PRECISION_ROW(options),
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

/* The arrays of the output; layer l is index l - 1 except in `hidden`. */
typedef struct features {
    const ofr_loaded *m;
    const ofr_features_input *in;
    int first_logits; /* lowest layer with a classifier; L + 1: none */
    bool policies;
    float *hidden;    /* [L+1,B,T,C] */
    float *pooled;    /* [B,C]       */
    float *logits;    /* [L,B,K]     */
    float *pi;        /* [L-1,B]     */
    /* scratch of one batch */
    ofr_walk walk;
    ofr_student student;
    ofr_real *cls, *c, *z, *stop, *unit;
    int *offsets;
} features;

static size_t mul(size_t a, int b)
{
    size_t product;
    return __builtin_mul_overflow(a, (size_t)b, &product) ? (size_t)-1 : product;
}

static ofr_status room(void *pointer, size_t count, size_t size, const char *what,
                       ofr_error *err)
{
    void *p = ofr_mem_array(count ? count : 1, size);
    if (!p) return ofr_fail_nomem(err, count * size, what);
    memcpy(pointer, &p, sizeof p);
    return OFR_OK;
}

static ofr_status features_open(features *f, const ofr_loaded *m,
                                const ofr_features_input *in, int max_N, ofr_error *err)
{
    const ofr_config *c = &m->encoder.config;
    size_t B = (size_t)in->B, rows_max = BATCH_TEXTS;
    unsigned found = m->encoder.found;
    f->m = m;
    f->in = in;
    f->policies = c->K > 0 && (found & OFR_GROUP_POLICIES);
    f->first_logits = c->K == 0                       ? c->L + 1
                      : found & OFR_GROUP_HEADS       ? 1
                      : found & OFR_FOUND_CLASSIFIER  ? c->L
                                                      : c->L + 1;
    OFR_TRY(room(&f->hidden, mul(mul(mul(B, in->T), c->C), c->L + 1), sizeof(float),
                 "hidden states", err));
    OFR_TRY(room(&f->pooled, mul(B, c->C), sizeof(float), "pooled vectors", err));
    OFR_TRY(room(&f->logits, mul(mul(B, c->K), c->L), sizeof(float), "logits", err));
    OFR_TRY(room(&f->pi, mul(B, c->L), sizeof(float), "policies", err));
    OFR_TRY(room(&f->cls, mul(rows_max, c->C), sizeof(ofr_real), "a batch", err));
    OFR_TRY(room(&f->c, mul(rows_max, c->C), sizeof(ofr_real), "a batch", err));
    OFR_TRY(room(&f->z, mul(rows_max, c->K), sizeof(ofr_real), "a batch", err));
    OFR_TRY(room(&f->stop, rows_max, sizeof(ofr_real), "a batch", err));
    OFR_TRY(room(&f->unit, mul(rows_max, c->policy_hidden), sizeof(ofr_real), "a batch",
                 err));
    OFR_TRY(room(&f->offsets, rows_max + 1, sizeof *f->offsets, "a batch", err));
    OFR_TRY(ofr_student_open(&f->student, &m->encoder, m->dev, BATCH_TEXTS, 1, max_N,
                             false, err));
    return ofr_walk_open(&f->walk, &m->encoder, m->dev, BATCH_TEXTS, max_N, err);
}

static void features_close(features *f)
{
    if (f->walk.encoder) ofr_walk_close(&f->walk);
    ofr_student_close(&f->student);
    ofr_mem_free(f->hidden);
    ofr_mem_free(f->pooled);
    ofr_mem_free(f->logits);
    ofr_mem_free(f->pi);
    ofr_mem_free(f->cls);
    ofr_mem_free(f->c);
    ofr_mem_free(f->z);
    ofr_mem_free(f->stop);
    ofr_mem_free(f->unit);
    ofr_mem_free(f->offsets);
}

static void copy(float *to, const ofr_real *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i];
}

/* Rows of the texts `first`... after layer l, back to their padded places. */
static void keep_hidden(features *f, int first, int l)
{
    const ofr_features_input *in = f->in;
    size_t C = (size_t)f->m->encoder.config.C, T = (size_t)in->T;
    for (int b = 0; b < f->walk.B; b++) {
        int start = in->offsets[first + b];
        size_t row = ((size_t)l * (size_t)in->B + (size_t)(first + b)) * T;
        for (int i = f->walk.offsets[b]; i < f->walk.offsets[b + 1]; i++) {
            size_t column = (size_t)in->columns[start + i - f->walk.offsets[b]];
            copy(f->hidden + (row + column) * C, f->walk.x + (size_t)i * C, C);
        }
    }
}

/* What the exit of layer l says about the texts `first`... */
static void keep_exit(features *f, int first, int l)
{
    const ofr_encoder *encoder = &f->m->encoder;
    const ofr_config *c = &encoder->config;
    int B = f->walk.B;
    size_t at = (size_t)(l - 1) * (size_t)f->in->B + (size_t)first;
    bool wants_policy = f->policies && l < c->L;
    if (l < c->L && l < f->first_logits && !wants_policy) return;
    ofr_walk_class_rows(&f->walk, f->cls);
    ofr_head_pool(encoder, f->m->dev, l, f->c, f->cls, B);
    if (l == c->L)
        copy(f->pooled + (size_t)first * (size_t)c->C, f->c, (size_t)B * (size_t)c->C);
    if (l >= f->first_logits) {
        if (ofr_student_answers(encoder, l))
            ofr_student_forward(&f->student, l, f->z, f->walk.x, f->walk.offsets, B);
        else
            ofr_head_logits(encoder, f->m->dev, l, f->z, f->c, B);
        copy(f->logits + at * (size_t)c->K, f->z, (size_t)B * (size_t)c->K);
    }
    if (wants_policy) {
        ofr_policy_stop(encoder, f->m->dev, l, f->stop, f->unit, f->c, B);
        copy(f->pi + at, f->stop, (size_t)B);
    }
}

static ofr_status run_batch(features *f, int first, int B, ofr_error *err)
{
    const ofr_features_input *in = f->in;
    int start = in->offsets[first];
    ofr_tokens tokens = {B, f->offsets, in->ids + start, in->types + start};
    for (int b = 0; b <= B; b++)
        f->offsets[b] = in->offsets[first + b] - start;
    ofr_walk_begin(&f->walk, &tokens);
    keep_hidden(f, first, 0);
    for (int l = 1; l <= f->m->encoder.config.L; l++) {
        ofr_walk_layer(&f->walk);
        keep_hidden(f, first, l);
        keep_exit(f, first, l);
    }
    for (int b = 0; b < B; b++) {
        const size_t C = (size_t)f->m->encoder.config.C, row = (size_t)f->offsets[b];
        OFR_TRY(ofr_answer_check(&f->m->encoder, f->walk.x + row * C,
                                 ((size_t)f->offsets[b + 1] - row) * C, first + b + 1,
                                 err));
    }
    return OFR_OK;
}

/* How many texts from `first` make the next batch. */
static int batch_texts(const ofr_features_input *in, int first, int max_N)
{
    int B = 1;
    while (B < BATCH_TEXTS && first + B < in->B &&
           in->offsets[first + B + 1] - in->offsets[first] <= max_N)
        B++;
    return B;
}

/* ---- writing ---------------------------------------------------------------- */

/* Rows of the output file; names live beside them. */
typedef struct table {
    ofr_tensor *rows;
    char (*names)[NAME_BYTES];
    int n;
} table;

static void add(table *t, const char *name, int number, const float *data, int rank,
                int d0, int d1, int d2)
{
    ofr_tensor *row = &t->rows[t->n];
    if (number >= 0)
        snprintf(t->names[t->n], NAME_BYTES, "%s.%d", name, number);
    else
        snprintf(t->names[t->n], NAME_BYTES, "%s", name);
    *row = (ofr_tensor){t->names[t->n], OFR_F32, rank, {d0, d1, d2}, data, 0};
    row->bytes = ofr_tensor_count(row) * sizeof(float);
    t->n++;
}

static void list_tensors(table *t, const features *f)
{
    const ofr_config *c = &f->m->encoder.config;
    int B = f->in->B, T = f->in->T;
    size_t hidden = (size_t)B * (size_t)T * (size_t)c->C;
    size_t logits = (size_t)B * (size_t)c->K;
    for (int l = 0; l <= c->L; l++)
        add(t, "hidden_states", l, f->hidden + (size_t)l * hidden, 3, B, T, c->C);
    if (f->m->encoder.found & OFR_FOUND_POOLER)
        add(t, "pooled", -1, f->pooled, 2, B, c->C, 0);
    for (int l = f->first_logits; l <= c->L; l++)
        add(t, "logits", l, f->logits + (size_t)(l - 1) * logits, 2, B, c->K, 0);
    if (f->first_logits <= c->L)
        add(t, "logits", -1, f->logits + (size_t)(c->L - 1) * logits, 2, B, c->K, 0);
    for (int l = 1; l < c->L && f->policies; l++)
        add(t, "policy", l, f->pi + (size_t)(l - 1) * (size_t)B, 1, B, 0, 0);
}

static ofr_status write_features(const features *f, const char *path, int *n_tensors,
                                 ofr_error *err)
{
    size_t most = 3 * (size_t)f->m->encoder.config.L + 4;
    table t = {NULL, NULL, 0};
    ofr_status status = OFR_OK;
    t.rows = ofr_mem_array(most, sizeof *t.rows);
    t.names = ofr_mem_array(most, sizeof *t.names);
    if (t.rows && t.names) {
        list_tensors(&t, f);
        status = ofr_safetensors_write(path, t.rows, t.n, NULL, 0, err);
        *n_tensors = t.n;
    } else {
        status = ofr_fail_nomem(err, most * sizeof *t.rows, "the output's header");
    }
    ofr_mem_free(t.rows);
    ofr_mem_free(t.names);
    return status;
}

static ofr_status report(const options *o, const features *f, int n_tensors,
                         ofr_error *err)
{
    ofr_buf out;
    ofr_status status;
    if (f->in->n_truncated)
        ofr_log(OFR_LOG_INFO, "%d of %d texts are longer than %d tokens and were cut",
                f->in->n_truncated, f->in->B, f->m->max_tokens);
    ofr_log(OFR_LOG_INFO, "%s: %d tensors for %d texts", o->output, n_tensors, f->in->B);
    if (!o->common.json) return OFR_OK;
    ofr_buf_init(&out);
    ofr_jsonline_open(&out, NULL);
    ofr_jsonline_int(&out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(&out, "output", o->output);
    ofr_jsonline_int(&out, "n_tensors", n_tensors);
    ofr_jsonline_int(&out, "n_texts", f->in->B);
    ofr_jsonline_int(&out, "n_truncated", f->in->n_truncated);
    ofr_jsonline_end(&out);
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

static ofr_status compute(const options *o, const ofr_loaded *m,
                          const ofr_features_input *in, ofr_error *err)
{
    features f;
    int max_N = BATCH_TOKENS, n_tensors = 0;
    ofr_status status;
    memset(&f, 0, sizeof f);
    if (in->T > max_N) max_N = in->T;
    status = features_open(&f, m, in, max_N, err);
    for (int first = 0; first < in->B && status == OFR_OK;) {
        int B = batch_texts(in, first, max_N);
        status = run_batch(&f, first, B, err);
        first += B;
        ofr_term_progress(o->common.term, "features", first, in->B, NULL);
    }
    ofr_term_progress_end(o->common.term);
    if (status == OFR_OK) status = write_features(&f, o->output, &n_tensors, err);
    if (status == OFR_OK) status = report(o, &f, n_tensors, err);
    features_close(&f);
    return status;
}

static bool is_safetensors(const char *path)
{
    size_t n = strlen(path), n_suffix = strlen(".safetensors");
    return n >= n_suffix && strcmp(path + n - n_suffix, ".safetensors") == 0;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_load_options how = {.max_tokens = o->max_length, .threads = o->common.threads,
                            .precision = o->precision, .later = true};
    ofr_loaded m;
    ofr_features_input in;
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(ofr_cmd_need(o->model, "model", err));
    OFR_TRY(ofr_cmd_need(o->input, "input", err));
    OFR_TRY(ofr_cmd_need(o->output, "output", err));
    const ofr_cmd_input input = {"--input", o->input};
    OFR_TRY(ofr_cmd_output("--output", o->output, &input, 1, o->model, err));
    how.tokenizer = !is_safetensors(o->input);
    OFR_TRY(ofr_load_open(&m, o->model, &how, err));
    status = ofr_features_input_open(&in, o->input, &m, o->pairs || m.pairs, err);
    if (status == OFR_OK) {
        status = compute(o, &m, &in, err);
        ofr_features_input_close(&in);
    }
    ofr_load_close(&m);
    return status;
}

const ofr_cmd ofr_cmd_features = {
    .name = "features",
    .summary = "Write hidden states, pooled vectors, logits and policies of texts",
    .usage = "--model DIR --input FILE --output FILE",
    .example = "  offramp features --model my-model --input tokens.safetensors "
               "--output out.safetensors",
    .notes =
        "Input: a safetensors file with input_ids [B,T], and attention_mask and\n"
        "token_type_ids if there are any (I64 or I32; tokens with mask 0 are left out\n"
        "and their rows are zero), or a file with one text per line.\n"
        "Output, all F32: hidden_states.0 .. hidden_states.L [B,T,C] (0: embeddings),\n"
        "pooled [B,C] of the last layer, logits.l [B,K] of every classifier there is,\n"
        "logits (the last), policy.l [B] (what the gate says behind layer l:\n"
        "probability of stopping; of a BERxiT model: of being wrong).  Without a pooler\n"
        "in the files there is no pooled.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
