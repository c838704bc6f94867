/*
 * consistentee.c - ConsistentEE (arXiv 2312.11882) as phases over the one loop.
 *
 *   joint, memorize, policy, [task, memorize, policy] x --iterations [, sweep]
 *
 * Every policy phase comes right after a look at the frozen backbone, and the
 * last phase is one, so that the saved policies fit the saved backbone.  It
 * stops early when two policy phases in a row give the same dev score and mean
 * exit layer within the tolerances.
 */
#include "method/consistentee.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/order.h"

#define NETWORK (OFR_GROUP_BACKBONE | OFR_GROUP_POOLER | OFR_GROUP_HEADS)

/* ---- joint: loss = sum_l l CE_l / sum_l l --------------------------------- */

static void joint_plan(const ofr_trainer *trainer, const void *self, ofr_phase_plan *plan)
{
    const ofr_consistentee *c = self;

    (void)trainer;
    *plan = (ofr_phase_plan){.groups = NETWORK, .n_items = c->n_main,
                             .epochs = c->o->joint_epochs, .batch = c->o->batch,
                             .lr = c->o->lr};
}

/* The network forward on this rank's part of the batch; what lies before it counts
 * for the masks. */
static void forward(ofr_consistentee *c, const ofr_trainer *trainer, const ofr_step *step)
{
    const int *batch = step->items - step->first;

    for (int b = 0; b < step->first + step->B; b++)
        c->batch_items[b] = c->main_items[batch[b]];
    ofr_net_forward(&c->net, c->batch_items, step->first, step->B, trainer->options->seed,
                    step->number);
}

static void joint_step(ofr_trainer *trainer, void *self, ofr_step *step)
{
    ofr_consistentee *c = self;

    if (step->B == 0) return;
    forward(c, trainer, step);
    ofr_joint_weights(c->weight, c->L);
    for (int l = 1; l <= c->L; l++) {
        const double weight = c->weight[l - 1] / step->B_all;

        for (int b = 0; b < step->B; b++) {
            step->loss += weight * ofr_net_loss(&c->net, l, b);
            ofr_net_loss_bwd(&c->net, l, b, weight);
        }
    }
    ofr_trainer_backward(trainer, &c->net);
}

static ofr_status joint_epoch_end(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;

    OFR_TRY(ofr_watch_look(&c->watch, trainer, false, err));
    OFR_TRY(ofr_consistentee_count_forgotten(c, trainer, err));
    ofr_trainer_journal(trainer, "evaluation");
    ofr_watch_journal(&c->watch, &trainer->journal);
    return ofr_journal_end(&trainer->journal, err);
}

/* ---- memorize: look at the policy's texts, dropout off -------------------- */

static void memorize_plan(const ofr_trainer *trainer, const void *self,
                          ofr_phase_plan *plan)
{
    (void)trainer;
    (void)self;
    *plan = (ofr_phase_plan){0};
}

static ofr_status memorize_end(ofr_trainer *trainer, void *self, ofr_error *err)
{
    OFR_TRY(ofr_consistentee_remember(self, trainer, err));
    return ofr_consistentee_journal_memory(self, trainer, err);
}

/* ---- policy ---------------------------------------------------------------- */

/* Steps are cheap here, and few texts need many epochs: --policy-epochs 0. */
static int policy_epochs(const ofr_consistentee *c)
{
    const int steps = ofr_order_batches(c->n_policy, c->o->policy_batch);
    const int wanted = (1000 + steps - 1) / steps;

    if (c->o->policy_epochs > 0) return c->o->policy_epochs;
    return wanted < 5 ? 5 : wanted > 200 ? 200 : wanted;
}

static void policy_plan(const ofr_trainer *trainer, const void *self,
                        ofr_phase_plan *plan)
{
    const ofr_consistentee *c = self;

    (void)trainer;
    *plan = (ofr_phase_plan){.groups = OFR_GROUP_POLICIES, .n_items = c->n_policy,
                             .epochs = policy_epochs(c), .batch = c->o->policy_batch,
                             .lr = c->policy_lr, .replicated = true};
}

static ofr_status policy_epoch_end(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;

    ofr_consistentee_dev_figures(c);
    trainer->dev_score = c->watch.score;
    ofr_trainer_journal(trainer, "evaluation");
    ofr_watch_journal(&c->watch, &trainer->journal);
    return ofr_journal_end(&trainer->journal, err);
}

