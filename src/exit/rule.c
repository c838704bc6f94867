/*
 * rule.c - the table of rules, their replay on stored outputs, and the small
 * functions of logits that rules, heads and metrics share.
 */
#include "exit/rule.h"

#include <string.h>

#define ROW(name) &ofr_rule_##name,
const ofr_rule *const ofr_rules[] = {OFR_RULE_LIST(ROW) NULL};

ofr_status ofr_rule_find(const ofr_rule **out, const char *name, ofr_error *err)
{
    char known[200] = "";
    for (int i = 0; ofr_rules[i] != NULL; i++) {
        if (strcmp(ofr_rules[i]->name, name) == 0) {
            *out = ofr_rules[i];
            return OFR_OK;
        }
        size_t used = strlen(known), n = strlen(ofr_rules[i]->name);
        if (used + n + 3 < sizeof known) {
            if (used > 0) {
                memcpy(known + used, ", ", 2);
                used += 2;
            }
            memcpy(known + used, ofr_rules[i]->name, n + 1);
        }
    }
    return ofr_fail(err, OFR_INVALID, "unknown exit rule '%s'; known rules: %s", name,
                    known);
}

ofr_status ofr_rule_check(const ofr_rule *rule, double threshold, int n_layers,
                          ofr_error *err)
{
    double max = rule->max;
    bool is_layer = rule == &ofr_rule_fixed;
    if (is_layer) max = n_layers;
    if (!(threshold >= rule->min && threshold <= max))
        return ofr_fail(err, OFR_INVALID,
                        "threshold %g of exit rule '%s' is outside %g .. %g (%s)",
                        threshold, rule->name, rule->min, max, rule->knob);
    if ((is_layer || rule->by_token) && threshold != floor(threshold))
        return ofr_fail(err, OFR_INVALID,
                        "threshold %g of exit rule '%s' must be a whole number (%s)",
                        threshold, rule->name, rule->knob);
    return OFR_OK;
}

ofr_status ofr_rule_fits(const ofr_rule *rule, const ofr_config *config, ofr_error *err)
{
    if (rule->classes_only && config->regression)
        return ofr_fail(err, OFR_INVALID,
                        "exit rule '%s' looks at the probabilities of classes, and this "
                        "model is a regression; use policy, ponder, lte, patience, fixed "
                        "or never", rule->name);
    if (rule->needs_policy && rule->gate != config->gate)
        return ofr_fail(err, OFR_INVALID,
                        "exit rule '%s' needs gates of kind %s, this model's are of kind "
                        "%s; train it with --method %s or choose another rule",
                        rule->name, ofr_gate_name(rule->gate),
                        ofr_gate_name(config->gate),
                        rule->gate == OFR_GATE_LTE ? "berxit" : "consistentee");
    if (rule->by_token && !config->token_exits)
        return ofr_fail(err, OFR_INVALID,
                        "exit rule '%s' needs a table of token exits, which this model "
                        "does not have; train it with --method hashee or choose another "
                        "rule", rule->name);
    return OFR_OK;
}

double ofr_rule_default(const ofr_rule *rule, int K)
{
    return K == 1 && rule->default_value != 0 ? rule->default_value
                                              : rule->default_threshold;
}

void ofr_rule_range(const ofr_rule *rule, int L, int K, double *safest, double *fastest)
{
    *safest = rule->rising ? rule->max : rule->min;
    *fastest = rule->rising ? rule->min : rule->max;
    if (rule->range != NULL) rule->range(L, K, safest, fastest);
}

/* The value a share t of the way from a to b. */
static double between(ofr_scale scale, double a, double b, double t)
{
    switch (scale) {
    case OFR_SCALE_LOG: return a * pow(b / a, t);
    case OFR_SCALE_LOG_TO_ONE: return 1 - (1 - a) * pow((1 - b) / (1 - a), t);
    default: return a + (b - a) * t;
    }
}

int ofr_rule_spread(const ofr_rule *rule, int L, int K, double *values, int n)
{
    ofr_scale scale = rule->scale;
    double safest, fastest;
    OFR_ASSERT(n >= 2);
    if (scale == OFR_SCALE_WHOLE && K == 1 && rule->default_value != 0)
        scale = OFR_SCALE_LOG; /* patience of a regression is a distance */
    if (scale == OFR_SCALE_NONE) {
        values[0] = rule->default_threshold;
        return 1;
    }
    ofr_rule_range(rule, L, K, &safest, &fastest);
    if (scale == OFR_SCALE_WHOLE) {
        int whole = (int)fabs(fastest - safest) + 1;
        if (whole < n) n = whole;
    }
    for (int i = 0; i < n; i++) {
        double t = n > 1 ? (double)i / (n - 1) : 0;
        values[i] = between(scale, safest, fastest, t);
        if (scale == OFR_SCALE_WHOLE) values[i] = floor(values[i] + 0.5);
    }
    return n;
}

int ofr_rule_replay_answer(const ofr_rule *rule, double threshold, ofr_real *answer,
                           const ofr_real *logits, const ofr_real *pi, int L, int K)
{
    union {
        double align;
        unsigned char bytes[OFR_RULE_STATE_MAX];
    } state;
    const int slot = 0;
    int exit = L;
    OFR_ASSERT(rule->state_bytes <= sizeof state.bytes);
    memset(&state, 0, sizeof state);
    for (int l = 1; l < L && exit == L; l++) {
        ofr_exit_view view = {
            .layer = l,
            .n_layers = L,
            .n = 1,
            .K = K,
            .logits = rule->needs_logits ? logits + (size_t)(l - 1) * K : NULL,
            .pi = rule->needs_policy ? pi + (l - 1) : NULL,
            .answer = rule->own_answer ? answer : NULL,
            .slot = &slot,
        };
        unsigned char stop = 0;
        rule->decide(threshold, state.bytes, &view, &stop);
        if (stop) exit = l;
    }
    if (answer != NULL && !(rule->own_answer && exit < L))
        memcpy(answer, logits + (size_t)(exit - 1) * K, (size_t)K * sizeof *answer);
    return exit;
}

int ofr_rule_replay(const ofr_rule *rule, double threshold, const ofr_real *logits,
                    const ofr_real *pi, int L, int K)
{
    return ofr_rule_replay_answer(rule, threshold, NULL, logits, pi, L, K);
}

int ofr_argmax(const ofr_real *z, int K)
{
    int best = 0;
    for (int k = 1; k < K; k++)
        if (z[k] > z[best]) best = k;
    return best;
}

/* Largest of z[K]; a NaN anywhere is left to show in the sums that follow. */
static double largest(const ofr_real *z, int K)
{
    double m = (double)z[0];
    for (int k = 1; k < K; k++)
        if ((double)z[k] > m) m = (double)z[k];
    return m;
}

double ofr_entropy(const ofr_real *z, int K)
{
    double m = largest(z, K), S = 0, sum = 0;
    for (int k = 0; k < K; k++) {
        double d = (double)z[k] - m, e = exp(d);
        S += e;
        sum += d * e;
    }
    return log(S) - sum / S;
}

void ofr_softmax(ofr_real *p, const ofr_real *z, int K)
{
    double m = largest(z, K), S = 0;
    for (int k = 0; k < K; k++)
        S += exp((double)z[k] - m);
    for (int k = 0; k < K; k++)
        p[k] = (ofr_real)(exp((double)z[k] - m) / S);
}
