/* cmd_ablate.c - `offramp ablate`: open questions of ConsistentEE, one command each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/ablate.h"
#include "cli/command.h"
#include "cli/default_model.h"
#include "cli/stop.h"
#include "method/method.h"

#define V(member)  offsetof(ofr_ablate_values, member)
#define T(member)  offsetof(ofr_ablate_values, train.member)
#define AT(member) offsetof(ofr_ablate_values, train.method.member)

static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, T(model), NULL, "DIR", NULL, 0, 0,
     "model directory that every run starts from; default: offramp-small where it is "
     "installed",
     "Model and data"},
    {"out", 'o', OFR_OPT_TEXT, T(out), NULL, "DIR", NULL, 0, 0,
     "directory for runs and results; questions may share it, and the same command "
     "continues in it",
     NULL},
    {"seeds", 0, OFR_OPT_TEXT, V(seeds), "1,2,3", "LIST", NULL, 0, 0,
     "seeds with commas; every unit is trained with each", NULL},
    {"prices", 0, OFR_OPT_TEXT, V(prices), "0.01,0.03,0.1", "LIST", NULL, 0, 0,
     "reward, hardness, consistency: prices of a layer (--alpha) at which every variant "
     "is "
     "trained, so that variants can be compared at equal depth",
     NULL},
    OFR_TRAIN_TASK_ROWS(T),
    {"dev", 0, OFR_OPT_TEXT, T(dev), NULL, "FILE", NULL, 0, 0,
     "texts that figures are of", NULL},
    {"dev-split", 0, OFR_OPT_REAL, T(dev_split), "0", "X", NULL, 0, 0.9,
     "without a dev file: take this share of the training texts instead", NULL},
    OFR_TRAIN_COLUMN_ROWS(T),
    {"overwrite", 0, OFR_OPT_FLAG, T(overwrite), NULL, NULL, NULL, 0, 0,
     "train again what --out holds already", NULL},
    OFR_METHOD_ROWS(AT),
    OFR_CMD_COMMON_ROWS(ofr_train_values),
    OFR_CMD_END,
};

static const ofr_ablate_question *const questions[] = {
    &ofr_ablate_reward,     &ofr_ablate_hardness,    &ofr_ablate_gradient,
    &ofr_ablate_iterations, &ofr_ablate_consistency,
};

enum { QUESTIONS = sizeof questions / sizeof *questions };

static ofr_status find(const ofr_ablate_question **out, const char *name, ofr_error *err)
{
    const char *names[QUESTIONS];
    const char *near;

    for (int i = 0; i < QUESTIONS; i++) {
        names[i] = questions[i]->name;
        if (strcmp(name, names[i]) == 0) {
            *out = questions[i];
            return OFR_OK;
        }
    }
    near = ofr_opt_suggest(names, QUESTIONS, name);
    return ofr_fail(err, OFR_INVALID,
                    "unknown question '%s'%s%s%s; there are reward, hardness, gradient, "
                    "iterations, consistency",
                    name, near ? ", did you mean '" : "", near ? near : "",
                    near ? "'?" : "");
}

/* Numbers from 0 to the largest seed, with commas, none twice. */
static ofr_status parse_list(double *out, int *n, int most, const char *list,
                             const char *option, ofr_error *err)
{
    for (const char *p = list; p;) {
        const char *comma = strchr(p, ',');
        const ofr_str part = {p, comma ? (size_t)(comma - p) : strlen(p)};
        double x;

        if (!ofr_str_to_double(ofr_str_trim(part), &x) || !(x >= 0) ||
            x > (double)OFR_OPT_U64_MAX)
            return ofr_fail(err, OFR_INVALID,
                            "--%s: '%.*s' is no number from 0 to %llu; example: 1,2,3",
                            option, (int)part.n, part.p,
                            (unsigned long long)OFR_OPT_U64_MAX);
        for (int i = 0; i < *n; i++)
            if (out[i] == x)
                return ofr_fail(err, OFR_INVALID, "--%s names %g twice", option, x);
        if (*n == most)
            return ofr_fail(err, OFR_INVALID, "--%s: more than %d", option, most);
        out[(*n)++] = x;
        p = comma ? comma + 1 : NULL;
    }
    return OFR_OK;
}

ofr_status ofr_ablate_parse(ofr_ablation *a, ofr_error *err)
{
    const ofr_ablate_values *o = a->o;

    OFR_TRY(parse_list(a->seeds, &a->n_seeds, OFR_ABLATE_SEEDS, o->seeds, "seeds", err));
    OFR_TRY(
        parse_list(a->prices, &a->n_prices, OFR_ABLATE_PRICES, o->prices, "prices", err));
    for (int s = 0; s < a->n_seeds; s++)
        if (a->seeds[s] != floor(a->seeds[s]))
            return ofr_fail(err, OFR_INVALID, "--seeds: %g is no whole number",
                            a->seeds[s]);
    if (o->train.method.alphas)
        return ofr_fail(err, OFR_INVALID,
                        "--alphas is for train; ablate trains at each of --prices");
    return OFR_OK;
}

static bool has_use(const ofr_ablate_question *question, const char *option)
{
    for (int i = 0; question->fixed[i]; i++)
        if (strcmp(question->fixed[i], option) == 0) return false;
    return strcmp(option, "max-loss") != 0 && /* is for --alphas */
           ofr_method_reads(&ofr_method_consistentee, option);
}

