/*
 * launch.h - was this process started as one of several ranks?
 *
 * Launchers say so in the environment, which is looked at first: a program that was
 * started alone never initialises MPI.
 */
#ifndef OFR_CLI_LAUNCH_H
#define OFR_CLI_LAUNCH_H

#include <stdbool.h>

#include "train/comm.h"

/* *comm = the ranks of this run; ofr_comm_self when there is one.  OFR_INVALID: a
 * launcher started several, and they do not find each other; or `verb` has no use for
 * more than one (can_share false). */
ofr_status ofr_launch_open(const ofr_comm **comm, const char *verb, bool can_share,
                           ofr_error *err);

/* Before the verb's success is believed: all ranks have come to their end. */
ofr_status ofr_launch_meet(const ofr_comm *comm, ofr_error *err);

/* Last of all, with what main() is about to return.  Does not return when a rank of
 * several failed. */
void ofr_launch_close(const ofr_comm *comm, const ofr_error *err, int code);

#endif
