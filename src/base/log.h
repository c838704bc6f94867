/*
 * log.h - the only place below cli/ that talks, and only to one sink.
 *
 * The sink is set by the program; without one, nothing is printed.
 */
#ifndef OFR_BASE_LOG_H
#define OFR_BASE_LOG_H

#include "base/status.h"

typedef enum ofr_log_level { OFR_LOG_DEBUG, OFR_LOG_INFO, OFR_LOG_WARN } ofr_log_level;

typedef void (*ofr_log_sink)(void *user, ofr_log_level level, const char *line);

void ofr_log_set_sink(ofr_log_sink sink, void *user);
void ofr_log(ofr_log_level level, const char *fmt, ...) OFR_PRINTF(2, 3);

#endif