/* A unit is known by its command.  That of the joint phase has what a question sets for
 * the other units alone, as questions that have a use for it share the phase. */
static bool is_in_units(const ofr_opt *row, const ofr_ablate_values *o)
{
    static const char *const set_for_all[] = {"prices", "hardness", "policy-epochs",
                                              "iterations", NULL};

    for (int i = 0; set_for_all[i]; i++)
        if (strcmp(set_for_all[i], row->name) == 0) return false;
    return !ofr_command_is_default(row, o);
}

#define UNITS ", but tells units apart: give it in every call into one --out, or in none"

static void remark_options(const ofr_ablate_values *o,
                           const ofr_ablate_question *question, const bool *is_set)
{
    for (const ofr_opt *row = rows; row->name; row++) {
        if (!is_set[row - rows]) continue;
        if (strcmp(row->name, "seed") == 0)
            ofr_log(OFR_LOG_WARN,
                    "--seed has no effect; --seeds lists those to train with");
        else if (!has_use(question, row->name))
            ofr_log(OFR_LOG_WARN, "--%s has no effect with ablate %s%s", row->name,
                    question->name, is_in_units(row, o) ? UNITS : "");
    }
}

static ofr_status begin(ofr_ablation *a, const ofr_ablate_question *question,
                        ofr_error *err)
{
    static const char *const without[] = {"json", "threads",   "quiet", "no-color",
                                          "help", "overwrite", NULL};
    ofr_buf command;

    ofr_buf_init(&command);
    ofr_buf_addf(&command, "offramp ablate %s", question->name);
    ofr_command_options(&command, rows, a->o, without);
    if (!command.failed)
        a->json =
            json_pack("{s:i, s:s, s:s, s:s, s:[], s:[]}", "schema_version",
                      OFR_SCHEMA_VERSION, "ablation", question->name, "title",
                      question->title, "command", command.p, "tables", "conclusion");
    ofr_buf_addf(&a->text, "## %s\n\n    %s\n", question->title,
                 command.p ? command.p : "");
    ofr_buf_free(&command);
    return a->json ? OFR_OK : ofr_fail_nomem(err, 4096, "a result");
}

/* Which texts all units are of. */
static ofr_status find_data(ofr_ablation *a, ofr_error *err)
{
    ofr_train_source *s = &a->source;

    OFR_TRY(ofr_train_find(s, &a->o->train, err));
    return ofr_data_hash_of(&a->data, s->train, s->has_dev ? s->dev : NULL, err);
}

static ofr_status answer(const ofr_ablate_values *o, const ofr_ablate_question *question,
                         ofr_error *err)
{
    ofr_ablation a = {.o = o, .name = question->name};
    ofr_status status;

    ofr_arena_init(&a.arena);
    ofr_buf_init(&a.text);
    status = ofr_ablate_parse(&a, err);
    if (!status) status = find_data(&a, err);
    if (!status) status = begin(&a, question, err);
    if (!status) status = question->run(&a, err);
    if (!status) status = ofr_ablate_finish(&a, err);
    json_decref(a.json);
    ofr_buf_free(&a.text);
    ofr_arena_free(&a.arena);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    ofr_ablate_values *o = values;
    const ofr_ablate_question *question = NULL;
    char model[OFR_PATH_MAX];
    ofr_status status;

    OFR_TRY(ofr_cmd_args(args, n_args, 1, err));
    if (n_args < 1)
        return ofr_fail(err, OFR_INVALID,
                        "needs a question: reward, hardness, gradient, iterations or "
                        "consistency; see --help");
    OFR_TRY(find(&question, args[0], err));
    OFR_TRY(ofr_cmd_need(o->train.out, "out", err));
    if (!o->train.model) {
        OFR_TRY(ofr_default_model(model, err));
        o->train.model = model;
    }
    remark_options(o, question, is_set);
    ofr_stop_begin();
    status = answer(o, question, err);
    ofr_stop_end();
    o->train.common.signal_number = *ofr_stop_flag();
    return status;
}

const ofr_cmd ofr_cmd_ablate = {
    .name = "ablate",
    .summary = "Answer an open question about ConsistentEE by training its variants",
    .usage = "QUESTION --model DIR --task NAME --data DIR --out DIR --seeds 1,2,3",
    .example = "  offramp ablate reward --model fresh-tiny --task mcid --data mcid --out "
               "ablations",
    .notes =
        "Questions: reward (does the hardness factor pay, for easy and for hard "
        "texts?),\n"
        "hardness (does the measure matter?), gradient (closed form against 1 to 16\n"
        "samples), iterations (what do 0 to 5 task phases bring?), consistency (are the\n"
        "exits better at the texts that leave there than a weighted sum makes them?).\n"
        "\n"
        "Each writes OUT/QUESTION.md and OUT/QUESTION.json; standard output has the "
        "first,\n"
        "or with --json the second.  Units stand in OUT/QUESTION/ with their commands; "
        "a\n"
        "call that was cut short continues when it is given again.  docs/ABLATIONS.md\n"
        "explains the rules behind the conclusions.",
    .arguments = "reward|hardness|gradient|iterations|consistency",
    .options = rows,
    .options_bytes = sizeof(ofr_ablate_values),
    .run = run,
};
