/*
 * test_encoder_parity.c - whole tiny models against Hugging Face transformers.
 *
 * For each family: hidden states, pooled vectors and logits of a batch, gradients
 * of every parameter, and ten steps of AdamW.  Built in float (2e-5) and in
 * double (1e-10; gradients 1e-9 of each tensor's largest, losses 1e-8).
 */
#include "support/support.h"

#include <jansson.h>
#include <math.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "exit/head.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "model/encoder.h"
#include "model/weights.h"
#include "nn/loss.h"

#define IN_DOUBLE (sizeof(ofr_real) == sizeof(double))
#define B 5
#define T_MAX 33

static double tolerance(double in_float, double in_double)
{
    return IN_DOUBLE ? in_double : in_float;
}

/* The batch of the reference without its padding. */
typedef struct batch {
    ofr_safetensors file;
    int offsets[B + 1], ids[B * T_MAX], types[B * T_MAX], labels[B];
    int rows[B * T_MAX]; /* row of each token in the padded arrays */
    ofr_tokens tokens;
} batch;

static const ofr_tensor *tensor(const ofr_safetensors *st, const char *name)
{
    const ofr_tensor *found = ofr_safetensors_find(st, name);
    if (!found) fail_msg("the reference has no %s", name);
    return found;
}

static void read_ints(int64_t *out, const ofr_safetensors *st, const char *name, size_t n)
{
    const ofr_tensor *t = tensor(st, name);
    assert_int_equal(ofr_tensor_count(t), n);
    ofr_dtype_to_i64(out, t->data, t->dtype, n);
}

static void batch_open(batch *b, const char *dir)
{
    int64_t ids[B * T_MAX], mask[B * T_MAX], types[B * T_MAX], labels[B];
    char path[OFR_PATH_MAX];
    ofr_error err;
    assert_ok(ofr_file_join(path, dir, "forward.safetensors", &err), err);
    assert_ok(ofr_safetensors_open(&b->file, path, &err), err);
    read_ints(ids, &b->file, "input_ids", B * T_MAX);
    read_ints(mask, &b->file, "attention_mask", B * T_MAX);
    read_ints(types, &b->file, "token_type_ids", B * T_MAX);
    read_ints(labels, &b->file, "labels", B);
    int n = 0;
    for (int i = 0; i < B * T_MAX; i++) {
        if (i % T_MAX == 0) b->offsets[i / T_MAX] = n;
        if (!mask[i]) continue;
        b->rows[n] = i;
        b->ids[n] = (int)ids[i];
        b->types[n++] = (int)types[i];
    }
    b->offsets[B] = n;
    assert_int_equal(n, 33 + 3 + 17 + 8 + 25);
    for (int i = 0; i < B; i++) b->labels[i] = (int)labels[i];
    b->tokens = (ofr_tokens){B, b->offsets, b->ids, b->types};
}

/* Rows of real tokens of a padded F64 tensor [B,T,C]; caller frees. */
static double *without_padding(const batch *b, const char *name, size_t C)
{
    size_t n = (size_t)b->offsets[B];
    const ofr_tensor *t = tensor(&b->file, name);
    assert_int_equal(t->dtype, OFR_F64);
    double *out = malloc(n * C * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        memcpy(out + i * C, (const char *)t->data + (size_t)b->rows[i] * C * 8, C * 8);
    }
    return out;
}

static void expect_hidden(const batch *b, int l, const ofr_real *x, size_t C,
                          const char *walk)
{
    char name[64], title[96];
    (void)snprintf(name, sizeof name, "hidden_states.%d", l);
    (void)snprintf(title, sizeof title, "%s %s", walk, name);
    double *want = without_padding(b, name, C);
    support_close_mixed(title, x, want, (size_t)b->offsets[B] * C, tolerance(2e-5, 1e-11),
                        0);
    free(want);
}

static void expect_tensor(const batch *b, const char *name, const ofr_real *x, size_t n)
{
    const ofr_tensor *t = ofr_safetensors_find(&b->file, name);
    if (!t) return; /* pooled: only families that have a pooler */
    double *want = malloc(n * sizeof *want);
    assert_int_equal(ofr_tensor_count(t), n);
    memcpy(want, t->data, n * sizeof *want);
    support_close_mixed(name, x, want, n, tolerance(2e-5, 1e-11), 0);
    free(want);
}

