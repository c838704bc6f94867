/*
 * stop.h - Ctrl-C and SIGTERM as a flag, for verbs that have something to save.
 * SIGUSR1 likewise: batch systems send it as a warning, and mpirun passes it on; and
 * SIGHUP, when the terminal goes away, unless it was ignored (nohup).
 *
 * The first signal raises the flag; the second one ends the program at once.
 */
#ifndef OFR_CLI_STOP_H
#define OFR_CLI_STOP_H

#include <signal.h>

void ofr_stop_begin(void); /* from now on signals raise the flag    */
void ofr_stop_end(void);   /* and from now on they end the program  */
/* 0, or the number of the signal, which may be another rank's (train/train.h). */
volatile sig_atomic_t *ofr_stop_flag(void);

#endif
