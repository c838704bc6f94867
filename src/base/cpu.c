/* cpu.c - instruction sets and processors that this process may use. */
#include "base/cpu.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#if defined(OFR_BLAS)
enum { BLAS = OFR_CPU_BLAS };
#else
enum { BLAS = 0 };
#endif

#if defined(__x86_64__)
#include <cpuid.h>

/* Register sets that the system saves on a switch: XCR0. */
static unsigned enabled_by_system(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static unsigned instruction_sets(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const unsigned want = fma | osxsave | avx | f16c;
    if ((c & want) != want) return 0;
    unsigned xcr0 = enabled_by_system();
    if ((xcr0 & 0x6) != 0x6) return 0; /* xmm and ymm */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if ((b & (1u << 5)) == 0) return 0;
    unsigned features = OFR_CPU_AVX2;
    const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F DQ BW VL */
    if ((b & avx512) != avx512 || (xcr0 & 0xe6) != 0xe6) return features;
    features |= OFR_CPU_AVX512;
    if (c & (1u << 11)) features |= OFR_CPU_AVX512VNNI;
    return features;
}
#else
static unsigned instruction_sets(void)
{
    return 0;
}
#endif

/* What OFR_CPU may say, and which instruction sets that leaves. */
static const struct {
    const char *name;
    unsigned allowed;
} limits_by_name[] = {
    {"scalar", 0},
    {"avx2", BLAS | OFR_CPU_AVX2},
    {"avx512", BLAS | OFR_CPU_AVX2 | OFR_CPU_AVX512},
    {"avx512vnni", ~0u},
    {"blas", BLAS}, /* the last: not without one */
};

enum { LIMITS = sizeof limits_by_name / sizeof *limits_by_name - (BLAS ? 0 : 1) };

unsigned ofr_cpu_machine(void)
{
    return instruction_sets() | BLAS;
}

/* The row of OFR_CPU's value; *limit is the value, NULL where there is none. */
static int find_limit(const char **limit)
{
    *limit = getenv("OFR_CPU");
    if (*limit && !(*limit)[0]) *limit = NULL;
    for (int i = 0; *limit && i < LIMITS; i++)
        if (strcmp(*limit, limits_by_name[i].name) == 0) return i;
    return -1;
}

unsigned ofr_cpu_features(void)
{
    const char *limit;
    const int i = find_limit(&limit);
    return i < 0 ? ofr_cpu_machine() : ofr_cpu_machine() & limits_by_name[i].allowed;
}

const char *ofr_cpu_unknown_limit(void)
{
    const char *limit;
    return find_limit(&limit) < 0 ? limit : NULL;
}

/* Processors in the affinity mask; grows the mask until the kernel accepts it. */
static int affinity_count(void)
{
    for (int n = 1024; n <= 1 << 20; n *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)n);
        if (set == NULL) return 1;
        size_t bytes = CPU_ALLOC_SIZE((size_t)n);
        int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return 1;
}

/* First line of a small file; false when it cannot be read. */
static bool first_line(char *out, size_t size, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    bool ok = fgets(out, (int)size, file) != NULL;
    fclose(file);
    return ok;
}

/* Processors, rounded up, that "QUOTA PERIOD" allows; 0: no limit. */
static int quota_count(const char *text)
{
    double quota, period;
    if (sscanf(text, "%lf %lf", &quota, &period) != 2) return 0; /* "max 100000" */
    if (!(quota > 0) || !(period > 0)) return 0;
    double count = quota / period;
    if (count > 1e6) return 0;
    return (int)count + (count > (int)count);
}

/* The tightest cpu.max between this process's group and the root. */
static int cgroup_count(void)
{
    char line[1024] = "", path[1024 + 64], text[128];
    char *group = line;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL) return 0;
    bool found = false;
    while (!found && fgets(line, sizeof(line), file) != NULL)
        found = strncmp(line, "0::/", 4) == 0;
    fclose(file);
    if (!found) return 0;
    group = line + 3;
    group[strcspn(group, "\n")] = '\0';
    int tightest = 0;
    for (;;) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", group);
        int count = first_line(text, sizeof(text), path) ? quota_count(text) : 0;
        if (count > 0 && (tightest == 0 || count < tightest)) tightest = count;
        char *slash = strrchr(group, '/');
        if (slash == NULL) return tightest;
        *slash = '\0';
    }
}

void ofr_cpu_limits_find(ofr_cpu_limits *limits)
{
    const char *wish = getenv("OMP_NUM_THREADS"); /* "4" or a list "4,2" */
    long n_wish = wish != NULL ? strtol(wish, NULL, 10) : 0;
    limits->affinity = affinity_count();
    limits->cgroup = cgroup_count();
    limits->wish = n_wish > INT_MAX ? INT_MAX : n_wish > 0 ? (int)n_wish : 0;
    limits->threads = limits->affinity;
    limits->decided_by = "the affinity mask";
    if (limits->cgroup > 0 && limits->cgroup < limits->threads) {
        limits->threads = limits->cgroup;
        limits->decided_by = "the cgroup";
    }
    if (limits->wish > 0 && limits->wish < limits->threads) {
        limits->threads = limits->wish;
        limits->decided_by = "OMP_NUM_THREADS";
    }
}

int ofr_cpu_threads(void)
{
    ofr_cpu_limits limits;
    ofr_cpu_limits_find(&limits);
    return limits.threads;
}

void ofr_cpu_name(char out[128])
{
    char line[512];
    strcpy(out, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL) return;
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
        ofr_str name = ofr_str_trim(ofr_str_of(colon + 1));
        if (name.n > 0) snprintf(out, 128, "%.*s", (int)name.n, name.p);
        break;
    }
    fclose(file);
}
