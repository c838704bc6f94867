/* replay.c - runs the harness on every file of the folders and files named. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

static int n_files;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t n = 0, cap = 0, got = 1;
    OFR_FUZZ_CHECK(file);
    while (got > 0) {
        if (n == cap) {
            uint8_t *more = realloc(bytes, cap = cap ? 2 * cap : 4096);
            OFR_FUZZ_CHECK(more);
            bytes = more;
        }
        got = fread(bytes + n, 1, cap - n, file);
        n += got;
    }
    fclose(file);
    fprintf(stderr, "%s\n", path); /* so that a crash names its file */
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    n_files++;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        const struct dirent *entry;
        if (!dir) {
            run_file(argv[i]);
            continue;
        }
        while ((entry = readdir(dir))) {
            char path[4096];
            if (entry->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            run_file(path);
        }
        closedir(dir);
    }
    fprintf(stderr, "%d files\n", n_files);
    return n_files ? 0 : 1;
}
