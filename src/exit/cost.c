/* cost.c - FLOPs of a text and layers saved, 2 per multiply-add. */
#include "exit/cost.h"

double ofr_cost_layer(const ofr_config *config, int T)
{
    double C = config->C, F = config->F, t = T;
    return 2 * t * (4 * C * C + 2 * C * F) + 4 * t * t * C;
}

double ofr_cost_other_half(const ofr_config *config, int T)
{
    double C = config->C, F = config->F, t = T;
    return (t - 1) * (4 * t * C + 2 * (C * C + 2 * C * F));
}

static double cost_pooler(const ofr_config *config)
{
    return 2.0 * config->C * config->C;
}

static double cost_classifier(const ofr_config *config)
{
    return 2.0 * config->C * config->K;
}

double ofr_cost_head(const ofr_config *config)
{
    return cost_pooler(config) + cost_classifier(config);
}

double ofr_cost_student(const ofr_config *config, int T)
{
    double C = config->C, S = config->student_width, K = config->K;
    return 2 * T * (C * S + 3 * S * S) + 4 * T * S + 2 * (2 * S * S + S * K);
}

double ofr_cost_policy(const ofr_config *config)
{
    double P = config->policy_hidden;
    if (config->gate == OFR_GATE_LTE) return 2.0 * config->C;
    return 2 * (P * config->C + P);
}

/* Students of the layers below L that were looked at, the teacher's head at L. */
static double cost_students(const ofr_config *config, const ofr_rule *rule, int T,
                            int exit_layer)
{
    bool last = exit_layer == config->L;
    int students = rule->needs_logits ? exit_layer - last : !last;
    return students * ofr_cost_student(config, T) + (last ? ofr_cost_head(config) : 0);
}

double ofr_cost_text(const ofr_config *config, const ofr_rule *rule, int T,
                     int exit_layer)
{
    int asked = exit_layer < config->L ? exit_layer : config->L - 1;
    bool looks = rule->needs_logits || rule->needs_policy;
    double cost = exit_layer * ofr_cost_layer(config, T);
    if (config->heads == OFR_HEAD_STUDENT)
        return cost + cost_students(config, rule, T, exit_layer);
    cost += cost_pooler(config) * (looks ? exit_layer : 1);
    cost += cost_classifier(config) * (rule->needs_logits ? exit_layer : 1);
    if (rule->needs_policy) cost += asked * ofr_cost_policy(config);
    return cost;
}

double ofr_cost_by_token(const ofr_config *config, const int *exits, int T)
{
    double C = config->C, F = config->F;
    double cost = ofr_cost_head(config) + config->L * 6.0 * T * C * C;
    for (int t = 0; t < T; t++)
        cost += exits[t] * (4.0 * T * C + 2 * (C * C + 2 * C * F));
    return cost;
}

double ofr_cost_full(const ofr_config *config, int T)
{
    return config->L * ofr_cost_layer(config, T) + ofr_cost_head(config);
}

double ofr_cost_mean_layer(const int *exit_layer, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += exit_layer[i];
    return sum / n;
}

double ofr_cost_saved_layers(double mean_layer, int L)
{
    return 1 - mean_layer / L;
}
