/*
 * doctor.h - what `offramp doctor` finds out about the program and the machine.
 *
 * Everything is gathered first, so that the page and the JSON say the same.  What
 * would make a verb fail is a problem; what merely is not there is a note.  Both name
 * the next step.
 */
#ifndef OFR_CLI_DOCTOR_H
#define OFR_CLI_DOCTOR_H

#include "base/cpu.h"
#include "base/file.h"
#include "base/str.h"
#include "kernels/dev.h"

enum { OFR_DOCTOR_SETS = 4, OFR_DOCTOR_DATA = 3, OFR_DOCTOR_REMARKS = 24 };

/* An instruction set: in this program, on this machine, allowed by OFR_CPU, and
 * whether its products are right (where it may be used). */
typedef struct ofr_doctor_set {
    const char *name;
    bool built, found, allowed, right;
} ofr_doctor_set;

typedef struct ofr_doctor_remark {
    bool problem;
    char text[400], next[200];
} ofr_doctor_remark;

typedef struct ofr_doctor {
    char cpu[128];
    const char *architecture;
    ofr_doctor_set sets[OFR_DOCTOR_SETS]; /* the plain one first */
    ofr_doctor_set blas;                  /* no instruction set, but found alike */
    const char *kernels;                  /* the table in use    */
    double peak_gflops;
    ofr_cpu_limits limits;
    int threads, online; /* in use; processors of the machine      */
    long long cache[3];  /* bytes of L1 data, L2, L3; 0: unknown   */
    long long memory, memory_free, memory_available;
    char model[OFR_PATH_MAX];   /* the default model; "": none            */
    char gnuplot[OFR_PATH_MAX]; /* "": not installed                      */
    char folder[OFR_PATH_MAX];  /* the current one; "": gone              */
    bool writable;
    struct {
        const char *variable, *path; /* path NULL: not set                     */
        bool found;
    } data[OFR_DOCTOR_DATA];
    ofr_doctor_remark remarks[OFR_DOCTOR_REMARKS];
    int n_remarks, n_problems;
} ofr_doctor;

/* threads 0: all allowed. */
ofr_status ofr_doctor_find(ofr_doctor *doctor, int threads, ofr_error *err);

/* Are products by `ops` in every precision those of the plainest loops? */
ofr_status ofr_doctor_check(bool *right, const ofr_ops *ops, ofr_error *err);

void ofr_doctor_remark_add(ofr_doctor *doctor, bool problem, const char *next,
                           const char *format, ...) OFR_PRINTF(4, 5);

void ofr_doctor_text(ofr_buf *out, const ofr_doctor *doctor);
void ofr_doctor_json(ofr_buf *out, const ofr_doctor *doctor);

#endif
