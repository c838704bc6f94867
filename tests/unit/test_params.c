/* test_params.c - the table of parameters: layout, names, sharing, first values. */
#include "support/support.h"

#include <math.h>

#include "base/mem.h"
#include "model/params.h"

static void make(ofr_params *params, ofr_config *config, ofr_family family,
                 const char *shape, int K, ofr_pooler_kind pooler)
{
    ofr_error err;
    assert_ok(ofr_config_shape(config, family, shape, 40, &err), err);
    assert_ok(ofr_config_set_labels(config, K, NULL, false, &err), err);
    config->pooler = pooler;
    assert_ok(ofr_params_open(params, config, &err), err);
}

static const ofr_param *row_of(const ofr_params *params, const char *file_name)
{
    for (int i = 0; i < params->n; i++) {
        if (strcmp(params->rows[i].file_name, file_name) == 0) return &params->rows[i];
    }
    fail_msg("no parameter %s", file_name);
    return NULL;
}

/* No two rows overlap, order is that of the block, names are unique. */
static void check_layout(const ofr_params *params)
{
    size_t end = 0;
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        bool follows = strstr(row->name, "qkv.k") || strstr(row->name, "qkv.v");
        assert_true(row->offset >= end);
        if (follows) assert_int_equal(row->offset, end);
        if (!follows) assert_int_equal(row->offset % 16, 0);
        assert_int_equal(row->count, (size_t)(row->shape[0] * row->shape[1]));
        assert_int_equal(row->decay, row->rank == 2);
        assert_true(row->group == OFR_GROUP_BACKBONE || row->group == OFR_GROUP_POOLER ||
                    row->group == OFR_GROUP_HEADS || row->group == OFR_GROUP_POLICIES);
        end = row->offset + row->count;
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(row->name, params->rows[j].name);
            assert_string_not_equal(row->file_name, params->rows[j].file_name);
        }
    }
    assert_true(params->total >= end && params->total < end + 16);
}

static void test_layout(void **state)
{
    (void)state;
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        for (int i = 0; i < 4; i++) {
            ofr_config c;
            ofr_params p;
            make(&p, &c, (ofr_family)f, "tiny", i < 2 ? 3 : 0,
                 i % 2 ? OFR_POOLER_PER_LAYER : OFR_POOLER_SHARED);
            check_layout(&p);
            ofr_params_close(&p);
            ofr_config_free(&c);
        }
    }
    ofr_params_close(NULL);
}

static void test_names(void **state)
{
    ofr_config c;
    ofr_params p;
    (void)state;
    make(&p, &c, OFR_FAMILY_BERT, "tiny", 3, OFR_POOLER_SHARED);
    const ofr_param *k = row_of(&p, "bert.encoder.layer.2.attention.self.key.weight");
    assert_string_equal(k->name, "layer.3.attn.qkv.k.weight");
    assert_int_equal(k->layer, 3);
    assert_int_equal(k->offset, p.layers[2].qkv_w + 128 * 128);
    assert_int_equal(row_of(&p, "bert.pooler.dense.weight")->offset, p.exits[4].pool_w);
    assert_int_equal(row_of(&p, "classifier.bias")->offset, p.exits[5].head_b);
    assert_int_equal(row_of(&p, "offramp.exits.1.classifier.weight")->offset,
                     p.exits[0].head_w);
    assert_int_equal(row_of(&p, "offramp.exits.5.policy.out.bias")->offset,
                     p.exits[4].policy_b2);
    assert_true(p.exits[5].policy_w1 == OFR_PARAM_NONE && p.project_w == OFR_PARAM_NONE);
    ofr_params_close(&p);
    ofr_config_free(&c);

    make(&p, &c, OFR_FAMILY_ROBERTA, "tiny", 3, OFR_POOLER_PER_LAYER);
    assert_int_equal(row_of(&p, "classifier.dense.weight")->offset, p.exits[5].pool_w);
    assert_int_equal(row_of(&p, "classifier.out_proj.weight")->offset, p.exits[5].head_w);
    assert_int_equal(row_of(&p, "offramp.exits.2.pooler.bias")->offset,
                     p.exits[1].pool_b);
    assert_true(p.exits[1].pool_w != p.exits[5].pool_w);
    ofr_params_close(&p);
    ofr_config_free(&c);

    make(&p, &c, OFR_FAMILY_DISTILBERT, "tiny", 0, OFR_POOLER_SHARED);
    assert_int_equal(row_of(&p, "pre_classifier.weight")->group, OFR_GROUP_POOLER);
    assert_true(p.type == OFR_PARAM_NONE && p.exits[5].head_w == OFR_PARAM_NONE);
    ofr_params_close(&p);
    ofr_config_free(&c);
}

