/*
 * main.c - the program: finds the verb, parses its options, runs it, and turns
 * its status into one line on standard error and an exit code.
 *
 * The only file that exits.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/build_info.h"
#include "cli/cmd.h"
#include "cli/launch.h"
#include "cli/manual.h"

static int fail(const char *verb, const ofr_error *err)
{
    /* An empty text: the reader of our output has seen enough and gone, as
     * `head` does. */
    if (!err->text[0]) return OFR_EXIT_OK;
    if (verb)
        fprintf(stderr, "offramp %s: %s\n", verb, err->text);
    else
        fprintf(stderr, "offramp: %s\n", err->text);
    return ofr_cmd_exit_code(err->status);
}

static int print(ofr_buf *buf, const char *verb)
{
    ofr_error err = {OFR_OK, ""};
    int code = ofr_cmd_print(buf, &err) == OFR_OK ? OFR_EXIT_OK : fail(verb, &err);
    ofr_buf_free(buf);
    return code;
}

static int print_verbs(void)
{
    ofr_buf out;
    ofr_buf_init(&out);
    ofr_buf_adds(&out, "usage: offramp VERB [options]\n\n"
                       "Text models that leave the network at the first layer that "
                       "knows the answer.\n\nverbs:\n");
    for (int i = 0; ofr_cmds[i]; i++)
        ofr_buf_addf(&out, "  %-10s%s\n", ofr_cmds[i]->name, ofr_cmds[i]->summary);
    ofr_buf_adds(&out, "\n`offramp VERB --help` explains a verb; `offramp --version` "
                       "prints the version.\nStart with: offramp demo\n");
    return print(&out, NULL);
}

static int print_help(const ofr_cmd *cmd)
{
    ofr_buf out;
    ofr_buf_init(&out);
    ofr_buf_addf(&out, "usage: offramp %s %s\n\n%s.\n\nexample:\n%s\n\n", cmd->name,
                 cmd->usage, cmd->summary, cmd->example);
    ofr_opt_help(cmd->options, &out);
    if (cmd->notes) ofr_buf_addf(&out, "\n%s\n", cmd->notes);
    for (const ofr_cmd_exit *row = ofr_cmd_exits; row->text; row++)
        ofr_buf_addf(&out, "%s%d %s", row == ofr_cmd_exits ? "\nexit codes: " : ", ",
                     row->code, row->text);
    ofr_buf_adds(&out, "\n");
    return print(&out, cmd->name);
}

static int print_version(void)
{
    ofr_buf out;
    ofr_buf_init(&out);
    const char *commit = ofr_build_commit;
    ofr_buf_addf(&out, "offramp %s%s%s%s\n", ofr_version(), commit[0] ? " (" : "", commit,
                 commit[0] ? ")" : "");
    return print(&out, NULL);
}

static int unknown_verb(const char *name)
{
    ofr_error err;
    const char *names[32];
    const char *near;
    int n = 0;
    while (n < 32 && ofr_cmds[n]) {
        names[n] = ofr_cmds[n]->name;
        n++;
    }
    near = ofr_opt_suggest(names, n, name);
    ofr_fail(&err, OFR_INVALID, "unknown verb '%.80s'; %s%s%s", name,
             near ? "did you mean '" : "`offramp` lists the verbs", near ? near : "",
             near ? "'?" : "");
    return fail(NULL, &err);
}

/* `offramp help`, behind which stands a verb, or --man or --completion. */
static int run_help(int n_args, char **args)
{
    ofr_error err = {OFR_OK, ""};
    const ofr_cmd *cmd;
    ofr_buf out;
    if (n_args == 0) return print_verbs();
    if (args[0][0] != '-') {
        cmd = ofr_cmd_find(args[0]);
        return cmd ? print_help(cmd) : unknown_verb(args[0]);
    }
    ofr_buf_init(&out);
    if (ofr_manual(&out, args, n_args, &err) == OFR_OK) return print(&out, "help");
    ofr_buf_free(&out);
    return fail("help", &err);
}

