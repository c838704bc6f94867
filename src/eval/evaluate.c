/*
 * evaluate.c - what the exits are worth: scores, costs, groups, and the two
 * policies that know nothing.  Times are in evaluate_time.c.
 */
#include "eval/evaluate.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "eval/evaluate_time.h"
#include "eval/metrics.h"
#include "eval/stats.h"
#include "exit/cost.h"
#include "exit/run.h"

#define OUTPUTS_BATCH 32

void ofr_eval_options_init(ofr_eval_options *options)
{
    memset(options, 0, sizeof *options);
    options->rule = &ofr_rule_never;
    options->batch = 1;
    options->timed_runs = 100;
    options->timed_seconds = 30;
    options->metric = OFR_METRIC_ACCURACY;
    options->seed = 1;
    options->floor_draws = 20;
    options->error_limit = 0.5;
}

/* ---- looking at stored outputs ---------------------------------------- */

static const ofr_real *logits_at(const ofr_eval *e, int text, int layer)
{
    size_t row = (size_t)text * (size_t)e->L + (size_t)(layer - 1);
    return e->outputs.logits + row * (size_t)e->K;
}

static int class_at(const ofr_eval *e, int text, int layer)
{
    return e->regression ? 0 : ofr_argmax(logits_at(e, text, layer), e->K);
}

bool ofr_eval_right(const ofr_eval *eval, int text, int layer)
{
    if (eval->regression)
        return ofr_metric_near(logits_at(eval, text, layer)[0], eval->target[text],
                               eval->error_limit);
    return class_at(eval, text, layer) == eval->label[text];
}

/* Room for one answer per text, reused by everything that scores. */
typedef struct answers {
    int *layer, *order, *pred; /* [n] */
    float *value;              /* [n] */
    double *work;              /* [OFR_METRIC_WORK n] */
    unsigned char *right;      /* [n] */
    ofr_slots slots;
    int n;
} answers;

static void answers_layout(ofr_slots *slots, void *owner)
{
    answers *a = owner;
    size_t n = (size_t)a->n;
    a->layer = ofr_slots_take(slots, n, sizeof *a->layer);
    a->order = ofr_slots_take(slots, n, sizeof *a->order);
    a->pred = ofr_slots_take(slots, n, sizeof *a->pred);
    a->value = ofr_slots_take(slots, n, sizeof *a->value);
    a->work = ofr_slots_take(slots, OFR_METRIC_WORK * n, sizeof *a->work);
    a->right = ofr_slots_take(slots, n, sizeof *a->right);
}

static double score_answers(const ofr_eval *e, ofr_metric metric, double *work,
                            const int *pred, const float *value)
{
    if (e->regression) return ofr_metric_score_real(metric, work, value, e->target, e->n);
    return ofr_metric_score(metric, work, pred, e->label, e->n, e->K);
}

/* The metric when text i is answered by the classifier of a->layer[i]. */
static double score_layers(const ofr_eval *e, answers *a)
{
    for (int i = 0; i < e->n; i++) {
        if (e->regression)
            a->value[i] = (float)logits_at(e, i, a->layer[i])[0];
        else
            a->pred[i] = class_at(e, i, a->layer[i]);
    }
    return score_answers(e, e->metric, a->work, a->pred, a->value);
}

static double score_layer(const ofr_eval *e, answers *a, int layer)
{
    for (int i = 0; i < e->n; i++)
        a->layer[i] = layer;
    return score_layers(e, a);
}

/* ---- scores -------------------------------------------------------------- */

static double calibration_at(const ofr_eval *e, answers *a, ofr_real *p, int layer)
{
    if (e->regression) return NAN;
    for (int i = 0; i < e->n; i++) {
        const ofr_real *z = logits_at(e, i, layer);
        int best = ofr_argmax(z, e->K);
        ofr_softmax(p, z, e->K);
        a->value[i] = (float)p[best];
        a->right[i] = best == e->label[i];
    }
    return ofr_metric_calibration_error(a->value, a->right, e->n, OFR_METRIC_BINS);
}

