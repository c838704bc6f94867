/* build_info.h - from what and how this program was built. */
#ifndef OFR_CLI_BUILD_INFO_H
#define OFR_CLI_BUILD_INFO_H

extern const char ofr_build_commit[];   /* "" outside a git tree */
extern const char ofr_build_type[];     /* "Release" */
extern const char ofr_build_compiler[]; /* "gcc 12.2.0" */

#endif
