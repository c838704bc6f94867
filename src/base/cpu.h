/* cpu.h - what this process may use: instruction sets and processors. */
#ifndef OFR_BASE_CPU_H
#define OFR_BASE_CPU_H

enum {
    OFR_CPU_AVX2 = 1,   /* AVX2 and FMA and F16C, enabled by the system  */
    OFR_CPU_AVX512 = 2, /* AVX-512 F, BW, DQ, VL, enabled by the system  */
    OFR_CPU_AVX512VNNI = 4 /* the same and VNNI                          */
};

/* cpuid and xgetbv, then masked by the environment: OFR_CPU=scalar, avx2,
 * avx512 or avx512vnni is the highest set allowed.  Same answer for the whole run. */
unsigned ofr_cpu_features(void);

/* Processors in the affinity mask, lowered by the cgroup's cpu.max (rounded
 * up), then by OMP_NUM_THREADS; at least 1. */
int ofr_cpu_threads(void);

/* Model name from /proc/cpuinfo, or "unknown". */
void ofr_cpu_name(char out[128]);

#endif
