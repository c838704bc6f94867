/* test_config.c - config.json: families, defaults, traps, refusals, round trips. */
#include "support/support.h"

#include <jansson.h>

#include "base/mem.h"
#include "io/json.h"
#include "model/config.h"
#include "model/encoder_inner.h"

static ofr_status parse(ofr_config *config, const char *text, ofr_error *err)
{
    json_t *json;
    ofr_status status = ofr_json_parse(&json, text, strlen(text), "config.json", err);
    if (status != OFR_OK) return status;
    status = ofr_config_parse(config, json, "config.json", err);
    json_decref(json);
    return status;
}

static void expect(const char *text, int L, int C, int H, int F, int E, int V, int types,
                   int max_tokens)
{
    ofr_config c;
    ofr_error err;
    assert_ok(parse(&c, text, &err), err);
    assert_int_equal(c.L, L);
    assert_int_equal(c.C, C);
    assert_int_equal(c.H, H);
    assert_int_equal(c.F, F);
    assert_int_equal(c.E, E);
    assert_int_equal(c.V, V);
    assert_int_equal(c.n_types, types);
    assert_int_equal(ofr_config_max_tokens(&c), max_tokens);
    ofr_config_free(&c);
}

/* An empty config.json means the class defaults of the family. */
static void test_defaults(void **state)
{
    (void)state;
    expect("{\"model_type\":\"bert\"}", 12, 768, 12, 3072, 768, 30522, 2, 512);
    expect("{\"model_type\":\"electra\"}", 12, 256, 4, 1024, 128, 30522, 2, 512);
    expect("{\"model_type\":\"distilbert\"}", 6, 768, 12, 3072, 768, 30522, 0, 512);
    expect("{\"model_type\":\"albert\"}", 12, 4096, 64, 16384, 128, 30000, 2, 512);
    expect("{\"model_type\":\"roberta\"}", 12, 768, 12, 3072, 768, 50265, 2, 510);
}

static void test_keys(void **state)
{
    (void)state;
    expect("{\"model_type\":\"distilbert\",\"dim\":60,\"n_layers\":3,\"n_heads\":5,"
           "\"hidden_dim\":70,\"vocab_size\":99,\"max_position_embeddings\":40}",
           3, 60, 5, 70, 60, 99, 0, 40);
    expect("{\"model_type\":\"distilbert\",\"hidden_size\":60,\"n_layers\":2,"
           "\"num_hidden_layers\":3,\"num_attention_heads\":5}", /* transformers' names */
           3, 60, 5, 3072, 60, 30522, 0, 512);
    expect("{\"model_type\":\"albert\",\"embedding_size\":24,\"hidden_size\":48,"
           "\"num_attention_heads\":4,\"intermediate_size\":96,\"num_hidden_layers\":4}",
           4, 48, 4, 96, 24, 30000, 2, 512);
    expect("{\"model_type\":\"xlm-roberta\",\"max_position_embeddings\":514,"
           "\"pad_token_id\":1,\"type_vocab_size\":1,\"vocab_size\":250002}",
           12, 768, 12, 3072, 768, 250002, 1, 512);
    expect("{\"model_type\":\"camembert\",\"max_position_embeddings\":514,"
           "\"pad_token_id\":null}",
           12, 768, 12, 3072, 768, 50265, 2, 512);
}

static void expect_act(const char *name, ofr_act act)
{
    char text[160];
    ofr_config c;
    ofr_error err;
    (void)snprintf(text, sizeof text, "{\"model_type\":\"bert\",\"hidden_act\":\"%s\"}",
                   name);
    assert_ok(parse(&c, text, &err), err);
    assert_int_equal(c.act, act);
    ofr_config_free(&c);
}

