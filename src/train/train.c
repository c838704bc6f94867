/* train.c - the loop over phases, epochs and steps. */
#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/order.h"
#include "train/run_folder.h"
#include "train/together.h"
#include "train/train_state.h"

ofr_status ofr_trainer_open(ofr_trainer *trainer, ofr_encoder *encoder, ofr_dev *dev,
                            const ofr_train_options *options, ofr_error *err)
{
    const size_t bytes = encoder->params.total * sizeof(ofr_real);
    ofr_status status;

    *trainer = (ofr_trainer){.encoder = encoder, .dev = dev, .options = options,
                             .dev_score = NAN};
    trainer->comm = options->comm ? options->comm : &ofr_comm_self;
    trainer->grads = ofr_mem_zalloc(bytes);
    if (!trainer->grads) return ofr_fail_nomem(err, bytes, "gradients");
    status = ofr_adamw_open(&trainer->adamw, &encoder->params, dev, options->beta1,
                            options->beta2, options->eps, options->weight_decay, err);
    if (!status)
        status = ofr_reduce_open(&trainer->reduce, trainer->comm, &encoder->params, err);
    if (status) ofr_trainer_close(trainer);
    return status;
}

void ofr_trainer_close(ofr_trainer *trainer)
{
    ofr_mem_free(trainer->grads);
    ofr_mem_free(trainer->order);
    ofr_adamw_close(&trainer->adamw);
    ofr_reduce_close(&trainer->reduce);
    ofr_journal_close(&trainer->journal);
    ofr_journal_close(&trainer->timings);
    ofr_tfevents_close(&trainer->events);
    *trainer = (ofr_trainer){0};
}

/* Has this rank's stop flag risen?  Ranks differ in that for a while. */
static bool stopped(const ofr_trainer *trainer)
{
    return trainer->options->stop && *trainer->options->stop;
}

/* ---- what is shown and written ------------------------------------------ */

static void phase_label(char out[64], const ofr_trainer *trainer)
{
    const char *name = trainer->recipe->phases[trainer->at.phase].name;
    const int epoch = (int)trainer->at.epoch + 1, epochs = trainer->plan.epochs;
    char of_epochs[32] = "";

    if (epochs > 0)
        snprintf(of_epochs, sizeof of_epochs, " %d/%d", epoch < epochs ? epoch : epochs,
                 epochs);
    if (trainer->at.iteration > 0)
        snprintf(out, 64, "%s.%d%s", name, (int)trainer->at.iteration, of_epochs);
    else
        snprintf(out, 64, "%s%s", name, of_epochs);
}

bool ofr_trainer_show(void *user, int done, int n)
{
    const ofr_trainer *trainer = user;
    char label[64], full[80];

    if (trainer->options->progress) {
        phase_label(label, trainer);
        snprintf(full, sizeof full, "%s look", label);
        trainer->options->progress(trainer->options->user, full, done, n, NULL);
    }
    return !stopped(trainer);
}

static void show_step(const ofr_trainer *trainer, int n_steps)
{
    char label[64], note[96];

    if (!trainer->options->progress) return;
    phase_label(label, trainer);
    if (isfinite(trainer->dev_score))
        snprintf(note, sizeof note, "loss=%.4g, dev=%.3f", trainer->mean_loss,
                 trainer->dev_score);
    else
        snprintf(note, sizeof note, "loss=%.4g", trainer->mean_loss);
    trainer->options->progress(trainer->options->user, label, trainer->at.step, n_steps,
                               note);
}

void ofr_trainer_journal(ofr_trainer *trainer, const char *event)
{
    ofr_journal *journal = &trainer->journal;

    ofr_journal_begin(journal, event);
    ofr_journal_text(journal, "phase", trainer->recipe->phases[trainer->at.phase].name);
    ofr_journal_int(journal, "iteration", trainer->at.iteration);
    ofr_journal_int(journal, "epoch",
                    trainer->at.epoch < trainer->plan.epochs ? trainer->at.epoch + 1
                                                             : trainer->plan.epochs);
    ofr_journal_int(journal, "step", trainer->at.steps);
}

static ofr_status journal_step(ofr_trainer *trainer, const ofr_step *step, double lr,
                               double norm, ofr_error *err)
{
    ofr_trainer_journal(trainer, "step");
    ofr_journal_real(&trainer->journal, "loss", step->loss);
    ofr_journal_real(&trainer->journal, "lr", lr);
    ofr_journal_real(&trainer->journal, "grad_norm", norm);
    if (step->extra_name)
        ofr_journal_real(&trainer->journal, step->extra_name, step->extra);
    return ofr_journal_end(&trainer->journal, err);
}

