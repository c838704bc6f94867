/* sweep.c - one pass, then replays: points, fronts, oracles. */
#include "eval/sweep.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "eval/curve.h"
#include "eval/metrics.h"
#include "eval/stats.h"
#include "exit/cost.h"
#include "exit/policy.h"
#include "tensor/dtype.h"

#define PASS_BATCH 32

void ofr_sweep_options_init(ofr_sweep_options *options)
{
    *options = (ofr_sweep_options){.values = 20, .metric = OFR_METRIC_ACCURACY,
                                   .metric2 = OFR_METRIC_ACCURACY, .error_limit = 0.5,
                                   .floor_draws = 20, .seed = 1};
}

/* ---- scores -------------------------------------------------------------- */

double ofr_sweep_score(const ofr_dataset *data, ofr_metric metric, const float *answers,
                       const int *index, int n, int *pred, float *value, double *work)
{
    int *label = pred + n;
    float *target = value + n;

    for (int i = 0; i < n; i++) {
        const int text = index ? index[i] : i;

        if (data->targets) {
            value[i] = answers[text];
            target[i] = data->targets[text];
        } else {
            pred[i] = (int)answers[text];
            label[i] = data->labels[text];
        }
    }
    if (data->targets) return ofr_metric_score_real(metric, work, value, target, n);
    return ofr_metric_score(metric, work, pred, label, n, data->K);
}

static bool right(const ofr_sweep *s, const ofr_dataset *data, int text, float answer)
{
    if (data->targets)
        return ofr_metric_near(answer, data->targets[text], s->o.error_limit);
    return (int)answer == data->labels[text];
}

static double score(ofr_sweep *s, const ofr_sweep_set *set, ofr_metric metric,
                    const float *answers)
{
    return ofr_sweep_score(set->data, metric, answers, NULL, set->data->n, s->pred,
                           s->value, s->work);
}

static float exit_answer(const ofr_sweep *s, const ofr_sweep_set *set, int text,
                         int layer)
{
    return set->answer[(size_t)text * (size_t)s->L + (size_t)layer - 1];
}

static double text_cost(const ofr_sweep *s, const ofr_sweep_set *set,
                        const ofr_rule *rule, int text, int layer)
{
    const int T = set->data->offsets[text + 1] - set->data->offsets[text];

    return rule ? ofr_cost_text(&s->encoder->config, rule, T, layer)
                : ofr_cost_full(&s->encoder->config, T);
}

/* s->depth and s->flops of texts that left at s->exits by `rule`. */
static void whole_texts(ofr_sweep *s, const ofr_sweep_set *set, const ofr_rule *rule)
{
    for (int i = 0; i < set->data->n; i++) {
        s->depth[i] = s->exits[i];
        s->flops[i] = text_cost(s, set, rule, i, s->exits[i]);
    }
}

/* Everything that follows from s->depth, s->flops and s->answers. */
static void figures(ofr_sweep *s, ofr_sweep_figures *f, const ofr_sweep_set *set)
{
    const float *answers = s->answers;
    const int n = set->data->n;
    int n_right = 0;
    double flops = 0;

    for (int i = 0; i < n; i++) {
        n_right += right(s, set->data, i, answers[i]);
        flops += s->flops[i];
    }
    f->score = score(s, set, s->o.metric, answers);
    f->score2 = s->o.metric2 == s->o.metric ? f->score
                                            : score(s, set, s->o.metric2, answers);
    f->accuracy = (double)n_right / n;
    f->mean_exit = ofr_stats_mean(s->depth, n);
    f->saved_layers = ofr_cost_saved_layers(f->mean_exit, s->L);
    f->flops_ratio = flops / set->flops_full;
}

static void count_exits(const ofr_sweep *s, int *histogram, int *n_right,
                        const int *exits, const float *answers)
{
    const ofr_dataset *data = s->report->data;

    for (int i = 0; i < data->n; i++) {
        histogram[exits[i] - 1]++;
        if (n_right) n_right[exits[i] - 1] += right(s, data, i, answers[i]);
    }
}

/* ---- the pass ------------------------------------------------------------ */

static bool count_texts(void *user, int done, int n)
{
    ofr_sweep *s = user;
    const ofr_sweep_options *o = &s->o;

    s->texts_run += done == n ? n : 0;
    return !o->progress || o->progress(o->user, done, n);
}

