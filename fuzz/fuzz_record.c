/*
 * fuzz_record.c - what runs, evaluations and sweeps wrote, read by `report`.
 *
 * First byte: which sources are given.  Parts of the rest: journal.jsonl,
 * train.json, config.json, eval.json, predictions.tsv, records.jsonl, texts.tsv.
 */
#include "fuzz.h"

#include <string.h>

#include "cli/origin.h"
#include "eval/verdict.h"
#include "report/html.h"

enum { JOURNAL, OPTIONS, CONFIG, EVAL, PREDICTIONS, RECORDS, TEXTS, FILES };
static const char *const names[FILES] = {"journal.jsonl", "train.json",
                                         "config.json",   "eval.json",
                                         "predictions.tsv", "records.jsonl", "texts.tsv"};

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
    report(folder, data[0]);
    return 0;
}
