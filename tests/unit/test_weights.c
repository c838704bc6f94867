/*
 * test_weights.c - model directories in and out: round trips bit for bit, half
 * precision, shards, old names, what may be missing and what may not, new tasks.
 */
#include "support/support.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "io/safetensors.h"
#include "model/encoder.h"
#include "model/weights.h"

static const char *new_dir(const char *name)
{
    ofr_error err;
    const char *dir = support_path(name);
    assert_ok(ofr_file_make_dirs(dir, &err), err);
    return dir;
}

static void in_dir(char path[OFR_PATH_MAX], const char *dir, const char *name)
{
    ofr_error err;
    assert_ok(ofr_file_join(path, dir, name, &err), err);
}

static void make_encoder(ofr_encoder *encoder, ofr_family family, int K,
                         ofr_pooler_kind pooler)
{
    ofr_config config;
    ofr_error err;
    assert_ok(ofr_config_shape(&config, family, "tiny", 23, &err), err);
    config.L = 3;
    config.C = 12;
    config.H = 3;
    config.F = 16;
    config.E = family == OFR_FAMILY_ELECTRA || family == OFR_FAMILY_ALBERT ? 8 : 12;
    config.n_positions = 20;
    config.policy_hidden = 4;
    config.pooler = pooler;
    assert_ok(ofr_config_set_labels(&config, K, NULL, false, &err), err);
    assert_ok(ofr_encoder_new(encoder, &config, 4, &err), err);
    for (size_t i = 0; i < encoder->params.total; i++) {
        encoder->w[i] = (ofr_real)ofr_rng_normal(8, 8, i);
    }
    ofr_config_free(&config);
}

static void save(ofr_encoder *encoder, const char *dir, ofr_dtype dtype)
{
    char path[OFR_PATH_MAX];
    ofr_error err;
    in_dir(path, dir, "model.safetensors");
    assert_ok(ofr_weights_save(&encoder->params, &encoder->config, path, encoder->w,
                               dtype, &err),
              err);
    in_dir(path, dir, "config.json");
    assert_ok(ofr_config_save(&encoder->config, path, &err), err);
}

/* Every row of the wanted groups is equal; in F16, equal after rounding. */
static void expect_same(const ofr_encoder *got, const ofr_encoder *want, unsigned groups,
                        bool rounded)
{
    assert_int_equal(got->params.n, want->params.n);
    for (int i = 0; i < want->params.n; i++) {
        const ofr_param *row = &want->params.rows[i];
        assert_string_equal(got->params.rows[i].name, row->name);
        if (!(row->group & groups)) continue;
        for (size_t j = 0; j < row->count; j++) {
            float x = (float)want->w[row->offset + j];
            if (rounded) x = ofr_f16_to_f32(ofr_f32_to_f16(x));
            float y = (float)got->w[row->offset + j];
            if (memcmp(&x, &y, sizeof x) != 0) fail_msg("%s[%zu] differs", row->name, j);
        }
    }
}

static void test_round_trips(void **state)
{
    (void)state;
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        for (int i = 0; i < 4; i++) {
            ofr_encoder a, b;
            ofr_error err;
            bool half = i >= 2;
            make_encoder(&a, (ofr_family)f, 3,
                         i % 2 ? OFR_POOLER_PER_LAYER : OFR_POOLER_SHARED);
            const char *dir = new_dir("round");
            save(&a, dir, half ? OFR_F16 : OFR_F32);
            assert_ok(ofr_encoder_open(&b, dir, 99, &err), err);
            expect_same(&b, &a, OFR_GROUP_ALL, half);
            assert_int_equal(b.found,
                             OFR_GROUP_ALL | OFR_FOUND_CLASSIFIER | OFR_FOUND_POOLER);
            assert_true(b.config.has_exits && b.config.has_policies);
            ofr_encoder_close(&a);
            ofr_encoder_close(&b);
        }
    }
    ofr_encoder_close(NULL);
}