static void score_every_layer(ofr_eval *e, answers *a, ofr_real *p)
{
    for (int l = 1; l <= e->L; l++) {
        int n_right = 0;
        for (int i = 0; i < e->n; i++)
            n_right += ofr_eval_right(e, i, l);
        e->layer_accuracy[l - 1] = (double)n_right / e->n;
        e->layer_score[l - 1] = score_layer(e, a, l);
        e->calibration[l - 1] = calibration_at(e, a, p, l);
    }
    (void)score_layer(e, a, e->L); /* for its answers */
    e->score2_full = score_answers(e, e->metric2, a->work, a->pred, a->value);
    e->score_full = e->layer_score[e->L - 1];
    e->accuracy_full = e->layer_accuracy[e->L - 1];
}

/* First layer from which every classifier is right; L when layer L is wrong
 * (METHOD: ConsistentEE, memorized layer).  Also who was right once and is
 * wrong at the end, and the first layer that is right. */
static void follow_texts(ofr_eval *e)
{
    double first_sum = 0;
    int n_over = 0, n_ever = 0;
    for (int i = 0; i < e->n; i++) {
        int from = e->L, first = 0;
        for (int l = e->L; l >= 1 && ofr_eval_right(e, i, l); l--)
            from = l;
        for (int l = 1; l <= e->L && !first; l++)
            if (ofr_eval_right(e, i, l)) first = l;
        e->memorized[i] = from;
        e->full_prediction[i] = class_at(e, i, e->L);
        n_ever += first > 0;
        n_over += first > 0 && !ofr_eval_right(e, i, e->L);
        first_sum += first ? first : e->L;
    }
    e->overthinking = (double)n_over / e->n;
    e->oracle_accuracy = (double)n_ever / e->n;
    e->oracle_mean_exit = first_sum / e->n;
}

static void score_exits(ofr_eval *e, answers *a)
{
    int n_right = 0;
    for (int l = 0; l < e->L; l++) {
        e->histogram[l] = 0;
        e->exit_accuracy[l] = 0;
    }
    for (int i = 0; i < e->n; i++) {
        int l = e->exit_layer[i] - 1;
        e->right[i] = e->regression
                          ? ofr_metric_near(e->value[i], e->target[i], e->error_limit)
                          : e->prediction[i] == e->label[i];
        e->histogram[l]++;
        e->exit_accuracy[l] += e->right[i];
        n_right += e->right[i];
        a->layer[i] = e->exit_layer[i];
    }
    for (int l = 0; l < e->L; l++)
        e->exit_accuracy[l] /= e->histogram[l]; /* 0 / 0 is NaN: nobody left there */
    e->accuracy = (double)n_right / e->n;
    e->score = score_answers(e, e->metric, a->work, e->prediction, e->value);
    e->score2 = score_answers(e, e->metric2, a->work, e->prediction, e->value);
    e->mean_exit = ofr_stats_mean(e->depth, e->n);
    e->saved_layers = ofr_cost_saved_layers(e->mean_exit, e->L);
    e->layer_speedup = e->L / e->mean_exit;
}

/* ---- policies that know nothing ------------------------------------------ */

/* The same exits, handed to the texts at random: what the histogram alone is
 * worth. */
static void random_floor(ofr_eval *e, answers *a, double *scores, int draws,
                         uint64_t seed)
{
    for (int d = 0; d < draws; d++) {
        ofr_rng_permutation(a->order, e->n, seed,
                            ofr_rng_stream(OFR_RNG_EVAL, (uint64_t)d, 0));
        for (int i = 0; i < e->n; i++)
            a->layer[i] = e->exit_layer[a->order[i]];
        scores[d] = score_layers(e, a);
    }
    e->random_draws = draws;
    e->random_score = ofr_stats_mean(scores, draws);
    e->random_deviation = ofr_stats_std(scores, draws);
}

/* Mean FLOPs when every text leaves at `layer`, with one classifier run. */
static double fixed_cost(const ofr_eval *e, const ofr_config *config,
                         const ofr_dataset *data, int layer)
{
    double sum = 0;
    for (int i = 0; i < e->n; i++)
        sum += ofr_cost_text(config, &ofr_rule_fixed,
                             data->offsets[i + 1] - data->offsets[i], layer);
    return sum / e->n;
}

/* One exit for all at the cost of the rule: between two layers, a share of the
 * texts leaves at the lower one and the rest at the upper one. */