static ofr_status policy_end(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;

    ofr_consistentee_dev_figures(c);
    const double moved_score = fabs(c->watch.score - c->last_score);
    const double moved_exit = fabs(c->watch.mean_exit - c->last_mean_exit);

    ofr_watch_mark(&c->watch);
    c->converged = moved_score < c->o->tolerance && moved_exit < c->o->tolerance_layers;
    c->last_score = c->watch.score;
    c->last_mean_exit = c->watch.mean_exit;
    ofr_trainer_journal(trainer, "iteration");
    ofr_watch_journal(&c->watch, &trainer->journal);
    ofr_journal_real(&trainer->journal, "score_moved", moved_score);
    ofr_journal_real(&trainer->journal, "mean_exit_moved", moved_exit);
    ofr_journal_flag(&trainer->journal, "converged", c->converged);
    return ofr_journal_end(&trainer->journal, err);
}

/* ---- task: loss = sum_l q_l CE_l, or CE at sampled exits; q is constant; or that
 * of the joint phase ---------------------------------------------------------- */

static void task_plan(const ofr_trainer *trainer, const void *self, ofr_phase_plan *plan)
{
    const ofr_consistentee *c = self;

    (void)trainer;
    *plan = (ofr_phase_plan){
        .groups = NETWORK | (c->o->task_updates_policy ? OFR_GROUP_POLICIES : 0),
        .n_items = c->n_main, .epochs = c->o->task_epochs, .batch = c->o->batch,
        .lr = c->o->task_lr};
}

static ofr_status task_begin(ofr_trainer *trainer, void *self, ofr_error *err)
{
    (void)trainer;
    (void)err;
    ofr_consistentee_forget(self); /* of a backbone that will be no more */
    return OFR_OK;
}

/* Loss of one text, its gradient into the net, and du if policies move too. */
static double task_text(ofr_consistentee *c, const ofr_trainer *trainer,
                        const ofr_step *step, int b)
{
    const int item = c->net.items[b];
    double loss = 0;

    ofr_consistentee_logits(c, c->u, b);
    ofr_exit_distribution(c->q, c->log_q, c->u, c->L);
    if (c->o->task_loss == OFR_TASK_SAMPLED) {
        ofr_consistentee_sample(c, trainer->options->seed, step->number, item);
        ofr_sampled_weights(c->weight, c->exits, c->o->rollouts, c->L);
    } else if (c->o->task_loss == OFR_TASK_JOINT) {
        ofr_joint_weights(c->weight, c->L);
    } else {
        memcpy(c->weight, c->q, (size_t)c->L * sizeof *c->weight);
    }
    for (int l = 1; l <= c->L; l++) {
        c->ce_text[l - 1] = ofr_net_loss(&c->net, l, b);
        if (c->weight[l - 1] == 0) continue;
        loss += c->weight[l - 1] * c->ce_text[l - 1];
        ofr_net_loss_bwd(&c->net, l, b, c->weight[l - 1] / step->B_all);
    }
    if (c->o->task_updates_policy) {
        for (int l = 0; l < c->L; l++)
            c->ce_text[l] = ofr_consistentee_loss(c, ofr_net_logits(&c->net, l + 1, b), l,
                                                  item);
        ofr_reward(c->R, c->ce_text, c->L, c->o->alpha,
                   c->o->reward == OFR_REWARD_PLAIN ? 0 : c->hardness[item]);
        loss -= ofr_consistentee_objective(c, trainer->options->seed, step->number, item);
        for (int l = 0; l < c->L - 1; l++)
            c->u_grad[(size_t)l * (size_t)step->B + (size_t)b] =
                (ofr_real)(-c->du[l] / step->B_all);
    }
    return loss;
}

static void task_step(ofr_trainer *trainer, void *self, ofr_step *step)
{
    ofr_consistentee *c = self;

    if (step->B == 0) return;
    forward(c, trainer, step);
    ofr_policies_forward(&c->policies, c->net.heads.c, step->B);
    for (int b = 0; b < step->B; b++)
        step->loss += task_text(c, trainer, step, b) / step->B_all;
    if (c->o->task_updates_policy)
        ofr_policies_backward(&c->policies, trainer->grads, c->u_grad);
    ofr_trainer_backward(trainer, &c->net);
}

static ofr_status task_epoch_end(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;

    c->watch.alpha = c->o->alpha;
    OFR_TRY(ofr_watch_look(&c->watch, trainer, true, err));
    ofr_trainer_journal(trainer, "evaluation");
    ofr_watch_journal(&c->watch, &trainer->journal);
    return ofr_journal_end(&trainer->journal, err);
}

/* ---- the table -------------------------------------------------------------- */

enum { JOINT, MEMORIZE, POLICY, TASK, SWEEP };

