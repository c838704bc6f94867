/*
 * config.c - reads config.json into checked numbers.
 *
 * The keys of a family are rows of its table; what is common to all (labels,
 * problem type, the "offramp" key) is read here.  Every refusal names the file,
 * the key, the value found and what would be accepted.
 */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "io/json.h"
#include "model/family.h"

/* Parameters that one model may have: 2^36, 256 GiB in F32. */
#define PARAMETERS_MAX 68719476736.0

static void *field_of(ofr_config *config, const ofr_key *key)
{
    return (unsigned char *)config + key->offset;
}

static ofr_status read_key(ofr_config *config, const json_t *json, const ofr_key *key,
                           const char *name, ofr_error *err)
{
    const char *text = NULL;
    double real = key->value;
    int whole = (int)key->value;
    switch (key->kind) {
    case OFR_KEY_INT:
        OFR_TRY(ofr_json_int(json, key->name, (int)key->min, (int)key->max, &whole, name,
                             err));
        *(int *)field_of(config, key) = whole;
        return OFR_OK;
    case OFR_KEY_OTHER:
        return ofr_json_int(json, key->name, (int)key->min, (int)key->max,
                            field_of(config, key), name, err);
    case OFR_KEY_FIXED:
        OFR_TRY(ofr_json_int(json, key->name, 0, (int)OFR_SIZE_MAX, &whole, name, err));
        if (whole == (int)key->value) return OFR_OK;
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" is %d, only %d is supported; choose another model",
                        name, key->name, whole, (int)key->value);
    case OFR_KEY_REAL:
        OFR_TRY(ofr_json_real(json, key->name, key->min, key->max, &real, name, err));
        *(double *)field_of(config, key) = real;
        return OFR_OK;
    case OFR_KEY_EPS:
        OFR_TRY(ofr_json_real(json, key->name, key->min, key->max, &real, name, err));
        *(ofr_real *)field_of(config, key) = (ofr_real)real;
        return OFR_OK;
    case OFR_KEY_ACT:
        OFR_TRY(ofr_json_text(json, key->name, &text, name, err));
        if (text) whole = ofr_act_parse(text);
        if (whole < 0) {
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"%s\" is \"%.40s\", supported are gelu, gelu_new, "
                            "gelu_fast, gelu_pytorch_tanh, relu, silu and tanh; choose "
                            "another model",
                            name, key->name, text);
        }
        *(ofr_act *)field_of(config, key) = (ofr_act)whole;
        return OFR_OK;
    }
    return OFR_OK;
}

/* ---- labels ------------------------------------------------------------ */

static ofr_status read_label(char **out, const json_t *map, int k, int K,
                             const char *name, ofr_error *err)
{
    char key[16];
    (void)snprintf(key, sizeof key, "%d", k);
    const json_t *value = json_object_get(map, key);
    if (!value) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"id2label\" has %d entries but no \"%d\", expected the "
                        "keys \"0\" to \"%d\"; correct the file",
                        name, K, k, K - 1);
    }
    if (json_is_string(value)) {
        *out = ofr_mem_strdup(json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        char text[32];
        int n = snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        *out = ofr_mem_strdup(text, (size_t)n);
    } else {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"id2label\" entry \"%d\" is neither text nor a number; "
                        "correct the file",
                        name, k);
    }
    return *out ? OFR_OK : ofr_fail_nomem(err, json_string_length(value), "a label");
}

static const char *architecture_of(const json_t *json)
{
    const char *name =
        json_string_value(json_array_get(json_object_get(json, "architectures"), 0));
    return name ? name : "";
}

const char *ofr_config_other_use(const json_t *json)
{
    static const char *const others[] = {
        "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice",
        "ForMaskedLM", "ForPreTraining", "ForNextSentencePrediction", "ForCausalLM"};
    const char *architecture = architecture_of(json);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strstr(architecture, others[i])) return architecture;
    return NULL;
}

/* A classifier is announced by id2label, num_labels, or the architecture's name
 * (id2label is left out by some writers when there are two classes).  One of tokens, of
 * questions or of choices has the same keys and is none of texts; people's own
 * classifiers have names of all kinds. */
static ofr_status count_labels(int *K, const json_t *json, const json_t *map,
                               const char *name, ofr_error *err)
{
    bool texts = strstr(architecture_of(json), "ForSequenceClassification");
    if (ofr_config_other_use(json)) return OFR_OK;
    if (map) {
        size_t n = json_object_size(map);
        if (n < 1 || n > 65536) {
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"id2label\" has %zu entries, expected 1 to 65536; "
                            "correct the file",
                            name, n);
        }
        *K = (int)n;
        return OFR_OK;
    }
    OFR_TRY(ofr_json_int(json, "num_labels", 1, 65536, K, name, err));
    if (*K == 0 && texts) *K = 2;
    return OFR_OK;
}

