/*
 * options.h - every hyper-parameter of training, as one struct and its rows.
 *
 * The rows are a macro so that a verb, the demo and tests can place the struct
 * where they like: AT(member) gives the offset of a member in their own struct.
 */
#ifndef OFR_METHOD_OPTIONS_H
#define OFR_METHOD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"

typedef enum ofr_gradient { OFR_GRADIENT_EXACT, OFR_GRADIENT_REINFORCE } ofr_gradient;
typedef enum ofr_reward_kind { OFR_REWARD_HARDNESS, OFR_REWARD_PLAIN } ofr_reward_kind;
typedef enum ofr_reward_loss {
    OFR_REWARD_LOSS_CALIBRATED, OFR_REWARD_LOSS_PLAIN
} ofr_reward_loss;
typedef enum ofr_hardness {
    OFR_HARDNESS_MEMORIZED, OFR_HARDNESS_ENTROPY, OFR_HARDNESS_LOSS,
    OFR_HARDNESS_FORGETTING, OFR_HARDNESS_NONE
} ofr_hardness;
typedef enum ofr_task_loss {
    OFR_TASK_EXPECTED, OFR_TASK_SAMPLED, OFR_TASK_JOINT
} ofr_task_loss;
typedef enum ofr_policy_init {
    OFR_POLICY_INIT_HEADS, OFR_POLICY_INIT_RANDOM
} ofr_policy_init;
typedef enum ofr_policy_data {
    OFR_POLICY_HELD, OFR_POLICY_ALL, OFR_POLICY_DEV
} ofr_policy_data;

typedef struct ofr_method_options {
    /* phases */
    int joint_epochs, policy_epochs, task_epochs, iterations; /* policy 0: by rule */
    double tolerance, tolerance_layers;
    int exit_epochs, layers;       /* exit_epochs 0: joint_epochs; layers 0: all */
    bool all_exits;
    /* steps */
    int batch, policy_batch;
    double lr, policy_lr, task_lr, exit_lr; /* lr, task_lr, exit_lr 0: by rule */
    int schedule;                  /* ofr_schedule */
    double warmup, clip, weight_decay, beta1, beta2, eps;
    double dropout, attention_dropout, head_dropout; /* < 0: as in config.json */
    /* the method */
    double alpha;
    const char *alphas;
    double max_loss;
    int gradient, reward, hardness, task_loss, policy_data, policy_init;
    int reward_loss;
    int rollouts;
    double entropy_bonus, policy_holdout, policy_start, error_limit;
    bool policy_reset, task_updates_policy;
    int policy_hidden, pooler;
    double distill, temperature;   /* of knowledge from the last exit */
    bool grad_reg;
    double prior, prior_weight;    /* of the exit distribution */
    int hash_buckets, hash_first;  /* 0: by the number of layers */
    /* the run */
    uint64_t seed;
    int save_steps;
    double save_minutes;
} ofr_method_options;

