/*
 * rule.c - the table of rules, their replay on stored outputs, and the small
 * functions of logits that rules, heads and metrics share.
 */
#include "exit/rule.h"

#include <string.h>

const ofr_rule *const ofr_rules[] = {
    &ofr_rule_policy,
    &ofr_rule_never,
    &ofr_rule_entropy,
    &ofr_rule_confidence,
    &ofr_rule_patience,
    &ofr_rule_fixed,
    NULL,
};

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
    if (is_layer && threshold != floor(threshold))
        return ofr_fail(err, OFR_INVALID,
                        "threshold %g of exit rule '%s' must be a whole number (%s)",
                        threshold, rule->name, rule->knob);
    return OFR_OK;
}

int ofr_rule_replay(const ofr_rule *rule, double threshold, const ofr_real *logits,
                    const ofr_real *pi, int L, int K)
{
    union {
        double align;
        unsigned char bytes[OFR_RULE_STATE_MAX];
    } state;
    OFR_ASSERT(rule->state_bytes <= sizeof state.bytes);
    memset(&state, 0, sizeof state);
    for (int l = 1; l < L; l++) {
        ofr_exit_view view = {
            .layer = l,
            .n_layers = L,
            .n = 1,
            .K = K,
            .logits = rule->needs_logits ? logits + (size_t)(l - 1) * K : NULL,
            .pi = rule->needs_policy ? pi + (l - 1) : NULL,
        };
        unsigned char stop = 0;
        rule->decide(threshold, state.bytes, &view, &stop);
        if (stop) return l;
    }
    return L;
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
