/*
 * Every method on tasks whose best exit is known: texts that one word decides need
 * the first layer, texts that are a coin can not be known by any.  And every method
 * on every kind of task: it works, or refuses with a line that says why.
 */
#include "method/toy.h"

#include <math.h>

#include "eval/evaluate.h"
#include "model/weights.h"

enum { L = 5 };

static ofr_method_options options_of(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = o.exit_epochs = 12;
    o.batch = 16;
    o.lr = 3e-3;
    o.policy_hidden = 8;
    o.dropout = o.attention_dropout = o.head_dropout = 0;
    return o;
}

static ofr_status train(const toy *t, const char *name, const ofr_method_options *o,
                        ofr_encoder *encoder, ofr_method_result *result, ofr_error *err)
{
    const ofr_method_job job = {0};
    const ofr_method *method;

    assert_ok(ofr_method_find(&method, name, err), *err);
    toy_encoder(t, encoder, o);
    return ofr_method_train(method, encoder, t->dev, &t->data, o, &job, result, err);
}

/* The trained model on the dev texts, by the rule that it was given. */
static void evaluate(const toy *t, const ofr_encoder *encoder, ofr_eval *eval)
{
    const ofr_config *config = &encoder->config;
    ofr_eval_options how;
    ofr_error err;

    ofr_eval_options_init(&how);
    assert_ok(ofr_rule_find(&how.rule, config->rule, &err), err);
    assert_ok(ofr_rule_fits(how.rule, config, &err), err);
    how.threshold = config->threshold;
    how.batch = 8;
    how.timed_runs = 0;
    how.metric = how.metric2 = t->data.metric;
    assert_ok(ofr_eval_open(eval, encoder, t->dev, &t->dev_data, &how, &err), err);
    assert_int_equal(eval->mismatches, 0);
}

/* Where known texts and coins leave, and how many known ones were answered right. */
typedef struct exits {
    double known, coins; /* mean layer */
    double right;
} exits;

static exits look(const toy *t, const ofr_eval *eval)
{
    exits x = {0};
    int n_known = 0;

    for (int i = 0; i < eval->n; i++) {
        if (toy_is_coin(t, i)) {
            x.coins += eval->exit_layer[i];
        } else {
            x.known += eval->exit_layer[i];
            x.right += eval->right[i];
            n_known++;
        }
    }
    x.known /= n_known;
    x.right /= n_known;
    x.coins /= eval->n - n_known;
    return x;
}