static void test_acts_and_dropout(void **state)
{
    ofr_config c;
    ofr_error err;
    (void)state;
    expect_act("gelu", OFR_ACT_GELU);
    expect_act("gelu_new", OFR_ACT_GELU_TANH);
    expect_act("gelu_pytorch_tanh", OFR_ACT_GELU_TANH);
    expect_act("relu", OFR_ACT_RELU);
    expect_act("silu", OFR_ACT_SILU);
    assert_ok(parse(&c, "{\"model_type\":\"albert\"}", &err), err);
    assert_int_equal(c.act, OFR_ACT_GELU_TANH);
    assert_int_equal(c.pooler_act, OFR_ACT_TANH);
    assert_true(c.shared_layers && ofr_config_projects(&c));
    assert_true(c.hidden_dropout == 0 && c.head_dropout == 0.1);
    ofr_config_free(&c);
    assert_ok(parse(&c, "{\"model_type\":\"bert\",\"hidden_dropout_prob\":0.3}", &err),
              err);
    assert_true(c.hidden_dropout == 0.3 && c.head_dropout == 0.3 && !c.shared_layers);
    assert_true(!ofr_config_projects(&c) && c.ln_eps == (ofr_real)1e-12);
    ofr_config_free(&c);
    assert_ok(parse(&c,
                    "{\"model_type\":\"electra\",\"classifier_dropout\":0.05,"
                    "\"layer_norm_eps\":1e-5}",
                    &err),
              err);
    assert_true(c.head_dropout == 0.05 && c.ln_eps == (ofr_real)1e-5);
    assert_int_equal(c.pooler_act, OFR_ACT_GELU);
    ofr_config_free(&c);
}

static void expect_classes(const char *rest, int K, bool regression, const char *last)
{
    char text[400];
    ofr_config c;
    ofr_error err;
    (void)snprintf(text, sizeof text, "{\"model_type\":\"bert\"%s}", rest);
    assert_ok(parse(&c, text, &err), err);
    assert_int_equal(c.K, K);
    assert_int_equal(c.regression, regression);
    if (K > 0) assert_string_equal(c.labels[K - 1], last);
    ofr_config_free(&c);
}

/* Several labels per text: a backbone, and known to be that. */
static void test_multi_label(void **state)
{
    ofr_config c;
    ofr_error err;
    (void)state;
    assert_ok(parse(&c,
                    "{\"model_type\":\"bert\",\"num_labels\":4,"
                    "\"problem_type\":\"multi_label_classification\"}",
                    &err),
              err);
    assert_true(c.K == 0 && c.multi_label);
    ofr_config_free(&c);
    assert_ok(parse(&c,
                    "{\"model_type\":\"bert\","
                    "\"problem_type\":\"multi_label_classification\"}",
                    &err),
              err);
    assert_true(c.K == 0 && !c.multi_label); /* no classifier at all */
    ofr_config_free(&c);
    assert_ok(parse(&c,
                    "{\"model_type\":\"bert\",\"id2label\":{\"0\":\"a\",\"1\":\"b\"},"
                    "\"architectures\":[\"BertForMultiLabelSequenceClassification\"]}",
                    &err),
              err);
    assert_true(c.K == 0 && c.multi_label);
    ofr_config_free(&c);
}

static void test_classes(void **state)
{
    (void)state;
    expect_classes("", 0, false, NULL);
    expect_classes(",\"architectures\":[\"BertForMaskedLM\"]", 0, false, NULL);
    expect_classes(",\"architectures\":[\"BertForSequenceClassification\"]", 2, false,
                   "LABEL_1");
    static const char *const others[] = {"TokenClassification", "MaskedLM",
                                         "MultipleChoice", "QuestionAnswering"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[160];
        snprintf(text, sizeof text,
                 ",\"architectures\":[\"BertFor%s\"],\"id2label\":{\"0\":\"O\",\"1\":"
                 "\"B\"}",
                 others[i]);
        expect_classes(text, 0, false, NULL); /* none of texts */
    }
    /* people's own names */
    expect_classes(",\"architectures\":[\"BertForSentimentClassification\"],"
                   "\"id2label\":{\"1\":\"ja\",\"0\":\"nein\"}",
                   2, false, "ja");
    expect_classes(",\"architectures\":[\"BertForClassification\"]", 0, false, NULL);
    expect_classes(",\"architectures\":[\"BertModel\"],\"num_labels\":3", 3, false,
                   "LABEL_2");
    expect_classes(",\"num_labels\":5", 5, false, "LABEL_4");
    expect_classes(",\"id2label\":{\"1\":\"ja\",\"0\":\"nein\"}", 2, false, "ja");
    expect_classes(",\"id2label\":{\"0\":7}", 1, true, "7");
    expect_classes(",\"id2label\":{\"0\":\"x\"},\"problem_type\":"
                   "\"single_label_classification\"",
                   1, false, "x");
    expect_classes(",\"is_decoder\":false", 0, false, NULL);
}

