/*
 * config_save.c - makes, copies, relabels and writes configurations.
 *
 * A configuration keeps the JSON it was read from.  Saving changes only the keys
 * whose meaning changed, so that what other tools put there survives.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "model/family.h"

/* ---- making ------------------------------------------------------------- */

typedef struct shape_row {
    const char *name;
    int L, C, H, F;
} shape_row;

static const shape_row shapes[] = {
    {"tiny", 6, 128, 2, 512},      {"mini", 12, 128, 4, 512},
    {"small", 12, 256, 4, 1024},   {"medium", 12, 512, 8, 2048},
    {"base", 12, 768, 12, 3072},   {"large", 24, 1024, 16, 4096},
};

/* Width of the embeddings: ALBERT always 128, ELECTRA 128 in its small model,
 * the families without a projection C. */
static int shape_embedding(ofr_family family, const shape_row *shape)
{
    if (family == OFR_FAMILY_ALBERT) return 128;
    if (family == OFR_FAMILY_ELECTRA && strcmp(shape->name, "small") == 0) return 128;
    return shape->C;
}

static ofr_status update_json(ofr_config *config, ofr_error *err);

const char *ofr_config_shape_name(int i)
{
    return i >= 0 && i < (int)(sizeof shapes / sizeof *shapes) ? shapes[i].name : NULL;
}

ofr_status ofr_config_shape(ofr_config *config, ofr_family family, const char *shape,
                            int V, ofr_error *err)
{
    const shape_row *row = NULL;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shape, shapes[i].name) == 0) row = &shapes[i];
    }
    if (!row) {
        return ofr_fail(
            err, OFR_INVALID,
            "shape \"%.40s\" is unknown, there are tiny, mini, small, medium, "
            "base and large",
            shape);
    }
    if (V < 2 || V > (int)OFR_SIZE_MAX) {
        return ofr_fail(err, OFR_INVALID, "a vocabulary of %d entries, expected 2 to %d",
                        V, (int)OFR_SIZE_MAX);
    }
    json_t *json = json_pack("{s:s}", "model_type", ofr_family_name(family));
    if (!json) return ofr_fail_nomem(err, sizeof *config, "a configuration");
    ofr_config made = {0};
    ofr_status status = ofr_config_parse(&made, json, shape, err);
    json_decref(json);
    if (status != OFR_OK) return status;
    made.L = row->L;
    made.C = row->C;
    made.H = row->H;
    made.F = row->F;
    made.E = shape_embedding(family, row);
    made.V = V;
    made.n_positions = 512 + made.position_offset;
    if (family == OFR_FAMILY_ROBERTA) {
        made.n_types = 1;
        made.ln_eps = (ofr_real)1e-5;
    }
    status = update_json(&made, err);
    if (status != OFR_OK) {
        ofr_config_free(&made);
        return status;
    }
    *config = made;
    return OFR_OK;
}

static void free_labels(char **labels, int K)
{
    for (int k = 0; labels && k < K; k++) ofr_mem_free(labels[k]);
    ofr_mem_free(labels);
}

ofr_status ofr_config_set_labels(ofr_config *config, int K, const char *const *names,
                                 bool regression, ofr_error *err)
{
    if (K < 0 || K > 65536 || (regression && K != 1)) {
        return ofr_fail(err, OFR_INVALID, "%d classes%s, expected %s", K,
                        regression ? " of a regression" : "",
                        regression ? "1" : "1 to 65536");
    }
    char **labels = ofr_mem_array((size_t)K, sizeof *labels);
    if (!labels) return ofr_fail_nomem(err, (size_t)K * sizeof *labels, "labels");
    for (int k = 0; k < K; k++) {
        char text[32];
        (void)snprintf(text, sizeof text, "LABEL_%d", k);
        const char *name = names ? names[k] : text;
        labels[k] = ofr_mem_strdup(name, strlen(name));
        if (!labels[k]) {
            free_labels(labels, K);
            return ofr_fail_nomem(err, strlen(name) + 1, "labels");
        }
    }
    free_labels(config->labels, config->K);
    config->labels = labels;
    config->K = K;
    config->regression = regression;
    return OFR_OK;
}

