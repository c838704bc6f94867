/* doctor_find.c - looks at the processor, the system, the environment and the folder. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/default_model.h"
#include "kernels/peak.h"

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#else
#define ARCHITECTURE "other"
#endif

#if defined(OFR_X86)
enum { BUILT = OFR_CPU_AVX2 | OFR_CPU_AVX512 | OFR_CPU_AVX512VNNI };
#else
enum { BUILT = 0 };
#endif

/* Less than this and not even a small model trains. */
static const long long MEMORY_NEEDED = 256LL << 20;

void ofr_doctor_remark_add(ofr_doctor *doctor, bool problem, const char *next,
                           const char *format, ...)
{
    ofr_doctor_remark *remark;
    va_list list;
    if (doctor->n_remarks == OFR_DOCTOR_REMARKS) return;
    remark = &doctor->remarks[doctor->n_remarks++];
    remark->problem = problem;
    doctor->n_problems += problem;
    snprintf(remark->next, sizeof remark->next, "%s", next);
    va_start(list, format);
    vsnprintf(remark->text, sizeof remark->text, format, list);
    va_end(list);
}

/* ---- kernels ------------------------------------------------------------------- */

/* What a rung of the ladder needs, the plain one first. */
static const struct {
    const char *name;
    unsigned needs;
} ladder[OFR_DOCTOR_SETS] = {
    {"scalar", 0},
    {"avx2", OFR_CPU_AVX2},
    {"avx512", OFR_CPU_AVX2 | OFR_CPU_AVX512},
    {"avx512vnni", OFR_CPU_AVX2 | OFR_CPU_AVX512 | OFR_CPU_AVX512VNNI},
};

static ofr_status find_set(ofr_doctor *d, ofr_doctor_set *set, const char *name,
                           unsigned needs, ofr_error *err)
{
    unsigned machine = ofr_cpu_machine(), allowed = ofr_cpu_features();
    unsigned built = (unsigned)BUILT | (machine & OFR_CPU_BLAS);
    set->name = name;
    set->built = (needs & ~built) == 0;
    set->found = (needs & ~machine) == 0;
    set->allowed = set->built && (needs & ~allowed) == 0;
    if (!set->built || !set->found) return OFR_OK;
    const ofr_ops ops = ofr_ops_select(needs);
    OFR_TRY(ofr_doctor_check(&set->right, &ops, err));
    if (set->right) return OFR_OK;
    ofr_doctor_remark_add(d, true,
                          needs ? "report it with this page; until then set "
                                  "OFR_CPU=scalar"
                                : "build again with another compiler, and report it "
                                  "with this page",
                          "products by the %s kernels are wrong", name);
    return OFR_OK;
}

static ofr_status find_kernels(ofr_doctor *d, ofr_error *err)
{
    ofr_dev *dev;
    for (int i = 0; i < OFR_DOCTOR_SETS; i++)
        OFR_TRY(find_set(d, &d->sets[i], ladder[i].name, ladder[i].needs, err));
    OFR_TRY(find_set(d, &d->blas, "blas", OFR_CPU_BLAS, err));
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    d->kernels = ops.name;
    OFR_TRY(ofr_dev_open(&dev, &ops, d->threads, 1, err));
    d->peak_gflops = ofr_peak_flops(dev) / 1e9;
    ofr_dev_close(dev);
    return OFR_OK;
}

static void check_environment(ofr_doctor *d)
{
    const char *cpu = ofr_cpu_unknown_limit(), *threads = getenv("OMP_NUM_THREADS");
    if (cpu)
        ofr_doctor_remark_add(d, true,
                              "set it to scalar, avx2, avx512 or avx512vnni, or unset it",
                              "OFR_CPU is '%.60s', which names no instruction set and is "
                              "ignored",
                              cpu);
    if (threads && threads[0] && d->limits.wish == 0)
        ofr_doctor_remark_add(d, true, "set it to a number from 1 on, or unset it",
                              "OMP_NUM_THREADS is '%.60s', no number of threads, and is "
                              "ignored",
                              threads);
}

/* ---- the system -------------------------------------------------------------------- */