/* Answers are names: two classes of one name could not be told apart. */
static ofr_status check_distinct(const ofr_config *config, const char *name,
                                 ofr_error *err)
{
    ofr_map seen;
    OFR_TRY(ofr_map_init(&seen, (size_t)config->K, err));
    ofr_status status = OFR_OK;
    for (int k = 0; k < config->K && status == OFR_OK; k++) {
        const char *label = config->labels[k];
        int old = -1;
        status = ofr_map_put(&seen, label, strlen(label), k, &old, err);
        if (status == OFR_OK && old >= 0)
            status = ofr_fail(err, OFR_FORMAT,
                              "%s: \"id2label\" calls both \"%d\" and \"%d\" "
                              "\"%.64s\"; rename one of the two",
                              name, old, k, label);
    }
    ofr_map_free(&seen);
    return status;
}

static ofr_status read_labels(ofr_config *config, const json_t *json, const char *name,
                              ofr_error *err)
{
    const json_t *map = json_object_get(json, "id2label");
    if (map && !json_is_object(map) && !json_is_null(map)) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"id2label\" is not an object; correct the file", name);
    }
    if (json_is_null(map)) map = NULL;
    int K = 0;
    OFR_TRY(count_labels(&K, json, map, name, err));
    const char *problem = NULL;
    OFR_TRY(ofr_json_text(json, "problem_type", &problem, name, err));
    /* A classifier of several labels per text is none that we can run; its
     * backbone is as good as any. */
    config->multi_label =
        K > 0 && (problem ? strcmp(problem, "multi_label_classification") == 0
                          : strstr(architecture_of(json), "MultiLabel") != NULL);
    if (K == 0 || config->multi_label) return OFR_OK;
    bool regression = K == 1 && (!problem || strcmp(problem, "regression") == 0);
    OFR_TRY(ofr_config_set_labels(config, K, NULL, regression, err));
    for (int k = 0; map && k < K; k++) {
        char *label = NULL;
        OFR_TRY(read_label(&label, map, k, K, name, err));
        ofr_mem_free(config->labels[k]);
        config->labels[k] = label;
    }
    return check_distinct(config, name, err);
}

/* ---- the "offramp" key -------------------------------------------------- */

static ofr_status read_short_text(char *out, size_t size, const json_t *json,
                                  const char *key, const char *name, ofr_error *err)
{
    const char *text = NULL;
    OFR_TRY(ofr_json_text(json, key, &text, name, err));
    if (!text) return OFR_OK;
    if (strlen(text) >= size) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"%s\" is %zu bytes long, at most %zu are allowed; "
                        "correct the file",
                        name, key, strlen(text), size - 1);
    }
    memcpy(out, text, strlen(text) + 1);
    return OFR_OK;
}

const char *ofr_gate_name(ofr_gate_kind gate)
{
    return gate == OFR_GATE_LTE ? "lte" : "policy";
}

/* *second: not the first word, which stands for an absent key too. */
static ofr_status read_choice(bool *second, const json_t *json, const char *key,
                              const char *a, const char *b, const char *name,
                              ofr_error *err)
{
    const char *text = a;
    OFR_TRY(ofr_json_text(json, key, &text, name, err));
    *second = strcmp(text, b) == 0;
    if (*second || strcmp(text, a) == 0) return OFR_OK;
    return ofr_fail(
        err, OFR_FORMAT,
        "%s: \"%s\" is \"%.40s\", expected \"%s\" or \"%s\"; correct the file", name, key,
        text, a, b);
}

static ofr_status read_kinds(ofr_config *config, const json_t *json, const char *name,
                             ofr_error *err)
{
    bool student, per_layer, lte;
    OFR_TRY(read_choice(&student, json, "offramp.heads", "pooled", "student", name, err));
    OFR_TRY(read_choice(&per_layer, json, "offramp.pooler", "shared", "per-layer", name,
                        err));
    OFR_TRY(read_choice(&lte, json, "offramp.gate", "policy", "lte", name, err));
    config->heads = student ? OFR_HEAD_STUDENT : OFR_HEAD_POOLED;
    config->pooler = per_layer ? OFR_POOLER_PER_LAYER : OFR_POOLER_SHARED;
    config->gate = lte ? OFR_GATE_LTE : OFR_GATE_POLICY;
    OFR_TRY(ofr_json_int(json, "offramp.student_width", 2, 65536, &config->student_width,
                         name, err));
    if (config->student_width % OFR_STUDENT_HEADS == 0) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: \"offramp.student_width\" is %d, expected a multiple of %d; "
                    "correct the file",
                    name, config->student_width, OFR_STUDENT_HEADS);
}

