/* build_info.c - the only file that is built again when the commit changes. */
#include "cli/build_info.h"

#include <stddef.h>

#ifndef OFR_COMMIT
#define OFR_COMMIT ""
#endif
#ifndef OFR_DATE
#define OFR_DATE ""
#endif
#ifndef OFR_BUILD_TYPE
#define OFR_BUILD_TYPE ""
#endif
#ifndef OFR_BUILD_MPI
#define OFR_BUILD_MPI "no"
#endif
#ifdef OFR_BUILD_BLAS
#define BLAS_OPTION OFR_BUILD_BLAS
#else
#define OFR_BUILD_BLAS ""
#define BLAS_OPTION "no (kernels of its own)"
#endif
#ifndef OFR_BUILD_SANITIZE
#define OFR_BUILD_SANITIZE "no"
#endif
#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

const char ofr_build_commit[] = OFR_COMMIT;
const char ofr_build_date[] = OFR_DATE;
const char ofr_build_type[] = OFR_BUILD_TYPE;
const char ofr_build_compiler[] = COMPILER;
const char ofr_build_blas[] = OFR_BUILD_BLAS;

const ofr_build_option ofr_build_options[] = {
    {"openmp", "no (threads of its own)"},
    {"blas", BLAS_OPTION},
    {"mpi", OFR_BUILD_MPI},
    {"cuda", "no"},
    {"sanitizers", OFR_BUILD_SANITIZE},
    {NULL, NULL},
};