static void fixed_exit(ofr_eval *e, const ofr_config *config, const ofr_dataset *data)
{
    double own = 0, full = 0, below = 0;
    int l = 1;
    for (int i = 0; i < e->n; i++) {
        int T = data->offsets[i + 1] - data->offsets[i];
        own += e->flops[i];
        full += ofr_cost_full(config, T);
    }
    e->flops_ratio = own / full;
    own /= e->n;
    for (; l <= e->L; l++) {
        double cost = fixed_cost(e, config, data, l);
        if (cost > own) {
            double share = l > 1 ? (own - below) / (cost - below) : 1;
            e->fixed_layer = l > 1 ? l - 1 + share : 1;
            e->fixed_score = l > 1 ? (1 - share) * e->layer_score[l - 2] +
                                         share * e->layer_score[l - 1]
                                   : e->layer_score[0];
            return;
        }
        below = cost;
    }
    e->fixed_layer = e->L;
    e->fixed_score = e->layer_score[e->L - 1];
}

/* Classifiers below layer L do not answer where tokens leave one by one: what texts
 * would be told at their mean depth says nothing. */
static void forget_comparisons(ofr_eval *e)
{
    e->random_score = e->random_deviation = NAN;
    e->fixed_layer = e->fixed_score = NAN;
}

/* ---- groups ---------------------------------------------------------------- */

void ofr_eval_group_of(const ofr_eval *eval, const unsigned char *member,
                       ofr_eval_group *group)
{
    double exits = 0;
    int n_right = 0, n_full = 0;
    memset(group, 0, sizeof *group);
    for (int i = 0; i < eval->n; i++) {
        if (!member[i]) continue;
        if (!group->n || eval->memorized[i] < group->low) group->low = eval->memorized[i];
        if (eval->memorized[i] > group->high) group->high = eval->memorized[i];
        group->n++;
        n_right += eval->right[i];
        n_full += ofr_eval_right(eval, i, eval->L);
        exits += eval->depth[i];
    }
    group->score = group->n ? (double)n_right / group->n : NAN;
    group->score_full = group->n ? (double)n_full / group->n : NAN;
    group->mean_exit = group->n ? exits / group->n : NAN;
}

/* Largest memorized layer of the easiest `share` of the texts. */
static int memorized_at(const ofr_eval *e, double share)
{
    int below = 0;
    for (int m = 1; m <= e->L; m++) {
        for (int i = 0; i < e->n; i++)
            below += e->memorized[i] == m;
        if (below >= share * e->n) return m;
    }
    return e->L;
}

static void group_between(ofr_eval *e, answers *a, int which, int above, int up_to)
{
    for (int i = 0; i < e->n; i++)
        a->right[i] = e->memorized[i] > above && e->memorized[i] <= up_to;
    ofr_eval_group_of(e, a->right, &e->groups[which]);
}

/* Texts with the same memorized layer stay together, so that the parts are only
 * roughly of equal size and may be empty. */
static void split_groups(ofr_eval *e, answers *a)
{
    int half = memorized_at(e, 0.5);
    int third = memorized_at(e, 1.0 / 3), two = memorized_at(e, 2.0 / 3);
    if (half == e->L && half > 1) half--;
    group_between(e, a, OFR_EVAL_EASY, 0, half);
    group_between(e, a, OFR_EVAL_HARD, half, e->L);
    group_between(e, a, OFR_EVAL_TERCILE1, 0, third);
    group_between(e, a, OFR_EVAL_TERCILE2, third, two);
    group_between(e, a, OFR_EVAL_TERCILE3, two, e->L);
}

/* Classifiers below layer L that nobody trained say nothing about the model. */
static void forget_exits(ofr_eval *e)
{
    const ofr_eval_group unknown = {.score = NAN, .score_full = NAN, .mean_exit = NAN};
    for (int l = 1; l < e->L; l++)
        e->layer_accuracy[l - 1] = e->layer_score[l - 1] = e->calibration[l - 1] = NAN;
    for (int i = 0; i < e->n; i++)
        e->memorized[i] = e->L;
    for (int g = 0; g < OFR_EVAL_GROUPS; g++)
        e->groups[g] = unknown;
    e->overthinking = e->oracle_accuracy = e->oracle_mean_exit = NAN;
}

/* ---- running ----------------------------------------------------------------- */

