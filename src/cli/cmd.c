/* cmd.c - the list of verbs and what they all share. */
#include "cli/cmd.h"

#include <errno.h>
#include <string.h>

const ofr_cmd *const ofr_cmds[] = {
    &ofr_cmd_demo,     &ofr_cmd_init, &ofr_cmd_train,  &ofr_cmd_eval,  &ofr_cmd_predict,
    &ofr_cmd_bench,    &ofr_cmd_calibrate, &ofr_cmd_sweep, &ofr_cmd_compare,
    &ofr_cmd_report,   &ofr_cmd_quantize,
    &ofr_cmd_ablate, &ofr_cmd_features, &ofr_cmd_tokenize, &ofr_cmd_vocab,
    &ofr_cmd_info,     &ofr_cmd_doctor, NULL};

const ofr_cmd *ofr_cmd_find(const char *name)
{
    for (int i = 0; ofr_cmds[i]; i++)
        if (strcmp(ofr_cmds[i]->name, name) == 0) return ofr_cmds[i];
    return NULL;
}

const ofr_cmd_exit ofr_cmd_exits[] = {
    {OFR_EXIT_OK, "ok"},
    {OFR_EXIT_FAILED, "the run failed"},
    {OFR_EXIT_USAGE, "usage"},
    {OFR_EXIT_NOT_FOUND, "not found"},
    {OFR_EXIT_DAMAGED, "damaged or unsafe file"},
    {OFR_EXIT_SIGINT, "interrupted"},
    {0, NULL},
};

int ofr_cmd_exit_code(ofr_status status)
{
    switch (status) {
    case OFR_OK: return OFR_EXIT_OK;
    case OFR_INVALID: return OFR_EXIT_USAGE;
    case OFR_NOT_FOUND: return OFR_EXIT_NOT_FOUND;
    case OFR_FORMAT: return OFR_EXIT_DAMAGED;
    case OFR_INTERRUPTED: return OFR_EXIT_SIGINT;
    default: return OFR_EXIT_FAILED;
    }
}

ofr_status ofr_cmd_need(const char *value, const char *name, ofr_error *err)
{
    if (value) return OFR_OK;
    return ofr_fail(err, OFR_INVALID, "needs --%s; see --help", name);
}

ofr_status ofr_cmd_args(char **args, int n_args, int most, ofr_error *err)
{
    if (n_args <= most) return OFR_OK;
    return ofr_fail(err, OFR_INVALID, "unexpected argument '%s'; see --help", args[most]);
}

ofr_status ofr_cmd_print(ofr_buf *buf, ofr_error *err)
{
    if (buf->failed) return ofr_fail_nomem(err, buf->n, "output");
    errno = 0;
    if ((buf->n && fwrite(buf->p, 1, buf->n, stdout) != buf->n) || fflush(stdout) != 0) {
        if (errno == EPIPE) return ofr_fail(err, OFR_IO, "%s", "");
        return ofr_fail(err, OFR_IO, "standard output: %s", strerror(errno));
    }
    ofr_buf_clear(buf);
    return OFR_OK;
}