/* Students and token exits: there and back, and a table that can not be. */
static void test_other_exits(void **state)
{
    static const ofr_real bad[] = {0, 1.5, 5, (ofr_real)NAN};
    const ofr_encoder_parts parts = {3, OFR_GATE_POLICY, OFR_HEAD_STUDENT, true};
    const char *dir = new_dir("others");
    ofr_encoder a, b;
    ofr_error err;
    (void)state;
    make_encoder(&a, OFR_FAMILY_BERT, 3, OFR_POOLER_SHARED);
    assert_ok(ofr_encoder_reshape(&a, &parts, 7, &err), err);
    ofr_real *table = a.w + a.params.token_exits;
    for (int v = 0; v < a.config.V; v++)
        table[v] = (ofr_real)(1 + v % a.config.L);
    save(&a, dir, OFR_F16);
    assert_ok(ofr_encoder_open(&b, dir, 99, &err), err);
    expect_same(&b, &a, OFR_GROUP_ALL | OFR_GROUP_TOKENS, true);
    assert_int_equal(b.found, OFR_GROUP_ALL | OFR_GROUP_TOKENS | OFR_FOUND_CLASSIFIER |
                                  OFR_FOUND_POOLER);
    assert_int_equal(b.config.heads, OFR_HEAD_STUDENT);
    ofr_encoder_close(&b);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        table[2] = bad[i];
        save(&a, dir, OFR_F32);
        assert_fails(ofr_encoder_open(&b, dir, 99, &err), OFR_FORMAT, err,
                     "lets entry 2 leave at layer");
    }
    ofr_encoder_close(&a);
}

static void test_half_overflow(void **state)
{
    ofr_encoder a;
    ofr_error err;
    (void)state;
    make_encoder(&a, OFR_FAMILY_BERT, 2, OFR_POOLER_SHARED);
    const char *path = support_path("half.safetensors");
    a.w[a.params.layers[1].up_w] = 70000;
    assert_fails(ofr_weights_save(&a.params, &a.config, path, a.w, OFR_F16, &err),
                 OFR_INVALID, err,
                 "\"bert.encoder.layer.1.intermediate.dense.weight\" holds 70000");
    assert_false(ofr_file_exists(path));
    assert_fails(ofr_weights_save(&a.params, &a.config, path, a.w, OFR_I64, &err),
                 OFR_INVALID, err, "not I64");
    ofr_encoder_close(&a);
}

/* The tensors of `encoder`, to be bent by a test and written. */
typedef struct bag {
    ofr_tensor tensors[256];
    char names[256][160];
    int n;
} bag;

static void bag_fill(bag *b, const ofr_encoder *encoder)
{
    b->n = encoder->params.n;
    assert_true(b->n < 250);
    for (int i = 0; i < b->n; i++) {
        const ofr_param *row = &encoder->params.rows[i];
        (void)snprintf(b->names[i], sizeof b->names[i], "%s", row->file_name);
        b->tensors[i] = (ofr_tensor){.name = b->names[i], .dtype = OFR_F32,
                                     .rank = row->rank, .data = encoder->w + row->offset,
                                     .bytes = row->count * sizeof(float)};
        b->tensors[i].shape[0] = row->shape[0];
        b->tensors[i].shape[1] = row->shape[1];
    }
}

static ofr_tensor *bag_find(bag *b, const char *part)
{
    for (int i = 0; i < b->n; i++) {
        if (strstr(b->names[i], part)) return &b->tensors[i];
    }
    fail_msg("no tensor %s", part);
    return NULL;
}

static void bag_remove(bag *b, const char *part)
{
    for (int i = 0; i < b->n;) {
        if (!strstr(b->names[i], part)) {
            i++;
            continue;
        }
        b->tensors[i] = b->tensors[--b->n];
        memcpy(b->names[i], b->names[b->n], sizeof b->names[i]);
        b->tensors[i].name = b->names[i];
    }
}

static void bag_rename(bag *b, const char *from, const char *to)
{
    for (int i = 0; i < b->n; i++) {
        char *at = strstr(b->names[i], from), rest[160];
        if (!at) continue;
        (void)snprintf(rest, sizeof rest, "%s", at + strlen(from));
        (void)snprintf(at, sizeof rest - (size_t)(at - b->names[i]), "%s%s", to, rest);
    }
}

static void bag_write(const bag *b, const char *dir, const char *name, int first, int n)
{
    char path[OFR_PATH_MAX];
    ofr_error err;
    in_dir(path, dir, name);
    assert_ok(ofr_safetensors_write(path, b->tensors + first, n, NULL, 0, &err), err);
}

/* A directory whose config is that of `a`, and whose weights a test makes. */
static const char *bare_dir(const char *name, ofr_encoder *a)
{
    const char *dir = new_dir(name);
    save(a, dir, OFR_F32);
    return dir;
}