static void every_exit(ofr_sweep *s, ofr_sweep_set *set)
{
    const int n = set->data->n;
    const size_t K = (size_t)s->K;

    for (int i = 0; i < n; i++) {
        set->flops_full += text_cost(s, set, NULL, i, s->L);
        for (int l = 0; l < s->L; l++) {
            const size_t at = (size_t)i * (size_t)s->L + (size_t)l;
            const ofr_real *z = set->outputs.logits + at * K;

            set->answer[at] = s->regression ? (float)z[0] : (float)ofr_argmax(z, s->K);
        }
    }
    for (int l = 1; l <= s->L; l++) {
        for (int i = 0; i < n; i++)
            s->answers[i] = exit_answer(s, set, i, l);
        set->layer_score[l - 1] = l == s->L || s->has_exits
                                      ? score(s, set, s->o.metric, s->answers)
                                      : (double)NAN;
    }
    set->score_full = set->layer_score[s->L - 1];
    set->score2_full = score(s, set, s->o.metric2, s->answers);
}

static ofr_status open_set(ofr_sweep *s, ofr_sweep_set *set, const ofr_dataset *data,
                           ofr_error *err)
{
    const size_t n = (size_t)data->n, L = (size_t)s->L;
    const ofr_tokens tokens = {data->n, data->offsets, data->ids, data->types};

    set->data = data;
    set->answer = ofr_mem_array(n * L, sizeof *set->answer);
    set->layer_score = ofr_mem_array(L, sizeof *set->layer_score);
    set->order = ofr_mem_array(n * (size_t)s->o.floor_draws, sizeof *set->order);
    if (!set->answer || !set->layer_score || !set->order)
        return ofr_fail_nomem(err, n * L * sizeof(float), "answers of all exits");
    for (int d = 0; d < s->o.floor_draws; d++)
        ofr_rng_permutation(set->order + (size_t)d * n, data->n, s->o.seed,
                            ofr_rng_stream(OFR_RNG_EVAL, (uint64_t)d, 0));
    OFR_TRY(ofr_outputs_open(&set->outputs, s->encoder, s->dev, &tokens, PASS_BATCH,
                             s->o.features, count_texts, s, err));
    every_exit(s, set);
    return OFR_OK;
}

static void close_set(ofr_sweep_set *set)
{
    ofr_outputs_close(&set->outputs);
    ofr_mem_free(set->answer);
    ofr_mem_free(set->layer_score);
    ofr_mem_free(set->order);
}

static void scratch(ofr_slots *slots, void *owner)
{
    ofr_sweep *s = owner;
    const size_t n = (size_t)s->most;

    s->exits = ofr_slots_take(slots, n, sizeof *s->exits);
    s->answers = ofr_slots_take(slots, n, sizeof *s->answers);
    s->depth = ofr_slots_take(slots, n, sizeof *s->depth);
    s->flops = ofr_slots_take(slots, n, sizeof *s->flops);
    s->pred = ofr_slots_take(slots, 2 * n, sizeof *s->pred);
    s->value = ofr_slots_take(slots, 2 * n, sizeof *s->value);
    s->work = ofr_slots_take(slots, OFR_METRIC_WORK * n, sizeof *s->work);
    s->shuffled = ofr_slots_take(slots, n, sizeof *s->shuffled);
    s->scores = ofr_slots_take(slots, (size_t)s->o.floor_draws, sizeof *s->scores);
    s->row = ofr_slots_take(slots, (size_t)s->K, sizeof *s->row);
}

/* ---- oracles ------------------------------------------------------------- */

static int first_correct(const ofr_sweep *s, int text)
{
    const ofr_sweep_set *set = s->report;

    for (int l = 1; l < s->L; l++)
        if (right(s, set->data, text, exit_answer(s, set, text, l))) return l;
    return s->L;
}

static int first_agreeing(const ofr_sweep *s, int text)
{
    const float last = exit_answer(s, s->report, text, s->L);
    const double limit = s->regression ? s->o.error_limit : 0.5;

    for (int l = 1; l < s->L; l++)
        if (fabs((double)(exit_answer(s, s->report, text, l) - last)) < limit) return l;
    return s->L;
}

