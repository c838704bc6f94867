/*
 * cmd_compare.c - `offramp compare`: early-exit methods trained and measured under
 * the same conditions.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/compare_run.h"
#include "cli/compare_text.h"
#include "cli/default_model.h"
#include "cli/stop.h"
#include "report/html_records.h"
#include "report/jsonline.h"

/* ---- the runs ------------------------------------------------------------ */

/* A run that is done is not measured again, not even for times that it lacks. */
static void remark_times(const ofr_compare_plan *plan, int method, int seed)
{
    static const char option[] = " --timed "; /* in the command that its records tell */
    char path[OFR_PATH_MAX];
    ofr_buf records;

    if (ofr_compare_dir(path, plan, method, seed, NULL) ||
        ofr_file_join(path, path, "records.jsonl", NULL))
        return;
    ofr_buf_init(&records);
    if (!ofr_file_read(&records, path, 0, NULL) && records.n &&
        !memmem(records.p, records.n, option, sizeof option - 1))
        ofr_log(OFR_LOG_WARN,
                "warning: %s, seed %llu was done without --timed and is not measured "
                "again; give --timed %d to its sweep command, which %s/report.md tells",
                plan->methods[method]->name, (unsigned long long)plan->seeds[seed],
                plan->o->timed, plan->o->out);
    ofr_buf_free(&records);
}

static ofr_status one_run(ofr_compare_runs *runs, int method, int seed, ofr_error *err)
{
    const ofr_compare_plan *plan = runs->plan;
    const bool done = ofr_compare_is_done(plan, method, seed);
    ofr_error *mine = &runs->error[method][seed];
    ofr_status status;

    ofr_log(OFR_LOG_INFO, "run %d of %d: %s, seed %llu%s",
            seed * plan->n_methods + method + 1, plan->n_methods * plan->n_seeds,
            plan->methods[method]->name, (unsigned long long)plan->seeds[seed],
            done ? " is done" : "");
    if (done && plan->o->timed) remark_times(plan, method, seed);
    status = ofr_compare_run(plan, method, seed, mine);
    ofr_term_progress_end(plan->o->train.common.term);
    if (status == OFR_INTERRUPTED)
        return ofr_fail(err, OFR_INTERRUPTED,
                        "interrupted in %s, seed %llu; the same command continues there",
                        plan->methods[method]->name,
                        (unsigned long long)plan->seeds[seed]);
    if (status == OFR_OK) return OFR_OK;
    ofr_log(OFR_LOG_WARN, "warning: %s, seed %llu failed: %s",
            plan->methods[method]->name, (unsigned long long)plan->seeds[seed],
            mine->text);
    return OFR_OK;
}

static ofr_status all_runs(ofr_compare_runs *runs, ofr_error *err)
{
    const ofr_compare_plan *plan = runs->plan;

    for (int s = 0; s < plan->n_seeds; s++) {
        for (int i = 0; i < plan->n_methods; i++)
            OFR_TRY(one_run(runs, i, s, err));
        OFR_TRY(ofr_compare_clean(plan, s, err));
    }
    return OFR_OK;
}

/* Its lines are copied into ours: each must be a record. */
static ofr_status check_records(const char *path, ofr_error *err)
{
    ofr_records records;
    const ofr_status status = ofr_records_open(&records, path, err);

    if (status == OFR_FORMAT)
        return ofr_fail(err, status, "%s; or remove %s to make the run again", err->text,
                        path);
    if (!status) ofr_records_close(&records);
    return status;
}

static ofr_status load_results(ofr_compare_runs *runs, ofr_error *err)
{
    const ofr_compare_plan *plan = runs->plan;
    char path[OFR_PATH_MAX];

    for (int i = 0; i < plan->n_methods; i++)
        for (int s = 0; s < plan->n_seeds; s++) {
            if (!ofr_compare_is_done(plan, i, s)) continue;
            OFR_TRY(ofr_compare_dir(path, plan, i, s, err));
            OFR_TRY(ofr_file_join(path, path, "records.jsonl", err));
            OFR_TRY(check_records(path, err));
            OFR_TRY(ofr_compare_dir(path, plan, i, s, err));
            OFR_TRY(ofr_file_join(path, path, "sweep.safetensors", err));
            OFR_TRY(ofr_compare_result_load(&runs->of[i][s], path, err));
            runs->ok[i][s] = true;
        }
    return OFR_OK;
}

/* ---- files --------------------------------------------------------------- */

