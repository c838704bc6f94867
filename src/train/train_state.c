/* train_state.c - the state of a run to a checkpoint and back. */
#include "train/train_state.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "data/order.h"
#include "train/run_folder.h"
#include "train/together.h"

#define POSITION_COUNT (sizeof(ofr_position) / sizeof(int64_t))

/* Everything but the moments: counters, weights, the method's arrays. */
static int state_items(ofr_trainer *trainer, ofr_checkpoint_item *items)
{
    const ofr_recipe *recipe = trainer->recipe;
    int n = 0;

    items[n++] = ofr_checkpoint_item_of("weights", ofr_checkpoint_real(),
                                        trainer->encoder->params.total,
                                        trainer->encoder->w);
    if (recipe->state) n += recipe->state(recipe->self, items + n);
    return n;
}

static int moment_items(ofr_trainer *trainer, ofr_checkpoint_item *items)
{
    const ofr_adamw *adamw = &trainer->adamw;
    char name[48];
    int n = 0;

    for (int s = 0; s < adamw->n_spans; s++) {
        const ofr_span *span = &adamw->spans[s];

        snprintf(name, sizeof name, "adamw.m.%d", s);
        items[n++] = ofr_checkpoint_item_of(name, ofr_checkpoint_real(), span->count,
                                            adamw->m + span->at);
        snprintf(name, sizeof name, "adamw.v.%d", s);
        items[n++] = ofr_checkpoint_item_of(name, ofr_checkpoint_real(), span->count,
                                            adamw->v + span->at);
    }
    return n;
}

static ofr_checkpoint_item *items_alloc(const ofr_trainer *trainer, ofr_error *err)
{
    const size_t n = OFR_RECIPE_ITEMS_MAX + 6 + 2 * (size_t)trainer->encoder->params.n;
    ofr_checkpoint_item *items = ofr_mem_array(n, sizeof *items);

    if (!items) ofr_fail_nomem(err, n * sizeof *items, "a checkpoint");
    return items;
}

ofr_status ofr_train_state_bytes(ofr_trainer *trainer, double *bytes, ofr_error *err)
{
    ofr_checkpoint_item *items = items_alloc(trainer, err);
    int n;

    if (!items) return OFR_NOMEM;
    *bytes = 2 * (double)trainer->encoder->params.total * (double)sizeof(ofr_real);
    n = state_items(trainer, items);
    for (int i = 0; i < n; i++)
        *bytes += (double)items[i].count * (double)ofr_dtype_bytes(items[i].dtype);
    ofr_mem_free(items);
    return OFR_OK;
}

/* A step can overshoot although its loss was a number: no checkpoint of that. */
static ofr_status check_weights(const ofr_trainer *trainer, ofr_error *err)
{
    const size_t total = trainer->encoder->params.total;

    for (size_t i = 0; i < total; i++)
        if (!isfinite(trainer->encoder->w[i]))
            return ofr_fail(err, OFR_DIVERGED,
                            "a weight is %g after step %lld; the learning rate is "
                            "probably too high: start again with a lower --lr, or with "
                            "--clip or --warmup",
                            (double)trainer->encoder->w[i], (long long)trainer->at.steps);
    return OFR_OK;
}

/* Between phases (at.epoch == at.step == 0) there are no moments to keep.  The journal
 * comes first: a checkpoint counts its bytes. */
ofr_status ofr_train_state_save(ofr_trainer *trainer, const char *name, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    uint64_t fingerprint = trainer->options->fingerprint;
    uint64_t texts = trainer->options->texts;
    int64_t ranks = trainer->comm->n_ranks;
    char kernels[OFR_KERNELS_NAME];
    ofr_checkpoint_item *items;
    ofr_status status;
    int n = 0;

    trainer->saved_at = ofr_clock_seconds();
    if (!trainer->options->out || trainer->comm->rank != 0) return OFR_OK;
    OFR_TRY(check_weights(trainer, err));
    OFR_TRY(ofr_journal_sync(&trainer->journal, err));
    items = items_alloc(trainer, err);
    if (!items) return OFR_NOMEM;
    trainer->at.journal_bytes = trainer->journal.bytes;
    trainer->at.adam_t = trainer->adamw.t;
    items[n++] =
        ofr_checkpoint_item_of("position", OFR_I64, POSITION_COUNT, &trainer->at);
    items[n++] = ofr_checkpoint_item_of("fingerprint", OFR_I64, 1, &fingerprint);
    items[n++] = ofr_checkpoint_item_of("texts", OFR_I64, 1, &texts);
    if (ranks > 1) items[n++] = ofr_checkpoint_item_of("ranks", OFR_I64, 1, &ranks);
    ofr_together_kernels(kernels, trainer);
    items[n++] = ofr_checkpoint_item_of("kernels", OFR_U8, sizeof kernels, kernels);
    n += state_items(trainer, items + n);
    if (trainer->at.epoch || trainer->at.step) n += moment_items(trainer, items + n);
    status = ofr_file_join(path, trainer->options->out, name, err);
    if (!status) status = ofr_checkpoint_save(path, items, n, err);
    ofr_mem_free(items);
    return status;
}

