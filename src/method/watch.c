/* watch.c - accuracy of every exit, score, exits and confidence of the policy. */
#include "method/watch.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/order.h"
#include "eval/evaluate_time.h"
#include "eval/metrics.h"
#include "exit/run.h"
#include "method/consistentee_math.h"
#include "nn/loss.h"
#include "train/together.h"

static void layout(ofr_slots *slots, void *owner)
{
    ofr_watch *watch = owner;
    const size_t n = (size_t)watch->n, L = (size_t)watch->L;

    watch->exits = ofr_slots_take(slots, n, sizeof(int));
    watch->marked = ofr_slots_take(slots, n, sizeof(int));
    watch->answer = ofr_slots_take(slots, n, sizeof(int));
    watch->value = ofr_slots_take(slots, n, sizeof(float));
    watch->histogram = ofr_slots_take(slots, L, sizeof(int));
    watch->layer_accuracy = ofr_slots_take(slots, L, sizeof(double));
    watch->work = ofr_slots_take(slots, 6 * L, sizeof(double));
    watch->metric_work = ofr_slots_take(slots, OFR_METRIC_WORK * n, sizeof(double));
    watch->z = ofr_slots_take(slots, (size_t)watch->K, sizeof(ofr_real));
    watch->right = ofr_slots_take(slots, L, 1);
}

ofr_status ofr_watch_open(ofr_watch *watch, const ofr_dataset *data, ofr_metric metric,
                          int L, int K, const ofr_method_options *options, ofr_error *err)
{
    *watch = (ofr_watch){.data = data, .metric = metric, .n = data->n, .L = L, .K = K};
    watch->error_limit = options->error_limit;
    watch->alpha = options->alpha;
    watch->plain = options->reward == OFR_REWARD_PLAIN ||
                   options->hardness == OFR_HARDNESS_NONE;
    watch->rule = &ofr_rule_policy;
    watch->threshold = ofr_rule_policy.default_threshold;
    watch->score = watch->score_full = watch->mean_exit = NAN;
    return ofr_slots_open(&watch->slots, layout, watch, "figures of the dev set", err);
}

void ofr_watch_close(ofr_watch *watch)
{
    ofr_slots_close(&watch->slots);
    *watch = (ofr_watch){0};
}

bool ofr_watch_right(const ofr_dataset *data, int i, const ofr_real *z, int K,
                     double error_limit)
{
    if (data->targets) return ofr_metric_near(z[0], data->targets[i], error_limit);
    return ofr_argmax(z, K) == data->labels[i];
}

/* Text i is answered z[K]. */
static void take_answer(ofr_watch *watch, int i, const ofr_real *z)
{
    watch->value[i] = (float)z[0];
    watch->answer[i] = ofr_argmax(z, watch->K);
}

/* Score of the answers taken. */
static double score(const ofr_watch *watch)
{
    if (watch->data->targets)
        return ofr_metric_score_real(watch->metric, watch->metric_work, watch->value,
                                     watch->data->targets, watch->n);
    return ofr_metric_score(watch->metric, watch->metric_work, watch->answer,
                            watch->data->labels, watch->n, watch->K);
}

static double score_last(ofr_watch *watch, const ofr_real *logits)
{
    const size_t L = (size_t)watch->L, K = (size_t)watch->K;

    for (int i = 0; i < watch->n; i++)
        take_answer(watch, i, logits + ((size_t)i * L + L - 1) * K);
    return score(watch);
}

static void layer_accuracies(ofr_watch *watch, const ofr_real *logits)
{
    const size_t L = (size_t)watch->L, K = (size_t)watch->K;

    for (size_t l = 0; l < L; l++) {
        int right = 0;

        for (int i = 0; i < watch->n; i++)
            right += ofr_watch_right(watch->data, i, logits + ((size_t)i * L + l) * K,
                                     watch->K, watch->error_limit);
        watch->layer_accuracy[l] = watch->last_alone && l + 1 < L
                                       ? (double)NAN
                                       : (double)right / watch->n;
    }
}

/* Expected reward and entropy of one text under its policies pi[L-1]. */
static void expectations(ofr_watch *watch, int i, const ofr_real *z, const ofr_real *pi)
{
    const int L = watch->L;
    double *u = watch->work, *R = u + L, *ce = u + 2 * L, *du = u + 3 * L;
    double hardness = 0;

    for (int l = 0; l < L; l++) {
        const ofr_real *zl = z + (size_t)l * (size_t)watch->K;

        watch->right[l] = ofr_watch_right(watch->data, i, zl, watch->K,
                                          watch->error_limit);
        ce[l] = watch->data->targets
                    ? ofr_loss_mse(zl[0], (double)watch->data->targets[i])
                    : ofr_loss_ce_at(zl, watch->K, watch->data->labels[i],
                                     watch->temperature ? watch->temperature[l] : 1);
        if (l == L - 1) break;
        const double p = fmin(fmax((double)pi[l], 1e-7), 1 - 1e-7);
        u[l] = log(p) - log1p(-p);
    }
    if (!watch->plain) hardness = (double)ofr_memorized_layer(watch->right, L) / L;
    ofr_reward(R, ce, L, watch->alpha, hardness);
    watch->reward += ofr_policy_exact(du, u, R, L) / watch->n;
    watch->entropy += ofr_policy_entropy(du, u, L) / watch->n;
}

