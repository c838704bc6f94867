/* values.c - words that options and verbs take, from the tables they are looked up in. */
#include "cli/values.h"

#include <string.h>

#include "data/task.h"
#include "exit/rule.h"
#include "method/method.h"
#include "model/config.h"
#include "tensor/dtype.h"

static void add_word(ofr_buf *words, const char *word)
{
    ofr_buf_addf(words, "%s ", word);
}

static void add_methods(ofr_buf *words)
{
    for (int i = 0; ofr_methods[i]; i++)
        add_word(words, ofr_methods[i]->name);
}

static void add_rules(ofr_buf *words)
{
    for (int i = 0; ofr_rules[i]; i++)
        add_word(words, ofr_rules[i]->name);
}

static void add_rules_to_sweep(ofr_buf *words)
{
    add_word(words, "stored");
    add_rules(words);
}

static void add_tasks(ofr_buf *words)
{
    for (const ofr_task *task = ofr_tasks; task->name; task++)
        add_word(words, task->name);
}

static void add_shapes(ofr_buf *words)
{
    const char *name;
    for (int i = 0; (name = ofr_config_shape_name(i)) != NULL; i++)
        add_word(words, name);
}

static void add_precisions(ofr_buf *words)
{
    for (int i = 0; i < OFR_PRECISION_COUNT; i++)
        add_word(words, ofr_precision_name((ofr_precision)i));
}

/* Options whose text is looked up in a table. */
static const struct {
    const char *option;
    void (*add)(ofr_buf *words);
} tables[] = {
    {"method", add_methods},       {"methods", add_methods}, {"rule", add_rules},
    {"rules", add_rules_to_sweep}, {"task", add_tasks},      {"shape", add_shapes},
    {"precision", add_precisions},
};

/* "a|b|c" as words. */
static void add_choices(ofr_buf *words, const char *choices)
{
    size_t n;
    for (const char *p = choices;; p += n + 1) {
        n = strcspn(p, "|");
        ofr_buf_add(words, p, n);
        ofr_buf_addc(words, ' ');
        if (p[n] == '\0') return;
    }
}

ofr_value_kind ofr_values_of_option(const ofr_opt *row, ofr_buf *words)
{
    const char *argument = row->argument ? row->argument : "";
    if (row->kind == OFR_OPT_FLAG) return OFR_VALUE_NONE;
    if (row->kind == OFR_OPT_CHOICE) {
        add_choices(words, row->choices);
        return OFR_VALUE_WORD;
    }
    if (strcmp(argument, "FILE") == 0) return OFR_VALUE_FILE;
    if (strcmp(argument, "DIR") == 0) return OFR_VALUE_DIR;
    if (row->kind != OFR_OPT_TEXT) return OFR_VALUE_ANY;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (strcmp(row->name, tables[i].option) != 0) continue;
        tables[i].add(words);
        return strcmp(argument, "LIST") == 0 ? OFR_VALUE_LIST : OFR_VALUE_WORD;
    }
    return OFR_VALUE_ANY;
}

ofr_value_kind ofr_values_of_verb(const ofr_cmd *cmd, ofr_buf *words)
{
    if (!cmd->arguments) return OFR_VALUE_NONE;
    if (strcmp(cmd->arguments, "FILE") == 0) return OFR_VALUE_FILE;
    if (strcmp(cmd->arguments, "DIR") == 0) return OFR_VALUE_DIR;
    add_choices(words, cmd->arguments);
    return OFR_VALUE_WORD;
}
