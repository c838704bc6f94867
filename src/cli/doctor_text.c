/* doctor_text.c - what the doctor found, as a page and as JSON. */
#include <string.h>

#include "cli/build_info.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "report/jsonline.h"

/* ---- the page ---------------------------------------------------------------- */

static void add_build(ofr_buf *out)
{
    ofr_buf_addf(out, "version     offramp %s%s%s\n", ofr_version(),
                 ofr_build_commit[0] ? ", commit " : "", ofr_build_commit);
    ofr_buf_addf(out, "build       %s, %s\n", ofr_build_type, ofr_build_compiler);
    ofr_buf_adds(out, "options    ");
    for (const ofr_build_option *row = ofr_build_options; row->name; row++)
        ofr_buf_addf(out, "%s %s: %s", row == ofr_build_options ? "" : ",", row->name,
                     row->value);
    ofr_buf_adds(out, "\n");
}

static void add_sets(ofr_buf *out, const ofr_doctor *d)
{
    ofr_buf_adds(out, "built      ");
    for (int i = 0; i < OFR_DOCTOR_SETS; i++)
        if (d->sets[i].built) ofr_buf_addf(out, " %s", d->sets[i].name);
    ofr_buf_adds(out, "\nfound      ");
    for (int i = 1; i < OFR_DOCTOR_SETS; i++)
        if (d->sets[i].found) ofr_buf_addf(out, " %s", d->sets[i].name);
    if (!d->sets[1].found) ofr_buf_adds(out, " scalar only");
    ofr_buf_addf(out,
                 "\nkernels     %s (OFR_CPU=scalar|avx2|avx512|avx512vnni lowers it)\n",
                 d->kernels);
    ofr_buf_adds(out, "self-check ");
    for (int i = 0; i < OFR_DOCTOR_SETS; i++)
        if (d->sets[i].built && d->sets[i].found)
            ofr_buf_addf(out, "%s %s %s", i ? "," : "", d->sets[i].name,
                         d->sets[i].right ? "right" : "WRONG");
    ofr_buf_addf(out, "\npeak        %.1f GFLOP/s in f32 with %d thread%s\n",
                 d->peak_gflops, d->threads, d->threads == 1 ? "" : "s");
}

static void add_limit(ofr_buf *out, const char *name, int limit)
{
    if (limit > 0)
        ofr_buf_addf(out, ", %s %d", name, limit);
    else
        ofr_buf_addf(out, ", %s no limit", name);
}

static void add_threads(ofr_buf *out, const ofr_doctor *d)
{
    ofr_buf_addf(out, "threads     %d allowed of %d processors, by %s (affinity %d",
                 d->limits.threads, d->online, d->limits.decided_by, d->limits.affinity);
    add_limit(out, "cgroup", d->limits.cgroup);
    add_limit(out, "OMP_NUM_THREADS", d->limits.wish);
    ofr_buf_adds(out, ")\n");
}

static void add_memory(ofr_buf *out, const ofr_doctor *d)
{
    static const char *const names[] = {"L1d", "L2", "L3"};
    const double GiB = 1024.0 * 1024.0 * 1024.0;
    ofr_buf_adds(out, "caches    ");
    for (int level = 0; level < 3; level++) {
        if (d->cache[level] > 0)
            ofr_buf_addf(out, "  %s %lld KiB", names[level], d->cache[level] / 1024);
        else
            ofr_buf_addf(out, "  %s unknown", names[level]);
    }
    ofr_buf_addf(out, "\nmemory      %.1f GiB, %.1f GiB free, %.1f GiB can be had\n",
                 (double)d->memory / GiB, (double)d->memory_free / GiB,
                 (double)d->memory_available / GiB);
}

static void add_files(ofr_buf *out, const ofr_doctor *d)
{
    ofr_buf_addf(out, "model       %s\n", d->model[0] ? d->model : "none installed");
    ofr_buf_addf(out, "gnuplot     %s\n", d->gnuplot[0] ? d->gnuplot : "not found");
    for (int i = 0; i < OFR_DOCTOR_DATA; i++)
        ofr_buf_addf(out, "%-12s%s: %s%s\n", i ? "" : "data", d->data[i].variable,
                     d->data[i].path ? d->data[i].path : "not set",
                     d->data[i].path && !d->data[i].found ? " (not found)" : "");
    ofr_buf_addf(out, "folder      %s, %s\n", d->folder[0] ? d->folder : "gone",
                 d->writable ? "may be written" : "may not be written");
}

