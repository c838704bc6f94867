/*
 * run.c - encoder and rule over a batch, one layer at a time.
 *
 * What runs after a layer is only what the rule looks at: nothing (fixed,
 * never), the policy (then the classifier only for the texts that leave), or
 * the classifier.  Rows are numbered within the texts still in; walk.text says
 * which text of the call each row is.
 */
#include "exit/run.h"

#include <math.h>
#include <string.h>

#include "exit/cost.h"
#include "exit/head.h"
#include "exit/policy.h"

/* See asks_halfway(), docs/PERFORMANCE.md "Asking halfway": a pass, in rows; what is
 * done twice for rows that stay (attention's panels), as a part of a row; texts that
 * exits are counted over. */
#define PASS_COST 8
#define TWICE 0.03
#define MEMORY 4096

static void layout(ofr_slots *slots, void *owner)
{
    ofr_runner *runner = owner;
    const ofr_config *config = &runner->encoder->config;
    size_t B = (size_t)runner->max_B, C = (size_t)config->C, K = (size_t)config->K;
    runner->depth = ofr_slots_take(slots, B, sizeof(double));
    if (config->token_exits)
        runner->token_exits = ofr_slots_take(slots, (size_t)runner->max_N, sizeof(int));
    runner->exit_layer = ofr_slots_take(slots, B, sizeof(int));
    runner->logits = ofr_slots_take(slots, B * K, sizeof(ofr_real));
    runner->pi = ofr_slots_take(slots, B * (size_t)(config->L - 1), sizeof(ofr_real));
    runner->cls = ofr_slots_take(slots, B * C, sizeof(ofr_real));
    runner->c = ofr_slots_take(slots, B * C, sizeof(ofr_real));
    runner->c_exit = ofr_slots_take(slots, B * C, sizeof(ofr_real));
    runner->z = ofr_slots_take(slots, B * K, sizeof(ofr_real));
    runner->stop_pi = ofr_slots_take(slots, B, sizeof(ofr_real));
    runner->hidden =
        ofr_slots_take(slots, B * (size_t)config->policy_hidden, sizeof(ofr_real));
    runner->seen = ofr_slots_take(slots, (size_t)config->L, sizeof *runner->seen);
    runner->halfway = ofr_slots_take(slots, B, 1);
    runner->stop = ofr_slots_take(slots, B, 1);
    runner->keep = ofr_slots_take(slots, B, 1);
    runner->state = ofr_slots_take(slots, B, OFR_RULE_STATE_MAX);
}

static void forget_exits(ofr_runner *runner)
{
    for (int l = 0; l < runner->encoder->config.L; l++)
        runner->seen[l] = (ofr_exit_count){0, 0};
}

ofr_status ofr_runner_open(ofr_runner *runner, const ofr_encoder *encoder, ofr_dev *dev,
                           const ofr_rule *rule, double threshold, int max_B, int max_N,
                           ofr_error *err)
{
    ofr_runner fresh = {.encoder = encoder, .dev = dev, .max_B = max_B, .max_N = max_N};
    OFR_TRY(ofr_runner_set_rule(&fresh, rule, threshold, NULL, err));
    OFR_TRY(ofr_slots_open(&fresh.slots, layout, &fresh, "early-exit runner", err));
    ofr_status status = ofr_walk_open(&fresh.walk, encoder, dev, max_B, max_N, err);
    if (status == OFR_OK)
        status =
            ofr_student_open(&fresh.student, encoder, dev, max_B, 1, max_N, false, err);
    if (status != OFR_OK) {
        ofr_runner_close(&fresh);
        return status;
    }
    forget_exits(&fresh);
    *runner = fresh;
    return OFR_OK;
}

ofr_status ofr_runner_set_rule(ofr_runner *runner, const ofr_rule *rule, double threshold,
                               void *user, ofr_error *err)
{
    const ofr_config *config = &runner->encoder->config;
    OFR_ASSERT(rule->state_bytes <= OFR_RULE_STATE_MAX);
    OFR_TRY(ofr_rule_check(rule, threshold, config->L, err));
    if (rule->by_token) OFR_TRY(ofr_rule_fits(rule, config, err));
    runner->rule = rule;
    runner->threshold = threshold;
    runner->user = user;
    if (runner->seen) forget_exits(runner);
    return OFR_OK;
}

