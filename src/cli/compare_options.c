/* compare_options.c - rows, lists, and the options of each run. */
#include "cli/compare_options.h"

#include <string.h>

#include "base/file.h"
#include "cli/command.h"
#include "io/json.h"

#define V(member) offsetof(ofr_compare_values, member)
#define T(member) offsetof(ofr_compare_values, train.member)
#define AT(member) offsetof(ofr_compare_values, train.method.member)

const ofr_opt ofr_compare_rows[] = {
    {"methods", 0, OFR_OPT_TEXT, V(methods), NULL, "LIST", NULL, 0, 0,
     "methods with commas; the others are compared with the first; finetune in the list "
     "makes it the full model that losses are counted from",
     "Comparison"},
    {"seeds", 0, OFR_OPT_TEXT, V(seeds), NULL, "LIST", NULL, 0, 0,
     "seeds with commas; default: the one of --seed", NULL},
    {"model", 'm', OFR_OPT_TEXT, T(model), NULL, "DIR", NULL, 0, 0,
     "model directory that every run starts from; default: offramp-small where it is "
     "installed",
     NULL},
    {"out", 'o', OFR_OPT_TEXT, V(out), NULL, "DIR", NULL, 0, 0,
     "directory for runs, records and report; the same command continues in it", NULL},
    {"epochs", 0, OFR_OPT_INT, V(epochs), "7", "N", NULL, 0, 10000,
     "passes over the training texts in which the backbone learns, equal for all: "
     "--joint-epochs is N, less what a method's task phases use; 0: --joint-epochs as "
     "given",
     NULL},
    OFR_TRAIN_TASK_ROWS(T),
    {"test", 0, OFR_OPT_TEXT, V(test), NULL, "FILE", NULL, 0, 0,
     "texts that figures are reported of; default: the task's dev file", NULL},
    {"dev-split", 0, OFR_OPT_REAL, T(dev_split), "0.1", "X", NULL, 0.001, 0.9,
     "share of the training texts that is held out to follow the training and to choose "
     "knobs on",
     NULL},
    OFR_TRAIN_COLUMN_ROWS(T),
    {"values", 'n', OFR_OPT_INT, V(values), "20", "N", NULL, 15, OFR_SWEEP_KNOBS_MAX,
     "thresholds of each rule", "Measuring"},
    {"timed", 0, OFR_OPT_INT, V(timed), "0", "N", NULL, 0, 100,
     "measure so many points of each run with the real runner", NULL},
    {"timed-batch", 0, OFR_OPT_INT, V(timed_batch), "1", "N", NULL, 1, 4096,
     "texts per timed call", NULL},
    {"timed-runs", 0, OFR_OPT_INT, V(timed_runs), "100", "N", NULL, 1, 100000,
     "timed runs of at least 32 texts for each point", NULL},
    {"resamples", 0, OFR_OPT_INT, V(resamples), "1000", "N", NULL, 10, 1000000,
     "of the texts, for the intervals of differences", NULL},
    OFR_METHOD_ROWS(AT),
    OFR_CMD_COMMON_ROWS(ofr_train_values),
    OFR_CMD_END,
};

/* ---- lists --------------------------------------------------------------- */

/* The next part of a list with commas; false at its end. */
static bool next_part(char part[64], const char **list)
{
    const char *p = *list;

    if (!p) return false;
    const char *comma = strchr(p, ',');
    const ofr_str s = ofr_str_trim((ofr_str){p, comma ? (size_t)(comma - p) : strlen(p)});
    const size_t n = s.n < 63 ? s.n : 63;
    memcpy(part, s.p, n);
    part[n] = 0;
    *list = comma ? comma + 1 : NULL;
    return true;
}

static ofr_status parse_methods(ofr_compare_plan *plan, ofr_error *err)
{
    const char *list = plan->o->methods;
    char part[64];

    while (next_part(part, &list)) {
        const ofr_method *method;

        OFR_TRY(ofr_method_find(&method, part, err));
        for (int i = 0; i < plan->n_methods; i++)
            if (plan->methods[i] == method)
                return ofr_fail(err, OFR_INVALID, "--methods names %s twice", part);
        if (plan->n_methods == OFR_COMPARE_METHODS_MAX)
            return ofr_fail(err, OFR_INVALID, "--methods: more than %d",
                            OFR_COMPARE_METHODS_MAX);
        if (method == &ofr_method_consistentee) plan->reference = plan->n_methods;
        plan->methods[plan->n_methods++] = method;
    }
    return OFR_OK;
}

