/* bench_measure.c - cases of one setting, in turn on the same texts. */
#include "cli/bench_measure.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/rss.h"
#include "eval/stats.h"
#include "exit/cost.h"
#include "exit/stream.h"

/* Uses of the random stream of a benchmark. */
enum { DRAW_IDS = 101, DRAW_EXITS };

typedef struct race {
    const ofr_bench_plan *plan;
    const ofr_config *config;
    ofr_stream streams[OFR_BENCH_LIST]; /* [n_low] */
    int max_T;
    int *offsets;       /* [texts+1] of one repeat           */
    int *ids;           /* [texts * max_T]                   */
    int *batch_offsets; /* [batch+1]                         */
    int *dealt;         /* [texts] exits given in advance    */
    int *exits;         /* [texts] where they left           */
    bool *halfway;      /* [texts] and how                   */
} race;

static void note_exit(void *user, const ofr_stream_answer *answer)
{
    race *r = user;
    r->exits[answer->number % r->plan->texts] = answer->exit_layer;
    r->halfway[answer->number % r->plan->texts] = answer->halfway;
}

static int length_of(const race *r, int repeat, int text)
{
    const ofr_bench_plan *p = r->plan;
    long long at = p->first + (long long)repeat * p->texts + text;
    return p->lengths ? p->lengths[at % p->n_lengths] : p->tokens;
}

/* ---- opening ---------------------------------------------------------------- */

static ofr_status check_plan(race *r, ofr_error *err)
{
    const ofr_bench_plan *p = r->plan;
    int most = ofr_config_max_tokens(r->config);
    r->max_T = p->tokens;
    for (int i = 0; p->lengths && i < p->n_lengths; i++)
        if (p->lengths[i] > r->max_T || i == 0) r->max_T = p->lengths[i];
    if (r->max_T > most)
        return ofr_fail(err, OFR_INVALID, "texts of %d tokens, the model reads up to %d",
                        r->max_T, most);
    if (r->max_T > INT_MAX / (p->texts > p->batch ? p->texts : p->batch))
        return ofr_fail(err, OFR_INVALID,
                        "%d texts of up to %d tokens are more than can be counted; give "
                        "fewer with --texts",
                        p->texts, r->max_T);
    for (int i = 0; i < p->n_exit_at; i++)
        if (p->exit_at[i] > r->config->L)
            return ofr_fail(err, OFR_INVALID, "--exit-at %d, the model has %d layers",
                            p->exit_at[i], r->config->L);
    return OFR_OK;
}

static ofr_status race_open(race *r, const ofr_bench_model *model, ofr_error *err)
{
    const ofr_bench_plan *p = r->plan;
    const ofr_rule *rule = p->rule ? p->rule : &ofr_rule_never;
    size_t texts = (size_t)p->texts;
    OFR_TRY(check_plan(r, err));
    size_t n_ids = texts * (size_t)r->max_T;
    r->offsets = ofr_mem_array(texts + 1, sizeof *r->offsets);
    r->ids = ofr_mem_array(n_ids, sizeof *r->ids);
    r->batch_offsets = ofr_mem_array((size_t)p->batch + 1, sizeof *r->batch_offsets);
    r->dealt = ofr_mem_array(texts, sizeof *r->dealt);
    r->exits = ofr_mem_array(texts, sizeof *r->exits);
    r->halfway = ofr_mem_array(texts, sizeof *r->halfway);
    if (!r->offsets || !r->ids || !r->batch_offsets || !r->dealt || !r->exits ||
        !r->halfway)
        return ofr_fail_nomem(err, n_ids * sizeof *r->ids, "texts to measure with");
    for (size_t i = 0; i < n_ids; i++)
        r->ids[i] = (int)ofr_rng_below(p->seed, DRAW_IDS, i, (uint32_t)r->config->V);
    for (int s = 0; s < p->n_low; s++) {
        ofr_stream_options options = {.max_B = p->batch,
                                      .max_N = p->batch * r->max_T,
                                      .low = p->low[s],
                                      .window = p->texts,
                                      .sink = note_exit,
                                      .user = r};
        OFR_TRY(ofr_stream_open(&r->streams[s], &model->encoder, model->dev, rule,
                                p->rule ? p->threshold : 0, &options, err));
        r->streams[s].runner.whole_layers = p->whole_layers;
    }
    return OFR_OK;
}

static void race_close(race *r)
{
    for (int s = 0; s < OFR_BENCH_LIST; s++)
        if (r->streams[s].options.window) ofr_stream_close(&r->streams[s]);
    ofr_mem_free(r->offsets);
    ofr_mem_free(r->ids);
    ofr_mem_free(r->batch_offsets);
    ofr_mem_free(r->dealt);
    ofr_mem_free(r->exits);
    ofr_mem_free(r->halfway);
}

static ofr_status add_case(ofr_bench_result *result, const ofr_bench_plan *plan, int L,
                           ofr_bench_exit exit, int at, ofr_error *err)
{
    /* Full depth is what the others are compared with: once. */
    for (int s = 0; s < (exit == OFR_BENCH_FULL ? 1 : plan->n_low); s++) {
        ofr_bench_case *c = &result->cases[result->n];
        size_t n = (size_t)plan->repeat;
        if (result->n == OFR_BENCH_CASES)
            return ofr_fail(err, OFR_INVALID,
                            "more than %d cases of exits and regrouping",
                            OFR_BENCH_CASES);
        *c = (ofr_bench_case){.exit = exit, .at = at, .low = plan->low[s], .stream = s};
        result->n++;
        c->ms = ofr_mem_array(n, sizeof *c->ms);
        c->in_turn = ofr_mem_array(n, sizeof *c->in_turn);
        c->seen = ofr_mem_array((size_t)L, sizeof *c->seen);
        if (!c->ms || !c->in_turn || !c->seen)
            return ofr_fail_nomem(err, n * sizeof *c->ms, "timings");
    }
    return OFR_OK;
}

