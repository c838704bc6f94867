/*
 * countdown.h - a function for a run's progress that counts its calls: at a chosen one
 * the flag rises, as for a signal, and whatever else is wanted happens.
 */
#ifndef OFR_TESTS_COUNTDOWN_H
#define OFR_TESTS_COUNTDOWN_H

#include <signal.h>

typedef struct countdown {
    volatile sig_atomic_t flag;
    int left;              /* calls until then; below 1: never */
    void (*then)(void *p); /* NULL: the flag is all */
    void *p;
} countdown;

static inline void countdown_call(void *user, const char *label, long long done,
                                  long long total, const char *note)
{
    countdown *c = user;

    (void)label;
    (void)done;
    (void)total;
    (void)note;
    if (c->left < 1 || --c->left > 0) return;
    c->flag = 1;
    if (c->then) c->then(c->p);
}

#endif