/* The first counter is a row of the table, the others count. */
static ofr_status check_position(const ofr_trainer *trainer, const char *path,
                                 ofr_error *err)
{
    const int64_t *counts = &trainer->at.phase, most = (int64_t)1 << 53;
    int64_t n_phases = 0;

    while (trainer->recipe->phases[n_phases].name)
        n_phases++;
    for (size_t i = 0; i < POSITION_COUNT; i++) {
        const int64_t low = i == 0 ? -1 : 0, high = i == 0 ? n_phases - 1 : most;

        if (counts[i] < low || counts[i] > high)
            return ofr_fail(
                err, OFR_FORMAT,
                "%s: 'position'[%zu] is %lld, expected %lld..%lld; the file is "
                "damaged, remove it to start again",
                path, i, (long long)counts[i], (long long)low, (long long)high);
    }
    return OFR_OK;
}

/* A run goes on with what it began with. */
static ofr_status check_fingerprint(const ofr_trainer *trainer,
                                    const ofr_checkpoint *checkpoint, ofr_error *err)
{
    const ofr_train_options *o = trainer->options;
    uint64_t theirs = 0;
    const ofr_checkpoint_item item =
        ofr_checkpoint_item_of("fingerprint", OFR_I64, 1, &theirs);

    OFR_TRY(ofr_checkpoint_read(checkpoint, &item, 1, err));
    if (theirs == o->fingerprint || theirs == o->fingerprint_before) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: was made with other data or other settings; give the same "
                    "ones, or remove it to start again",
                    checkpoint->path);
}

/* The settings of a fork may differ after the first phase, its texts may not.
 * Checkpoints of earlier versions do not tell theirs. */
static ofr_status check_texts(const ofr_trainer *trainer,
                              const ofr_checkpoint *checkpoint, ofr_error *err)
{
    uint64_t theirs = 0;
    const ofr_checkpoint_item item = ofr_checkpoint_item_of("texts", OFR_I64, 1, &theirs);

    if (!ofr_safetensors_find(&checkpoint->file, item.name)) return OFR_OK;
    OFR_TRY(ofr_checkpoint_read(checkpoint, &item, 1, err));
    if (theirs == trainer->options->texts) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "%s: was made with other texts or labels (%016llx) than this run has "
                    "(%016llx); restore those, or train its run again",
                    checkpoint->path, (unsigned long long)theirs,
                    (unsigned long long)trainer->options->texts);
}

ofr_status ofr_train_state_read(ofr_trainer *trainer, const ofr_checkpoint *checkpoint,
                                bool forked, ofr_error *err)
{
    ofr_checkpoint_item *items;
    ofr_status status;
    int n = 0;

    OFR_TRY(forked ? check_texts(trainer, checkpoint, err)
                   : check_fingerprint(trainer, checkpoint, err));
    items = items_alloc(trainer, err);
    if (!items) return OFR_NOMEM;
    items[n++] =
        ofr_checkpoint_item_of("position", OFR_I64, POSITION_COUNT, &trainer->at);
    n += state_items(trainer, items + n);
    status = ofr_checkpoint_read(checkpoint, items, n, err);
    if (!status) status = check_position(trainer, checkpoint->path, err);
    if (!status) status = ofr_together_resume(trainer, checkpoint, err);
    ofr_mem_free(items);
    return status;
}

ofr_status ofr_train_state_place(const ofr_trainer *trainer, const char *path,
                                 ofr_error *err)
{
    const ofr_phase_plan *plan = &trainer->plan;
    const int n_steps = plan->epochs ? ofr_order_batches(plan->n_items, plan->batch) : 0;

    if (trainer->at.epoch <= plan->epochs && trainer->at.step <= n_steps) return OFR_OK;
    return ofr_fail(
        err, OFR_FORMAT,
        "%s: 'position' is epoch %lld, step %lld, expected at most %d and %d; "
        "the file is damaged, remove it to start again",
        path, (long long)trainer->at.epoch, (long long)trainer->at.step, plan->epochs,
        n_steps);
}

ofr_status ofr_train_state_moments(ofr_trainer *trainer,
                                   const ofr_checkpoint *checkpoint, ofr_error *err)
{
    ofr_checkpoint_item *items;
    ofr_status status;

    if (trainer->at.epoch == 0 && trainer->at.step == 0) return OFR_OK;
    items = items_alloc(trainer, err);
    if (!items) return OFR_NOMEM;
    status = ofr_checkpoint_read(checkpoint, items, moment_items(trainer, items), err);
    trainer->adamw.t = trainer->at.adam_t;
    ofr_mem_free(items);
    return status;
}

ofr_status ofr_trainer_peek(const char *out, bool *exists, bool *complete, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    ofr_checkpoint checkpoint;
    ofr_position at = {0};
    const ofr_checkpoint_item item =
        ofr_checkpoint_item_of("position", OFR_I64, POSITION_COUNT, &at);
    ofr_status status;

    OFR_TRY(ofr_file_join(path, out, OFR_RUN_LATEST, err));
    *exists = ofr_file_exists(path);
    *complete = false;
    if (!*exists) return OFR_OK;
    OFR_TRY(ofr_checkpoint_open(&checkpoint, path, err));
    status = ofr_checkpoint_read(&checkpoint, &item, 1, err);
    ofr_checkpoint_close(&checkpoint);
    *complete = at.phase < 0;
    return status;
}
