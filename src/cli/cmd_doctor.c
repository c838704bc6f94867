/* cmd_doctor.c - `offramp doctor`: what the program found on this machine. */
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "cli/build_info.h"
#include "cli/cmd.h"
#include "kernels/ops.h"
#include "report/jsonline.h"

#if defined(__x86_64__)
#define PROCESSOR "x86_64"
#elif defined(__aarch64__)
#define PROCESSOR "aarch64"
#else
#define PROCESSOR "other"
#endif

typedef struct options {
    ofr_cmd_common common;
} options;

static const ofr_opt rows[] = {
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

/* Everything that is shown, gathered first so that text and JSON agree. */
typedef struct findings {
    char cpu[128];
    bool avx2, avx512, avx512vnni;
    ofr_ops ops;
    int threads, online;
    long long cache[3]; /* bytes of the first processor's L1 data, L2, L3; 0: unknown */
    long long memory, memory_free, page;
} findings;

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

static findings find(void)
{
    findings f;
    unsigned features = ofr_cpu_features();
    memset(&f, 0, sizeof f);
    ofr_cpu_name(f.cpu);
    f.avx2 = features & OFR_CPU_AVX2;
    f.avx512 = features & OFR_CPU_AVX512;
    f.avx512vnni = features & OFR_CPU_AVX512VNNI;
    f.ops = ofr_ops_select(features);
    f.threads = ofr_cpu_threads();
    f.online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (int level = 0; level < 3; level++)
        f.cache[level] = cache_bytes(level);
    f.page = sysconf(_SC_PAGESIZE);
    f.memory = sysconf(_SC_PHYS_PAGES) * f.page;
    f.memory_free = sysconf(_SC_AVPHYS_PAGES) * f.page;
    return f;
}

static void add_json(ofr_buf *out, const findings *f)
{
    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "version", ofr_version());
    ofr_jsonline_text(out, "commit", ofr_build_commit);
    ofr_jsonline_text(out, "build", ofr_build_type);
    ofr_jsonline_text(out, "compiler", ofr_build_compiler);
    ofr_jsonline_text(out, "processor", f->cpu);
    ofr_jsonline_text(out, "architecture", PROCESSOR);
    ofr_jsonline_bool(out, "avx2", f->avx2);
    ofr_jsonline_bool(out, "avx512", f->avx512);
    ofr_jsonline_bool(out, "avx512vnni", f->avx512vnni);
    ofr_jsonline_text(out, "kernels", f->ops.name);
    ofr_jsonline_int(out, "threads_allowed", f->threads);
    ofr_jsonline_int(out, "processors_online", f->online);
    ofr_jsonline_int(out, "cache_l1d_bytes", f->cache[0]);
    ofr_jsonline_int(out, "cache_l2_bytes", f->cache[1]);
    ofr_jsonline_int(out, "cache_l3_bytes", f->cache[2]);
    ofr_jsonline_int(out, "memory_bytes", f->memory);
    ofr_jsonline_int(out, "memory_free_bytes", f->memory_free);
    ofr_jsonline_text(out, "blas", "none");
    ofr_jsonline_end(out);
}

static void add_cache(ofr_buf *out, const char *name, long long bytes)
{
    if (bytes > 0)
        ofr_buf_addf(out, "  %s %lld KiB", name, bytes / 1024);
    else
        ofr_buf_addf(out, "  %s unknown", name);
}

static void add_text(ofr_buf *out, const findings *f)
{
    double GiB = 1024.0 * 1024.0 * 1024.0;
    ofr_buf_addf(out, "version     offramp %s%s%s\n", ofr_version(),
                 ofr_build_commit[0] ? ", commit " : "", ofr_build_commit);
    ofr_buf_addf(out, "build       %s, %s\n", ofr_build_type, ofr_build_compiler);
    ofr_buf_addf(out, "processor   %s (%s)\n", f->cpu, PROCESSOR);
    ofr_buf_addf(out, "found       %s%s%s%s\n", f->avx2 ? "avx2 " : "",
                 f->avx512 ? "avx512 " : "", f->avx512vnni ? "avx512vnni " : "",
                 f->avx2 || f->avx512 ? "" : "scalar only");
    ofr_buf_addf(out,
                 "kernels     %s (OFR_CPU=scalar|avx2|avx512|avx512vnni lowers it)\n",
                 f->ops.name);
    ofr_buf_addf(out, "threads     %d allowed of %d processors\n", f->threads, f->online);
    ofr_buf_adds(out, "caches    ");
    add_cache(out, "L1d", f->cache[0]);
    add_cache(out, "L2", f->cache[1]);
    add_cache(out, "L3", f->cache[2]);
    ofr_buf_addf(out, "\nmemory      %.1f GiB, %.1f GiB free\n", (double)f->memory / GiB,
                 (double)f->memory_free / GiB);
    ofr_buf_adds(out, "blas        none (own kernels)\n");
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    findings f;
    ofr_buf out;
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    f = find();
    ofr_buf_init(&out);
    if (o->common.json)
        add_json(&out, &f);
    else
        add_text(&out, &f);
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

const ofr_cmd ofr_cmd_doctor = {
    .name = "doctor",
    .summary = "Show version, processor, instruction sets, threads and memory",
    .usage = "[--json]",
    .example = "  offramp doctor",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