static void test_offramp_key(void **state)
{
    ofr_config c;
    ofr_error err;
    (void)state;
    assert_ok(parse(&c, "{\"model_type\":\"bert\"}", &err), err);
    assert_string_equal(c.rule, "never");
    assert_int_equal(c.policy_hidden, 32);
    assert_true(!c.has_exits && !c.has_policies && c.pooler == OFR_POOLER_SHARED);
    ofr_config_free(&c);
    assert_ok(parse(&c,
                    "{\"model_type\":\"bert\",\"offramp\":{\"exits\":true,"
                    "\"policies\":true,\"pooler\":\"per-layer\",\"policy_hidden\":8,"
                    "\"rule\":\"policy\",\"threshold\":0.4,\"task\":\"sst2\","
                    "\"method\":\"consistentee\",\"max_tokens\":128}}",
                    &err),
              err);
    assert_true(c.has_exits && c.has_policies && c.pooler == OFR_POOLER_PER_LAYER);
    assert_int_equal(c.policy_hidden, 8);
    assert_string_equal(c.rule, "policy");
    assert_string_equal(c.task, "sst2");
    assert_string_equal(c.method, "consistentee");
    assert_true(c.threshold == 0.4);
    assert_int_equal(c.max_tokens, 128);
    ofr_config_free(&c);
}

