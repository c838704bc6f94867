/*
 * fuzz_record.c - what runs, evaluations, sweeps, comparisons and ablations wrote,
 * read by `report` and by the calls that continue them.
 *
 * First byte: which sources are given.  Parts of the rest: journal.jsonl,
 * train.json, config.json, eval.json, predictions.tsv, records.jsonl, texts.tsv,
 * unit.json, compare.json.
 */
#include "fuzz.h"

#include <string.h>

#include "cli/ablate.h"
#include "cli/compare_options.h"
#include "cli/origin.h"
#include "eval/verdict.h"
#include "report/html.h"
#include "train/tfevents.h"

enum {
    JOURNAL, OPTIONS, CONFIG, EVAL, PREDICTIONS, RECORDS, TEXTS, UNIT, COMPARISON, FILES
};
static const char *const names[FILES] = {
    "journal.jsonl", "train.json", "config.json", "eval.json",   "predictions.tsv",
    "records.jsonl", "texts.tsv",  "unit.json",   "compare.json"};

static void judge(const char *folder)
{
    char path[OFR_PATH_MAX];
    ofr_run_verdict verdict;
    ofr_error err;
    ofr_status status;
    snprintf(path, sizeof path, "%s/%s", folder, names[JOURNAL]);
    status = ofr_verdict_of_journal(&verdict, path, &err);
    if (status != OFR_OK)
        ofr_fuzz_refused(status, &err, names[JOURNAL]);
    else
        OFR_FUZZ_CHECK(ofr_verdict_name(verdict.run.kind)[0]);
}

static void ask_origin(const char *folder)
{
    ofr_origin origin;
    ofr_error err;
    ofr_status status = ofr_origin_open(&origin, folder, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, names[OPTIONS]);
        return;
    }
    OFR_FUZZ_CHECK(!origin.known || origin.command.n);
    ofr_origin_close(&origin);
}

/* The journal once more, for TensorBoard. */
static void events(const char *folder)
{
    char path[OFR_PATH_MAX];
    ofr_tfevents tf;
    ofr_error err;
    ofr_status status;
    snprintf(path, sizeof path, "%s/%s", folder, names[JOURNAL]);
    if (!ofr_file_exists(path)) return;
    status = ofr_tfevents_open(&tf, folder, path, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, names[JOURNAL]);
        return;
    }
    OFR_FUZZ_CHECK(tf.tail.bytes > 0);
    ofr_tfevents_close(&tf);
}

/* What an earlier call may have seen of the texts. */
static const ofr_data_hash texts = {{"train.tsv", "dev.tsv"},
                                    {"0123456789abcdef", "fedcba9876543210"}};

/* A finished unit of ablate, and figures of it. */
static void read_unit(const char *folder)
{
    const ofr_ablate_origin origin = {"offramp train", &texts};
    ofr_ablate_unit unit = {.n = 0}, *units[] = {&unit};
    char path[OFR_PATH_MAX];
    ofr_arena arena;
    ofr_error err;
    ofr_status status;
    snprintf(path, sizeof path, "%s/%s", folder, names[UNIT]);
    ofr_arena_init(&arena);
    status = ofr_ablate_unit_read(&arena, &unit, path, &origin, &err);
    if (status == OFR_OK) {
        const double right = ofr_ablate_right(&unit, NULL);
        const double depth = ofr_ablate_depth(&unit, NULL);
        OFR_FUZZ_CHECK(right >= 0 && right <= 1 && depth >= 1 && depth <= unit.L);
        OFR_FUZZ_CHECK(!(ofr_ablate_gap(units, units, 1, 1, NULL) != 0) || unit.n);
        for (int i = 0; i < unit.n; i++)
            OFR_FUZZ_CHECK(unit.memorized[i] >= 1 && unit.memorized[i] <= unit.L);
    } else {
        ofr_fuzz_refused(status, &err, names[UNIT]);
    }
    ofr_arena_free(&arena);
}

/* The options of a comparison that is continued. */
static void settle(const char *folder)
{
    ofr_compare_values values;
    char path[OFR_PATH_MAX];
    ofr_error err;
    ofr_status status;
    snprintf(path, sizeof path, "%s/%s", folder, names[COMPARISON]);
    if (!ofr_file_exists(path)) return;
    memset(&values, 0, sizeof values);
    ofr_opt_defaults(ofr_compare_rows, &values);
    values.out = folder;
    status = ofr_compare_settle(&values, &texts, &err);
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, names[COMPARISON]);
}

static void report(const char *folder, uint8_t flags)
{
    char paths[FILES][OFR_PATH_MAX], out[OFR_PATH_MAX];
    ofr_report_sources s = {.text = "text", .command = "offramp report"};
    ofr_error err;
    ofr_status status;
    for (int i = 0; i < FILES; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    snprintf(out, sizeof out, "%s/out", folder);
    if (flags & 1) s.run = folder;
    if (flags & 2) s.eval = paths[EVAL];
    if (flags & 4) s.predictions = paths[PREDICTIONS];
    if (flags & 8) s.record = paths[RECORDS];
    if (flags & 16) s.texts = paths[TEXTS];
    if (flags & 32) s.pair = "1";
    status = ofr_report_write(out, &s, &err);
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = ofr_fuzz_folder();
    if (size < 1) return 0;
    OFR_FUZZ_CHECK(setenv("PATH", "/nowhere", 1) == 0); /* no gnuplot: tables alone */
    ofr_fuzz_files(names, FILES, data + 1, size - 1);
    judge(folder);
    ask_origin(folder);
    events(folder);
    read_unit(folder);
    settle(folder);
    report(folder, data[0]);
    return 0;
}
