/*
 * cmd_sweep.c - `offramp sweep`: what every exit rule buys at every threshold, from
 * one pass over the texts.
 */
#include <math.h>
#include <string.h>

#include "cli/command.h"
#include "cli/stop.h"
#include "cli/sweep_run.h"
#include "cli/sweep_text.h"
#include "report/jsonline.h"

#define JOB(member) offsetof(ofr_sweep_values, job.member)
#define AT(member) offsetof(ofr_sweep_values, job.data.member)

const ofr_opt ofr_sweep_rows[] = {
    {"model", 'm', OFR_OPT_TEXT, JOB(model), NULL, "DIR", NULL, 0, 0, "model directory",
     "Model and data"},
    OFR_EVAL_DATA_ROWS(AT),
    {"tune", 0, OFR_OPT_TEXT, JOB(tune), NULL, "FILE", NULL, 0, 0,
     "other labelled texts to choose knobs on; without them knobs are chosen on the "
     "reported ones, and everything is marked so",
     NULL},
    {"tune-held", 0, OFR_OPT_FLAG, JOB(tune_held), NULL, NULL, NULL, 0, 0,
     "choose knobs on the texts that train --dev-split held out; refused where those "
     "are reported",
     NULL},
    {"rules", 0, OFR_OPT_TEXT, JOB(rules), NULL, "LIST", NULL, 0, 0,
     "rules with commas, 'stored' is the model's own; default: all that the model can "
     "follow",
     "Sweep"},
    {"values", 'n', OFR_OPT_INT, JOB(values), "20", "N", NULL, 15, OFR_SWEEP_KNOBS_MAX,
     "thresholds of each rule, at least 15 (patience, fixed: one per layer)", NULL},
    {"alphas", 0, OFR_OPT_TEXT, JOB(alphas), NULL, "LIST", NULL, 0, 0,
     "also fit policies to each of these prices of a layer (or 'auto'), from the cached "
     "features of the training texts that the policies learned from, and sweep them",
     NULL},
    {"timed", 0, OFR_OPT_INT, JOB(timed), "0", "N", NULL, 0, 100,
     "measure so many points of the stored rule with the real runner", "Time"},
    {"batch", 'b', OFR_OPT_INT, JOB(batch), "1", "N", NULL, 1, 4096,
     "texts per timed call", NULL},
    {"runs", 0, OFR_OPT_INT, JOB(runs), "100", "N", NULL, 1, 100000,
     "timed runs of at least 32 texts for each point; after 30 s, 100 calls are enough",
     NULL},
    {"seed", 's', OFR_OPT_U64, JOB(seed), "1", "N", NULL, 0, 0,
     "of the random exits that rules are compared with", NULL},
    {"out", 'o', OFR_OPT_TEXT, JOB(out), NULL, "DIR", NULL, 0, 0,
     "write records.jsonl and report.html, .json, .csv and .md", "Output"},
    OFR_CMD_COMMON_ROWS(ofr_sweep_values),
    OFR_CMD_END,
};

void ofr_sweep_command(ofr_buf *out, const ofr_sweep_values *values)
{
    static const char *const without[] = {"json", "threads", "quiet", "no-color", "help",
                                          NULL};

    ofr_buf_adds(out, "offramp sweep");
    ofr_command_options(out, ofr_sweep_rows, values, without);
}

/* ---- files -------------------------------------------------------------------- */

static ofr_status write_files(const char *dir, const ofr_sweep_lines *lines,
                              const ofr_buf *text, const ofr_buf *all, ofr_error *err)
{
    ofr_buf json, csv;
    ofr_status status;

    ofr_buf_init(&json);
    ofr_buf_init(&csv);
    ofr_jsonline_open(&json, NULL);
    ofr_jsonline_int(&json, "schema_version", OFR_SCHEMA_VERSION);
    ofr_curve_record_array(&json, "run", &lines->runs);
    ofr_curve_record_array(&json, "curve", &lines->curves);
    ofr_curve_record_array(&json, "oracle", &lines->oracles);
    ofr_jsonline_end(&json);
    ofr_curve_csv_header(&csv);
    ofr_buf_add(&csv, lines->csv.p, lines->csv.n);
    status = ofr_sweep_write(dir, "records.jsonl", all, err);
    if (!status) status = ofr_sweep_write(dir, "report.json", &json, err);
    if (!status) status = ofr_sweep_write(dir, "report.csv", &csv, err);
    if (!status) status = ofr_sweep_write(dir, "report.md", text, err);
    ofr_buf_free(&json);
    ofr_buf_free(&csv);
    return status;
}

static ofr_status report(const ofr_sweep_values *o, const ofr_sweep_run *run,
                         ofr_error *err)
{
    ofr_sweep_lines lines;
    ofr_buf text, all;
    ofr_status status = OFR_OK;

    ofr_sweep_lines_init(&lines);
    ofr_buf_init(&text);
    ofr_buf_init(&all);
    ofr_sweep_run_records(run, &lines);
    ofr_sweep_text(&text, run);
    ofr_buf_addf(&text, "command: %s\n", o->job.command);
    ofr_sweep_lines_join(&all, &lines);
    if (o->job.out) status = write_files(o->job.out, &lines, &text, &all, err);
    if (o->job.out && !status) ofr_sweep_page(o->job.out, o->job.command);
    if (!status) status = ofr_cmd_print(o->common.json ? &all : &text, err);
    ofr_buf_free(&all);
    ofr_buf_free(&text);
    ofr_sweep_lines_free(&lines);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    ofr_sweep_values *o = values;
    ofr_sweep_run sweep;
    ofr_buf command;
    ofr_status status;

    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    OFR_TRY(ofr_cmd_need(o->job.model, "model", err));
    ofr_buf_init(&command);
    ofr_sweep_command(&command, o);
    o->job.command = command.p;
    o->job.threads = o->common.threads;
    o->job.term = o->common.term;
    ofr_stop_begin();
    status = command.failed ? ofr_fail_nomem(err, command.n, "a record")
                            : ofr_sweep_run_open(&sweep, &o->job, err);
    ofr_stop_end();
    o->common.signal_number = *ofr_stop_flag();
    if (!status) {
        status = report(o, &sweep, err);
        ofr_sweep_run_close(&sweep);
    }
    ofr_buf_free(&command);
    return status;
}

const ofr_cmd ofr_cmd_sweep = {
    .name = "sweep",
    .summary = "Exit rules at many thresholds, from one pass over the texts",
    .usage = "--model DIR --task NAME --data DIR [--tune FILE]",
    .example =
        "  offramp sweep --model my-model --task sst2 --data glue --out sweep\n"
        "  offramp sweep --model my-model --task sst2 --data glue --tune tuning.tsv \\\n"
        "      --rules policy,entropy,patience --timed 5",
    .notes =
        "All exits are computed once; each rule at each threshold is a replay of the "
        "stored\n"
        "outputs, the same function that the real runner asks.  Curves, areas and "
        "savings are\n"
        "made of the thresholds that lie on the front of the tuning texts, and show "
        "their\n"
        "figures on the reported texts.  docs/COMPARE.md explains, docs/FORMATS.md lists "
        "the keys.",
    .options = ofr_sweep_rows,
    .options_bytes = sizeof(ofr_sweep_values),
    .run = run,
};
