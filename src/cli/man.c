/*
 * man.c - pages of the manual as roff, with the macros of man(7).
 *
 * Texts are filled by the formatter; examples and lines that begin with a blank, such
 * as tables in notes, are kept as they stand.
 */
#include <ctype.h>
#include <string.h>

#include "cli/build_info.h"
#include "cli/manual.h"

/* ---- letters ----------------------------------------------------------------- */

/* One byte of text.  Dashes and quotes are kept as ASCII, so that what is copied out
 * of a page is what a shell understands. */
static void add_char(ofr_buf *out, char c)
{
    static const struct {
        char from;
        const char *to;
    } special[] = {
        {'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"},
        {'`', "\\(ga"}, {'^', "\\(ha"}, {'~', "\\(ti"},
    };
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (c == special[i].from) {
            ofr_buf_adds(out, special[i].to);
            return;
        }
    ofr_buf_addc(out, c);
}

/* A dot at the beginning of a line would be a request. */
static void add_line(ofr_buf *out, const char *text, size_t n)
{
    if (n > 0 && text[0] == '.') ofr_buf_adds(out, "\\&");
    for (size_t i = 0; i < n; i++)
        add_char(out, text[i]);
    ofr_buf_addc(out, '\n');
}

static void add_text(ofr_buf *out, const char *text)
{
    for (; *text; text++)
        add_char(out, *text);
}

static void add_bold(ofr_buf *out, const char *text)
{
    ofr_buf_adds(out, "\\fB");
    add_text(out, text);
    ofr_buf_adds(out, "\\fR");
}

static void add_section(ofr_buf *out, const char *name)
{
    ofr_buf_addf(out, ".SH %s\n", name);
}

/* Lines of `text`: paragraphs, which are filled, and blocks of lines that begin
 * with a blank, which are not. */
static void add_lines(ofr_buf *out, const char *text)
{
    bool kept = false, apart = false; /* apart: a new block begins here */
    bool first = true;
    for (size_t n; *text; text += text[n] ? n + 1 : n) {
        n = strcspn(text, "\n");
        bool blank = text[0] == ' ';
        if (n == 0) {
            apart = true;
            continue;
        }
        if (!first && blank != kept) apart = true;
        if (apart) ofr_buf_adds(out, kept ? ".EE\n.PP\n" : ".PP\n");
        if (blank && (first || apart)) ofr_buf_adds(out, ".EX\n");
        add_line(out, text, n);
        kept = blank;
        first = apart = false;
    }
    if (kept) ofr_buf_adds(out, ".EE\n");
}

/* ---- parts of a page -------------------------------------------------------------- */

/* "OFFRAMP-TRAIN" or "OFFRAMP", then what stands in the corners of the page. */
static void add_title(ofr_buf *out, const ofr_cmd *cmd)
{
    ofr_buf_adds(out, ".\\\" Made by the program from its tables of options; see "
                      "src/cli/man.c.\n.TH \"OFFRAMP");
    if (cmd) ofr_buf_adds(out, "\\-");
    for (const char *p = cmd ? cmd->name : ""; *p; p++)
        ofr_buf_addc(out, (char)toupper((unsigned char)*p));
    ofr_buf_addf(out, "\" \"1\" \"%s\" \"offramp %s\" \"offramp manual\"\n",
                 ofr_build_date, ofr_version());
}

/* A summary continues a line here, so it begins small; not when it is a name. */
static void add_summary(ofr_buf *out, const char *summary)
{
    if (islower((unsigned char)summary[1]) || summary[1] == ' ')
        add_char(out, (char)tolower((unsigned char)summary[0]));
    else
        add_char(out, summary[0]);
    add_text(out, summary + 1);
    ofr_buf_addc(out, '\n');
}

static void add_option(ofr_buf *out, const ofr_opt *row, ofr_buf *text)
{
    bool flag = row->kind == OFR_OPT_FLAG;
    const char *argument = row->argument ? row->argument : row->choices;
    char letter[] = {'-', row->letter, '\0'};
    ofr_buf_adds(out, ".TP\n");
    if (row->letter) add_bold(out, letter);
    if (row->letter && row->name[0]) ofr_buf_adds(out, ", ");
    if (row->name[0]) {
        ofr_buf_addf(text, "--%s", row->name);
        add_bold(out, text->p ? text->p : "");
        ofr_buf_clear(text);
    }
    if (ofr_opt_is_on(row)) {
        ofr_buf_addf(text, "--no-%s", row->name);
        ofr_buf_adds(out, ", ");
        add_bold(out, text->p ? text->p : "");
        ofr_buf_clear(text);
    }
    if (!flag) {
        ofr_buf_adds(out, " \\fI");
        add_text(out, argument ? argument : "VALUE");
        ofr_buf_adds(out, "\\fR");
    }
    ofr_buf_addc(out, '\n');
    ofr_opt_help_text(row, text);
    add_line(out, text->p ? text->p : "", text->n);
    if (text->failed) out->failed = true;
    ofr_buf_clear(text);
}

static void add_options(ofr_buf *out, const ofr_opt *table)
{
    ofr_buf text;
    const char *group = "";
    ofr_buf_init(&text);
    for (const ofr_opt *row = table; row->name; row++) {
        if (row->group && strcmp(row->group, group) != 0) {
            group = row->group;
            ofr_buf_adds(out, ".SS ");
            add_line(out, group, strlen(group));
        }
        add_option(out, row, &text);
    }
    ofr_buf_free(&text);
}

static void add_exits(ofr_buf *out)
{
    add_section(out, "EXIT STATUS");
    for (const ofr_cmd_exit *row = ofr_cmd_exits; row->text; row++) {
        ofr_buf_addf(out, ".TP\n\\fB%d\\fR\n", row->code);
        add_line(out, row->text, strlen(row->text));
    }
}

static void add_reference(ofr_buf *out, const char *verb, const char *behind)
{
    ofr_buf_adds(out, "\\fBofframp");
    if (verb[0]) ofr_buf_adds(out, "\\-");
    add_text(out, verb);
    ofr_buf_addf(out, "\\fR(1)%s\n", behind);
}

/* ---- pages ----------------------------------------------------------------------------
 */

static void verb_page(ofr_buf *out, const ofr_cmd *cmd)
{
    add_section(out, "NAME");
    ofr_buf_addf(out, "offramp\\-%s \\- ", cmd->name);
    add_summary(out, cmd->summary);
    add_section(out, "SYNOPSIS");
    ofr_buf_addf(out, "\\fBofframp %s\\fR ", cmd->name);
    add_line(out, cmd->usage, strlen(cmd->usage));
    add_section(out, "DESCRIPTION");
    add_text(out, cmd->summary);
    ofr_buf_adds(out, ".\n");
    if (cmd->notes) {
        ofr_buf_adds(out, ".PP\n");
        add_lines(out, cmd->notes);
    }
    add_section(out, "OPTIONS");
    add_options(out, cmd->options);
    add_exits(out);
    add_section(out, "EXAMPLES");
    add_lines(out, cmd->example);
    add_section(out, "SEE ALSO");
    add_reference(out, "", "");
}

static const struct {
    const char *name, *text;
} variables[] = {
    {"OFR_CPU", "The highest instruction set to use: scalar, avx2, avx512 or avx512vnni. "
                "Default: all that the processor has."},
    {"OMP_NUM_THREADS", "Lowers the number of threads; --threads goes before it."},
    {"NO_COLOR", "Never use colours, when it is not empty."},
    {"TMPDIR", "Folder for temporary files instead of /tmp."},
};

static void add_variables(ofr_buf *out)
{
    add_section(out, "ENVIRONMENT");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        ofr_buf_adds(out, ".TP\n");
        add_bold(out, variables[i].name);
        ofr_buf_addc(out, '\n');
        add_line(out, variables[i].text, strlen(variables[i].text));
    }
}