/* No prefix, gamma and beta, tensors that are no business of ours. */
static void test_old_names(void **state)
{
    static const float extra[4] = {1, 2, 3, 4};
    ofr_encoder a, b;
    ofr_error err;
    bag all;
    (void)state;
    make_encoder(&a, OFR_FAMILY_BERT, 2, OFR_POOLER_SHARED);
    for (int prefixed = 0; prefixed < 2; prefixed++) {
        const char *dir = bare_dir("old", &a);
        bag_fill(&all, &a);
        if (!prefixed) bag_rename(&all, "bert.", "");
        bag_rename(&all, "LayerNorm.weight", "LayerNorm.gamma");
        bag_rename(&all, "LayerNorm.bias", "LayerNorm.beta");
        ofr_tensor *more = &all.tensors[all.n++];
        *more = (ofr_tensor){.name = "cls.predictions.bias", .dtype = OFR_F32, .rank = 1,
                             .shape = {4}, .data = extra, .bytes = sizeof extra};
        bag_write(&all, dir, "model.safetensors", 0, all.n);
        assert_ok(ofr_encoder_open(&b, dir, 1, &err), err);
        expect_same(&b, &a, OFR_GROUP_ALL, false);
        ofr_encoder_close(&b);
    }
    ofr_encoder_close(&a);
}

static void test_shards(void **state)
{
    ofr_encoder a, b;
    ofr_error err;
    bag all;
    ofr_buf index;
    char path[OFR_PATH_MAX];
    (void)state;
    make_encoder(&a, OFR_FAMILY_ELECTRA, 2, OFR_POOLER_SHARED);
    const char *dir = bare_dir("shards", &a);
    in_dir(path, dir, "model.safetensors");
    assert_ok(ofr_file_remove(path, &err), err);
    bag_fill(&all, &a);
    int half = all.n / 2;
    bag_write(&all, dir, "model-00001-of-00002.safetensors", 0, half);
    bag_write(&all, dir, "model-00002-of-00002.safetensors", half, all.n - half);
    ofr_buf_init(&index);
    ofr_buf_adds(&index, "{\"metadata\":{},\"weight_map\":{");
    for (int i = 0; i < all.n; i++) {
        ofr_buf_addf(&index, "%s\"%s\":\"model-0000%d-of-00002.safetensors\"",
                     i ? "," : "", all.names[i], i < half ? 1 : 2);
    }
    ofr_buf_adds(&index, "}}");
    in_dir(path, dir, "model.safetensors.index.json");
    assert_ok(ofr_file_write(path, index.p, index.n, &err), err);
    ofr_buf_free(&index);
    assert_ok(ofr_encoder_open(&b, dir, 1, &err), err);
    expect_same(&b, &a, OFR_GROUP_ALL, false);
    ofr_encoder_close(&a);
    ofr_encoder_close(&b);
}

static void expect_open_fails(bag *all, const char *dir, const char *part)
{
    ofr_encoder b;
    ofr_error err;
    size_t live = ofr_mem_live();
    bag_write(all, dir, "model.safetensors", 0, all->n);
    assert_fails(ofr_encoder_open(&b, dir, 1, &err), OFR_FORMAT, err, part);
    assert_non_null(strstr(err.text, "model.safetensors"));
    assert_int_equal(ofr_mem_live(), live);
}

static void test_missing_and_wrong(void **state)
{
    static const int64_t whole[12] = {0};
    ofr_encoder a;
    bag all;
    (void)state;
    make_encoder(&a, OFR_FAMILY_BERT, 2, OFR_POOLER_SHARED);
    const char *dir = bare_dir("missing", &a);

    bag_fill(&all, &a);
    bag_remove(&all, "layer.1.output.dense.bias");
    expect_open_fails(
        &all, dir,
        "tensor \"bert.encoder.layer.1.output.dense.bias\" (or "
        "\"encoder.layer.1.output.dense.bias\") is missing, a model of family "
        "bert needs it; supported families: bert, electra, roberta, "
        "distilbert, albert");
    bag_fill(&all, &a); /* DataParallel's names */
    for (int i = 0; i < all.n; i++) {
        char name[160];
        snprintf(name, sizeof name, "module.%.150s", all.names[i]);
        memcpy(all.names[i], name, sizeof name);
    }
    expect_open_fails(&all, dir,
                      "is missing, but there is \"module.bert.embeddings.word_embeddings."
                      "weight\"; save the model again without");
    bag_fill(&all, &a); /* config.json says that all exits are there */
    bag_remove(&all, "offramp.exits.2.classifier.weight");
    expect_open_fails(&all, dir, "\"offramp.exits.2.classifier.weight\" is missing");
    bag_fill(&all, &a);
    bag_remove(&all, "policy.out.bias");
    expect_open_fails(&all, dir, "policy.out.bias\" is missing");
    bag_fill(&all, &a);
    bag_find(&all, "layer.2.intermediate.dense.weight")->shape[0] = 12;
    bag_find(&all, "layer.2.intermediate.dense.weight")->shape[1] = 16;
    expect_open_fails(&all, dir, "has shape [12,16], expected [16,12]");
    bag_fill(&all, &a);
    bag_find(&all, "layer.0.output.dense.bias")->rank = 2;
    expect_open_fails(&all, dir, "has shape [12,1], expected [12]");
    bag_fill(&all, &a);
    ofr_tensor *bias = bag_find(&all, "layer.0.output.dense.bias");
    bias->dtype = OFR_I64;
    bias->data = whole;
    bias->bytes = sizeof whole;
    expect_open_fails(&all, dir, "has type I64, expected F32");
    ofr_encoder_close(&a);
}

