/* build_info.h - from what and how this program was built. */
#ifndef OFR_CLI_BUILD_INFO_H
#define OFR_CLI_BUILD_INFO_H

extern const char ofr_build_commit[];   /* "" outside a git tree */
extern const char ofr_build_date[];     /* of the commit, else today: "2026-01-31" */
extern const char ofr_build_type[];     /* "Release" */
extern const char ofr_build_compiler[]; /* "gcc 12.2.0" */
extern const char ofr_build_blas[];     /* "openblas 0.3.21"; "": none */

/* What the build was asked for and found; "no" where it is left out. */
typedef struct ofr_build_option {
    const char *name, *value; /* name NULL ends the list */
} ofr_build_option;

extern const ofr_build_option ofr_build_options[];

#endif