static ofr_status read_precision(ofr_precision *precision, const json_t *json,
                                 const char *name, ofr_error *err)
{
    const char *text = "f32";
    OFR_TRY(ofr_json_text(json, "offramp.precision", &text, name, err));
    int found = ofr_precision_parse(text);
    if (found < 0)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"offramp.precision\" is \"%.40s\", expected \"f32\", "
                        "\"f16\", \"bf16\" or \"int8\"; correct the file",
                        name, text);
    *precision = (ofr_precision)found;
    return OFR_OK;
}

/* The record of `offramp calibrate`, which people are told as a guarantee. */
static ofr_status check_calibration(const json_t *json, const char *name, ofr_error *err)
{
    const json_t *own = json_object_get(json, "offramp");
    const json_t *record = json_object_get(own, "calibration");
    const char *text;
    double x;
    if (!record || json_is_null(record)) return OFR_OK;
    if (!json_is_object(record))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"offramp.calibration\" is not an object; calibrate again",
                        name);
    OFR_TRY(ofr_json_text(json, "offramp.calibration.rule", &text, name, err));
    OFR_TRY(ofr_json_text(json, "offramp.calibration.risk", &text, name, err));
    OFR_TRY(
        ofr_json_real(json, "offramp.calibration.threshold", -1e9, 1e9, &x, name, err));
    OFR_TRY(ofr_json_real(json, "offramp.calibration.max_drop", 0, 100, &x, name, err));
    return ofr_json_real(json, "offramp.calibration.confidence", 0, 1, &x, name, err);
}

static ofr_status read_offramp(ofr_config *config, const json_t *json, const char *name,
                               ofr_error *err)
{
    config->policy_hidden = 32;
    config->student_width = 128;
    config->threshold = 0.5;
    config->error_limit = 0.5;
    memcpy(config->rule, "never", sizeof "never");
    bool pair; /* only checked: it is the program that asks for it */
    const json_t *own = json_object_get(json, "offramp");
    if (!own || json_is_null(own)) return OFR_OK;
    if (!json_is_object(own)) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"offramp\" is not an object; correct the file", name);
    }
    OFR_TRY(check_calibration(json, name, err));
    OFR_TRY(ofr_json_bool(json, "offramp.exits", &config->has_exits, name, err));
    OFR_TRY(ofr_json_bool(json, "offramp.policies", &config->has_policies, name, err));
    OFR_TRY(ofr_json_bool(json, "offramp.pair", &pair, name, err));
    OFR_TRY(ofr_json_int(json, "offramp.policy_hidden", 1, 65536, &config->policy_hidden,
                         name, err));
    OFR_TRY(ofr_json_real(json, "offramp.threshold", -1e9, 1e9, &config->threshold, name,
                          err));
    OFR_TRY(ofr_json_int(json, "offramp.max_tokens", 0, (int)OFR_SIZE_MAX,
                         &config->max_tokens, name, err));
    OFR_TRY(ofr_json_real(json, "offramp.error_limit", 0, 1e9, &config->error_limit, name,
                          err));
    OFR_TRY(read_short_text(config->rule, sizeof config->rule, json, "offramp.rule", name,
                            err));
    OFR_TRY(read_short_text(config->task, sizeof config->task, json, "offramp.task", name,
                            err));
    OFR_TRY(read_short_text(config->method, sizeof config->method, json, "offramp.method",
                            name, err));
    OFR_TRY(read_short_text(config->weights, sizeof config->weights, json,
                            "offramp.weights", name, err));
    OFR_TRY(ofr_json_bool(json, "offramp.token_exits", &config->token_exits, name, err));
    OFR_TRY(read_kinds(config, json, name, err));
    return read_precision(&config->precision, json, name, err);
}

/* ---- the whole ---------------------------------------------------------- */

static double count_parameters(const ofr_config *c)
{
    double layer = 4.0 * c->C * c->C + 2.0 * c->C * c->F;
    double exits = (double)c->C * c->C + (double)c->C * (c->K + c->policy_hidden);
    if (c->heads == OFR_HEAD_STUDENT) {
        double S = c->student_width;
        exits += S * (c->C + 5 * S + c->K);
    }
    return (double)c->E * ((double)c->V + c->n_positions + c->n_types + c->C) +
           (c->shared_layers ? 1 : c->L) * layer + c->L * exits;
}

