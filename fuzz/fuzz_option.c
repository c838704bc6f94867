/*
 * fuzz_option.c - words of a command line, config files of train, lists, files of
 * numbers and settings.
 *
 * First byte: a verb, or from 128 on what else the rest is.  An accepted value is
 * within its row's range and is the same after it was printed and read again.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cli/ablate.h"
#include "cli/bench_lists.h"
#include "cli/cmd.h"
#include "cli/command.h"
#include "cli/compare_options.h"
#include "io/json.h"
#include "method/consistentee.h"

enum { WORDS = 24 };

/* Every value, printed and set again into fresh ones, prints the same. */
static void check_values(const ofr_opt *rows, const void *values, size_t bytes)
{
    void *again = calloc(1, bytes);
    ofr_buf a, b;
    OFR_FUZZ_CHECK(again);
    ofr_opt_defaults(rows, again);
    ofr_buf_init(&a);
    ofr_buf_init(&b);
    for (const ofr_opt *row = rows; row->name; row++) {
        ofr_error err;
        ofr_buf_clear(&a);
        ofr_buf_clear(&b);
        ofr_opt_format(row, values, &a);
        OFR_FUZZ_CHECK(ofr_opt_set(row, again, a.p ? a.p : "", "", &err) == OFR_OK);
        ofr_opt_format(row, again, &b);
        OFR_FUZZ_CHECK(a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
    }
    ofr_buf_clear(&a);
    ofr_command_options(&a, rows, values, (const char *const[]){"help", NULL});
    ofr_buf_free(&a);
    ofr_buf_free(&b);
    free(again);
}

/* Words with newlines between them, as arguments of a verb. */
static void read_words(const ofr_cmd *cmd, char *text)
{
    char name[16] = "verb", *words[WORDS + 2] = {name}, **args, *rest = text;
    void *values = calloc(1, cmd->options_bytes);
    bool *is_set = calloc((size_t)ofr_opt_count(cmd->options) + 1, sizeof *is_set);
    int n = 1, n_args = 0;
    ofr_error err;
    ofr_status status;
    OFR_FUZZ_CHECK(values && is_set);
    while (n <= WORDS && rest) {
        words[n++] = rest;
        rest = strchr(rest, '\n');
        if (rest) *rest++ = 0;
    }
    ofr_opt_defaults(cmd->options, values);
    status = ofr_opt_parse(cmd->options, values, is_set, n, words, &args, &n_args, &err);
    if (status == OFR_OK) {
        OFR_FUZZ_CHECK(n_args >= 0 && n_args < n);
        for (int i = 0; i < n_args; i++)
            OFR_FUZZ_CHECK(strlen(args[i]) < 1u << 20);
        check_values(cmd->options, values, cmd->options_bytes);
    } else {
        ofr_fuzz_refused(status, &err, NULL);
    }
    free(values);
    free(is_set);
}

static void read_config(const char *text, size_t n)
{
    ofr_train_values values;
    ofr_error err;
    json_t *json;
    bool *is_set = calloc((size_t)ofr_opt_count(ofr_train_rows), sizeof *is_set);
    ofr_status status = ofr_json_parse(&json, text, n, "train.json", &err);
    OFR_FUZZ_CHECK(is_set);
    if (status == OFR_OK) {
        memset(&values, 0, sizeof values);
        ofr_opt_defaults(ofr_train_rows, &values);
        status = ofr_train_read_config(&values, is_set, json, "train.json", &err);
        if (status == OFR_OK) check_values(ofr_train_rows, &values, sizeof values);
        json_decref(json);
    }
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "train.json");
    free(is_set);
}

static void read_list(int which, const char *text)
{
    int whole[OFR_BENCH_LIST], n = 0;
    double weights[6];
    ofr_error err;
    ofr_status status;
    if (which == 0) {
        status = ofr_bench_ints(whole, &n, "list", text, 1, 512, &err);
        for (int i = 0; status == OFR_OK && i < n; i++)
            OFR_FUZZ_CHECK(whole[i] >= 1 && whole[i] <= 512);
    } else if (which == 1) {
        status = ofr_bench_weights(weights, 6, "list", text, &err);
        for (int i = 0; status == OFR_OK && i < 6; i++)
            OFR_FUZZ_CHECK(weights[i] >= 0);
    } else {
        status = ofr_bench_precisions(whole, &n, "list", text, &err);
        for (int i = 0; status == OFR_OK && i < n; i++)
            OFR_FUZZ_CHECK(whole[i] >= 0 && whole[i] < OFR_PRECISION_COUNT);
    }
    OFR_FUZZ_CHECK(n <= OFR_BENCH_LIST);
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "--list");
}

