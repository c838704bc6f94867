/* ablate_unit.c - training runs of a question: made once, read ever after. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/ablate.h"
#include "cli/train_run.h"
#include "eval/evaluate.h"

/* ---- unit.json ------------------------------------------------------------------ */

static ofr_status nomem(ofr_error *err)
{
    return ofr_fail_nomem(err, 4096, "an ablation");
}

static json_t *right_rows(const ofr_eval *eval)
{
    json_t *rows = json_array();
    char row[513];

    for (int i = 0; rows && i < eval->n; i++) {
        for (int l = 0; l < eval->L; l++)
            row[l] = ofr_eval_right(eval, i, l + 1) ? '1' : '0';
        if (json_array_append_new(rows, json_stringn(row, (size_t)eval->L))) {
            json_decref(rows);
            rows = NULL;
        }
    }
    return rows;
}

static json_t *ints(const int *x, int n)
{
    json_t *array = json_array();

    for (int i = 0; array && i < n; i++)
        if (json_array_append_new(array, json_integer(x[i]))) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

static ofr_status write_unit(const char *path, const char *command, const ofr_eval *eval,
                             ofr_error *err)
{
    json_t *json = json_pack("{s:i, s:s, s:f, s:f, s:f, s:i}", "schema_version",
                             OFR_SCHEMA_VERSION, "command", command, "score", eval->score,
                             "score_full", eval->score_full, "mean_exit_layer",
                             eval->mean_exit, "n_layers", eval->L);
    ofr_status status;

    if (!json) return nomem(err);
    if (json_object_set_new(json, "exit_layer", ints(eval->exit_layer, eval->n)) ||
        json_object_set_new(json, "memorized", ints(eval->memorized, eval->n)) ||
        json_object_set_new(json, "right", right_rows(eval)))
        status = nomem(err);
    else
        status = ofr_json_save(json, path, err);
    json_decref(json);
    return status;
}

static ofr_status read_ints(ofr_ablation *a, int **out, const json_t *json,
                            const char *key, int n, int L, const char *path,
                            ofr_error *err)
{
    const json_t *array = json_object_get(json, key);

    if (json_array_size(array) != (size_t)n)
        return ofr_fail(err, OFR_FORMAT, "%s: \"%s\" has %zu entries, expected %d", path,
                        key, json_array_size(array), n);
    *out = ofr_arena_alloc(&a->arena, (size_t)n * sizeof **out);
    if (!*out) return nomem(err);
    for (int i = 0; i < n; i++) {
        const json_int_t layer = json_integer_value(json_array_get(array, (size_t)i));

        if (layer < 1 || layer > L)
            return ofr_fail(err, OFR_FORMAT,
                            "%s: \"%s\"[%d] is %lld, expected a layer from 1 to %d; "
                            "measure again with --overwrite",
                            path, key, i, (long long)layer, L);
        (*out)[i] = (int)layer;
    }
    return OFR_OK;
}

static ofr_status read_right(ofr_ablation *a, ofr_ablate_unit *unit, const json_t *json,
                             const char *path, ofr_error *err)
{
    const json_t *rows = json_object_get(json, "right");
    const size_t L = (size_t)unit->L, n = (size_t)unit->n;

    if (json_array_size(rows) != n)
        return ofr_fail(err, OFR_FORMAT, "%s: \"right\" has %zu entries, expected %zu",
                        path, json_array_size(rows), n);
    unit->right = ofr_arena_alloc(&a->arena, n * L);
    if (!unit->right) return nomem(err);
    for (size_t i = 0; i < n; i++) {
        const char *row = json_string_value(json_array_get(rows, i));

        if (!row || strlen(row) != L)
            return ofr_fail(err, OFR_FORMAT, "%s: \"right\"[%zu] has not %zu layers",
                            path, i, L);
        for (size_t l = 0; l < L; l++)
            unit->right[i * L + l] = row[l] == '1';
    }
    return OFR_OK;
}

/* What an earlier call left; its command must be this one's. */
static ofr_status read_unit(ofr_ablation *a, ofr_ablate_unit *unit, const char *path,
                            const char *command, ofr_error *err)
{
    const char *theirs;
    json_t *json;
    ofr_status status;

    OFR_TRY(ofr_json_load(&json, path, err));
    theirs = json_string_value(json_object_get(json, "command"));
    unit->n = (int)json_array_size(json_object_get(json, "exit_layer"));
    unit->score = json_number_value(json_object_get(json, "score"));
    unit->score_full = json_number_value(json_object_get(json, "score_full"));
    unit->mean_exit = json_number_value(json_object_get(json, "mean_exit_layer"));
    status = ofr_json_int(json, "n_layers", 1, 512, &unit->L, path, err);
    if (!status && (!theirs || strcmp(theirs, command) != 0))
        status = ofr_fail(err, OFR_INVALID,
                          "%s: was made with other options; give the same ones, another "
                          "--out, or --overwrite",
                          path);
    if (!status)
        status = read_ints(a, &unit->exit, json, "exit_layer", unit->n, unit->L, path,
                           err);
    if (!status)
        status = read_ints(a, &unit->memorized, json, "memorized", unit->n, unit->L, path,
                           err);
    if (!status) status = read_right(a, unit, json, path, err);
    json_decref(json);
    return status;
}

/* ---- training ---------------------------------------------------------------------- */

typedef struct keeper {
    const char *path, *command;
} keeper;

static ofr_status keep(void *user, const ofr_train_report *report, ofr_error *err)
{
    const keeper *k = user;

    return write_unit(k->path, k->command, report->eval, err);
}

/* Train into values->out and leave unit.json there. */
static ofr_status train(ofr_ablation *a, ofr_train_values *values, const char *path,
                        const char *command, ofr_error *err)
{
    const keeper k = {path, command};
    const ofr_method *method;
    bool exists, complete;

    OFR_TRY(ofr_method_find(&method, values->method_name, err));
    OFR_TRY(ofr_trainer_peek(values->out, &exists, &complete, err));
    values->resume = exists && !a->o->train.overwrite;
    ofr_log(OFR_LOG_INFO, "%s %s: %s", a->name, values->resume ? "continues" : "trains",
            values->out);
    return ofr_train_run(values, method, keep, (void *)(size_t)(const void *)&k, err);
}

static ofr_status make_unit(ofr_ablation *a, ofr_ablate_unit **out, const char *folder,
                            const ofr_train_values *values, ofr_error *err)
{
    ofr_ablate_unit *unit = ofr_arena_alloc(&a->arena, sizeof *unit);
    ofr_train_values mine = *values;
    char path[OFR_PATH_MAX];
    ofr_buf command;
    ofr_status status;

    if (!unit) return nomem(err);
    OFR_TRY(ofr_file_join(unit->folder, a->o->train.out, folder, err));
    OFR_TRY(ofr_file_join(path, unit->folder, "unit.json", err));
    mine.out = unit->folder;
    ofr_buf_init(&command);
    ofr_train_command(&command, &mine);
    status = command.failed ? nomem(err) : OFR_OK;
    if (!status && (mine.overwrite || !ofr_file_exists(path)))
        status = train(a, &mine, path, command.p, err);
    if (!status) status = read_unit(a, unit, path, command.p, err);
    ofr_buf_free(&command);
    a->done++;
    *out = unit;
    return status;
}

ofr_train_values ofr_ablate_base(const ofr_ablation *a, int seed)
{
    ofr_train_values values = a->o->train;

    values.method_name = "consistentee";
    values.method.seed = (uint64_t)a->seeds[seed];
    return values;
}

/* The cheapest run with this joint phase.  It counts forgetting, which is no part
 * of the phase's bits, so that every question can fork from it. */
ofr_status ofr_ablate_joint(ofr_ablation *a, int seed, ofr_error *err)
{
    ofr_train_values values = ofr_ablate_base(a, seed);
    char folder[64];

    if (a->joint[seed]) return OFR_OK;
    values.keep_first = true;
    values.method.hardness = OFR_HARDNESS_FORGETTING;
    values.method.policy_epochs = 1;
    values.method.iterations = 0;
    snprintf(folder, sizeof folder, "joint-s%g", a->seeds[seed]);
    return make_unit(a, &a->joint[seed], folder, &values, err);
}

ofr_status ofr_ablate_train(ofr_ablation *a, ofr_ablate_unit **out, const char *name,
                            const ofr_train_values *values, int seed, bool fork,
                            ofr_error *err)
{
    ofr_train_values mine = *values;
    char folder[256];

    if (fork) {
        OFR_TRY(ofr_ablate_joint(a, seed, err));
        mine.fork = a->joint[seed]->folder;
    }
    snprintf(folder, sizeof folder, "%s/%s-s%g", a->name, name, a->seeds[seed]);
    return make_unit(a, out, folder, &mine, err);
}

ofr_status ofr_ablate_grid(ofr_ablation *a, ofr_ablate_unit **units,
                           const char *const *names, int n_variants, ofr_ablate_set set,
                           ofr_error *err)
{
    for (int s = 0; s < a->n_seeds; s++)
        for (int v = 0; v < n_variants; v++)
            for (int p = 0; p < a->n_prices; p++) {
                ofr_train_values values = ofr_ablate_base(a, s);
                char name[128];

                values.method.alpha = a->prices[p];
                set(&values, v);
                snprintf(name, sizeof name, "%s-%g", names[v], a->prices[p]);
                OFR_TRY(ofr_ablate_train(a,
                                         &units[(v * a->n_prices + p) * a->n_seeds + s],
                                         name, &values, s, true, err));
            }
    return OFR_OK;
}

/* ---- figures ---------------------------------------------------------------------- */

double ofr_ablate_right(const ofr_ablate_unit *unit, const unsigned char *member)
{
    int n = 0, right = 0;

    for (int i = 0; i < unit->n; i++) {
        if (member && !member[i]) continue;
        n++;
        right += unit->right[(size_t)i * (size_t)unit->L + (size_t)unit->exit[i] - 1];
    }
    return n ? (double)right / n : (double)NAN;
}

double ofr_ablate_depth(const ofr_ablate_unit *unit, const unsigned char *member)
{
    int n = 0;
    double exits = 0;

    for (int i = 0; i < unit->n; i++) {
        if (member && !member[i]) continue;
        n++;
        exits += unit->exit[i];
    }
    return n ? exits / n : (double)NAN;
}

/* A curve right against depth through n units, in the order of depth. */
typedef struct curve {
    double depth[OFR_ABLATE_PRICES], right[OFR_ABLATE_PRICES];
} curve;

static curve curve_of(ofr_ablate_unit *const *units, int n, int stride,
                      const unsigned char *member)
{
    curve c;

    for (int i = 0; i < n; i++) {
        const double depth = ofr_ablate_depth(units[i * stride], member);
        const double right = ofr_ablate_right(units[i * stride], member);
        int at = i;

        for (; at > 0 && c.depth[at - 1] > depth; at--) {
            c.depth[at] = c.depth[at - 1];
            c.right[at] = c.right[at - 1];
        }
        c.depth[at] = depth;
        c.right[at] = right;
    }
    return c;
}

double ofr_ablate_gap(ofr_ablate_unit *const *a, ofr_ablate_unit *const *b, int n,
                      int stride, const unsigned char *member)
{
    const curve x = curve_of(a, n, stride, member), y = curve_of(b, n, stride, member);
    const double low = fmax(x.depth[0], y.depth[0]);
    const double high = fmin(x.depth[n - 1], y.depth[n - 1]);

    return ofr_stats_curve_area(x.depth, x.right, n, low, high) -
           ofr_stats_curve_area(y.depth, y.right, n, low, high);
}