/* Part of the whole that one pass over the texts is. */
typedef struct part {
    const ofr_eval_options *options;
    int done, total;
} part;

static bool outputs_progress(void *user, int done, int n)
{
    const part *p = user;
    (void)n;
    return !p->options->progress ||
           p->options->progress(p->options->user, p->done + done, p->total);
}

/* The runner on every text, in order. */
static ofr_status run_all(ofr_eval *e, const ofr_encoder *encoder, ofr_dev *dev,
                          const ofr_dataset *data, part *p, ofr_error *err)
{
    const ofr_eval_options *o = p->options;
    ofr_runner runner;
    ofr_eval_batch batch;
    ofr_status status = OFR_OK;
    OFR_TRY(ofr_eval_batch_open(&batch, data, e->batch, err));
    status = ofr_runner_open(&runner, encoder, dev, o->rule, o->threshold, e->batch,
                             batch.max_N, err);
    if (status != OFR_OK) {
        ofr_eval_batch_close(&batch);
        return status;
    }
    for (int b = 0; b < batch.n_batches && status == OFR_OK; b++) {
        ofr_tokens tokens = ofr_eval_batch_at(&batch, b);
        int first = b * e->batch;
        ofr_runner_run(&runner, &tokens);
        for (int i = 0; i < tokens.B; i++) {
            const ofr_real *z = runner.logits + (size_t)i * (size_t)e->K;
            e->exit_layer[first + i] = runner.exit_layer[i];
            e->depth[first + i] = runner.depth[i];
            e->flops[first + i] = ofr_runner_cost(&runner, &tokens, i);
            e->prediction[first + i] = e->regression ? 0 : ofr_argmax(z, e->K);
            if (e->regression) e->value[first + i] = (float)z[0];
        }
        if (!outputs_progress(p, first + tokens.B, e->n))
            status = ofr_fail(err, OFR_INTERRUPTED, "interrupted during evaluation");
    }
    p->done += e->n;
    ofr_runner_close(&runner);
    ofr_eval_batch_close(&batch);
    return status;
}

/* z[K]: scratch. */
static void count_mismatches(ofr_eval *e, ofr_real *z)
{
    e->mismatches = 0;
    if (e->rule->by_token) return; /* the outputs are those of whole texts */
    for (int i = 0; i < e->n; i++) {
        const ofr_real *pi = e->outputs.pi + (size_t)i * (size_t)(e->L - 1);
        int layer = ofr_rule_replay_answer(e->rule, e->threshold, z, logits_at(e, i, 1),
                                           pi, e->L, e->K);
        int prediction = e->regression ? 0 : ofr_argmax(z, e->K);
        e->mismatches += layer != e->exit_layer[i] || prediction != e->prediction[i];
    }
}

/* ---- opening ------------------------------------------------------------------- */

static void eval_layout(ofr_slots *slots, void *owner)
{
    ofr_eval *e = owner;
    size_t n = (size_t)e->n, L = (size_t)e->L;
    e->prediction = ofr_slots_take(slots, n, sizeof *e->prediction);
    e->exit_layer = ofr_slots_take(slots, n, sizeof *e->exit_layer);
    e->depth = ofr_slots_take(slots, n, sizeof *e->depth);
    e->flops = ofr_slots_take(slots, n, sizeof *e->flops);
    e->full_prediction = ofr_slots_take(slots, n, sizeof *e->full_prediction);
    e->memorized = ofr_slots_take(slots, n, sizeof *e->memorized);
    e->right = ofr_slots_take(slots, n, sizeof *e->right);
    e->value = ofr_slots_take(slots, n, sizeof *e->value);
    e->histogram = ofr_slots_take(slots, L, sizeof *e->histogram);
    e->exit_accuracy = ofr_slots_take(slots, L, sizeof *e->exit_accuracy);
    e->layer_score = ofr_slots_take(slots, L, sizeof *e->layer_score);
    e->layer_accuracy = ofr_slots_take(slots, L, sizeof *e->layer_accuracy);
    e->calibration = ofr_slots_take(slots, L, sizeof *e->calibration);
}

