/* default_model.c - looks for the model that comes with the program. */
#include "cli/default_model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder that holds the program; "" when the system does not say. */
static void program_folder(char out[OFR_PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, OFR_PATH_MAX - 1);
    char *slash;
    out[n > 0 ? n : 0] = 0;
    slash = strrchr(out, '/');
    if (slash) *slash = 0;
}

ofr_status ofr_default_model(char out[OFR_PATH_MAX], ofr_error *err)
{
    static const char *const places[] = {"../models/" OFR_DEFAULT_MODEL,
                                         "../share/offramp/models/" OFR_DEFAULT_MODEL};
    char folder[OFR_PATH_MAX], path[OFR_PATH_MAX], config[OFR_PATH_MAX];
    program_folder(folder);
    for (size_t i = 0; folder[0] && i < sizeof places / sizeof *places; i++) {
        char *whole;
        if (ofr_file_join(path, folder, places[i], NULL) != OFR_OK ||
            ofr_file_join(config, path, "config.json", NULL) != OFR_OK ||
            !ofr_file_exists(config))
            continue;
        whole = realpath(path, NULL);
        if (whole && strlen(whole) < OFR_PATH_MAX) {
            memcpy(out, whole, strlen(whole) + 1);
            free(whole);
            return OFR_OK;
        }
        free(whole);
    }
    return ofr_fail(err, OFR_INVALID,
                    "needs --model DIR: the pretrained " OFR_DEFAULT_MODEL
                    " is not installed; `offramp init --shape small --vocab vocab.txt "
                    "--out DIR` makes one with random weights");
}