/* Each row: what is wrong, and what the error line must say. */
static const char *const refused[][2] = {
    {"[]", "not a JSON object"},
    {"{}", "\"model_type\" is absent, expected bert, electra"},
    {"{\"hidden_size\":768}", "add it: \"model_type\": \"bert\""},
    {"{\"model_type\":\"bert\",\"is_decoder\":true}",
     "\"is_decoder\" is true, only false is supported"},
    {"{\"model_type\":\"gpt2\"}", "\"gpt2\", supported are bert"},
    {"{\"model_type\":3}", "\"model_type\""},
    {"{\"model_type\":\"bert\",\"hidden_size\":0}", "\"hidden_size\" is 0"},
    {"{\"model_type\":\"bert\",\"hidden_size\":-768}", "-768"},
    {"{\"model_type\":\"bert\",\"hidden_size\":16777216}", "1..16777215"},
    {"{\"model_type\":\"bert\",\"hidden_size\":\"768\"}", "\"hidden_size\""},
    {"{\"model_type\":\"bert\",\"hidden_size\":1e3}", "\"hidden_size\""},
    {"{\"model_type\":\"bert\",\"num_hidden_layers\":513}", "1..512"},
    {"{\"model_type\":\"bert\",\"num_hidden_layers\":9223372036854775807}", "1..512"},
    {"{\"model_type\":\"bert\",\"num_attention_heads\":7}",
     "width 768 is not a multiple of the 7"},
    {"{\"model_type\":\"bert\",\"hidden_act\":\"mish\"}", "\"mish\", supported are gelu"},
    {"{\"model_type\":\"bert\",\"hidden_dropout_prob\":1}",
     "\"hidden_dropout_prob\" is 1"},
    {"{\"model_type\":\"bert\",\"layer_norm_eps\":-1}", "\"layer_norm_eps\" is -1"},
    {"{\"model_type\":\"bert\",\"pad_token_id\":30522}", "\"pad_token_id\" is 30522"},
    {"{\"model_type\":\"bert\",\"hidden_size\":16777215,\"intermediate_size\":16777215,"
     "\"num_attention_heads\":1}",
     "parameters, at most"},
    {"{\"model_type\":\"bert\",\"position_embedding_type\":\"relative_key\"}",
     "only \"absolute\""},
    {"{\"model_type\":\"roberta\",\"max_position_embeddings\":2}",
     "\"max_position_embeddings\" is 2"},
    {"{\"model_type\":\"albert\",\"num_hidden_groups\":2}",
     "\"num_hidden_groups\" is 2, only 1"},
    {"{\"model_type\":\"albert\",\"inner_group_num\":3}", "\"inner_group_num\" is 3"},
    {"{\"model_type\":\"bert\",\"id2label\":[\"a\"]}", "\"id2label\" is not an object"},
    {"{\"model_type\":\"bert\",\"id2label\":{}}", "0 entries"},
    {"{\"model_type\":\"bert\",\"id2label\":{\"0\":\"a\",\"2\":\"b\"}}", "no \"1\""},
    {"{\"model_type\":\"bert\",\"id2label\":{\"0\":null}}", "neither text nor a number"},
    {"{\"model_type\":\"bert\",\"offramp\":3}", "\"offramp\" is not an object"},
    {"{\"model_type\":\"bert\",\"offramp\":{\"pooler\":\"none\"}}", "\"shared\""},
    {"{\"model_type\":\"bert\",\"offramp\":{\"heads\":\"many\"}}", "\"student\""},
    {"{\"model_type\":\"bert\",\"offramp\":{\"student_width\":7}}", "multiple of 2"},
    {"{\"model_type\":\"bert\",\"offramp\":{\"token_exits\":1}}", "token_exits"},
    {"{\"model_type\":\"bert\",\"offramp\":{\"policy_hidden\":0}}",
     "\"offramp.policy_hidden\""},
    {"{\"model_type\":\"bert\",\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"a\"}}",
     "calls both \"0\" and \"2\" \"a\""},
    {"{\"model_type\":\"bert\",\"offramp\":{\"calibration\":1}}", "is not an object"},
    {"{\"model_type\":\"bert\",\"offramp\":{\"calibration\":{\"confidence\":7}}}",
     "\"offramp.calibration.confidence\" is 7, expected 0..1"},
    {"{\"model_type\":\"bert\",\"offramp\":{\"rule\":\"a rule with a long name\"}}",
     "at most 15"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ofr_config c = {.L = 99};
        ofr_error err;
        size_t live = ofr_mem_live();
        assert_fails(parse(&c, refused[i][0], &err), OFR_FORMAT, err, refused[i][1]);
        assert_non_null(strstr(err.text, "config.json"));
        assert_int_equal(c.L, 99); /* untouched */
        assert_int_equal(ofr_mem_live(), live);
    }
}

/* An array is the wrong type for every key; the error says where the key is. */
static void test_places(void **state)
{
    static const char *const keys[] = {
        "exits",      "policies", "policy_hidden", "threshold",
        "max_tokens", "rule",     "task",          "method",
        "weights",    "heads",    "student_width", "token_exits",
        "pooler",     "gate",     "precision",     "calibration",
        "pair",
    };
    static const char *const inner[] = {"rule", "risk", "threshold", "max_drop",
                                        "confidence"};
    char text[200], place[200];
    ofr_error err;
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        ofr_config c = {0};
        snprintf(text, sizeof text, "{\"model_type\":\"bert\",\"offramp\":{\"%s\":[]}}",
                 keys[i]);
        snprintf(place, sizeof place, "config.json: \"offramp.%s\" is ", keys[i]);
        assert_fails(parse(&c, text, &err), OFR_FORMAT, err, place);
    }
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        ofr_config c = {0};
        snprintf(text, sizeof text,
                 "{\"model_type\":\"bert\",\"offramp\":{\"calibration\":{\"%s\":[]}}}",
                 inner[i]);
        snprintf(place, sizeof place,
                 "config.json: \"offramp.calibration.%s\" is an array", inner[i]);
        assert_fails(parse(&c, text, &err), OFR_FORMAT, err, place);
    }
}