static ofr_status add_cases(ofr_bench_result *result, const ofr_bench_plan *plan, int L,
                            ofr_error *err)
{
    OFR_TRY(add_case(result, plan, L, OFR_BENCH_FULL, L, err));
    if (plan->rule) OFR_TRY(add_case(result, plan, L, OFR_BENCH_RULE, 0, err));
    for (int i = 0; i < plan->n_exit_at; i++)
        OFR_TRY(add_case(result, plan, L, OFR_BENCH_AT, plan->exit_at[i], err));
    if (plan->mix) OFR_TRY(add_case(result, plan, L, OFR_BENCH_MIX, 0, err));
    return OFR_OK;
}

/* ---- measuring -------------------------------------------------------------- */

/* A layer 1..L with probability mix[l-1] / sum. */
static int draw_exit(const race *r, int repeat, int text)
{
    const double *mix = r->plan->mix;
    double sum = 0, at;
    int L = r->config->L;
    for (int l = 0; l < L; l++)
        sum += mix[l];
    at = sum * ofr_rng_uniform(r->plan->seed,
                               ofr_rng_stream(OFR_RNG_EVAL, DRAW_EXITS, (uint64_t)repeat),
                               (uint64_t)text);
    for (int l = 0; l < L - 1; l++)
        if ((at -= mix[l]) < 0) return l + 1;
    return L;
}

/* The texts of a repeat, and where they are told to leave. */
static void prepare(race *r, const ofr_bench_case *c, int repeat)
{
    for (int i = 0; i < r->plan->texts; i++) {
        r->offsets[i + 1] = r->offsets[i] + length_of(r, repeat, i);
        r->dealt[i] = c->exit == OFR_BENCH_MIX ? draw_exit(r, repeat, i) : c->at;
    }
}

static double run_once(race *r, ofr_stream *stream)
{
    const ofr_bench_plan *p = r->plan;
    double start = ofr_clock_seconds();
    for (int first = 0; first < p->texts; first += p->batch) {
        int B = p->texts - first < p->batch ? p->texts - first : p->batch;
        for (int b = 0; b <= B; b++)
            r->batch_offsets[b] = r->offsets[first + b] - r->offsets[first];
        ofr_tokens tokens = {B, r->batch_offsets, r->ids + r->offsets[first], NULL};
        ofr_stream_run(stream, &tokens);
    }
    ofr_stream_finish(stream);
    return (ofr_clock_seconds() - start) * 1e3;
}

/* One repeat of case k; the timing counts when repeat >= 0. */
static void turn(race *r, ofr_bench_result *result, int k, int repeat)
{
    const ofr_bench_plan *p = r->plan;
    ofr_bench_case *c = &result->cases[k];
    ofr_stream *stream = &r->streams[c->stream];
    int which = repeat < 0 ? 0 : repeat;
    prepare(r, c, which);
    stream->runner.dealt = c->exit == OFR_BENCH_RULE ? NULL : r->dealt;
    stream->runner.seen = c->seen;
    double ms = run_once(r, stream);
    if (repeat < 0) return;
    const ofr_rule *rule = stream->runner.rule;
    c->in_turn[repeat] = c->ms[repeat] = ms;
    c->texts += p->texts;
    c->tokens += r->offsets[p->texts];
    for (int i = 0; i < p->texts; i++) {
        int T = r->offsets[i + 1] - r->offsets[i];
        c->mean_exit += r->exits[i];
        c->flops += ofr_cost_text(r->config, rule, T, r->exits[i]);
        if (r->halfway[i]) c->flops -= ofr_cost_other_half(r->config, T);
    }
}

static void finish_case(ofr_bench_case *c, const ofr_bench_plan *plan)
{
    c->mean_exit /= c->texts;
    c->texts /= plan->repeat;
    c->tokens /= plan->repeat;
    c->flops /= plan->repeat;
    c->mean = ofr_stats_mean(c->ms, plan->repeat);
    c->median = ofr_stats_median(c->ms, plan->repeat);
    c->p95 = ofr_stats_percentile(c->ms, plan->repeat, 95);
    c->typical = plan->lengths ? c->mean : c->median;
}

ofr_status ofr_bench_measure(ofr_bench_result *result, ofr_bench_model *model,
                             const ofr_bench_plan *plan, ofr_error *err)
{
    race r = {.plan = plan, .config = &model->encoder.config};
    result->n = 0;
    ofr_rss_reset_peak();
    ofr_status status = race_open(&r, model, err);
    if (status == OFR_OK) status = add_cases(result, plan, r.config->L, err);
    if (status == OFR_OK) {
        for (int repeat = -plan->warmup; repeat < plan->repeat; repeat++)
            for (int k = 0; k < result->n; k++)
                turn(&r, result, k, repeat);
        result->peak_bytes = ofr_rss_peak();
        for (int k = 0; k < result->n; k++) {
            finish_case(&result->cases[k], plan);
            result->cases[k].time_share =
                result->cases[k].typical / result->cases[0].typical;
        }
    }
    race_close(&r);
    return status;
}

void ofr_bench_result_close(ofr_bench_result *result)
{
    for (int k = 0; k < result->n; k++) {
        ofr_mem_free(result->cases[k].ms);
        ofr_mem_free(result->cases[k].in_turn);
        ofr_mem_free(result->cases[k].seen);
    }
    result->n = 0;
}