/* Everything of one family's test. */
typedef struct bed {
    char dir[OFR_PATH_MAX];
    batch batch;
    ofr_encoder encoder;
    ofr_dev *dev;
    ofr_trace trace;
    ofr_heads heads;
    ofr_real *cls, *dcls, *dz, *grads, *m, *v;
    size_t C, K, L;
} bed;

static ofr_real *reals(size_t n)
{
    ofr_real *p = ofr_mem_array(n, sizeof *p);
    assert_non_null(p);
    return p;
}

static bool bed_open(bed *t, const char *family, const ofr_ops *ops, int n_threads)
{
    ofr_error err;
    char relative[64];
    *t = (bed){0};
    (void)snprintf(relative, sizeof relative, "encoders/%s", family);
    if (!support_shared_path(t->dir, "oracle", relative)) return false;
    batch_open(&t->batch, t->dir);
    assert_ok(ofr_dev_open(&t->dev, ops, n_threads, 64, &err), err);
    assert_ok(ofr_encoder_open(&t->encoder, t->dir, 1, &err), err);
    int N = t->batch.offsets[B];
    assert_ok(ofr_trace_open(&t->trace, &t->encoder, t->dev, B, T_MAX, N, &err), err);
    assert_ok(ofr_heads_open(&t->heads, &t->encoder, t->dev, B, &err), err);
    t->C = (size_t)t->encoder.config.C;
    t->K = (size_t)t->encoder.config.K;
    t->L = (size_t)t->encoder.config.L;
    t->cls = reals(t->L * B * t->C);
    t->dcls = reals(t->L * B * t->C);
    t->dz = reals(t->L * B * t->K);
    t->grads = reals(t->encoder.params.total);
    t->m = reals(t->encoder.params.total);
    t->v = reals(t->encoder.params.total);
    return true;
}

static void bed_close(bed *t)
{
    ofr_heads_close(&t->heads);
    ofr_trace_close(&t->trace);
    ofr_encoder_close(&t->encoder);
    ofr_dev_close(t->dev);
    ofr_safetensors_close(&t->batch.file);
    ofr_real *arrays[] = {t->cls, t->dcls, t->dz, t->grads, t->m, t->v};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) ofr_mem_free(arrays[i]);
}

/* Mean cross-entropy of layer L's classifier; grads = its gradient. */
static double step(bed *t)
{
    double loss = 0;
    size_t last = (t->L - 1) * B * t->K;
    memset(t->grads, 0, t->encoder.params.total * sizeof *t->grads);
    memset(t->dz, 0, t->L * B * t->K * sizeof *t->dz);
    ofr_trace_forward(&t->trace, &t->batch.tokens, t->cls, true, 7);
    ofr_heads_forward(&t->heads, t->cls, B, true, 7);
    for (size_t b = 0; b < B; b++) {
        const ofr_real *z = t->heads.z + last + b * t->K;
        loss += ofr_loss_ce(z, (int)t->K, t->batch.labels[b]) / B;
        ofr_loss_ce_bwd(t->dz + last + b * t->K, z, (int)t->K, t->batch.labels[b],
                        1.0 / B);
    }
    int top = ofr_heads_backward(&t->heads, t->grads, t->dcls, t->dz);
    assert_int_equal(top, (int)t->L);
    ofr_trace_backward(&t->trace, t->grads, t->dcls, top);
    return loss;
}

static void check_forward(bed *t)
{
    ofr_mem_forbid(true);
    double loss = step(t);
    ofr_mem_forbid(false);
    assert_int_equal(ofr_mem_violations(), 0);
    for (size_t l = 0; l <= t->L; l++) {
        expect_hidden(&t->batch, (int)l, ofr_trace_hidden(&t->trace, (int)l), t->C,
                      "trace");
    }
    expect_tensor(&t->batch, "pooled", t->heads.c + (t->L - 1) * B * t->C, B * t->C);
    expect_tensor(&t->batch, "logits", t->heads.z + (t->L - 1) * B * t->K, B * t->K);
    double want;
    memcpy(&want, tensor(&t->batch.file, "loss")->data, sizeof want);
    support_close_one("loss", loss, want, tolerance(1e-5, 1e-11));
}

