/*
 * consistentee_sweep.c - policies for many prices of a layer, one backbone.
 *
 * Each price is one run of the policy phase from fresh policies on the cache of
 * the finished backbone, so a whole curve of score against saved layers costs
 * about as much as a few policy phases.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "method/consistentee.h"

static const char automatic[] =
    "0.001,0.002,0.003,0.005,0.007,0.01,0.015,0.02,0.03,0.05,0.07,0.1";

ofr_status ofr_consistentee_alphas(double alphas[OFR_SWEEP_MAX], int *n, const char *list,
                                   ofr_error *err)
{
    *n = 0;
    if (!list) return OFR_OK;
    if (strcmp(list, "auto") == 0) list = automatic;
    for (const char *p = list; p;) {
        const char *comma = strchr(p, ',');
        const ofr_str part = {p, comma ? (size_t)(comma - p) : strlen(p)};
        double alpha;

        if (!ofr_str_to_double(ofr_str_trim(part), &alpha) || !(alpha >= 0) ||
            !isfinite(alpha))
            return ofr_fail(err, OFR_INVALID,
                            "--alphas: '%.*s' is no price of a layer, expected a number "
                            "from 0 up; example: 0.01,0.02,0.05",
                            (int)part.n, part.p);
        if (*n == OFR_SWEEP_MAX)
            return ofr_fail(err, OFR_INVALID, "--alphas: more than %d values",
                            OFR_SWEEP_MAX);
        alphas[(*n)++] = alpha;
        p = comma ? comma + 1 : NULL;
    }
    return OFR_OK;
}

/* Policy parameters of the weights to or from one row of sweep_w. */
static void copy_policies(ofr_consistentee *c, ofr_trainer *trainer, int row, bool save)
{
    const ofr_params *params = &trainer->encoder->params;
    ofr_real *p = c->sweep_w + (size_t)row * c->n_policy_w;

    for (int i = 0; i < params->n; i++) {
        const ofr_param *param = &params->rows[i];
        ofr_real *w = trainer->encoder->w + param->offset;

        if (!(param->group & OFR_GROUP_POLICIES)) continue;
        memcpy(save ? p : w, save ? w : p, param->count * sizeof(ofr_real));
        p += param->count;
    }
}

ofr_status ofr_consistentee_sweep_begin(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;
    int row = 0;

    while (row < c->n_alphas && c->sweep[row][3] != 0)
        row++;
    if (row == c->n_alphas)
        return ofr_fail(err, OFR_FORMAT,
                        "%s: the checkpoint is in the phase 'sweep', and %d of %d prices "
                        "are done; it is damaged, remove it to start again",
                        trainer->options->out ? trainer->options->out : "memory", row,
                        c->n_alphas);
    c->alpha = c->alphas[row];
    if (!c->cached) OFR_TRY(ofr_consistentee_remember(c, trainer, err));
    if (trainer->at.epoch || trainer->at.step) return OFR_OK;
    if (row == 0) copy_policies(c, trainer, c->n_alphas, true);
    return ofr_consistentee_start(c, trainer, err);
}

ofr_status ofr_consistentee_sweep_end(ofr_trainer *trainer, void *self, ofr_error *err)
{
    ofr_consistentee *c = self;
    int row = 0;

    while (c->sweep[row][3] != 0)
        row++;
    ofr_consistentee_dev_figures(c);
    copy_policies(c, trainer, row, true);
    c->sweep[row][0] = c->watch.score;
    c->sweep[row][1] = c->watch.mean_exit;
    c->sweep[row][2] = c->watch.reward;
    c->sweep[row][3] = 1;
    ofr_trainer_journal(trainer, "sweep");
    ofr_journal_real(&trainer->journal, "alpha", c->alpha);
    ofr_watch_journal(&c->watch, &trainer->journal);
    return ofr_journal_end(&trainer->journal, err);
}

void ofr_consistentee_sweep_choose(ofr_consistentee *c, ofr_trainer *trainer)
{
    const double least = c->watch.score_full - c->o->max_loss / 100;

    c->chosen = -1;
    for (int i = 0; i < c->n_alphas && c->o->max_loss >= 0; i++)
        if (c->sweep[i][0] >= least - 1e-12 &&
            (c->chosen < 0 || c->sweep[i][1] < c->sweep[c->chosen][1]))
            c->chosen = i;
    if (c->chosen < 0 && c->o->max_loss >= 0)
        ofr_log(
            OFR_LOG_WARN,
            "--max-loss %g: no price of --alphas loses so little on dev; the policies "
            "of --alpha %g are kept",
            c->o->max_loss, c->o->alpha);
    copy_policies(c, trainer, c->chosen < 0 ? c->n_alphas : c->chosen, false);
}