ofr_status ofr_eval_check(const ofr_config *config, const ofr_dataset *data,
                          ofr_metric metric, ofr_error *err)
{
    bool of_values = metric == OFR_METRIC_PEARSON || metric == OFR_METRIC_SPEARMAN;
    if (data->n < 1) return ofr_fail(err, OFR_INVALID, "no texts to evaluate");
    if (config->regression ? !data->targets : !data->labels)
        return ofr_fail(err, OFR_INVALID, "evaluation needs the right answers");
    if (config->regression && !of_values)
        return ofr_fail(err, OFR_INVALID, "metric %s does not fit a model of regression",
                        ofr_metric_name(metric));
    if (metric == OFR_METRIC_F1 && config->K != 2)
        return ofr_fail(err, OFR_INVALID, "metric f1 needs 2 classes, the model has %d",
                        config->K);
    return OFR_OK;
}

/* Everything that follows from outputs, exits and labels alone. */
static ofr_status summarize(ofr_eval *e, const ofr_config *config,
                            const ofr_dataset *data, const ofr_eval_options *o,
                            ofr_error *err)
{
    answers a = {.n = e->n};
    int draws = o->floor_draws > 0 ? o->floor_draws : 20;
    size_t bytes = (size_t)draws * sizeof(double) + (size_t)e->K * sizeof(ofr_real);
    double *scores = ofr_mem_alloc(bytes);
    ofr_status status;
    if (!scores) return ofr_fail_nomem(err, bytes, "scores of the random floor");
    status = ofr_slots_open(&a.slots, answers_layout, &a, "answers", err);
    if (status == OFR_OK) {
        score_every_layer(e, &a, (ofr_real *)(scores + draws));
        follow_texts(e);
        score_exits(e, &a);
        random_floor(e, &a, scores, draws, o->seed);
        fixed_exit(e, config, data);
        if (e->rule->by_token) forget_comparisons(e);
        split_groups(e, &a);
        if (!e->has_exits) forget_exits(e);
        count_mismatches(e, (ofr_real *)(scores + draws));
        ofr_slots_close(&a.slots);
    }
    ofr_mem_free(scores);
    return status;
}

ofr_status ofr_eval_open(ofr_eval *eval, const ofr_encoder *encoder, ofr_dev *dev,
                         const ofr_dataset *data, const ofr_eval_options *options,
                         ofr_error *err)
{
    const ofr_config *config = &encoder->config;
    int passes = options->timed_runs > 0 ? 3 : 2;
    part p = {options, 0, passes * data->n};
    ofr_eval e = {
        .n = data->n, .L = config->L, .K = config->K, .regression = config->regression,
        /* Not what the files held: a training may have left those exits behind. */
        .has_policies = config->has_policies, .has_exits = config->has_exits,
        .rule = options->rule, .threshold = options->threshold,
        .metric = options->metric, .metric2 = options->metric2,
        .batch = options->batch > 0 ? options->batch : 1,
        .error_limit = options->error_limit,
        .label = config->regression ? NULL : data->labels,
        .target = config->regression ? data->targets : NULL,
    };
    ofr_tokens tokens = {data->n, data->offsets, data->ids, data->types};
    ofr_eval_options timing = *options;
    ofr_status status;
    OFR_TRY(ofr_eval_check(config, data, options->metric, err));
    OFR_TRY(ofr_slots_open(&e.slots, eval_layout, &e, "evaluation", err));
    status = ofr_outputs_open(&e.outputs, encoder, dev, &tokens, OUTPUTS_BATCH, false,
                              outputs_progress, &p, err);
    if (status != OFR_OK) goto fail;
    p.done = e.n;
    if ((status = run_all(&e, encoder, dev, data, &p, err)) != OFR_OK) goto fail;
    if ((status = summarize(&e, config, data, options, err)) != OFR_OK) goto fail;
    if (options->timed_runs > 0) {
        timing.batch = e.batch;
        status = ofr_eval_timing(&e.early, &e.full, encoder, dev, data, &timing, err);
        if (status != OFR_OK) goto fail;
    }
    *eval = e;
    return OFR_OK;
fail:
    ofr_eval_close(&e);
    return status;
}

void ofr_eval_close(ofr_eval *eval)
{
    if (eval->outputs.logits) ofr_outputs_close(&eval->outputs);
    ofr_slots_close(&eval->slots);
    memset(eval, 0, sizeof *eval);
}