/* Share of texts with other exits than before[n]; NaN when there were none. */
static double share_moved(const ofr_watch *watch, const int *before)
{
    int moved = 0;

    if (before[0] == 0) return NAN;
    for (int i = 0; i < watch->n; i++)
        moved += watch->exits[i] != before[i];
    return (double)moved / watch->n;
}

static void exit_figures(ofr_watch *watch, const ofr_real *logits, const ofr_real *pi)
{
    const size_t L = (size_t)watch->L, K = (size_t)watch->K;
    const bool before = watch->exits[0] != 0;
    long long sum = 0;
    int moved = 0;

    memset(watch->histogram, 0, L * sizeof(int));
    for (int i = 0; i < watch->n; i++) {
        const ofr_real *z = logits + (size_t)i * L * K;
        const ofr_real *p = pi ? pi + (size_t)i * (L - 1) : NULL;
        const int exit = ofr_rule_replay_answer(watch->rule, watch->threshold, watch->z,
                                                z, p, watch->L, watch->K);

        take_answer(watch, i, watch->z);
        moved += exit != watch->exits[i];
        watch->exits[i] = exit;
        watch->histogram[exit - 1]++;
        sum += exit;
    }
    watch->mean_exit = (double)sum / watch->n;
    watch->changed = before ? (double)moved / watch->n : NAN;
    watch->score = score(watch);
}

/* By a rule by token: what the runner does, since outputs of whole texts do not say. */
static ofr_status token_figures(ofr_watch *watch, ofr_trainer *trainer, ofr_error *err)
{
    enum { BATCH = 64 };
    const size_t K = (size_t)watch->K;
    ofr_eval_batch batch;
    ofr_runner runner = {.encoder = NULL};
    double depth = 0;
    ofr_status status;

    OFR_TRY(ofr_eval_batch_open(&batch, watch->data, BATCH, err));
    status = ofr_runner_open(&runner, trainer->encoder, trainer->dev, watch->rule,
                             watch->threshold, BATCH, batch.max_N, err);
    memset(watch->histogram, 0, (size_t)watch->L * sizeof(int));
    for (int b = 0; b < batch.n_batches && !status; b++) {
        const ofr_tokens tokens = ofr_eval_batch_at(&batch, b);

        ofr_runner_run(&runner, &tokens);
        for (int i = 0; i < tokens.B; i++) {
            watch->exits[b * BATCH + i] = runner.exit_layer[i];
            watch->histogram[runner.exit_layer[i] - 1]++;
            take_answer(watch, b * BATCH + i, runner.logits + (size_t)i * K);
            depth += runner.depth[i];
        }
    }
    watch->mean_exit = depth / watch->n;
    watch->changed = 0; /* the table decides, and it stays */
    watch->score = score(watch);
    ofr_runner_close(&runner);
    ofr_eval_batch_close(&batch);
    return status;
}

static void policy_figures(ofr_watch *watch, const ofr_real *logits, const ofr_real *pi)
{
    const size_t L = (size_t)watch->L, K = (size_t)watch->K;

    watch->reward = watch->entropy = 0;
    for (int i = 0; i < watch->n; i++)
        expectations(watch, i, logits + (size_t)i * L * K, pi + (size_t)i * (L - 1));
}

void ofr_watch_mark(ofr_watch *watch)
{
    watch->changed = share_moved(watch, watch->marked);
    memcpy(watch->marked, watch->exits, (size_t)watch->n * sizeof(int));
}

void ofr_watch_figures(ofr_watch *watch, const ofr_real *logits, const ofr_real *pi)
{
    watch->has_policy = pi && watch->rule == &ofr_rule_policy;
    watch->has_exits = pi || !watch->rule->needs_policy;
    watch->score_full = score_last(watch, logits);
    layer_accuracies(watch, logits);
    if (watch->has_policy) policy_figures(watch, logits, pi);
    if (watch->rule->by_token) return; /* see token_figures() */
    if (watch->has_exits)
        exit_figures(watch, logits, pi);
    else
        watch->score = watch->score_full;
}