static ofr_status open_oracles(ofr_sweep *s, ofr_error *err)
{
    static const char *const names[] = {"first-correct", "consistency"};

    for (int k = 0; k < 2; k++) {
        ofr_sweep_oracle *oracle = &s->oracles[k];

        oracle->name = names[k];
        oracle->histogram = ofr_mem_zalloc((size_t)s->L * sizeof(int));
        if (!oracle->histogram)
            return ofr_fail_nomem(err, (size_t)s->L * sizeof(int), "an oracle");
        for (int i = 0; i < s->report->data->n; i++) {
            s->exits[i] = k ? first_agreeing(s, i) : first_correct(s, i);
            s->answers[i] = exit_answer(s, s->report, i, s->exits[i]);
        }
        whole_texts(s, s->report, &ofr_rule_fixed);
        if (s->has_exits)
            figures(s, &oracle->report, s->report);
        else
            oracle->report = (ofr_sweep_figures){NAN, NAN, NAN, NAN, NAN, NAN};
        count_exits(s, oracle->histogram, NULL, s->exits, s->answers);
    }
    return OFR_OK;
}

/* ---- opening ------------------------------------------------------------- */

static ofr_status open_parts(ofr_sweep *s, const ofr_dataset *tune,
                             const ofr_dataset *report, ofr_error *err)
{
    OFR_TRY(ofr_eval_check(&s->encoder->config, report, s->o.metric, err));
    if (tune) OFR_TRY(ofr_eval_check(&s->encoder->config, tune, s->o.metric, err));
    s->most = tune && tune->n > report->n ? tune->n : report->n;
    OFR_TRY(ofr_slots_open(&s->slots, scratch, s, "a sweep", err));
    OFR_TRY(open_set(s, s->report, report, err));
    if (tune) OFR_TRY(open_set(s, s->tune, tune, err));
    return open_oracles(s, err);
}

ofr_status ofr_sweep_open(ofr_sweep *sweep, const ofr_encoder *encoder, ofr_dev *dev,
                          const ofr_dataset *tune, const ofr_dataset *report,
                          const ofr_sweep_options *options, ofr_error *err)
{
    const ofr_config *config = &encoder->config;
    ofr_status status;

    *sweep = (ofr_sweep){.encoder = encoder, .dev = dev, .o = *options, .L = config->L,
                         .K = config->K, .regression = config->regression,
                         .tuned = tune != NULL,
                         .has_exits = encoder->found & OFR_GROUP_HEADS};
    sweep->report = &sweep->sets[0];
    sweep->tune = tune ? &sweep->sets[1] : sweep->report;
    status = open_parts(sweep, tune, report, err);
    if (status) ofr_sweep_close(sweep);
    return status;
}

static void close_curve(ofr_sweep_curve *curve)
{
    ofr_mem_free(curve->points);
    ofr_mem_free(curve->counts);
    ofr_mem_free(curve->pi_tune);
    if (curve->pi_report != curve->pi_tune) ofr_mem_free(curve->pi_report);
}

void ofr_sweep_close(ofr_sweep *sweep)
{
    for (int c = 0; c < sweep->n_curves; c++)
        close_curve(&sweep->curves[c]);
    for (int k = 0; k < 2; k++) {
        close_set(&sweep->sets[k]);
        ofr_mem_free(sweep->oracles[k].histogram);
    }
    ofr_slots_close(&sweep->slots);
    *sweep = (ofr_sweep){0};
}

/* ---- points -------------------------------------------------------------- */

/* s->exits, answers, depth and flops of a set under the curve's rule at `knob`. */
static ofr_status replay(ofr_sweep *s, const ofr_sweep_set *set,
                         const ofr_sweep_curve *curve, double knob, ofr_error *err)
{
    const size_t L = (size_t)s->L, K = (size_t)s->K;
    const ofr_real *own = set == s->report ? curve->pi_report : curve->pi_tune;
    const ofr_real *pi = own ? own : set->outputs.pi;
    const ofr_rule *rule = isnan(knob) ? &ofr_rule_never : curve->rule;

    if (rule->by_token) return ofr_sweep_tokens(s, set, rule, knob, err);
    for (int i = 0; i < set->data->n; i++) {
        s->exits[i] = ofr_rule_replay_answer(rule, isnan(knob) ? 0 : knob, s->row,
                                          set->outputs.logits + (size_t)i * L * K,
                                          pi + (size_t)i * (L - 1), s->L, s->K);
        s->answers[i] =
            s->regression ? (float)s->row[0] : (float)ofr_argmax(s->row, s->K);
    }
    whole_texts(s, set, rule);
    return OFR_OK;
}

/* The same exits, handed to the texts at random: what the histogram alone is worth. */
static void random_floor(ofr_sweep *s, ofr_sweep_point *point)
{
    const ofr_sweep_set *set = s->report;
    const int n = set->data->n, draws = s->o.floor_draws;

    for (int d = 0; d < draws; d++) {
        const int *order = set->order + (size_t)d * (size_t)n;

        for (int i = 0; i < n; i++)
            s->shuffled[i] = exit_answer(s, set, i, s->exits[order[i]]);
        s->scores[d] = score(s, set, s->o.metric, s->shuffled);
    }
    point->random_score = ofr_stats_mean(s->scores, draws);
    point->random_deviation = ofr_stats_std(s->scores, draws);
}

