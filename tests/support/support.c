/* support.c - temporary folders, reference files and comparisons for tests. */
#include "support/support.h"

#include <dirent.h>
#include <math.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/ops.h"

static char folder[OFR_PATH_MAX / 2];

static void remove_tree(const char *path)
{
    char child[OFR_PATH_MAX];
    DIR *dir = opendir(path);
    if (dir != NULL) {
        const struct dirent *entry;
        while ((entry = readdir(dir)) != NULL) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
            if (unlink(child) != 0) remove_tree(child);
        }
        closedir(dir);
    }
    rmdir(path);
}

static void remove_folder(void)
{
    remove_tree(folder);
}

const char *support_folder(void)
{
    if (folder[0] != '\0') return folder;
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0') parent = "/tmp";
    snprintf(folder, sizeof(folder), "%s/offramp-test-XXXXXX", parent);
    if (mkdtemp(folder) == NULL) {
        fprintf(stderr, "%s: cannot create a temporary folder\n", folder);
        exit(1);
    }
    atexit(remove_folder);
    return folder;
}

const char *support_path(const char *name)
{
    static char paths[16][OFR_PATH_MAX];
    static int next;
    char *path = paths[next++ % 16];
    snprintf(path, OFR_PATH_MAX, "%s/%s", support_folder(), name);
    return path;
}

const char *support_write_bytes(const char *name, const void *p, size_t n)
{
    const char *path = support_path(name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(p, 1, n, file) != n || fclose(file) != 0)
        fail_msg("%s: cannot write", path);
    return path;
}

const char *support_write(const char *name, const char *text)
{
    return support_write_bytes(name, text, strlen(text));
}

static char *last_read;

static void free_last_read(void)
{
    free(last_read);
}

const char *support_read(const char *path)
{
    if (last_read == NULL) atexit(free_last_read);
    free(last_read);
    last_read = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s: cannot read", path);
        return "";
    }
    size_t n = 0, cap = 1 << 16, got;
    last_read = malloc(cap + 1);
    while (last_read != NULL && (got = fread(last_read + n, 1, cap - n, file)) > 0) {
        n += got;
        if (n == cap) last_read = realloc(last_read, (cap *= 2) + 1);
    }
    fclose(file);
    if (last_read == NULL) {
        fail_msg("%s: out of memory", path);
        return "";
    }
    last_read[n] = '\0';
    return last_read;
}

bool support_shared_path(char out[OFR_PATH_MAX], const char *kind, const char *relative)
{
    static const char *const kinds[][2] = {{"oracle", "OFFRAMP_ORACLE"},
                                           {"data", "OFFRAMP_DATA"},
                                           {"vocab", "OFFRAMP_VOCAB"}};
    const char *base = NULL;
    for (int i = 0; i < 3; i++)
        if (strcmp(kind, kinds[i][0]) == 0) base = getenv(kinds[i][1]);
    if (base != NULL && base[0] != '\0')
        snprintf(out, OFR_PATH_MAX, "%s/%s", base, relative);
    else
        snprintf(out, OFR_PATH_MAX, "%s/../shared/%s/%s", OFR_SOURCE_DIR, kind, relative);
    if (ofr_file_exists(out)) return true;
    fprintf(stderr, "skip %s: not found\n", out);
    return false;
}

static bool is_close(double got, double want, double absolute, double relative)
{
    if (isnan(got) || isnan(want)) return isnan(got) && isnan(want);
    if (isinf(got) || isinf(want)) return got == want;
    return fabs(got - want) <= absolute + relative * fabs(want);
}

/* One comparison of two series, kept apart from where the numbers lie. */
typedef struct series {
    size_t n_bad, worst;
    double worst_error, got, want;
} series;

static void series_add(series *s, size_t i, double got, double want, double absolute,
                       double relative)
{
    if (is_close(got, want, absolute, relative)) return;
    double error = fabs(got - want);
    if (isnan(error)) error = INFINITY;
    if (s->n_bad == 0 || error > s->worst_error) {
        s->worst = i;
        s->worst_error = error;
        s->got = got;
        s->want = want;
    }
    s->n_bad++;
}

static void series_end(const series *s, const char *name, size_t n, double absolute,
                       double relative)
{
    if (s->n_bad == 0) return;
    fail_msg("%s: %zu of %zu differ; worst at [%zu]: got %.17g, want %.17g, "
             "difference %.3g, allowed %.3g",
             name, s->n_bad, n, s->worst, s->got, s->want, s->worst_error,
             absolute + relative * fabs(s->want));
}

void support_close(const char *name, const ofr_real *got, const ofr_real *want, size_t n,
                   double absolute, double relative)
{
    series s = {0};
    for (size_t i = 0; i < n; i++)
        series_add(&s, i, (double)got[i], (double)want[i], absolute, relative);
    series_end(&s, name, n, absolute, relative);
}

void support_close_double(const char *name, const double *got, const double *want,
                          size_t n, double absolute, double relative)
{
    series s = {0};
    for (size_t i = 0; i < n; i++)
        series_add(&s, i, got[i], want[i], absolute, relative);
    series_end(&s, name, n, absolute, relative);
}

void support_close_mixed(const char *name, const ofr_real *got, const double *want,
                         size_t n, double absolute, double relative)
{
    series s = {0};
    for (size_t i = 0; i < n; i++)
        series_add(&s, i, (double)got[i], want[i], absolute, relative);
    series_end(&s, name, n, absolute, relative);
}

void support_close_one(const char *name, double got, double want, double absolute)
{
    support_close_double(name, &got, &want, 1, absolute, 0);
}

void support_random(ofr_real *out, size_t n, uint64_t seed, double scale)
{
    uint64_t stream = ofr_rng_stream(OFR_RNG_INIT, 7, 0);
    for (size_t i = 0; i < n; i++)
        out[i] = (ofr_real)(scale * (2 * ofr_rng_uniform(seed, stream, i) - 1));
}

bool support_same_bits(const char *what)
{
    if (strcmp(ofr_ops_select(ofr_cpu_features()).name, "blas") != 0) return true;
    printf("skip %s: the bits of a BLAS depend on the batch\n", what);
    return false;
}

void support_failure(const char *call, ofr_status got, ofr_status want,
                     const ofr_error *err, const char *part)
{
    if (got != want)
        fail_msg("%s: got '%s' (%s), want '%s'", call, ofr_status_text(got), err->text,
                 ofr_status_text(want));
    if (err->status != want) fail_msg("%s: err.status is %d", call, (int)err->status);
    if (strstr(err->text, part) == NULL)
        fail_msg("%s: the line '%s' does not mention '%s'", call, err->text, part);
    if (strchr(err->text, '\n') != NULL) fail_msg("%s: more than one line", call);
}