/* "48K" of /sys as bytes; sysconf() knows the caches only on some machines. */
static long long cache_bytes(int level)
{
    static const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE,
                                _SC_LEVEL3_CACHE_SIZE};
    static const int indexes[] = {0, 2, 3};
    long long bytes = sysconf(names[level]);
    char path[96];
    ofr_buf text;
    ofr_str size;
    if (bytes > 0) return bytes;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size",
             indexes[level]);
    ofr_buf_init(&text);
    if (ofr_file_read(&text, path, 4096, NULL) != OFR_OK) {
        ofr_buf_free(&text);
        return 0;
    }
    size = ofr_str_trim((ofr_str){text.p, text.n});
    if (size.n && size.p[size.n - 1] == 'K') size.n--;
    if (!ofr_str_to_int(size, &bytes)) bytes = 0;
    ofr_buf_free(&text);
    return bytes * 1024;
}

/* MemAvailable: free memory and what caches would give back; 0: not known. */
static long long available_bytes(void)
{
    char line[128];
    long long kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1) break;
    fclose(file);
    return kib * 1024;
}

static void find_system(ofr_doctor *d)
{
    long long page = sysconf(_SC_PAGESIZE);
    for (int level = 0; level < 3; level++)
        d->cache[level] = cache_bytes(level);
    d->online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    d->memory = sysconf(_SC_PHYS_PAGES) * page;
    d->memory_free = sysconf(_SC_AVPHYS_PAGES) * page;
    d->memory_available = available_bytes();
    if (d->memory_available > 0 && d->memory_available < MEMORY_NEEDED)
        ofr_doctor_remark_add(d, true, "end other programs, or take a smaller model",
                              "%lld MiB of memory can be had, models want at least %lld",
                              d->memory_available >> 20, MEMORY_NEEDED >> 20);
}

/* ---- files ---------------------------------------------------------------------------
 */

/* The first `name` on the PATH that may be executed; "" when there is none. */
static void find_program(char out[OFR_PATH_MAX], const char *name)
{
    const char *path = getenv("PATH");
    char folder[OFR_PATH_MAX];
    size_t n;
    for (const char *p = path ? path : ""; *p; p += p[n] ? n + 1 : n) {
        n = strcspn(p, ":");
        if (n == 0 || n >= sizeof folder) continue;
        memcpy(folder, p, n);
        folder[n] = '\0';
        if (ofr_file_join(out, folder, name, NULL) == OFR_OK && access(out, X_OK) == 0)
            return;
    }
    out[0] = '\0';
}

/* By doing it: the answer holds for full disks and read-only mounts too. */
static bool may_write(ofr_error *err)
{
    ofr_file_writer writer;
    if (ofr_file_writer_begin(&writer, "offramp-doctor", err) != OFR_OK) return false;
    ofr_file_writer_abort(&writer);
    return true;
}

static void find_files(ofr_doctor *d)
{
    static const char *const variables[OFR_DOCTOR_DATA] = {
        "OFFRAMP_DATA", "OFFRAMP_ORACLE", "OFFRAMP_VOCAB"};
    ofr_error err = {OFR_OK, ""};
    find_program(d->gnuplot, "gnuplot");
    if (!d->gnuplot[0])
        ofr_doctor_remark_add(d, false, "apt-get install gnuplot-nox",
                              "gnuplot is not installed; reports have tables only");
    if (ofr_default_model(d->model, NULL) != OFR_OK) {
        d->model[0] = '\0';
        ofr_doctor_remark_add(d, false,
                              "give train --model DIR; offramp init makes a model",
                              "the pretrained " OFR_DEFAULT_MODEL " is not installed");
    }
    if (!getcwd(d->folder, sizeof d->folder)) d->folder[0] = '\0';
    d->writable = may_write(&err);
    if (!d->writable)
        ofr_doctor_remark_add(d, true,
                              "change to a folder of your own, or name one "
                              "with --out",
                              "the current folder: %s", err.text);
    for (int i = 0; i < OFR_DOCTOR_DATA; i++) {
        d->data[i].variable = variables[i];
        d->data[i].path = getenv(variables[i]);
        d->data[i].found = d->data[i].path && ofr_file_is_dir(d->data[i].path);
        if (d->data[i].path && !d->data[i].found)
            ofr_doctor_remark_add(d, true, "correct the path, or unset the variable",
                                  "%s is '%.200s', which is no folder", variables[i],
                                  d->data[i].path);
    }
}

ofr_status ofr_doctor_find(ofr_doctor *d, int threads, ofr_error *err)
{
    memset(d, 0, sizeof *d);
    ofr_cpu_name(d->cpu);
    d->architecture = ARCHITECTURE;
    ofr_cpu_limits_find(&d->limits);
    d->threads = threads > 0 ? threads : d->limits.threads;
    check_environment(d);
    find_system(d);
    find_files(d);
    return find_kernels(d, err);
}