void ofr_runner_close(ofr_runner *runner)
{
    if (runner == NULL) return;
    ofr_walk_close(&runner->walk);
    ofr_student_close(&runner->student);
    ofr_slots_close(&runner->slots);
    memset(runner, 0, sizeof *runner);
}

/* Ask the rule about the texts still in: runner->stop, and c, z as far as the
 * rule looked at them. */
static void ask(ofr_runner *runner, int layer)
{
    const ofr_rule *rule = runner->rule;
    ofr_walk *walk = &runner->walk;
    int L = runner->encoder->config.L;
    bool student = ofr_student_answers(runner->encoder, layer);
    if ((rule->needs_logits && !student) || rule->needs_policy) {
        ofr_walk_class_rows(walk, runner->cls);
        ofr_head_pool(runner->encoder, runner->dev, layer, runner->c, runner->cls,
                      walk->B);
    }
    if (rule->needs_policy) {
        ofr_policy_stop(runner->encoder, runner->dev, layer, runner->stop_pi,
                        runner->hidden, runner->c, walk->B);
        for (int b = 0; b < walk->B; b++)
            runner->pi[(size_t)walk->text[b] * (L - 1) + layer - 1] = runner->stop_pi[b];
    }
    if (rule->needs_logits && student)
        ofr_student_forward(&runner->student, layer, runner->z, walk->x, walk->offsets,
                            walk->B);
    else if (rule->needs_logits)
        ofr_head_logits(runner->encoder, runner->dev, layer, runner->z, runner->c,
                        walk->B);
    ofr_exit_view view = {
        .layer = layer,
        .n_layers = L,
        .n = walk->B,
        .K = runner->encoder->config.K,
        .logits = rule->needs_logits ? runner->z : NULL,
        .pi = rule->needs_policy ? runner->stop_pi : NULL,
        .answer = rule->own_answer ? runner->logits : NULL,
        .slot = walk->text,
        .user = runner->user,
    };
    rule->decide(runner->threshold, runner->state, &view, runner->stop);
    for (int b = 0; runner->dealt && b < walk->B; b++)
        runner->stop[b] = layer >= runner->dealt[walk->text[b]];
}

/* Rows of the texts that leave, packed to the front: z of the rule, or the
 * classifier on their pooled vectors.  Afterwards runner->z[n_exit,K]. */
static void answer(ofr_runner *runner, int layer, int n_exit)
{
    const ofr_rule *rule = runner->rule;
    ofr_walk *walk = &runner->walk;
    size_t C = (size_t)runner->encoder->config.C, K = (size_t)runner->encoder->config.K;
    bool last = layer == runner->encoder->config.L;
    bool student = ofr_student_answers(runner->encoder, layer);
    bool has_z = (rule->needs_logits && !last) || student;
    bool has_c = rule->needs_policy && !last;
    if (student && !rule->needs_logits)
        ofr_student_forward(&runner->student, layer, runner->z, walk->x, walk->offsets,
                            walk->B);
    if (!has_z && !has_c) ofr_walk_class_rows(walk, runner->cls);
    ofr_real *rows = has_z ? runner->z : has_c ? runner->c : runner->cls;
    size_t width = has_z ? K : C;
    int n = 0;
    for (int b = 0; b < walk->B; b++) {
        if (!runner->stop[b]) continue;
        if (n < b) memcpy(rows + n * width, rows + b * width, width * sizeof *rows);
        n++;
    }
    if (has_z) return;
    ofr_real *c = rows;
    if (!has_c) {
        c = runner->c_exit;
        ofr_head_pool(runner->encoder, runner->dev, layer, c, rows, n_exit);
    }
    ofr_head_logits(runner->encoder, runner->dev, layer, runner->z, c, n_exit);
}

/* Is the rule to be asked before the rows that it does not look at have gone through
 * `layer`?  Counted in rows: all go through, or first one of each text and then those
 * of the texts that stay, whose pass costs its weights' way from memory once more. */
static bool asks_halfway(const ofr_runner *runner, int layer)
{
    const ofr_walk *walk = &runner->walk;
    ofr_exit_count seen = runner->seen[layer - 1];
    if (runner->whole_layers || walk->by_token ||
        ofr_student_answers(runner->encoder, layer))
        return false;
    if (layer == runner->encoder->config.L) return true;
    if (seen.came == 0) return false;
    double rate = seen.left / seen.came, stay = (1 - rate) * walk->N;
    return walk->B + stay * (1 + TWICE) + PASS_COST * (1 - pow(rate, walk->B)) < walk->N;
}