static ofr_status measure(ofr_sweep *s, const ofr_sweep_curve *curve,
                          ofr_sweep_point *point, ofr_error *err)
{
    if (s->tuned) {
        OFR_TRY(replay(s, s->tune, curve, point->knob, err));
        figures(s, &point->tune, s->tune);
    }
    OFR_TRY(replay(s, s->report, curve, point->knob, err));
    figures(s, &point->report, s->report);
    if (!s->tuned) point->tune = point->report;
    count_exits(s, point->histogram, point->right, s->exits, s->answers);
    point->random_score = point->random_deviation = NAN;
    if (!curve->rule->by_token) random_floor(s, point);
    return OFR_OK;
}

/* The full model, the knobs, and behind them the stored one if it is none of them. */
static int list_knobs(ofr_sweep *s, const ofr_sweep_curve *curve, double stored,
                      double *knobs)
{
    const ofr_real *pi = curve->pi_tune ? curve->pi_tune : s->tune->outputs.pi;
    int n;

    knobs[0] = NAN;
    if (curve->rule == &ofr_rule_never) return 1;
    n = ofr_sweep_knobs(s, curve->rule, pi, knobs + 1, s->o.values);
    for (int i = 1; i <= n; i++)
        if (knobs[i] == stored) stored = NAN;
    if (isnan(stored)) return n + 1;
    knobs[n + 1] = stored;
    return n + 2;
}

static ofr_status fill_curve(ofr_sweep *s, ofr_sweep_curve *curve, double stored,
                             ofr_error *err)
{
    double knobs[OFR_SWEEP_KNOBS_MAX + 2];
    const size_t L = (size_t)s->L;

    OFR_ASSERT(s->o.values >= 2 && s->o.values <= OFR_SWEEP_KNOBS_MAX);
    curve->n = list_knobs(s, curve, stored, knobs);
    curve->points = ofr_mem_zalloc((size_t)curve->n * sizeof *curve->points);
    curve->counts = ofr_mem_zalloc((size_t)curve->n * 2 * L * sizeof *curve->counts);
    if (!curve->points || !curve->counts)
        return ofr_fail_nomem(err, (size_t)curve->n * sizeof *curve->points, "a curve");
    for (int i = 0; i < curve->n; i++) {
        ofr_sweep_point *point = &curve->points[i];

        point->knob = knobs[i];
        point->stored = knobs[i] == stored ||
                        (curve->rule == &ofr_rule_never && !isnan(stored));
        point->histogram = curve->counts + (size_t)i * 2 * L;
        point->right = point->histogram + L;
        OFR_TRY(measure(s, curve, point, err));
    }
    return OFR_OK;
}

/* NULL: full. */
static ofr_sweep_curve *new_curve(ofr_sweep *s, const ofr_rule *rule, double alpha,
                                  ofr_error *err)
{
    ofr_sweep_curve *curve = &s->curves[s->n_curves];

    if (s->n_curves == OFR_SWEEP_CURVES_MAX) {
        ofr_fail(err, OFR_INVALID, "more than %d curves in one sweep",
                 OFR_SWEEP_CURVES_MAX);
        return NULL;
    }
    s->n_curves++;
    *curve = (ofr_sweep_curve){.rule = rule, .alpha = alpha};
    return curve;
}

ofr_status ofr_sweep_add(ofr_sweep *sweep, const ofr_rule *rule, double stored,
                         ofr_error *err)
{
    ofr_sweep_curve *curve = new_curve(sweep, rule, NAN, err);

    return curve ? fill_curve(sweep, curve, stored, err) : OFR_INVALID;
}

/* ---- other policies on the same pooled vectors --------------------------- */

static void exchange_policies(ofr_encoder *encoder, ofr_real *w)
{
    const ofr_params *params = &encoder->params;

    for (int i = 0; i < params->n; i++) {
        const ofr_param *param = &params->rows[i];
        ofr_real *own = encoder->w + param->offset;

        if (!(param->group & OFR_GROUP_POLICIES)) continue;
        for (size_t k = 0; k < param->count; k++) {
            const ofr_real swap = own[k];

            own[k] = w[k];
            w[k] = swap;
        }
        w += param->count;
    }
}

