/* compare_run.c - training and sweeping one method with one seed. */
#include "cli/compare_run.h"

#include <string.h>

#include "base/file.h"
#include "cli/train_run.h"

static ofr_status path_in(char out[OFR_PATH_MAX], const ofr_compare_plan *plan,
                          int method, int seed, const char *name, ofr_error *err)
{
    OFR_TRY(ofr_compare_dir(out, plan, method, seed, err));
    return ofr_file_join(out, out, name, err);
}

static bool holds(const ofr_compare_plan *plan, int method, int seed, const char *name)
{
    char path[OFR_PATH_MAX];

    return !path_in(path, plan, method, seed, name, NULL) && ofr_file_exists(path);
}

bool ofr_compare_is_done(const ofr_compare_plan *plan, int method, int seed)
{
    return holds(plan, method, seed, "sweep.safetensors") &&
           holds(plan, method, seed, "records.jsonl"); /* written last */
}

/* ---- training ------------------------------------------------------------ */

/* A method of the same recipe that has trained with this seed, or -1. */
static int find_fork(const ofr_compare_plan *plan, int method, int seed)
{
    const char *recipe = plan->methods[method]->recipe;

    for (int i = 0; recipe && i < plan->n_methods; i++) {
        const char *other = plan->methods[i]->recipe;

        if (i != method && other && strcmp(recipe, other) == 0 &&
            holds(plan, i, seed, "checkpoint/first.safetensors"))
            return i;
    }
    return -1;
}

static ofr_status train(const ofr_compare_plan *plan, int method, int seed,
                        const char *dir, ofr_error *err)
{
    const int other = find_fork(plan, method, seed);
    char fork[OFR_PATH_MAX];
    ofr_train_values values;

    ofr_compare_train(&values, plan, method, seed, dir);
    values.resume = holds(plan, method, seed, "checkpoint/state.safetensors");
    values.keep_first = plan->methods[method]->recipe != NULL;
    if (other >= 0) {
        OFR_TRY(ofr_compare_dir(fork, plan, other, seed, err));
        values.fork = fork;
    }
    return ofr_train_run(&values, plan->methods[method], NULL, NULL, err);
}

/* ---- sweeping ------------------------------------------------------------ */

static ofr_status write_files(const char *dir, ofr_sweep_run *run, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    ofr_compare_result result;
    ofr_sweep_lines lines;
    ofr_buf all;
    ofr_status status;

    OFR_TRY(ofr_file_join(path, dir, "sweep.safetensors", err));
    OFR_TRY(ofr_compare_result_of(&result, run, err));
    status = ofr_compare_result_save(&result, path, err);
    ofr_compare_result_close(&result);
    ofr_sweep_lines_init(&lines);
    ofr_buf_init(&all);
    ofr_sweep_run_records(run, &lines);
    ofr_sweep_lines_join(&all, &lines);
    if (!status) status = ofr_sweep_write(dir, "points.csv", &lines.csv, err);
    if (!status) status = ofr_sweep_write(dir, "records.jsonl", &all, err);
    ofr_buf_free(&all);
    ofr_sweep_lines_free(&lines);
    return status;
}

static ofr_status sweep(const ofr_compare_plan *plan, int method, const char *dir,
                        ofr_error *err)
{
    ofr_sweep_values values;
    ofr_sweep_run run;
    ofr_buf command;
    ofr_status status;

    ofr_compare_sweep(&values, plan, method, dir);
    ofr_buf_init(&command);
    ofr_sweep_command(&command, &values);
    values.job.command = command.p;
    status = command.failed ? ofr_fail_nomem(err, command.n, "a record")
                            : ofr_sweep_run_open(&run, &values.job, err);
    if (!status) {
        status = write_files(dir, &run, err);
        ofr_sweep_run_close(&run);
    }
    ofr_buf_free(&command);
    return status;
}

ofr_status ofr_compare_run(const ofr_compare_plan *plan, int method, int seed,
                           ofr_error *err)
{
    char dir[OFR_PATH_MAX];

    if (ofr_compare_is_done(plan, method, seed)) return OFR_OK;
    OFR_TRY(ofr_compare_dir(dir, plan, method, seed, err));
    OFR_TRY(train(plan, method, seed, dir, err));
    return sweep(plan, method, dir, err);
}

ofr_status ofr_compare_clean(const ofr_compare_plan *plan, int seed, ofr_error *err)
{
    static const char *const names[] = {"checkpoint/state.safetensors",
                                        "checkpoint/first.safetensors"};
    char path[OFR_PATH_MAX];

    for (int i = 0; i < plan->n_methods; i++)
        for (int k = 0; k < 2 && ofr_compare_is_done(plan, i, seed); k++) {
            OFR_TRY(path_in(path, plan, i, seed, names[k], err));
            OFR_TRY(ofr_file_remove(path, err));
        }
    return OFR_OK;
}