static void main_page(ofr_buf *out)
{
    static const char about[] =
        "Trains, compares and runs encoder transformers that put a classifier behind "
        "each\n"
        "layer and leave the network at the first one that knows the answer. Models are\n"
        "directories in Hugging Face layout. Standard output carries data only, remarks\n"
        "and progress go to standard error.\n"
        "\n"
        "`offramp VERB --help` explains a verb, `offramp doctor` the machine.";
    add_section(out, "NAME");
    ofr_buf_adds(out, "offramp \\- text models that leave the network at the first layer "
                      "that knows the answer\n");
    add_section(out, "SYNOPSIS");
    ofr_buf_adds(out, "\\fBofframp\\fR \\fIVERB\\fR [\\fIoptions\\fR]\n.br\n"
                      "\\fBofframp help\\fR [\\fIVERB\\fR]\n.br\n"
                      "\\fBofframp \\-\\-version\\fR\n");
    add_section(out, "DESCRIPTION");
    add_lines(out, about);
    add_section(out, "VERBS");
    for (int i = 0; ofr_cmds[i]; i++) {
        ofr_buf_adds(out, ".TP\n");
        add_reference(out, ofr_cmds[i]->name, "");
        add_line(out, ofr_cmds[i]->summary, strlen(ofr_cmds[i]->summary));
    }
    add_exits(out);
    add_variables(out);
    add_section(out, "EXAMPLES");
    add_lines(out, "  offramp demo\n"
                   "  offramp train --model bert-base-uncased --task sst2 \\\n"
                   "      --data glue/SST-2 --out sst2-model\n"
                   "  echo 'a fine film' | offramp predict --model sst2-model");
    add_section(out, "SEE ALSO");
    for (int i = 0; ofr_cmds[i]; i++)
        add_reference(out, ofr_cmds[i]->name, ofr_cmds[i + 1] ? "," : "");
}

void ofr_man_page(ofr_buf *out, const ofr_cmd *cmd)
{
    add_title(out, cmd);
    if (cmd)
        verb_page(out, cmd);
    else
        main_page(out);
}
