/*
 * task.c - the tasks that are known by name: GLUE, SNLI, intent sets.
 *
 * A column is written as alternatives "name|name|number": the first header name
 * that the file has, else the number.  So the GLUE originals and the common
 * three-column copies of them are read by the same row.
 */
#include "data/task.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/opt.h"

#define ACC OFR_METRIC_ACCURACY
#define F1 OFR_METRIC_F1

const ofr_task ofr_tasks[] = {
    {"cola", "CoLA", false, "3", NULL, "1", "dev.tsv", OFR_METRIC_MATTHEWS,
     OFR_METRIC_MATTHEWS, false},
    {"sst2", "SST-2", true, "sentence|0", NULL, "label|1", "dev.tsv", ACC, ACC, false},
    {"mrpc", "MRPC", true, "#1 String|3", "#2 String|4", "Quality|label|0", "dev.tsv",
     ACC, F1, false},
    {"stsb", "STS-B", true, "sentence1|7", "sentence2|8", "score|label|-1", "dev.tsv",
     OFR_METRIC_PEARSON, OFR_METRIC_SPEARMAN, true},
    {"qqp", "QQP", true, "question1|3", "question2|4", "is_duplicate|label|5", "dev.tsv",
     ACC, F1, false},
    {"mnli", "MNLI", true, "sentence1|8", "sentence2|9", "gold_label|label|-1",
     "dev_matched.tsv", ACC, ACC, false},
    {"mnlimm", "MNLI", true, "sentence1|8", "sentence2|9", "gold_label|label|-1",
     "dev_mismatched.tsv", ACC, ACC, false},
    {"snli", "SNLI", true, "premise|sentence1|0", "hypothesis|sentence2|1",
     "label|gold_label|-1", "dev.tsv", ACC, ACC, false},
    {"qnli", "QNLI", true, "question|1", "sentence|2", "label|-1", "dev.tsv", ACC, ACC,
     false},
    {"rte", "RTE", true, "sentence1|1", "sentence2|2", "label|-1", "dev.tsv", ACC, ACC,
     false},
    {"wnli", "WNLI", true, "sentence1|1", "sentence2|2", "label|-1", "dev.tsv", ACC, ACC,
     false},
    {"mcid", "mcid", true, "text", NULL, "label", "dev.tsv", ACC, ACC, false},
    {"stackoverflow", "stackoverflow", true, "text", NULL, "label", "dev.tsv", ACC, ACC,
     false},
    {"clinc150", "clinc150", true, "text", NULL, "label", "dev.tsv", ACC, ACC, false},
    {NULL, NULL, false, NULL, NULL, NULL, NULL, ACC, ACC, false},
};

/* Lower case without '-' and '_'; false when it does not fit. */
static bool plain_name(char out[64], const char *name)
{
    size_t n = 0;

    for (; *name; name++) {
        if (*name == '-' || *name == '_') continue;
        if (n == 63) return false;
        out[n++] = (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
    }
    out[n] = 0;
    return true;
}

ofr_status ofr_task_find(const ofr_task **out, const char *name, ofr_error *err)
{
    char plain[64];
    const char *names[32];
    char list[400] = "";
    int n = 0;

    if (!plain_name(plain, name)) plain[0] = 0;
    for (const ofr_task *task = ofr_tasks; task->name; task++) {
        if (strcmp(task->name, plain) == 0) {
            *out = task;
            return OFR_OK;
        }
        if (n) strncat(list, ", ", sizeof list - strlen(list) - 1);
        strncat(list, task->name, sizeof list - strlen(list) - 1);
        names[n++] = task->name;
    }
    const char *near = ofr_opt_suggest(names, n, plain);
    if (near)
        return ofr_fail(err, OFR_INVALID,
                        "unknown task '%s', did you mean '%s'? known: %s", name, near,
                        list);
    return ofr_fail(err, OFR_INVALID,
                    "unknown task '%s'; known: %s; for a file of your own use --text and "
                    "--label",
                    name, list);
}

const char *ofr_metric_name(ofr_metric metric)
{
    static const char *const names[] = {"accuracy", "f1", "matthews", "pearson",
                                        "spearman"};

    return names[metric];
}

ofr_status ofr_task_file(const ofr_task *task, const char *dir, const char *which,
                         char *out, ofr_error *err)
{
    char name[64], below[OFR_PATH_MAX];

    if (strcmp(which, "dev") == 0)
        snprintf(name, sizeof name, "%s", task->dev_file);
    else
        snprintf(name, sizeof name, "%s.tsv", which);
    OFR_TRY(ofr_file_join(out, dir, name, err));
    if (ofr_file_exists(out)) return OFR_OK;
    OFR_TRY(ofr_file_join(below, dir, task->folder, err));
    OFR_TRY(ofr_file_join(below, below, name, err));
    if (!ofr_file_exists(below))
        return ofr_fail(
            err, OFR_NOT_FOUND,
            "task %s: neither %s nor %s exists; give --data or the file itself",
            task->name, out, below);
    memcpy(out, below, sizeof below);
    return OFR_OK;
}
