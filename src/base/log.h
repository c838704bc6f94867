/*
 * log.h - the only place below cli/ that talks, and only to one sink.
 *
 * The sink is set by the program with ofr_log_set_sink() of include/offramp.h;
 * without one, nothing is printed.
 */
#ifndef OFR_BASE_LOG_H
#define OFR_BASE_LOG_H

#include "base/status.h"

void ofr_log(ofr_log_level level, const char *fmt, ...) OFR_PRINTF(2, 3);

#endif
