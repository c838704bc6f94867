/*
 * train_run.c - model, data, method, evaluation and files of one training run.
 */
#include "cli/train_run.h"

#include <math.h>
#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "cli/calibration.h"
#include "cli/load.h"
#include "cli/out_folder.h"
#include "cli/stop.h"
#include "cli/train_save.h"
#include "train/run_folder.h"

static bool show_eval(void *user, int done, int total)
{
    ofr_term_progress(user, "eval", done, total, NULL);
    return !*ofr_stop_flag();
}

static ofr_status set_task(ofr_loaded *m, const ofr_train_values *o,
                           const ofr_train_source *s, const ofr_dataset *train,
                           ofr_error *err)
{
    ofr_config *config = &m->encoder.config;
    json_t *own;

    OFR_TRY(ofr_encoder_set_task(&m->encoder, train->K, train->label_names,
                                 s->columns.regression, (ofr_pooler_kind)o->method.pooler,
                                 o->method.policy_hidden, o->method.seed, err));
    ofr_calibration_forget(config);
    config->max_tokens = m->max_tokens;
    config->error_limit = o->method.error_limit;
    memset(config->task, 0, sizeof config->task);
    if (s->task) memcpy(config->task, s->task->name, strlen(s->task->name));
    own = json_object_get(config->json, "offramp");
    if (!own) {
        own = json_object();
        if (json_object_set_new(config->json, "offramp", own))
            return ofr_fail_nomem(err, 64, "config.json");
    }
    if (json_object_set_new(own, "pair", json_boolean(s->columns.pair != NULL)))
        return ofr_fail_nomem(err, 64, "config.json");
    return OFR_OK;
}

/* What a run holds while it goes on; borrowed from ofr_train_run(). */
typedef struct run {
    const ofr_train_values *o;
    const ofr_train_source *source;
    ofr_loaded *m;
    ofr_method_data data;
    ofr_train_reporter reporter;
    void *user;
} run;

static void show(void *user, const char *label, long long done, long long total,
                 const char *note)
{
    const run *r = user;

    ofr_term_progress(r->o->common.term, label, done, total, note);
}

/* What stands in the folder goes when nothing is left that may keep the run from
 * beginning. */
static ofr_status begin(void *user, ofr_error *err)
{
    const run *r = user;

    OFR_TRY(ofr_out_folder_clear(r->o->out, err));
    return ofr_train_write_config(r->o, err);
}

static ofr_status finish(const run *r, const ofr_method_result *result, ofr_error *err)
{
    const ofr_config *config = &r->m->encoder.config;
    const ofr_train_source *s = r->source;
    const ofr_train_card card = {s->title, ofr_metric_name(s->metric), r->data.train->n,
                                 r->data.dev->n};
    ofr_eval_options how;
    ofr_eval eval;
    ofr_status status;

    ofr_eval_options_init(&how);
    OFR_TRY(ofr_rule_choose(&how.rule, &how.threshold, config, NULL, (double)NAN, err));
    how.batch = 32;
    how.timed_runs = 0;
    how.metric = how.metric2 = s->metric;
    how.error_limit = r->o->method.error_limit;
    how.progress = show_eval;
    how.user = r->o->common.term;
    OFR_TRY(ofr_eval_open(&eval, &r->m->encoder, r->m->dev, r->data.dev, &how, err));
    ofr_term_progress_end(r->o->common.term);
    status = ofr_train_save(r->o, r->m, &eval, result, &card, err);
    if (!status && r->reporter) {
        const ofr_train_report report = {r->o, s, &eval, result};

        status = r->reporter(r->user, &report, err);
    }
    ofr_eval_close(&eval);
    return status;
}

/* The way to go on with a run that was interrupted. */
static ofr_status resume_command(ofr_buf *command, const ofr_train_values *o,
                                 const ofr_comm *comm, ofr_error *err)
{
    if (comm->n_ranks > 1) ofr_buf_addf(command, "mpirun -np %d ", comm->n_ranks);
    ofr_buf_adds(command, "offramp train --resume --out ");
    ofr_buf_add_word(command, o->out);
    return command->failed ? ofr_fail_nomem(err, command->n, "a command") : OFR_OK;
}

/* command: to go on with. */
static ofr_status train(run *r, const ofr_method *method, const ofr_comm *comm,
                        const char *command, ofr_error *err)
{
    const ofr_train_values *o = r->o;
    const ofr_method_job job = {
        .out = o->out,
        .resume = o->resume,
        .resume_command = command,
        .tensorboard = o->tensorboard,
        .keep_first = o->keep_first,
        .fork = o->fork,
        .comm = comm,
        .stop = ofr_stop_flag(),
        .begin = o->resume ? NULL : begin,
        .progress = show,
        .user = r,
    };
    ofr_method_result result;
    ofr_status status;

    if (comm->n_ranks > 1)
        ofr_log(OFR_LOG_INFO, "%d ranks share each batch; this one has %d threads",
                comm->n_ranks, r->m->dev->n_threads);
    status = ofr_method_train(method, &r->m->encoder, r->m->dev, &r->data, &o->method,
                              &job, &result, err);
    ofr_term_progress_end(o->common.term);
    if (status || comm->rank != 0) return status;
    status = finish(r, &result, err);
    if (status == OFR_INTERRUPTED)
        return ofr_fail(err, status,
                        "interrupted when all was trained; save the model with: %s",
                        command);
    return ofr_run_folder_advise(o->out, command, status, err);
}

/* In a folder that is ours alone; rank 0 is the one that writes. */
static ofr_status train_alone(run *r, const ofr_method *method, ofr_error *err)
{
    const ofr_comm *comm = r->o->common.comm ? r->o->common.comm : &ofr_comm_self;
    ofr_lock lock = {.fd = -1};
    ofr_buf command;
    ofr_status status;

    if (comm->rank == 0) {
        OFR_TRY(ofr_file_make_dirs(r->o->out, err));
        OFR_TRY(ofr_lock_open(&lock, r->o->out, err));
    }
    ofr_buf_init(&command);
    status = resume_command(&command, r->o, comm, err);
    if (!status) status = train(r, method, comm, command.p, err);
    ofr_buf_free(&command);
    ofr_lock_close(&lock);
    return status;
}

ofr_status ofr_train_run(const ofr_train_values *values, const ofr_method *method,
                         ofr_train_reporter reporter, void *user, ofr_error *err)
{
    const ofr_load_options how = {.threshold = NAN, .max_tokens = values->max_length,
                                  .threads = values->common.threads, .tokenizer = true,
                                  .training = true};
    ofr_loaded m;
    ofr_dataset train_data, dev_data;
    ofr_train_source source = {0};
    ofr_status status;

    OFR_TRY(ofr_train_find(&source, values, err));
    OFR_TRY(ofr_load_open(&m, values->model, &how, err));
    status = ofr_train_open_data(&train_data, &dev_data, &source, values, m.tok,
                                 m.max_tokens, err);
    if (!status) {
        run r = {values, &source, &m, {&train_data, &dev_data, source.metric},
                 reporter, user};

        status = ofr_method_check(method, &values->method, m.encoder.config.L,
                                  source.columns.regression, err);
        if (!status) status = set_task(&m, values, &source, &train_data, err);
        if (!status) status = train_alone(&r, method, err);
        ofr_dataset_close(&train_data);
        ofr_dataset_close(&dev_data);
    }
    ofr_load_close(&m);
    return status;
}