/* Checkpoints of other tools: a backbone alone, or with one classifier. */
static void test_plain_checkpoints(void **state)
{
    ofr_encoder a, b;
    ofr_error err;
    bag all;
    (void)state;
    make_encoder(&a, OFR_FAMILY_BERT, 3, OFR_POOLER_SHARED);
    a.config.has_exits = a.config.has_policies = false;
    const char *dir = bare_dir("plain", &a); /* saves the family's tensors only */
    assert_ok(ofr_encoder_open(&b, dir, 1, &err), err);
    assert_int_equal(b.config.K, 3);
    assert_int_equal(b.found,
                     OFR_GROUP_BACKBONE | OFR_FOUND_CLASSIFIER | OFR_FOUND_POOLER);
    assert_false(b.config.has_exits || b.config.has_policies);
    size_t at = a.params.exits[2].head_w;
    assert_memory_equal(b.w + at, a.w + at, 3 * 12 * sizeof *b.w);
    assert_memory_not_equal(b.w + a.params.exits[0].head_w,
                            a.w + a.params.exits[0].head_w, 3 * 12 * sizeof *b.w);
    expect_same(&b, &a, OFR_GROUP_BACKBONE | OFR_GROUP_POOLER, false);
    ofr_encoder_close(&b);

    bag_fill(&all, &a); /* a classifier of tokens has the same name, and no pooler */
    bag_remove(&all, "offramp.");
    bag_remove(&all, "pooler");
    bag_write(&all, dir, "model.safetensors", 0, all.n);
    assert_ok(ofr_encoder_open(&b, dir, 1, &err), err);
    assert_int_equal(b.config.K, 0);
    assert_int_equal(b.found, OFR_GROUP_BACKBONE);
    ofr_encoder_close(&b);

    bag_fill(&all, &a); /* config.json speaks of labels, but no classifier came */
    bag_remove(&all, "offramp.");
    bag_remove(&all, "classifier");
    bag_write(&all, dir, "model.safetensors", 0, all.n);
    assert_ok(ofr_encoder_open(&b, dir, 1, &err), err);
    assert_int_equal(b.config.K, 0);
    assert_int_equal(b.found & ~OFR_GROUP_POOLER, OFR_GROUP_BACKBONE | OFR_FOUND_POOLER);
    assert_true(b.params.exits[2].head_w == OFR_PARAM_NONE);
    ofr_encoder_close(&b);

    bag_remove(&all, "pooler"); /* a fresh one, from the seed */
    bag_write(&all, dir, "model.safetensors", 0, all.n);
    assert_ok(ofr_encoder_open(&b, dir, 1, &err), err);
    assert_int_equal(b.found, OFR_GROUP_BACKBONE);
    assert_true(fabs((double)b.w[b.params.exits[0].pool_w]) < 0.2);
    ofr_encoder_close(&b);

    bag_fill(&all, &a); /* half a classifier is damage */
    bag_remove(&all, "offramp.");
    bag_remove(&all, "classifier.bias");
    expect_open_fails(&all, dir, "\"classifier.bias\" is missing");
    ofr_encoder_close(&a);
}

