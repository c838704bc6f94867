/* cmd.c - the list of verbs and what they all share. */
#include "cli/cmd.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/os.h"

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
    {OFR_EXIT_SIGINT, "interrupted (128 + the number of the signal)"},
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

/* A folder that is not there is empty; one that cannot be listed may hold anything. */
static ofr_status check_empty(bool *empty, const char *path, ofr_error *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int number;

    *empty = true;
    if (!dir && (errno == ENOENT || errno == ENOTDIR)) return OFR_OK;
    if (!dir) return ofr_os_fail(err, path, "read", errno);
    errno = 0;
    while (*empty && (entry = readdir(dir)) != NULL)
        *empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    number = *empty ? errno : 0;
    closedir(dir);
    return number ? ofr_os_fail(err, path, "read", number) : OFR_OK;
}

ofr_status ofr_cmd_new_dir(const char *dir, const char *advice, ofr_error *err)
{
    bool empty;

    if (ofr_file_exists(dir) && !ofr_file_is_dir(dir))
        return ofr_fail(err, OFR_INVALID, "%s: is a file, expected a directory to make",
                        dir);
    OFR_TRY(check_empty(&empty, dir, err));
    if (empty) return OFR_OK;
    return ofr_fail(err, OFR_INVALID, "%s: is not empty; %s", dir, advice);
}

/* Files of a model directory that other files must not take the place of. */
static const char *const model_files[] = {
    "config.json", "model.safetensors", "model.safetensors.index.json", "vocab.txt",
    "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "spiece.model", "train.json",
    "origin.json", "journal.jsonl"};

ofr_status ofr_cmd_output(const char *what, const char *path, const ofr_cmd_input *inputs,
                          int n_inputs, const char *model, ofr_error *err)
{
    char file[OFR_PATH_MAX];
    const int n = (int)(sizeof model_files / sizeof *model_files);

    for (int i = 0; i < n_inputs; i++)
        if (inputs[i].path && ofr_file_same(path, inputs[i].path))
            return ofr_fail(err, OFR_INVALID,
                            "%s and %s are the same file, %s; give %s another name", what,
                            inputs[i].what, path, what);
    for (int i = 0; model && i < n; i++) {
        OFR_TRY(ofr_file_join(file, model, model_files[i], err));
        if (ofr_file_same(path, file))
            return ofr_fail(err, OFR_INVALID,
                            "%s is %s of the model; give %s another name", what,
                            model_files[i], what);
    }
    return ofr_file_check(path, err);
}

ofr_status ofr_cmd_print(ofr_buf *buf, ofr_error *err)
{
    if (buf->failed) return ofr_fail_nomem(err, buf->n, "output");
    errno = 0;
    if ((buf->n && fwrite(buf->p, 1, buf->n, stdout) != buf->n) || fflush(stdout) != 0) {
        if (errno == EPIPE) return ofr_fail(err, OFR_IO, "%s", "");
        return ofr_os_fail(err, "standard output", "write", errno);
    }
    ofr_buf_clear(buf);
    return OFR_OK;
}