static ofr_status journal_time(ofr_trainer *trainer, ofr_error *err)
{
    ofr_journal *timings = &trainer->timings;

    ofr_journal_begin(timings, "phase");
    ofr_journal_text(timings, "phase", trainer->recipe->phases[trainer->at.phase].name);
    ofr_journal_int(timings, "iteration", trainer->at.iteration);
    ofr_journal_int(timings, "epochs", trainer->plan.epochs);
    ofr_journal_int(timings, "items", trainer->plan.n_items);
    ofr_journal_real(timings, "seconds", ofr_clock_seconds() - trainer->phase_seconds);
    return ofr_journal_end(timings, err);
}

/* ---- the loop ------------------------------------------------------------ */

static ofr_status save(ofr_trainer *trainer, ofr_error *err)
{
    return ofr_train_state_save(trainer, OFR_RUN_LATEST, err);
}

static ofr_status diverged(const ofr_trainer *trainer, const char *what, double value,
                           double lr, ofr_error *err)
{
    const char *phase = trainer->recipe->phases[trainer->at.phase].name;
    const char *advice = trainer->at.steps == 0
                             ? "nothing was trained yet: the model's weights are damaged"
                             : "the learning rate is probably too high: start again "
                               "with a lower --lr, or with --clip or --warmup";

    return ofr_fail(
        err, OFR_DIVERGED,
        "%s is %g at step %lld (phase %s, epoch %lld, learning rate %g); %s", what,
        value, (long long)trainer->at.steps + 1, phase, (long long)trainer->at.epoch + 1,
        lr, advice);
}

/* The gradient, *norm its length, and the update unless one of them is not finite. */
static ofr_status compute(ofr_trainer *trainer, const ofr_phase *phase, ofr_step *step,
                          double lr, double *norm, ofr_error *err)
{
    ofr_adamw *adamw = &trainer->adamw;
    ofr_real *grads = trainer->grads;

    ofr_adamw_clear(adamw, grads);
    ofr_reduce_start(&trainer->reduce, grads);
    phase->step(trainer, trainer->recipe->self, step);
    OFR_TRY(ofr_together_step(trainer, step, err));
    if (!isfinite(step->loss)) return OFR_OK;
    *norm = ofr_adamw_norm(adamw, grads);
    if (isfinite(*norm))
        ofr_adamw_update(adamw, trainer->encoder->w, grads, lr,
                         ofr_schedule_clip(*norm, trainer->options->clip));
    return OFR_OK;
}

/* This rank's part of the batch that begins at `start` of the epoch. */
static ofr_step next_step(const ofr_trainer *trainer, int start)
{
    const ofr_phase_plan *plan = &trainer->plan;
    const ofr_comm *comm = plan->replicated ? &ofr_comm_self : trainer->comm;
    const int left = plan->n_items - start;
    ofr_step step = {.B_all = left < plan->batch ? left : plan->batch,
                     .number = (uint64_t)trainer->at.steps};

    ofr_order_shard(step.B_all, comm->rank, comm->n_ranks, &step.first, &step.B);
    step.items = trainer->order + start + step.first;
    return step;
}

static ofr_status one_step(ofr_trainer *trainer, const ofr_phase *phase, int n_steps,
                           ofr_error *err)
{
    const ofr_train_options *o = trainer->options;
    const ofr_phase_plan *plan = &trainer->plan;
    const double lr = ofr_schedule_rate(
        o->schedule, plan->lr, trainer->at.epoch * n_steps + trainer->at.step,
        (long long)plan->epochs * n_steps, o->warmup);
    ofr_step step = next_step(trainer, (int)trainer->at.step * plan->batch);
    double norm = 0;
    ofr_status status;

    if (o->guard) o->guard(true);
    status = compute(trainer, phase, &step, lr, &norm, err);
    if (o->guard) o->guard(false);
    if (status) return status;
    if (!isfinite(step.loss)) return diverged(trainer, "the loss", step.loss, lr, err);
    if (!isfinite(norm)) return diverged(trainer, "the gradient's length", norm, lr, err);
    trainer->at.step++;
    trainer->at.steps++;
    trainer->mean_loss = trainer->at.step == 1 && trainer->at.epoch == 0
                             ? step.loss
                             : 0.95 * trainer->mean_loss + 0.05 * step.loss;
    return journal_step(trainer, &step, lr, norm, err);
}

static ofr_status between_steps(ofr_trainer *trainer, ofr_error *err)
{
    const ofr_train_options *o = trainer->options;

    const bool stop = ofr_together_any(trainer->comm, stopped(trainer));

    OFR_TRY(trainer->comm->check(trainer->comm, err));
    if (stop) return OFR_INTERRUPTED;
    if ((o->save_steps > 0 && trainer->at.steps % o->save_steps == 0) ||
        (o->save_seconds > 0 &&
         ofr_clock_seconds() - trainer->saved_at > o->save_seconds))
        return save(trainer, err);
    return OFR_OK;
}

