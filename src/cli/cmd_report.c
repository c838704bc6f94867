/* cmd_report.c - `offramp report`: a page, a JSON object and a CSV of what a run, an
 * evaluation, a sweep or a comparison found. */
#include <string.h>

#include "base/file.h"
#include "cli/cmd.h"
#include "cli/command.h"
#include "data/task.h"
#include "report/html.h"
#include "report/jsonline.h"

typedef struct options {
    ofr_cmd_common common;
    const char *run, *eval, *predictions, *curves;
    const char *task, *data, *dev, *text, *pair;
    bool no_header;
    const char *out, *title;
    bool png, pdf;
} options;

static const ofr_opt rows[] = {
    {"run", 'r', OFR_OPT_TEXT, offsetof(options, run), NULL, "DIR", NULL, 0, 0,
     "a training run: the directory that train made", "What to report on"},
    {"eval", 'e', OFR_OPT_TEXT, offsetof(options, eval), NULL, "FILE", NULL, 0, 0,
     "an evaluation: what `eval --json` printed; -: standard input", NULL},
    {"predictions", 'p', OFR_OPT_TEXT, offsetof(options, predictions), NULL, "FILE", NULL,
     0, 0, "its file of `eval --predictions`: adds calibration, hardness and mistakes",
     NULL},
    {"curves", 'c', OFR_OPT_TEXT, offsetof(options, curves), NULL, "DIR", NULL, 0, 0,
     "a sweep or a comparison: the directory that it made, or its records.jsonl", NULL},
    {"task", 0, OFR_OPT_TEXT, offsetof(options, task), NULL, "NAME", NULL, 0, 0,
     "a known task, whose dev file holds the texts of the predictions",
     "Texts of the worst mistakes"},
    {"data", 'd', OFR_OPT_TEXT, offsetof(options, data), NULL, "DIR", NULL, 0, 0,
     "folder of that file", NULL},
    {"dev", 0, OFR_OPT_TEXT, offsetof(options, dev), NULL, "FILE", NULL, 0, 0,
     "the file itself: .tsv, .csv or .jsonl", NULL},
    {"text", 0, OFR_OPT_TEXT, offsetof(options, text), NULL, "COL", NULL, 0, 0,
     "column of the text, by name or number from 0, in a file of your own", NULL},
    {"text-pair", 0, OFR_OPT_TEXT, offsetof(options, pair), NULL, "COL", NULL, 0, 0,
     "column of the second text", NULL},
    {"no-header", 0, OFR_OPT_FLAG, offsetof(options, no_header), NULL, NULL, NULL, 0, 0,
     "the first line of the file is data", NULL},
    {"out", 'o', OFR_OPT_TEXT, offsetof(options, out), NULL, "DIR", NULL, 0, 0,
     "where to write; default: beside what is reported on", "Output"},
    {"title", 0, OFR_OPT_TEXT, offsetof(options, title), NULL, "TEXT", NULL, 0, 0,
     "heading of the page", NULL},
    {"png", 0, OFR_OPT_FLAG, offsetof(options, png), NULL, NULL, NULL, 0, 0,
     "every chart as charts/NAME.png, too", NULL},
    {"pdf", 0, OFR_OPT_FLAG, offsetof(options, pdf), NULL, NULL, NULL, 0, 0,
     "every chart as charts/NAME.pdf, too", NULL},
    OFR_CMD_TALK_ROWS(options, "Common options"),
    OFR_CMD_END,
};

typedef struct places {
    char record[OFR_PATH_MAX], texts[OFR_PATH_MAX], out[OFR_PATH_MAX];
} places;

/* The folder of a file; "." for a bare name. */
static ofr_status folder_of(char out[OFR_PATH_MAX], const char *path, ofr_error *err)
{
    char *slash;

    OFR_TRY(ofr_file_join(out, "", path, err));
    slash = strrchr(out, '/');
    if (slash == out)
        out[1] = '\0';
    else if (slash)
        *slash = '\0';
    else
        memcpy(out, ".", 2);
    return OFR_OK;
}

static ofr_status find_record(ofr_report_sources *s, places *p, const options *o,
                              ofr_error *err)
{
    if (!o->curves) return OFR_OK;
    if (ofr_file_is_dir(o->curves))
        OFR_TRY(ofr_file_join(p->record, o->curves, "records.jsonl", err));
    else
        OFR_TRY(ofr_file_join(p->record, "", o->curves, err));
    s->record = p->record;
    return OFR_OK;
}