ofr_status ofr_config_copy(ofr_config *dst, const ofr_config *src, ofr_error *err)
{
    ofr_config copy = *src;
    copy.labels = NULL;
    copy.K = 0;
    copy.json = NULL;
    ofr_status status = ofr_config_set_labels(
        &copy, src->K, (const char *const *)src->labels, src->regression, err);
    if (status == OFR_OK && src->json) {
        copy.json = ofr_json_copy(src->json);
        if (!copy.json) status = ofr_fail_nomem(err, sizeof copy, "a configuration");
    }
    if (status != OFR_OK) {
        ofr_config_free(&copy);
        return status;
    }
    *dst = copy;
    return OFR_OK;
}

void ofr_config_free(ofr_config *config)
{
    if (!config) return;
    free_labels(config->labels, config->K);
    if (config->json) json_decref(config->json);
    *config = (ofr_config){0};
}

/* ---- writing ------------------------------------------------------------ */

/* Each of these returns 0, or -1 when memory is short, as jansson does. */

static int set_int(json_t *json, const char *key, int value)
{
    const json_t *old = json_object_get(json, key);
    if (json_is_integer(old) && json_integer_value(old) == value) return 0;
    return json_object_set_new(json, key, json_integer(value));
}

/* Leaves a number that reads back as the same field: 1e-12 stays 1e-12 although
 * the field is a float. */
static int set_real(json_t *json, const char *key, double value, double usual,
                    bool is_ofr_real)
{
    const json_t *old = json_object_get(json, key);
    double known = json_is_number(old) ? json_number_value(old) : usual;
    double read = is_ofr_real ? (double)(ofr_real)known : known;
    if (!isfinite(value)) return json_object_del(json, key), 0;
    if (read == value && json_is_number(old)) return 0;
    return json_object_set_new(json, key, json_real(read == value ? known : value));
}

static int set_text(json_t *json, const char *key, const char *value)
{
    const json_t *old = json_object_get(json, key);
    if (json_is_string(old) && strcmp(json_string_value(old), value) == 0) return 0;
    return json_object_set_new(json, key, json_string(value));
}

static int set_key(json_t *json, const ofr_config *config, const ofr_key *key)
{
    const unsigned char *field = (const unsigned char *)config + key->offset;
    const json_t *old = json_object_get(json, key->name);
    switch (key->kind) {
    case OFR_KEY_INT: return set_int(json, key->name, *(const int *)(const void *)field);
    case OFR_KEY_OTHER: /* the row that it names says it */
        return old ? json_object_del(json, key->name) : 0;
    case OFR_KEY_FIXED: return set_int(json, key->name, (int)key->value);
    case OFR_KEY_REAL:
        return set_real(json, key->name, *(const double *)(const void *)field, key->value,
                        false);
    case OFR_KEY_EPS: {
        ofr_real eps = *(const ofr_real *)(const void *)field;
        double usual = eps == (ofr_real)1e-5 ? 1e-5 : key->value;
        return set_real(json, key->name, (double)eps, usual, true);
    }
    case OFR_KEY_ACT: {
        ofr_act act = *(const ofr_act *)(const void *)field;
        if (json_is_string(old) && ofr_act_parse(json_string_value(old)) == (int)act) {
            return 0;
        }
        return set_text(json, key->name, ofr_act_name(act));
    }
    }
    return 0;
}

/* "XLMRobertaForMaskedLM" -> "XLMRobertaForSequenceClassification". */
static int set_architecture(json_t *json, const ofr_config *config)
{
    const char *old =
        json_string_value(json_array_get(json_object_get(json, "architectures"), 0));
    if (config->K == 0 && old) return 0;
    const char *stem = old ? old : ofr_family_of(config->family)->architecture;
    const char *end = strstr(stem, "For");
    if (!end) end = strstr(stem, "Model");
    int n = end ? (int)(end - stem) : (int)strlen(stem);
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s%s", n < 90 ? n : 90, stem,
                   config->K > 0 ? "ForSequenceClassification" : "Model");
    return json_object_set_new(json, "architectures", json_pack("[s]", name));
}