static ofr_status run_epochs(ofr_trainer *trainer, const ofr_phase *phase, ofr_error *err)
{
    const ofr_phase_plan *plan = &trainer->plan;
    const int n_steps = plan->epochs ? ofr_order_batches(plan->n_items, plan->batch) : 0;

    while (trainer->at.epoch < plan->epochs) {
        ofr_order_epoch(trainer->order, plan->n_items, trainer->options->seed,
                        (uint64_t)trainer->at.run, (uint64_t)trainer->at.epoch);
        while (trainer->at.step < n_steps) {
            OFR_TRY(one_step(trainer, phase, n_steps, err));
            show_step(trainer, n_steps);
            OFR_TRY(between_steps(trainer, err));
        }
        if (phase->epoch_end)
            OFR_TRY(phase->epoch_end(trainer, trainer->recipe->self, err));
        trainer->at.epoch++;
        trainer->at.step = 0;
    }
    return OFR_OK;
}

static ofr_status make_order(ofr_trainer *trainer, ofr_error *err)
{
    const int n = trainer->plan.n_items;

    if (n <= trainer->max_items) return OFR_OK;
    ofr_mem_free(trainer->order);
    trainer->max_items = 0;
    trainer->order = ofr_mem_array((size_t)n, sizeof *trainer->order);
    if (!trainer->order) return ofr_fail_nomem(err, (size_t)n * sizeof(int), "an epoch");
    trainer->max_items = n;
    return OFR_OK;
}

/* One phase, from where trainer->at stands; resumed: moments come from there. */
static ofr_status run_phase(ofr_trainer *trainer, const ofr_checkpoint *resumed,
                            ofr_error *err)
{
    const ofr_recipe *recipe = trainer->recipe;
    const ofr_phase *phase = &recipe->phases[trainer->at.phase];

    trainer->plan = (ofr_phase_plan){0};
    phase->plan(trainer, recipe->self, &trainer->plan);
    trainer->phase_seconds = ofr_clock_seconds();
    if (resumed) OFR_TRY(ofr_train_state_place(trainer, resumed->path, err));
    OFR_TRY(make_order(trainer, err));
    ofr_adamw_begin(&trainer->adamw, trainer->plan.groups);
    ofr_reduce_plan(&trainer->reduce, &trainer->adamw);
    if (resumed) OFR_TRY(ofr_train_state_moments(trainer, resumed, err));
    if (phase->begin) OFR_TRY(phase->begin(trainer, recipe->self, err));
    OFR_TRY(run_epochs(trainer, phase, err));
    if (phase->end) OFR_TRY(phase->end(trainer, recipe->self, err));
    OFR_TRY(ofr_together_still(trainer, err));
    OFR_TRY(journal_time(trainer, err));
    trainer->at.phase = recipe->next(trainer, recipe->self);
    trainer->at.run++;
    trainer->at.epoch = trainer->at.step = 0;
    if (trainer->options->keep_first && trainer->at.run == 1)
        OFR_TRY(ofr_train_state_save(trainer, OFR_RUN_AFTER_FIRST, err));
    return save(trainer, err);
}

/* Behind the journal, which holds what is left of an interrupted run by now. */
static ofr_status open_events(ofr_trainer *trainer, ofr_error *err)
{
    const char *dir = trainer->options->tensorboard;
    const ofr_journal *journal = &trainer->journal;

    if (!dir || trainer->comm->rank != 0) return OFR_OK;
    OFR_TRY(ofr_tfevents_open(&trainer->events, dir,
                              journal->tail.open ? journal->tail.path : NULL, err));
    trainer->journal.events = &trainer->events;
    return OFR_OK;
}

static ofr_status open_journals(ofr_trainer *trainer, bool resumed, ofr_error *err)
{
    char journal[OFR_PATH_MAX], timings[OFR_PATH_MAX];
    const char *out = trainer->options->out;

    if (!out || trainer->comm->rank != 0) {
        OFR_TRY(ofr_journal_open(&trainer->journal, NULL, 0, err));
        return ofr_journal_open(&trainer->timings, NULL, 0, err);
    }
    OFR_TRY(ofr_file_make_dirs(out, err));
    OFR_TRY(ofr_file_join(journal, out, "journal.jsonl", err));
    OFR_TRY(ofr_file_join(timings, out, "timings.jsonl", err));
    OFR_TRY(ofr_journal_open(&trainer->journal, journal,
                             resumed ? (long long)trainer->at.journal_bytes : 0, err));
    return ofr_journal_open(&trainer->timings, timings, resumed ? -1 : 0, err);
}