static ofr_status find_texts(ofr_report_sources *s, places *p, const options *o,
                             ofr_error *err)
{
    const ofr_task *task = NULL;

    if (!o->task && !o->dev) {
        if (!o->data && !o->text && !o->pair && !o->no_header) return OFR_OK;
        return ofr_fail(err, OFR_INVALID,
                        "which file holds the texts? give --dev FILE "
                        "with --text COL, or --task NAME with --data DIR");
    }
    if (o->task && (o->text || o->pair || o->no_header))
        return ofr_fail(err, OFR_INVALID,
                        "--task knows its columns; leave out --text, --text-pair and "
                        "--no-header, or --task");
    if (o->task) {
        OFR_TRY(ofr_task_find(&task, o->task, err));
        if (!o->dev) OFR_TRY(ofr_cmd_need(o->data, "data", err));
        s->text = task->text;
        s->pair = task->pair;
        s->of_task = true;
        s->no_header = !task->has_header;
    } else {
        OFR_TRY(ofr_cmd_need(o->text, "text", err));
        s->text = o->text;
        s->pair = o->pair;
        s->no_header = o->no_header;
    }
    if (o->dev)
        OFR_TRY(ofr_file_join(p->texts, "", o->dev, err));
    else
        OFR_TRY(ofr_task_file(task, o->data, "dev", p->texts, err));
    s->texts = p->texts;
    return OFR_OK;
}

/* Standard input is read once, and it has no folder. */
static ofr_status check_input(const options *o, ofr_error *err)
{
    const bool piped = o->eval && strcmp(o->eval, "-") == 0;

    if (o->curves && strcmp(o->curves, "-") == 0)
        return ofr_fail(err, OFR_INVALID,
                        "--curves reads no standard input; write it to a file");
    if (o->predictions && strcmp(o->predictions, "-") == 0)
        return ofr_fail(err, OFR_INVALID,
                        "--predictions reads no standard input; write it to a file");
    return piped && !o->run && !o->curves ? ofr_cmd_need(o->out, "out", err) : OFR_OK;
}

static ofr_status find_out(ofr_report_sources *s, places *p, const options *o,
                           ofr_error *err)
{
    char record[OFR_PATH_MAX];

    if (o->out)
        OFR_TRY(ofr_file_join(p->out, "", o->out, err));
    else if (o->run)
        OFR_TRY(ofr_file_join(p->out, "", o->run, err));
    else
        OFR_TRY(folder_of(p->out, o->curves ? p->record : o->eval, err));
    OFR_TRY(ofr_file_join(record, p->out, "records.jsonl", err));
    s->page_only = ofr_file_exists(record);
    return OFR_OK;
}

static ofr_status print_names(const options *o, const places *p, bool page_only,
                              ofr_error *err)
{
    static const char *const names[] = {"report.html", "report.json", "report.csv"};
    static const char *const keys[] = {"html", "json", "csv"};
    char path[OFR_PATH_MAX];
    ofr_status status;
    ofr_buf out;

    ofr_buf_init(&out);
    if (o->common.json) {
        ofr_jsonline_open(&out, NULL);
        ofr_jsonline_int(&out, "schema_version", OFR_SCHEMA_VERSION);
    }
    for (int i = 0; i < (page_only ? 1 : 3); i++) {
        status = ofr_file_join(path, p->out, names[i], err);
        if (status) goto done;
        if (o->common.json)
            ofr_jsonline_text(&out, keys[i], path);
        else
            ofr_buf_addf(&out, "%s\n", path);
    }
    if (o->common.json) ofr_jsonline_end(&out);
    status = ofr_cmd_print(&out, err);
done:
    ofr_buf_free(&out);
    return status;
}

static ofr_status write_report(const options *o, ofr_report_sources *s, const places *p,
                               ofr_error *err)
{
    static const char *const without[] = {"quiet", "json", "no-color", NULL};
    ofr_status status;
    ofr_buf command;

    ofr_buf_init(&command);
    ofr_buf_adds(&command, "offramp report");
    ofr_command_options(&command, rows, o, without);
    s->command = command.p;
    status = command.failed ? ofr_fail_nomem(err, command.n, "a report")
                            : ofr_report_write(p->out, s, err);
    ofr_buf_free(&command);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_report_sources s = {.title = o->title,
                            .run = o->run,
                            .eval = o->eval,
                            .predictions = o->predictions,
                            .png = o->png,
                            .pdf = o->pdf};
    places p;

    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    if (!o->run && !o->eval && !o->curves)
        return ofr_fail(err, OFR_INVALID,
                        "needs --run DIR, --eval FILE or --curves DIR; "
                        "see --help");
    OFR_TRY(check_input(o, err));
    OFR_TRY(find_record(&s, &p, o, err));
    OFR_TRY(find_texts(&s, &p, o, err));
    OFR_TRY(find_out(&s, &p, o, err));
    OFR_TRY(write_report(o, &s, &p, err));
    return print_names(o, &p, s.page_only, err);
}

const ofr_cmd ofr_cmd_report = {
    .name = "report",
    .summary =
        "Write a page with charts about a run, an evaluation, a sweep, a comparison",
    .usage = "--run DIR | --eval FILE [--predictions FILE] | --curves DIR",
    .example =
        "  offramp report --run sst2-early\n"
        "  offramp eval --model sst2-early --task sst2 --data glue --json \\\n"
        "      --predictions p.tsv >e.json\n"
        "  offramp report --eval e.json --predictions p.tsv --task sst2 --data glue",
    .notes =
        "Writes report.html, which works offline, and the same numbers as report.json\n"
        "and report.csv; beside a records.jsonl, whose verb has written those two, only\n"
        "the page.  Prints their names.  Charts are drawn by gnuplot; without it the "
        "page\n"
        "has tables only.  docs/REPORTS.md explains every part.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
