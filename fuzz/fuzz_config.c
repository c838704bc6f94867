/*
 * fuzz_config.c - a config.json that is accepted has numbers that can be trusted:
 * it lays out parameters, names a rule or is refused for it, and is the same
 * after it was written and read again.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "cli/calibration.h"
#include "cli/load.h"
#include "io/json.h"

enum { SMALL = 100000 };

static void check_fields(const ofr_config *c)
{
    OFR_FUZZ_CHECK(c->L >= 1 && c->L <= 512 && c->H >= 1 && c->C >= 1 && c->E >= 1);
    OFR_FUZZ_CHECK(c->C % c->H == 0 && c->V > c->pad_id && c->pad_id >= 0);
    OFR_FUZZ_CHECK(c->n_positions > c->position_offset && c->n_types >= 0 && c->F >= 1);
    OFR_FUZZ_CHECK(ofr_config_max_tokens(c) >= 1);
    for (int k = 0; k < c->K; k++)
        OFR_FUZZ_CHECK(c->labels[k]);
    OFR_FUZZ_CHECK(!c->regression || c->K == 1);
}

/* Layout and first values of a model that is small enough. */
static void lay_out(const ofr_config *c)
{
    ofr_params params;
    ofr_error err;
    ofr_real *w;
    if (c->L > 8 || c->K > 64 || c->C > 64 || c->F > 64 || c->E > 64 || c->V > 200 ||
        c->n_positions > 200 || c->n_types > 64 || c->policy_hidden > 64 ||
        c->student_width > 64)
        return;
    OFR_FUZZ_CHECK(ofr_params_open(&params, c, &err) == OFR_OK);
    w = calloc(params.total, sizeof *w);
    OFR_FUZZ_CHECK(w);
    ofr_params_init(&params, c, w, OFR_GROUP_ALL | OFR_GROUP_TOKENS, 1, 0.5);
    free(w);
    ofr_params_close(&params);
}

static void check_rule(const ofr_config *c)
{
    const ofr_rule *rule;
    double threshold;
    ofr_error err;
    ofr_status status = ofr_rule_choose(&rule, &threshold, c, NULL, (double)NAN, &err);
    ofr_buf said;
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, "rule");
        return;
    }
    ofr_buf_init(&said);
    ofr_calibration_say(&said, c);
    const ofr_loaded model = {.encoder = {.config = *c},
                              .rule = rule,
                              .threshold = threshold,
                              .max_tokens = ofr_config_max_tokens(c)};
    ofr_calibration_remark(&model);
    ofr_buf_free(&said);
}

static void check_again(ofr_config *c)
{
    static const uint8_t none[1];
    const char *path = ofr_fuzz_file("config.json", none, 0);
    ofr_config again, copy;
    ofr_error err;
    OFR_FUZZ_CHECK(ofr_config_copy(&copy, c, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_config_save(c, path, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_config_load(&again, path, &err) == OFR_OK);
    OFR_FUZZ_CHECK(again.family == copy.family && again.L == copy.L &&
                   again.C == copy.C && again.H == copy.H && again.F == copy.F &&
                   again.E == copy.E && again.V == copy.V && again.K == copy.K &&
                   again.n_positions == copy.n_positions &&
                   again.n_types == copy.n_types && again.pad_id == copy.pad_id);
    OFR_FUZZ_CHECK(strcmp(again.rule, copy.rule) == 0 &&
                   again.threshold == copy.threshold &&
                   again.policy_hidden == copy.policy_hidden &&
                   again.max_tokens == copy.max_tokens);
    for (int k = 0; k < copy.K; k++)
        OFR_FUZZ_CHECK(strcmp(again.labels[k], copy.labels[k]) == 0);
    ofr_config_free(&again);
    ofr_config_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ofr_error err;
    ofr_config config;
    const char *path = ofr_fuzz_file("in.json", data, size);
    ofr_status status = ofr_config_load(&config, path, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, "in.json");
        return 0;
    }
    check_fields(&config);
    lay_out(&config);
    check_rule(&config);
    check_again(&config);
    ofr_config_free(&config);
    return 0;
}