/* The journal of the run that this one forks from, up to the fork. */
static ofr_status copy_journal(const ofr_trainer *trainer, ofr_error *err)
{
    const size_t keep = (size_t)trainer->at.journal_bytes;
    char from[OFR_PATH_MAX], to[OFR_PATH_MAX];
    ofr_buf bytes;
    ofr_status status;

    OFR_TRY(ofr_file_join(from, trainer->options->fork, "journal.jsonl", err));
    OFR_TRY(ofr_file_join(to, trainer->options->out, "journal.jsonl", err));
    OFR_TRY(ofr_file_make_dirs(trainer->options->out, err));
    ofr_buf_init(&bytes);
    status = ofr_file_read(&bytes, from, 0, err);
    if (!status && bytes.n < keep)
        status = ofr_fail(err, OFR_FORMAT, "%s: has %zu bytes, its checkpoint counts %zu",
                          from, bytes.n, keep);
    if (!status) status = ofr_file_write(to, bytes.p, keep, err);
    ofr_buf_free(&bytes);
    return status;
}

/* See that the disk takes what will be written before anything is trained. */
static ofr_status prepare_folder(ofr_trainer *trainer, bool resumed, ofr_error *err)
{
    const double n_weights = (double)trainer->encoder->params.total;
    double bytes = 0;

    if (!trainer->options->out || trainer->comm->rank != 0) return OFR_OK;
    OFR_TRY(ofr_train_state_bytes(trainer, &bytes, err));
    return ofr_run_folder_prepare(trainer->options, resumed, bytes,
                                  n_weights * (double)sizeof(float), err);
}

static ofr_status run_all(ofr_trainer *trainer, const ofr_checkpoint *resumed,
                          bool forked, ofr_error *err)
{
    if (resumed) OFR_TRY(ofr_train_state_read(trainer, resumed, forked, err));
    OFR_TRY(ofr_together_start(trainer, err));
    OFR_TRY(prepare_folder(trainer, resumed && !forked, err));
    if (forked && trainer->comm->rank == 0) OFR_TRY(copy_journal(trainer, err));
    OFR_TRY(open_journals(trainer, resumed != NULL, err));
    OFR_TRY(open_events(trainer, err));
    trainer->saved_at = ofr_clock_seconds();
    while (trainer->at.phase >= 0) {
        OFR_TRY(run_phase(trainer, resumed, err));
        resumed = NULL;
    }
    return OFR_OK;
}

static ofr_status interrupted(ofr_trainer *trainer, ofr_error *err)
{
    const ofr_train_options *o = trainer->options;

    *o->stop = ofr_together_most(trainer->comm, (int)*o->stop);
    OFR_TRY(save(trainer, err));
    if (!o->out)
        return ofr_fail(err, OFR_INTERRUPTED, "interrupted after %lld steps",
                        (long long)trainer->at.steps);
    return ofr_fail(err, OFR_INTERRUPTED,
                    "interrupted after %lld steps; the run is saved, continue with: %s",
                    (long long)trainer->at.steps,
                    o->resume_command ? o->resume_command : "--resume");
}

/* The checkpoint to begin from: of this run, or of the one it forks from. */
static ofr_status find_start(ofr_checkpoint *checkpoint, bool *found, bool *forked,
                             const ofr_train_options *o, ofr_error *err)
{
    char path[OFR_PATH_MAX];

    *found = *forked = false;
    if (o->out && o->resume) {
        OFR_TRY(ofr_file_join(path, o->out, OFR_RUN_LATEST, err));
        *found = ofr_file_exists(path);
    }
    if (!*found && o->out && o->fork) {
        OFR_TRY(ofr_file_join(path, o->fork, OFR_RUN_AFTER_FIRST, err));
        *found = *forked = true;
    }
    if (*found) return ofr_checkpoint_open(checkpoint, path, err);
    if (o->out && o->resume)
        ofr_log(OFR_LOG_INFO, "%s: no checkpoint yet, starting from the beginning",
                o->out);
    return OFR_OK;
}

ofr_status ofr_trainer_run(ofr_trainer *trainer, const ofr_recipe *recipe, ofr_error *err)
{
    ofr_checkpoint checkpoint = {0};
    bool found, forked;
    ofr_status status;

    trainer->recipe = recipe;
    trainer->at = (ofr_position){0};
    OFR_TRY(find_start(&checkpoint, &found, &forked, trainer->options, err));
    status = run_all(trainer, found ? &checkpoint : NULL, forked, err);
    if (found) ofr_checkpoint_close(&checkpoint);
    if (status == OFR_INTERRUPTED) status = interrupted(trainer, err);
    /* Before it has begun, a run has no checkpoint of its own unless it is resumed. */
    if (trainer->saved_at == 0 && (!found || forked)) return status;
    return ofr_run_folder_advise(trainer->options->out, trainer->options->resume_command,
                                 status, err);
}