/* ALBERT: one layer's parameters, used by all; the map to C also when E == C. */
static void test_albert(void **state)
{
    ofr_config c;
    ofr_params p;
    (void)state;
    make(&p, &c, OFR_FAMILY_ALBERT, "tiny", 2, OFR_POOLER_SHARED);
    assert_int_equal(c.E, c.C);
    assert_true(p.project_w != OFR_PARAM_NONE);
    for (int l = 1; l < c.L; l++) {
        assert_memory_equal(&p.layers[l], &p.layers[0], sizeof p.layers[0]);
    }
    assert_int_equal(
        row_of(&p, "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight")
            ->offset,
        p.layers[3].up_w);
    ofr_params_close(&p);
    ofr_config_free(&c);
}

/* Counts published for the real models (backbone with pooler). */
static void test_counts(void **state)
{
    static const struct {
        ofr_family family;
        const char *shape;
        int V;
        size_t backbone, pooler;
    } rows[] = {
        {OFR_FAMILY_BERT, "base", 30522, 108891648, 590592},      /* 109,482,240 */
        {OFR_FAMILY_BERT, "large", 30522, 334092288, 1049600},    /* 335,141,888 */
        {OFR_FAMILY_ELECTRA, "small", 30522, 13483008, 65792},    /* 13.5 M      */
        {OFR_FAMILY_ALBERT, "base", 30000, 11092992, 590592},     /* 11,683,584  */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ofr_config c;
        ofr_params p;
        ofr_error err;
        size_t backbone = 0, pooler = 0;
        assert_ok(ofr_config_shape(&c, rows[i].family, rows[i].shape, rows[i].V, &err),
                  err);
        assert_ok(ofr_params_open(&p, &c, &err), err);
        for (int j = 0; j < p.n; j++) {
            if (p.rows[j].group == OFR_GROUP_BACKBONE) backbone += p.rows[j].count;
            if (p.rows[j].group == OFR_GROUP_POOLER) pooler += p.rows[j].count;
        }
        assert_int_equal(backbone, rows[i].backbone);
        assert_int_equal(pooler, rows[i].pooler);
        ofr_params_close(&p);
        ofr_config_free(&c);
    }
}

static void test_first_values(void **state)
{
    ofr_config c;
    ofr_params p;
    (void)state;
    make(&p, &c, OFR_FAMILY_BERT, "tiny", 3, OFR_POOLER_SHARED);
    ofr_real *w = ofr_mem_array(p.total, sizeof *w);
    ofr_real *again = ofr_mem_array(p.total, sizeof *w);
    ofr_params_init(&p, &c, w, OFR_GROUP_ALL, 5, 0.25);
    double sum = 0, squares = 0;
    size_t n = 512 * 128;
    for (size_t i = 0; i < n; i++) {
        double x = (double)w[p.layers[1].up_w + i];
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / (double)n) < 4 * 0.02 / sqrt((double)n));
    assert_true(fabs(sqrt(squares / (double)n) - 0.02) < 0.0005);
    assert_true(w[p.layers[1].up_w] != w[p.layers[2].up_w]);
    for (size_t i = 0; i < 128; i++) {
        assert_true(w[p.word + i] == 0); /* the row of padding */
        assert_true(w[p.layers[0].ln1_g + i] == 1 && w[p.layers[0].ln1_b + i] == 0);
    }
    assert_true(w[p.word + 128] != 0);
    double start = (double)w[p.exits[0].policy_b2];
    assert_true(fabs(1 / (1 + exp(-start)) - 0.25) < 1e-6);

    /* Only the groups asked for; another seed, other numbers. */
    ofr_params_init(&p, &c, again, OFR_GROUP_HEADS, 5, 0.25);
    assert_true(again[p.word + 128] == 0);
    assert_memory_equal(again + p.exits[2].head_w, w + p.exits[2].head_w,
                        3 * 128 * sizeof *w);
    ofr_params_init(&p, &c, again, OFR_GROUP_ALL, 6, 0.25);
    assert_true(again[p.word + 128] != w[p.word + 128]);
    ofr_mem_free(w);
    ofr_mem_free(again);
    ofr_params_close(&p);
    ofr_config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout), cmocka_unit_test(test_names),
        cmocka_unit_test(test_albert), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_first_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