static void note_exits(ofr_runner *runner, int layer, int n_exit)
{
    ofr_exit_count *seen = &runner->seen[layer - 1];
    seen->came += runner->walk.B;
    seen->left += n_exit;
    if (seen->came > MEMORY) {
        seen->came /= 2;
        seen->left /= 2;
    }
}

/* Write down the answers of the texts that stop, then close the gap. */
static void leave(ofr_runner *runner, int layer)
{
    ofr_walk *walk = &runner->walk;
    size_t K = (size_t)runner->encoder->config.K, bytes = runner->rule->state_bytes;
    bool by_rule = runner->rule->own_answer && layer < runner->encoder->config.L;
    int n_exit = 0;
    for (int b = 0; b < walk->B; b++)
        n_exit += runner->stop[b] != 0;
    note_exits(runner, layer, n_exit);
    if (n_exit == 0) return;
    if (!by_rule) answer(runner, layer, n_exit);
    int gone = 0, stays = 0;
    for (int b = 0; b < walk->B; b++) {
        runner->keep[b] = !runner->stop[b];
        if (runner->stop[b]) {
            size_t text = (size_t)walk->text[b];
            if (!runner->rule->by_token) runner->depth[text] = layer;
            runner->exit_layer[text] = (int)lround(runner->depth[text]);
            runner->halfway[text] = walk->halfway;
            if (by_rule) continue; /* the answer is there already */
            memcpy(runner->logits + text * K, runner->z + gone++ * K,
                   K * sizeof(ofr_real));
        } else {
            if (stays < b)
                memcpy(runner->state + stays * bytes, runner->state + b * bytes, bytes);
            stays++;
        }
    }
    ofr_walk_keep(walk, runner->keep);
}

/* The tokens' exits are known before the first layer. */
static void begin_by_token(ofr_runner *runner, const ofr_tokens *tokens)
{
    ofr_walk *walk = &runner->walk;
    ofr_encoder_token_exits(runner->encoder, runner->token_exits, tokens,
                            (int)runner->threshold);
    for (int b = 0; b < tokens->B; b++) {
        int first = tokens->offsets[b], T = tokens->offsets[b + 1] - first;
        runner->depth[walk->text[b]] =
            ofr_cost_mean_layer(runner->token_exits + first, T);
    }
    ofr_walk_leave_by_token(walk, runner->token_exits);
}

void ofr_runner_begin(ofr_runner *runner, const ofr_tokens *tokens, const int *slots)
{
    ofr_walk *walk = &runner->walk;
    size_t n_pi = (size_t)runner->encoder->config.L - 1;
    OFR_ASSERT(tokens->B <= runner->max_B);
    memset(runner->state, 0, (size_t)tokens->B * runner->rule->state_bytes);
    ofr_walk_begin(walk, tokens);
    for (int b = 0; b < tokens->B; b++) {
        if (slots) walk->text[b] = slots[b];
        runner->exit_layer[walk->text[b]] = 0;
        for (size_t l = 0; l < n_pi; l++)
            runner->pi[(size_t)walk->text[b] * n_pi + l] = (ofr_real)NAN;
    }
    if (runner->rule->by_token) begin_by_token(runner, tokens);
}

void ofr_runner_layer(ofr_runner *runner)
{
    ofr_walk *walk = &runner->walk;
    if (asks_halfway(runner, walk->layer + 1))
        ofr_walk_class_half(walk);
    else
        ofr_walk_layer(walk);
    if (walk->layer < runner->encoder->config.L)
        ask(runner, walk->layer);
    else
        memset(runner->stop, 1, (size_t)walk->B);
    leave(runner, walk->layer);
    if (walk->halfway) ofr_walk_other_half(walk);
}

void ofr_runner_run(ofr_runner *runner, const ofr_tokens *tokens)
{
    const ofr_walk *walk = &runner->walk;
    ofr_runner_begin(runner, tokens, NULL);
    while (walk->layer < runner->encoder->config.L && walk->B > 0)
        ofr_runner_layer(runner);
}

double ofr_runner_cost(const ofr_runner *runner, const ofr_tokens *tokens, int b)
{
    const ofr_config *config = &runner->encoder->config;
    int first = tokens->offsets[b], T = tokens->offsets[b + 1] - first;
    if (runner->rule->by_token)
        return ofr_cost_by_token(config, runner->token_exits + first, T);
    return ofr_cost_text(config, runner->rule, T, runner->exit_layer[b]);
}