static void test_set_task(void **state)
{
    static const char *const names[] = {"yes", "no"};
    ofr_encoder a, b;
    ofr_error err;
    (void)state;
    make_encoder(&a, OFR_FAMILY_ELECTRA, 3, OFR_POOLER_SHARED);
    make_encoder(&b, OFR_FAMILY_ELECTRA, 3, OFR_POOLER_SHARED);
    size_t pool = 12 * 12 * sizeof *a.w, head = 3 * 12 * sizeof *a.w;

    /* Same classes, poolers apart: everything is kept. */
    assert_ok(ofr_encoder_set_task(&b, 3, NULL, false, OFR_POOLER_PER_LAYER, 4, 7, &err),
              err);
    assert_memory_equal(b.w, a.w, a.params.exits[0].pool_w * sizeof *a.w);
    for (int l = 0; l < 3; l++) {
        const ofr_exit_at *to = &b.params.exits[l], *from = &a.params.exits[l];
        assert_memory_equal(b.w + to->pool_w, a.w + from->pool_w, pool);
        assert_memory_equal(b.w + to->head_w, a.w + from->head_w, head);
    }
    assert_memory_equal(b.w + b.params.exits[1].policy_w1,
                        a.w + a.params.exits[1].policy_w1, 4 * 12 * sizeof *a.w);

    /* Policies of another size are fresh ones. */
    b.found = OFR_GROUP_HEADS | OFR_GROUP_POLICIES;
    assert_ok(ofr_encoder_set_task(&b, 3, NULL, false, OFR_POOLER_PER_LAYER, 5, 7, &err),
              err);
    assert_int_equal(b.found, OFR_GROUP_HEADS);

    /* Other classes: new heads and policies, and back to one pooler, that of L. */
    b.w[b.params.exits[2].pool_w] = 5;
    assert_ok(ofr_encoder_set_task(&b, 2, names, false, OFR_POOLER_SHARED, 6, 7, &err),
              err);
    assert_int_equal(b.config.K, 2);
    assert_string_equal(b.config.labels[0], "yes");
    assert_true(b.w[b.params.exits[0].pool_w] == 5);
    assert_memory_equal(b.w, a.w, a.params.exits[0].pool_w * sizeof *a.w);
    assert_true(fabs((double)b.w[b.params.exits[1].head_w]) < 0.2);
    assert_int_equal(b.params.exits[0].policy_w2 - b.params.exits[0].policy_b1, 16);
    assert_fails(ofr_encoder_set_task(&b, 0, NULL, false, OFR_POOLER_SHARED, 4, 7, &err),
                 OFR_INVALID, err, "at least 1 class");
    assert_int_equal(b.config.K, 2);
    ofr_encoder_close(&a);
    ofr_encoder_close(&b);
}

static void test_shortage(void **state)
{
    ofr_encoder a, b;
    ofr_error err;
    ofr_dev *dev;
    (void)state;
    make_encoder(&a, OFR_FAMILY_BERT, 2, OFR_POOLER_SHARED);
    const char *dir = bare_dir("short", &a);
    assert_ok(ofr_dev_open(&dev, &ofr_ops_scalar, 1, 20, &err), err);
    size_t live = ofr_mem_live(), n = 0;
    for (ofr_status status = OFR_NOMEM; status != OFR_OK; n++) {
        ofr_walk walk = {0};
        ofr_trace trace = {0};
        b = (ofr_encoder){0};
        ofr_mem_fail_at(n + 1, true);
        status = ofr_encoder_open(&b, dir, 1, &err);
        if (status == OFR_OK) status = ofr_encoder_pack(&b, dev, OFR_PRECISION_F32, &err);
        if (status == OFR_OK) status = ofr_walk_open(&walk, &b, dev, 2, 9, &err);
        if (status == OFR_OK) status = ofr_trace_open(&trace, &b, dev, 2, 9, 9, &err);
        ofr_mem_fail_at(0, false);
        assert_true(status == OFR_OK || status == OFR_NOMEM);
        ofr_walk_close(&walk);
        ofr_trace_close(&trace);
        ofr_encoder_close(&b);
        assert_int_equal(ofr_mem_live(), live);
        assert_true(n < 1000);
    }
    assert_true(n > 15);
    ofr_dev_close(dev);
    ofr_encoder_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_other_exits), cmocka_unit_test(test_half_overflow),
        cmocka_unit_test(test_old_names),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_missing_and_wrong),
        cmocka_unit_test(test_plain_checkpoints),
        cmocka_unit_test(test_set_task),
        cmocka_unit_test(test_shortage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