/* out += the file `name` of every run that was done. */
static ofr_status gather(ofr_buf *out, const ofr_compare_runs *runs, const char *name,
                         ofr_error *err)
{
    const ofr_compare_plan *plan = runs->plan;
    char path[OFR_PATH_MAX];

    for (int i = 0; i < plan->n_methods; i++)
        for (int s = 0; s < plan->n_seeds; s++) {
            if (!runs->ok[i][s]) continue;
            OFR_TRY(ofr_compare_dir(path, plan, i, s, err));
            OFR_TRY(ofr_file_join(path, path, name, err));
            OFR_TRY(ofr_file_read(out, path, 0, err));
        }
    return OFR_OK;
}

/* The lines of one kind; "kind" stands at the same place of every line. */
static void pick(ofr_buf *out, const ofr_buf *lines, const char *kind)
{
    char wanted[64];
    const char *end = lines->p ? lines->p + lines->n : NULL;

    snprintf(wanted, sizeof wanted, "\"kind\": \"%s\"", kind);
    for (const char *p = lines->p; p && p < end;) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        const size_t n = next ? (size_t)(next + 1 - p) : (size_t)(end - p);

        if (memmem(p, n < 80 ? n : 80, wanted, strlen(wanted))) ofr_buf_add(out, p, n);
        p += n;
    }
}