static void check_walk(bed *t)
{
    ofr_error err;
    ofr_walk walk;
    ofr_real c[B * 64], z[B * 8];
    int N = t->batch.offsets[B];
    assert_ok(ofr_encoder_pack(&t->encoder, t->dev, OFR_PRECISION_F32, &err), err);
    assert_ok(ofr_walk_open(&walk, &t->encoder, t->dev, B, N, &err), err);
    ofr_mem_forbid(true);
    ofr_walk_begin(&walk, &t->batch.tokens);
    for (int l = 0;; l++) {
        ofr_mem_forbid(false);
        expect_hidden(&t->batch, l, walk.x, t->C, "walk");
        ofr_mem_forbid(true);
        if (l == (int)t->L) break;
        ofr_walk_layer(&walk);
    }
    ofr_walk_class_rows(&walk, t->cls);
    ofr_head_pool(&t->encoder, t->dev, (int)t->L, c, t->cls, B);
    ofr_head_logits(&t->encoder, t->dev, (int)t->L, z, c, B);
    ofr_mem_forbid(false);
    assert_int_equal(ofr_mem_violations(), 0);
    expect_tensor(&t->batch, "pooled", c, B * t->C);
    expect_tensor(&t->batch, "logits", z, B * t->K);
    ofr_walk_close(&walk);
}

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

static void check_grads(bed *t)
{
    char path[OFR_PATH_MAX];
    ofr_safetensors want;
    ofr_error err;
    int checked = 0;
    assert_ok(ofr_file_join(path, t->dir, "grads.safetensors", &err), err);
    assert_ok(ofr_safetensors_open(&want, path, &err), err);
    for (int i = 0; i < t->encoder.params.n; i++) {
        const ofr_param *row = &t->encoder.params.rows[i];
        const ofr_real *got = t->grads + row->offset;
        const ofr_tensor *w = ofr_safetensors_find(&want, row->file_name);
        if (!w) { /* other exits: the loss does not see them */
            assert_non_null(strstr(row->file_name, "offramp."));
            for (size_t j = 0; j < row->count; j++) assert_true(got[j] == 0);
            continue;
        }
        double *values = malloc(row->count * sizeof *values);
        assert_int_equal(ofr_tensor_count(w), row->count);
        memcpy(values, w->data, row->count * sizeof *values);
        /* The gradient of a key's bias is zero but for rounding. */
        double floor = tolerance(1e-6, 1e-14);
        support_close_mixed(row->file_name, got, values, row->count,
                            tolerance(5e-5, 1e-9) * largest(values, row->count) + floor,
                            0);
        free(values);
        checked++;
    }
    assert_int_equal(checked, want.n_tensors);
    ofr_safetensors_close(&want);
}

static void adamw(bed *t, int number, double norm)
{
    double scale = 1 / (norm + 1e-6);
    ofr_adamw_step s = {.lr = 1e-3 * (1 - number / 10.0), .beta1 = 0.9, .beta2 = 0.999,
                        .eps = 1e-8, .correct1 = 1 - pow(0.9, number + 1),
                        .correct2 = 1 - pow(0.999, number + 1),
                        .grad_scale = scale < 1 ? scale : 1};
    for (int i = 0; i < t->encoder.params.n; i++) {
        const ofr_param *row = &t->encoder.params.rows[i];
        size_t at = row->offset;
        s.decay = row->decay ? 0.01 : 0;
        t->dev->ops.adamw(t->dev, t->encoder.w + at, t->grads + at, t->m + at, t->v + at,
                          row->count, s);
    }
}

