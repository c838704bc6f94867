/* manual.c - `offramp help` with an option: which page or script is wanted. */
#include "cli/manual.h"

#include <string.h>

static ofr_status man(ofr_buf *out, char **args, int n_args, ofr_error *err)
{
    const ofr_cmd *cmd = n_args > 0 ? ofr_cmd_find(args[0]) : NULL;
    if (n_args > 0 && !cmd)
        return ofr_fail(err, OFR_INVALID,
                        "--man: unknown verb '%s'; `offramp` lists the verbs", args[0]);
    OFR_TRY(ofr_cmd_args(args, n_args, 1, err));
    ofr_man_page(out, cmd);
    return OFR_OK;
}

static ofr_status completion(ofr_buf *out, char **args, int n_args, ofr_error *err)
{
    static const struct {
        const char *name;
        void (*write)(ofr_buf *out);
    } shells[] = {
        {"bash", ofr_complete_bash},
        {"zsh", ofr_complete_zsh},
        {"fish", ofr_complete_fish},
    };
    const char *name = n_args > 0 ? args[0] : "";
    OFR_TRY(ofr_cmd_args(args, n_args, 1, err));
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].name, name) != 0) continue;
        shells[i].write(out);
        return OFR_OK;
    }
    return ofr_fail(err, OFR_INVALID,
                    "--completion: got '%s', expected bash, zsh or fish", name);
}

ofr_status ofr_manual(ofr_buf *out, char **args, int n_args, ofr_error *err)
{
    if (strcmp(args[0], "--man") == 0) return man(out, args + 1, n_args - 1, err);
    if (strcmp(args[0], "--completion") == 0)
        return completion(out, args + 1, n_args - 1, err);
    return ofr_fail(err, OFR_INVALID,
                    "unknown option '%s'; there are --man [VERB] and --completion SHELL",
                    args[0]);
}