static ofr_status write_json(const ofr_compare_runs *runs, const ofr_buf *lines,
                             const char *command, ofr_error *err)
{
    static const char *const kinds[] = {"run", "curve", "oracle", "compare"};
    ofr_buf json, part;
    ofr_status status;

    ofr_buf_init(&json);
    ofr_buf_init(&part);
    ofr_jsonline_open(&json, NULL);
    ofr_jsonline_int(&json, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(&json, "command", command);
    for (int k = 0; k < 4; k++) {
        ofr_buf_clear(&part);
        pick(&part, lines, kinds[k]);
        json.failed = json.failed || part.failed;
        ofr_curve_record_array(&json, kinds[k], &part);
    }
    ofr_jsonline_end(&json);
    status = ofr_sweep_write(runs->plan->o->out, "report.json", &json, err);
    ofr_buf_free(&json);
    ofr_buf_free(&part);
    return status;
}

static ofr_status write_csv(const ofr_compare_runs *runs, ofr_error *err)
{
    ofr_buf csv;
    ofr_status status;

    ofr_buf_init(&csv);
    ofr_curve_csv_header(&csv);
    status = gather(&csv, runs, "points.csv", err);
    if (!status) status = ofr_sweep_write(runs->plan->o->out, "report.csv", &csv, err);
    ofr_buf_free(&csv);
    return status;
}

static ofr_status write_tables(const ofr_compare_runs *runs, const ofr_buf *text,
                               ofr_error *err)
{
    ofr_buf page;
    ofr_status status;

    ofr_buf_init(&page);
    ofr_buf_add(&page, text->p, text->n);
    ofr_buf_adds(&page, "\nEvery run again, by itself (add `--overwrite` to `train`, or "
                        "give both another folder):\n\n```sh\n");
    ofr_compare_commands(&page, runs);
    ofr_buf_adds(&page, "```\n");
    status = ofr_sweep_write(runs->plan->o->out, "report.md", &page, err);
    ofr_buf_free(&page);
    return status;
}

/* ---- the verb ------------------------------------------------------------ */

static ofr_status report(const ofr_compare_runs *runs, const ofr_compare_whole *whole,
                         bool page, ofr_error *err)
{
    const ofr_compare_values *o = runs->plan->o;
    ofr_buf text, lines, ours, command;
    ofr_status status;

    ofr_buf_init(&text);
    ofr_buf_init(&lines);
    ofr_buf_init(&ours);
    ofr_buf_init(&command);
    ofr_compare_command(&command, o);
    ofr_compare_text(&text, runs, whole);
    ofr_buf_addf(&text, "command: %s\n", command.p ? command.p : "");
    status = command.failed ? ofr_fail_nomem(err, command.n, "a record")
                            : gather(&lines, runs, "records.jsonl", err);
    ofr_compare_records(&ours, &lines, runs, whole);
    ofr_buf_add(&lines, ours.p, ours.n);
    if (!status) status = ofr_sweep_write(o->out, "records.jsonl", &lines, err);
    if (!status) status = write_json(runs, &lines, command.p, err);
    if (!status) status = write_csv(runs, err);
    if (!status) status = write_tables(runs, &text, err);
    if (!status && page) ofr_sweep_page(o->out, command.p);
    if (!status) status = ofr_cmd_print(o->train.common.json ? &ours : &text, err);
    ofr_buf_free(&text);
    ofr_buf_free(&lines);
    ofr_buf_free(&ours);
    ofr_buf_free(&command);
    return status;
}

static ofr_status compare(ofr_compare_runs *runs, ofr_compare_whole *whole,
                          ofr_error *err)
{
    const ofr_compare_plan *plan = runs->plan;
    int n_ok = 0;

    OFR_TRY(all_runs(runs, err));
    OFR_TRY(load_results(runs, err));
    OFR_TRY(ofr_compare_summarize(whole, runs, err));
    for (int i = 0; i < plan->n_methods; i++)
        n_ok += whole->of[i].n_ok;
    OFR_TRY(report(runs, whole, n_ok > 0, err));
    if (n_ok) return OFR_OK;
    return ofr_fail(err, runs->error[0][0].status,
                    "no run succeeded; the first said: %.400s", runs->error[0][0].text);
}

static bool is_read(const ofr_compare_plan *plan, const char *option)
{
    bool read = false;

    for (int i = 0; i < plan->n_methods; i++)
        read = read || ofr_method_reads(plan->methods[i], option);
    return read;
}

/* Options of the command line that nothing comes of. */
static void remark_options(const ofr_compare_plan *plan, const bool *is_set)
{
    for (const ofr_opt *row = ofr_compare_rows; row->name; row++) {
        if (!is_set[row - ofr_compare_rows]) continue;
        if (strcmp(row->name, "seed") == 0 && plan->o->seeds)
            ofr_log(OFR_LOG_WARN, "--seed has no effect beside --seeds");
        else if (strcmp(row->name, "joint-epochs") == 0 && plan->o->epochs > 0)
            ofr_log(OFR_LOG_WARN, "--joint-epochs has no effect without --epochs 0");
        else if (strcmp(row->name, "max-loss") == 0)
            ofr_log(OFR_LOG_WARN,
                    "--max-loss has no effect in a comparison, which shows every price");
        else if (!is_read(plan, row->name))
            ofr_log(OFR_LOG_WARN, "--%s has no effect with --methods %s", row->name,
                    plan->o->methods);
    }
}

static ofr_status prepare(ofr_compare_values *o, ofr_compare_plan *plan,
                          ofr_compare_files *files, char model[OFR_PATH_MAX],
                          ofr_error *err)
{
    OFR_TRY(ofr_cmd_need(o->methods, "methods", err));
    OFR_TRY(ofr_cmd_need(o->out, "out", err));
    OFR_TRY(ofr_compare_parse(plan, o, err));
    if (!o->train.model) {
        OFR_TRY(ofr_default_model(model, err));
        o->train.model = model;
    }
    OFR_TRY(ofr_compare_check(files, plan, err));
    plan->title = files->report.name;
    return ofr_compare_settle(o, &files->hash, err);
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    ofr_compare_values *o = values;
    char model[OFR_PATH_MAX];
    ofr_compare_files files;
    ofr_compare_plan plan;
    ofr_compare_whole *whole;
    ofr_compare_runs *runs;
    ofr_status status;

    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(prepare(o, &plan, &files, model, err));
    remark_options(&plan, is_set);
    runs = ofr_mem_zalloc(sizeof *runs);
    whole = ofr_mem_zalloc(sizeof *whole);
    if (runs && whole) {
        runs->plan = &plan;
        ofr_stop_begin();
        status = compare(runs, whole, err);
        ofr_stop_end();
        o->train.common.signal_number = *ofr_stop_flag();
    } else {
        status = ofr_fail_nomem(err, sizeof *runs, "a comparison");
    }
    for (int i = 0; runs && i < plan.n_methods; i++)
        for (int s = 0; s < plan.n_seeds; s++)
            if (runs->ok[i][s]) ofr_compare_result_close(&runs->of[i][s]);
    ofr_mem_free(runs);
    ofr_mem_free(whole);
    return status;
}

const ofr_cmd ofr_cmd_compare = {
    .name = "compare",
    .summary = "Train early-exit methods under the same conditions and compare them",
    .usage = "--methods LIST --seeds LIST --task NAME --data DIR --model DIR --out DIR",
    .example =
        "  offramp compare --methods consistentee,pabee,deebert,finetune \\\n"
        "      --seeds 1,2,3 --task sst2 --data glue --model bert-base-uncased \\\n"
        "      --out sst2-compare",
    .notes =
        "Every run has the same backbone, texts, budget, order of texts and held-out "
        "part (of\n"
        "its seed).  Knobs are chosen on the held-out texts, figures are of the task's "
        "dev file\n"
        "or --test.  Runs are made one after another; Ctrl-C or a crash loses at most "
        "what\n"
        "--save-minutes allows, and the same command continues.  More methods and seeds "
        "may be\n"
        "added to a finished comparison.  A run that fails is reported and tried again "
        "next time.\n"
        "docs/COMPARE.md explains the protocol, docs/FORMATS.md the records.",
    .options = ofr_compare_rows,
    .options_bytes = sizeof(ofr_compare_values),
    .run = run,
};
