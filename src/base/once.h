/* once.h - something that is done once, whichever thread comes first. */
#ifndef OFR_BASE_ONCE_H
#define OFR_BASE_ONCE_H

#include <pthread.h>

/* static ofr_once once = OFR_ONCE; */
typedef pthread_once_t ofr_once;
#define OFR_ONCE PTHREAD_ONCE_INIT

/* When this returns, `act` has run to its end, here or in another thread. */
static inline void ofr_once_run(ofr_once *once, void (*act)(void))
{
    pthread_once(once, act);
}

#endif