static void test_shapes(void **state)
{
    static const struct {
        const char *name;
        int L, C, H, F;
    } rows[] = {
        {"tiny", 6, 128, 2, 512},    {"mini", 12, 128, 4, 512},
        {"small", 12, 256, 4, 1024}, {"medium", 12, 512, 8, 2048},
        {"base", 12, 768, 12, 3072}, {"large", 24, 1024, 16, 4096},
    };
    ofr_config c;
    ofr_error err;
    (void)state;
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            assert_ok(ofr_config_shape(&c, (ofr_family)f, rows[i].name, 1000, &err), err);
            assert_int_equal(c.L, rows[i].L);
            assert_int_equal(c.C, rows[i].C);
            assert_int_equal(c.H, rows[i].H);
            assert_int_equal(c.F, rows[i].F);
            assert_int_equal(c.V, 1000);
            assert_int_equal(ofr_config_max_tokens(&c), 512);
            bool narrow = f == OFR_FAMILY_ALBERT ||
                          (f == OFR_FAMILY_ELECTRA && rows[i].C == 256);
            assert_int_equal(c.E, narrow ? 128 : c.C);
            ofr_config_free(&c);
        }
    }
    assert_fails(ofr_config_shape(&c, OFR_FAMILY_BERT, "huge", 1000, &err), OFR_INVALID,
                 err, "\"huge\" is unknown");
    assert_fails(ofr_config_shape(&c, OFR_FAMILY_BERT, "tiny", 1, &err), OFR_INVALID, err,
                 "vocabulary of 1");
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        assert_int_equal(ofr_family_parse(ofr_family_name((ofr_family)f)), f);
    }
    assert_int_equal(ofr_family_parse("gpt2"), -1);
}

/* What was written reads back the same, and what we do not know survives. */
static void test_save(void **state)
{
    static const char *const names[] = {"gut", "schlecht", "so \"so\" ä"};
    ofr_config c, back;
    ofr_error err;
    (void)state;
    const char *path = support_path("config.json");
    assert_ok(parse(&c,
                    "{\"model_type\":\"xlm-roberta\",\"architectures\":"
                    "[\"XLMRobertaForMaskedLM\"],\"layer_norm_eps\":1e-05,"
                    "\"max_position_embeddings\":514,\"vocab_size\":77,"
                    "\"unknown\":[1,2],"
                    "\"offramp\":{\"calibration\":{\"confidence\":0.25}}}",
                    &err),
              err);
    assert_ok(ofr_config_set_labels(&c, 3, names, false, &err), err);
    c.has_exits = true;
    c.threshold = 0.7;
    c.pooler = OFR_POOLER_PER_LAYER;
    c.heads = OFR_HEAD_STUDENT;
    c.student_width = 64;
    c.token_exits = true;
    memcpy(c.rule, "policy", 7);
    assert_ok(ofr_config_save(&c, path, &err), err);
    assert_ok(ofr_config_load(&back, path, &err), err);
    assert_int_equal(back.K, 3);
    for (int k = 0; k < 3; k++) assert_string_equal(back.labels[k], names[k]);
    assert_true(back.has_exits && !back.has_policies && back.threshold == 0.7);
    assert_true(back.pooler == OFR_POOLER_PER_LAYER && back.ln_eps == (ofr_real)1e-5);
    assert_true(back.heads == OFR_HEAD_STUDENT && back.student_width == 64);
    assert_true(back.token_exits);
    const char *text = support_read(path);
    assert_non_null(strstr(text, "\"XLMRobertaForSequenceClassification\""));
    assert_non_null(strstr(text, "\"xlm-roberta\""));
    assert_non_null(strstr(text, "\"confidence\": 0.25"));
    assert_non_null(strstr(text, "\"unknown\""));
    json_t *label2id = json_object_get(json_object_get(back.json, "label2id"), names[2]);
    assert_int_equal(json_integer_value(label2id), 2);
    assert_true(json_number_value(json_object_get(back.json, "layer_norm_eps")) == 1e-5);
    ofr_config_free(&c);
    ofr_config_free(&back);
}

