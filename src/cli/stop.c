/* stop.c - the flag that signals raise. */
#include "cli/stop.h"

/* A signal handler has no arguments: the one place for a variable of a file. */
static volatile sig_atomic_t stop_flag;

static void on_signal(int number)
{
    stop_flag = number;
    ofr_stop_end();
}

void ofr_stop_begin(void)
{
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGUSR1, on_signal);
    /* The terminal went away; nohup(1) has told us not to mind. */
    if (signal(SIGHUP, on_signal) == SIG_IGN) signal(SIGHUP, SIG_IGN);
}

void ofr_stop_end(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    if (signal(SIGHUP, SIG_DFL) == SIG_IGN) signal(SIGHUP, SIG_IGN);
}

volatile sig_atomic_t *ofr_stop_flag(void)
{
    return &stop_flag;
}