/* threshold NaN: as the training stored it. */
static void check_exits_at(toy_task task, const char *name, const ofr_method_options *o,
                           double threshold, double known, double coins)
{
    ofr_encoder encoder;
    ofr_method_result result;
    ofr_error err;
    ofr_eval eval;
    toy t;

    toy_open_task(&t, task, 400, L, 1);
    assert_ok(train(&t, name, o, &encoder, &result, &err), err);
    if (!isnan(threshold)) encoder.config.threshold = threshold;
    evaluate(&t, &encoder, &eval);
    const exits x = look(&t, &eval);
    if (fabs(x.known - known) > 0.1 || fabs(x.coins - coins) > 0.1 || x.right < 0.98)
        fail_msg("%s: known texts leave at %.2f (expected %.0f), coins at %.2f (expected "
                 "%.0f), %.3f of the known ones right",
                 name, x.known, known, x.coins, coins, x.right);
    if (isnan(threshold)) {
        support_close_one("mean exit", result.mean_exit, eval.mean_exit, 1e-9);
        support_close_one("score", result.score, eval.score, 1e-6);
    }
    ofr_eval_close(&eval);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void check_exits(toy_task task, const char *name, const ofr_method_options *o,
                        double known, double coins)
{
    check_exits_at(task, name, o, NAN, known, coins);
}

/* Rules that ask how sure an exit is: at once, or never. */
static void test_sure(void **state)
{
    static const char *const names[] = {"entropy",  "confidence", "deebert",
                                        "romebert", "cosee",      NULL};
    ofr_method_options o = options_of();

    (void)state;
    o.exit_lr = 1e-2;
    for (int i = 0; names[i]; i++)
        check_exits(TOY_COIN, names[i], &o, 1, L);
}

/* A coin is wrong half of the time, a known text never; one linear unit is slow to be
 * quite sure of it, so the threshold stands between. */
static void test_berxit(void **state)
{
    ofr_method_options o = options_of();

    (void)state;
    o.joint_epochs = 40;
    check_exits_at(TOY_COIN, "berxit", &o, 0.4, 1, L);
}

/* Two sure layers in a row end at layer 2. */
static void test_pcee(void **state)
{
    const ofr_method_options o = options_of();

    (void)state;
    check_exits(TOY_COIN, "pcee", &o, 2, L);
}

/* Two layers that agree with the first end at layer 3, whatever they say. */
static void test_pabee(void **state)
{
    const ofr_method_options o = options_of();

    (void)state;
    check_exits(TOY_WORD, "pabee", &o, 3, NAN);
}

static void test_static(void **state)
{
    const ofr_method_options o = options_of();

    (void)state;
    check_exits(TOY_COIN, "static", &o, 3, 3);
    check_exits(TOY_COIN, "finetune", &o, L, L);
}

/* A heavy prior decides: one of 0.3 has its median, 0.3 + 0.7 * 0.3 = 0.51, at layer
 * 2; one of 0.6 at layer 1; one of 0.05 at the end. */
static void test_palbert(void **state)
{
    static const double priors[] = {0.3, 0.6, 0.05};
    static const int medians[] = {2, 1, L};
    ofr_method_options o = options_of();

    (void)state;
    o.prior_weight = 5;
    for (int i = 0; i < 3; i++) {
        o.prior = priors[i];
        check_exits(TOY_COIN, "palbert", &o, medians[i], medians[i]);
    }
}

/* A regression: coins are 1 or 4, so the best answer is 2.5, which is wrong by
 * tanh(1.5) = 0.9; LTE knows.  PABEE sees layers that say the same. */
static void test_values(void **state)
{
    ofr_method_options o = options_of();

    (void)state;
    o.joint_epochs = 40;
    check_exits_at(TOY_VALUE, "berxit", &o, 0.5, 1, L);
    check_exits_at(TOY_VALUE, "pabee", &o, 0.3, 2, 2);
    check_exits(TOY_VALUE, "static", &o, 3, 3);
}

/* ---- every method on every kind of task --------------------------------------- */

static bool listed(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* Every rule that fits: the runner and the stored outputs agree. */
static void try_rules(const toy *t, ofr_encoder *encoder)
{
    const ofr_config kept = encoder->config;
    ofr_error err;

    for (int i = 0; ofr_rules[i]; i++) {
        ofr_eval eval;

        if (ofr_rule_fits(ofr_rules[i], &encoder->config, &err)) continue;
        strcpy(encoder->config.rule, ofr_rules[i]->name);
        encoder->config.threshold = ofr_rule_default(ofr_rules[i], kept.K);
        evaluate(t, encoder, &eval);
        ofr_eval_close(&eval);
    }
    strcpy(encoder->config.rule, kept.rule);
    encoder->config.threshold = kept.threshold;
}

static void test_all_tasks(void **state)
{
    static const char *const refuse[] = {"entropy", "confidence", "deebert", "pcee",
                                         "romebert", "cosee", "fastbert", NULL};
    ofr_method_options o = options_of();

    (void)state;
    o.joint_epochs = o.exit_epochs = o.policy_epochs = o.task_epochs = o.iterations = 1;
    for (int task = TOY_WORD; task <= TOY_RARE; task++) {
        toy t;

        toy_open_task(&t, (toy_task)task, 64, 3, 1);
        for (int i = 0; ofr_methods[i]; i++) {
            const char *name = ofr_methods[i]->name;
            ofr_encoder encoder;
            ofr_method_result result;
            ofr_error err = {.text = ""};
            ofr_status status = train(&t, name, &o, &encoder, &result, &err);

            if (task == TOY_VALUE && listed(refuse, name)) {
                assert_int_equal(status, OFR_INVALID);
                assert_non_null(strstr(err.text, name));
                assert_non_null(strstr(err.text, "methods for it: consistentee"));
            } else {
                if (status) fail_msg("%s, task %d: %s", name, task, err.text);
                assert_string_equal(encoder.config.method, name);
                assert_string_equal(encoder.config.rule, ofr_methods[i]->rule->name);
                try_rules(&t, &encoder);
            }
            ofr_encoder_close(&encoder);
        }
        toy_close(&t);
    }
}

/* One text in eight: the score is Matthews' and the rare class is found. */
static void test_rare(void **state)
{
    static const char *const names[] = {"pabee", "deebert", "berxit", "romebert", NULL};
    ofr_method_options o = options_of();

    (void)state;
    o.joint_epochs = o.exit_epochs = 15;
    for (int i = 0; names[i]; i++) {
        ofr_encoder encoder;
        ofr_method_result result;
        ofr_error err;
        toy t;

        toy_open_task(&t, TOY_RARE, 400, 3, 1);
        assert_ok(train(&t, names[i], &o, &encoder, &result, &err), err);
        if (!(result.score > 0.95))
            fail_msg("%s: Matthews %.3f on dev", names[i], result.score);
        ofr_encoder_close(&encoder);
        toy_close(&t);
    }
}

/* ---- what is shared, what stands still, what is cut ----------------------------- */

static void test_one_recipe(void **state)
{
    ofr_method_options o = options_of();
    ofr_encoder first;
    bool has_first = false;
    int n = 0;
    toy t;

    (void)state;
    o.joint_epochs = 1;
    toy_open(&t, 64, 3, 1);
    for (int i = 0; ofr_methods[i]; i++) {
        const char *recipe = ofr_methods[i]->recipe;
        ofr_encoder encoder;
        ofr_error err;

        if (!recipe || strcmp(recipe, "joint") != 0) continue;
        assert_ok(train(&t, ofr_methods[i]->name, &o, &encoder, NULL, &err), err);
        n++;
        if (has_first) {
            assert_memory_equal(first.w, encoder.w, first.params.total * sizeof *first.w);
            ofr_encoder_close(&encoder);
        } else {
            first = encoder;
            has_first = true;
        }
    }
    assert_int_equal(n, 6);
    ofr_encoder_close(&first);
    toy_close(&t);
}

/* The second phase of DeeBERT moves lower heads alone, whatever the decay. */
static void test_frozen(void **state)
{
    (void)state;
    for (int pooler = 0; pooler < 2; pooler++) {
        ofr_method_options o = options_of();
        ofr_encoder plain, two;
        ofr_error err;
        toy t;

        o.joint_epochs = o.exit_epochs = 2;
        o.weight_decay = 0.1;
        o.dropout = o.head_dropout = 0.1;
        o.pooler = pooler;
        toy_open(&t, 64, 3, 1);
        assert_ok(train(&t, "finetune", &o, &plain, NULL, &err), err);
        assert_ok(train(&t, "deebert", &o, &two, NULL, &err), err);
        for (int i = 0; i < two.params.n; i++) {
            const ofr_param *row = &two.params.rows[i];
            const bool lower = row->group == OFR_GROUP_HEADS ||
                               (row->group == OFR_GROUP_POOLER && row->layer > 0);
            const bool same = memcmp(plain.w + row->offset, two.w + row->offset,
                                     row->count * sizeof *two.w) == 0;

            if (same == (lower && row->layer < 3))
                fail_msg("%s %s", row->name, same ? "did not move" : "moved");
        }
        ofr_encoder_close(&plain);
        ofr_encoder_close(&two);
        toy_close(&t);
    }
}

/* --layers 2 begins as the first two layers of the model, and so it ends. */
static void test_layers(void **state)
{
    const ofr_encoder_parts two_layers = {.layers = 2};
    ofr_method_options o = options_of();
    ofr_encoder whole, cut;
    ofr_error err;
    toy t;

    (void)state;
    toy_open(&t, 64, L, 1);
    toy_encoder(&t, &whole, &o);
    toy_encoder(&t, &cut, &o);
    assert_ok(ofr_encoder_reshape(&cut, &two_layers, 9, &err), err);
    assert_int_equal(cut.config.L, 2);
    for (int i = 0; i < cut.params.n; i++) {
        const ofr_param *row = &cut.params.rows[i];
        int k = 0;

        while (strcmp(whole.params.rows[k].name, row->name) != 0)
            assert_true(++k < whole.params.n);
        assert_memory_equal(cut.w + row->offset, whole.w + whole.params.rows[k].offset,
                            row->count * sizeof *cut.w);
    }
    ofr_encoder_close(&cut);
    o.layers = 2;
    assert_ok(train(&t, "finetune", &o, &cut, NULL, &err), err);
    assert_int_equal(cut.config.L, 2);
    ofr_encoder_close(&cut);
    o.layers = L + 1;
    assert_fails(train(&t, "finetune", &o, &cut, NULL, &err), OFR_INVALID, err,
                 "--layers 6: the model has only 5");
    ofr_encoder_close(&cut);
    o.layers = 1;
    assert_fails(train(&t, "pabee", &o, &cut, NULL, &err), OFR_INVALID, err,
                 "at least 2 layers");
    ofr_encoder_close(&cut);
    ofr_encoder_close(&whole);
    toy_close(&t);
}

/* A model with LTE is written and read back. */
static void test_lte_in_files(void **state)
{
    ofr_method_options o = options_of();
    ofr_encoder encoder, read;
    ofr_outputs mine, theirs;
    ofr_error err;
    char dir[OFR_PATH_MAX], path[OFR_PATH_MAX];
    toy t;

    (void)state;
    o.joint_epochs = 2;
    toy_open(&t, 64, 3, 1);
    assert_ok(train(&t, "berxit", &o, &encoder, NULL, &err), err);
    snprintf(dir, sizeof dir, "%s", support_path("lte"));
    assert_ok(ofr_file_make_dirs(dir, &err), err);
    assert_ok(ofr_file_join(path, dir, "model.safetensors", &err), err);
    assert_ok(ofr_weights_save(&encoder.params, &encoder.config, path, encoder.w, OFR_F32,
                               &err),
              err);
    assert_ok(ofr_file_join(path, dir, "config.json", &err), err);
    assert_ok(ofr_config_save(&encoder.config, path, &err), err);
    assert_ok(ofr_encoder_open(&read, dir, 99, &err), err);
    assert_int_equal(read.config.gate, OFR_GATE_LTE);
    assert_string_equal(read.config.rule, "lte");
    assert_true(read.found & OFR_GROUP_POLICIES);
    assert_ok(ofr_encoder_pack(&read, t.dev, OFR_PRECISION_F32, &err), err);
    const ofr_tokens tokens = {t.dev_data.n, t.dev_data.offsets, t.dev_data.ids,
                               t.dev_data.types};
    assert_ok(ofr_outputs_open(&mine, &encoder, t.dev, &tokens, 16, false, NULL, NULL,
                               &err),
              err);
    assert_ok(ofr_outputs_open(&theirs, &read, t.dev, &tokens, 16, false, NULL, NULL,
                               &err),
              err);
    assert_memory_equal(mine.pi, theirs.pi, 100 * 2 * sizeof *mine.pi);
    assert_memory_equal(mine.logits, theirs.logits, 100 * 6 * sizeof *mine.logits);
    ofr_outputs_close(&mine);
    ofr_outputs_close(&theirs);
    ofr_encoder_close(&read);
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

/* ---- options -------------------------------------------------------------------- */

static const ofr_opt rows[] = {
#define AT(member) offsetof(ofr_method_options, member)
    OFR_METHOD_ROWS(AT),
    {.name = NULL},
};

/* Every option that a method claims exists, and an option belongs to those who claim
 * it or to all. */
static void test_options(void **state)
{
    (void)state;
    for (int i = 0; ofr_methods[i]; i++) {
        const char *p = ofr_methods[i]->options;

        while (p && *p) {
            const size_t n = strcspn(p, " ");
            const ofr_opt *row = ofr_opt_find(rows, p, n);

            if (!row) fail_msg("%s claims --%.*s", ofr_methods[i]->name, (int)n, p);
            assert_true(ofr_method_reads(ofr_methods[i], row->name));
            p += n + (p[n] == ' ');
        }
        assert_true(ofr_method_reads(ofr_methods[i], "lr"));
        assert_true(ofr_method_reads(ofr_methods[i], "seed"));
    }
    assert_true(ofr_method_reads(&ofr_method_consistentee, "alpha"));
    assert_false(ofr_method_reads(&ofr_method_pabee, "alpha"));
    assert_false(ofr_method_reads(&ofr_method_pabee, "exit-lr"));
    assert_true(ofr_method_reads(&ofr_method_romebert, "grad-reg"));
    assert_false(ofr_method_reads(&ofr_method_finetune, "grad-reg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sure),       cmocka_unit_test(test_berxit),
        cmocka_unit_test(test_pcee),       cmocka_unit_test(test_pabee),
        cmocka_unit_test(test_static),
        cmocka_unit_test(test_palbert),    cmocka_unit_test(test_values),
        cmocka_unit_test(test_all_tasks),  cmocka_unit_test(test_rare),
        cmocka_unit_test(test_one_recipe), cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_layers),     cmocka_unit_test(test_lte_in_files),
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
