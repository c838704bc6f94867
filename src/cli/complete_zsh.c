/*
 * complete_zsh.c - the completion of zsh: one call of its _arguments per verb.
 */
#include "cli/manual.h"
#include "cli/values.h"

/* Inside '...' of the shell and [...] or :...: of _arguments. */
static void add_quoted(ofr_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            ofr_buf_adds(out, "'\\''");
        else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            ofr_buf_addf(out, "\\%c", *text);
        else
            ofr_buf_addc(out, *text);
    }
}

/* ":WHAT:ACTION" of _arguments. */
static void add_action(ofr_buf *out, const char *what, ofr_value_kind kind,
                       ofr_buf *words)
{
    ofr_buf_addc(out, ':');
    add_quoted(out, what);
    ofr_buf_addc(out, ':');
    int n = words->n ? (int)words->n - 1 : 0;
    switch (kind) {
    case OFR_VALUE_NONE:
    case OFR_VALUE_ANY:
        ofr_buf_addc(out, ' ');
        break;
    case OFR_VALUE_WORD:
        ofr_buf_addf(out, "(%.*s)", n, words->p);
        break;
    case OFR_VALUE_LIST:
        ofr_buf_addf(out, "_sequence compadd - %.*s", n, words->p);
        break;
    case OFR_VALUE_FILE:
        ofr_buf_adds(out, "_files");
        break;
    case OFR_VALUE_DIR:
        ofr_buf_adds(out, "_directories");
        break;
    }
    if (words->failed) out->failed = true;
    ofr_buf_clear(words);
}

/* '(-m --model)'{-m+,--model=}'[help]:DIR:_directories' and the like. */
static void add_names(ofr_buf *out, const ofr_opt *row, const char *after_letter,
                      const char *after_name)
{
    if (row->letter && row->name[0])
        ofr_buf_addf(out, "'(-%c --%s)'{-%c%s,--%s%s}'", row->letter, row->name,
                     row->letter, after_letter, row->name, after_name);
    else if (row->letter)
        ofr_buf_addf(out, "'-%c%s", row->letter, after_letter);
    else
        ofr_buf_addf(out, "'--%s%s", row->name, after_name);
}

static void add_option(ofr_buf *out, const ofr_opt *row, ofr_buf *words)
{
    ofr_value_kind kind = ofr_values_of_option(row, words);
    bool flag = kind == OFR_VALUE_NONE;
    ofr_buf_adds(out, " \\\n            ");
    add_names(out, row, flag ? "" : "+", flag ? "" : "=");
    ofr_buf_addc(out, '[');
    add_quoted(out, row->help);
    ofr_buf_addc(out, ']');
    if (!flag) add_action(out, row->argument ? row->argument : "NAME", kind, words);
    ofr_buf_addc(out, '\'');
    if (ofr_opt_is_on(row))
        ofr_buf_addf(out, " \\\n            '--no-%s[not --%s]'", row->name, row->name);
}

static void add_verb(ofr_buf *out, const ofr_cmd *cmd, ofr_buf *words)
{
    ofr_buf_addf(out, "    %s)\n        _arguments -s -S", cmd->name);
    for (const ofr_opt *row = cmd->options; row->name; row++)
        add_option(out, row, words);
    ofr_value_kind kind = ofr_values_of_verb(cmd, words);
    if (kind != OFR_VALUE_NONE) {
        ofr_buf_adds(out, " \\\n            '*");
        add_action(out, "argument", kind, words);
        ofr_buf_addc(out, '\'');
    }
    ofr_buf_adds(out, "\n        ;;\n");
}

void ofr_complete_zsh(ofr_buf *out)
{
    ofr_buf words;
    ofr_buf_init(&words);
    ofr_buf_adds(out, "#compdef offramp\n"
                      "# Completion of offramp for zsh, made by `offramp help "
                      "--completion zsh`.\n\n_offramp()\n{\n    local -a verbs\n"
                      "    verbs=(\n");
    for (int i = 0; ofr_cmds[i]; i++) {
        ofr_buf_addf(out, "        '%s:", ofr_cmds[i]->name);
        add_quoted(out, ofr_cmds[i]->summary);
        ofr_buf_adds(out, "'\n");
    }
    ofr_buf_adds(out, "        'help:Explain a verb'\n    )\n"
                      "    if (( CURRENT == 2 )); then\n"
                      "        _describe -t verbs verb verbs\n"
                      "        _arguments '--help[list the verbs]' "
                      "'--version[print the version]'\n"
                      "        return\n"
                      "    fi\n"
                      "    # From here on the verb is the command.\n"
                      "    shift words\n    (( CURRENT-- ))\n"
                      "    case $words[1] in\n"
                      "    help) _describe -t verbs verb verbs ;;\n");
    for (int i = 0; ofr_cmds[i]; i++)
        add_verb(out, ofr_cmds[i], &words);
    ofr_buf_adds(out, "    esac\n}\n\n_offramp \"$@\"\n");
    ofr_buf_free(&words);
}