static void check_adamw(bed *t)
{
    char path[OFR_PATH_MAX], name[32];
    json_t *json;
    ofr_error err;
    assert_ok(ofr_file_join(path, t->dir, "adamw10.json", &err), err);
    assert_ok(ofr_json_load(&json, path, &err), err);
    const json_t *losses = json_object_get(json, "loss_before_each_step");
    const json_t *norms = json_object_get(json, "grad_norm_before_clipping");
    assert_int_equal(json_array_size(losses), 10);
    for (int i = 0; i < 10; i++) {
        double loss = step(t);
        double norm = sqrt(t->dev->ops.sum_squares(t->dev, t->grads,
                                                   t->encoder.params.total));
        (void)snprintf(name, sizeof name, "loss %d", i);
        support_close_one(name, loss,
                          json_number_value(json_array_get(losses, (size_t)i)),
                          tolerance(2e-3, 1e-8));
        (void)snprintf(name, sizeof name, "norm %d", i);
        support_close_one(name, norm, json_number_value(json_array_get(norms, (size_t)i)),
                          tolerance(2e-2, 1e-7));
        adamw(t, i, norm);
    }
    json_decref(json);
}

static void check_family(const char *family, const ofr_ops *ops, int n_threads)
{
    bed t;
    if (!bed_open(&t, family, ops, n_threads)) skip();
    check_walk(&t);
    check_forward(&t);
    check_grads(&t);
    check_adamw(&t);
    bed_close(&t);
}

/* The scalar table and the best of this processor. */
static void test_family(void **state)
{
    ofr_ops fast = ofr_ops_select(ofr_cpu_features());
    check_family(*state, &ofr_ops_scalar, 1);
    check_family(*state, &fast, 2);
}

/* What we save is what other tools wrote: the same names, shapes and bytes. */
static void test_saves_the_same(void **state)
{
    static const char *const families[] = {"bert", "electra", "roberta", "distilbert",
                                           "albert"};
    (void)state;
    for (int f = 0; f < 5; f++) {
        char relative[64], dir[OFR_PATH_MAX];
        ofr_encoder encoder;
        ofr_safetensors want, got;
        ofr_error err;
        (void)snprintf(relative, sizeof relative, "encoders/%s", families[f]);
        if (!support_shared_path(dir, "oracle", relative)) skip();
        assert_ok(ofr_encoder_open(&encoder, dir, 1, &err), err);
        const char *path = support_path("saved.safetensors");
        assert_ok(ofr_weights_save(&encoder.params, &encoder.config, path, encoder.w,
                                   OFR_F32, &err),
                  err);
        assert_ok(ofr_safetensors_open_dir(&want, dir, &err), err);
        assert_ok(ofr_safetensors_open(&got, path, &err), err);
        assert_int_equal(got.n_tensors, want.n_tensors);
        for (int i = 0; i < want.n_tensors; i++) {
            const ofr_tensor *w = &want.tensors[i], *g = tensor(&got, w->name);
            assert_int_equal(g->rank, w->rank);
            assert_memory_equal(g->shape, w->shape, (size_t)w->rank * sizeof *w->shape);
            assert_int_equal(g->dtype, OFR_F32);
            assert_memory_equal(g->data, w->data, w->bytes);
        }
        ofr_safetensors_close(&want);
        ofr_safetensors_close(&got);
        ofr_encoder_close(&encoder);
    }
}

/* RoBERTa has one token type: what the tokenizer says does not matter. */
static void test_single_type(void **state)
{
    bed t;
    (void)state;
    if (!bed_open(&t, "roberta", &ofr_ops_scalar, 1)) skip();
    for (int i = 0; i < t.batch.offsets[B]; i++) t.batch.types[i] = 1;
    ofr_trace_forward(&t.trace, &t.batch.tokens, t.cls, false, 0);
    expect_hidden(&t.batch, 4, ofr_trace_hidden(&t.trace, 4), t.C, "types 1");
    bed_close(&t);
}

int main(void)
{
#define FAMILY(name) \
    {"parity " name, test_family, NULL, NULL, (void *)(uintptr_t)name}
    const struct CMUnitTest tests[] = {
        FAMILY("bert"),       FAMILY("electra"), FAMILY("roberta"),
        FAMILY("distilbert"), FAMILY("albert"),  cmocka_unit_test(test_single_type),
        cmocka_unit_test(test_saves_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
