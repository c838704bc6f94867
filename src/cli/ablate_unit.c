/* ablate_unit.c - training runs of a question: made once, read ever after. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/ablate.h"
#include "cli/train_run.h"

static ofr_status nomem(ofr_error *err)
{
    return ofr_fail_nomem(err, 4096, "an ablation");
}

/* ---- training ---------------------------------------------------------------------- */

typedef struct keeper {
    const char *path;
    const ofr_ablate_origin *origin;
} keeper;

static ofr_status keep(void *user, const ofr_train_report *report, ofr_error *err)
{
    const keeper *k = user;

    return ofr_ablate_unit_write(k->path, k->origin, report->eval, err);
}

/* Train into values->out and leave unit.json there. */
static ofr_status train(ofr_ablation *a, ofr_train_values *values, const char *path,
                        const ofr_ablate_origin *origin, ofr_error *err)
{
    const keeper k = {path, origin};
    const ofr_method *method;
    bool complete;

    OFR_TRY(ofr_method_find(&method, values->method_name, err));
    if (!a->o->train.overwrite)
        OFR_TRY(ofr_trainer_peek(values->out, &values->resume, &complete, err));
    ofr_log(OFR_LOG_INFO, "%s %s: %s", a->name, values->resume ? "continues" : "trains",
            values->out);
    return ofr_train_run(values, method, keep, (void *)(size_t)(const void *)&k, err);
}

/* Figures go through the texts of several units side by side. */
static ofr_status check_texts(ofr_ablation *a, const ofr_ablate_unit *unit,
                              const char *path, ofr_error *err)
{
    if (a->n == 0) {
        a->n = unit->n;
        a->L = unit->L;
    }
    if (unit->n == a->n && unit->L == a->L) return OFR_OK;
    return ofr_fail(err, OFR_FORMAT,
                    "%s: has %d texts and %d layers, the units before it %d and %d; "
                    "measure again with --overwrite",
                    path, unit->n, unit->L, a->n, a->L);
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
    const ofr_ablate_origin origin = {command.p, &a->data};
    if (!status && (mine.overwrite || !ofr_file_exists(path)))
        status = train(a, &mine, path, &origin, err);
    if (!status) status = ofr_ablate_unit_read(&a->arena, unit, path, &origin, err);
    if (!status) status = check_texts(a, unit, path, err);
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

/* The run that the units of seed number `seed` fork from, the cheapest with this joint
 * phase; trained when first asked for.  It counts forgetting, where there is any to
 * count: that is no part of the phase's bits, so that every question can fork from it. */
static ofr_status train_joint(ofr_ablation *a, int seed, ofr_error *err)
{
    ofr_train_values values = ofr_ablate_base(a, seed);
    char folder[64];

    if (a->joint[seed]) return OFR_OK;
    values.keep_first = true;
    values.method.hardness = values.method.joint_epochs > 0 ? OFR_HARDNESS_FORGETTING
                                                            : OFR_HARDNESS_MEMORIZED;
    values.method.policy_epochs = 1;
    values.method.iterations = 0;
    snprintf(folder, sizeof folder, "joint-s%.0f", a->seeds[seed]);
    return make_unit(a, &a->joint[seed], folder, &values, err);
}

ofr_status ofr_ablate_train(ofr_ablation *a, ofr_ablate_unit **out, const char *name,
                            const ofr_train_values *values, int seed, bool fork,
                            ofr_error *err)
{
    ofr_train_values mine = *values;
    char folder[256];

    if (fork) {
        OFR_TRY(train_joint(a, seed, err));
        mine.fork = a->joint[seed]->folder;
    }
    snprintf(folder, sizeof folder, "%s/%s-s%.0f", a->name, name, a->seeds[seed]);
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