static ofr_status parse_seeds(ofr_compare_plan *plan, ofr_error *err)
{
    const char *list = plan->o->seeds;
    char part[64];

    if (!list) plan->seeds[plan->n_seeds++] = plan->o->train.method.seed;
    while (next_part(part, &list)) {
        long long seed;

        if (!ofr_str_to_int(ofr_str_of(part), &seed) || seed < 0 ||
            (uint64_t)seed > OFR_OPT_U64_MAX)
            return ofr_fail(err, OFR_INVALID,
                            "--seeds: '%s' is no seed, expected whole numbers from 0 to "
                            "%llu, such as 1,2,3",
                            part, (unsigned long long)OFR_OPT_U64_MAX);
        for (int i = 0; i < plan->n_seeds; i++)
            if (plan->seeds[i] == (uint64_t)seed)
                return ofr_fail(err, OFR_INVALID, "--seeds names %s twice", part);
        if (plan->n_seeds == OFR_COMPARE_SEEDS_MAX)
            return ofr_fail(err, OFR_INVALID, "--seeds: more than %d",
                            OFR_COMPARE_SEEDS_MAX);
        plan->seeds[plan->n_seeds++] = (uint64_t)seed;
    }
    return OFR_OK;
}

ofr_status ofr_compare_parse(ofr_compare_plan *plan, const ofr_compare_values *values,
                             ofr_error *err)
{
    *plan = (ofr_compare_plan){.o = values};
    OFR_TRY(parse_methods(plan, err));
    return parse_seeds(plan, err);
}

/* Passes over the texts in which the backbone of `method` learns after the joint
 * phase. */
static int task_epochs(const ofr_compare_plan *plan, int method)
{
    const ofr_method_options *o = &plan->o->train.method;

    if (!ofr_method_reads(plan->methods[method], "task-epochs")) return 0;
    return o->iterations * o->task_epochs;
}

/* Equal budgets leave every method a joint phase. */
static ofr_status check_budget(const ofr_compare_plan *plan, int method, ofr_error *err)
{
    const ofr_method_options *o = &plan->o->train.method;
    const int task = task_epochs(plan, method);

    if (plan->o->epochs == 0 || plan->o->epochs > task) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "--epochs %d: the task phases of %s take %d (--iterations %d times "
                    "--task-epochs %d), which leaves no joint phase; give --epochs %d or "
                    "more, or fewer task phases",
                    plan->o->epochs, plan->methods[method]->name, task, o->iterations,
                    o->task_epochs, task + 1);
}

/* The options of every method, against the model that they start from. */
static ofr_status check_methods(const ofr_compare_plan *plan, bool regression,
                                ofr_error *err)
{
    const ofr_train_values *o = &plan->o->train;
    char path[OFR_PATH_MAX];
    ofr_config config;
    ofr_status status = OFR_OK;

    OFR_TRY(ofr_load_check_dir(o->model, err));
    OFR_TRY(ofr_file_join(path, o->model, "config.json", err));
    OFR_TRY(ofr_config_load(&config, path, err));
    for (int i = 0; i < plan->n_methods && !status; i++) {
        status =
            ofr_method_check(plan->methods[i], &o->method, config.L, regression, err);
        if (!status) status = check_budget(plan, i, err);
    }
    ofr_config_free(&config);
    return status;
}

/* What the sweep of every run will find. */
static ofr_status find_report(ofr_eval_source *report, const ofr_compare_plan *plan,
                              bool regression, ofr_error *err)
{
    const ofr_config config = {.regression = regression};
    ofr_sweep_values sweep;

    ofr_compare_sweep(&sweep, plan, 0, NULL);
    return ofr_eval_data_find(report, &sweep.job.data, &config, err);
}

ofr_status ofr_compare_check(ofr_compare_files *files, const ofr_compare_plan *plan,
                             ofr_error *err)
{
    const ofr_compare_values *values = plan->o;
    ofr_train_source *source = &files->train;

    *files = (ofr_compare_files){0};
    OFR_TRY(ofr_train_find(source, &values->train, err));
    OFR_TRY(check_methods(plan, source->columns.regression, err));
    if (!ofr_file_exists(source->train))
        return ofr_fail(err, OFR_NOT_FOUND, "%s: no such training file", source->train);
    if (values->test && strcmp(values->test, "-") == 0)
        return ofr_fail(err, OFR_INVALID,
                        "--test is standard input, and every run is measured on these "
                        "texts; write them to a file");
    if (values->test && !ofr_file_exists(values->test))
        return ofr_fail(err, OFR_NOT_FOUND, "%s: no such file to report on",
                        values->test);
    if (values->test && ofr_file_same(values->test, source->train))
        return ofr_fail(err, OFR_INVALID,
                        "--test is %s, and the training file is %s, the same; report on "
                        "other texts",
                        values->test, source->train);
    if (!values->test && !values->train.data)
        return ofr_fail(err, OFR_INVALID,
                        "needs --data DIR or --test FILE: texts to report on; see "
                        "--help");
    OFR_TRY(find_report(&files->report, plan, source->columns.regression, err));
    return ofr_data_hash_of(&files->hash, source->train, files->report.path, err);
}

/* ---- one run ------------------------------------------------------------- */

ofr_status ofr_compare_dir(char out[OFR_PATH_MAX], const ofr_compare_plan *plan,
                           int method, int seed, ofr_error *err)
{
    char name[96];

    snprintf(name, sizeof name, "runs/%.40s.%llu", plan->methods[method]->name,
             (unsigned long long)plan->seeds[seed]);
    return ofr_file_join(out, plan->o->out, name, err);
}