#define OFR_METHOD_ROWS(AT)                                                           \
    {"joint-epochs", 0, OFR_OPT_INT, AT(joint_epochs), "5", "N", NULL, 0, 10000,      \
     "epochs of the joint phase, in which all exits learn", "Phases"},                \
    {"policy-epochs", 0, OFR_OPT_INT, AT(policy_epochs), "0", "N", NULL, 0, 10000,   \
     "epochs of each policy phase, in which only the policies learn; 0: as many as "  \
     "make about 1000 steps, from 5 to 200",                                          \
     NULL},                                                                           \
    {"task-epochs", 0, OFR_OPT_INT, AT(task_epochs), "1", "N", NULL, 0, 10000,        \
     "epochs of each task phase, in which backbone and exits learn under the policy", \
     NULL},                                                                           \
    {"iterations", 0, OFR_OPT_INT, AT(iterations), "2", "N", NULL, 0, 1000,           \
     "task phases at most; a last policy phase always follows", NULL},                \
    {"tolerance", 0, OFR_OPT_REAL, AT(tolerance), "0.001", "X", NULL, 0, 1,           \
     "converged when the dev score moves less than this...", NULL},                   \
    {"tolerance-layers", 0, OFR_OPT_REAL, AT(tolerance_layers), "0.05", "X", NULL, 0, \
     1000, "...and the mean exit layer less than this between iterations", NULL},     \
    {"exit-epochs", 0, OFR_OPT_INT, AT(exit_epochs), "0", "N", NULL, 0, 10000,        \
     "deebert, fastbert: epochs of the second phase, in which only the lower exits "  \
     "learn; 0: as many as --joint-epochs",                                           \
     NULL},                                                                           \
    {"layers", 0, OFR_OPT_INT, AT(layers), "0", "N", NULL, 0, 512,                    \
     "keep only the first N layers of the model; 0: all", NULL},                      \
    {"all-exits", 0, OFR_OPT_FLAG, AT(all_exits), NULL, NULL, NULL, 0, 0,             \
     "finetune: train all exits jointly instead of the last layer alone", NULL},      \
    {"batch", 'b', OFR_OPT_INT, AT(batch), "32", "N", NULL, 1, 65536,                 \
     "texts per step of the joint and task phases", "Optimization"},                  \
    {"policy-batch", 0, OFR_OPT_INT, AT(policy_batch), "32", "N", NULL, 1, 65536,     \
     "texts per step of the policy phase", NULL},                                     \
    {"lr", 0, OFR_OPT_REAL, AT(lr), "0", "X", NULL, 0, 10,                            \
     "peak learning rate of the joint phase; 0: 5e-4 when the backbone's weights are " \
     "fresh (every LayerNorm gain is exactly 1), else 2e-5",                          \
     NULL},                                                                           \
    {"task-lr", 0, OFR_OPT_REAL, AT(task_lr), "0", "X", NULL, 0, 10,                  \
     "peak learning rate of the task phase; 0: a tenth of the joint phase's", NULL},  \
    {"policy-lr", 0, OFR_OPT_REAL, AT(policy_lr), "0", "X", NULL, 0, 10,              \
     "peak learning rate of the policy phase; 0: 2e-4 when policies begin at the "    \
     "heads, 1e-3 when at random",                                                    \
     NULL},                                                                           \
    {"exit-lr", 0, OFR_OPT_REAL, AT(exit_lr), "0", "X", NULL, 0, 10,                  \
     "deebert, fastbert: peak learning rate of the second phase; 0: that of --lr, "   \
     "times 10 for fastbert",                                                         \
     NULL},                                                                           \
    {"schedule", 0, OFR_OPT_CHOICE, AT(schedule), "linear", "NAME",                   \
     "linear|constant", 0, 0, "learning rate after the warm-up: falls to 0, or stays", \
     NULL},                                                                           \
    {"warmup", 0, OFR_OPT_REAL, AT(warmup), "0.1", "X", NULL, 0, 1,                     \
     "share of a phase's steps in which the learning rate rises", NULL},              \
    {"clip", 0, OFR_OPT_REAL, AT(clip), "1", "X", NULL, 0, 1e9,                       \
     "longest gradient; 0: no limit", NULL},                                          \
    {"weight-decay", 0, OFR_OPT_REAL, AT(weight_decay), "0", "X", NULL, 0, 10,        \
     "decoupled weight decay of matrices", NULL},                                     \
    {"beta1", 0, OFR_OPT_REAL, AT(beta1), "0.9", "X", NULL, 0, 0.999999,              \
     "AdamW: decay of the first moment", NULL},                                       \
    {"beta2", 0, OFR_OPT_REAL, AT(beta2), "0.999", "X", NULL, 0, 0.999999999,         \
     "AdamW: decay of the second moment", NULL},                                      \
    {"adam-eps", 0, OFR_OPT_REAL, AT(eps), "1e-08", "X", NULL, 1e-30, 1,              \
     "AdamW: added to the root of the second moment", NULL},                          \
    {"dropout", 0, OFR_OPT_REAL, AT(dropout), "-1", "X", NULL, -1, 0.99,              \
     "dropout of hidden states; negative: as in config.json", NULL},                  \
    {"attention-dropout", 0, OFR_OPT_REAL, AT(attention_dropout), "-1", "X", NULL, -1, \
     0.99, "dropout of attention; negative: as in config.json", NULL},                \
    {"head-dropout", 0, OFR_OPT_REAL, AT(head_dropout), "-1", "X", NULL, -1, 0.99,    \
     "dropout before the classifiers; negative: as in config.json", NULL},            \
    {"alpha", 'a', OFR_OPT_REAL, AT(alpha), "0.005", "X", NULL, 0, 100,                \
     "price of a layer in the reward, in nats of cross-entropy", "ConsistentEE"},     \
    {"alphas", 0, OFR_OPT_TEXT, AT(alphas), NULL, "LIST", NULL, 0, 0,                 \
     "after training, fit policies for each of these prices to the finished backbone " \
     "(comma separated, or 'auto' for 12 values) and print a table",                  \
     NULL},                                                                           \
    {"max-loss", 0, OFR_OPT_REAL, AT(max_loss), "-1", "POINTS", NULL, -1, 100,        \
     "with --alphas: save the policies that leave earliest among those at most this " \
     "many points below full depth on dev; negative: those of --alpha",               \
     NULL},                                                                           \
    {"reward", 0, OFR_OPT_CHOICE, AT(reward), "hardness", "NAME", "hardness|plain", 0, \
     0, "scale the price by (1 - hardness), or not", NULL},                           \
    {"reward-loss", 0, OFR_OPT_CHOICE, AT(reward_loss), "calibrated", "NAME",         \
     "calibrated|plain", 0, 0,                                                        \
     "cross-entropies in the reward at the temperature that fits each exit to the "   \
     "policies' texts, or as they are",                                               \
     NULL},                                                                           \
    {"hardness", 0, OFR_OPT_CHOICE, AT(hardness), "memorized", "NAME",                \
     "memorized|entropy|loss|forgetting|none", 0, 0, "how hard a text is", NULL},     \
    {"gradient", 0, OFR_OPT_CHOICE, AT(gradient), "exact", "NAME", "exact|reinforce", \
     0, 0, "policy gradient: closed form, or from sampled exits", NULL},              \
    {"rollouts", 'K', OFR_OPT_INT, AT(rollouts), "8", "N", NULL, 1, 4096,             \
     "sampled exits per text (reinforce, and --task-loss sampled)", NULL},            \
    {"entropy-bonus", 0, OFR_OPT_REAL, AT(entropy_bonus), "0", "X", NULL, 0, 10,      \
     "weight of the policy's entropy in the objective", NULL},                        \
    {"policy-holdout", 0, OFR_OPT_REAL, AT(policy_holdout), "0.15", "X", NULL, 0, 0.9, \
     "share of the training texts kept from the backbone for the policies to learn "  \
     "from, so that they see losses as they are on new texts",                        \
     NULL},                                                                           \
    {"policy-data", 0, OFR_OPT_CHOICE, AT(policy_data), "held", "NAME",               \
     "held|all|dev", 0, 0,                                                            \
     "texts the policies learn from: the held-out ones, all training texts, or the "  \
     "dev texts; dev: nothing is held out, and dev figures are not of new texts",     \
     NULL},                                                                           \
    {"policy-init", 0, OFR_OPT_CHOICE, AT(policy_init), "heads", "NAME",              \
     "heads|random", 0, 0,                                                            \
     "fresh policies begin at how sure the classifier of their layer is, or at "      \
     "random; regression and more classes than --policy-hidden: random",              \
     NULL},                                                                           \
    {"policy-start", 0, OFR_OPT_REAL, AT(policy_start), "0.05", "X", NULL, 1e-6,      \
     0.999999,                                                                        \
     "probability of stopping before the policies have learned; heads: of a text "    \
     "whose best class has probability 1/2",                                          \
     NULL},                                                                           \
    {"policy-reset", 0, OFR_OPT_FLAG, AT(policy_reset), NULL, NULL, NULL, 0, 0,       \
     "begin every policy phase with fresh policies", NULL},                           \
    {"policy-hidden", 0, OFR_OPT_INT, AT(policy_hidden), "32", "N", NULL, 1, 65536,   \
     "hidden units of a policy", NULL},                                               \
    {"pooler", 0, OFR_OPT_CHOICE, AT(pooler), "shared", "NAME", "shared|per-layer", 0, \
     0, "one pooler for all exits, or one for each", NULL},                           \
    {"task-loss", 0, OFR_OPT_CHOICE, AT(task_loss), "expected", "NAME",               \
     "expected|sampled|joint", 0, 0,                                                  \
     "loss of the task phase: sum of q_l CE_l, CE at sampled exits, or the weighted " \
     "sum of the joint phase, which does not look at the policy",                     \
     NULL},                                                                           \
    {"task-updates-policy", 0, OFR_OPT_FLAG, AT(task_updates_policy), NULL, NULL, NULL, \
     0, 0, "the task phase moves the policies too", NULL},                            \
    {"distill", 0, OFR_OPT_REAL, AT(distill), "0.9", "X", NULL, 0, 1,                 \
     "romebert: share of the last exit's answer, rather than the label, in what "     \
     "lower exits learn from",                                                        \
     "Other methods"},                                                                \
    {"temperature", 0, OFR_OPT_REAL, AT(temperature), "3", "X", NULL, 0.01, 1000,     \
     "romebert: softens the last exit's answer for the lower exits", NULL},           \
    {"grad-reg", 0, OFR_OPT_FLAG, AT(grad_reg), "true", NULL, NULL, 0, 0,             \
     "romebert: keep the lower exits' gradient from working against the last exit's", \
     NULL},                                                                           \
    {"prior", 0, OFR_OPT_REAL, AT(prior), "0.1", "X", NULL, 1e-6, 0.999999,           \
     "palbert: probability of leaving at each layer in the geometric prior", NULL},   \
    {"prior-weight", 0, OFR_OPT_REAL, AT(prior_weight), "0.5", "X", NULL, 0, 1000,    \
     "palbert: weight of the distance from the prior in the loss", NULL},             \
    {"hash-buckets", 0, OFR_OPT_INT, AT(hash_buckets), "0", "N", NULL, 0, 512,        \
     "hashee: groups of tokens by frequency; 0: one for each layer from --hash-first " \
     "on",                                                                            \
     NULL},                                                                           \
    {"hash-first", 0, OFR_OPT_INT, AT(hash_first), "0", "N", NULL, 0, 512,            \
     "hashee: the layer after which the most frequent tokens leave; 0: at a quarter " \
     "of the layers",                                                                 \
     NULL},                                                                           \
    {"error-limit", 0, OFR_OPT_REAL, AT(error_limit), "0.5", "X", NULL, 0, 1e9,       \
     "regression: an answer this close counts as right", NULL},                       \
    {"seed", 's', OFR_OPT_U64, AT(seed), "42", "N", NULL, 0, 0,                       \
     "fixes everything random: equal seeds, options and data give equal bits", "Run"}, \
    {"save-minutes", 0, OFR_OPT_REAL, AT(save_minutes), "10", "X", NULL, 0, 1e6,      \
     "checkpoint this often, besides at the end of each phase; 0: off", NULL},        \
    {"save-steps", 0, OFR_OPT_INT, AT(save_steps), "0", "N", NULL, 0, 1e9,            \
     "checkpoint every so many steps; 0: off", NULL}

/* Every default. */
void ofr_method_options_init(ofr_method_options *options);

#endif