/* Methods or seeds of compare, prices of ConsistentEE. */
static void read_plan(int which, const char *text)
{
    ofr_compare_values values;
    ofr_compare_plan plan;
    double alphas[OFR_SWEEP_MAX];
    int n;
    ofr_error err;
    ofr_status status;
    memset(&values, 0, sizeof values);
    values.methods = which == 0 ? text : "finetune";
    values.seeds = which == 1 ? text : "1";
    if (which < 2) {
        status = ofr_compare_parse(&plan, &values, &err);
        if (status == OFR_OK)
            OFR_FUZZ_CHECK(plan.n_methods >= 1 &&
                           plan.n_methods <= OFR_COMPARE_METHODS_MAX &&
                           plan.n_seeds >= 1 && plan.n_seeds <= OFR_COMPARE_SEEDS_MAX);
        if (status != OFR_OK) ofr_fuzz_refused(status, &err, NULL);
        return;
    }
    status = ofr_consistentee_alphas(alphas, &n, text, &err);
    for (int i = 0; status == OFR_OK && i < n; i++)
        OFR_FUZZ_CHECK(alphas[i] >= 0 && isfinite(alphas[i]));
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "--alphas");
}

/* Rules of sweep, "stored" among them. */
static void read_rules(const char *text)
{
    const ofr_rule *rules[OFR_SWEEP_CURVES_MAX];
    int n;
    ofr_error err;
    ofr_status status = ofr_sweep_rules(rules, &n, text, &ofr_rule_never, &err);
    OFR_FUZZ_CHECK(n >= 0 && n <= OFR_SWEEP_CURVES_MAX);
    for (int i = 0; status == OFR_OK && i < n; i++)
        OFR_FUZZ_CHECK(rules[i]->name[0]);
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "rule");
}

/* Seeds and, behind a line, prices of ablate. */
static void read_ablation(char *text)
{
    static ofr_ablate_values values;
    ofr_ablation a = {.o = &values};
    char *line = strchr(text, '\n');
    ofr_error err;
    ofr_status status;
    if (line) *line = 0;
    values.seeds = text;
    values.prices = line ? line + 1 : "0.1";
    status = ofr_ablate_parse(&a, &err);
    OFR_FUZZ_CHECK(a.n_seeds <= OFR_ABLATE_SEEDS && a.n_prices <= OFR_ABLATE_PRICES);
    for (int i = 0; status == OFR_OK && i < a.n_seeds; i++)
        OFR_FUZZ_CHECK(a.seeds[i] >= 0 && a.seeds[i] == floor(a.seeds[i]));
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "--");
}

/* The file of bench --lengths. */
static void read_lengths(const uint8_t *data, size_t size)
{
    int *lengths, n;
    ofr_error err;
    ofr_status status =
        ofr_bench_lengths(&lengths, &n, ofr_fuzz_file("lengths", data, size), &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, "lengths");
        return;
    }
    OFR_FUZZ_CHECK(n >= 1);
    for (int i = 0; i < n; i++)
        OFR_FUZZ_CHECK(lengths[i] >= 1 && lengths[i] <= 1 << 20);
    ofr_mem_free(lengths);
}

/* A line of bench --settings, with the values of a command before it. */
static void read_setting(const uint8_t *data, size_t size)
{
    void *values = calloc(1, ofr_cmd_bench.options_bytes);
    ofr_buf line;
    ofr_error err;
    ofr_status status;
    OFR_FUZZ_CHECK(values);
    ofr_buf_init(&line);
    ofr_buf_add(&line, (const char *)data, size);
    ofr_opt_defaults(ofr_cmd_bench.options, values);
    status = size ? ofr_bench_apply_line(values, &line, "settings:1: ", &err) : OFR_OK;
    if (status == OFR_OK)
        check_values(ofr_cmd_bench.options, values, ofr_cmd_bench.options_bytes);
    else
        ofr_fuzz_refused(status, &err, "settings:1: ");
    ofr_buf_free(&line);
    free(values);
}

static void read_name(const char *text)
{
    const ofr_task *task;
    const ofr_method *method;
    const ofr_rule *rule;
    ofr_error err;
    ofr_status status;
    if ((status = ofr_task_find(&task, text, &err)) != OFR_OK)
        ofr_fuzz_refused(status, &err, "known");
    if ((status = ofr_method_find(&method, text, &err)) != OFR_OK)
        ofr_fuzz_refused(status, &err, "method");
    if ((status = ofr_rule_find(&rule, text, &err)) != OFR_OK)
        ofr_fuzz_refused(status, &err, "rule");
}

/* Lists and names: 128 to 191. */
static void read_text(int kind, const char *text)
{
    if (kind < 3)
        read_list(kind, text);
    else if (kind < 6)
        read_plan(kind - 3, text);
    else if (kind == 6)
        read_name(text);
    else
        read_config(text, strlen(text));
}

/* The rest from 192 on. */
static void read_more(int kind, char *text, const uint8_t *data, size_t size)
{
    switch (kind) {
    case 0: read_rules(text); break;
    case 1: read_ablation(text); break;
    case 2: read_lengths(data, size); break;
    default: read_setting(data, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int n_verbs = 0;
    char *text;
    if (size < 1) return 0;
    while (ofr_cmds[n_verbs])
        n_verbs++;
    text = ofr_fuzz_text(data + 1, size - 1);
    if (data[0] < 128)
        read_words(ofr_cmds[data[0] % n_verbs], text);
    else if (data[0] < 192)
        read_text(data[0] % 8, text);
    else
        read_more(data[0] % 4, text, data + 1, size - 1);
    free(text);
    return 0;
}
