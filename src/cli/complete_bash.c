/*
 * complete_bash.c - the completion of bash.
 *
 * Two functions full of cases, one row per verb or option, and below them the same
 * few lines that look at the words typed so far, whatever the tables hold.
 */
#include "cli/manual.h"
#include "cli/values.h"

static const char *const kinds[] = {
    [OFR_VALUE_NONE] = "none", [OFR_VALUE_ANY] = "any",   [OFR_VALUE_WORD] = "word",
    [OFR_VALUE_LIST] = "list", [OFR_VALUE_FILE] = "file", [OFR_VALUE_DIR] = "dir",
};

static const char head[] =
    "# Completion of offramp for bash, made by `offramp help --completion bash`.\n"
    "\n";

static const char tail[] =
    "# The last of words with commas between: what stands before it is kept.\n"
    "_offramp_list()\n"
    "{\n"
    "    local before=\n"
    "    [[ $2 == *,* ]] && before=${2%,*},\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$1\" -- \"${2##*,}\")\n"
    "    compopt -o nospace 2>/dev/null\n"
    "}\n"
    "\n"
    "_offramp_fill()\n"
    "{\n"
    "    case $1 in\n"
    "    word) mapfile -t COMPREPLY < <(compgen -W \"$2\" -- \"$3\") ;;\n"
    "    list) _offramp_list \"$2\" \"$3\" ;;\n"
    "    file)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$3\")\n"
    "        ;;\n"
    "    dir)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$3\")\n"
    "        ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_offramp()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local verb=${COMP_WORDS[1]} kind= words= options=\n"
    "    COMPREPLY=()\n"
    "    # bash breaks --name=value at the sign.\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "    if (( COMP_CWORD == 1 )); then\n"
    "        _offramp_fill word \"$_offramp_verbs help --help --version\" \"$cur\"\n"
    "        return\n"
    "    fi\n"
    "    if [[ $verb == help ]]; then\n"
    "        _offramp_fill word \"$_offramp_verbs\" \"$cur\"\n"
    "        return\n"
    "    fi\n"
    "    _offramp_value \"$verb\" \"$before\"\n"
    "    if [[ $kind == none ]]; then\n"
    "        _offramp_verb \"$verb\"\n"
    "        [[ $cur == -* ]] && kind=word words=$options\n"
    "    fi\n"
    "    _offramp_fill \"$kind\" \"$words\" \"$cur\"\n"
    "}\n"
    "complete -F _offramp offramp\n";

static void add_names(ofr_buf *out, const ofr_cmd *cmd)
{
    const char *between = "";
    for (const ofr_opt *row = cmd->options; row->name; row++, between = " ") {
        if (row->name[0])
            ofr_buf_addf(out, "%s--%s", between, row->name);
        else
            ofr_buf_addf(out, "%s-%c", between, row->letter);
        if (ofr_opt_is_on(row)) ofr_buf_addf(out, " --no-%s", row->name);
    }
}

/* "kind=KIND words='...' ;;" behind a pattern. */
static void add_kind(ofr_buf *out, ofr_value_kind kind, ofr_buf *words)
{
    ofr_buf_addf(out, "kind=%s", kinds[kind]);
    if (words->n) ofr_buf_addf(out, " words='%.*s'", (int)words->n - 1, words->p);
    if (words->failed) out->failed = true;
    ofr_buf_clear(words);
}

static void add_verbs(ofr_buf *out)
{
    ofr_buf words;
    ofr_buf_init(&words);
    ofr_buf_adds(out, "_offramp_verbs='");
    for (int i = 0; ofr_cmds[i]; i++)
        ofr_buf_addf(out, "%s%s", i ? " " : "", ofr_cmds[i]->name);
    ofr_buf_adds(out, "'\n\n# VERB: its options, and what its arguments are.\n"
                      "_offramp_verb()\n{\n    options= kind=any\n    case $1 in\n");
    for (int i = 0; ofr_cmds[i]; i++) {
        ofr_buf_addf(out, "    %s)\n        options='", ofr_cmds[i]->name);
        add_names(out, ofr_cmds[i]);
        ofr_buf_adds(out, "'\n        ");
        add_kind(out, ofr_values_of_verb(ofr_cmds[i], &words), &words);
        ofr_buf_adds(out, "\n        ;;\n");
    }
    ofr_buf_adds(out, "    esac\n}\n\n");
    ofr_buf_free(&words);
}

static void add_options(ofr_buf *out)
{
    ofr_buf words;
    ofr_buf_init(&words);
    ofr_buf_adds(out, "# VERB WORD: what WORD wants behind it; none when it is no option "
                      "with a value.\n_offramp_value()\n{\n    kind=none words=\n"
                      "    case \"$1 $2\" in\n");
    for (int i = 0; ofr_cmds[i]; i++)
        for (const ofr_opt *row = ofr_cmds[i]->options; row->name; row++) {
            ofr_value_kind kind = ofr_values_of_option(row, &words);
            const char *verb = ofr_cmds[i]->name;
            if (kind == OFR_VALUE_NONE) continue;
            ofr_buf_adds(out, "    ");
            if (row->name[0]) ofr_buf_addf(out, "'%s --%s'", verb, row->name);
            if (row->name[0] && row->letter) ofr_buf_adds(out, " | ");
            if (row->letter) ofr_buf_addf(out, "'%s -%c'", verb, row->letter);
            ofr_buf_adds(out, ") ");
            add_kind(out, kind, &words);
            ofr_buf_adds(out, " ;;\n");
        }
    ofr_buf_adds(out, "    esac\n}\n\n");
    ofr_buf_free(&words);
}

void ofr_complete_bash(ofr_buf *out)
{
    ofr_buf_adds(out, head);
    add_verbs(out);
    add_options(out);
    ofr_buf_adds(out, tail);
}
