/* build_info.c - the only file that is built again when the commit changes. */
#include "cli/build_info.h"

#ifndef OFR_COMMIT
#define OFR_COMMIT ""
#endif
#ifndef OFR_BUILD_TYPE
#define OFR_BUILD_TYPE ""
#endif
#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

const char ofr_build_commit[] = OFR_COMMIT;
const char ofr_build_type[] = OFR_BUILD_TYPE;
const char ofr_build_compiler[] = COMPILER;