static ofr_status gather(int **arrays, ofr_tokens *tokens, const ofr_dataset *data,
                         const int *items, int n, ofr_error *err)
{
    size_t N = 0;

    for (int i = 0; i < n; i++)
        N += (size_t)(data->offsets[items[i] + 1] - data->offsets[items[i]]);
    *arrays = ofr_mem_array((size_t)n + 1 + 2 * N, sizeof **arrays);
    if (!*arrays) return ofr_fail_nomem(err, 2 * N * sizeof(int), "tokens");
    int *ids = *arrays + n + 1;
    ofr_dataset_gather(data, items, n, *arrays, ids, ids + N);
    *tokens = (ofr_tokens){n, *arrays, ids, ids + N};
    return OFR_OK;
}

/* bytes of `each` text, which ranks have of their own texts, from all to all. */
static void spread(const ofr_comm *comm, void *p, int n, size_t each)
{
    for (int r = 0; p && r < comm->n_ranks; r++) {
        int first, count;

        ofr_order_shard(n, r, comm->n_ranks, &first, &count);
        comm->broadcast(comm, (unsigned char *)p + (size_t)first * each,
                        (size_t)count * each, r);
    }
}

/* Every rank has looked at its texts, or was stopped (status): all stop, or all know
 * what all have seen. */
static ofr_status share(ofr_outputs *outputs, const ofr_comm *comm, ofr_status status,
                        ofr_error *err)
{
    if (ofr_together_any(comm, status == OFR_INTERRUPTED)) {
        if (!status) ofr_outputs_close(outputs);
        return ofr_fail(err, OFR_INTERRUPTED, "stopped with another rank");
    }
    const size_t L = (size_t)outputs->L, K = (size_t)outputs->K, C = (size_t)outputs->C;

    spread(comm, outputs->logits, outputs->n, L * K * sizeof *outputs->logits);
    spread(comm, outputs->pi, outputs->n, (L - 1) * sizeof *outputs->pi);
    spread(comm, outputs->features, outputs->n, L * C * sizeof *outputs->features);
    status = comm->check(comm, err);
    if (status) ofr_outputs_close(outputs);
    return status;
}

ofr_status ofr_watch_outputs(ofr_outputs *outputs, ofr_trainer *trainer,
                             const ofr_dataset *data, const int *items, int n,
                             bool want_features, ofr_error *err)
{
    ofr_tokens tokens = {data->n, data->offsets, data->ids, data->types};
    const ofr_comm *comm = trainer->comm;
    int *arrays = NULL, first, count;
    ofr_status status;

    OFR_TRY(ofr_encoder_pack(trainer->encoder, trainer->dev, OFR_PRECISION_F32, err));
    if (items) OFR_TRY(gather(&arrays, &tokens, data, items, n, err));
    ofr_order_shard(tokens.B, comm->rank, comm->n_ranks, &first, &count);
    status = ofr_outputs_open_part(outputs, trainer->encoder, trainer->dev, &tokens,
                                   first, count, 64, want_features, ofr_trainer_show,
                                   trainer, err);
    ofr_mem_free(arrays);
    if (comm->n_ranks == 1 || (status && status != OFR_INTERRUPTED)) return status;
    return share(outputs, comm, status, err);
}

ofr_status ofr_watch_look(ofr_watch *watch, ofr_trainer *trainer, bool with_policy,
                          ofr_error *err)
{
    ofr_outputs outputs;

    OFR_TRY(ofr_watch_outputs(&outputs, trainer, watch->data, NULL, 0, false, err));
    ofr_watch_figures(watch, outputs.logits,
                      with_policy && watch->L > 1 ? outputs.pi : NULL);
    ofr_outputs_close(&outputs);
    if (watch->rule->by_token) OFR_TRY(token_figures(watch, trainer, err));
    trainer->dev_score = watch->score;
    return OFR_OK;
}

void ofr_watch_journal(const ofr_watch *watch, ofr_journal *journal)
{
    ofr_journal_text(journal, "metric", ofr_metric_name(watch->metric));
    ofr_journal_real(journal, "score_full", watch->score_full);
    ofr_journal_reals(journal, "layer_accuracy", watch->layer_accuracy, watch->L);
    if (!watch->has_exits) return;
    ofr_journal_real(journal, "score", watch->score);
    ofr_journal_real(journal, "mean_exit_layer", watch->mean_exit);
    ofr_journal_real(journal, "saved_layers", 1 - watch->mean_exit / watch->L);
    ofr_journal_ints(journal, "exit_histogram", watch->histogram, watch->L);
    if (watch->has_policy) {
        ofr_journal_real(journal, "policy_entropy", watch->entropy);
        ofr_journal_real(journal, "reward", watch->reward);
    }
    ofr_journal_real(journal, "changed_exits", watch->changed);
}