void ofr_compare_train(ofr_train_values *train, const ofr_compare_plan *plan, int method,
                       int seed, const char *dir)
{
    const ofr_method *m = plan->methods[method];
    ofr_method_options *o = &train->method;

    *train = plan->o->train;
    train->out = dir;
    train->method_name = m->name;
    o->seed = plan->seeds[seed];
    o->alphas = NULL; /* prices are fitted by the sweep */
    if (plan->o->epochs > 0)
        o->joint_epochs = plan->o->epochs - task_epochs(plan, method);
}

void ofr_compare_sweep(ofr_sweep_values *sweep, const ofr_compare_plan *plan, int method,
                       const char *dir)
{
    const ofr_compare_values *o = plan->o;
    const ofr_train_values *t = &o->train;
    ofr_sweep_job *job = &sweep->job;

    ofr_opt_defaults(ofr_sweep_rows, sweep);
    sweep->common = t->common;
    job->model = dir;
    job->data = (ofr_eval_data){.task = t->task, .data = o->test ? NULL : t->data,
                                .dev = o->test, .text = t->text, .pair = t->pair,
                                .label = t->label, .no_header = t->no_header,
                                .skip_bad_rows = t->skip_bad_rows};
    job->tune_held = true;
    job->rules = "stored";
    if (ofr_method_reads(plan->methods[method], "alphas")) job->alphas = t->method.alphas;
    job->values = o->values;
    job->timed = o->timed;
    job->batch = o->timed_batch;
    job->runs = o->timed_runs;
    job->threads = t->common.threads;
    job->term = t->common.term;
}

/* ---- the same options as before ------------------------------------------ */

static const char *const call_names[] = {"methods", "seeds",        "seed",
                                         "out",     "json",         "threads",
                                         "quiet",   "no-color",     "help",
                                         "timed",   "save-minutes", "save-steps",
                                         "timed-batch", "timed-runs", "resamples", NULL};

static bool of_the_call(const char *name)
{
    for (int i = 0; call_names[i]; i++)
        if (strcmp(call_names[i], name) == 0) return true;
    return false;
}

void ofr_compare_command(ofr_buf *out, const ofr_compare_values *values)
{
    static const char *const without[] = {"json", "threads", "quiet", "no-color", "help",
                                          NULL};

    ofr_buf_adds(out, "offramp compare");
    ofr_command_options(out, ofr_compare_rows, values, without);
}

/* An option that the file lacks is newer than the comparison. */
static ofr_status check(const json_t *json, const ofr_compare_values *values,
                        const char *path, ofr_error *err)
{
    ofr_status status = OFR_OK;
    ofr_buf text;

    if (!json_is_object(json))
        return ofr_fail(err, OFR_FORMAT,
                        "%s: expected an object of options; restore the file, or choose "
                        "another --out",
                        path);
    ofr_buf_init(&text);
    for (const ofr_opt *row = ofr_compare_rows; row->name && !status; row++) {
        const char *before = NULL;

        if (of_the_call(row->name)) continue;
        status = ofr_json_text(json, row->name, &before, path, err);
        if (status) break;
        ofr_buf_clear(&text);
        ofr_opt_format(row, values, &text);
        const char *now = text.p ? text.p : "";
        if (text.failed) status = ofr_fail_nomem(err, 64, path);
        if (text.failed || !before || strcmp(before, now) == 0) continue;
        status = ofr_fail(err, OFR_INVALID,
                          "%s: the runs there have --%s '%s', now it is '%s'; give the "
                          "same options or another --out",
                          path, row->name, before, now);
    }
    ofr_buf_free(&text);
    return status;
}

static ofr_status save(const ofr_compare_values *values, const ofr_data_hash *data,
                       const char *path, ofr_error *err)
{
    json_t *json = json_object();
    ofr_buf text;
    ofr_status status = OFR_OK;

    ofr_buf_init(&text);
    for (const ofr_opt *row = ofr_compare_rows; row->name && !status; row++) {
        if (of_the_call(row->name)) continue;
        ofr_buf_clear(&text);
        ofr_opt_format(row, values, &text);
        if (text.failed ||
            json_object_set_new(json, row->name, json_string(text.p ? text.p : "")))
            status = ofr_fail_nomem(err, 64, path);
    }
    if (!status && !ofr_data_hash_write(json, data))
        status = ofr_fail_nomem(err, 64, path);
    if (!status) status = ofr_json_save(json, path, err);
    ofr_buf_free(&text);
    json_decref(json);
    return status;
}

ofr_status ofr_compare_settle(const ofr_compare_values *values, const ofr_data_hash *data,
                              ofr_error *err)
{
    char path[OFR_PATH_MAX];
    json_t *json;
    ofr_status status;

    OFR_TRY(ofr_file_make_dirs(values->out, err));
    ofr_file_tidy(values->out);
    OFR_TRY(ofr_file_join(path, values->out, "compare.json", err));
    if (!ofr_file_exists(path)) return save(values, data, path, err);
    OFR_TRY(ofr_json_load(&json, path, err));
    status = check(json, values, path, err);
    if (!status)
        status = ofr_data_hash_check(json, data, path, "give another --out", err);
    json_decref(json);
    return status;
}