static const ofr_phase phases[] = {
    {"joint", joint_plan, NULL, joint_step, joint_epoch_end, NULL},
    {"memorize", memorize_plan, NULL, NULL, NULL, memorize_end},
    {"policy", policy_plan, ofr_consistentee_policy_begin, ofr_consistentee_policy_step,
     policy_epoch_end, policy_end},
    {"task", task_plan, task_begin, task_step, task_epoch_end, NULL},
    {"sweep", policy_plan, ofr_consistentee_sweep_begin, ofr_consistentee_policy_step,
     NULL, ofr_consistentee_sweep_end},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static int after_policy(ofr_consistentee *c, ofr_trainer *trainer)
{
    const bool more = trainer->at.iteration < c->o->iterations && c->o->task_epochs > 0;

    if (!more || c->converged) return c->n_alphas ? SWEEP : -1;
    trainer->at.iteration++;
    return TASK;
}

static int next(ofr_trainer *trainer, void *self)
{
    ofr_consistentee *c = self;

    switch (trainer->at.phase) {
    case JOINT:
    case TASK:
        return MEMORIZE;
    case MEMORIZE:
        return POLICY;
    case POLICY:
        return after_policy(c, trainer);
    default:
        if (c->sweep[c->n_alphas - 1][3] == 0) return SWEEP;
        ofr_consistentee_sweep_choose(c, trainer);
        return -1;
    }
}

/* Only the prices, on a backbone that is finished. */
static const ofr_phase prices[] = {
    {"sweep", policy_plan, ofr_consistentee_sweep_begin, ofr_consistentee_policy_step,
     NULL, ofr_consistentee_sweep_end},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static int next_price(ofr_trainer *trainer, void *self)
{
    ofr_consistentee *c = self;

    if (c->sweep[c->n_alphas - 1][3] == 0) return 0;
    ofr_consistentee_sweep_choose(c, trainer);
    return -1;
}

static int state(void *self, ofr_checkpoint_item items[OFR_RECIPE_ITEMS_MAX])
{
    ofr_consistentee *c = self;
    const size_t n = (size_t)c->lessons->n;
    int k = 0;

    items[k++] = ofr_checkpoint_item_of("hardness", OFR_F64, n, c->hardness);
    items[k++] = ofr_checkpoint_item_within(
        ofr_checkpoint_item_of("memorized", OFR_I32, n, c->memorized), 0, c->L);
    items[k++] = ofr_checkpoint_item_of("forgotten", OFR_I32, n, c->forgotten);
    items[k++] = ofr_checkpoint_item_of("was_right", OFR_U8, n, c->was_right);
    items[k++] = ofr_checkpoint_item_of("ever_right", OFR_U8, n, c->ever_right);
    items[k++] = ofr_checkpoint_item_of("temperature", OFR_F64, (size_t)c->L,
                                        c->temperature);
    items[k++] = ofr_checkpoint_item_within(
        ofr_checkpoint_item_of("dev.exits", OFR_I32, (size_t)c->watch.n, c->watch.exits),
        0, c->L);
    items[k++] = ofr_checkpoint_item_within(
        ofr_checkpoint_item_of("dev.marked", OFR_I32, (size_t)c->watch.n,
                               c->watch.marked),
        0, c->L);
    items[k++] = ofr_checkpoint_item_of("dev.score", OFR_F64, 1, &c->watch.score);
    items[k++] = ofr_checkpoint_item_of("dev.score_full", OFR_F64, 1,
                                        &c->watch.score_full);
    items[k++] = ofr_checkpoint_item_of("dev.mean_exit", OFR_F64, 1, &c->watch.mean_exit);
    items[k++] = ofr_checkpoint_item_of("last.score", OFR_F64, 1, &c->last_score);
    items[k++] = ofr_checkpoint_item_of("last.mean_exit", OFR_F64, 1, &c->last_mean_exit);
    items[k++] = ofr_checkpoint_item_within(
        ofr_checkpoint_item_of("converged", OFR_I32, 1, &c->converged), 0, 1);
    items[k++] = ofr_checkpoint_item_within(
        ofr_checkpoint_item_of("chosen", OFR_I32, 1, &c->chosen), -1, c->n_alphas - 1);
    items[k++] = ofr_checkpoint_item_of("sweep", OFR_F64, 4 * OFR_SWEEP_MAX, c->sweep);
    if (c->n_alphas)
        items[k++] = ofr_checkpoint_item_of("sweep.policies", ofr_checkpoint_real(),
                                            ((size_t)c->n_alphas + 1) * c->n_policy_w,
                                            c->sweep_w);
    OFR_ASSERT(k <= OFR_RECIPE_ITEMS_MAX);
    return k;
}

/* ---- opening ------------------------------------------------------------------ */

static void layout(ofr_slots *slots, void *owner)
{
    ofr_consistentee *c = owner;
    const size_t n = (size_t)c->lessons->n, L = (size_t)c->L;
    const size_t most = (size_t)(c->o->batch > c->o->policy_batch ? c->o->batch
                                                                  : c->o->policy_batch);
    double **texts[] = {&c->q, &c->log_q, &c->u, &c->R, &c->ce_text, &c->du, &c->du2,
                        &c->weight};

    c->batch_items = ofr_slots_take(slots, (size_t)c->o->batch, sizeof(int));
    c->c = ofr_slots_take(slots, L * (size_t)c->o->policy_batch * (size_t)c->C,
                          sizeof(ofr_real));
    c->u_grad = ofr_slots_take(slots, L * most, sizeof(ofr_real));
    c->temperature = ofr_slots_take(slots, L, sizeof(double));
    c->ce = ofr_slots_take(slots, (size_t)c->n_policy * L, sizeof(double));
    c->hardness = ofr_slots_take(slots, n, sizeof(double));
    c->memorized = ofr_slots_take(slots, n, sizeof(int));
    c->forgotten = ofr_slots_take(slots, n, sizeof(int));
    c->was_right = ofr_slots_take(slots, n, 1);
    c->ever_right = ofr_slots_take(slots, n, 1);
    c->dev_pi = ofr_slots_take(slots, (size_t)c->data->dev->n * L, sizeof(ofr_real));
    c->sweep_w = ofr_slots_take(slots, ((size_t)c->n_alphas + 1) * c->n_policy_w,
                                sizeof(ofr_real));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = ofr_slots_take(slots, L, sizeof(double));
    c->uniform = ofr_slots_take(slots, (size_t)c->o->rollouts, sizeof(double));
    c->exits = ofr_slots_take(slots, (size_t)c->o->rollouts, sizeof(int));
    c->right = ofr_slots_take(slots, L, 1);
}

/* Which texts are for the backbone and which for the policies. */
static ofr_status part(ofr_consistentee *c, uint64_t seed, ofr_error *err)
{
    const bool dev = c->o->policy_data == OFR_POLICY_DEV;
    const int n = c->data->train->n, n_dev = dev ? c->data->dev->n : 0;
    const size_t all = (size_t)n + (size_t)n_dev;

    c->items = ofr_mem_array(all, sizeof *c->items);
    if (!c->items) return ofr_fail_nomem(err, all * sizeof(int), "parts");
    ofr_order_part(c->items, n, dev ? 0 : c->o->policy_holdout, seed, &c->n_held);
    c->main_items = c->items + c->n_held;
    c->n_main = n - c->n_held;
    c->lessons = dev ? c->data->dev : c->data->train;
    c->policy_items = dev ? c->items + n : c->items;
    c->n_policy = c->n_held && c->o->policy_data == OFR_POLICY_HELD ? c->n_held
                                                                     : c->lessons->n;
    for (int i = 0; i < n_dev; i++)
        c->items[n + i] = i;
    return OFR_OK;
}

ofr_status ofr_consistentee_check(const ofr_method_options *options, int L,
                                  bool regression, ofr_error *err)
{
    double alphas[OFR_SWEEP_MAX];
    int n;

    (void)L;
    if (regression && options->hardness == OFR_HARDNESS_ENTROPY)
        return ofr_fail(err, OFR_INVALID,
                        "--hardness entropy needs classes; regression has none, use "
                        "memorized, loss or none");
    /* Without a joint epoch nothing was ever right, and every text as hard as can be. */
    if (options->hardness == OFR_HARDNESS_FORGETTING &&
        options->reward == OFR_REWARD_HARDNESS && options->joint_epochs == 0)
        return ofr_fail(err, OFR_INVALID,
                        "--hardness forgetting is counted over the joint epochs, and "
                        "--joint-epochs is 0; give some, or another --hardness");
    if (options->task_updates_policy && options->policy_data == OFR_POLICY_DEV)
        return ofr_fail(err, OFR_INVALID,
                        "--task-updates-policy needs the hardness of training texts, and "
                        "--policy-data dev measures that of dev texts; use held or all");
    return ofr_consistentee_alphas(alphas, &n, options->alphas, err);
}

static void close_consistentee(ofr_recipe *recipe)
{
    ofr_consistentee *c = recipe->self;

    if (!c) return;
    ofr_consistentee_forget(c);
    ofr_policies_close(&c->policies);
    ofr_net_close(&c->net);
    ofr_watch_close(&c->watch);
    ofr_slots_close(&c->slots);
    ofr_mem_free(c->items);
    ofr_mem_free(c);
    *recipe = (ofr_recipe){0};
}

static ofr_status open_parts(ofr_consistentee *c, ofr_trainer *trainer, ofr_error *err)
{
    const ofr_method_options *o = c->o;
    const int most = o->batch > o->policy_batch ? o->batch : o->policy_batch;
    const ofr_params *params = &trainer->encoder->params;

    OFR_TRY(ofr_consistentee_alphas(c->alphas, &c->n_alphas, o->alphas, err));
    for (int i = 0; i < params->n; i++)
        if (params->rows[i].group & OFR_GROUP_POLICIES)
            c->n_policy_w += params->rows[i].count;
    OFR_TRY(part(c, o->seed, err));
    OFR_TRY(ofr_slots_open(&c->slots, layout, c, "the method", err));
    OFR_TRY(ofr_watch_open(&c->watch, c->data->dev, c->data->metric, c->L, c->K, o, err));
    c->watch.temperature = c->temperature;
    for (int l = 0; l < c->L; l++)
        c->temperature[l] = 1;
    OFR_TRY(ofr_net_open(&c->net, trainer->encoder, trainer->dev, c->data->train,
                         o->batch, err));
    return ofr_policies_open(&c->policies, trainer->encoder, trainer->dev, most, err);
}

static ofr_status open_consistentee(ofr_recipe *recipe, const ofr_method *method,
                                    ofr_trainer *trainer, const ofr_method_data *data,
                                    const ofr_method_options *options, ofr_error *err)
{
    const ofr_config *config = &trainer->encoder->config;
    ofr_consistentee *c = ofr_mem_zalloc(sizeof *c);
    ofr_status status;

    if (!c) return ofr_fail_nomem(err, sizeof *c, "a method");
    c->o = options;
    c->data = data;
    c->L = config->L;
    c->K = config->K;
    c->C = config->C;
    c->alpha = options->alpha;
    c->from_heads = options->policy_init == OFR_POLICY_INIT_HEADS &&
                    !data->train->targets && c->K <= config->policy_hidden;
    c->policy_lr = options->policy_lr > 0 ? options->policy_lr
                   : c->from_heads        ? 2e-4
                                          : 1e-3;
    c->last_score = c->last_mean_exit = NAN;
    c->chosen = -1;
    (void)method;
    *recipe = (ofr_recipe){.self = c, .phases = phases, .next = next, .state = state};
    status = open_parts(c, trainer, err);
    if (status) close_consistentee(recipe);
    return status;
}

ofr_status ofr_consistentee_open_prices(ofr_recipe *recipe, ofr_trainer *trainer,
                                        const ofr_method_data *data,
                                        const ofr_method_options *options, ofr_error *err)
{
    OFR_TRY(open_consistentee(recipe, &ofr_method_consistentee, trainer, data, options,
                              err));
    recipe->phases = prices;
    recipe->next = next_price;
    return OFR_OK;
}

static void result(const ofr_recipe *recipe, ofr_method_result *out)
{
    const ofr_consistentee *c = recipe->self;

    out->converged = c->converged;
    out->score = c->last_score;
    out->score_full = c->watch.score_full;
    out->mean_exit = c->last_mean_exit;
    out->n_sweep = c->n_alphas;
    out->chosen = c->chosen;
    for (int i = 0; i < c->n_alphas; i++)
        out->sweep[i] = (ofr_sweep_row){c->alphas[i], c->sweep[i][0], c->sweep[i][1],
                                        1 - c->sweep[i][1] / c->L, c->sweep[i][2]};
    if (c->chosen < 0) return;
    out->score = c->sweep[c->chosen][0];
    out->mean_exit = c->sweep[c->chosen][1];
}

const ofr_method ofr_method_consistentee = {
    .name = "consistentee",
    .source = "Zeng et al. 2024, arXiv 2312.11882",
    .summary = "policies learn by reinforcement where each text should leave",
    .rule = &ofr_rule_policy,
    .all_exits = true,
    .has_policies = true,
    .options = "joint-epochs policy-epochs task-epochs iterations tolerance "
               "tolerance-layers policy-batch task-lr policy-lr alpha alphas max-loss "
               "reward reward-loss hardness gradient rollouts entropy-bonus "
               "policy-holdout policy-data policy-init policy-start policy-reset "
               "policy-hidden task-loss task-updates-policy",
    .check = ofr_consistentee_check,
    .open = open_consistentee,
    .result = result,
    .close = close_consistentee,
};
