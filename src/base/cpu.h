/* cpu.h - what this process may use: instruction sets and processors. */
#ifndef OFR_BASE_CPU_H
#define OFR_BASE_CPU_H

enum {
    OFR_CPU_AVX2 = 1,   /* AVX2 and FMA and F16C, enabled by the system  */
    OFR_CPU_AVX512 = 2, /* AVX-512 F, BW, DQ, VL, enabled by the system  */
    OFR_CPU_AVX512VNNI = 4, /* the same and VNNI                         */
    OFR_CPU_BLAS = 8 /* not of the processor: the build has -DOFR_BLAS=ON */
};

/* cpuid and xgetbv: what the processor has and the system lets us use; and BLAS. */
unsigned ofr_cpu_machine(void);

/* That, masked by the environment: OFR_CPU=scalar, avx2, avx512 or avx512vnni is
 * the highest set allowed; blas, where built, stands above scalar.  Same answer for
 * the whole run. */
unsigned ofr_cpu_features(void);

/* The value of OFR_CPU when it names no instruction set and is ignored; or NULL. */
const char *ofr_cpu_unknown_limit(void);

/* How many threads may run, and why. */
typedef struct ofr_cpu_limits {
    int affinity;           /* processors in the affinity mask                     */
    int cgroup;             /* by the cgroup's cpu.max, rounded up; 0: no limit    */
    int wish;               /* OMP_NUM_THREADS; 0: not set, or no number above 0   */
    int threads;            /* the least of them, at least 1                       */
    const char *decided_by; /* "the affinity mask", "the cgroup", "OMP_NUM_THREADS" */
} ofr_cpu_limits;

void ofr_cpu_limits_find(ofr_cpu_limits *limits);
int ofr_cpu_threads(void); /* limits.threads */

/* Model name from /proc/cpuinfo, or "unknown". */
void ofr_cpu_name(char out[128]);

#endif