static void test_shape_round_trip(void **state)
{
    ofr_config c, back;
    ofr_error err;
    (void)state;
    const char *path = support_path("shape.json");
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        assert_ok(ofr_config_shape(&c, (ofr_family)f, "small", 500, &err), err);
        c.head_dropout = 0.25;
        assert_ok(ofr_config_save(&c, path, &err), err);
        assert_ok(ofr_config_load(&back, path, &err), err);
        assert_int_equal(back.family, f);
        assert_int_equal(back.K, 0);
        assert_true(back.E == c.E && back.C == c.C && back.V == 500 && back.F == c.F);
        assert_true(back.ln_eps == c.ln_eps && back.act == c.act);
        assert_true(back.hidden_dropout == c.hidden_dropout && back.head_dropout == 0.25);
        assert_true(back.n_types == c.n_types &&
                    back.position_offset == c.position_offset);
        ofr_config_free(&c);
        ofr_config_free(&back);
    }
}

/* Allocation n fails, for every n: an error or a whole result, never a leak. */
static void test_shortage(void **state)
{
    static const char *const names[] = {"a", "b"};
    ofr_config c, copy;
    ofr_error err;
    (void)state;
    assert_ok(parse(&c, "{\"model_type\":\"bert\",\"num_labels\":3}", &err), err);
    size_t live = ofr_mem_live();
    for (size_t n = 1; n < 20; n++) {
        ofr_mem_fail_at(n, true);
        ofr_status status = ofr_config_copy(&copy, &c, &err);
        if (status == OFR_OK) ofr_config_free(&copy);
        assert_true(status == OFR_OK || status == OFR_NOMEM);
        status = ofr_config_set_labels(&c, 2, names, false, &err);
        assert_int_equal(c.K, status == OFR_OK ? 2 : 3);
        ofr_mem_fail_at(0, false);
        assert_ok(ofr_config_set_labels(&c, 3, NULL, false, &err), err);
        assert_int_equal(ofr_mem_live(), live);
    }
    ofr_config_free(&c);
    ofr_config_free(NULL);
}

/* A RoBERTa counts from behind its padding, and padding in a text not at all. */
static void test_positions(void **state)
{
    static const int offsets[] = {0, 5, 7}, ids[] = {0, 7, 1, 7, 2, 1, 2};
    static const int roberta[] = {2, 3, 1, 4, 5, 1, 2}, bert[] = {0, 1, 2, 3, 4, 0, 1};
    const ofr_tokens tokens = {2, offsets, ids, NULL};
    int positions[7];
    ofr_config c;
    ofr_error err;
    (void)state;
    assert_ok(parse(&c, "{\"model_type\":\"roberta\"}", &err), err);
    ofr_encoder_positions(&c, positions, &tokens);
    assert_memory_equal(positions, roberta, sizeof roberta);
    ofr_config_free(&c);
    assert_ok(parse(&c, "{\"model_type\":\"bert\",\"pad_token_id\":1}", &err), err);
    ofr_encoder_positions(&c, positions, &tokens);
    assert_memory_equal(positions, bert, sizeof bert);
    ofr_config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_keys),
        cmocka_unit_test(test_acts_and_dropout), cmocka_unit_test(test_classes),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_multi_label),
        cmocka_unit_test(test_offramp_key), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_shapes),      cmocka_unit_test(test_save),
        cmocka_unit_test(test_shape_round_trip), cmocka_unit_test(test_shortage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
