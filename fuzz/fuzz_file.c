/* fuzz_file.c - inputs as files, and what can be asked of every answer. */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { NAMES = 16, PATH = 128 };
static char folder[64];
static char paths[NAMES][PATH];

/* Small memory makes a parser that believes absurd sizes fail, not the machine. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=256";
}

/* Everything below `path`, which is ours. */
static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char inner[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0) remove_all(inner);
    }
    if (dir) closedir(dir);
    rmdir(path);
}

static void remove_folder(void)
{
    remove_all(folder);
}

const char *ofr_fuzz_folder(void)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    if (folder[0]) return folder;
    snprintf(folder, sizeof folder, "%s/ofr-fuzz-XXXXXX", memory);
    OFR_FUZZ_CHECK(mkdtemp(folder));
    atexit(remove_folder);
    return folder;
}

static const char *path_of(const char *name)
{
    size_t n = strlen(ofr_fuzz_folder()) + 1;
    int i = 0;
    while (paths[i][0] && strcmp(paths[i] + n, name) != 0)
        OFR_FUZZ_CHECK(++i < NAMES);
    snprintf(paths[i], PATH, "%s/%s", folder, name);
    return paths[i];
}

const char *ofr_fuzz_file(const char *name, const uint8_t *data, size_t size)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    OFR_FUZZ_CHECK(file && fwrite(data, 1, size, file) == size);
    OFR_FUZZ_CHECK(fclose(file) == 0);
    return path;
}

void ofr_fuzz_files(const char *const *names, int n, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    OFR_FUZZ_CHECK(n <= OFR_FUZZ_FILES_MAX);
    for (int i = 0; i < n; i++) {
        const uint8_t *stop = size ? memmem(data, size, "\xff\xff", 2) : NULL;
        size_t length = stop && i + 1 < n ? (size_t)(stop - data) : size;
        if (length)
            ofr_fuzz_file(names[i], data, length);
        else
            unlink(path_of(names[i]));
        data += length + (length < size ? 2 : 0);
        size = (size_t)(end - data);
    }
}

char *ofr_fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    OFR_FUZZ_CHECK(text);
    if (size) memcpy(text, data, size);
    text[size] = 0;
    return text;
}

void ofr_fuzz_refused(ofr_status status, const ofr_error *err, const char *part)
{
    OFR_FUZZ_CHECK(status == err->status && err->text[0]);
    OFR_FUZZ_CHECK(memchr(err->text, 0, sizeof err->text));
    for (const char *p = err->text; *p; p++)
        OFR_FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    if (status == OFR_NOMEM) return;
    OFR_FUZZ_CHECK(status == OFR_FORMAT || status == OFR_INVALID ||
                   status == OFR_NOT_FOUND);
    OFR_FUZZ_CHECK(!part || strstr(err->text, part));
}

unsigned ofr_fuzz_read(const ofr_tensor *tensor)
{
    const size_t width = ofr_dtype_bytes(tensor->dtype), n = ofr_tensor_count(tensor);
    unsigned sum = 0;
    OFR_FUZZ_CHECK(n * width == tensor->bytes);
    for (size_t i = 0; i < tensor->bytes; i++)
        sum = sum * 31 + ((const unsigned char *)tensor->data)[i];
    for (size_t i = 0; i < n; i += 64) {
        const unsigned char *from = (const unsigned char *)tensor->data + i * width;
        const size_t part = n - i < 64 ? n - i : 64;
        ofr_real reals[64];
        int64_t whole[64];
        ofr_dtype_to_real(reals, from, tensor->dtype, part);
        ofr_dtype_to_i64(whole, from, tensor->dtype, part);
        for (size_t k = 0; k < part; k++)
            sum = sum * 31 + (unsigned)whole[k] + (reals[k] > 0);
    }
    return sum;
}
