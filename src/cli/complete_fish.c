/* complete_fish.c - the completion of fish: one line per verb and option. */
#include "cli/manual.h"
#include "cli/values.h"

/* 'text' for fish, where only \ and ' need a backslash. */
static void add_quoted(ofr_buf *out, const char *text)
{
    ofr_buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') ofr_buf_addc(out, '\\');
        ofr_buf_addc(out, *text);
    }
    ofr_buf_addc(out, '\'');
}

/* What may follow: -x takes a value that is no file, -F files. */
static void add_values(ofr_buf *out, ofr_value_kind kind, ofr_buf *words)
{
    int n = words->n ? (int)words->n - 1 : 0;
    switch (kind) {
    case OFR_VALUE_NONE:
        break;
    case OFR_VALUE_ANY:
        ofr_buf_adds(out, " -x");
        break;
    case OFR_VALUE_WORD:
        ofr_buf_addf(out, " -x -a '%.*s'", n, words->p);
        break;
    case OFR_VALUE_LIST:
        ofr_buf_addf(out, " -x -a '(__fish_append , %.*s)'", n, words->p);
        break;
    case OFR_VALUE_FILE:
        ofr_buf_adds(out, " -r -F");
        break;
    case OFR_VALUE_DIR:
        ofr_buf_adds(out, " -x -a '(__fish_complete_directories)'");
        break;
    }
    if (words->failed) out->failed = true;
    ofr_buf_clear(words);
}

static void add_condition(ofr_buf *out, const char *verb)
{
    ofr_buf_addf(out, "complete -c offramp -n '__fish_seen_subcommand_from %s'", verb);
}

static void add_verb(ofr_buf *out, const ofr_cmd *cmd, ofr_buf *words)
{
    ofr_value_kind kind = ofr_values_of_verb(cmd, words);
    if (kind != OFR_VALUE_NONE) {
        add_condition(out, cmd->name);
        add_values(out, kind, words);
        ofr_buf_addc(out, '\n');
    }
    for (const ofr_opt *row = cmd->options; row->name; row++) {
        add_condition(out, cmd->name);
        if (row->letter) ofr_buf_addf(out, " -s %c", row->letter);
        if (row->name[0]) ofr_buf_addf(out, " -l %s", row->name);
        kind = ofr_values_of_option(row, words);
        add_values(out, kind, words);
        ofr_buf_adds(out, " -d ");
        add_quoted(out, row->help);
        ofr_buf_addc(out, '\n');
        if (!ofr_opt_is_on(row)) continue;
        add_condition(out, cmd->name);
        ofr_buf_addf(out, " -l no-%s -d 'not --%s'\n", row->name, row->name);
    }
}

void ofr_complete_fish(ofr_buf *out)
{
    ofr_buf words;
    ofr_buf_init(&words);
    ofr_buf_adds(out,
                 "# Completion of offramp for fish, made by `offramp help "
                 "--completion fish`.\n"
                 "complete -c offramp -f\n"
                 "complete -c offramp -n __fish_use_subcommand -l help -d 'list the "
                 "verbs'\n"
                 "complete -c offramp -n __fish_use_subcommand -l version -d 'print "
                 "the version'\n"
                 "complete -c offramp -n __fish_use_subcommand -a help -d 'Explain a "
                 "verb'\n");
    for (int i = 0; ofr_cmds[i]; i++) {
        ofr_buf_addf(out, "complete -c offramp -n __fish_use_subcommand -a %s -d ",
                     ofr_cmds[i]->name);
        add_quoted(out, ofr_cmds[i]->summary);
        ofr_buf_addc(out, '\n');
    }
    ofr_buf_adds(out, "complete -c offramp -n '__fish_seen_subcommand_from help' -a '");
    for (int i = 0; ofr_cmds[i]; i++)
        ofr_buf_addf(out, "%s%s", i ? " " : "", ofr_cmds[i]->name);
    ofr_buf_adds(out, "'\n");
    for (int i = 0; ofr_cmds[i]; i++)
        add_verb(out, ofr_cmds[i], &words);
    ofr_buf_free(&words);
}
