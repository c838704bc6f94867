/* peak.h - multiply-adds per second of one core, measured in registers. */
#ifndef OFR_BENCH_PEAK_H
#define OFR_BENCH_PEAK_H

/* Flops per second with the vectors of table `name` ("avx512", "avx2", else
 * 16-byte vectors): best of many short samples. */
double peak_flops(const char *name);

#endif