static ofr_status check_numbers(const ofr_config *c, const char *name, ofr_error *err)
{
    if (c->C % c->H != 0) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: width %d is not a multiple of the %d attention heads; "
                        "correct the file",
                        name, c->C, c->H);
    }
    if (c->pad_id >= c->V) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"pad_token_id\" is %d, the vocabulary has %d entries; "
                        "correct the file",
                        name, c->pad_id, c->V);
    }
    if (c->n_positions - c->position_offset < OFR_TOKENS_MIN) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"max_position_embeddings\" is %d, expected at least %d; "
                        "correct the file",
                        name, c->n_positions, c->position_offset + OFR_TOKENS_MIN);
    }
    double n = count_parameters(c);
    if (n > PARAMETERS_MAX) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the sizes make %.3g parameters, at most %.3g are supported; "
                        "correct the file",
                        name, n, PARAMETERS_MAX);
    }
    return OFR_OK;
}

static ofr_status read_family(ofr_config *config, const json_t *json, const char *name,
                              ofr_error *err)
{
    const char *type = NULL;
    OFR_TRY(ofr_json_text(json, "model_type", &type, name, err));
    if (!type) { /* the first files of BERT do not have it */
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"model_type\" is absent, expected bert, electra, roberta, "
                        "distilbert or albert; add it: \"model_type\": \"bert\"",
                        name);
    }
    int family = ofr_family_parse(type);
    if (family < 0) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"model_type\" is \"%.40s\", supported are bert, electra, "
                        "roberta (xlm-roberta, camembert), distilbert and albert; choose "
                        "another model",
                        name, type);
    }
    config->family = (ofr_family)family;
    const char *positions = NULL;
    OFR_TRY(ofr_json_text(json, "position_embedding_type", &positions, name, err));
    if (positions && strcmp(positions, "absolute") != 0) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"position_embedding_type\" is \"%.40s\", only \"absolute\" "
                        "is supported; choose another model",
                        name, positions);
    }
    bool decoder = false;
    OFR_TRY(ofr_json_bool(json, "is_decoder", &decoder, name, err));
    if (decoder) { /* its tokens see only those before them */
        return ofr_fail(err, OFR_FORMAT,
                        "%s: \"is_decoder\" is true, only false is supported; choose "
                        "another model",
                        name);
    }
    return OFR_OK;
}

static ofr_status read_all(ofr_config *config, const json_t *json, const char *name,
                           ofr_error *err)
{
    OFR_TRY(read_family(config, json, name, err));
    const ofr_family_info *info = ofr_family_of(config->family);
    for (const ofr_key *key = info->keys; key->name; key++) {
        OFR_TRY(read_key(config, json, key, name, err));
    }
    if (config->E == 0) config->E = config->C;
    if (info->head_dropout_key) {
        config->head_dropout = config->hidden_dropout;
        OFR_TRY(ofr_json_real(json, info->head_dropout_key, 0, 0.999,
                              &config->head_dropout, name, err));
    }
    if (info->positions_after_pad) config->position_offset = config->pad_id + 1;
    config->shared_layers = info->shared_layers;
    config->pooler_act = info->pooler_act;
    OFR_TRY(read_labels(config, json, name, err));
    OFR_TRY(read_offramp(config, json, name, err));
    return check_numbers(config, name, err);
}

ofr_status ofr_config_parse(ofr_config *config, const json_t *json, const char *name,
                            ofr_error *err)
{
    ofr_config read = {0};
    ofr_status status;
    if (!json_is_object(json)) {
        return ofr_fail(err, OFR_FORMAT,
                        "%s: not a JSON object, expected the keys of a model; restore "
                        "the file",
                        name);
    }
    status = read_all(&read, json, name, err);
    if (status == OFR_OK) {
        read.json = ofr_json_copy(json);
        if (!read.json) status = ofr_fail_nomem(err, sizeof read, name);
    }
    if (status != OFR_OK) {
        ofr_config_free(&read);
        return status;
    }
    *config = read;
    return OFR_OK;
}

ofr_status ofr_config_load(ofr_config *config, const char *path, ofr_error *err)
{
    json_t *json = NULL;
    OFR_TRY(ofr_json_load(&json, path, err));
    ofr_status status = ofr_config_parse(config, json, path, err);
    json_decref(json);
    return status;
}

bool ofr_config_projects(const ofr_config *config)
{
    return config->E != config->C || ofr_family_of(config->family)->always_projects;
}

int ofr_config_max_tokens(const ofr_config *config)
{
    return config->n_positions - config->position_offset;
}