void ofr_doctor_text(ofr_buf *out, const ofr_doctor *d)
{
    add_build(out);
    ofr_buf_addf(out, "processor   %s (%s)\n", d->cpu, d->architecture);
    add_sets(out, d);
    add_threads(out, d);
    add_memory(out, d);
    if (d->blas.built)
        ofr_buf_addf(out, "blas        %s, %s, %s (OFR_CPU=blas)\n", ofr_build_blas,
                     d->blas.right ? "right" : "WRONG",
                     strcmp(d->kernels, "blas") == 0 ? "in use"
                                                     : "for processors without AVX2");
    else
        ofr_buf_adds(out, "blas        none (own kernels)\n");
    add_files(out, d);
    for (int i = 0; i < d->n_remarks; i++)
        ofr_buf_addf(out, "%-12s%s\n            next: %s\n",
                     d->remarks[i].problem ? "problem" : "note", d->remarks[i].text,
                     d->remarks[i].next);
}

/* ---- JSON ---------------------------------------------------------------------- */

static void json_program(ofr_buf *out)
{
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "version", ofr_version());
    ofr_jsonline_text(out, "commit", ofr_build_commit);
    ofr_jsonline_text(out, "build", ofr_build_type);
    ofr_jsonline_text(out, "compiler", ofr_build_compiler);
    ofr_jsonline_open(out, "build_options");
    for (const ofr_build_option *row = ofr_build_options; row->name; row++)
        ofr_jsonline_text(out, row->name, row->value);
    ofr_jsonline_close(out);
}

static void json_kernels(ofr_buf *out, const ofr_doctor *d)
{
    ofr_jsonline_text(out, "processor", d->cpu);
    ofr_jsonline_text(out, "architecture", d->architecture);
    for (int i = 1; i < OFR_DOCTOR_SETS; i++)
        ofr_jsonline_bool(out, d->sets[i].name, d->sets[i].allowed);
    ofr_jsonline_open(out, "instruction_sets");
    for (int i = 0; i < OFR_DOCTOR_SETS; i++) {
        const ofr_doctor_set *set = &d->sets[i];
        ofr_jsonline_open(out, set->name);
        ofr_jsonline_bool(out, "built", set->built);
        ofr_jsonline_bool(out, "found", set->found);
        ofr_jsonline_bool(out, "allowed", set->allowed);
        if (set->built && set->found) ofr_jsonline_bool(out, "right", set->right);
        ofr_jsonline_close(out);
    }
    ofr_jsonline_close(out);
    ofr_jsonline_text(out, "kernels", d->kernels);
    ofr_jsonline_real(out, "peak_gflops", d->peak_gflops);
}

static void json_machine(ofr_buf *out, const ofr_doctor *d)
{
    ofr_jsonline_int(out, "threads_allowed", d->limits.threads);
    ofr_jsonline_text(out, "threads_decided_by", d->limits.decided_by);
    ofr_jsonline_int(out, "threads_affinity", d->limits.affinity);
    ofr_jsonline_int(out, "threads_cgroup", d->limits.cgroup);
    ofr_jsonline_int(out, "threads_omp", d->limits.wish);
    ofr_jsonline_int(out, "processors_online", d->online);
    ofr_jsonline_int(out, "cache_l1d_bytes", d->cache[0]);
    ofr_jsonline_int(out, "cache_l2_bytes", d->cache[1]);
    ofr_jsonline_int(out, "cache_l3_bytes", d->cache[2]);
    ofr_jsonline_int(out, "memory_bytes", d->memory);
    ofr_jsonline_int(out, "memory_free_bytes", d->memory_free);
    ofr_jsonline_int(out, "memory_available_bytes", d->memory_available);
    ofr_jsonline_text(out, "blas", ofr_build_blas[0] ? ofr_build_blas : "none");
}

static void json_files(ofr_buf *out, const ofr_doctor *d)
{
    ofr_jsonline_text(out, "default_model", d->model[0] ? d->model : NULL);
    ofr_jsonline_text(out, "gnuplot", d->gnuplot[0] ? d->gnuplot : NULL);
    ofr_jsonline_open(out, "data");
    for (int i = 0; i < OFR_DOCTOR_DATA; i++)
        ofr_jsonline_text(out, d->data[i].variable, d->data[i].path);
    ofr_jsonline_close(out);
    ofr_jsonline_text(out, "folder", d->folder[0] ? d->folder : NULL);
    ofr_jsonline_bool(out, "folder_writable", d->writable);
}

void ofr_doctor_json(ofr_buf *out, const ofr_doctor *d)
{
    ofr_jsonline_open(out, NULL);
    json_program(out);
    json_kernels(out, d);
    json_machine(out, d);
    json_files(out, d);
    ofr_jsonline_int(out, "problems", d->n_problems);
    ofr_jsonline_key(out, "remarks");
    ofr_buf_adds(out, "[");
    for (int i = 0; i < d->n_remarks; i++) {
        ofr_jsonline_open(out, NULL);
        ofr_jsonline_bool(out, "problem", d->remarks[i].problem);
        ofr_jsonline_text(out, "text", d->remarks[i].text);
        ofr_jsonline_text(out, "next", d->remarks[i].next);
        ofr_jsonline_close(out);
    }
    ofr_buf_adds(out, "]");
    ofr_jsonline_end(out);
}