/* `doctor` has a remark of its own. */
static void check_cpu(const ofr_cmd *cmd)
{
    const char *unknown = cmd == &ofr_cmd_doctor ? NULL : ofr_cpu_unknown_limit();

    if (unknown)
        ofr_log(OFR_LOG_WARN,
                "warning: OFR_CPU is '%.60s', which names no instruction set and is "
                "ignored; set it to scalar, avx2, avx512 or avx512vnni, or unset it",
                unknown);
}

/* Rank 0 speaks for all ranks. */
static void set_voice(const ofr_cmd_common *common, ofr_term *term)
{
    const bool silent = common->comm->rank != 0;

    ofr_term_init(term, common->quiet || silent, common->no_color);
    if (!silent) ofr_log_set_sink(ofr_term_log, term);
}

static ofr_status parse_and_run(const ofr_cmd *cmd, const ofr_comm *comm, void *values,
                                bool *is_set, int argc, char **argv, int *code,
                                ofr_error *err)
{
    ofr_cmd_common *common = values;
    ofr_term term;
    char **args = NULL;
    int n_args = 0;

    ofr_opt_defaults(cmd->options, values);
    OFR_TRY(ofr_opt_parse(cmd->options, values, is_set, argc, argv, &args, &n_args, err));
    if (common->help) {
        if (comm->rank == 0) *code = print_help(cmd);
        return OFR_OK;
    }
    common->comm = comm;
    common->term = &term;
    if (common->threads == 0) common->threads = comm->threads;
    set_voice(common, &term);
    check_cpu(cmd);
    err->status = cmd->run(values, is_set, args, n_args, err);
    if (err->status == OFR_OK) err->status = ofr_launch_meet(comm, err);
    ofr_term_progress_end(&term);
    ofr_log_set_sink(NULL, NULL);
    return err->status;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) return true;
    return false;
}

static int run_verb(const ofr_cmd *cmd, int argc, char **argv)
{
    ofr_error err = {OFR_OK, ""};
    const ofr_comm *comm;
    int code = OFR_EXIT_OK;
    void *values = ofr_mem_zalloc(cmd->options_bytes);
    bool *is_set = ofr_mem_array((size_t)ofr_opt_count(cmd->options) + 1, sizeof *is_set);

    err.status = ofr_launch_open(&comm, cmd->name, cmd->can_share, &err);
    if (err.status == OFR_INVALID && asks_for_help(argc, argv)) err.status = OFR_OK;
    if (!values || !is_set) ofr_fail_nomem(&err, cmd->options_bytes, "options");
    if (err.status == OFR_OK)
        err.status = parse_and_run(cmd, comm, values, is_set, argc, argv, &code, &err);
    if (err.status != OFR_OK)
        code = comm->rank == 0 ? fail(cmd->name, &err) : ofr_cmd_exit_code(err.status);
    if (err.status == OFR_INTERRUPTED && values) {
        const ofr_cmd_common *common = values;
        if (common->signal_number) code = 128 + common->signal_number;
    }
    ofr_mem_free(is_set);
    ofr_mem_free(values);
    ofr_launch_close(comm, &err, code);
    return code;
}

/* A standard file that the caller closed gives its number to the next file that is
 * opened, which would then get what is meant for the user.  /dev/null opened the wrong
 * way round keeps the number and fails as a closed file does. */
static void keep_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const ofr_cmd *cmd;
    ofr_error err;
    keep_standard_files();
    /* A reader that goes away is found when writing fails; a long training run
     * must not die of a closed terminal's pipe. */
    signal(SIGPIPE, SIG_IGN);
    /* So is a file that may not grow (ulimit -f). */
    signal(SIGXFSZ, SIG_IGN);
    if (!word || strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        return print_verbs();
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) return print_version();
    if (strcmp(word, "help") == 0) return run_help(argc - 2, argv + 2);
    if (word[0] == '-') {
        ofr_fail(&err, OFR_INVALID,
                 "unknown option '%.80s'; the verb comes first, `offramp` lists the "
                 "verbs",
                 word);
        return fail(NULL, &err);
    }
    cmd = ofr_cmd_find(word);
    return cmd ? run_verb(cmd, argc - 1, argv + 1) : unknown_verb(word);
}
