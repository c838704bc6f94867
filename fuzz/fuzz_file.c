/* fuzz_file.c - bytes as a file, because the readers take paths. */
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { NAMES = 8, PATH = 128 };
static char folder[64];
static char paths[NAMES][PATH];

static void remove_folder(void)
{
    for (int i = 0; i < NAMES; i++)
        if (paths[i][0]) unlink(paths[i]);
    rmdir(folder);
}

const char *ofr_fuzz_file(const char *name, const uint8_t *data, size_t size)
{
    int i = 0;
    FILE *file;
    if (!folder[0]) {
        const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(folder, sizeof folder, "%s/ofr-fuzz-XXXXXX", memory);
        OFR_FUZZ_CHECK(mkdtemp(folder));
        atexit(remove_folder);
    }
    while (paths[i][0] && strcmp(paths[i] + strlen(folder) + 1, name) != 0)
        OFR_FUZZ_CHECK(++i < NAMES);
    snprintf(paths[i], PATH, "%s/%s", folder, name);
    file = fopen(paths[i], "wb");
    OFR_FUZZ_CHECK(file && fwrite(data, 1, size, file) == size);
    OFR_FUZZ_CHECK(fclose(file) == 0);
    return paths[i];
}