/* pi[n,L-1] by the encoder's present policies. */
static ofr_status gates(ofr_sweep *s, ofr_real **pi, const ofr_sweep_set *set,
                        ofr_error *err)
{
    const size_t n = (size_t)set->data->n, L = (size_t)s->L;
    const size_t C = (size_t)set->outputs.C, P = (size_t)s->encoder->config.policy_hidden;
    ofr_real *work = ofr_mem_array(PASS_BATCH, (C + P + 1) * sizeof *work);

    *pi = ofr_mem_array(n, (L - 1) * sizeof **pi);
    if (!work || !*pi) {
        ofr_mem_free(work);
        return ofr_fail_nomem(err, n * L * sizeof **pi, "policies of a price");
    }
    ofr_real *c = work, *hidden = c + PASS_BATCH * C, *out = hidden + PASS_BATCH * P;
    for (size_t first = 0; first < n; first += PASS_BATCH) {
        const size_t B = n - first < PASS_BATCH ? n - first : PASS_BATCH;

        for (size_t l = 0; l + 1 < L; l++) {
            for (size_t b = 0; b < B; b++)
                ofr_dtype_to_real(c + b * C,
                                  set->outputs.features + ((first + b) * L + l) * C,
                                  OFR_F16, C);
            ofr_policy_stop(s->encoder, s->dev, (int)l + 1, out, hidden, c, (int)B);
            for (size_t b = 0; b < B; b++)
                (*pi)[(first + b) * (L - 1) + l] = out[b];
        }
    }
    ofr_mem_free(work);
    return OFR_OK;
}

ofr_status ofr_sweep_policies(ofr_sweep *sweep, ofr_encoder *encoder, double alpha,
                              ofr_real *w, ofr_error *err)
{
    ofr_sweep_curve *curve = new_curve(sweep, &ofr_rule_policy, alpha, err);
    ofr_status status;

    OFR_ASSERT(encoder == sweep->encoder && sweep->o.features);
    if (!curve) return OFR_INVALID;
    exchange_policies(encoder, w);
    status = gates(sweep, &curve->pi_report, sweep->report, err);
    curve->pi_tune = curve->pi_report;
    if (!status && sweep->tuned) {
        curve->pi_tune = NULL;
        status = gates(sweep, &curve->pi_tune, sweep->tune, err);
    }
    exchange_policies(encoder, w);
    return status ? status : fill_curve(sweep, curve, NAN, err);
}

/* ---- after the last curve ------------------------------------------------ */

/* Fronts of curves[first .. end): `all` as one, or each by itself. */
static void mark(ofr_sweep *s, int first, int end, bool all, double *saved,
                 unsigned char *keep, int n)
{
    double *scores = saved + n;
    int at = 0;

    for (int c = first; c < end; c++)
        for (int i = 0; i < s->curves[c].n; i++, at++) {
            saved[at] = s->curves[c].points[i].tune.saved_layers;
            scores[at] = s->curves[c].points[i].tune.score;
        }
    ofr_curve_front(keep, saved, scores, at);
    at = 0;
    for (int c = first; c < end; c++)
        for (int i = 0; i < s->curves[c].n; i++, at++) {
            if (all)
                s->curves[c].points[i].best = keep[at];
            else
                s->curves[c].points[i].front = keep[at];
        }
}

ofr_status ofr_sweep_fronts(ofr_sweep *sweep, ofr_error *err)
{
    const int n = ofr_sweep_count(sweep);
    const size_t bytes = (size_t)n * (2 * sizeof(double) + 1);
    double *work = ofr_mem_alloc(bytes);

    if (!work) return ofr_fail_nomem(err, bytes, "fronts");
    for (int c = 0; c < sweep->n_curves; c++)
        mark(sweep, c, c + 1, false, work, (unsigned char *)(work + 2 * n), n);
    mark(sweep, 0, sweep->n_curves, true, work, (unsigned char *)(work + 2 * n), n);
    ofr_mem_free(work);
    return OFR_OK;
}

int ofr_sweep_count(const ofr_sweep *sweep)
{
    int n = 0;

    for (int c = 0; c < sweep->n_curves; c++)
        n += sweep->curves[c].n;
    return n;
}

ofr_status ofr_sweep_answers(ofr_sweep *sweep, const ofr_sweep_curve *curve, double knob,
                             float *answers, ofr_error *err)
{
    OFR_TRY(replay(sweep, sweep->report, curve, knob, err));
    memcpy(answers, sweep->answers, (size_t)sweep->report->data->n * sizeof *answers);
    return OFR_OK;
}