static int set_labels(json_t *json, const ofr_config *config)
{
    if (config->K == 0) {
        (void)json_object_del(json, "id2label");
        (void)json_object_del(json, "label2id");
        return 0;
    }
    json_t *names = json_object(), *ids = json_object();
    int failed = !names || !ids;
    for (int k = 0; k < config->K && !failed; k++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", k);
        failed = json_object_set_new(names, key, json_string(config->labels[k])) ||
                 json_object_set_new(ids, config->labels[k], json_integer(k));
    }
    failed |= json_object_set_new(json, "id2label", names);
    failed |= json_object_set_new(json, "label2id", ids);
    if (json_object_get(json, "num_labels"))
        failed |= set_int(json, "num_labels", config->K);
    failed |= set_text(json, "problem_type",
                       config->regression ? "regression" : "single_label_classification");
    return failed;
}

/* Keys that only some methods need: absent from the others' files. */
static int set_exits(json_t *own, const ofr_config *config)
{
    int failed = 0;
    (void)json_object_del(own, "heads");
    (void)json_object_del(own, "student_width");
    (void)json_object_del(own, "token_exits");
    if (config->heads == OFR_HEAD_STUDENT) {
        failed |= set_text(own, "heads", "student");
        failed |= set_int(own, "student_width", config->student_width);
    }
    if (config->token_exits)
        failed |= json_object_set_new(own, "token_exits", json_true());
    return failed;
}

static int set_offramp(json_t *json, const ofr_config *config)
{
    json_t *own = json_object_get(json, "offramp");
    int failed = 0;
    if (!json_is_object(own)) {
        own = json_object();
        failed |= json_object_set_new(json, "offramp", own);
    }
    failed |= json_object_set_new(own, "exits", json_boolean(config->has_exits));
    failed |= json_object_set_new(own, "policies", json_boolean(config->has_policies));
    failed |= set_text(own, "pooler",
                       config->pooler == OFR_POOLER_SHARED ? "shared" : "per-layer");
    failed |= set_text(own, "gate", ofr_gate_name(config->gate));
    failed |= set_int(own, "policy_hidden", config->policy_hidden);
    failed |= set_exits(own, config);
    failed |= set_text(own, "rule", config->rule);
    failed |= set_real(own, "threshold", config->threshold, config->threshold, false);
    failed |= set_text(own, "task", config->task);
    failed |= set_text(own, "method", config->method);
    failed |= set_int(own, "max_tokens", config->max_tokens);
    if (config->regression)
        failed |= set_real(own, "error_limit", config->error_limit, config->error_limit,
                           false);
    else
        (void)json_object_del(own, "error_limit");
    if (config->weights[0])
        failed |= set_text(own, "weights", config->weights);
    else
        (void)json_object_del(own, "weights");
    if (config->precision != OFR_PRECISION_F32)
        failed |= set_text(own, "precision", ofr_precision_name(config->precision));
    return failed;
}

static ofr_status update_json(ofr_config *config, ofr_error *err)
{
    const ofr_family_info *info = ofr_family_of(config->family);
    json_t *json = config->json ? ofr_json_copy(config->json) : json_object();
    int failed = !json;
    const char *type = json_string_value(json_object_get(json, "model_type"));
    if (!type) failed |= set_text(json, "model_type", info->name);
    failed |= set_architecture(json, config);
    for (const ofr_key *key = info->keys; key->name; key++) {
        failed |= set_key(json, config, key);
    }
    double dropout = config->hidden_dropout;
    const json_t *old = info->head_dropout_key
                            ? json_object_get(json, info->head_dropout_key)
                            : NULL;
    if (info->head_dropout_key &&
        (json_is_number(old) || config->head_dropout != dropout)) {
        failed |= set_real(json, info->head_dropout_key, config->head_dropout, dropout,
                           false);
    }
    failed |= set_labels(json, config);
    failed |= set_offramp(json, config);
    if (failed) {
        if (json) json_decref(json);
        return ofr_fail_nomem(err, sizeof *config, "a configuration");
    }
    if (config->json) json_decref(config->json);
    config->json = json;
    return OFR_OK;
}

ofr_status ofr_config_save(ofr_config *config, const char *path, ofr_error *err)
{
    OFR_TRY(update_json(config, err));
    return ofr_json_save(config->json, path, err);
}
