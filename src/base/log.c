/* log.c - one sink for what the library has to say; silent without one. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "base/status.h"

/* Set once by the program before it starts threads. */
static ofr_log_sink current_sink;
static void *current_user;

void ofr_log_set_sink(ofr_log_sink sink, void *user)
{
    current_sink = sink;
    current_user = user;
}

void ofr_log(ofr_log_level level, const char *fmt, ...)
{
    if (current_sink == NULL) return;
    char line[1024];
    ofr_c_locale locale;
    va_list args;
    va_start(args, fmt);
    ofr_c_locale_enter(&locale);
    vsnprintf(line, sizeof(line), fmt, args);
    ofr_c_locale_leave(&locale);
    va_end(args);
    ofr_make_one_line(line);
    current_sink(current_user, level, line);
}
